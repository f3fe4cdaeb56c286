"""Deep Feature Interaction Maps: whose importance changes when a feature is taken away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.registry import unknown
from cisgram.core.results import Interaction
from cisgram.core.types import OneHot
from cisgram.explain.base import METHODS, Target, plain_options, ready
from cisgram.explain.features import Feature, Sources, features_of
from cisgram.explain.fills import check_fill, filled, substitutions
from cisgram.explain.importance import Importance
from cisgram.explain.overwrite import Codes
from cisgram.explain.pairs import Pair, against_null, described, null_groups, pairs_of
from cisgram.seq.alphabet import codes_of
from cisgram.seq.shuffle import shuffle_codes

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

REDUCTIONS = ("max", "sum")
COPIES_AT_ONCE = 4096


@METHODS.register(
    gives="table", needs="an attribution", complete=False, signed=True, cite="greenside2018"
)
def dfim(
    model: nn.Module,
    x: OneHot,
    sources: Sources,
    *,
    target: Target | None = None,
    score: str = "deep_lift",
    options: Mapping[str, Any] | None = None,
    by: str = "sequence",
    p: float = 1e-4,
    fill: str = "words",
    copies: int = 4,
    reduce: str = "max",
    nulls: int = 5,
    batch_size: int = 512,
    seed: int = 0,
) -> pd.DataFrame:
    r"""Change of the importance of one feature when another is taken away, with p and q.

    With C(x) the importance of every position, x_a copies of x in which other letters stand in
    place of feature a, and delta = C(x) - mean C(x_a), zero in a itself,

    .. math:: I(a \to b) = \delta_{i^*}, \quad i^* = \arg\max_{i \in b} |\delta_i|

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros. Give sequences that carry the signal,
        for example positives that the model calls positive.
    sources
        Features: a width in bp (windows side by side; 1 is single bases), motifs, or a table of
        sites (``sequence``, ``start``, ``end``, ``motif``); see `features.features_of`.
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    score
        Attribution method that tells the importance; ``options`` are its own. Where it takes a
        ``reference`` that is not given, ``background`` is taken, as in the paper. A copy is always
        compared with the reference of the sequence that it was made from.
    by
        ``sequence``: all sites of a motif in a sequence are one feature, so that no site stands in
        for another; ``site``: each is one.
    p
        Largest p-value of a site, where motifs are given.
    fill, copies
        What stands in place of a feature (``words``, ``shuffles``, ``N``) and how many versions
        of it, see `fills.filled`; of a single base each of the other three letters.
    reduce
        ``max``: as above. ``sum``: the sum of delta over b.
    nulls
        Dinucleotide shuffles of every sequence in which the same is asked at the same
        coordinates; 0: no p.
    batch_size
        Copies scored at once; the result does not depend on it.
    seed
        Of letters, shuffles and references, which follow from this and a sequence's own letters.

    Returns
    -------
    DataFrame
        One row an ordered pair of features of a sequence: ``sequence``, ``a`` (taken away), ``b``
        (read), ``a_start``, ``a_end``, ``b_start``, ``b_end``, ``distance`` (bp between; of
        several sites the nearest), ``a_sites``, ``b_sites``, ``interaction`` (units of the
        target; positive where b matters more with a), ``null`` (mean size in the shuffles),
        ``p`` (two-sided, `pairs.null_p`: null values of the same two names are pooled, for windows
        those of all pairs), ``q`` (Benjamini-Hochberg over all rows). `interacting` sums it up.

    Raises
    ------
    UnknownName
        No such score, option, fill, unit or reduction.
    InputError
        If ``x`` is no one-hot array, or target, sources or an option does not fit.

    Notes
    -----
    Differences from the authors' program: a source is masked by absolute coordinates (theirs
    counts back from the end and is right only where the response is the whole sequence); p is
    two-sided (theirs the smaller tail); every sequence has shuffles of its own, which keep its
    dinucleotides; the null is counted and never fitted by a Gaussian, which its tail is not. The
    authors put base frequencies or zeros in place of a motif; ``fill="N"`` is the latter.

    References
    ----------
    .. [1] Greenside P, Shimko T, Fordyce P, Kundaje A (2018). Discovering epistatic feature
       interactions from neural network models of regulatory DNA sequences. Bioinformatics
       34:i629-i637.

    Examples
    --------
    f = 2 (A at 0) (C at 2): of the gradient at either, all depends on the other.

    >>> from cisgram.seq import encode
    >>> class Both(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * (x[:, 0, 0] * x[:, 1, 2])[:, None]
    >>> table = dfim(Both(), encode(["AGCG"]), 1, score="gradient_x_input", nulls=0)
    >>> table.loc[table["interaction"] != 0, ["a", "b", "interaction"]].values.tolist()
    [['0', '2', 2.0], ['2', '0', 2.0]]
    """
    import pandas as pd

    check_positive(batch_size, name="batch_size")
    check_fill(fill, copies)
    if reduce not in REDUCTIONS:
        what = "reduction"
        raise unknown(what, str(reduce), REDUCTIONS)
    if nulls != 0:
        check_positive(nulls, name="nulls")
    x = ready(model, x)
    codes = codes_of(x)
    importance = Importance(model, target, score, options, batch_size=batch_size, seed=seed)
    features = features_of(codes, sources, by=by, p=p)
    pairs = pairs_of(features, ordered=True)

    def asked(letters: Codes) -> Array:
        return _changes(
            importance, letters, features, pairs, reduce, fill=fill, copies=copies, seed=seed
        )

    found = asked(codes)
    groups = null_groups(pairs, sources)
    shuffled = shuffle_codes(codes, k=2, n=max(nulls, 1), seed=seed)
    null = [asked(shuffled[:, i]) for i in range(nulls)]
    return pd.DataFrame({**described(pairs), **against_null(found, null, groups)})


def dfim_map(
    model: nn.Module,
    x: OneHot,
    *,
    width: int = 1,
    target: Target | None = None,
    score: str = "deep_lift",
    options: Mapping[str, Any] | None = None,
    fill: str = "words",
    copies: int = 4,
    batch_size: int = 512,
    seed: int = 0,
) -> Interaction:
    """Change of the importance of every position when each window is taken away.

    Parameters
    ----------
    model, x, target, score, options, fill, copies, batch_size, seed
        As for `dfim`.
    width
        Of the windows, bp; 1: single bases, each replaced by the other three.

    Returns
    -------
    Interaction
        ``values`` (n, windows, length): delta, in units of the target, 0 inside the window;
        ``rows`` are ``start-end`` (or the position), ``columns`` positions.

    Raises
    ------
    InputError
        As `dfim`.

    Examples
    --------
    >>> from cisgram.seq import encode
    >>> class Both(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * (x[:, 0, 0] * x[:, 1, 2])[:, None]
    >>> dfim_map(Both(), encode(["AGC"]), score="gradient_x_input").values.tolist()
    [[[0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]]
    """
    check_positive(batch_size, name="batch_size")
    check_fill(fill, copies)
    x = ready(model, x)
    codes = codes_of(x)
    importance = Importance(model, target, score, options, batch_size=batch_size, seed=seed)
    features = features_of(codes, width, by="site", p=1e-4)
    deltas = [
        delta
        for _, delta in _deltas(importance, codes, features, fill=fill, copies=copies, seed=seed)
    ]
    values = torch.from_numpy(np.stack(deltas)).float()
    names = tuple(f.name for f in features if f.sequence == 0)
    return Interaction(
        values=values.reshape(len(x), len(names), -1),
        rows=names,
        columns=tuple(str(i) for i in range(x.shape[2])),
        method="dfim_map",
        options=plain_options(
            target=target, width=width, score=score, fill=fill, copies=copies, seed=seed
        ),
    )


def _changes(
    importance: Importance,
    codes: Codes,
    features: list[Feature],
    pairs: list[Pair],
    reduce: str,
    *,
    fill: str,
    copies: int,
    seed: int,
) -> Array:
    """(pairs,) change of the importance of each pair's second feature without the first."""
    read: dict[Feature, list[tuple[int, NDArray[np.int64]]]] = {}
    for i, (a, b) in enumerate(pairs):
        read.setdefault(a, []).append((i, b.positions))
    out = np.zeros(len(pairs))
    asked = [f for f in features if f in read]
    for feature, delta in _deltas(importance, codes, asked, fill=fill, copies=copies, seed=seed):
        for i, positions in read[feature]:
            there = delta[positions]
            out[i] = there.sum() if reduce == "sum" else there[np.abs(there).argmax()]
    return out


def _deltas(
    importance: Importance,
    codes: Codes,
    features: Sequence[Feature],
    *,
    fill: str,
    copies: int,
    seed: int,
) -> Iterator[tuple[Feature, Array]]:
    """Each feature and C(x) - mean C(x without it), (length,), 0 at its own positions."""
    whole = np.unique([f.sequence for f in features]).astype(np.int64)
    own = dict(zip(whole.tolist(), importance(codes[whole], whole, codes), strict=True))
    for some in _batches(features, copies):
        made: list[Codes] = []
        for f in some:
            row = codes[f.sequence]
            if fill == "words" and len(f.positions) == 1:
                words = substitutions(row, f)
            else:
                words = filled(row, f, fill=fill, copies=copies, seed=seed)
            edited = np.repeat(row[None], len(words), axis=0)
            edited[:, f.positions] = words
            made.append(edited)
        of = np.repeat([f.sequence for f in some], [len(m) for m in made])
        without = importance(np.concatenate(made), of, codes)
        edges = np.cumsum([0, *(len(m) for m in made)])
        for f, start, end in zip(some, edges[:-1], edges[1:], strict=True):
            delta = own[f.sequence] - without[start:end].mean(0)
            delta[f.positions] = 0.0
            yield f, delta


def _batches(features: Sequence[Feature], copies: int) -> Iterator[Sequence[Feature]]:
    size = max(1, COPIES_AT_ONCE // copies)
    for start in range(0, len(features), size):
        yield features[start : start + size]
