"""The explanation step of a run: scores of every base of chosen sequences, as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram import explain
from cisgram.core import config
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.core.work import noted
from cisgram.data import Dataset, Prepared, is_labeled
from cisgram.models import MODELS, Card, load, predict, read_card, write_tensors
from cisgram.seq.alphabet import one_hot
from cisgram.steps.explain_parts import PARTS, job_digest, parts_of
from cisgram.steps.inputs import for_model, given_to
from cisgram.steps.predict import told_of, with_outputs
from cisgram.steps.scored import (
    CHUNK,
    about,
    asked_options,
    completeness_of,
    gaps_of,
    recorded,
    said_of,
    scored,
    together,
    units_of,
)
from cisgram.steps.settings import Settings, settings_of
from cisgram.steps.train import chosen_device, data_of, probabilities_of

if TYPE_CHECKING:
    import pandas as pd

FIELDS = "fields.safetensors"  # scores of further inputs, beside those of the letters


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is to be explained of a run: its settings, its card, an output, a method's options."""

    settings: Settings
    card: Card
    column: int
    options: Mapping[str, Any]


def asked_of(
    run: Run,
    method: str,
    *,
    target: int | str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Asked:
    """What `explain_run` is asked for; nothing is loaded.

    All that is wrong with it is said, but for what the network lacks: see `lacking`.

    Raises
    ------
    InputError
        When the run holds no model, or method, options or target do not fit; or when no target is
        given for a model of several outputs.
    """
    settings = settings_of(run)
    asked = asked_options(settings.explain, method, options)
    card = read_card(run.member(0))
    _check_letters(card, method)
    column = asked_column(card, settings.explain.target if target is None else target)
    return Asked(settings, card, column, asked)


@noted("explaining", of="method")
def explain_run(
    run: Run,
    method: str,
    *,
    sequences: str | None = None,
    genome: str | None = None,
    target: int | str | None = None,
    options: Mapping[str, Any] | None = None,
    most: int | None = None,
    out: Path | None = None,
    device: str = "auto",
    prepared: Prepared | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Explain sequences with one method and write the scores.

    Writes ``values.safetensors`` (``values`` (n, 4, length) float32, or ``tracks`` (n, k, length)
    of a method that scores positions; ``x`` (n, 4, length) int8), ``names.tsv`` (``name``,
    ``label``, ``score``, ``probability``; ``delta``, the completeness gap, of a method that
    promises completeness) and ``options.toml``. Of a model of further inputs each sequence is
    explained with these held at its own, as the output ``profile`` is with the weights of its
    logits held at the sequence's own profile (Avsec et al. 2021). Of further inputs
    gradient_x_input and integrated_gradients write ``fields.safetensors``, too: the scores of each
    by its name. A killed job goes on where it was and ends with the same bytes.

    Parameters
    ----------
    run
        A trained run.
    method
        Name in ``explain.METHODS``.
    sequences, genome
        A file of sequences; default: the run's test set (validation set where there is none),
        three positives to one negative, at most ``most``.
    target
        Output to explain, by number or name; default the run's setting, or the only one.
    options
        Arguments of the method; they come over the run's settings ``explain.options.METHOD``.
    most
        At most so many sequences; default the run's setting for its own, all of a file.
    out
        Folder to write; default `default_folder`.
    device
        ``auto``, ``cpu`` or ``cuda``.
    prepared
        The run's data, where they were prepared already.
    progress
        Called with the number of sequences done and of all.
    tell
        Called with one line on what of the file was left out, cut or padded, if anything was, and
        with one on how far the scores add up.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        When the run holds no model, or method, options, target or sequences do not fit; or when
        no target is given for a model of several outputs.
    """
    entry = explain.METHODS[method]
    asked = asked_of(run, method, target=target, options=options)
    settings, card, column = asked.settings, asked.card, asked.column
    folder = out or default_folder(run, method, sequences)
    _refuse_foreign(folder)
    most_own = most or settings.explain.most
    told = None
    if sequences is None:
        data = prepared or data_of(run)
        data = for_model(data, card.name)
        part = data.test if data.test is not None else data.valid
        chosen = choose(part, most_own, column)
    else:
        given = given_to(card, sequences, settings.data, genome=genome)
        told = given.told or None
        part = with_outputs(told_of(given, tell), card.outputs)
        chosen = part if most is None else part.take(np.arange(min(most, len(part))))
    model = load(run).to(chosen_device(device))
    every = predict(model, chosen.codes, fields=chosen.fields).numpy().astype(np.float64)
    score, probability = every[:, column], None
    if is_labeled(card.task):
        probability = probabilities_of(run, every, card.task)[:, column]
    job = {"method": method, "target": column, "asked": asked.options, "chunk": CHUNK}
    with parts_of(folder, job_digest(run, chosen, job)) as parts:
        found = scored(entry, model, chosen, column, asked.options, parts=parts, progress=progress)
        gaps = gaps_of(found)
        x = one_hot(np.asarray(chosen.codes), dtype=torch.int8)
        write_tensors(folder / "values.safetensors", together(found) | {"x": x})
    if chosen.fields and method in explain.FIELD_METHODS:
        write_tensors(folder / FIELDS, _of_fields(model, chosen, method, column))
    Run(folder).write_table("names.tsv", _names(chosen, score, probability, column, gaps))
    completeness = None if gaps is None else completeness_of(*gaps)
    config.write_toml(
        folder / "options.toml",
        {
            "method": method,
            "target": column,
            "output": card.outputs[column],
            "units": units_of(found[0], card, column),
            "sequences": sequences or "held-out sequences of the run",
            "told": told,  # what of the file was left out, cut or padded
            "most": most_own if sequences is None else None,
            **about(entry, found[0]),
            "options": recorded(asked.options, found[0]),
            "completeness": completeness,
        },
    )
    if tell is not None and completeness is not None:
        tell(said_of(completeness))
    return folder


def _check_letters(card: Card, method: str) -> None:
    """Refuse methods that score letters where the network reads none."""
    entry = MODELS.get(card.name)
    if entry is None or entry.facts.get("reads_letters", True) or method in explain.FIELD_METHODS:
        return
    msg = (
        f"{card.name} reads no letters, so {method} has nothing to score. Take "
        f"{' or '.join(explain.FIELD_METHODS)}, which score {', '.join(card.fields)} ({FIELDS})."
    )
    raise InputError(msg)


def _of_fields(
    model: torch.nn.Module, chosen: Dataset, method: str, column: int
) -> dict[str, torch.Tensor]:
    """Scores (n, ...) of each further input, and the inputs themselves as ``NAME.input``."""
    found = {}
    x = one_hot(np.asarray(chosen.codes))
    for name, given in chosen.fields.items():
        scored = explain.field_attribution(
            model, x, chosen.fields, name=name, target=column, method=method
        )
        found[name] = scored.values
        found[f"{name}.input"] = torch.as_tensor(given[:])
    return found


def default_folder(run: Run, method: str, sequences: str | None) -> Path:
    """``RUN/explain/<method>``, or ``RUN/explain-given/<method>-<name of the file>``.

    The page shows the first alone: explanations of other sequences are not the run's own.
    """
    if sequences is None:
        return run.path / "explain" / method
    stem = Path(sequences).name.partition(".")[0]
    return run.path / "explain-given" / f"{method}-{stem}"


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds something else than an explanation."""
    if not folder.exists():
        return
    if not folder.is_dir() or (
        any(p.name != PARTS for p in folder.iterdir())
        and not (folder / "values.safetensors").is_file()
    ):
        msg = f"{folder} exists and holds no explanation. Choose an empty or new folder with -o."
        raise InputError(msg)


def asked_column(card: Card, target: int | str | None) -> int:
    """The column to explain; of several outputs none is explained by accident.

    Raises
    ------
    InputError
        When there are several and none is given.
    UnknownName
        When the model has no such output.
    """
    if target is None and len(card.outputs) > 1:
        msg = (
            f"The model has the outputs {', '.join(card.outputs)}. Say with --target, or with the "
            "setting explain.target, which one to explain."
        )
        raise InputError(msg)
    return output_column(card, target)


def output_column(card: Card, target: int | str | None) -> int:
    """The column of an output given by number or name; the first where none is given.

    Of text that is both, the name counts: outputs may be named ``1``, ``2``, ``3``.

    Raises
    ------
    UnknownName
        When the model has no such output.
    """
    if target is None:
        return 0
    if isinstance(target, str):
        if target in card.outputs:
            return card.outputs.index(target)
        if target.isdecimal():
            target = int(target)
    if isinstance(target, int):
        if 0 <= target < len(card.outputs):
            return target
        last = len(card.outputs) - 1
        msg = f"target must be from 0 to {last}, or an output's name; got {target}."
        if last == 0:
            msg = f"The model has one output, {card.outputs[0]}; got the target {target}. "
            msg += "Leave it out."
        raise InputError(msg)
    what = "output"
    raise unknown(what, target, card.outputs)


def choose(data: Dataset, most: int, column: int = 0) -> Dataset:
    """At most ``most`` sequences, three positives to one negative, each in their own order."""
    positive = np.flatnonzero(data.y[:, column] > 0.5)
    other = np.flatnonzero(~(data.y[:, column] > 0.5))
    n_other = min(len(other), max(most - len(positive), most // 4))
    rows: NDArray[np.int64] = np.r_[positive[: most - n_other], other[:n_other]].astype(np.int64)
    return data.take(rows)


def _names(
    data: Dataset,
    score: NDArray[np.float64],
    probability: NDArray[np.float64] | None,
    column: int,
    gaps: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
) -> pd.DataFrame:
    """The table beside the arrays, one row a sequence."""
    import pandas as pd

    table: dict[str, Any] = {"name": data.names, "label": data.y[:, column], "score": score}
    if probability is not None:
        table["probability"] = probability
    if gaps is not None:
        table["delta"] = gaps[0]
    return pd.DataFrame(table)
