"""What the labels are: 0 and 1, measurements, counts, or one of several classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.data.dataset import Dataset

MOST_CLASSES = 100


def is_labeled(task: str) -> bool:
    """Whether each label is 0 or 1, so that a sequence is a positive of an output or not."""
    return task in ("classification", "multiclass")


def task_of(
    data: Dataset, asked: str = "auto", *, outputs: tuple[str, ...] = ()
) -> tuple[Dataset, str]:
    """The data with labels in the form of the task, and the task.

    ``auto`` is ``classification`` where every known label is 0 or 1, else ``regression``. Of
    ``multiclass`` a single column holds the number of the class, from 0, and becomes one column a
    class; several columns are one a class already. With ``outputs``, the classes are these, and
    some may be absent.

    Raises
    ------
    InputError
        When the labels do not fit the task.

    Examples
    --------
    >>> one = Dataset(["a", "b"], np.zeros((2, 4), np.uint8), np.array([[1.0], [0]], np.float32))
    >>> task_of(one, "multiclass")[0].y.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    known = data.y[~np.isnan(data.y)]
    binary = bool(np.isin(known, (0, 1)).all())
    if asked == "auto":
        return data, "classification" if binary else "regression"
    if asked == "multiclass":
        return _one_a_class(data, outputs), asked
    if asked == "classification" and not binary:
        wanted, wrong = "0 or 1", known[~np.isin(known, (0, 1))]
    elif asked == "counts" and not _are_counts(known):
        wanted, wrong = "whole numbers from 0", known[(known < 0) | (known != np.round(known))]
    else:
        return data, asked
    msg = f"data.task={asked} needs labels that are {wanted}; got {wrong[0]:g}. Take another task."
    raise InputError(msg)


def _are_counts(values: NDArray[np.float32]) -> bool:
    return bool(((values >= 0) & (values == np.round(values))).all())


def _one_a_class(data: Dataset, outputs: tuple[str, ...]) -> Dataset:
    """One column a class: 1 in that of the label, NaN in all where the label is missing."""
    if data.y.shape[1] > 1:
        known = ~np.isnan(data.y).any(1)
        wrong = known & ~(np.isin(data.y, (0, 1)).all(1) & (data.y.sum(1) == 1))
        half = np.isnan(data.y).any(1) & ~np.isnan(data.y).all(1)
        for bad in (wrong, half):
            if bad.any():
                i = int(bad.argmax())
                msg = (
                    "data.task=multiclass with one column a class needs a single 1 in every row; "
                    f"{data.names[i]!r} has {data.y[i].tolist()}. Where a sequence can have "
                    "several labels, take data.task=classification."
                )
                raise InputError(msg)
        return data
    column = data.y[:, 0]
    known = ~np.isnan(column)
    largest = int(column[known].max(initial=-1))
    n = len(outputs) or largest + 1
    if not _are_counts(column[known]) or not max(2, largest + 1) <= n <= MOST_CLASSES:
        wanted = len(outputs) or f"2 to {MOST_CLASSES}"
        msg = (
            "data.task=multiclass needs the number of the class, from 0, in one column, for "
            f"{wanted} classes; got {np.unique(column[known])[:6].tolist()}. Number the classes, "
            "or give one column a class."
        )
        raise InputError(msg)
    y = np.full((len(data), n), np.nan, dtype=np.float32)
    y[known] = np.eye(n, dtype=np.float32)[column[known].astype(np.int64)]
    absent = np.flatnonzero(np.nansum(y, 0) == 0)
    if len(absent) and not outputs:
        msg = f"class {absent[0]} of {n} has no sequence. Number the classes without gaps."
        raise InputError(msg)
    names = outputs or tuple(f"{data.outputs[0]}_{i}" for i in range(n))
    return replace(data, y=y, outputs=names)
