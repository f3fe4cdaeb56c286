"""Tomtom: which known motifs a motif resembles, with p-, E- and q-values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.motifs._alignment import Targets, best_alignments
from cisgram.motifs._columns import named_distance, unique_columns
from cisgram.motifs._null import best_score_p
from cisgram.motifs._scores import BINS, Profiles, QueryScores
from cisgram.motifs.motif import Motif

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]

GROUP = 64  # queries that are aligned together
GROUP_BYTES = 1 << 26  # ... fewer where one of their tables would pass this
PADDING = 3  # columns by which the widths of a group may differ


class Matches(NamedTuple):
    """The best alignment of every query (row) with every target (column).

    Attributes
    ----------
    p
        (queries, targets) float64 in (0, 1].
    offset
        Where the query begins, in positions of the target (turned round where ``minus``).
    overlap
        Aligned columns.
    minus
        True where the target's reverse complement matches best.
    """

    p: NDArray[np.float64]
    offset: Ints
    overlap: Ints
    minus: NDArray[np.bool_]


COLUMNS = (
    "motif",
    "target_id",
    "target_name",
    "p",
    "e",
    "q",
    "offset",
    "overlap",
    "strand",
)


def tomtom(
    queries: Iterable[Motif],
    targets: Iterable[Motif],
    *,
    distance: str = "euclidean",
    min_overlap: int = 1,
    both_strands: bool = True,
    max_p: float | None = None,
    max_q: float | None = None,
    best: int | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    r"""Targets that resemble each query, one row a pair, the most alike first.

    An alignment without gaps scores :math:`\sum_i (m_i - d(q_i, t_{i+offset}))` over the
    query's columns, where :math:`m_i` is the median distance of query column i to all columns
    of all targets; a query column that overhangs counts as its median, that is 0 (the complete
    scores of [2]_). Scores are whole numbers, so that the distribution of the score of every
    stretch of query columns against columns drawn at random from the targets is exact. The
    best alignment over n offsets has

    .. math:: p = 1 - \prod_{offsets} (1 - p_{offset}), \quad
              p_{both} = 1 - (1 - p)^2, \quad e = p \cdot targets

    and q is p after Benjamini-Hochberg over all targets of the same query.

    Parameters
    ----------
    queries
        One motif, a `MotifSet` or any iterable of motifs.
    targets
        The same; their columns are the null model, so give a whole database: with fewer than
        about 50 targets p depends on which they are.
    distance
        ``euclidean``, ``pearson``, ``sandelin_wasserman`` (sum of squares),
        ``kullback_leibler`` (mean of both directions) or ``allr`` (average log-likelihood
        ratio against uniform bases, both columns with equal weight). The last two add 1/64
        to every probability.
    min_overlap
        Columns that must be aligned; the width of the shorter motif when that is less.
    both_strands
        Whether targets are turned round as well.
    max_p, max_q, best
        Keep only pairs with p and q up to these, and only so many targets a query; by default
        every pair is there. Neither changes p, e or q.
    workers
        Threads; the result does not depend on it.

    Returns
    -------
    pandas.DataFrame
        Sorted by query as given, then by p, then by target as given:
        ``motif`` (id of the query, which is its name where it has none), ``target_id``,
        ``target_name``, ``p``, ``e``, ``q``, ``offset`` (int: where the query begins, in
        positions of the target as read on ``strand``; negative when the query begins first:
        Tomtom's Optimal_offset), ``overlap`` (int: aligned columns), ``strand`` (``-``: the
        target was turned round; ``+`` when both are equally good).

    Raises
    ------
    InputError
        When there is no target, something is no motif, or an option is out of range.

    References
    ----------
    .. [1] Gupta S. et al., Quantifying similarity between motifs, Genome Biology 8:R24, 2007.
    .. [2] Tanaka E. et al., Improved similarity scores for comparing motifs, Bioinformatics
       27:1603, 2011.

    Differences from MEME's program: the p-value is that of the best score over all offsets
    rather than the smallest p-value over offsets, corrected (as in memelite); both strands are
    one test; e counts each target once; q is Benjamini-Hochberg rather than Storey's.
    Columns are rounded to 1/64 and scores to 60 steps: p is exact for these, and differs from
    finer steps by a factor of 1.2 (one standard deviation) between 1e-9 and 1e-2.

    Examples
    --------
    >>> import numpy as np
    >>> from cisgram.motifs import Motif
    >>> def exact(word): return Motif(np.eye(4)[["ACGT".index(c) for c in word]].T, word)
    >>> database = [exact("TTGACATT"), exact("CCGGA"), exact("AATGTCA"), exact("GGGCGG")]
    >>> found = tomtom(exact("GACA"), database, best=2)
    >>> found[["target_id", "offset", "overlap", "strand"]].values.tolist()
    [['AATGTCA', 1, 4, '-'], ['TTGACATT', 2, 4, '+']]
    """
    import pandas as pd

    _check_limits(max_p, max_q, best)
    q, t = _motifs(queries, "queries"), _motifs(targets, "targets")
    found = match_motifs(
        q,
        t,
        distance=distance,
        min_overlap=min_overlap,
        both_strands=both_strands,
        workers=workers,
    )
    adjusted = _false_discovery(found.p)
    order = np.argsort(found.p, axis=1, kind="stable")[:, :best]
    at_query = np.repeat(np.arange(len(q)), order.shape[1])
    at_target = order.ravel()
    keep = np.ones(len(at_query), dtype=bool)
    for limit, values in ((max_p, found.p), (max_q, adjusted)):
        if limit is not None:
            keep &= values[at_query, at_target] <= limit
    at = at_query[keep], at_target[keep]
    ids, names = (np.array(v, dtype=object) for v in ([m.id for m in t], [m.name for m in t]))
    table = (
        np.array([m.id for m in q], dtype=object)[at[0]],
        ids[at[1]],
        names[at[1]],
        found.p[at],
        found.p[at] * len(t),
        adjusted[at],
        found.offset[at],
        found.overlap[at],
        np.where(found.minus[at], "-", "+").astype(object),
    )
    return pd.DataFrame(dict(zip(COLUMNS, table, strict=True)))


def _check_limits(max_p: float | None, max_q: float | None, best: int | None) -> None:
    for name, limit in (("max_p", max_p), ("max_q", max_q)):
        if limit is not None and not 0 <= limit <= 1:
            msg = f"{name} must lie between 0 and 1; got {limit!r}."
            raise InputError(msg)
    if best is not None:
        check_positive(best, name="best")


def _false_discovery(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini-Hochberg over each row."""
    if len(p) == 0:
        return p
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(p, axis=1))


def match_motifs(
    queries: Iterable[Motif],
    targets: Iterable[Motif],
    *,
    distance: str = "euclidean",
    min_overlap: int = 1,
    both_strands: bool = True,
    workers: int = 1,
) -> Matches:
    """What `tomtom` computes, as matrices (queries, targets) and without pandas.

    Parameters
    ----------
    queries, targets, distance, min_overlap, both_strands, workers
        As for `tomtom`.

    Raises
    ------
    InputError
        As `tomtom`.

    Examples
    --------
    >>> import numpy as np
    >>> from cisgram.motifs import Motif
    >>> gata, half = np.eye(4)[[2, 0, 3, 0]].T, np.eye(4)[[0, 3]].T
    >>> m = match_motifs([Motif(half, "AT")], [Motif(gata, "GATA")])
    >>> m.offset.tolist(), m.overlap.tolist()  # the query begins at the second position
    ([[1]], [[2]])
    """
    check_positive(min_overlap, name="min_overlap")
    check_positive(workers, name="workers")
    measure = named_distance(distance)
    q, t = _motifs(queries, "queries"), _motifs(targets, "targets")
    out = Matches(*(np.zeros((len(q), len(t)), dtype=d) for d in (float, int, int, bool)))
    if not q:
        return out
    database, columns, counts = _database(t, both_strands=both_strands)
    distinct, number = unique_columns([m.ppm for m in q])
    profiles = Profiles.of(distinct, columns, counts, measure)
    widths = np.array([m.width for m in q])
    starts = np.cumsum(widths) - widths

    def finish(group: Ints) -> None:
        at = np.arange(widths[group].max())
        inside = at < widths[group][:, None]
        used = number[np.where(inside, starts[group][:, None] + at, 0)]
        found = _match_group(
            QueryScores.of(profiles, used, inside), widths[group], database, min_overlap
        )
        for whole, part in zip(out, found, strict=True):
            whole[group] = part

    strength = np.add.reduceat((profiles.median - profiles.low)[number], starts)
    groups = _groups(widths, strength, len(columns))
    if workers == 1:
        for group in groups:
            finish(group)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(finish, groups))
    return out


def _motifs(motifs: Iterable[Motif], role: str) -> list[Motif]:
    """The motifs as a list; refuses what is not a motif, and a database without one."""
    if isinstance(motifs, Motif):
        return [motifs]
    found = list(motifs)
    for i, motif in enumerate(found):
        if not isinstance(motif, Motif):
            msg = (
                f"{role} must hold cisgram.motifs.Motif; number {i} is a {type(motif).__name__}. "
                "Wrap a matrix (4, k) with Motif(ppm, name)."
            )
            raise InputError(msg)
    if role == "targets" and not found:
        msg = "targets holds no motif: give at least one, or cisgram.motifs.jaspar()."
        raise InputError(msg)
    return found


def _database(
    targets: Sequence[Motif], *, both_strands: bool
) -> tuple[Targets, NDArray[np.float64], NDArray[np.float64]]:
    """Targets as numbers of distinct columns, these columns (u, 4) and how often each occurs."""
    widths = np.array([m.width for m in targets])
    ends = np.cumsum(widths)
    forward = np.concatenate([m.ppm for m in targets], axis=1)
    columns, number = unique_columns([forward, forward[::-1]] if both_strands else [forward])
    n = forward.shape[1]
    strands = [number[:n]]
    if both_strands:
        turned = np.repeat(2 * ends - widths - 1, widths) - np.arange(n)
        strands.append(number[n:][turned])
    counts = np.bincount(number, minlength=len(columns)).astype(np.float64)
    return Targets.of(strands, widths, len(columns)), columns, counts


def _groups(widths: Ints, strength: Ints, n_columns: int) -> list[Ints]:
    """Queries of similar width and information together: their tables have similar sizes."""
    groups: list[Ints] = []
    order = np.lexsort((strength, widths))
    start = 0
    for i in range(1, len(order) + 1):
        narrowest, widest = int(widths[order[start]]), int(widths[order[i - 1]])
        # Bytes a query: its score tables; the tails of all its stretches.
        each = max(2 * widest * n_columns, 16 * BINS * widest**2)
        full = i - start >= min(GROUP, max(1, GROUP_BYTES // each))
        if i == len(order) or full or widths[order[i]] > narrowest + PADDING:
            groups.append(order[start:i])
            start = i
    return groups


def _match_group(
    scores: QueryScores, widths: Ints, database: Targets, min_overlap: int
) -> tuple[NDArray[np.float64], Ints, Ints, NDArray[np.bool_]]:
    """p, offset, overlap and strand, (g, n) each, of queries sorted by width."""
    best, offset, overlap, minus = best_alignments(
        scores.tables(), widths, database, min_overlap=min_overlap
    )
    loss, top = scores.losses()
    p = np.empty(best.shape)
    for w in np.unique(widths):
        same = widths == w
        p[same] = best_score_p(
            loss[same, :w], top[same, :w], best[same], database.widths, min_overlap=min_overlap
        )
    if database.blocks[0].shape[0] == 2:
        p *= 2 - p  # either strand, 1 - (1 - p)^2
    return p, offset, overlap, minus
