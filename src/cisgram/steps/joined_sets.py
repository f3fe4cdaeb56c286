"""Thirteen sets of ChIP-seq peaks as one table of many tasks, long enough for deep networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.io import read_deepbind
from cisgram.seq import codes_of, from_codes, one_hot, shuffle

# every set with a matrix in JASPAR, or whose peaks carry one (FOXM1: AP-1), once a factor
JOINED = {
    "tf-chipseq-deepbind": (
        "USF1",
        "FOXA1",
        "ELK1",
        "CTCFL",
        "SP1",
        "MYC",
        "ARID3A",
        "FOXM1",
        "ZBTB7A",
    ),
    "tf-chipseq-h1": ("SRF", "TBP", "TCF12", "TEAD4"),
}
Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Joining:
    """How much of each set is taken, and how long the sequences become.

    Attributes
    ----------
    positives
        Strongest training peaks of each set.
    length
        bp of a sequence: a peak at a random place between flanks.
    """

    positives: int = 1000
    length: int = 168


def write_joined(
    data: Path,
    folder: Path,
    size: Joining,
    *,
    sets: dict[str, tuple[str, ...]] | None = None,
) -> None:
    """Write ``train.tsv`` and ``test.tsv``: name, sequence, and a column of labels a factor.

    A training row is a peak, 1 for its own factor and 0 for the others (it is none of *their*
    strong peaks, as far as the files say), or a shuffle of every second peak, 0 for all. A test
    row is one of a set's own test file, whose negatives are shuffles, and has a label for this
    factor alone. Around each stand flanks, further shuffles of the row's own letters, so that a
    peak and its negative differ in the peak alone; every shuffle keeps the counts of
    dinucleotides.

    Parameters
    ----------
    data
        Folder of the data sets.
    folder
        Where the tables are written.
    size
        How much.
    sets
        Factors by the folder of ``data`` that holds them; default `JOINED`.

    Raises
    ------
    InputError
        When a set is not there.
    """
    chosen = sets or JOINED
    factors = [factor for names in chosen.values() for factor in names]
    others, unknown = ["0"] * len(factors), [""] * len(factors)
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for home, names in chosen.items():
        for factor in names:
            peaks = read_factor(data / home, factor, "AC")[0][: size.positives]
            negatives = shuffled(peaks[::2], 1, seed=1)[:, 0]  # not those of the flanks
            y = np.repeat([1, 0], [len(peaks), len(negatives)])
            codes = _between_flanks(np.concatenate([peaks, negatives]), f"train {factor}", size)
            lines["train"] += _rows(f"train_{factor}", codes, y, factors.index(factor), others)
            codes, y = read_factor(data / home, factor, "B")
            codes = _between_flanks(codes, f"test {factor}", size)
            lines["test"] += _rows(f"test_{factor}", codes, y, factors.index(factor), unknown)
    head = "\t".join(["name", "sequence", *factors])
    for part, rows in lines.items():
        files.write_text(folder / f"{part}.tsv", "\n".join([head, *rows]) + "\n")


def read_factor(home: Path, factor: str, part: str) -> tuple[Codes, NDArray[np.int64]]:
    """Distinct sequences of a set without unknown letters, and their labels."""
    found = sorted(home.glob(f"{factor}_*_{part}.seq.gz"))
    if not found:
        msg = f"{home} holds no {factor}_*_{part}.seq.gz; give the data sets' folder with --data."
        raise InputError(msg)
    table = read_deepbind(found[0])
    codes, y = table.codes(), np.asarray(table.labels)[:, 0].astype(np.int64)
    first = np.sort(np.unique(codes, axis=0, return_index=True)[1])
    first = first[(codes[first] < 4).all(1)]
    return codes[first], y[first]


def shuffled(codes: Codes, n: int, *, seed: int = 0) -> Codes:
    """(m, n, width) shuffles that keep the counts of dinucleotides."""
    m, width = codes.shape
    x = shuffle(one_hot(codes), k=2, n=n, seed=seed).flatten(0, 1)
    return codes_of(x).reshape(m, n, width)


def _between_flanks(codes: Codes, what: str, size: Joining) -> Codes:
    """(m, length) with each row at a random place between shuffles of itself."""
    width = codes.shape[1]
    if not width <= size.length <= 2 * width:
        msg = f"length must be from {width} bp, that of a peak, to {2 * width}; got {size.length}."
        raise InputError(msg)
    before = generator(0, what).integers(0, size.length - width + 1, len(codes))
    left, right = shuffled(codes, 2).swapaxes(0, 1)
    longest = np.concatenate([left, codes, right], axis=1)
    at = (width - before)[:, None] + np.arange(size.length)
    return np.take_along_axis(longest, at, axis=1)


def _rows(name: str, codes: Codes, y: NDArray[np.int64], column: int, rest: list[str]) -> list[str]:
    before, after = rest[:column], rest[column + 1 :]
    return [
        "\t".join([f"{name}_{i}", letters, *before, str(label), *after])
        for i, (letters, label) in enumerate(zip(from_codes(codes), y.tolist(), strict=True))
    ]
