"""A network's outputs as the labels of a transparent one, and what is lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from cisgram.core import config, files
from cisgram.core.config import Options
from cisgram.core.errors import InputError
from cisgram.core.lock import only_one
from cisgram.core.run import Run, job_of
from cisgram.core.seeds import derive, generator
from cisgram.data import Dataset, Prepared, TrainingData
from cisgram.models import Card, build, load, predict, read_card
from cisgram.models.probe import core
from cisgram.models.zoo.explainn import ExplaiNN
from cisgram.models.zoo.kmer import Kmer
from cisgram.models.zoo.pwm import PWM
from cisgram.seq import shuffle_codes
from cisgram.steps.first_filters import record_filters
from cisgram.steps.settings import Settings, defaults_of_settings, resolve, settings_of
from cisgram.steps.train import (
    FREE,
    Progress,
    _train_member,
    _write_data,
    chosen_device,
    data_of,
    evaluate_run,
    input_files,
    make_card,
    member_outputs,
)
from cisgram.train import check_choice, metrics

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Codes = NDArray[np.uint8]
CHANGED = 0.1  # share of a mutant's letters that are drawn anew
SCORES = {"classification": ("auroc", "auprc"), "regression": ("pearson", "spearman")}


class DistillOptions(Options):
    """What a student is shown, beside the teacher's training sequences.

    Attributes
    ----------
    shuffles
        Dinucleotide shuffles of each.
    mutants
        Copies of each in which a tenth of the letters are drawn anew.
    """

    shuffles: int = Field(default=1, ge=0, le=100)
    mutants: int = Field(default=1, ge=0, le=100)


def student_settings(
    teacher: Run, groups: Mapping[str, Mapping[str, Any]], *, overrides: tuple[str, ...] = ()
) -> Settings:
    """Settings of a student: the data of the teacher's run, its seed, a model and training anew.

    Parameters
    ----------
    teacher
        A trained run.
    groups
        ``model`` and ``train``, as in `resolve`.
    overrides
        ``group.name=value``; none of data, which are the teacher's.

    Raises
    ------
    InputError
        When the teacher is no run, or a setting is wrong.
    """
    of = settings_of(teacher)
    for setting in overrides:
        if setting.startswith("data."):
            msg = f"A student reads the data of its teacher; {setting} cannot be set."
            raise InputError(msg)
    own = {"train": {"seed": of.train.seed} | dict(groups.get("train", {}))}
    rest = {"data": of.data.model_dump(), "explain": of.explain.model_dump()}
    rest["motifs"] = of.motifs.model_dump()
    settings = resolve({**rest, "model": groups["model"], **own}, overrides=overrides)
    if settings.train.seed != of.train.seed:
        msg = (
            f"A student keeps its teacher's seed, {of.train.seed}, because the held-out sequences "
            f"follow from it; got {settings.train.seed}."
        )
        raise InputError(msg)
    return settings


def distill_run(
    teacher: Run,
    run: Run,
    settings: Settings,
    *,
    options: DistillOptions | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Fit the settings' model to the outputs of a trained run; accuracy against fidelity.

    The student is trained by the loop that trains everything, on squared differences from the
    teacher's outputs (logits of a classification) for the training sequences, their negatives, and
    shuffles and mutants of both, which no label is known of. The epoch is the one whose outputs
    correlate best with the teacher's on the validation set. ``RUN`` is then a run like any other.

    Parameters
    ----------
    teacher
        A trained run; the mean of its members is followed.
    run
        Folder of the student; a killed job goes on there.
    settings
        Of `student_settings`.
    options
        What the student is shown.
    device
        ``auto``, ``cpu`` or ``cuda``.
    progress
        Called after every epoch with the member's number and its state.
    say
        Called with a word on what is being done.

    Returns
    -------
    DataFrame
        ``RUN/distill.tsv``, rows ``teacher`` and ``student``: ``model``, ``auroc`` and ``auprc``
        (``pearson`` and ``spearman`` of measured values) on the labels of the test set (without
        one, of the validation set), ``fidelity`` (Pearson's r with the teacher's outputs, mean
        over outputs) and ``fidelity_rank`` (Spearman's), ``parameters``, and ``terms``: numbers
        whose weighted sum the output is (units, words or motifs; none where it is no such sum).

    Raises
    ------
    InputError
        When the teacher is not trained, the loss is not the squared one, or the folder holds
        another job.

    References
    ----------
    Ba and Caruana 2014, NeurIPS, arXiv:1312.6184 (regression on logits); Hinton et al. 2015,
    arXiv:1503.02531.
    """
    options = options or DistillOptions()
    where = chosen_device(device)
    if settings.train.loss not in ("auto", "mse"):
        msg = f"A student follows outputs by squared differences; train.loss={settings.train.loss}."
        raise InputError(msg)
    job = job_of(settings.model_dump(mode="json"), inputs=input_files(settings))
    asked = _asked(teacher, options)
    _check_same(run, job, asked)
    say("reading the data")
    data = data_of(teacher)
    if data.task not in SCORES:
        msg = (
            f"Distillation compares {' and '.join(SCORES)}; the teacher's task is {data.task}. "
            "Train the transparent network on the labels themselves."
        )
        raise InputError(msg)
    card = make_card(settings, data)
    say("asking the teacher")
    model = load(teacher).to(where)
    both = read_card(teacher.member(0)).strands == "both"
    shown = _shown(model, data, options, seed=settings.train.seed, both=both)
    check_choice(settings.train, shown.valid, shown.task)
    with only_one(run.path):
        if not run.toml.is_file():
            config.write_toml(run.path / "distill.toml", asked)
            run.record(job)
        _write_data(run, data)
        record_filters(run, settings.model, card, seed=settings.train.seed)
        for member in range(settings.train.seeds):
            say(f"training the student ({settings.model.name})")
            _train_member(
                run, settings, shown, card, member=member, device=device, progress=progress
            )
        evaluate_run(run, data, settings)
        table = _compared(teacher, run, data, (read_card(teacher.member(0)), card))
        run.write_table("distill.tsv", table)
    return table


def _asked(teacher: Run, options: DistillOptions) -> dict[str, Any]:
    """What makes two distillations the same, beside their settings."""
    if not teacher.members():
        msg = f"{teacher.path} holds no trained model; train it first."
        raise InputError(msg)
    weights = {m.name: files.sha256(m / "weights.safetensors") for m in teacher.members()}
    return {"teacher": {"run": str(teacher.path), "weights": weights}, **options.model_dump()}


def _check_same(run: Run, job: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    path = run.path / "distill.toml"
    if not path.is_file():
        run.holds(job, free=FREE, defaults=defaults_of_settings())
        if run.toml.is_file():
            msg = f"{run.path} holds a run that was not distilled. Choose another folder with -o."
            raise InputError(msg)
        return
    before = config.read_toml(path)
    same = before["teacher"]["weights"] == asked["teacher"]["weights"]
    if not same or any(before[k] != asked[k] for k in DistillOptions.model_fields):
        msg = (
            f"{run.path} was distilled from another teacher, or from other sequences. Choose "
            "another folder with -o, or delete this one."
        )
        raise InputError(msg)
    if run.toml.is_file():  # else: killed before it was written
        run.holds(job, free=FREE, defaults=defaults_of_settings())


def _shown(
    teacher: nn.Module, data: Prepared, options: DistillOptions, *, seed: int, both: bool
) -> Prepared:
    """The data with the teacher's outputs as labels."""
    plain = replace(data.train, reverse_complement=False, max_shift=0)
    codes, _ = plain.epoch(0, seed=seed, shuffle=False)
    parts = [codes]
    if options.shuffles:
        many = shuffle_codes(codes, k=2, n=options.shuffles, seed=derive(seed, "distill"))
        parts.append(many.reshape(-1, codes.shape[1]))
    if options.mutants:
        parts.append(mutated(np.repeat(codes, options.mutants, axis=0), seed=seed))
    every = np.concatenate(parts)

    def labeled(names: list[str], letters: Codes) -> Dataset:
        y = predict(teacher, letters).numpy().astype(np.float32)
        return Dataset(names, letters, y, data.valid.outputs)

    train = TrainingData(
        labeled([str(i) for i in range(len(every))], every), reverse_complement=both
    )
    valid = labeled(data.valid.names, np.asarray(data.valid.codes))
    return replace(data, train=train, valid=valid, task="regression")


def mutated(codes: Codes, *, seed: int) -> Codes:
    """Copies in which each known letter is drawn anew with probability 0.1.

    Examples
    --------
    >>> letters = np.zeros((50, 100), np.uint8)
    >>> round(float((mutated(letters, seed=0) > 0).mean()), 2)  # 3 of 4 draws differ
    0.08
    """
    random = generator(seed, "mutants")
    drawn = random.integers(0, 4, codes.shape).astype(np.uint8)
    changes = (random.random(codes.shape) < CHANGED) & (codes < 4)
    return np.where(changes, drawn, codes)


def _compared(teacher: Run, student: Run, data: Prepared, cards: tuple[Card, Card]) -> pd.DataFrame:
    import pandas as pd

    part = data.test if data.test is not None else data.valid
    first, second = SCORES[data.task]
    followed: Array | None = None
    rows = []
    for role, run, card in zip(("teacher", "student"), (teacher, student), cards, strict=True):
        out = member_outputs(run, part).mean(0)
        followed = out if followed is None else followed
        found = metrics.evaluate(
            part.y.astype(np.float64), out, outputs=part.outputs, task=data.task, intervals=False
        )
        alike = [
            (metrics.pearson(a, b), metrics.spearman(a, b))
            for a, b in zip(followed.T, out.T, strict=True)
        ]
        rows.append(
            {
                "role": role,
                "model": card.name,
                first: found[first],
                second: found[second],
                "fidelity": float(np.mean([r for r, _ in alike])),
                "fidelity_rank": float(np.mean([r for _, r in alike])),
                "parameters": sum(p.numel() for p in build(card).parameters()),
                "terms": terms_of(load(run)),
            }
        )
    table = pd.DataFrame(rows)
    return table.astype({"terms": "Int64"})


def terms_of(model: nn.Module) -> int | None:
    """Numbers whose weighted sum a transparent network's output is; None for any other network.

    Examples
    --------
    >>> from cisgram.models import create
    >>> [terms_of(create(name)) for name in ("explainn", "kmer", "pwm", "deepbind")]
    [100, 2080, 16, None]
    """
    net = core(model)
    if isinstance(net, ExplaiNN):
        pairs = net.unit_head.pairs
        return net.unit_head.weights.shape[1] + (0 if pairs is None else pairs.weight.shape[1])
    return net.head.in_features if isinstance(net, Kmer | PWM) else None
