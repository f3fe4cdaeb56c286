"""Sequences whose important bases are known, and how well scores find them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram import motifs
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.core.seeds import derive, generator
from cisgram.io import read_fasta, read_table
from cisgram.motifs import Motif
from cisgram.seq import Grammar, Plant, from_codes, simulate
from cisgram.steps.tables import mean_interval
from cisgram.train.metrics import auprc

if TYPE_CHECKING:
    import pandas as pd

ELEMENTS = ("GATA4", "CEBPB", "ELF1")  # in any order
NEAR = (0, 20)  # bp from one to the next
DECOYS = ("REST", "TEAD4")  # as often in negatives as in positives
# The words that the authors planted: every sequence of the class holds each at least once. Their
# coordinates were not published; the words are longer than any that chance makes.
WORDS = {"ELF1": "AACCCGGAAGTG", "SIX5": "AATAGGGTATCATATAT"}
SITE = ["sequence", "start", "end", "motif"]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is simulated, trained and explained.

    Attributes
    ----------
    train, test
        Sequences, half of them positives.
    epochs
        Of the training.
    explained
        Positives of the test set that every method explains; a third of them on controls.
    """

    train: int = 3000
    test: int = 600
    epochs: int = 12
    explained: int = 60


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Held-out positives and which of their bases were planted.

    Attributes
    ----------
    codes
        (n, length) uint8.
    planted
        (n, length): True at the bases of the sites that make a positive.
    sites
        ``sequence`` (row of ``codes``), ``start``, ``end``, ``motif`` of these sites.
    """

    codes: NDArray[np.uint8]
    planted: NDArray[np.bool_]
    sites: pd.DataFrame

    def first(self, n: int) -> Truth:
        """The first n sequences."""
        return Truth(self.codes[:n], self.planted[:n], self.sites[self.sites["sequence"] < n])


def write_grammar(folder: Path, size: Size) -> None:
    """Simulate: three JASPAR motifs near each other; half of the negatives hold one of them."""
    database = motifs.jaspar("vertebrates")
    grammar = Grammar([Plant(database[n]) for n in ELEMENTS], order="any", spacing=NEAR)
    decoys = [Plant(database[n], strand="both", probability=0.5) for n in DECOYS]
    drawn = {
        name: simulate(
            n,
            200,
            grammar=grammar,
            decoys=decoys,
            singles=0.5,
            seed=derive(0, "attribution", name),
        )
        for name, n in (("train", size.train), ("test", size.test))
    }
    for name, s in drawn.items():
        _write_table(folder, name, s.codes, s.y)
    sites = drawn["test"].sites
    _write_sites(folder, sites[sites["role"] == "grammar"])


def write_words(data: Path, folder: Path, size: Size) -> None:
    """Of the set ``interaction-sim``: sequences with both words against those with one."""
    import pandas as pd

    source = data / "interaction-sim" / "sequences.fa.gz"
    if not source.is_file():
        msg = f"{source} does not exist; give the folder of the data sets with --data."
        raise InputError(msg)
    found = read_fasta(source)
    kinds = np.array([name.partition("_")[0] for name in found.names])
    both, one, other = (np.flatnonzero(kinds == k) for k in ("cls3", "cls1", "cls2"))
    codes, at = found.codes(), 0
    for name, n in (("train", size.train), ("test", size.test)):
        part, quarter = slice(at, at + n // 2), slice(at // 2, at // 2 + n // 4)
        index = np.concatenate([both[part], one[quarter], other[quarter]])
        y = np.isin(index, both).astype(np.int64)
        order = generator(0, "attribution", name).permutation(len(index))
        index, y, at = index[order], y[order], n // 2
        _write_table(folder, name, codes[index], y)
    rows = [
        (row, start, start + len(word), name)
        for row, letters in enumerate(from_codes(codes[index]))
        for name, word in WORDS.items()
        for start in range(len(letters))
        if y[row] and letters.startswith(word, start)
    ]
    _write_sites(folder, pd.DataFrame(rows, columns=SITE))


def _write_table(folder: Path, name: str, codes: NDArray[np.uint8], y: NDArray[np.int64]) -> None:
    """``NAME.tsv``, and for the training set the same with its labels in random order."""
    labels = {name: y}
    if name == "train":
        labels["train-random-labels"] = generator(0, "random labels").permutation(y)
    letters = from_codes(codes)
    for table, column in labels.items():
        rows = zip(letters, column.tolist(), strict=True)
        text = "".join(f"{name}_{i}\t{s}\t{b}\n" for i, (s, b) in enumerate(rows))
        files.write_text(folder / f"{table}.tsv", "name\tsequence\tbound\n" + text)


def _write_sites(folder: Path, sites: pd.DataFrame) -> None:
    Run(folder).write_table("sites.tsv", sites[SITE])


def read_truth(folder: Path, most: int) -> Truth:
    """The first ``most`` positives of a set's test sequences and their planted bases."""
    found = read_table(folder / "test.tsv", labels=["bound"])
    codes = found.codes()
    planted = np.zeros(codes.shape, dtype=bool)
    sites = Run(folder).read_table("sites.tsv")
    for row, start, end in sites[SITE[:3]].itertuples(index=False):
        planted[row, start:end] = True
    index = np.flatnonzero(np.asarray(found.labels)[:, 0] == 1)[:most]
    sites = sites[sites["sequence"].isin(index)]
    sites = sites.assign(sequence=np.searchsorted(index, sites["sequence"]))
    return Truth(codes[index], planted[index], sites.reset_index(drop=True))


def planted_motifs(name: str) -> dict[str, Motif]:
    """The motifs that make a positive of a set, by the names that its sites have."""
    if name == "grammar":
        database = motifs.jaspar("vertebrates")
        return {n: database[n] for n in ELEMENTS}
    return {n: Motif(np.eye(4)[:, ["ACGT".index(c) for c in w]], n) for n, w in WORDS.items()}


def score(scores: NDArray[np.float64], planted: NDArray[np.bool_]) -> dict[str, Any]:
    """How well the scores of each sequence find its planted bases.

    Parameters
    ----------
    scores
        (n, length): larger where a base speaks more for the output.
    planted
        (n, length).

    Returns
    -------
    dict
        ``auprc`` (mean over sequences of the average precision), ``auprc_interval`` (95 %
        bootstrap over sequences), ``chance`` (mean of `chance`), ``share`` of planted bases.

    Examples
    --------
    >>> score(np.array([[3.0, 1, 2]]), np.array([[True, False, False]]))["auprc"]
    1.0
    """
    each = np.array([auprc(p, s) for p, s in zip(planted, scores, strict=True)])
    return {
        "auprc": float(each.mean()),
        "auprc_interval": list(mean_interval(each, "bootstrap")),
        "chance": float(np.mean([chance(p.sum(), len(p)) for p in planted])),
        "share": float(planted.mean()),
    }


def chance(k: int, n: int) -> float:
    """Expected average precision of n items in random order, k of which are sought.

    ``(H + (n - H) (k - 1) / (n - 1)) / n`` with H = 1 + 1/2 + ... + 1/n: the item at rank r is
    sought and r - 1 others stand before it, each sought with probability (k - 1) / (n - 1). It
    lies a little above the share k / n, which is its limit for many items.

    Examples
    --------
    >>> chance(1, 2), round(chance(30, 200), 4)
    (0.75, 0.1708)
    """
    if n == 1:
        return 1.0
    h = float((1 / np.arange(1, n + 1)).sum())
    return (h + (n - h) * (float(k) - 1) / (n - 1)) / n
