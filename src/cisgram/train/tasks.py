"""What a model may be asked for: its losses, its scores, and what its outputs mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of labels.

    Attributes
    ----------
    loss
        That is taken when none is asked for.
    only
        Losses that no other task may have beside those of every task.
    scores
        Validation scores that can choose the epoch, larger is better; the first one does.
    kept
        Validation scores of ``history.tsv``.
    """

    loss: str
    only: tuple[str, ...]
    scores: tuple[str, ...]
    kept: tuple[str, ...]


TASKS = {
    "classification": Task("bce", ("focal",), ("auroc", "auprc"), ("auroc", "auprc")),
    "regression": Task("mse", ("pearson",), ("pearson",), ("pearson", "mse")),
    "multiclass": Task(
        "cross_entropy",
        ("cross_entropy",),
        ("auroc", "accuracy", "f1"),
        ("auroc", "accuracy", "f1"),
    ),
    "counts": Task(
        "poisson", ("negative_binomial", "pearson"), ("pearson",), ("pearson", "deviance")
    ),
    "profile": Task("profile", ("profile",), ("loss",), ("jsd", "pearson")),
}


def loss_of_task(asked: str, task: str) -> str:
    """The loss that is meant by ``auto``, or the one that was asked for.

    Raises
    ------
    InputError
        When the loss is one of another task.

    Examples
    --------
    >>> loss_of_task("auto", "counts")
    'poisson'
    """
    own = TASKS[task]
    name = own.loss if asked == "auto" else asked
    elsewhere = {loss for other in TASKS.values() for loss in other.only}
    if (name in elsewhere and name not in own.only) or (task == "multiclass" and name != own.loss):
        fit = [t for t, other in TASKS.items() if name in (other.loss, *other.only)]
        msg = (
            f"train.loss={name} does not fit a {task} task but {' or '.join(fit)}; take auto "
            f"({own.loss}), or say what the labels are with data.task."
        )
        raise InputError(msg)
    return name


def scores_of(out: Array, task: str) -> Array:
    """(..., t) scores whose sigmoid is a probability, where the task has probabilities.

    Of ``multiclass`` the log odds of each class against all others, log p - log(1 - p) with p the
    softmax over the classes; of any other task the outputs as they are.

    Examples
    --------
    >>> scores_of(np.zeros((1, 3)), "multiclass").round(4).tolist()  # log 1/2
    [[-0.6931, -0.6931, -0.6931]]
    """
    if task != "multiclass":
        return out
    from scipy.special import logsumexp

    t = out.shape[-1]
    others = np.stack([logsumexp(np.delete(out, i, axis=-1), axis=-1) for i in range(t)], axis=-1)
    return np.asarray(out - others, dtype=np.float64)
