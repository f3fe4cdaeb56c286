"""Which letters a unit of a layer reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core.errors import InputError
from cisgram.models.probe import Layer, outputs_of
from cisgram.models.state import device_of, untouched

PROBES = 32  # positions asked at once


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """Letters [offset + stride * t, offset + stride * t + width) are what unit position t reads.

    Attributes
    ----------
    offset
        First letter of position 0, bp; negative where the model pads.
    stride
        Letters from one position to the next, bp.
    width
        Letters from the first to the last that are read, bp.
    positions
        Number of positions of the layer.
    axis
        Axis of the layer's output on which the positions lie: 2 for (n, units, t), 1 for
        (n, t, units).
    """

    offset: int
    stride: int
    width: int
    positions: int
    axis: int = 2

    def starts(self) -> NDArray[np.int64]:
        """(positions,) first letter of each."""
        return self.offset + self.stride * np.arange(self.positions)


def receptive_field(model: nn.Module, layer: Layer, *, length: int) -> ReceptiveField:
    """The letters that a layer's units read, found by asking the model itself.

    Each letter in turn is made not-a-number; wherever that comes out, it was read. Strides,
    dilations, poolings, paddings and residual paths need no rule of their own, and what the rest
    of the model does is of no matter. Dilated layers read with gaps; the field is what lies
    between their ends. Of a layer that runs several times, the first run is asked.

    Parameters
    ----------
    model, layer
        From `find_layer`; left as they are.
    length
        Of the sequences. Fields that are cut off by the ends of the sequence in every position
        are given as long as they are seen.

    Raises
    ------
    InputError
        When each unit reads the whole sequence, or the fields are not equally spaced.

    Examples
    --------
    >>> from cisgram.models.probe import find_layer
    >>> net = nn.Sequential(nn.Conv1d(4, 2, 5), nn.MaxPool1d(3), nn.Conv1d(2, 2, 2, padding=1))
    >>> field = receptive_field(net, find_layer(net, "2", length=40), length=40)
    >>> field.offset, field.stride, field.width
    (-3, 3, 10)
    """
    reads = dependence(model, layer, length=length)
    for axis in (2, 1) if len(layer.shape) == 2 else ():
        found = reads[axis - 1]
        if (found != found[:, :1]).any():
            return _fitted(found, layer, axis)
    if len(layer.shape) == 2 and 1 in layer.shape and reads[0].any():
        axis = 2 if layer.shape[1] == 1 else 1  # one position only
        return _fitted(reads[axis - 1], layer, axis)
    if any(r.any() for r in reads):
        msg = (
            f"Each unit of the layer {layer.name!r} reads the whole sequence, so it has no motif "
            "of its own; ask for an earlier layer."
        )
        raise InputError(msg)
    msg = f"No letter reaches the layer {layer.name!r} as a number, so its fields cannot be found."
    raise InputError(msg)


def dependence(model: nn.Module, layer: Layer, *, length: int) -> list[NDArray[np.bool_]]:
    """Whether each letter is read, (length, size), for each axis of the layer but the first."""
    axes = range(1, len(layer.shape) + 1)
    found: list[list[NDArray[np.bool_]]] = [[] for _ in axes]
    with untouched(model), torch.inference_mode(), plain_kernels():
        for start in range(0, length, PROBES):
            at = torch.arange(start, min(start + PROBES, length))
            x = torch.zeros(len(at), 4, length)
            x[torch.arange(len(at)), :, at] = torch.nan
            lost = outputs_of(model, layer, x.to(device_of(model)))[0][1].isnan().cpu()
            for axis in axes:
                others = [a for a in axes if a != axis]
                found[axis - 1].append((lost.any(others[0]) if others else lost).numpy())
    return [np.concatenate(f) for f in found]


@contextmanager
def plain_kernels() -> Iterator[None]:
    """No kernels that mix neighboring positions, times zero."""
    was = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        with torch.backends.cudnn.flags(enabled=False), torch.backends.nnpack.flags(enabled=False):
            yield
    finally:
        torch._C._set_mkldnn_enabled(was)


def _fitted(reads: NDArray[np.bool_], layer: Layer, axis: int) -> ReceptiveField:
    found = equally_spaced(reads)
    if found is None:
        msg = (
            f"The units of the layer {layer.name!r} do not read equally spaced pieces of the "
            "sequence from its first to its last, so their sites cannot be laid upon each other; "
            "ask for an earlier layer."
        )
        raise InputError(msg)
    return ReceptiveField(*found, reads.shape[1], axis)


def equally_spaced(reads: NDArray[np.bool_]) -> tuple[int, int, int] | None:
    """Offset, stride and width of the fields that give (length, positions) what is read.

    Fields are cut at the ends of what is read at all; positions that read nothing are left out.
    None where there are no such fields.

    Examples
    --------
    >>> equally_spaced(np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=bool))
    (0, 2, 2)
    """
    length, positions = reads.shape
    at = np.flatnonzero(reads.any(0))
    if not len(at):
        return None
    start = reads.argmax(0)[at]
    stop = length - reads[::-1].argmax(0)[at]
    if positions == 1:
        return int(start[0]), 1, int(stop[0] - start[0])
    steps = np.r_[np.diff(start), np.diff(stop)][np.r_[np.diff(at), np.diff(at)] == 1]
    sizes, times = np.unique(steps[steps > 0], return_counts=True)
    if not len(sizes):  # the same for all, or read backwards
        return None
    stride = int(sizes[times.argmax()])
    # padding only ever hides letters: the widest that is seen is the field
    first, last = int((start - stride * at).min()), int((stop - stride * at).max())
    low, high = start.min(), stop.max()
    is_left, is_right = first + stride * at >= low, last + stride * at <= high
    if (start[is_left] != first + stride * at[is_left]).any() or (
        stop[is_right] != last + stride * at[is_right]
    ).any():
        return None
    return first, stride, last - first


def unit_axis(model: nn.Module, layer: Layer, *, length: int) -> int:
    """The axis of a layer's output on which its units lie: 1 or 2.

    Raises
    ------
    InputError
        When neither the kind of the module nor its receptive fields tell it.
    """
    if len(layer.shape) == 1 or isinstance(layer.module, nn.Conv1d):
        return 1
    if isinstance(layer.module, nn.RNNBase | nn.Linear | nn.LayerNorm | nn.MultiheadAttention):
        return 2
    try:
        return 3 - receptive_field(model, layer, length=length).axis
    except InputError:
        msg = (
            f"The layer {layer.name!r} gives {layer.shape} for a sequence, and nothing tells which "
            "of these are its units. Ask for a convolution, a linear or a recurrent layer."
        )
        raise InputError(msg) from None
