"""What the units of a layer do along a sequence, and the letters under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.core.types import OneHot
from cisgram.models.probe import Layer, find_layer, outputs_of
from cisgram.models.receptive import ReceptiveField, receptive_field


class Map(NamedTuple):
    """What a layer did on a batch of sequences.

    Attributes
    ----------
    letters
        (n, 4, length) what was read.
    a
        (n, f, t) activations, rectified.
    turned
        (n,) True where the other strand was read; None where none was.
    """

    letters: Tensor
    a: Tensor
    turned: Tensor | None = None

    def as_given(self) -> Tensor:
        """(n, f, t) activations with positions counted on the strand as given."""
        if self.turned is None:
            return self.a
        return torch.where(self.turned[:, None, None], self.a.flip(2), self.a)


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """The activations of a layer with the letters that they were computed from.

    Attributes
    ----------
    model, layer
        What is read.
    field
        The letters that each position of the layer reads.
    """

    model: nn.Module
    layer: Layer
    field: ReceptiveField

    @classmethod
    def of(cls, model: nn.Module, name: str | None, *, length: int) -> Reader:
        """A reader of the layer of that name; of the convolution over the bases without one."""
        layer = find_layer(model, name, length=length)
        if not layer.reads_letters:
            return cls(model, layer, receptive_field(model, layer, length=length))
        conv = layer.module
        assert isinstance(conv, nn.Conv1d)
        # against the letters as the convolution reads them: some models pad them before
        reach = conv.dilation[0] * (conv.kernel_size[0] - 1) + 1
        field = ReceptiveField(-_padding(conv), conv.stride[0], reach, layer.shape[1])
        return cls(model, layer, field)

    @property
    def n_units(self) -> int:
        """Units of the layer, f."""
        return self.layer.shape[2 - self.field.axis]

    @property
    def width(self) -> int:
        """Columns of a motif, k: a dilated first convolution skips the letters between."""
        return -(-self.field.width // self._dilation)

    @property
    def _dilation(self) -> int:
        conv = self.layer.module
        return conv.dilation[0] if self.layer.reads_letters and isinstance(conv, nn.Conv1d) else 1

    def maps(self, x: OneHot, batch_size: int) -> Iterator[Map]:
        """What the layer does, batch by batch.

        The letters are those that the first convolution reads, where this is it. A network that
        scores both strands itself is read on the strand that won.
        """
        for part in torch.split(x, batch_size):
            calls = outputs_of(self.model, self.layer, part)
            letters, a = calls[0]
            turned: Tensor | None = None
            if not self.layer.reads_letters:
                letters = part
            strand = getattr(self.model, "strand", None)
            if len(calls) == 2 and callable(strand):
                other = part.flip(1, 2)
                turned = (strand(other) > strand(part)).any(1)
                won = turned[:, None, None]
                letters = torch.where(
                    won, calls[1][0] if self.layer.reads_letters else other, letters
                )
                a = torch.where(won, calls[1][1], a)
            if a.shape[1:] != self.layer.shape:
                msg = (
                    f"The layer {self.layer.name!r} gives {tuple(a.shape)} for these sequences, "
                    f"not (n, {', '.join(map(str, self.layer.shape))}) as for others of the length."
                )
                raise InputError(msg)
            a = torch.relu(a if self.field.axis == 2 else a.transpose(1, 2))
            yield Map(letters, a, turned)

    def letters_under(self, letters: Tensor, chosen: Tensor) -> Tensor:
        """(f, 4, k) sums of the letters under the chosen sites (n, f, t).

        This is the gradient of a convolution's weights when ``chosen`` is the gradient of its
        output, which torch computes in one product.
        """
        f, before = self.field, -self.field.offset
        end = f.stride * (f.positions - 1) + f.width - before  # where the last field ends
        letters = F.pad(letters, (before, end - letters.shape[2]))
        found: Tensor = torch.nn.grad.conv1d_weight(  # type: ignore[attr-defined]  # torch has no stub
            letters,
            (self.n_units, 4, self.width),
            chosen,
            stride=f.stride,
            dilation=self._dilation,
        )
        return found


def _padding(conv: nn.Conv1d) -> int:
    """Columns that a convolution puts before the first letter."""
    if not isinstance(conv.padding, str):
        return conv.padding[0]
    if conv.padding == "valid":
        return 0
    reach = conv.dilation[0] * (conv.kernel_size[0] - 1)
    return reach // 2  # as torch does: the odd one goes behind
