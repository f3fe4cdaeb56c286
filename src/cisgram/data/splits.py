"""Which sequence belongs to which set: given, by chromosome, by blocks, or by fraction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.seeds import generator
from cisgram.io import open_text
from cisgram.io.text import at_line

SETS = ("train", "valid", "test")
BLOCKS = 20  # of which whole ones are held out on a genome of one or two contigs
FEW = 3  # contigs; with fewer, three sets of whole chromosomes cannot be made


def split_by_fraction(n: int, *, valid: float, test: float, seed: int) -> NDArray[np.str_]:
    """(n,) set of each row: a seeded permutation, the first rows test, the next valid."""
    order = generator(seed, "split").permutation(n)
    sets = np.full(n, "train", dtype="<U5")
    n_test = max(1, round(test * n)) if test else 0
    n_valid = max(1, round(valid * n))
    sets[order[:n_test]] = "test"
    sets[order[n_test : n_test + n_valid]] = "valid"
    return sets


def split_by_chromosome(
    groups: Sequence[str],
    *,
    valid: Sequence[str] = (),
    test: Sequence[str] = (),
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
    seed: int = 0,
) -> NDArray[np.str_]:
    """(n,) set of each row by its chromosome.

    Parameters
    ----------
    groups
        n chromosome names.
    valid, test
        Chromosomes to hold out; where not given, chromosomes in seeded order are taken until
        the fraction is reached, or the smallest one where all are too large for it.
    valid_fraction, test_fraction
        Used only where no names are given; a ``test_fraction`` of 0 holds none out.

    Raises
    ------
    InputError
        When a name is not there, stands in both sets, or nothing is left to train on.
    """
    counts = Counter(groups)
    for name in (*valid, *test):
        if name not in counts:
            what = "chromosome among the sequences"
            raise unknown(what, name, counts)
    both = set(valid) & set(test)
    if both:
        msg = f"{', '.join(sorted(both))} cannot be held out for validation and for the test."
        raise InputError(msg)
    order = generator(seed, "chromosomes").permutation(sorted(counts)).tolist()
    of = (
        dict.fromkeys(counts, "train") | dict.fromkeys(valid, "valid") | dict.fromkeys(test, "test")
    )
    for name, given, fraction in (
        ("test", test, test_fraction),
        ("valid", valid, valid_fraction),
    ):
        held = 0
        left = [c for c in order if of[c] == "train"]
        spare = len(left) - (2 if name == "test" and not valid else 1)  # others need one each
        for contig in left if fraction and not given else ():
            # a chromosome that overshoots by more than it helps is left for training
            if spare and held + counts[contig] <= 1.5 * fraction * len(groups) + 1:
                of[contig] = name
                held += counts[contig]
                spare -= 1
            if held >= fraction * len(groups):
                break
        if fraction and not given and not held and spare > 0:
            of[min(left, key=counts.__getitem__)] = name
    sets = np.array([of[g] for g in groups], dtype="<U5")
    for name in ("train", "valid", "test") if test or test_fraction else ("train", "valid"):
        if not (sets == name).any():
            msg = (
                f"no chromosome is left for the {name} set; the sequences lie on "
                f"{', '.join(sorted(counts)[:20])}. Name the held-out ones yourself, or give a "
                "table of names and sets (--set data.split=F)."
            )
            raise InputError(msg)
    return sets


def split_by_blocks(
    groups: Sequence[str],
    starts: NDArray[np.int64],
    *,
    length: int,
    valid: float,
    test: float,
    seed: int,
) -> NDArray[np.str_]:
    """(n,) set of each row by where it lies, for few contigs: whole stretches are held out.

    The rows are ordered by contig and start and cut into 20 blocks of as many rows; blocks in
    seeded order are the test, the next ones the validation set. Neighbors are alike, so they
    stay together, and a row that overlaps one of a held-out block gets no set.

    Parameters
    ----------
    groups, starts
        n contig names, and (n,) bp of the left ends.
    length
        bp of every row.
    valid, test
        Fractions, rounded to blocks and at least one; a ``test`` of 0 holds none out.
    seed
        Of the order of the blocks.

    Returns
    -------
    NDArray
        ``train``, ``valid``, ``test``, or ``none`` for rows that overlap held-out ones.
    """
    contigs = np.unique(np.array(groups), return_inverse=True)[1]
    order = np.lexsort((starts, contigs))
    blocks = np.array_split(order, min(BLOCKS, len(order)))
    drawn = generator(seed, "blocks").permutation(len(blocks)).tolist()
    n_test = max(1, round(test * len(blocks))) if test else 0
    n_valid = max(1, round(valid * len(blocks)))
    sets = np.full(len(order), "train", dtype="<U5")
    for name, chosen in (("test", drawn[:n_test]), ("valid", drawn[n_test : n_test + n_valid])):
        for block in chosen:
            sets[blocks[block]] = name
    reach = int(starts.max()) + length + 1 if len(starts) else 1  # apart, whatever the contig
    at = starts + contigs * (reach + length)
    near_test = _near(at, at[sets == "test"], length) & (sets != "test")
    held = at[(sets == "test") | (sets == "valid")]
    near_held = _near(at, held, length) & (sets == "train")
    sets[near_test | near_held] = "none"
    return sets


def folds_of(n: int, groups: Sequence[str] | None, *, folds: int, seed: int) -> NDArray[np.int64]:
    """(n,) fold of each row, from 0; whole contigs where there are enough of them.

    Parameters
    ----------
    n
        Rows.
    groups
        Contig of each, where known.
    folds
        Number of folds.
    seed
        Of the order in which rows or contigs are dealt out.

    Raises
    ------
    InputError
        When a fold would be empty.

    Examples
    --------
    >>> np.bincount(folds_of(10, None, folds=3, seed=0)).tolist()
    [4, 3, 3]
    """
    if not 1 <= folds <= n:
        msg = f"{n} sequences cannot be dealt into {folds} folds; ask for fewer members."
        raise InputError(msg)
    g = generator(seed, "folds")
    counts = Counter(groups or ())
    if len(counts) < folds:
        found = np.empty(n, dtype=np.int64)
        found[g.permutation(n)] = np.arange(n) % folds
        return found
    sizes, of = np.zeros(folds), {}
    drawn = g.permutation(sorted(counts)).tolist()
    for contig in sorted(drawn, key=counts.__getitem__, reverse=True):  # ties as drawn
        of[contig] = int(sizes.argmin())
        sizes[of[contig]] += counts[contig]
    return np.array([of[contig] for contig in groups or ()])


def _near(at: NDArray[np.int64], others: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    """(n,) whether a place is less than ``length`` from the nearest of the others."""
    if not len(others):
        return np.zeros(len(at), dtype=bool)
    others = np.sort(others)
    right = np.searchsorted(others, at)
    after = others[np.minimum(right, len(others) - 1)]
    before = others[np.maximum(right - 1, 0)]
    away = np.minimum(np.abs(after - at), np.abs(at - before))
    return np.asarray(away < length)


def split_given(path: Path, names: Sequence[str]) -> NDArray[np.str_]:
    """(n,) set of each name from a TSV with the columns ``name`` and ``set``.

    Raises
    ------
    InputError
        When a name is not in the file or has two sets, or a set is none of train, valid and test.
    """
    given = _read_split(path)
    missing = [n for n in names if n not in given]
    if missing:
        msg = (
            f"{path} gives no set for {len(missing)} of {len(names)} sequences, for example "
            f"{missing[0]!r}."
        )
        raise InputError(msg)
    sets = np.array([given[n] for n in names], dtype="<U5")
    for name in ("train", "valid"):
        if not (sets == name).any():
            msg = f"{path} puts no sequence into the {name} set."
            raise InputError(msg)
    return sets


def _read_split(path: Path) -> dict[str, str]:
    rows = ((number, line.split("\t")) for number, line in open_text(path).filled())
    number, header = next(rows, (1, [""]))
    if "name" not in header or "set" not in header:
        msg = f"{at_line(path, number)}: a split has the columns name and set; got {header}."
        raise InputError(msg)
    name, which = header.index("name"), header.index("set")
    found: dict[str, str] = {}
    for number, row in rows:
        if len(row) != len(header) or row[which] not in SETS:
            msg = (
                f"{at_line(path, number)}: a row needs {len(header)} columns with the set one of "
                f"{', '.join(SETS)}; got {row}."
            )
            raise InputError(msg)
        if found.setdefault(row[name], row[which]) != row[which]:
            msg = (
                f"{at_line(path, number)}: {row[name]!r} is put into {found[row[name]]} and into "
                f"{row[which]}. Give every name one set."
            )
            raise InputError(msg)
    return found
