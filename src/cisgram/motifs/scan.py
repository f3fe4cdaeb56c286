"""Sites of motifs in sequences, with exact p-values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.motifs.kmers import Ints, KmerIndex, plan, reach_of, sites, sites_plain
from cisgram.motifs.motif import Motif
from cisgram.motifs.pvalues import PSEUDOCOUNT, RESOLUTION, ScoreTable, score_table
from cisgram.seq.alphabet import codes_of, to_codes

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

_TILE = 1 << 24  # positions whose index is held at once: about 250 MB
_SMALL = 50_000  # positions below which adding up columns beats building an index


def scan(
    x: Tensor | NDArray[Any] | Sequence[str],
    motifs: Motif | Iterable[Motif],
    *,
    p: float = 1e-4,
    both_strands: bool = True,
    background: Sequence[float] | None = None,
    pseudocount: float = PSEUDOCOUNT,
) -> pd.DataFrame:
    """Sites whose log-odds have a p-value of at most ``p``, one row a site.

    A site's score is the sum of its bases' log-odds (`score_table`), rounded per base to 0.01
    bits; its p-value is the exact probability that a random site of the background scores at
    least as much. A window that holds an N is no site. On the ``-`` strand the motif is turned
    round; a palindrome is found on both strands.

    Parameters
    ----------
    x
        One-hot (n, 4, length), torch or numpy; or uint8 codes (n, length), 4 = unknown; or
        strings of any lengths. Unchanged.
    motifs
        One motif or many.
    p
        Largest p-value of a site (not corrected). A motif too short or too vague to reach it
        has no sites; ``.attrs["silent"]`` of the result names such motifs.
    both_strands
        Scan the reverse complement too, with a background that is the same on both strands.
    background
        Shares of A C G T; ``None`` takes each motif's own.
    pseudocount
        Share of the background mixed into every position of a motif.

    Returns
    -------
    pandas.DataFrame
        ``sequence`` (row of x), ``start``, ``end`` (0-based, half-open, on the given strand),
        ``strand``, ``motif``, ``motif_id``, ``score`` (bits), ``p``, ``q``; motif by motif in
        the order given, then by sequence, start and strand. ``q`` is Benjamini and Hochberg's,
        per motif, over all whole windows on the strands that were scanned; only reported sites
        take part in its step-up minimum, so q errs on the safe side.

    Raises
    ------
    InputError
        When x has another shape, p is not in (0, 1], or there is no motif.

    References
    ----------
    Grant, Bailey and Noble 2011, FIMO, Bioinformatics 27:1017. Differences: 0.01-bit scores, a
    pseudocount that is a share, N never matches. The search is described in `kmers`.

    Examples
    --------
    >>> tata = Motif.from_counts(10 * np.eye(4)[:, [3, 0, 3, 0, 0, 0, 3]], name="TATA")
    >>> scan(["CCTATAAATCC", "GATTTATAG"], tata)[["sequence", "start", "end", "strand"]]
       sequence  start  end strand
    0         0      2    9      +
    1         1      1    8      -
    """
    if not 0 < p <= 1:
        msg = f"p must be above 0 and at most 1; got {p}."
        raise InputError(msg)
    wanted = [motifs] if isinstance(motifs, Motif) else list(motifs)
    if not wanted:
        msg = "no motif to scan with; give at least one."
        raise InputError(msg)
    options = {"background": background, "both_strands": both_strands, "pseudocount": pseudocount}
    tables = [score_table(m, **options) for m in wanted]  # type: ignore[arg-type]  # keywords of mixed types
    queries = [_Query(i, t, t.threshold(p)) for i, t in enumerate(tables)]
    loud = [q for q in queries if q.threshold <= q.table.highest]
    text = _Text.of(x)
    found = _search(text, loud, strands=2 if both_strands else 1)
    result = _frame(text, wanted, tables, found)
    heard = {q.number for q in loud}
    result.attrs["silent"] = [m.name for i, m in enumerate(wanted) if i not in heard]
    return result


@dataclass(frozen=True, eq=False)
class _Query:
    number: int
    table: ScoreTable
    threshold: int

    @property
    def width(self) -> int:
        return int(self.table.scores.shape[1])


@dataclass(frozen=True, eq=False)
class _Text:
    """All sequences one behind the other, an unknown base between them."""

    codes: NDArray[np.uint8]
    starts: Ints

    @classmethod
    def of(cls, x: Any) -> _Text:
        if isinstance(x, str):
            msg = "x must be a list of strings or an array; got one string. Wrap it: [sequence]."
            raise InputError(msg)
        rows = _rows(x)
        lengths = np.array([len(r) for r in rows], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths + 1)])[:-1].astype(np.int64)
        codes = np.full(int((lengths + 1).sum()), 4, dtype=np.uint8)
        for row, start in zip(rows, starts.tolist(), strict=True):
            codes[start : start + len(row)] = row
        return cls(codes, starts)


def _rows(x: Any) -> Sequence[NDArray[np.uint8]]:
    """One array of codes a sequence."""
    if hasattr(x, "detach"):
        from cisgram.core.checks import check_onehot

        check_onehot(x)
        return codes_of(x)  # type: ignore[return-value]  # its rows
    if isinstance(x, np.ndarray):
        return _rows_of_array(x)  # type: ignore[return-value]  # its rows
    if all(isinstance(s, str) for s in x):
        return [to_codes([s])[0] for s in x]
    msg = (
        "x must be one-hot (n, 4, length), uint8 codes (n, length) or strings; got "
        f"{type(x).__name__}."
    )
    raise InputError(msg)


def _rows_of_array(x: NDArray[Any]) -> NDArray[np.uint8]:
    if x.ndim == 3 and x.shape[1] == 4:
        if not ((x == 0) | (x == 1)).all() or (x.sum(1) > 1).any():
            msg = "x must be one-hot: 0 or 1, at most one base a position. Sample or round it."
            raise InputError(msg)
        hot = x.astype(bool)
        return np.where(hot.any(1), hot.argmax(1), 4).astype(np.uint8)
    if x.ndim == 2 and x.dtype == np.uint8:
        if x.size and x.max() > 4:
            msg = f"codes must be 0 to 4 (A C G T, unknown); got {x.max()}."
            raise InputError(msg)
        return x
    hint = " Transpose it: x.transpose(0, 2, 1)." if x.ndim == 3 and x.shape[2] == 4 else ""
    msg = (
        "x must be one-hot (n, 4, length) or uint8 codes (n, length); got "
        f"{x.dtype} {x.shape}.{hint}"
    )
    raise InputError(msg)


@dataclass(frozen=True, eq=False)
class _Found:
    """What one tile gave for one motif."""

    number: int
    at: Ints
    strand: NDArray[np.int8]
    score: Ints
    tested: int


def _search(text: _Text, queries: list[_Query], *, strands: int) -> list[_Found]:
    if not queries:
        return []
    margin = max(q.width for q in queries)
    found = []
    for first in range(0, len(text.codes), _TILE):
        # the last sites of a tile reach into the next one
        codes = text.codes[first : first + _TILE + margin - 1]
        whole = np.bincount(reach_of(codes, margin)[:_TILE], minlength=margin + 1)
        tested = whole[::-1].cumsum()[::-1]  # windows of at least each width
        for query, at, strand, score in _tile(codes, queries, margin, strands):
            own = at < _TILE
            n = strands * int(tested[query.width])
            found.append(_Found(query.number, at[own] + first, strand[own], score[own], n))
    return found


def _tile(
    codes: NDArray[np.uint8], queries: list[_Query], margin: int, strands: int
) -> Iterator[tuple[_Query, Ints, NDArray[np.int8], Ints]]:
    """Sites of every motif, by position, then strand."""
    index = KmerIndex(codes, margin=margin) if len(codes) > _SMALL else None
    plain = codes.astype(np.intp) if index is None else codes  # numpy looks up by intp
    for query in queries:
        forward, least = query.table.scores, query.threshold
        turned = np.ascontiguousarray(forward[::-1, ::-1])
        both = [forward, turned][:strands]
        if index is None:
            parts = [sites_plain(plain, s, least) for s in both]
        else:
            how = plan(forward, least, index.k)
            plans = [how, how.mirrored(query.width)][:strands]
            parts = [sites(index, s, least, h) for s, h in zip(both, plans, strict=True)]
        at = np.concatenate([a for a, _ in parts])
        strand = np.repeat(np.arange(strands, dtype=np.int8), [len(a) for a, _ in parts])
        order = np.argsort(at, kind="stable")
        yield query, at[order], strand[order], np.concatenate([s for _, s in parts])[order]


def _frame(
    text: _Text, motifs: list[Motif], tables: list[ScoreTable], found: list[_Found]
) -> pd.DataFrame:
    import pandas as pd

    found = sorted(found, key=lambda f: f.number)  # stable: tiles stay in order
    numbers = np.repeat([f.number for f in found], [len(f.at) for f in found]).astype(np.int64)
    at = np.concatenate([f.at for f in found]) if found else np.zeros(0, np.int64)
    strand = np.concatenate([f.strand for f in found]) if found else np.zeros(0, np.int8)
    score = np.concatenate([f.score for f in found]) if found else np.zeros(0, np.int64)
    tested = np.zeros(len(motifs))
    for f in found:
        tested[f.number] += f.tested
    p, q = np.zeros(len(at)), np.zeros(len(at))
    edges = np.searchsorted(numbers, np.arange(len(motifs) + 1))
    for i, (a, b) in enumerate(pairwise(edges)):
        if b > a:
            p[a:b] = tables[i].p(score[a:b])
            q[a:b] = _q(p[a:b], tested[i])
    row = np.searchsorted(text.starts, at, side="right") - 1
    start = at - text.starts[row]
    widths = np.array([m.width for m in motifs])
    return pd.DataFrame(
        {
            "sequence": row,
            "start": start,
            "end": start + widths[numbers],
            "strand": _labels(["+", "-"], strand),
            "motif": _labels([m.name for m in motifs], numbers),
            "motif_id": _labels([m.id for m in motifs], numbers),
            "score": score * RESOLUTION,
            "p": p,
            "q": q,
        }
    )


def _labels(words: list[str], which: NDArray[Any]) -> pd.Series[str]:
    """A text column out of few words, without a Python string a row."""
    import pandas as pd

    return pd.Series(words, dtype="str").take(which).reset_index(drop=True)


def _q(p: NDArray[np.float64], tested: float) -> NDArray[np.float64]:
    """Benjamini-Hochberg q-values of the smallest of ``tested`` p-values."""
    from scipy.stats import false_discovery_control

    return np.asarray(np.minimum(false_discovery_control(p) * (tested / len(p)), 1.0))
