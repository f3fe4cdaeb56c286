"""The leak guard: sequences that stand, turned round or nearly so, in two sets or two classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.data.dataset import Dataset
from cisgram.data.near import near_pairs
from cisgram.io import Codes, blocks
from cisgram.seq.alphabet import complement_codes

if TYPE_CHECKING:
    import pandas as pd

KEY = 16  # bytes that stand for a sequence: two differ by all chance


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
    keys, turned = _keys([sets[s].codes for s in names])
    pairs = _same(keys, which, kind_of_label)
    exact = set(map(tuple, pairs.tolist()))
    kind = which * (int(kind_of_label.max(initial=0)) + 1) + kind_of_label
    codes = [sets[s].codes for s in names]
    near, similarity, of_repeats = near_pairs(codes, kind, least=threshold)
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


def _keys(sets: Sequence[Codes]) -> tuple[list[bytes], list[bool]]:
    """A key of the smaller of each sequence and its reverse complement; whether it was turned."""
    keys, turned = [], []
    for codes in sets:
        for _, part in blocks(codes):
            for row, back in zip(part, complement_codes(part[:, ::-1]), strict=True):
                given, other = row.tobytes(), back.tobytes()
                keys.append(blake2b(min(given, other), digest_size=KEY).digest())
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
