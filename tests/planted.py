"""Small sequences with a planted word: data that a network learns in seconds."""

from pathlib import Path

import numpy as np

from cisgram.data import Dataset
from cisgram.seq.alphabet import from_codes

WORD = (1, 0, 1, 2, 3, 2, 0, 1)  # CACGTGAC


def codes(n, length=60, *, seed=0, planted=True):
    """(n, length) random bases; every odd row holds the word at a random place."""
    random = np.random.default_rng(seed)
    found = random.integers(0, 4, (n, length)).astype(np.uint8)
    for row in range(1, n if planted else 0, 2):
        at = random.integers(0, length - len(WORD) + 1)
        found[row, at : at + len(WORD)] = WORD
    return found


def dataset(n, length=60, *, seed=0, prefix="s"):
    """Sequences labeled by the word; names ``s0``, ``s1``, ..."""
    y = (np.arange(n) % 2).astype(np.float32)[:, None]
    return Dataset([f"{prefix}{i}" for i in range(n)], codes(n, length, seed=seed), y)


def letters(n, length=60, *, seed=0):
    """The same as text."""
    return from_codes(codes(n, length, seed=seed))


def write_tsv(path: Path, n, length=60, *, seed=0, prefix="s") -> Path:
    """A table with the columns name, sequence, bound."""
    rows = [f"{prefix}{i}\t{s}\t{i % 2}\n" for i, s in enumerate(letters(n, length, seed=seed))]
    path.write_text("name\tsequence\tbound\n" + "".join(rows))
    return path


def write_fasta(path: Path, sequences, *, prefix="s") -> Path:
    path.write_text("".join(f">{prefix}{i}\n{s}\n" for i, s in enumerate(sequences)))
    return path
