"""The explanation step of a run: scores of every base of chosen sequences, as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram import explain
from cisgram.core import config
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.data import Dataset, Prepared, read_dataset
from cisgram.models import Card, load, predict, read_card, write_tensors
from cisgram.seq.alphabet import one_hot
from cisgram.steps.predict import told_of, with_outputs
from cisgram.steps.settings import settings_of
from cisgram.steps.train import chosen_device, data_of
from cisgram.train.metrics import sigmoid

CHUNK = 25  # sequences between two calls of the progress callback


def explain_run(
    run: Run,
    method: str,
    *,
    sequences: str | None = None,
    genome: str | None = None,
    target: int | str | None = None,
    most: int | None = None,
    out: Path | None = None,
    device: str = "auto",
    prepared: Prepared | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Explain sequences with one method and write the scores.

    Writes ``values.safetensors`` (``values`` (n, 4, length) float32, ``x`` (n, 4, length) int8),
    ``names.tsv`` (``name``, ``label``, ``score``, ``probability``) and ``options.toml``.

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
        Called with one line on what of the file was left out, cut or padded, if anything was.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        When the run holds no model, or method, target or sequences do not fit; or when no target
        is given for a model of several outputs.
    """
    entry = explain.METHODS[method]
    settings = settings_of(run)
    folder = out or default_folder(run, method, sequences)
    _refuse_foreign(folder)
    card = read_card(run.member(0))
    column = _asked(card, settings.explain.target if target is None else target)
    most_own = most or settings.explain.most
    if sequences is None:
        data = prepared or data_of(run)
        part = data.test if data.test is not None else data.valid
        chosen = choose(part, most_own, column)
    else:
        sequence_column = settings.data.sequence_column
        given = read_dataset(sequences, card.length, genome=genome, sequence_column=sequence_column)
        part = with_outputs(told_of(given, tell), card.outputs)
        chosen = part if most is None else part.take(np.arange(min(most, len(part))))
    model = load(run).to(chosen_device(device))
    score = predict(model, chosen.codes).numpy().astype(np.float64)[:, column]
    parts = []
    for start in range(0, len(chosen), CHUNK):
        x = one_hot(chosen.codes[start : start + CHUNK])
        found = entry.fn(model, x, target=column)
        parts.append(found.values.cpu())
        if progress is not None:
            progress(min(start + CHUNK, len(chosen)), len(chosen))
    _write(folder, chosen, torch.cat(parts), score, card, column)
    config.write_toml(
        folder / "options.toml",
        {
            "method": method,
            "target": column,
            "output": card.outputs[column],
            "units": "logit" if card.task == "classification" else card.outputs[column],
            "sequences": sequences or "held-out sequences of the run",
            "most": most_own if sequences is None else None,
            "substitutions": found.substitutions,
        },
    )
    return folder


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
        any(folder.iterdir()) and not (folder / "values.safetensors").is_file()
    ):
        msg = f"{folder} exists and holds no explanation. Choose an empty or new folder with -o."
        raise InputError(msg)


def _asked(card: Card, target: int | str | None) -> int:
    """The column to explain; of several outputs none is explained by accident."""
    if target is None and len(card.outputs) > 1:
        msg = (
            f"The model has the outputs {', '.join(card.outputs)}. Say with --target, or with the "
            "setting explain.target, which one to explain."
        )
        raise InputError(msg)
    return output_column(card, target)


def output_column(card: Card, target: int | str | None) -> int:
    """The column of an output given by number or name; the first where none is given.

    Raises
    ------
    UnknownName
        When the model has no such output.
    """
    if target is None:
        return 0
    if isinstance(target, str) and target.isdigit():
        target = int(target)
    if isinstance(target, int):
        if 0 <= target < len(card.outputs):
            return target
        msg = f"target must be from 0 to {len(card.outputs) - 1}; got {target}."
        raise InputError(msg)
    if target in card.outputs:
        return card.outputs.index(target)
    what = "output"
    raise unknown(what, target, card.outputs)


def choose(data: Dataset, most: int, column: int = 0) -> Dataset:
    """At most ``most`` sequences, three positives to one negative, each in their own order."""
    positive = np.flatnonzero(data.y[:, column] > 0.5)
    other = np.flatnonzero(~(data.y[:, column] > 0.5))
    n_other = min(len(other), max(most - len(positive), most // 4))
    rows: NDArray[np.int64] = np.r_[positive[: most - n_other], other[:n_other]].astype(np.int64)
    return data.take(rows)


def _write(
    folder: Path,
    data: Dataset,
    values: torch.Tensor,
    score: NDArray[np.float64],
    card: Card,
    column: int,
) -> None:
    import pandas as pd

    table: dict[str, Any] = {"name": data.names, "label": data.y[:, column], "score": score}
    if card.task == "classification":
        table["probability"] = sigmoid(score)
    tensors = {"values": values.float(), "x": one_hot(data.codes, dtype=torch.int8)}
    write_tensors(folder / "values.safetensors", tensors)
    Run(folder).write_table("names.tsv", pd.DataFrame(table))
