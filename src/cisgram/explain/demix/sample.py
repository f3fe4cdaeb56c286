"""What activates a neuron: all its windows where they can be counted, else a guided search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.explain.demix.reader import CHEAP, Codes, Floats, Reader, affordable, cost, reader
from cisgram.explain.demix.window import Window
from cisgram.models.graph import Value

_N = TypeVar("_N", bound=np.generic)

COUNTED = 10  # windows of at most so many base pairs are enumerated
FEWEST = 320  # windows of a population, however dear the neuron
ROUNDS, SHORTEST = 200, 16  # the longest search of a cheap neuron, and of a dear one
FLAT = 0.02  # share of a sequence's steepest position below which the gradient counts as flat
CLIMB = 5  # rounds in which a cheap neuron's windows climb
STEEPEST = 2  # changes that a climbing window tries in a round
CHANCE = 8.13  # log likelihood ratio of even letters that one column in a thousand passes
WIDEST = 2.0  # standard deviation of the logarithm of what rarity adds to a parent's weight


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """How a neuron's sequences are searched.

    As NeuronMotif's, but for ``pressure`` (1 there), ``mutation``, ``rarity`` and ``climb`` (0
    there): in a population of a few thousand it drifts which of the ways to activate the neuron
    are left, and these keep more of them.

    Attributes
    ----------
    population
        Sequences of a round; None: 1,000 for every 20 bp of the window, from 2,000 to 5,000
        (NeuronMotif's), and fewer for dear neurons, down to 320 (`reader.affordable`).
    rounds
        At most so many; None: 200 (NeuronMotif's), and fewer for dear neurons, down to 16.
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
    pressure
        Exponent of the activation in the weight of a parent.
    rarity
        How much the weight of a parent, and of what is kept, grows with the rarity of its letters:
        the factor is the inverse of their likelihood to this power. Thus no way to activate the
        neuron crowds out the others.
    climb
        Rounds at the end in which every window takes the letter that gains most, as long as one
        does: all of them, so that the strongest windows are as unlike as the others. None: 5, and
        fewer for dear neurons, down to 1.
    inherited
        Whether a crossing is mutated along the slopes of its parents, each on its own side, so
        that a round is one pass and its gradient; False: along its own, for which it has to be
        run first (NeuronMotif's choice). None: only for dear neurons, those of more than 60,000
        multiplications a window.
    most
        Sequences kept, spread over the range of activation.
    bins
        Equal steps of activation for this.
    batch_size
        Windows scored at once, at most.
    """

    population: int | None = None
    rounds: int | None = None
    patience: int = 10
    step: float = 1.0
    normalized: bool = False
    mutation: float = 0.2
    pressure: float = 2.0
    rarity: float = 0.6
    climb: int | None = None
    inherited: bool | None = None
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
    maps
        (n, d) of each of the ``wanted`` maps; None where none were kept.
    """

    codes: Codes
    value: Floats
    threshold: float
    is_complete: bool
    rounds: int = 0
    scored: int = 0
    maps: list[Floats] | None = field(default=None, repr=False)


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
    120:e2216698120; the search as in the authors' code, with the selection weights that it
    intends (1 + v above 0, exp(v) below), without seeds from the layer below.
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
            weight = _weight(self.codes, self.value, how)
            chosen = _bred(self.value, weight, self.codes.shape[1], stride, self.rng)
            self.codes = chosen.of(self.codes)
            slopes = chosen.of(slopes) if slopes is not None else None
        if slopes is None:
            slopes = read.slopes(self.codes, self.neuron)[1]
        self.codes = _drawn(self.codes, slopes, how, self.rng)
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
            self.codes = _steepest(codes, slopes)
            self.score(read, how)
            offered = self.value.reshape(len(codes), STEEPEST)
            best = np.arange(len(codes)) * STEEPEST + offered.argmax(1)
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
        log_weight = _log_rarity(codes[first], how) if len(first) > how.most else 0.0
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


def _drawn(codes: Codes, slopes: Floats, how: SampleOptions, rng: np.random.Generator) -> Codes:
    """Every letter anew, with probability proportional to max(0, x + step * gradient)."""
    n, width = codes.shape
    planes = np.ascontiguousarray(slopes.transpose(1, 0, 2))  # (4, n, width)
    low, high = (f(f(planes[0], planes[1]), f(planes[2], planes[3])) for f in (np.fmin, np.fmax))
    reach = high - low
    flat_here = np.float32(how.mutation) * (reach <= FLAT * reach.max(1, keepdims=True))
    scale = np.full((n, 1), how.step, dtype=np.float32)
    if how.normalized:
        spread = slopes.reshape(n, -1).std(1, keepdims=True)
        scale /= np.where(spread > 0, spread, 1)
    planes *= scale
    for letter in range(4):  # weights, then their running sum
        planes[letter] += codes == letter
        np.maximum(planes[letter], 0, out=planes[letter])
        planes[letter] += flat_here
        if letter:
            planes[letter] += planes[letter - 1]
    below = planes[3]
    u = rng.random((n, width), dtype=np.float32)
    none = below <= 0  # no letter is better than nothing: all four alike
    u *= below
    drawn: Codes = (u >= planes[0]).astype(np.uint8)
    for letter in (1, 2):
        drawn += u >= planes[letter]
    if none.any():
        drawn[none] = rng.integers(0, 4, int(none.sum()), dtype=np.uint8)
    return drawn


def _steepest(codes: Codes, slopes: Floats) -> Codes:
    """(n * STEEPEST, width): of each window its copies with the one change that promises most."""
    n, width = codes.shape
    own = np.take_along_axis(slopes, codes[:, None].astype(np.int64), 1)
    gain = (slopes - own).reshape(n, 4 * width)
    change = np.argpartition(-gain, STEEPEST - 1, axis=1)[:, :STEEPEST].ravel()
    copies = np.repeat(codes, STEEPEST, axis=0)
    copies[np.arange(len(copies)), change % width] = change // width
    return copies


def _weight(codes: Codes, value: Floats, how: SampleOptions) -> NDArray[np.float64]:
    """(n,) of each window, how often it is a parent."""
    active = np.where(value > 0, np.log1p(np.maximum(value, 0)), np.minimum(value, 0))
    log = how.pressure * active.astype(np.float64) + _log_rarity(codes, how)
    weight: NDArray[np.float64] = np.exp(log - log.max())
    return weight


def _log_rarity(codes: Codes, how: SampleOptions) -> NDArray[np.float64]:
    """(n,) of each window, the logarithm of the weight that its rare letters give it.

    Minus the log likelihood under the letters of all windows, column by column. Columns whose
    letters are as even as chance makes them count for nothing, lest the noise of many columns that
    do not matter decides.
    """
    n = len(codes)
    out = np.zeros(n)
    for column in np.ascontiguousarray(codes.T):
        count = np.bincount(column, minlength=4)
        log = np.log(np.maximum(count, 1) / n)  # what does not occur is not looked up
        if float(count @ (log + np.log(4))) > CHANCE:
            out -= log[column]
    out *= how.rarity
    return out * min(1.0, WIDEST / max(float(out.std()), WIDEST))


@dataclass(frozen=True, slots=True, eq=False)
class _Bred:
    """For every letter of the next population, whose it is and from where."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    def of(self, array: NDArray[_N]) -> NDArray[_N]:
        """The next population of letters (n, width), or of slopes (n, 4, width)."""
        if array.ndim == 2:
            return array[self.rows, self.columns]
        return np.stack([plane[self.rows, self.columns] for plane in array.swapaxes(0, 1)], 1)


def _bred(
    value: Floats,
    weight: NDArray[np.float64],
    width: int,
    stride: int,
    rng: np.random.Generator,
) -> _Bred:
    """A tenth best, the same shifted, and crossings of pairs drawn by weight."""
    n, column = len(value), np.arange(width)
    best = np.argsort(-value, kind="stable")[: n // 10]
    rows, columns = [best], [np.zeros(len(best), dtype=np.int64)]
    if stride > 1:
        rows += [best, best]
        columns += list(rng.integers(1, stride, (2, len(best))) * np.array([[1], [-1]]))
    pairs = (n - sum(map(len, rows))) // 2
    cumulative = np.cumsum(weight)
    drawn = np.searchsorted(cumulative, rng.random((2, pairs)) * cumulative[-1], side="right")
    one, other = np.minimum(drawn, n - 1)
    is_left = column < rng.integers(1, width, (pairs, 1))
    left = n - sum(map(len, rows)) - 2 * pairs
    rows.append(best[:left])
    shifted = np.concatenate(rows)
    by = np.concatenate([*columns, np.zeros(left, dtype=np.int64)])
    crossed = [np.where(is_left, a[:, None], b[:, None]) for a, b in ((one, other), (other, one))]
    straight = np.broadcast_to(column, (2 * pairs, width))
    return _Bred(
        np.concatenate([np.broadcast_to(shifted[:, None], (len(shifted), width)), *crossed]),
        np.concatenate([(column + by[:, None]) % width, straight]),
    )
