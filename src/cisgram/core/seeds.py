"""Random streams that depend only on a seed and on what they are for.

Every random choice is a pure function of (seed, keys), for example (seed, epoch, row): the
batch size, the number of workers and the order of the sequences change nothing, and a
restarted job draws what the first one would have drawn.
"""

import hashlib
import os

import numpy as np


def derive(seed: int, *keys: int | str) -> int:
    """A 63-bit seed for one purpose: the hash of the seed and the keys.

    Examples
    --------
    >>> derive(0, "dropout", 3) == derive(0, "dropout", 3)
    True
    >>> derive(0, "dropout", 3) == derive(0, "dropout", 4)
    False
    """
    text = "\x1f".join(f"{type(k).__name__}:{k}" for k in (int(seed), *keys))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def generator(seed: int | np.random.Generator | None, *keys: int | str) -> np.random.Generator:
    """A numpy generator for (seed, keys).

    A generator is used as it is; ``None`` draws fresh entropy from the system.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is None:
        seed = int.from_bytes(os.urandom(8))
    return np.random.Generator(np.random.PCG64(derive(seed, *keys)))
