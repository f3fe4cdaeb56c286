"""Attention as an interaction map: how much of one feature's attention goes to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.results import Interaction
from cisgram.core.types import OneHot
from cisgram.explain.base import ready
from cisgram.explain.features import Feature, Sources, features_of
from cisgram.explain.methods.attention import attention_map
from cisgram.explain.overwrite import Codes
from cisgram.explain.pairs import Pair, against_null, described, null_groups, pairs_of
from cisgram.seq.alphabet import codes_of, one_hot
from cisgram.seq.shuffle import shuffle_codes

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def attention_pairs(
    model: nn.Module,
    x: OneHot,
    sources: Sources,
    *,
    layer: str | None = None,
    head: int | None = None,
    by: str = "sequence",
    p: float = 1e-4,
    nulls: int = 5,
    batch_size: int = 32,
    seed: int = 0,
) -> pd.DataFrame:
    """Attention that the positions of one feature pay to those of another, with p and q.

    The mean over queries that lie in a of the sum of their weights for positions that lie in b.
    Looking is not using: what stands out here is to be asked with `epistasis`.

    Parameters
    ----------
    model, x, layer, head, batch_size
        As for `attention_map`; an attention whose queries are positions.
    sources, by, p
        As for `dfim`.
    nulls
        Dinucleotide shuffles of every sequence in which the same is asked at the same
        coordinates; 0: no p.
    seed
        Of the shuffles.

    Returns
    -------
    DataFrame
        One row an ordered pair of features of a sequence, columns as `dfim`: ``interaction`` is
        the share of the attention of ``a`` that goes to ``b``, 0 to 1.

    Raises
    ------
    InputError
        As `attention_map` and `features.features_of`; when queries are no positions.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> class Look(nn.Module):
    ...     def forward(self, x):
    ...         h = x.transpose(1, 2)
    ...         weights = torch.softmax(20 * x[:, 2:3].expand(-1, x.shape[2], -1), 2)  # to G
    ...         return (weights @ h).sum((1, 2))[:, None]
    >>> table = attention_pairs(Look(), encode(["ACGT"]), 2, nulls=0)
    >>> table[["a", "b", "interaction"]].round(3).values.tolist()
    [['0-2', '2-4', 1.0], ['2-4', '0-2', 0.0]]
    """
    import pandas as pd

    check_positive(batch_size, name="batch_size")
    if nulls != 0:
        check_positive(nulls, name="nulls")
    x = ready(model, x)
    codes = codes_of(x)
    features = features_of(codes, sources, by=by, p=p)
    pairs = pairs_of(features, ordered=True)

    def asked(letters: Codes) -> Array:
        given = one_hot(letters).to(x.device)
        found = attention_map(model, given, layer=layer, head=head, batch_size=batch_size)
        return _between(found, features, pairs, x.shape[2])

    groups = null_groups(pairs, sources)
    shuffled = shuffle_codes(codes, k=2, n=max(nulls, 1), seed=seed)
    null = [asked(shuffled[:, i]) for i in range(nulls)]
    return pd.DataFrame({**described(pairs), **against_null(asked(codes), null, groups)})


def _between(found: Interaction, features: list[Feature], pairs: list[Pair], length: int) -> Array:
    """(pairs,) attention from the first to the second."""
    if found.rows != found.columns:
        msg = (
            f"The attention {found.options['layer']!r} has queries that are no positions of the "
            "sequence, so it tells nothing about pairs. See explain.attention for what it reads."
        )
        raise InputError(msg)
    lies = np.zeros((len(found.rows), length), dtype=bool)  # which letters each position reads
    for i, name in enumerate(found.rows):
        if "-" in name:
            start, end = name.split("-")
            lies[i, int(start) : int(end)] = True
    cells = {f: lies[:, f.positions].any(1) for f in features}
    weights = found.values.double().numpy()
    out = np.zeros(len(pairs))
    for i, (a, b) in enumerate(pairs):
        queries, read = cells[a], cells[b] & ~cells[a]
        if queries.any():
            out[i] = weights[a.sequence][np.ix_(queries, read)].sum(1).mean()
    return out
