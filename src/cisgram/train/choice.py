"""Which epoch is the best one, by the validation set."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from cisgram.core.errors import InputError
from cisgram.data.dataset import Dataset
from cisgram.train.options import TrainOptions
from cisgram.train.state import State
from cisgram.train.tasks import TASKS


def check_choice(options: TrainOptions, valid: Dataset, task: str) -> None:
    """Raise `InputError` unless the validation set can choose the epoch as the options ask."""
    by, scores = chosen_by(options, task), TASKS[task].scores
    if by not in (*scores, "loss"):
        known = " or ".join(scores)
        msg = f"train.stop_on={by} does not fit a {task} task; take auto, loss, {known}."
        raise InputError(msg)
    if task not in ("classification", "multiclass") or by == "loss":
        return
    kinds = [np.unique(column[~np.isnan(column)]) for column in valid.y.T]
    if all(len(found) < 2 for found in kinds):
        msg = (
            f"the validation set ({len(valid)} sequences) holds labels of one kind only, so that "
            f"{by} cannot choose the epoch. Hold out more (data.valid_fraction) or other "
            "sequences, or choose by loss (train.stop_on=loss)."
        )
        raise InputError(msg)


def score_of(row: Mapping[str, float], options: TrainOptions, task: str) -> float:
    """The validation score that chooses the epoch; larger is better, NaN never."""
    by = chosen_by(options, task)
    value = -row["valid_loss"] if by == "loss" else row[f"valid_{by}"]
    return -math.inf if math.isnan(value) else value


def is_over(state: State, options: TrainOptions) -> bool:
    """Whether the patience is at its end."""
    return bool(state.history) and len(state.history) - state.best_epoch >= options.patience


def chosen_by(options: TrainOptions, task: str) -> str:
    """The validation score that chooses the epoch, by name; ``loss`` where it is the loss."""
    return TASKS[task].scores[0] if options.stop_on == "auto" else options.stop_on
