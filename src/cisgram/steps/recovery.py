"""Planted motifs that come back from the scores of a method, as patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram import explain, motifs
from cisgram.core.results import Attribution
from cisgram.explain import Pattern
from cisgram.motifs import Motif

if TYPE_CHECKING:
    import pandas as pd

MAX_Q = 0.05  # of a match with the planted motif, among all known ones
OVERLAP = 0.5  # share of a planted site that a site of its pattern must cover


def recovery(
    attribution: Attribution, sites: pd.DataFrame, planted: Mapping[str, Motif]
) -> dict[str, Any]:
    """Which planted motifs the scores give back, and how many of their sites.

    Seqlets are called at a false discovery rate of 5 % against the scores' own order scrambled,
    so that every method has the same null and none needs a second run; their patterns are
    matched with the planted motifs among all vertebrate ones of JASPAR.

    Parameters
    ----------
    attribution
        Scores of n sequences.
    sites
        ``sequence`` (0 to n - 1), ``start``, ``end``, ``motif``: what was planted.
    planted
        Its motifs by name.

    Returns
    -------
    dict
        ``recovered`` (names of planted motifs that a pattern of positive contributions matches
        with q < 0.05), ``n_planted``, ``others`` (patterns of either sign that match none),
        ``sites`` (share of planted sites at least half of which a pattern of their own motif
        covers).

    Examples
    --------
    >>> import pandas as pd, torch
    >>> from cisgram.seq.alphabet import one_hot
    >>> codes = np.random.default_rng(0).integers(0, 4, (30, 80)).astype(np.uint8)
    >>> codes[:, 40:50] = [2, 3, 1, 0, 1, 2, 3, 2, 0, 1]
    >>> x, site = one_hot(codes), torch.zeros(30, 1, 80)
    >>> site[:, :, 40:50] = 1.0
    >>> sites = pd.DataFrame({"sequence": range(30), "start": 40, "end": 50, "motif": "USF1"})
    >>> usf1 = {"USF1": motifs.jaspar("vertebrates")["USF1"]}
    >>> found = recovery(Attribution(x * site, x, "planted"), sites, usf1)
    >>> found["recovered"], found["others"], found["sites"]
    (['USF1'], 0, 1.0)
    """
    found = explain.patterns(attribution, explain.seqlets(attribution))
    names = matched(found, planted)
    covered = np.zeros(len(sites), dtype=bool)
    for pattern in found:
        covered |= _covered(sites, pattern, names[pattern.name])
    return {
        "recovered": sorted(set().union(*names.values())) if names else [],
        "n_planted": len(planted),
        "others": sum(not own for own in names.values()),
        "sites": float(covered.mean()),
    }


def matched(found: tuple[Pattern, ...], planted: Mapping[str, Motif]) -> dict[str, set[str]]:
    """The planted motifs that each pattern matches; none of a pattern that lowers the output."""
    names: dict[str, set[str]] = {p.name: set() for p in found}
    raising = [p.motif for p in found if p.sign == "+"]
    if not raising:
        return names
    known = [
        m for m in motifs.jaspar("vertebrates") if m.id not in {p.id for p in planted.values()}
    ]
    own = [Motif(m.ppm, name, id=f"planted {name}") for name, m in planted.items()]
    table = motifs.tomtom(raising, [*known, *own], max_q=MAX_Q)
    for motif, target, name in zip(
        table["motif"], table["target_id"], table["target_name"], strict=True
    ):
        if target.startswith("planted "):
            names[motif].add(name)
    return names


def _covered(sites: pd.DataFrame, pattern: Pattern, names: set[str]) -> NDArray[np.bool_]:
    """(sites,): True where a site of the pattern lies on a planted one of its own motif."""
    one, two = sites.to_dict("list"), pattern.members
    sequence, start, end = (np.asarray(one[c], np.int64) for c in ("sequence", "start", "end"))
    is_own = np.array([m in names for m in one["motif"]], dtype=bool)
    on = sequence[:, None] == two["sequence"].to_numpy()[None]
    low = np.maximum(start[:, None], two["start"].to_numpy()[None])
    high = np.minimum(end[:, None], two["end"].to_numpy()[None])
    shared = np.where(on, high - low, 0)
    found: NDArray[np.bool_] = is_own & (shared.max(1, initial=0) >= OVERLAP * (end - start))
    return found
