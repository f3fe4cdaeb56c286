"""The prediction and evaluation steps of a run, on files of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.data import prepare, read_dataset
from cisgram.models import read_card
from cisgram.steps.settings import settings_of
from cisgram.steps.train import evaluate_run, member_outputs, prediction_table
from cisgram.train import metrics

if TYPE_CHECKING:
    import pandas as pd


def predict_file(run: Run, sequences: str, *, genome: str | None = None) -> pd.DataFrame:
    """Predictions for the sequences of a file: name, output, label, score, probability, sd.

    Raises
    ------
    InputError
        When the run holds no model or the file is wrong.
    """
    card = read_card(run.member(0))
    data = read_dataset(sequences, card.length, genome=genome)
    data = _with_outputs(data, card.outputs)
    table: pd.DataFrame = prediction_table(data, member_outputs(run, data), "given", card.task)
    return table


def evaluate_file(run: Run, sequences: str, *, genome: str | None = None) -> dict[str, Any]:
    """Scores on a file with labels; thresholds are those chosen on the validation set.

    Raises
    ------
    InputError
        When the run holds no model, or the file has no labels.
    """
    card = read_card(run.member(0))
    data = read_dataset(sequences, card.length, genome=genome)
    if np.isnan(data.y).all():
        msg = f"{sequences} holds no labels to evaluate against; 'cisgram predict' needs none."
        raise InputError(msg)
    if data.y.shape[1] != len(card.outputs):
        msg = f"{sequences} has the labels {data.outputs}, the model the outputs {card.outputs}."
        raise InputError(msg)
    valid = files.read_json(run.path / "metrics.json").get("valid", {})
    thresholds = [o["threshold"] for o in valid.get("per_output", ()) if "threshold" in o]
    return metrics.evaluate(
        data.y.astype(np.float64),
        member_outputs(run, data).mean(0),
        outputs=card.outputs,
        task=card.task,
        thresholds=thresholds or None,
        seed=settings_of(run).train.seed,
    )


def evaluate_again(run: Run) -> dict[str, Any]:
    """Score the run's own held-out sets anew and write predictions and metrics."""
    settings = settings_of(run)
    before = files.read_json(run.path / "metrics.json") if _has(run, "metrics.json") else {}
    data = prepare(settings.data, seed=settings.train.seed)
    found = evaluate_run(run, data, seed=settings.train.seed)
    if "train" in before:
        found = {"train": before["train"]} | found
        files.write_json(run.path / "metrics.json", found)
    return found


def _has(run: Run, name: str) -> bool:
    return (Path(run.path) / name).is_file()


def _with_outputs(data: Any, outputs: tuple[str, ...]) -> Any:
    """A dataset with a column for each output; labels that the file lacks are NaN."""
    from dataclasses import replace

    if data.y.shape[1] == len(outputs):
        return replace(data, outputs=outputs)
    y = np.full((len(data), len(outputs)), np.nan, dtype=np.float32)
    return replace(data, y=y, outputs=outputs)
