"""Whether a regime can be had on these data: said before anything is trained or written."""

from __future__ import annotations

import numpy as np

from cisgram.core.errors import InputError
from cisgram.data.dataset import Dataset, TrainingData
from cisgram.data.labels import is_labeled
from cisgram.train.calibrate import check_calibration
from cisgram.train.choice import check_choice
from cisgram.train.objective import objective
from cisgram.train.options import TrainOptions
from cisgram.train.profiles import profile_objective


def check_regime(options: TrainOptions, data: TrainingData, *, valid: Dataset, task: str) -> None:
    """Raise `InputError` where the options ask for what these data or this task cannot give.

    Parameters
    ----------
    options
        How a model is to be fitted.
    data, valid
        What it is fitted to, and what chooses its epoch and calibrates it.
    task
        A name of `TASKS`.
    """
    check_choice(options, valid, task)
    _loss(options, data, task)
    _check_sampling(options, data, task)
    if options.adversary and len(data.origins) < 2:
        msg = (
            "train.adversary unlearns batch labels, and the training data have "
            f"{len(data.origins) or 'none'}; name their column with data.batch_column, or leave "
            "it out."
        )
        raise InputError(msg)
    if options.finetune_epochs and data.augment is None:
        msg = (
            f"train.finetune_epochs={options.finetune_epochs} follow augmented training, and "
            "data.augment names no augmentation. Name some, or leave it out."
        )
        raise InputError(msg)
    if options.calibrate != "none":
        y, method = valid.y.astype(np.float64), options.calibrate
        check_calibration(y, method=method, task=task, outputs=valid.outputs)


def _loss(options: TrainOptions, data: TrainingData, task: str) -> None:
    """The loss says what it cannot have."""
    if task == "profile":
        profile_objective(options, data)
    else:
        objective(options, data, task)


def _check_sampling(options: TrainOptions, data: TrainingData, task: str) -> None:
    if options.sampling == "all":
        return
    if not is_labeled(task):
        msg = (
            f"train.sampling={options.sampling} lets labels 0 and 1, or classes, take turns; a "
            f"{task} task has none. Leave it out."
        )
        raise InputError(msg)
    if not options.shuffle:
        msg = (
            f"train.sampling={options.sampling} draws an order of its own; it does not go with "
            "train.shuffle=false."
        )
        raise InputError(msg)
    data.epoch(0, seed=options.seed, sampling=options.sampling)  # says what is not there
