"""All windows that activate a neuron where they can be counted, else a guided search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.explain.demix.breeding import (
    TRIED,
    bred,
    drawn,
    log_rarity,
    parent_weight,
    steepest,
)
from cisgram.explain.demix.reader import CHEAP, Codes, Floats, Reader, affordable, cost, reader
from cisgram.explain.demix.sample import Sample, SampleOptions
from cisgram.explain.demix.window import Window
from cisgram.models.graph import Value

COUNTED = 10  # windows of at most so many base pairs are enumerated
FEWEST = 320  # windows of a population, however dear the neuron
ROUNDS, SHORTEST = 200, 16  # the longest search of a cheap neuron, and of a dear one
CLIMB = 5  # rounds in which a cheap neuron's windows climb


def sample(
    window: Window,
    neurons: Sequence[int],
    *,
    stride: int = 1,
    options: SampleOptions | None = None,
    start: Codes | None = None,
    threshold: float = 0.0,
    read: Reader | None = None,
    wanted: Sequence[Value] = (),
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> list[Sample]:
    """Windows that activate each of several neurons of a layer.

    Windows of up to 10 bp are all scored, and all active ones kept up to ``most``. For wider
    ones a population of random sequences is improved round by round: every letter is drawn anew
    from ``max(0, x + step * gradient)``, rows scaled to sum 1; what is active is kept; the next
    population is a tenth best ones, the same shifted left and right by less than the layer's
    stride, and crossings of pairs drawn by activation and rarity. In the end it climbs.

    Parameters
    ----------
    window
        The layer's neurons as functions of their window.
    neurons
        Their channels. Each has random numbers of its own, so that its sample does not depend
        on the company.
    stride
        Base pairs between neighboring positions of the layer.
    options
        See `SampleOptions`.
    start
        (m, width) sequences to start from, for example windows of real sequences, in place of
        as many random ones.
    threshold
        Value above which a neuron counts as active.
    read
        How to read the neurons; default `reader` of the window.
    wanted
        Maps below the layer to keep of every window where a search sees them anyway (with
        ``inherited``), so that they need not be made again.
    progress
        Called with neurons done and the number of all.
    seed
        Of each neuron's own generator.

    Returns
    -------
    list of Sample
        In the order of ``neurons``.

    References
    ----------
    Wei Z, Hua K, Wei L, Ma S, Jiang R, Zhang X, Li Y, Wong WH, Wang X (2023). NeuronMotif. PNAS
    120:e2216698120. With ``pressure=1, rarity=0, climb=0, mutation=0`` the search is that of the
    authors' code, with the selection weights that it intends (1 + v above 0, exp(v) below) and
    without seeds from the layer below; but of more than ``most`` windows those kept fill the steps
    of activation.
    """
    how = options or SampleOptions()
    if how.inherited is None:
        how = replace(how, inherited=cost(window) > CHEAP)
    read = read or reader(window, batch_size=how.batch_size)
    if window.width <= COUNTED:
        return _counted(read, window.width, neurons, threshold, how, seed)
    n = how.population or population(window)
    rounds = how.rounds or affordable(cost(window), ROUNDS, SHORTEST)
    climb = min(CLIMB, rounds // SHORTEST) if how.climb is None else how.climb
    out = []
    for done, k in enumerate(neurons, 1):
        search = _Search.begin(window.width, k, n, start, threshold, seed)
        if how.inherited:
            search.wanted, search.seed = wanted, seed
        search.score(read, how)
        while search.rounds < rounds and not search.is_over(how):
            search.advance(read, how, stride)
        search.climb(read, how, climb)
        out.append(search.result(how))
        if progress is not None:
            progress(done, len(neurons))
    return out


def population(window: Window) -> int:
    """Windows of a round where none are asked for (`SampleOptions.population`)."""
    published = int(np.clip(1000 * (window.width // 20), 2000, 5000))
    return affordable(cost(window), published, FEWEST)


def _counted(
    read: Reader,
    width: int,
    neurons: Sequence[int],
    threshold: float,
    how: SampleOptions,
    seed: int,
) -> list[Sample]:
    n = 4**width
    shift = 2 * np.arange(width - 1, -1, -1)
    codes = ((np.arange(n)[:, None] >> shift) & 3).astype(np.uint8)
    value = read.values(codes, neurons)
    out = []
    for i, k in enumerate(neurons):
        v = value[:, i]
        kept = np.flatnonzero(v > threshold)
        is_complete = len(kept) <= how.most
        if not is_complete:
            kept = kept[_spread(v[kept], threshold, how, generator(seed, f"neuron {k}"))]
        out.append(Sample(codes[kept], v[kept], threshold, is_complete=is_complete, scored=n))
    return out


@dataclass(slots=True, eq=False)
class _Search:
    """The search for one neuron: its population and what it has found."""

    neuron: int
    codes: Codes
    rng: np.random.Generator
    threshold: float
    factors: NDArray[np.uint64]
    value: Floats = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    best: float = -np.inf
    slopes: Floats | None = None
    wanted: Sequence[Value] = ()
    seed: int = 0
    stalled: int = 0
    rounds: int = 0
    scored: int = 0
    found: list[Codes] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)
    maps: list[list[Floats]] = field(default_factory=list)
    held: int = 0

    @classmethod
    def begin(
        cls, width: int, neuron: int, n: int, start: Codes | None, threshold: float, seed: int
    ) -> _Search:
        """A population of ``n``, before it is scored."""
        rng = generator(seed, f"neuron {neuron}")
        codes = rng.integers(0, 4, (n, width), dtype=np.uint8)
        if start is not None and len(start):
            some = start[rng.permutation(len(start))[:n]]
            codes[: len(some)] = some
        factors = rng.integers(0, 2**64, width, dtype=np.uint64) | np.uint64(1)
        return cls(neuron, codes, rng, threshold, factors)

    def is_over(self, how: SampleOptions) -> bool:
        """Whether the mean no longer rises."""
        return self.stalled > how.patience

    def advance(self, read: Reader, how: SampleOptions, stride: int) -> None:
        """One round: breed, follow the gradient, keep what is active."""
        slopes = self.slopes
        if self.rounds:
            weight = parent_weight(self.codes, self.value, how)
            chosen = bred(self.value, weight, self.codes.shape[1], stride, self.rng)
            self.codes = chosen.of(self.codes)
            slopes = chosen.of(slopes) if slopes is not None else None
        if slopes is None:
            slopes = read.slopes(self.codes, self.neuron)[1]
        self.codes = drawn(self.codes, slopes, how, self.rng)
        self.rounds += 1
        self.score(read, how)
        mean = float(self.value.mean())
        self.stalled = 0 if mean > self.best else self.stalled + 1
        self.best = max(self.best, mean)
        if self.rounds % 5 == 0 and self.held > how.most:
            self._thin(how)

    def climb(self, read: Reader, how: SampleOptions, rounds: int) -> None:
        """Every window takes the letter that gains most, as long as one does."""
        best = np.arange(len(self.value))
        for _ in range(rounds):
            codes, value = self.codes[best], self.value[best]
            if not len(codes):
                return
            slopes = (
                read.slopes(codes, self.neuron)[1] if self.slopes is None else self.slopes[best]
            )
            self.codes = steepest(codes, slopes)
            self.score(read, how)
            offered = self.value.reshape(len(codes), TRIED)
            best = np.arange(len(codes)) * TRIED + offered.argmax(1)
            best = best[offered.max(1) > value]

    def score(self, read: Reader, how: SampleOptions) -> None:
        """The population's values, and slopes where its children inherit them."""
        if how.inherited:
            self.value, self.slopes, maps = read.slopes(
                self.codes, self.neuron, self.wanted, seed=self.seed
            )
            self.maps.append([m[self.value > self.threshold] for m in maps])
        else:
            self.value, self.slopes = read.values(self.codes, [self.neuron])[:, 0], None
        active = self.value > self.threshold
        self.found.append(self.codes[active])
        self.values.append(self.value[active])
        self.held += int(active.sum())
        self.scored += len(self.codes)

    def _thin(self, how: SampleOptions) -> None:
        codes, value = np.concatenate(self.found), np.concatenate(self.values)
        words = (codes.astype(np.uint64) + np.uint64(1)) @ self.factors
        first = np.sort(np.unique(words, return_index=True)[1])
        log_weight = log_rarity(codes[first], how) if len(first) > how.most else 0.0
        kept = first[_spread(value[first], self.threshold, how, self.rng, log_weight)]
        self.found, self.values, self.held = [codes[kept]], [value[kept]], len(kept)
        if self.wanted:
            self.maps = [[np.concatenate(m)[kept] for m in zip(*self.maps, strict=True)]]

    def result(self, how: SampleOptions) -> Sample:
        self._thin(how)
        return Sample(
            self.found[0],
            self.values[0],
            self.threshold,
            is_complete=False,
            rounds=self.rounds,
            scored=self.scored,
            maps=self.maps[0] if self.wanted else None,
        )


def _spread(
    value: Floats,
    threshold: float,
    how: SampleOptions,
    rng: np.random.Generator,
    log_weight: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.int64]:
    """Rows to keep: all, or of each step of activation as many as there is room for.

    Within a step they are drawn without replacement by weight: the largest sums of a logarithm
    and a Gumbel number.
    """
    if len(value) <= how.most:
        return np.arange(len(value))
    edges = np.linspace(threshold, float(value.max()), how.bins + 1)[1:-1]
    step = np.searchsorted(edges, value)
    room = _room(np.bincount(step, minlength=how.bins), how.most)
    order = np.lexsort((-(log_weight + rng.gumbel(size=len(value))), step))
    ordered = step[order]
    rank = np.arange(len(value)) - np.searchsorted(ordered, ordered)
    return np.sort(order[rank < room])


def _room(held: NDArray[np.int64], most: int) -> int:
    """The largest number for each step so that all of them together keep at most ``most``."""
    left = most
    for done, n in enumerate(np.sort(held)):
        if n * (len(held) - done) > left:
            return left // (len(held) - done)
        left -= n
    return int(held.max())
