"""How the windows of a round are made from those before: parents, letters, changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cisgram.explain.demix.reader import Codes, Floats
from cisgram.explain.demix.sample import SampleOptions

_N = TypeVar("_N", bound=np.generic)

FLAT = 0.02  # share of a sequence's steepest position below which the gradient counts as flat
TRIED = 2  # changes that a climbing window tries in a round
CHANCE = 8.13  # log likelihood ratio of even letters that one column in a thousand passes
WIDEST = 2.0  # standard deviation of the logarithm of what rarity adds to a parent's weight


def parent_weight(codes: Codes, value: Floats, how: SampleOptions) -> NDArray[np.float64]:
    """(n,) of each window, how often it is a parent."""
    active = np.where(value > 0, np.log1p(np.maximum(value, 0)), np.minimum(value, 0))
    log = how.pressure * active.astype(np.float64) + log_rarity(codes, how)
    weight: NDArray[np.float64] = np.exp(log - log.max())
    return weight


def log_rarity(codes: Codes, how: SampleOptions) -> NDArray[np.float64]:
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
class Bred:
    """For every letter of the next population, whose it is and from where."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    def of(self, array: NDArray[_N]) -> NDArray[_N]:
        """The next population of letters (n, width), or of slopes (n, 4, width)."""
        if array.ndim == 2:
            return array[self.rows, self.columns]
        return np.stack([plane[self.rows, self.columns] for plane in array.swapaxes(0, 1)], 1)


def bred(
    value: Floats,
    weight: NDArray[np.float64],
    width: int,
    stride: int,
    rng: np.random.Generator,
) -> Bred:
    """A tenth best, the same shifted, and crossings of pairs drawn by weight."""
    n, column = len(value), np.arange(width)
    best = np.argsort(-value, kind="stable")[: n // 10]
    rows, columns = [best], [np.zeros(len(best), dtype=np.int64)]
    if stride > 1:
        rows += [best, best]
        columns += list(rng.integers(1, stride, (2, len(best))) * np.array([[1], [-1]]))
    pairs = (n - sum(map(len, rows))) // 2
    cumulative = np.cumsum(weight)
    parents = np.searchsorted(cumulative, rng.random((2, pairs)) * cumulative[-1], side="right")
    one, other = np.minimum(parents, n - 1)
    is_left = column < rng.integers(1, width, (pairs, 1))
    left = n - sum(map(len, rows)) - 2 * pairs
    rows.append(best[:left])
    shifted = np.concatenate(rows)
    by = np.concatenate([*columns, np.zeros(left, dtype=np.int64)])
    crossed = [np.where(is_left, a[:, None], b[:, None]) for a, b in ((one, other), (other, one))]
    straight = np.broadcast_to(column, (2 * pairs, width))
    return Bred(
        np.concatenate([np.broadcast_to(shifted[:, None], (len(shifted), width)), *crossed]),
        np.concatenate([(column + by[:, None]) % width, straight]),
    )


def drawn(codes: Codes, slopes: Floats, how: SampleOptions, rng: np.random.Generator) -> Codes:
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
    letters: Codes = (u >= planes[0]).astype(np.uint8)
    for letter in (1, 2):
        letters += u >= planes[letter]
    if none.any():
        letters[none] = rng.integers(0, 4, int(none.sum()), dtype=np.uint8)
    return letters


def steepest(codes: Codes, slopes: Floats) -> Codes:
    """(n * TRIED, width): copies of each window, each with another one of its steepest changes."""
    n, width = codes.shape
    own = np.take_along_axis(slopes, codes[:, None].astype(np.int64), 1)
    gain = (slopes - own).reshape(n, 4 * width)
    change = np.argpartition(-gain, TRIED - 1, axis=1)[:, :TRIED].ravel()
    copies = np.repeat(codes, TRIED, axis=0)
    copies[np.arange(len(copies)), change % width] = change // width
    return copies
