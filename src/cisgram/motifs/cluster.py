"""Groups of similar motifs, and one averaged motif for each group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.motifs.motif import Motif, MotifSet

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which motif belongs where, and how it lies there.

    Attributes
    ----------
    labels
        (n,) cluster of each motif; 0 is the largest cluster.
    representatives
        (c,) number of the motif that is most similar to the others of its cluster.
    motifs
        One averaged motif a cluster, named after its representative.
    offsets
        (n,) column of the representative on which a motif's first column lies; may be
        negative. Counted after turning motifs of strand ``-``.
    strands
        (n,) ``+`` or ``-``: whether a motif is turned round to lie on its representative.
    """

    labels: Ints
    representatives: Ints
    motifs: MotifSet
    offsets: Ints
    strands: NDArray[np.str_]

    def members(self, label: int) -> Ints:
        """Numbers of the motifs of one cluster."""
        return np.flatnonzero(self.labels == label)


@dataclass(frozen=True, eq=False)
class Similarity:
    """Best alignment of every pair of motifs.

    Attributes
    ----------
    values
        (n, n) similarity, at most 1; 1 on the diagonal.
    offsets
        (n, n) ``offsets[i, j]``: column of motif i on which the first column of j lies.
    turned
        (n, n) whether j lies there turned round.
    """

    values: Floats
    offsets: Ints
    turned: NDArray[np.bool_]


def similarity(motifs: Iterable[Motif], *, both_strands: bool = True) -> Similarity:
    """Correlation of every pair of motifs at their best offset and strand.

    With c = ppm - 1/4 (zero outside the motif), ``sum(c_i c_j) / (|c_i| |c_j|)``, the sum over
    the overlap, the lengths over the whole motifs: informative columns count most, and
    informative columns that hang over count against the pair. A motif without any information
    is similar to nothing but itself.

    Parameters
    ----------
    motifs
        The motifs; unchanged.
    both_strands
        Let motifs be turned round.

    Examples
    --------
    >>> whole = Motif(np.eye(4)[:, [2, 0, 2, 3, 2, 0]], "GAGTGA")
    >>> half = Motif(np.eye(4)[:, [3, 2, 0]], "TGA")
    >>> s = similarity([whole, half])
    >>> s.values[0, 1].round(4).item(), s.offsets[0, 1].item(), s.turned[0, 1].item()
    (0.7071, 3, False)
    """
    motifs = list(motifs)
    n, width = len(motifs), max((m.width for m in motifs), default=1)
    here, there = np.zeros((2, n, 4, width))
    for i, m in enumerate(motifs):
        here[i, :, : m.width] = m.ppm - 0.25
        there[i, :, : m.width] = m.ppm[::-1, ::-1] - 0.25
    length = np.sqrt((here**2).sum((1, 2)))
    scale = np.divide(1.0, length, out=np.zeros(n), where=length > 1e-9)
    best = np.full((n, n), -np.inf)
    offsets, turned = np.zeros((n, n), np.int64), np.zeros((n, n), bool)
    # offsets in the order 0, 1, -1, 2, ...: of equal alignments the least shifted is kept
    for offset in sorted(range(1 - width, width), key=lambda s: (abs(s), -s)):
        a, b = max(offset, 0), width + min(offset, 0)
        left = here[:, :, a:b].reshape(n, -1)
        for is_turned, other in ((False, here), (True, there))[: 1 + both_strands]:
            right = other[:, :, a - offset : b - offset].reshape(n, -1)
            value = (left @ right.T) * scale[:, None] * scale
            better = value > best + 1e-12
            best[better], offsets[better], turned[better] = value[better], offset, is_turned
    np.fill_diagonal(best, 1.0)
    np.fill_diagonal(offsets, 0)
    np.fill_diagonal(turned, val=False)
    return Similarity(np.clip(best, -1.0, 1.0), offsets, turned)


def cluster(
    motifs: Iterable[Motif], *, threshold: float = 0.8, both_strands: bool = True
) -> Clusters:
    """Groups of motifs by average linkage on their similarity, each with an averaged motif.

    Two groups are joined while the mean `similarity` between their motifs is at least
    ``threshold``. The averaged motif lays all motifs of a group on its representative and
    averages them, each with the same weight, over the columns that at least half of them cover.

    Parameters
    ----------
    motifs
        At least one motif; unchanged.
    threshold
        Least mean similarity within a cluster, between 0 and 1.
    both_strands
        Let motifs be turned round.

    Raises
    ------
    InputError
        When there is no motif or the threshold lies outside 0 to 1.

    Examples
    --------
    >>> ebox = Motif(np.eye(4)[:, [1, 0, 1, 2, 3, 2]], "CACGTG")
    >>> gata = Motif(np.eye(4)[:, [2, 0, 3, 0, 0]], "GATAA")
    >>> found = cluster([ebox, gata, gata.reverse_complement()])
    >>> found.labels.tolist(), found.strands.tolist(), found.motifs.names
    ([1, 0, 0], ['+', '+', '-'], ['GATAA', 'CACGTG'])
    """
    motifs = list(motifs)
    if not motifs:
        msg = "no motif to cluster; give at least one."
        raise InputError(msg)
    if not 0 <= threshold <= 1:
        msg = f"threshold must be a similarity between 0 and 1; got {threshold}."
        raise InputError(msg)
    alike = similarity(motifs, both_strands=both_strands)
    labels = _labels(alike.values, threshold)
    n = len(motifs)
    representatives = np.zeros(labels.max() + 1, np.int64)
    for label in range(len(representatives)):
        members = np.flatnonzero(labels == label)
        means = alike.values[np.ix_(members, members)].mean(0)
        representatives[label] = members[int(np.argmax(means.round(9)))]
    chief = representatives[labels]
    offsets, turned = alike.offsets[chief, np.arange(n)], alike.turned[chief, np.arange(n)]
    averaged = []
    for label, r in enumerate(representatives.tolist()):
        members = np.flatnonzero(labels == label)
        oriented = [motifs[i].reverse_complement() if turned[i] else motifs[i] for i in members]
        averaged.append(_average(motifs[r], oriented, offsets[members]))
    strands = np.where(turned, "-", "+")
    return Clusters(labels, representatives, MotifSet(averaged), offsets, strands)


def _labels(values: Floats, threshold: float) -> Ints:
    """Average linkage; clusters numbered by size, then by their first motif."""
    n = len(values)
    if n == 1:
        return np.zeros(1, np.int64)
    from scipy.cluster.hierarchy import fcluster

    raw = fcluster(linked(values), t=1 - threshold + 1e-9, criterion="distance")
    _, first, inverse, sizes = np.unique(
        raw, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(first), np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(first))
    return rank[inverse]


def linked(values: Floats) -> Floats:
    """SciPy's tree of average linkage of n motifs, at least two, by their (n, n) similarity."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    distance = 1 - (values + values.T) / 2
    np.fill_diagonal(distance, 0)
    return np.asarray(linkage(squareform(distance, checks=False), method="average"))


def _average(chief: Motif, members: list[Motif], offsets: Ints) -> Motif:
    """Mean of aligned motifs over the columns that at least half of them cover."""
    start = int(offsets.min())
    width = max(o + m.width for o, m in zip(offsets.tolist(), members, strict=True)) - start
    total, cover = np.zeros((4, width)), np.zeros(width)
    for offset, m in zip(offsets.tolist(), members, strict=True):
        total[:, offset - start : offset - start + m.width] += m.ppm
        cover[offset - start : offset - start + m.width] += 1
    kept = np.flatnonzero(2 * cover >= len(members))
    ppm = (total / cover)[:, kept[0] : kept[-1] + 1]
    sites = [m.n_sites for m in members if m.n_sites is not None]
    n_sites = float(sum(sites)) if len(sites) == len(members) else None
    origin = f"average of {len(members)} motifs"
    return Motif(ppm, chief.name, chief.id, n_sites, chief.background, origin)
