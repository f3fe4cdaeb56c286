"""Knock-out epistasis: what two features give together beyond what each gives alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.types import OneHot
from cisgram.explain.base import METHODS, Target, ready, scalar
from cisgram.explain.features import Feature, Sources, features_of
from cisgram.explain.fills import check_fill
from cisgram.explain.knockouts import Knockouts, elsewhere
from cisgram.explain.overwrite import Codes, outputs
from cisgram.explain.pairs import (
    Pair,
    benjamini_hochberg,
    described,
    in_sequences,
    mean_interval,
    null_groups,
    null_p,
    pairs_of,
)
from cisgram.models.state import untouched
from cisgram.seq.alphabet import codes_of

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@METHODS.register(gives="table", needs="forward", complete=False, signed=True, cite="grabisch1999")
def epistasis(
    model: nn.Module,
    x: OneHot,
    sources: Sources,
    *,
    target: Target | None = None,
    pairs: Iterable[tuple[str, str]] | None = None,
    by: str = "sequence",
    p: float = 1e-4,
    fill: str = "words",
    copies: int = 10,
    controls: int = 3,
    batch_size: int = 256,
    seed: int = 0,
) -> pd.DataFrame:
    """What two features give together beyond each alone: f(ab) - f(a) - f(b) + f(0).

    f(ab) is the output of the sequence, f(a) that without b, f(b) that without a, f(0) that without
    both, each the mean over versions of other letters; 0 for a model that adds features up.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros.
    sources
        Features: motifs, a table of sites (``sequence``, ``start``, ``end``, ``motif``), or a
        width in bp (windows side by side); see `features.features_of`. Pairs of features that
        share a position are left out: what belongs to both would pass for an interaction.
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    pairs
        Names of the features to ask about, two and two; default: every pair.
    by
        ``sequence``: all sites of a motif in a sequence are taken away together, so that no site
        stands in for another; ``site``: each alone.
    p
        Largest p-value of a site, where motifs are given.
    fill, copies
        What stands in place of a feature (``words``, ``shuffles``, ``N``) and how many versions
        of it; see `fills.filled`.
    controls
        Of each feature, places elsewhere in the sequence that hold none of the features (where
        there is no room, neither of the two); a pair is compared with a and a window in the
        place of b, and with b and one in the place of a. 0: no p.
    batch_size
        Edited copies run at once; the result does not depend on it.
    seed
        Of letters and places, which follow from this and a sequence's own letters.

    Returns
    -------
    DataFrame
        One row a pair of features of a sequence: ``sequence``, ``a``, ``b``, ``a_start``,
        ``a_end``, ``b_start``, ``b_end``, ``distance`` (bp between; of several sites the
        nearest), ``a_sites``, ``b_sites``; ``output`` f(x); ``effect_a``, ``effect_b``,
        ``effect_both`` (what is lost without them); ``interaction`` and its 95 % interval over
        the versions, ``low`` and ``high`` (NaN for one); ``null`` (mean size of the controls),
        ``p`` (two-sided, the larger of those against either kind of control, `pairs.null_p`;
        controls of the same two names are pooled, for windows those of all pairs), ``q``
        (Benjamini-Hochberg over all rows). `interacting` sums it up over the sequences.

    Raises
    ------
    UnknownName
        No such fill or unit, or a pair of names that no feature has.
    InputError
        If ``x`` is no one-hot array, or target, sources or an option does not fit.

    References
    ----------
    .. [1] Grabisch M, Roubens M (1999). An axiomatic approach to the concept of interaction among
       players in cooperative games. Int J Game Theory 28:547-565. Of two players.

    Examples
    --------
    >>> from cisgram.seq import encode
    >>> class Both(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * (x[:, 0, 0] * x[:, 1, 2])[:, None]
    >>> table = epistasis(Both(), encode(["AGCG"]), 1)
    >>> table.loc[table["interaction"] != 0, ["a", "b", "interaction"]].values.tolist()
    [['0', '2', 2.0]]
    """
    import pandas as pd

    check_positive(batch_size, name="batch_size")
    check_fill(fill, copies)
    if controls != 0:
        check_positive(controls, name="controls")
    x = ready(model, x)
    codes = codes_of(x)
    features = features_of(codes, sources, by=by, p=p)
    wanted = _wanted(pairs_of(features, ordered=False), features, pairs)
    controlled = [_controls(codes, features, wanted, controls, seed, of=i) for i in (0, 1)]
    with untouched(model), torch.inference_mode():
        f = scalar(model, target)
        whole = outputs(f, codes, x.device, batch_size=batch_size)
        knocked = Knockouts(
            f, codes, x.device, fill=fill, copies=copies, seed=seed, batch_size=batch_size
        )
        every = [pair for pair in (*wanted, *controlled[0], *controlled[1]) if pair is not None]
        knocked.remember([g for a, b in every for g in ((a,), (b,), (a, b))])
    columns, null = _columns(wanted, whole, knocked), []
    for kind in controlled:
        sizes = [np.nan if c is None else _interaction(c, whole, knocked).mean() for c in kind]
        null.append(np.array(sizes).reshape(len(wanted), controls))
    groups = null_groups(wanted, sources)
    p_of = np.maximum(*(null_p(columns["interaction"], n, groups) for n in null))
    columns |= {"null": _mean_size(null), "p": p_of, "q": benjamini_hochberg(p_of)}
    return pd.DataFrame({**described(wanted), **columns})


def _wanted(
    found: list[Pair], features: list[Feature], names: Iterable[tuple[str, str]] | None
) -> list[Pair]:
    """The pairs that were asked for, in either order of their names."""
    if names is None:
        return found
    known = {f.name for f in features}
    asked = set()
    for pair in names:
        if isinstance(pair, str) or len(pair) != 2:
            msg = f"pairs must hold two names each, such as ('GATA1', 'TAL1'); got {pair!r}."
            raise InputError(msg)
        for name in pair:
            if name not in known:
                what = "feature"
                raise unknown(what, str(name), known)
        asked.add(frozenset(pair))
    return [(a, b) for a, b in found if frozenset((a.name, b.name)) in asked]


def _controls(
    codes: Codes, features: list[Feature], pairs: list[Pair], controls: int, seed: int, *, of: int
) -> list[Pair | None]:
    """Each pair with its first (``of=0``) or second feature elsewhere, ``controls`` times."""
    own = {features[0].sequence: features for features in in_sequences(features)}
    placed: dict[tuple[Feature, int], Feature | None] = {}
    found: list[Pair | None] = []
    for a, b in pairs:
        moved = (a, b)[of]
        row = codes[moved.sequence]
        for number in range(controls):
            key = (moved, number)
            if key not in placed:
                all_of_them = own[moved.sequence]
                placed[key] = elsewhere(row, moved, all_of_them, number=number, seed=seed)
            other = placed[key] or elsewhere(row, moved, (a, b), number=number, seed=seed)
            found.append(None if other is None else (other, b) if of == 0 else (a, other))
    return found


def _interaction(pair: Pair, whole: Array, knocked: Knockouts) -> Array:
    """(copies,) f(x) - f(x without a) - f(x without b) + f(x without both)."""
    a, b = pair
    without: Array = knocked.of(a, b) - knocked.of(a) - knocked.of(b)
    return without + float(whole[a.sequence])


def _columns(pairs: list[Pair], whole: Array, knocked: Knockouts) -> dict[str, Array]:
    """Effects and interaction of each pair, with the interval over the versions."""
    rows = []
    for a, b in pairs:
        f = whole[a.sequence]
        lost = [f - knocked.of(*group).mean() for group in ((a,), (b,), (a, b))]
        each = _interaction((a, b), whole, knocked)
        rows.append((f, *lost, each.mean(), *mean_interval(each)))
    names = ("output", "effect_a", "effect_b", "effect_both", "interaction", "low", "high")
    table = np.array(rows, dtype=float).reshape(len(pairs), len(names))
    return dict(zip(names, table.T, strict=True))


def _mean_size(null: list[Array]) -> Array:
    """(pairs,) mean size of the controls that there are; NaN without any."""
    sizes = np.abs(np.concatenate(null, axis=1))
    there = ~np.isnan(sizes)
    total = np.where(there, sizes, 0.0).sum(1)
    return np.where(there.any(1), total / np.maximum(there.sum(1), 1), np.nan)
