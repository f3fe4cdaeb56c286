"""The leak guard: sequences that stand, turned round or nearly so, in two sets or two classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.data.dataset import Dataset
from cisgram.seq.alphabet import complement_codes

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

WORD = 16  # bp; two unrelated 1-kb sequences share a 16-mer once in 4,000 pairs
COMMON = 50  # a word in more sequences than this is a repeat and says nothing about a pair


@dataclass(frozen=True, eq=False)
class Leaks:
    """Pairs of sequences that should not stand apart.

    Attributes
    ----------
    table
        One row a pair: ``first``, ``second`` (names), ``kind`` (``same``, ``reverse complement``,
        ``near``), ``similarity`` (share of the words of the shorter one that both have),
        ``first_set``, ``second_set``, ``same_label``.
    training_rows
        Rows of the training set that are in a pair with another set, or in a pair with another
        label.
    of_repeats
        Sequences all of whose words are in more than 50 sequences: of these, exact copies are
        found, near ones are not.
    """

    table: pd.DataFrame
    training_rows: NDArray[np.int64]
    of_repeats: int = 0


def find_leaks(
    sets: dict[str, Dataset], *, threshold: float = 0.5, across_labels: bool = True
) -> Leaks:
    """Duplicates across sets and across labels.

    Exact and reverse-complement duplicates are found by the whole sequence; near duplicates by
    the 16-letter words of both strands that two sequences share (those in more than 50 sequences
    are repeats and are left out): a pair counts when the shorter sequence shares at least
    ``threshold`` of its words.

    Parameters
    ----------
    sets
        Datasets by name; the one called ``train`` is where rows may be dropped.
    threshold
        Share of words, in (0, 1].
    across_labels
        Whether copies in one set whose labels differ count. In a regression they do not: two
        measurements of one sequence, or of two neighboring windows, are no contradiction.
    """
    import pandas as pd

    names = list(sets)
    which = np.repeat(np.arange(len(names)), [len(sets[s]) for s in names])
    owner = [name for s in names for name in sets[s].names]
    labels = np.concatenate([np.nan_to_num(sets[s].y, nan=-1.0) for s in names])
    label = np.unique(labels, axis=0, return_inverse=True)[1].ravel()
    kind_of_label = label if across_labels else np.zeros_like(label)
    keys, turned = _keys([row for s in names for row in sets[s].codes])
    pairs = _same(keys, which, kind_of_label)
    exact = set(map(tuple, pairs.tolist()))
    words = [_words(sets[s].codes) for s in names]
    near, similarity, of_repeats = _near(words, which, kind_of_label, threshold)
    rows = [
        (i, j, "same" if turned[i] == turned[j] else "reverse complement", 1.0) for i, j in exact
    ]
    rows += [
        (i, j, "near", share)
        for (i, j), share in zip(near.tolist(), similarity.tolist(), strict=True)
        if keys[i] != keys[j]
    ]
    rows.sort()
    table = pd.DataFrame(
        [
            {
                "first": owner[i],
                "second": owner[j],
                "kind": kind,
                "similarity": round(share, 3),
                "first_set": names[which[i]],
                "second_set": names[which[j]],
                "same_label": bool(label[i] == label[j]),
            }
            for i, j, kind, share in rows
        ],
        columns=COLUMNS,
    )
    train = names.index("train") if "train" in names else -1
    before = sum(len(sets[s]) for s in names[: max(train, 0)])
    hit = {r for i, j, *_ in rows for r in (i, j) if which[r] == train}
    return Leaks(table, np.array(sorted(hit), dtype=np.int64) - before, of_repeats)


COLUMNS = ["first", "second", "kind", "similarity", "first_set", "second_set", "same_label"]


def _keys(codes: list[NDArray[np.uint8]]) -> tuple[list[bytes], list[bool]]:
    """The smaller of each sequence and its reverse complement, and whether it was turned round."""
    keys, turned = [], []
    for row in codes:
        given, other = row.tobytes(), complement_codes(row[::-1]).tobytes()
        keys.append(min(given, other))
        turned.append(other < given)
    return keys, turned


def _same(
    keys: list[bytes], which: NDArray[np.int64], label: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pairs (first < second) of equal keys apart in set or label; one partner for each row."""
    groups: dict[bytes, list[int]] = {}
    for row, key in enumerate(keys):
        groups.setdefault(key, []).append(row)
    pairs = set()
    for rows in groups.values():
        if len(rows) == 1:
            continue
        kinds = {(int(which[r]), int(label[r])): r for r in reversed(rows)}  # first row of each
        for row in rows:
            mine = (int(which[row]), int(label[row]))
            pairs |= {(min(row, r), max(row, r)) for kind, r in kinds.items() if kind != mine}
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def _words(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(n, windows) each window's word or its reverse complement, whichever is smaller; N: max."""
    width = min(WORD, codes.shape[1])
    n, length = codes.shape
    forward = np.zeros((n, length - width + 1), dtype=np.uint64)
    backward = np.zeros_like(forward)
    unknown = np.zeros(forward.shape, dtype=bool)
    for i in range(width):
        part = codes[:, i : length - width + 1 + i]
        forward = forward * np.uint64(4) + np.minimum(part, 3)
        backward += (3 - np.minimum(part, 3)).astype(np.uint64) << np.uint64(2 * i)
        unknown |= part == 4
    return np.where(unknown, np.iinfo(np.uint64).max, np.minimum(forward, backward))


def _near(
    words: list[NDArray[np.uint64]],
    which: NDArray[np.int64],
    label: NDArray[np.int64],
    least: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Rows (first < second) apart in set or label, their similarity, and how many are repeats."""
    row = np.concatenate(
        [np.repeat(np.flatnonzero(which == i), w.shape[1]) for i, w in enumerate(words)]
    )
    flat = np.concatenate([w.ravel() for w in words])
    keep = flat != np.iinfo(np.uint64).max
    row, flat = row[keep], flat[keep]
    order = np.lexsort((row, flat))
    row, flat = row[order], flat[order]
    new = np.ones(len(flat), dtype=bool)
    new[1:] = (flat[1:] != flat[:-1]) | (row[1:] != row[:-1])
    row, flat = row[new], flat[new]  # each word once a sequence
    size = np.bincount(row, minlength=len(which))
    column = np.cumsum(np.r_[False, flat[1:] != flat[:-1]]) if len(flat) else flat.astype(np.int64)
    count = np.bincount(column)
    common = count[column] > COMMON
    n_common = np.bincount(row[common], minlength=len(which))
    of_repeats = int(((size > 0) & (n_common == size)).sum())
    useful = (count[column] > 1) & ~common
    shared = _shared(row[useful], column[useful], len(which)).tocoo()
    first, second = shared.row.astype(np.int64), shared.col.astype(np.int64)
    similarity = shared.data / np.maximum(np.minimum(size[first], size[second]), 1)
    apart = (which[first] != which[second]) | (label[first] != label[second])
    kept = (first < second) & apart & (similarity >= least)
    return np.stack([first[kept], second[kept]], 1), similarity[kept], of_repeats


def _shared(row: NDArray[np.int64], column: NDArray[np.int64], n: int) -> csr_array:
    """(n, n) numbers of words that two rows share."""
    from scipy.sparse import csr_array

    _, compact = np.unique(column, return_inverse=True)
    ones = np.ones(len(row), dtype=np.int32)
    width = int(compact.max()) + 1 if len(compact) else 1
    m = csr_array((ones, (row, compact)), shape=(n, width))
    return csr_array(m @ m.T)
