"""Patterns: seqlets that say the same, laid on each other, as motifs with their contributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.results import Attribution
from cisgram.explain.windows import Fit, Scores, cut, fit, pairwise, turned
from cisgram.motifs import Motif

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HALF = 15  # positions on either side of a seqlet's middle that a pattern may take up
SHIFTS = 10  # positions by which a seqlet's middle may lie off the pattern's
TAPER = 5  # positions beside a seqlet that still count in the first comparison
AT_ONCE = 2000  # seqlets that are compared with one another at once
ROUNDS = 4  # of laying seqlets on the patterns and making the patterns anew
CORE = 5  # seqlets that a first group needs
GROUPED = 0.7  # mean cosine within a first group; looser ones mix words that overlap by half
KEPT = 0.2  # share of the strongest column's contribution that the outermost columns have


@dataclass(frozen=True, eq=False)
class Pattern:
    """A motif as the model uses it.

    Attributes
    ----------
    name
        ``positive_0``, ``positive_1``, ..., ``negative_0``, ...: by sign, most seqlets first.
    sign
        ``+`` where its sites raise the output, ``-`` where they lower it.
    motif
        Letters of the sites, as probabilities.
    contributions
        (4, k) mean contribution of the letters that are there (CWM), units of the target.
    hypothetical
        (4, k) mean of what each base would contribute, were it there.
    members
        One row a site: ``sequence``, ``start``, ``end``, ``strand``, ``similarity`` (cosine of
        its contributions with those of the pattern that have its sign).
    """

    name: str
    sign: str
    motif: Motif
    contributions: Floats
    hypothetical: Floats
    members: pd.DataFrame = field(repr=False)

    @property
    def n(self) -> int:
        """Sites."""
        return len(self.members)

    @property
    def width(self) -> int:
        """Positions, k."""
        return int(self.contributions.shape[1])


def patterns(
    attribution: Attribution,
    seqlets: pd.DataFrame,
    *,
    min_members: int = 20,
    similarity: float = 0.5,
    merged: float = 0.8,
) -> tuple[Pattern, ...]:
    """Groups of alike seqlets, as motifs with mean contributions.

    Seqlets of one sign are compared by the cosine of their contributions of this sign at the best
    shift and strand, grouped by average linkage, and each group averaged. Then, a few times: every
    seqlet is laid on the average that it is most like, averages are made anew, and those that are
    alike are joined. What fits no pattern is grouped once more among itself. Last, each pattern is
    trimmed to the columns from the first to the last with a fifth of the strongest one's
    contribution.

    Parameters
    ----------
    attribution
        Scores of every base. A method that scores all four bases (mutagenesis, DeepLIFT) gives
        hypothetical contributions too.
    seqlets
        What `seqlets` found in it.
    min_members
        Least sites of a pattern.
    similarity
        Least cosine of a site with its pattern.
    merged
        Cosine from which on two patterns are one.

    Returns
    -------
    tuple of Pattern
        Positive ones first, each sign by number of sites. A site on which two seqlets lie counts
        once.

    Raises
    ------
    InputError
        When the table is not one of `seqlets`, or an option is out of range.

    References
    ----------
    The steps follow TF-MoDISco (Shrikumar et al. 2018, arXiv:1811.00416), with other parts:
    cosine at the best shift for its gapped k-mers and Jaccard similarity, average linkage for
    Leiden communities, reassignment for its merging and splitting.

    Examples
    --------
    >>> from cisgram.explain.seqlets import seqlets
    >>> from cisgram.seq.alphabet import one_hot
    >>> codes = np.random.default_rng(0).integers(0, 4, (30, 80)).astype(np.uint8)
    >>> codes[:, 40:47] = [1, 0, 1, 2, 3, 2, 0]
    >>> x, site = one_hot(codes), torch.zeros(30, 1, 80)
    >>> site[:, :, 40:47] = 1.0
    >>> a = Attribution(x * site, x, "planted")
    >>> [(p.name, p.motif.consensus, p.n) for p in patterns(a, seqlets(a))]
    [('positive_0', 'CACGTGA', 30)]
    """
    check_positive(min_members, name="min_members")
    for name, value in (("similarity", similarity), ("merged", merged)):
        if not 0 < value < 1:
            msg = f"{name} must be a cosine between 0 and 1; got {value!r}."
            raise InputError(msg)
    scores = Scores.of(attribution)
    _check(seqlets, scores)
    found: list[Pattern] = []
    for sign, word in (("+", "positive"), ("-", "negative")):
        own = seqlets[seqlets["sign"] == sign]
        own = own.sort_values(["score", "sequence", "start"], ascending=[False, True, True])
        job = _Job.of(scores, own, 1 if sign == "+" else -1)
        groups = _grouped(job, min_members=min_members, similarity=similarity, merged=merged)
        made = [_pattern(scores, job, g, f"{word}_{i}", sign) for i, g in enumerate(groups)]
        made = sorted((p for p in made if p.n >= min_members), key=lambda p: -p.n)
        found += [replace(p, name=f"{word}_{i}") for i, p in enumerate(made)]
    return tuple(_renamed(p) for p in found)


def _renamed(pattern: Pattern) -> Pattern:
    return replace(pattern, motif=replace(pattern.motif, name=pattern.name, id=pattern.name))


@dataclass(frozen=True, eq=False)
class _Job:
    """Seqlets of one sign, whose contributions are turned to be positive."""

    sign: int
    sequence: Ints
    middle: Ints
    wide: Tensor  # (m, 4, 2 (HALF + SHIFTS) + 1)
    narrow: Tensor  # (m, 4, 2 HALF + 1)

    @classmethod
    def of(cls, scores: Scores, table: pd.DataFrame, sign: int) -> _Job:
        sequence = table["sequence"].to_numpy(np.int64)
        start, end = table["start"].to_numpy(np.int64), table["end"].to_numpy(np.int64)
        middle = _middles(scores, sequence, start, end)
        reach = HALF + SHIFTS
        wide = sign * cut(scores.contributions, sequence, middle - reach, 2 * reach + 1)
        at = np.arange(-HALF, HALF + 1)[None, :] + middle[:, None]
        near = (at >= start[:, None] - TAPER) & (at < end[:, None] + TAPER)
        # what lies beside it and has the other sign must not stand for the seqlet
        narrow = wide[:, :, SHIFTS:-SHIFTS].clamp(min=0) * torch.from_numpy(near)[:, None]
        return cls(sign, sequence, middle, wide, narrow)


@dataclass(frozen=True, eq=False)
class _Group:
    """Seqlets (rows) of one pattern, the middle of its window on each, and the strand."""

    rows: Ints
    middle: Ints
    minus: NDArray[np.bool_]
    cosine: NDArray[np.float32]


def _middles(scores: Scores, sequence: Ints, start: Ints, end: Ints) -> Ints:
    """The center of mass of each seqlet's contributions."""
    width = int((end - start).max(initial=1))
    weight = cut(scores.contributions, sequence, start, width).sum(1).abs().double().numpy()
    inside = np.arange(width) < (end - start)[:, None]
    weight = np.where(inside, weight, 0.0)
    mass = np.maximum(weight.sum(1), 1e-12)
    found: Ints = start + np.floor((weight * np.arange(width)).sum(1) / mass + 0.5).astype(np.int64)
    return found


def _grouped(job: _Job, *, min_members: int, similarity: float, merged: float) -> list[_Group]:
    """Templates from groups of alike seqlets, made anew until little changes."""
    left = np.arange(len(job.sequence))
    templates = torch.zeros(0, 4, 2 * HALF + 1)
    groups: list[_Group] = []
    while len(left) >= max(min_members, CORE):
        some = left[:AT_ONCE]
        first = _first_groups(job, some)
        before = len(templates)
        templates = torch.cat([templates, *[_template(job, g)[None] for g in first]])
        for _ in range(ROUNDS):
            templates = _joined(templates, merged)
            groups = _laid(job, templates, similarity) if len(templates) else []
            groups = [g for g in groups if len(g.rows) >= min_members]
            templates = (
                torch.stack([_template(job, g) for g in groups]) if groups else templates[:0]
            )
            if not groups:
                break
        taken = np.concatenate([some, *[g.rows for g in groups]])
        left = np.setdiff1d(left, taken)
        if len(templates) <= before and len(left) < AT_ONCE:
            break
    return groups


def _first_groups(job: _Job, rows: Ints) -> list[_Group]:
    """Average linkage; every group laid on its middlemost seqlet."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(rows) < 2:
        return []
    alike = pairwise(job.narrow[torch.from_numpy(rows)], shifts=SHIFTS)
    distance = squareform(1.0 - alike.astype(np.float64), checks=False)
    labels = fcluster(linkage(distance, method="average"), t=1 - GROUPED, criterion="distance")
    groups = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < CORE:
            continue
        chief = members[alike[np.ix_(members, members)].mean(0).round(6).argmax()]
        template = job.narrow[rows[chief]][None]
        groups.append(_placed(job, rows[members], fit(job.wide[rows[members]], template), 0))
    return groups


def _placed(job: _Job, rows: Ints, how: Fit, column: int) -> _Group:
    shift = how.shift[:, column] - SHIFTS
    return _Group(rows, job.middle[rows] + shift, how.minus[:, column], how.cosine[:, column])


def _template(job: _Job, group: _Group) -> Tensor:
    """(4, 2 HALF + 1) mean of the group's windows, zero outside of its core."""
    start = group.middle - job.middle[group.rows] + SHIFTS
    wide = job.wide[torch.from_numpy(group.rows)]
    each = cut(wide, np.arange(len(wide)), start, 2 * HALF + 1)
    mean = turned(each, group.minus).mean(0).clamp(min=0)
    first, last = _core(mean.sum(0).double().numpy())
    out = torch.zeros_like(mean)
    out[:, first:last] = mean[:, first:last]
    return out


def _core(strength: Floats) -> tuple[int, int]:
    """First and one past the last column of a fifth of the strongest one's contribution."""
    kept = np.flatnonzero(strength >= KEPT * strength.max(initial=0.0))
    return (int(kept[0]), int(kept[-1]) + 1) if len(kept) else (0, len(strength))


def _joined(templates: Tensor, merged: float) -> Tensor:
    """Templates without those that are like an earlier one at some shift and strand."""
    if len(templates) < 2:
        return templates
    alike = pairwise(templates, shifts=SHIFTS)
    kept: list[int] = []
    for i in range(len(templates)):
        if not any(alike[i, j] >= merged for j in kept):
            kept.append(i)
    return templates[kept]


def _laid(job: _Job, templates: Tensor, similarity: float) -> list[_Group]:
    """Every seqlet on the template that it is most like, where it is like one."""
    how = fit(job.wide, templates)
    best = how.cosine.argmax(1)
    enough = how.cosine[np.arange(len(best)), best] >= similarity
    groups = []
    for t in range(len(templates)):
        rows = np.flatnonzero((best == t) & enough)
        one = Fit(how.cosine[rows], how.shift[rows], how.minus[rows])
        groups.append(_once(job, _placed(job, rows, one, t)))
    return sorted(groups, key=lambda g: -len(g.rows))


def _once(job: _Job, group: _Group) -> _Group:
    """The group without seqlets that name a site a second time."""
    site = np.stack([job.sequence[group.rows], group.middle, group.minus.astype(np.int64)], 1)
    _, first = np.unique(site, axis=0, return_index=True)
    kept = np.sort(first)
    return _Group(group.rows[kept], group.middle[kept], group.minus[kept], group.cosine[kept])


def _pattern(scores: Scores, job: _Job, group: _Group, name: str, sign: str) -> Pattern:
    import pandas as pd

    sequence, start = job.sequence[group.rows], group.middle - HALF
    width = 2 * HALF + 1

    def aligned(array: Tensor) -> Tensor:
        return turned(cut(array, sequence, start, width), group.minus).double()

    contributions = aligned(scores.contributions).mean(0).numpy()
    first, last = _core(np.clip(job.sign * contributions, 0, None).sum(0))
    at = slice(first, last)
    begin = np.where(group.minus, start + width - last, start + first)
    members = pd.DataFrame(
        {
            "sequence": sequence,
            "start": begin,
            "end": begin + last - first,
            "strand": np.where(group.minus, "-", "+").astype(object),
            "similarity": group.cosine.astype(np.float64),
        }
    )
    counts = aligned(scores.letters).sum(0).numpy()[:, at]
    motif = Motif.from_counts(counts, name=name, origin="patterns")
    members = members.sort_values(["sequence", "start"], kind="stable", ignore_index=True)
    hypothetical = aligned(scores.hypothetical).mean(0).numpy()[:, at]
    return Pattern(name, sign, motif, contributions[:, at], hypothetical, members)


COLUMNS: Sequence[str] = ("sequence", "start", "end", "sign", "score")


def _check(table: pd.DataFrame, scores: Scores) -> None:
    """Refuse a table that is not one of seqlets in these sequences."""
    missing = [c for c in COLUMNS if c not in table.columns]
    if missing:
        msg = f"seqlets must be the table of explain.seqlets; it has no {', '.join(missing)}."
        raise InputError(msg)
    n = len(scores.letters)
    wrong = table[
        (table["sequence"] < 0)
        | (table["sequence"] >= n)
        | (table["start"] < 0)
        | (table["end"] > scores.length)
        | (table["end"] <= table["start"])
    ]
    if len(wrong):
        row = wrong.iloc[0]
        msg = (
            f"seqlet {row['start']}-{row['end']} of sequence {row['sequence']} does not lie in "
            f"these {n} sequences of {scores.length} bp: give the attribution it was found in."
        )
        raise InputError(msg)
