"""The training step of a run: data, ensemble members, honest scores, all as files."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core import files
from cisgram.core.errors import CisgramError, InputError
from cisgram.core.lock import only_one
from cisgram.core.run import Run, job_of
from cisgram.core.seeds import derive
from cisgram.core.work import noted
from cisgram.data import (
    Dataset,
    Prepared,
    TrainingData,
    folds_of,
    is_labeled,
    prepare,
    track_name,
)
from cisgram.data.source import PROFILES
from cisgram.models import Card, build, load, predict, release_motifs, save
from cisgram.report.start import START
from cisgram.steps.bias import bias_file, put_bias, with_bias
from cisgram.steps.first_filters import motif_file, record_filters, start_filters
from cisgram.steps.history import history_name, kept_loss, write_history
from cisgram.steps.inputs import for_model, shapes_of, told_apart
from cisgram.steps.profile_scores import profile_metrics
from cisgram.steps.settings import Settings, defaults_of_settings, settings_of
from cisgram.steps.start import Start, begin, start_table, weights_file
from cisgram.train import State, check_regime, fit_in_stages, metrics, scores_of
from cisgram.train.calibrate import Calibrator, calibrator
from cisgram.train.profiles import start_counts

Array = NDArray[np.float64]
Progress = Callable[[int, State], None]
CALIBRATION = "calibration.json"
FREE = ("explain", "motifs")  # settings that may change on a trained run: the newest win


@noted("training")
def train_run(
    run: Run,
    settings: Settings,
    *,
    device: str = "auto",
    prepared: Prepared | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train what the settings ask for and write it into the run; resumes a run begun before.

    Parameters
    ----------
    run
        A new folder, or one in which the same job was begun.
    settings
        Data, model, training.
    device
        ``auto``, ``cpu`` or ``cuda``.
    prepared
        Data that were prepared from these settings already.
    progress
        Called after every epoch with the member's number and its state.

    Returns
    -------
    dict
        The content of ``metrics.json``; empty in the further processes of one job.

    Raises
    ------
    InputError
        When files or settings are wrong, or the folder holds another run.
    """
    job = job_of(settings.model_dump(mode="json"), inputs=input_files(settings))
    defaults = defaults_of_settings()
    holds = run.holds(job, free=FREE, defaults=defaults)
    if holds and _is_first():
        run.renew(job, free=FREE)
    if holds and (run.path / "metrics.json").is_file():
        found: dict[str, Any] = files.read_json(run.path / "metrics.json")
        return found
    data = prepared or prepare(settings.data, seed=settings.train.seed)
    data = for_model(data, settings.model.name)
    card = make_card(settings, data)
    check_regime(settings.train, data.train, valid=data.valid, task=data.task)
    _check_folds(settings)
    _new_model(settings, card, seed=0)  # what is wrong with it is said before anything is written
    with only_one(run.path) if _is_first() else nullcontext():
        if _is_first():
            if not run.holds(job, free=FREE, defaults=defaults):
                run.record(job)
            _write_data(run, data)
            record_filters(run, settings.model, card, seed=settings.train.seed)
        for member in range(settings.train.seeds):
            _train_member(
                run, settings, data, card, member=member, device=device, progress=progress
            )
        return evaluate_run(run, data, settings) if _is_first() else {}


def _is_first() -> bool:
    """False in the further processes of one job (torchrun, accelerate launch): they only train."""
    return os.environ.get("RANK", "0") == "0"


def make_card(settings: Settings, data: Prepared) -> Card:
    """What describes the model of these settings and data."""
    return Card(
        name=settings.model.name,
        options=with_bias(settings, data.valid),
        length=data.valid.length,
        outputs=data.valid.outputs,
        task=data.task,
        strands="both" if settings.data.reverse_complement else "given",
        fields=shapes_of(data.valid),
        profile=() if data.valid.profile is None else data.valid.profile.shape,
    )


def evaluate_run(
    run: Run, data: Prepared, settings: Settings, *, device: str = "cpu"
) -> dict[str, Any]:
    """Score the run's model on validation and test sets; write predictions and metrics.

    Raises
    ------
    InputError
        When a member of the ensemble is not trained yet.
    """
    import pandas as pd

    members, wanted = len(run.members()), settings.train.seeds
    if members < wanted:
        msg = (
            f"{run.path} is not trained to its end: {members} of {wanted} models are there. Run "
            "the same training command again; it goes on where it stopped."
        )
        raise InputError(msg)
    found: dict[str, Any] = {}
    losses = [kept_loss(run, member, settings) for member in range(wanted)]
    known = [loss for loss in losses if loss is not None]
    if known:
        found["train"] = {"n": len(data.train), "loss": float(np.mean(known))}
    thresholds: list[float] | None = None
    fitted: Calibrator | None = None
    tables = []
    for name, part in (("valid", data.valid), ("test", data.test)):
        if part is None:
            continue
        outputs = member_outputs(run, part, device=device)
        if data.task == "profile":
            found[name] = profile_metrics(run, part, data, where=chosen_device(device))
            tables.append(prediction_table(part, outputs, name, data.task))
            continue
        y, mean = part.y.astype(np.float64), outputs.mean(0)
        if name == "valid" and settings.train.calibrate != "none":
            method = settings.train.calibrate
            fitted = calibrator(y, mean, method=method, task=data.task, outputs=part.outputs)
            files.write_json(run.path / CALIBRATION, fitted.to_json())
        found[name] = metrics.evaluate(
            y,
            mean,
            outputs=part.outputs,
            task=data.task,
            probabilities=None if fitted is None else metrics.sigmoid(fitted(mean)),
            thresholds=thresholds,
            seed=settings.train.seed,
        )
        if thresholds is None and data.task == "classification":
            thresholds = [o["threshold"] for o in found[name]["per_output"]]
        tables.append(prediction_table(part, outputs, name, data.task, calibrated=fitted))
    run.write_table("predictions.tsv", pd.concat(tables, ignore_index=True))
    files.write_json(run.path / "metrics.json", found)
    return found


def member_outputs(run: Run, data: Dataset, *, device: str = "cpu") -> Array:
    """(members, n, t) outputs of each member of a run."""
    where = chosen_device(device)
    models = (load(f).to(where) for f in run.members())
    every = [predict(model, data.codes, fields=data.fields).numpy() for model in models]
    return np.stack(every).astype(np.float64)


def chosen_device(device: str) -> torch.device:
    """The device of ``auto``, ``cpu`` or ``cuda``; `InputError` where it is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        msg = f"device must be auto, cpu, or cuda where there is one; got {device!r}."
        raise InputError(msg)
    return torch.device(device)


def calibrator_of(run: Run) -> Calibrator | None:
    """The map of a run's outputs to calibrated probabilities; ``None`` without one."""
    path = run.path / CALIBRATION
    return Calibrator.from_json(files.read_json(path)) if path.is_file() else None


def probabilities_of(run: Run, out: Array, task: str) -> Array:
    """(n, t) probabilities of a positive for a run's outputs, calibrated where the run is."""
    fitted = calibrator_of(run)
    return np.asarray(metrics.sigmoid(scores_of(out, task) if fitted is None else fitted(out)))


def prediction_table(
    data: Dataset, members: Array, name: str, task: str, *, calibrated: Calibrator | None = None
) -> Any:
    """Rows of ``predictions.tsv``: one a sequence and output.

    The score of one of several classes is its log odds against the others (`scores_of`);
    probabilities are calibrated where there is a calibrator.
    """
    import pandas as pd

    out = members.mean(0)
    mean, members = scores_of(out, task), scores_of(members, task)
    p = metrics.sigmoid(mean if calibrated is None else calibrated(out))
    tables = []
    for i, output in enumerate(data.outputs):
        columns = {
            "name": data.names,
            "set": name,
            "output": output,
            "label": data.y[:, i],
            "score": mean[:, i],
        }
        if is_labeled(task):
            columns["probability"] = p[:, i]
        elif task == "counts":
            columns["rate"] = np.exp(mean[:, i])
        if len(members) > 1:
            columns["sd"] = members[:, :, i].std(0, ddof=1)
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def input_files(settings: Settings) -> dict[str, Path]:
    """Input files by role; a file that is absent is refused here, before anything is written."""
    d = settings.data
    given = {
        "positives": None if d.positives == PROFILES and d.methylation else d.positives,
        "negatives": None if d.negatives in ("shuffle", "genome") else d.negatives,
        "test": d.test,
        "genome": d.genome,
        "split": d.split,
        "weights": weights_file(settings),
        "motifs": motif_file(settings.model),
        "bias": bias_file(settings),
    }
    found = {role: Path(path) for role, path in given.items() if path is not None}
    named = [(f"track {track_name(path)}", path) for path in d.tracks]
    named += [(f"input {track_name(path)}", path) for path in d.inputs]
    named += [(f"profile {Path(path).name}", path) for path in (*d.methylation, *d.profiles)]
    found |= told_apart(named)
    for role, path in found.items():
        if not path.is_file():
            what = "is a folder" if path.is_dir() else f"does not exist (seen from {Path.cwd()})"
            msg = f"The {role} file {path} {what}. Give a file."
            raise InputError(msg)
    return found


def _write_data(run: Run, data: Prepared) -> None:
    run.write_table("data/split.tsv", data.split)
    run.write_table("data/dropped.tsv", data.dropped)
    run.write_table("data/leaks.tsv", data.leaks)
    files.write_json(run.path / "data" / "summary.json", data.summary)


def data_of(run: Run) -> Prepared:
    """The data of a run, read again from its inputs.

    Raises
    ------
    InputError
        When an input is no longer there, or no longer the one that the run was made with: its
        split would not be the same, and training sequences could be scored as if never seen.
    """
    settings = settings_of(run)
    run.check_inputs(input_files(settings))
    data = prepare(settings.data, seed=settings.train.seed)
    return for_model(data, settings.model.name)


def _new_model(settings: Settings, card: Card, *, seed: int) -> tuple[nn.Module, Start]:
    """The model with weights drawn from the seed, or those that the settings begin with."""
    is_given = settings.model.weights is not None and settings.model.weights_match == "all"
    if settings.train.epochs == 0 and not is_given:
        msg = "train.epochs=0 scores weights as they are; give them all, with --weights."
        raise InputError(msg)
    torch.manual_seed(derive(seed, "weights"))
    model = build(card)
    put_bias(model, settings)
    start_filters(model, settings.model, seed=settings.train.seed)
    _check_fits(model, card)
    return model, begin(model, settings, length=card.length)


def _check_fits(model: nn.Module, card: Card) -> None:
    """Refuse a model that cannot read sequences of this length or gives another output shape."""
    fields = {name: torch.zeros(2, *given.shape) for name, given in card.fields.items()}
    try:
        out = predict(model, np.zeros((2, card.length), dtype=np.uint8), fields=fields)
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as error:
        if isinstance(error, CisgramError):
            raise
        reason = str(error).strip().partition("\n")[0]
        msg = (
            f"{card.name} cannot read two sequences of {card.length} bp, (2, 4, {card.length}): "
            f"{reason}. Give longer sequences (--length), or another model."
        )
        raise InputError(msg) from error
    wanted = (2, len(card.outputs))
    if tuple(out.shape) != wanted:
        msg = (
            f"{card.name} must give one logit a sequence and output, {wanted} for two sequences "
            f"and the outputs {', '.join(card.outputs)}; it gave {tuple(out.shape)}."
        )
        raise InputError(msg)


def _train_member(
    run: Run,
    settings: Settings,
    data: Prepared,
    card: Card,
    *,
    member: int,
    device: str,
    progress: Progress | None,
) -> None:
    """Train one member, or find it trained."""
    folder = run.member(member)
    checkpoint = folder / "checkpoint.safetensors"
    if not (folder / "model.toml").is_file():
        seed = settings.train.seed
        if member:
            seed = derive(seed, "member", member)
        model, start = _new_model(settings, card, seed=seed)
        if data.task == "profile" and settings.model.weights is None:
            start_counts(model, data.train)
        state = fit_in_stages(
            model,
            _part_of(data.train, settings, member),
            settings.train,
            valid=data.valid,
            task=data.task,
            seed=seed,
            device=device,
            factors=start.factors,
            checkpoint=checkpoint,
            progress=lambda state: _epoch_done(run, member, state, progress),
        )
        if not _is_first():
            return
        write_history(run, history_name(member), state)
        if settings.model.weights is not None or settings.train.freeze or start.factors:
            run.write_table(f"{folder.name}/{START}", start_table(model, start))
        release_motifs(model)
        save(folder, model, card)
    for path in folder.glob("checkpoint*.safetensors"):
        path.unlink(missing_ok=True)


def _epoch_done(run: Run, member: int, state: State, progress: Progress | None) -> None:
    """Write the history so far, so that a training can be watched, and say the epoch."""
    if _is_first():
        write_history(run, history_name(member), state)
    if progress is not None:
        progress(member, state)


def _check_folds(settings: Settings) -> None:
    if settings.train.folds and settings.train.seeds < 2:
        msg = (
            "With train.folds each member of an ensemble leaves another part of the training set "
            "out; one member would lose all of it. Ask for members: --folds 5."
        )
        raise InputError(msg)


def _part_of(train: TrainingData, settings: Settings, member: int) -> TrainingData:
    """What a member is fitted to: everything, or everything but its fold."""
    if not settings.train.folds:
        return train
    how = settings.train
    fold = folds_of(len(train.data), train.data.groups, folds=how.seeds, seed=how.seed)
    return train.take(fold != member)
