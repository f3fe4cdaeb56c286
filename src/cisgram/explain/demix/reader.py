"""Neurons of a layer read on windows given as letters: values, slopes, and the maps below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cisgram.core.seeds import generator
from cisgram.explain.demix.chain import Chain, chain_of
from cisgram.explain.demix.window import Window
from cisgram.models.graph import Value
from cisgram.seq.alphabet import one_hot

Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]
T = TypeVar("T")

DIMENSIONS = 128  # maps of more numbers are projected to so many
DEAR = 1_000_000  # multiplications from which maps are kept when a window is scored
CHEAP = 60_000  # multiplications of a window up to which nothing is saved
SAME = 1e-4  # a quick neuron may differ by this share of its largest value or slope
ASKED = 16  # random windows on which this is seen


class Reader(Protocol):
    """How neurons are read; all arrays in the order of the windows (n, width) asked."""

    def values(self, codes: Codes, neurons: Sequence[int]) -> Floats:
        """(n, len(neurons)) values."""

    def slopes(
        self, codes: Codes, neuron: int, wanted: Sequence[Value] = (), *, seed: int = 0
    ) -> tuple[Floats, Floats, list[Floats]]:
        """(n,) values of one neuron, (n, 4, width) their gradient, and `maps`, from one pass."""

    def maps(self, codes: Codes, wanted: Sequence[Value], *, seed: int) -> list[Floats]:
        """For each wanted value (n, d) maps, d at most 128, by a random projection."""


def reader(window: Window, *, batch_size: int = 4096) -> Reader:
    """The quickest way to read a layer's neurons that gives what its window gives.

    A plain chain of convolutions, norms, nonlinearities and poolings is run as a `Chain`; it is
    compared with the window on random sequences first. Whatever else is there, or differs by more
    than 1e-4 of the largest number, is replayed operation by operation. Slopes are compared on
    average: where two positions of a pool are as good as equal, rounding decides which one has
    the slope.
    """
    plain = Plain(window, batch_size)
    chain = chain_of(window)
    if chain is None:
        return plain
    quick = Quick(chain, plain)
    codes = generator(0, "quick windows").integers(0, 4, (ASKED, window.width), dtype=np.uint8)
    channels = list(range(chain.channels))
    one = channels[-1]
    ours, theirs = (quick.values(codes, channels), plain.values(codes, channels))
    if ours.shape != theirs.shape or np.abs(ours - theirs).max() > SAME * _largest(theirs):
        return plain
    ours, theirs = quick.slopes(codes, one)[1], plain.slopes(codes, one)[1]
    return quick if np.abs(ours - theirs).mean() <= SAME * _largest(theirs) else plain


def _largest(values: Floats) -> float:
    return max(float(np.abs(values).max()), 1e-12)


def affordable(cost: int, most: int, fewest: int) -> int:
    """How much to ask of a neuron of this cost: less where it is dear.

    ``most`` up to 60,000 multiplications a window; with c of them, ``most`` times
    sqrt(60,000 / c); never below ``fewest``. So a search that makes both its rounds and its
    windows a round affordable costs the same in a wide network as in a small one.

    Examples
    --------
    >>> affordable(60_000, 4000, 256), affordable(240_000, 4000, 256), affordable(10**9, 4000, 256)
    (4000, 2000, 256)
    """
    share = min(1.0, (CHEAP / max(cost, 1)) ** 0.5)
    return max(int(most * share), fewest)


def cost(window: Window) -> int:
    """Multiplications of one window's pass through the layer: known from shapes, not timed."""
    return window.cost


class Plain:
    """The window itself, replayed operation by operation."""

    def __init__(self, window: Window, batch_size: int) -> None:
        self.window, self.batch_size = window, batch_size
        self.device = window.graph.x.device
        self.projections = Projections()

    def values(self, codes: Codes, neurons: Sequence[int]) -> Floats:
        """See `Reader`."""
        chosen = list(neurons)
        with torch.no_grad():
            return _together(self._each(codes, lambda x: self.window(x)[:, chosen]))

    def slopes(
        self, codes: Codes, neuron: int, wanted: Sequence[Value] = (), *, seed: int = 0
    ) -> tuple[Floats, Floats, list[Floats]]:
        """See `Reader`."""
        project = self.projections.of(seed)

        def all_of(x: Tensor) -> list[Tensor]:
            value, maps = self.window.values(x.requires_grad_(), wanted)
            (slope,) = torch.autograd.grad(value[:, neuron].sum(), x)
            return [value[:, neuron].detach(), slope, *(project(m.detach()) for m in maps)]

        with torch.enable_grad():
            value, slope, *maps = _joined(self._each(codes, all_of))
        return value, slope, maps

    def maps(self, codes: Codes, wanted: Sequence[Value], *, seed: int) -> list[Floats]:
        """See `Reader`."""
        project = self.projections.of(seed)
        with torch.no_grad():
            return _joined(
                self._each(codes, lambda x: list(map(project, self.window.values(x, wanted)[1])))
            )

    def _each(self, codes: Codes, f: Callable[[Tensor], T]) -> list[T]:
        return [f(one_hot(part)) for part in _parts(codes, self.batch_size, self.device)]


class Quick:
    """A chain of layers."""

    def __init__(self, chain: Chain, plain: Plain) -> None:
        self.chain, self.plain = chain, plain
        self.batch_size = min(plain.batch_size, chain.rows)
        self.projections = Projections()

    def values(self, codes: Codes, neurons: Sequence[int]) -> Floats:
        """See `Reader`."""
        with torch.no_grad():
            return _together(self._each(codes, lambda c: self.chain.values(c, neurons)))

    def slopes(
        self, codes: Codes, neuron: int, wanted: Sequence[Value] = (), *, seed: int = 0
    ) -> tuple[Floats, Floats, list[Floats]]:
        """See `Reader`."""
        if not self._knows(wanted):
            return self.plain.slopes(codes, neuron, wanted, seed=seed)
        project = self.projections.of(seed)

        def all_of(c: Tensor) -> list[Tensor]:
            value, slope, maps = self.chain.slopes(c, neuron, wanted)
            return [value, slope, *map(project, maps)]

        value, slope, *maps = _joined(self._each(codes, all_of))
        return value, slope, maps

    def maps(self, codes: Codes, wanted: Sequence[Value], *, seed: int) -> list[Floats]:
        """See `Reader`."""
        if not self._knows(wanted):
            return self.plain.maps(codes, wanted, seed=seed)
        project = self.projections.of(seed)
        with torch.no_grad():
            return _joined(
                self._each(codes, lambda c: list(map(project, self.chain.maps(c, wanted))))
            )

    def _knows(self, wanted: Sequence[Value]) -> bool:
        return all(v in self.chain.made for v in wanted)

    def _each(self, codes: Codes, f: Callable[[Tensor], T]) -> list[T]:
        return [f(part) for part in _parts(codes, self.batch_size, self.plain.device)]


def _parts(codes: Codes, size: int, device: torch.device) -> Iterator[Tensor]:
    for i in range(0, max(len(codes), 1), size):
        yield torch.from_numpy(codes[i : i + size]).to(device)


def _together(parts: Sequence[Tensor]) -> Floats:
    out: Floats = torch.cat([p.cpu() for p in parts]).float().numpy()
    return out


def _joined(parts: Sequence[Sequence[Tensor]]) -> list[Floats]:
    """The arrays of all batches, one behind the other."""
    return [_together(of_one) for of_one in zip(*parts, strict=True)]


class Projections:
    """One `Projection` a seed, made once."""

    def __init__(self) -> None:
        self.made: dict[int, Projection] = {}

    def of(self, seed: int) -> Projection:
        """That of a seed."""
        return self.made.setdefault(seed, Projection(seed))


class Projection:
    """(n, d) maps as (n, 128) random sums of their numbers, where d is more than that."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.mix: dict[int, Tensor] = {}  # one for each d

    def __call__(self, m: Tensor) -> Tensor:
        """Of maps whose numbers lie in whatever order suits the reader."""
        m = m.flatten(1)
        d = m.shape[1]
        if d <= DIMENSIONS:
            return m
        if d not in self.mix:
            g = torch.Generator().manual_seed(self.seed)
            self.mix[d] = torch.randn(d, DIMENSIONS, generator=g).to(m) / DIMENSIONS**0.5
        return m @ self.mix[d]
