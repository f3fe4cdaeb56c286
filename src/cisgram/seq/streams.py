"""Random numbers by counter: number ``c`` of a stream is a pure function of (stream, c).

A stream is one 64-bit word. Thousands of streams are drawn from at once without a generator
object for each, and what one sequence draws does not depend on its neighbors in a batch.

References
----------
Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014 (SplitMix64).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive, generator

U64 = NDArray[np.uint64]

GAMMA = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64's odd step
_MULTIPLY = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFT = (np.uint64(30), np.uint64(27), np.uint64(31))
_HASHED = 1 << 20  # codes hashed at once


def mix(x: U64) -> U64:
    """Scramble 64-bit words in place (SplitMix64's finalizer) and give them back."""
    t = np.empty_like(x)
    for shift, factor in zip(_SHIFT, (*_MULTIPLY, None), strict=True):
        np.right_shift(x, shift, out=t)
        np.bitwise_xor(x, t, out=x)
        if factor is not None:
            np.multiply(x, factor, out=x)
    return x


def child(streams: U64, key: int | NDArray[np.integer]) -> U64:
    """The stream of one purpose: ``key`` (non-negative) broadcast against ``streams``."""
    return mix(streams ^ mix((np.atleast_1d(key).astype(np.uint64) + np.uint64(1)) * GAMMA))


def words(streams: U64, n: int) -> U64:
    """(len(streams), n) words, numbers 0 to n - 1 of each stream."""
    return mix(streams[:, None] + np.arange(1, n + 1, dtype=np.uint64) * GAMMA)


def doubles(streams: U64, counter: int) -> NDArray[np.float64]:
    """(len(streams),) numbers in [0, 1) with 53 bits: number ``counter`` of each stream."""
    step = np.uint64((counter + 1) * int(GAMMA) % 2**64)
    return (mix(streams + step) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def fractions(streams: U64, n: int) -> NDArray[np.float64]:
    """(len(streams), n) numbers in [0, 1): `words` as `doubles`."""
    return (words(streams, n) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def of_sequences(
    codes: NDArray[np.uint8],
    *,
    ids: ArrayLike | None,
    seed: int | np.random.Generator | None,
    purpose: str,
) -> U64:
    """One stream for each row of codes (n, length).

    It depends on the seed, the purpose and the row's id; where no ids are given, the letters
    of the row stand for its id.

    Raises
    ------
    InputError
        When ids are not n integers.
    """
    if isinstance(seed, np.random.Generator) or seed is None:
        seed = int(generator(seed).integers(2**63))
    root = np.uint64(derive(seed, purpose))
    if ids is None:
        return mix(_hash(codes) ^ root)
    own = np.asarray(ids)
    if own.shape != (len(codes),) or own.dtype.kind not in "iu":
        msg = (
            f"ids must be {len(codes)} integers, one a sequence; "
            f"got {own.dtype} of shape {own.shape}."
        )
        raise InputError(msg)
    return mix(mix(own.astype(np.uint64) * GAMMA) ^ root)


def _hash(codes: NDArray[np.uint8]) -> U64:
    """(n,) words: a multilinear hash of every row; rows of unlike length differ as well."""
    n, length = codes.shape
    factors = words(np.array([length], dtype=np.uint64), length)[0] | np.uint64(1)
    out = np.empty(n, dtype=np.uint64)
    rows = max(1, _HASHED // max(length, 1))
    for at in range(0, n, rows):
        out[at : at + rows] = (codes[at : at + rows] + np.uint64(1)) @ factors
    return mix(out)
