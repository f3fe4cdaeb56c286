"""Some motifs out of many: by name, or as many as there is room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from cisgram.core.checks import check_positive
from cisgram.core.registry import unknown
from cisgram.core.seeds import generator
from cisgram.motifs.cluster import linked, similarity
from cisgram.motifs.motif import Motif, MotifSet

CHOICES = ("representatives", "random", "first")


def select_motifs(
    motifs: Iterable[Motif],
    n: int,
    *,
    by: str = "representatives",
    seed: int = 0,
) -> MotifSet:
    """At most n motifs, in their order; all of them where they are no more than n.

    Parameters
    ----------
    motifs
        What there is.
    n
        How many there is room for.
    by
        ``representatives``: the motifs are joined by average linkage on their `similarity` until n
        groups are left, and of each group the one that is most similar to the others is taken, so
        that no family is there twice while another is missing. ``random``: n drawn by the seed.
        ``first``: the first n.
    seed
        Of ``random``.

    Raises
    ------
    InputError
        When ``by`` is no known choice, or n is below 1.

    Examples
    --------
    >>> ebox = Motif(np.eye(4)[:, [1, 0, 1, 2, 3, 2]], "CACGTG")
    >>> gata = Motif(np.eye(4)[:, [2, 0, 3, 0, 0]], "GATAA")
    >>> select_motifs([gata, gata.reverse_complement(), ebox], 2).names
    ['GATAA', 'CACGTG']
    """
    motifs = list(motifs)
    check_positive(n, name="n")
    if by not in CHOICES:
        what = "choice of motifs"
        raise unknown(what, by, CHOICES)
    if len(motifs) <= n:
        return MotifSet(motifs)
    if by == "first":
        return MotifSet(motifs[:n])
    if by == "random":
        kept = generator(seed, "motifs").choice(len(motifs), n, replace=False)
        return MotifSet([motifs[i] for i in np.sort(kept)])
    return MotifSet([motifs[i] for i in _representatives(motifs, n)])


def _representatives(motifs: Sequence[Motif], n: int) -> list[int]:
    from scipy.cluster.hierarchy import cut_tree

    values = similarity(motifs).values
    labels = cut_tree(linked(values), n_clusters=n).ravel()
    found = []
    for label in range(n):
        members = np.flatnonzero(labels == label)
        means = values[np.ix_(members, members)].mean(0)
        found.append(int(members[np.argmax(means.round(9))]))
    return sorted(found)
