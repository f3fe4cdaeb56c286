"""Layers that several models share; drop-in forms of torch's own that are quicker on a CPU.

The thin convolutions and poolings of sequence models run two to eight times faster on a CPU as
channels-last 2-d operations, and torch's dropout spends 17 ns an element on drawing one bit
(figures in ``docs/performance.md``). The subclasses here change the speed and, within float
rounding, nothing else; on other devices they are torch's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown


class Conv1d(nn.Conv1d):
    """`torch.nn.Conv1d`, run channels-last on a CPU."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's name)
        if input.device.type != "cpu" or input.ndim != 3 or self.padding_mode != "zeros":
            return super().forward(input)
        x = _channels_last(input)
        weight = self.weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        padding = self.padding if isinstance(self.padding, str) else (0, self.padding[0])
        out: Tensor = F.conv2d(
            x,
            weight,
            self.bias,
            (1, self.stride[0]),
            padding,
            (1, self.dilation[0]),
            self.groups,
        )
        return out.squeeze(2)


class MaxPool1d(nn.MaxPool1d):
    """`torch.nn.MaxPool1d`, run channels-last on a CPU."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's name)
        if input.device.type != "cpu" or input.ndim != 3 or self.return_indices:
            plain: Tensor = super().forward(input)
            return plain
        pooled: Tensor = F.max_pool2d(
            _channels_last(input),
            (1, _int(self.kernel_size)),
            (1, _int(self.stride)),
            (0, _int(self.padding)),
            (1, _int(self.dilation)),
            self.ceil_mode,
        )
        return pooled.squeeze(2)


class Dropout(nn.Dropout):
    """`torch.nn.Dropout` whose mask is drawn from random bytes on a CPU.

    The keep probability is rounded to 1/256 (one half and its like are exact). The seed of each
    mask comes from torch's generator, so ``torch.manual_seed`` repeats it.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's name)
        if not self.training or self.p == 0 or input.device.type != "cpu":
            return super().forward(input)
        return input * keep_mask(input, self.p)


def keep_mask(x: Tensor, p: float) -> Tensor:
    """0 with probability ``p``, else 1 / (1 - p), in the shape and memory layout of ``x``."""
    kept = round(256 * (1 - p))
    seed = int(torch.randint(2**62, ()).item())
    random = np.random.Generator(np.random.SFC64(seed))
    n = x.numel()
    if kept == 128:
        bits = np.unpackbits(np.frombuffer(random.bytes((n + 7) // 8), np.uint8), count=n)
        mask = torch.from_numpy(bits)
    else:
        mask = torch.from_numpy(np.frombuffer(random.bytes(n), np.uint8) < kept)
    flat = mask.to(x.dtype) * (256 / max(kept, 1))
    order = sorted(range(x.ndim), key=lambda d: -x.stride()[d])  # as x lies in memory
    laid = flat.view([x.shape[d] for d in order])
    return laid.permute([order.index(d) for d in range(x.ndim)])


class BatchNorm1d(nn.BatchNorm1d):
    """`torch.nn.BatchNorm1d`, run channels-last on a CPU."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's name)
        if input.device.type != "cpu" or input.ndim != 3:
            return super().forward(input)
        return super().forward(_channels_last(input)).squeeze(2)

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002  (torch's name)
        if input.ndim != 4:  # which `forward` has made of three
            super()._check_input_dim(input)


class GlobalMax(nn.Module):
    """Maximum over positions: (n, f, length) to (n, f)."""

    def forward(self, x: Tensor) -> Tensor:
        return with_its_layout(x).max(-1).values


def with_its_layout(x: Tensor) -> Tensor:
    """The same x; on a CPU its gradient comes in the memory layout of x.

    The gradient of a maximum or a mean comes in torch's own order, and where the convolution
    before it is channels-last, every function of one number in between then reads one tensor
    against the grain: ten times slower than this one copy.
    """
    if x.device.type == "cpu" and x.requires_grad and x.transpose(1, 2).is_contiguous():
        x.register_hook(_by_position)  # type: ignore[no-untyped-call]  # torch gives no types
    return x


def _by_position(g: Tensor) -> Tensor:
    return g.transpose(1, 2).contiguous().transpose(1, 2)


class TwoClassHead(nn.Module):
    """Two class scores an output, as a softmax over (unbound, bound) has them.

    `class_scores` gives both; ``forward`` gives their difference (n, t), which is the logit of
    the softmax probability, so that the two-class likelihood is a binary one.
    """

    def __init__(self, features: int, n_outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 2 * n_outputs)

    def class_scores(self, features: Tensor) -> Tensor:
        """(n, t, 2): unbound, bound."""
        both: Tensor = self.linear(features)
        return both.view(len(both), both.shape[1] // 2, 2)

    def forward(self, features: Tensor) -> Tensor:
        scores = self.class_scores(features)
        return scores[..., 1] - scores[..., 0]


class TwoClassNetwork(nn.Module):
    """Features of a sequence and a `TwoClassHead` on them.

    A subclass sets ``features`` (a module, or a method: (n, 4, length) to (n, d)) and ``head``.
    """

    features: Callable[[Tensor], Tensor]
    head: TwoClassHead

    def class_scores(self, x: Tensor) -> Tensor:
        """(n, t, 2): unbound, bound."""
        return self.head.class_scores(self.features(x))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.features(x))  # (n, d) -> (n, t)
        return out


class MeanLSTM(nn.Module):
    """Two separate stacks of LSTMs, one on each reading direction, averaged over positions.

    (n, length, d) to (n, 2 * size). Directions are never mixed between layers, and dropout
    follows every LSTM, the last one included, before the mean: not what
    ``nn.LSTM(bidirectional=True)`` does.

    References
    ----------
    Lanchantin J, Singh R, Wang B, Qi Y (2017). Deep Motif Dashboard. PSB. The initial weights
    are theirs: N(0, 1 / sqrt(size + d)), biases 0, forget bias 1.
    """

    def __init__(self, d: int, size: int, *, layers: int, dropout: float) -> None:
        super().__init__()
        self.forwards = self._stack(d, size, layers)
        self.backwards = self._stack(d, size, layers)
        self.dropout = Dropout(dropout)

    @staticmethod
    def _stack(d: int, size: int, layers: int) -> nn.ModuleList:
        stack = nn.ModuleList(
            nn.LSTM(d if i == 0 else size, size, batch_first=True) for i in range(layers)
        )
        for i, lstm in enumerate(stack):
            scale = (size + (d if i == 0 else size)) ** -0.5
            for name, p in lstm.named_parameters():
                if name.startswith("weight"):
                    nn.init.normal_(p, 0.0, scale)
                else:
                    nn.init.zeros_(p)
                    if name.startswith("bias_ih"):
                        nn.init.ones_(p[size : 2 * size])  # gates lie in the order i f g o
        return stack

    def forward(self, x: Tensor) -> Tensor:
        down, up = x, x.flip(1)
        for forward, backward in zip(self.forwards, self.backwards, strict=True):
            down = self.dropout(forward(down)[0])  # (n, length, size)
            up = self.dropout(backward(up)[0])
        return torch.cat([down.mean(1), up.mean(1)], 1)


class BothWays(nn.Module):
    """The states of an LSTM in each direction side by side: (n, d, m) to (n, m, 2 * size)."""

    def __init__(self, d: int, size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(d, size, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.lstm(x.transpose(1, 2))[0]
        return out


class PositionsFirst(nn.Module):
    """(n, f, m) to (n, m, f), the order in which Keras flattens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


class FixedLength(nn.Module):
    """Convolutions whose maps are flattened into a dense head: sequences of one length only.

    Another length is refused by its name, not by the size of a matrix.
    """

    def __init__(
        self, length: int, features: Iterable[nn.Module], head: Iterable[nn.Module]
    ) -> None:
        super().__init__()
        self.length = length
        self.features = nn.Sequential(*features)
        self.head = nn.Sequential(*head)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.length:
            msg = (
                f"This model was made for sequences of {self.length} bp; got {x.shape[-1]} bp. "
                f"Make it with length={x.shape[-1]}, or give sequences of {self.length} bp."
            )
            raise InputError(msg)
        out: Tensor = self.head(self.features(x).flatten(1))  # (n, f, m) -> (n, f * m) -> (n, t)
        return out


class Exponential(nn.Module):
    """exp(x) of every number."""

    def forward(self, x: Tensor) -> Tensor:
        return x.exp()


FIRST = ("relu", "exponential")


def nonlinearity(first: str) -> nn.Module:
    """What follows the first convolution: ``relu`` or ``exponential``.

    An exponential tells a whole motif from half of it by a factor, so that filters become whole
    motifs. Networks whose first convolution has a norm behind it start it small (`convolved`).

    Raises
    ------
    UnknownName
        When it is something else.

    References
    ----------
    Koo PK, Ploenzke M (2021), as in `convolved`.

    Examples
    --------
    >>> nonlinearity("exponential")(torch.zeros(2)).tolist()
    [1.0, 1.0]
    """
    if first not in FIRST:
        what = "nonlinearity of the first layer"
        raise unknown(what, first, FIRST)
    return nn.ReLU() if first == "relu" else Exponential()


SMALL = 0.1  # of torch's size: filters before an exponential at the start


def convolved(
    maps: Sequence[int],
    layers: Sequence[tuple[int, int]],
    length: int,
    *,
    first: str = "relu",
) -> tuple[list[nn.Module], int]:
    """Unpadded convolutions, each with norm, ReLU and pooling, and the positions that are left.

    Parameters
    ----------
    maps
        Filters of each.
    layers
        Width in positions and pooling of each; 1: no pooling.
    length
        bp of the sequences.
    first
        Nonlinearity of the first: ``relu``, or ``exponential``, which makes the first filters
        whole motifs, with filters that start at a tenth of torch's size. The norm behind them
        undoes their size, so that nothing changes but how fast they turn: of filters that start
        large, short trainings leave much as it was drawn.

    Raises
    ------
    UnknownName
        When ``first`` is something else.

    References
    ----------
    Koo PK, Ploenzke M (2021). Improving representations of genomic sequence motifs in
    convolutional networks with exponential activations. Nature Machine Intelligence 3:258-266.

    Examples
    --------
    >>> len(convolved((8, 6), [(7, 1), (3, 2)], 20)[0]), convolved((8, 6), [(7, 1), (3, 2)], 20)[1]
    (7, 6)
    """
    behind_first = nonlinearity(first)
    found: list[nn.Module] = []
    d = 4
    for f, (width, pool) in zip(maps, layers, strict=True):
        found += [Conv1d(d, f, width), BatchNorm1d(f), nn.ReLU()]
        length -= width - 1
        if pool > 1:
            found.append(MaxPool1d(pool, pool))
            length //= pool
        d = f
    found[2] = behind_first
    if first == "exponential":
        for p in found[0].parameters():
            p.data *= SMALL
    return found, length


def _channels_last(x: Tensor) -> Tensor:
    """(n, f, length) as (n, f, 1, length) with f moving fastest in memory."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def _int(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[0]
