"""What activates a neuron: all its windows where they can be counted, else a guided search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cisgram.core.seeds import generator
from cisgram.explain.demix.window import Window
from cisgram.seq.alphabet import one_hot

Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]

COUNTED = 10  # windows of at most so many base pairs are enumerated
FLAT = 0.02  # share of a sequence's steepest position below which the gradient counts as flat


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """How a neuron's sequences are searched; the defaults are those of NeuronMotif.

    Attributes
    ----------
    population
        Sequences of a round; None: 1,000 for every 20 bp of the window, from 2,000 to 5,000.
    rounds
        At most so many.
    patience
        Rounds without a better mean after which the search ends.
    step
        How far the letters follow the gradient, in units of its standard deviation over a
        sequence (``normalized``) or of the gradient itself.
    normalized
        Whether each sequence's gradient is divided by its standard deviation; without this the
        step depends on the neuron's scale (NeuronMotif's choice).
    mutation
        Added to the weights of the letters where the gradient is flat, so that letters that do
        not matter to the neuron keep changing; 0 is NeuronMotif's choice, under which they are
        handed down and look like motifs in small populations.
    most
        Sequences kept, spread over the range of activation.
    bins
        Equal steps of activation for this.
    batch_size
        Windows scored at once.
    """

    population: int | None = None
    rounds: int = 200
    patience: int = 10
    step: float = 1.0
    normalized: bool = False
    mutation: float = 0.05
    most: int = 100_000
    bins: int = 50
    batch_size: int = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Distinct windows that activate a neuron.

    Attributes
    ----------
    codes
        (n, width) letters, codes 0-3, in the order in which they were found.
    value
        (n,) the neuron's value on each, above ``threshold``.
    threshold
        Above this the neuron counts as active.
    is_complete
        Whether these are all windows that there are.
    rounds
        Of the search; 0 where all windows were counted.
    scored
        Windows that were scored.
    """

    codes: Codes
    value: Floats
    threshold: float
    is_complete: bool
    rounds: int = 0
    scored: int = 0


def sample(
    window: Window,
    neurons: Sequence[int],
    *,
    stride: int = 1,
    options: SampleOptions | None = None,
    start: Codes | None = None,
    threshold: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> list[Sample]:
    """Windows that activate each of several neurons of a layer.

    Windows of up to 10 bp are all scored, and all active ones kept up to ``most``. For wider
    ones a population of random sequences is improved round by round: every letter is drawn anew
    from ``max(0, x + step * gradient)``, rows scaled to sum 1; what is active is kept; the next
    population is a tenth best ones, the same shifted left and right by less than the layer's
    stride, and crossings of pairs drawn by activation.

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
    120:e2216698120; the search as in the authors' code, with the selection weights that it
    intends (1 + v above 0, exp(v) below), without seeds from the layer below.
    """
    how = options or SampleOptions()
    if window.width <= COUNTED:
        return _counted(window, neurons, threshold, how, seed)
    out = []
    for done, k in enumerate(neurons, 1):
        search = _Search.begin(window, k, how, start, threshold, seed)
        while search.rounds < how.rounds and not search.is_over(how):
            _advance(window, search, how, stride, is_first=search.rounds == 0)
        out.append(search.result(how))
        if progress is not None:
            progress(done, len(neurons))
    return out


def _counted(
    window: Window, neurons: Sequence[int], threshold: float, how: SampleOptions, seed: int
) -> list[Sample]:
    n = 4**window.width
    shift = 2 * np.arange(window.width - 1, -1, -1)
    codes = ((np.arange(n)[:, None] >> shift) & 3).astype(np.uint8)
    device = window.graph.x.device
    with torch.no_grad():
        value = torch.cat(
            [
                window(one_hot(torch.from_numpy(part).to(device)))[:, list(neurons)].cpu()
                for part in np.array_split(codes, max(1, -(-n // how.batch_size)))
            ]
        ).numpy()
    out = []
    for i in range(len(neurons)):
        v = value[:, i].astype(np.float32)
        kept = np.flatnonzero(v > threshold)
        is_complete = len(kept) <= how.most
        if not is_complete:
            rng = generator(seed, f"neuron {neurons[i]}")
            kept = kept[_spread(v[kept], threshold, how, rng)]
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
    best: float = -np.inf
    stalled: int = 0
    rounds: int = 0
    scored: int = 0
    found: list[Codes] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)
    held: int = 0

    @classmethod
    def begin(
        cls,
        window: Window,
        neuron: int,
        how: SampleOptions,
        start: Codes | None,
        threshold: float,
        seed: int,
    ) -> _Search:
        n = how.population or int(np.clip(1000 * (window.width // 20), 2000, 5000))
        rng = generator(seed, f"neuron {neuron}")
        codes = rng.integers(0, 4, (n, window.width), dtype=np.uint8)
        if start is not None and len(start):
            some = start[rng.permutation(len(start))[:n]]
            codes[: len(some)] = some
        factors = rng.integers(0, 2**64, window.width, dtype=np.uint64) | np.uint64(1)
        return cls(neuron, codes, rng, threshold, factors)

    def is_over(self, how: SampleOptions) -> bool:
        return self.stalled > how.patience

    def keep(self, codes: Codes, value: Floats, how: SampleOptions) -> None:
        active = value > self.threshold
        self.found.append(codes[active])
        self.values.append(value[active])
        self.held += int(active.sum())
        self.scored += len(codes)
        self.rounds += 1
        if self.rounds % 5 == 0 and self.held > how.most:
            self._thin(how)

    def _thin(self, how: SampleOptions) -> None:
        codes, value = np.concatenate(self.found), np.concatenate(self.values)
        words = (codes.astype(np.uint64) + np.uint64(1)) @ self.factors
        first = np.sort(np.unique(words, return_index=True)[1])
        kept = first[_spread(value[first], self.threshold, how, self.rng)]
        self.found, self.values, self.held = [codes[kept]], [value[kept]], len(kept)

    def result(self, how: SampleOptions) -> Sample:
        self._thin(how)
        return Sample(
            self.found[0],
            self.values[0],
            self.threshold,
            is_complete=False,
            rounds=self.rounds,
            scored=self.scored,
        )


def _spread(
    value: Floats, threshold: float, how: SampleOptions, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows to keep: all, or at most so many in each step of activation."""
    if len(value) <= how.most:
        return np.arange(len(value))
    edges = np.linspace(threshold, float(value.max()), how.bins + 1)[1:-1]
    step = np.searchsorted(edges, value)
    room = how.most // how.bins
    kept = [rng.permutation(np.flatnonzero(step == b))[:room] for b in range(how.bins)]
    return np.sort(np.concatenate(kept))


def _advance(
    window: Window, s: _Search, how: SampleOptions, stride: int, *, is_first: bool
) -> None:
    """One round: follow the gradient, keep what is active, breed."""
    if is_first:  # the population to start from counts too
        s.keep(s.codes, _values(window, s, how), how)
        s.rounds -= 1
    s.codes = _drawn(s.codes, _slopes(window, s, how), how, s.rng)
    value = _values(window, s, how)
    s.keep(s.codes, value, how)
    mean = float(value.mean())
    s.stalled = 0 if mean > s.best else s.stalled + 1
    s.best = max(s.best, mean)
    s.codes = _next(s.codes, value, stride, s.rng)


def _batches(window: Window, s: _Search, how: SampleOptions) -> Iterator[Tensor]:
    device = window.graph.x.device
    for i in range(0, len(s.codes), how.batch_size):
        yield one_hot(torch.from_numpy(s.codes[i : i + how.batch_size]).to(device))


def _values(window: Window, s: _Search, how: SampleOptions) -> Floats:
    """(n,) the neuron's value on its population."""
    with torch.no_grad():
        parts = [window(x)[:, s.neuron].cpu() for x in _batches(window, s, how)]
    out: Floats = torch.cat(parts).numpy().astype(np.float32)
    return out


def _slopes(window: Window, s: _Search, how: SampleOptions) -> Floats:
    """(n, width, 4) gradient of the neuron's value at its population."""
    parts = []
    with torch.enable_grad():
        for x in _batches(window, s, how):
            (slope,) = torch.autograd.grad(window(x.requires_grad_())[:, s.neuron].sum(), x)
            parts.append(slope.transpose(1, 2).cpu())
    out: Floats = torch.cat(parts).contiguous().numpy()
    return out


def _drawn(codes: Codes, slope: Floats, how: SampleOptions, rng: np.random.Generator) -> Codes:
    """Every letter anew, with probability proportional to max(0, x + step * gradient)."""
    n, width = codes.shape
    q = slope * np.float32(how.step)
    reach = slope.max(2) - slope.min(2)  # (n, width)
    flat_here = reach <= FLAT * reach.max(1, keepdims=True)
    if how.normalized:
        spread = slope.reshape(n, -1).std(1)
        q /= np.where(spread > 0, spread, 1)[:, None, None].astype(np.float32)
    flat = q.reshape(-1, 4)
    flat[np.arange(n * width), codes.ravel()] += 1
    np.maximum(flat, 0, out=flat)
    flat[flat_here.ravel()] += np.float32(how.mutation)
    flat[flat.sum(1) == 0] = 1
    np.cumsum(flat, axis=1, out=flat)
    u = rng.random(n * width, dtype=np.float32) * flat[:, 3]
    drawn: Codes = (u[:, None] >= flat[:, :3]).sum(1, dtype=np.uint8)
    return drawn.reshape(n, width)


def _next(codes: Codes, value: Floats, stride: int, rng: np.random.Generator) -> Codes:
    """A tenth best, the same shifted, and crossings of pairs drawn by activation."""
    n, width = codes.shape
    best = codes[np.argsort(-value, kind="stable")[: n // 10]]
    parts = [best]
    if stride > 1:
        steps = rng.integers(1, stride, (2, len(best))) * np.array([[1], [-1]])
        column = np.arange(width)
        parts += [np.take_along_axis(best, (column + s[:, None]) % width, 1) for s in steps]
    pairs = (n - sum(map(len, parts))) // 2
    weight = np.where(value > 0, 1 + np.maximum(value, 0), np.exp(np.minimum(value, 0)))
    cumulative = np.cumsum(weight.astype(np.float64))
    drawn = np.searchsorted(cumulative, rng.random((2, pairs)) * cumulative[-1], side="right")
    one, other = codes[np.minimum(drawn, n - 1)]
    is_left = np.arange(width) < rng.integers(1, width, (pairs, 1))
    parts += [np.where(is_left, one, other), np.where(is_left, other, one)]
    made = np.concatenate(parts)
    return np.concatenate([made, best[: n - len(made)]]) if len(made) < n else made
