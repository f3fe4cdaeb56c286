"""The loss that the options mean on these data."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cisgram.core.errors import InputError
from cisgram.data.dataset import TrainingData
from cisgram.train.losses import Loss, loss_function
from cisgram.train.options import TrainOptions
from cisgram.train.tasks import loss_of_task

LEAST = 1e-3  # dispersion; below, a negative binomial is a Poisson distribution


def objective(options: TrainOptions, data: TrainingData, task: str) -> Loss:
    """The loss of the options, with the weights and the dispersion that the data give.

    Raises
    ------
    InputError
        When the loss does not fit the task, or the weights of outputs are not one an output.
    """
    name = loss_of_task(options.loss, task)
    outputs = data.data.outputs
    if name == "pearson" and len(outputs) < 3:
        msg = (
            f"train.loss=pearson correlates the outputs of a sequence; there are {len(outputs)}, "
            "and at least 3 are needed. Take mse."
        )
        raise InputError(msg)
    weights = options.task_weights
    if weights and (len(weights) != len(outputs) or sum(weights) <= 0):
        msg = (
            f"train.task_weights must hold a weight for each of the {len(outputs)} outputs "
            f"({', '.join(outputs[:6])}), not all 0; got {list(weights)}."
        )
        raise InputError(msg)
    return loss_function(
        name,
        positive_weight=_class_weight(data, options, task),
        task_weights=torch.tensor(weights, dtype=torch.float32) if weights else None,
        gamma=options.focal_gamma,
        dispersion=options.dispersion or torch.tensor(dispersion_of(data), dtype=torch.float32),
    )


def _class_weight(data: TrainingData, options: TrainOptions, task: str) -> Tensor | None:
    if options.class_weights == "none" or task not in ("classification", "multiclass"):
        return None
    share = np.clip(data.positive_share, 1e-6, 1 - 1e-6)
    weight = (1 - share) / share if task == "classification" else 1 / (len(share) * share)
    return torch.tensor(weight, dtype=torch.float32)


def dispersion_of(data: TrainingData) -> NDArray[np.float64]:
    """(t,) dispersion a of each output by moments: variance = m + a m^2 over the training labels.

    It counts what the sequences explain as dispersion, too, so it is an upper bound; give
    ``train.dispersion`` where you know it.
    """
    y = data.data.y.astype(np.float64)
    known = ~np.isnan(y)
    n = np.maximum(known.sum(0), 1)
    mean = np.where(known, y, 0).sum(0) / n
    variance = np.where(known, (y - mean) ** 2, 0).sum(0) / n
    found = (variance - mean) / np.maximum(mean**2, LEAST)
    return np.asarray(np.maximum(found, LEAST), dtype=np.float64)
