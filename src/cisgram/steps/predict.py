"""The prediction and evaluation steps of a run, on files of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.data import Dataset, read_dataset
from cisgram.models import read_card
from cisgram.steps.settings import settings_of
from cisgram.steps.train import data_of, evaluate_run, member_outputs, prediction_table
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
    column = settings_of(run).data.sequence_column
    card = read_card(run.member(0))
    data = read_dataset(sequences, card.length, genome=genome, sequence_column=column)
    data = with_outputs(data, card.outputs)
    table: pd.DataFrame = prediction_table(data, member_outputs(run, data), "given", card.task)
    return table


def evaluate_file(run: Run, sequences: str, *, genome: str | None = None) -> dict[str, Any]:
    """Scores on a file with labels; thresholds are those chosen on the validation set.

    Raises
    ------
    InputError
        When the run holds no model, or the file has no labels.
    """
    how = settings_of(run).data
    card = read_card(run.member(0))
    data = read_dataset(
        sequences,
        card.length,
        genome=genome,
        sequence_column=how.sequence_column,
        label_columns=how.label_columns,
    )
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
    """Score the run's own held-out sets anew and write predictions and metrics.

    Raises
    ------
    InputError
        When the run is not trained to its end, or its inputs have changed.
    """
    settings = settings_of(run)
    read_card(run.member(0))
    return evaluate_run(run, data_of(run), settings)


def with_outputs(data: Dataset, outputs: tuple[str, ...]) -> Dataset:
    """A dataset with a column for each output; labels that the file lacks are NaN."""
    from dataclasses import replace

    if data.y.shape[1] == len(outputs):
        return replace(data, outputs=outputs)
    y = np.full((len(data), len(outputs)), np.nan, dtype=np.float32)
    return replace(data, y=y, outputs=outputs)
