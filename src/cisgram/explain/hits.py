"""Hits: where in the sequences the model uses each pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.results import Attribution
from cisgram.explain.nulls import false_shares, scrambled
from cisgram.explain.patterns import Pattern
from cisgram.explain.seqlets import keys, seqlets, under
from cisgram.explain.windows import Scores, cosines
from cisgram.seq.alphabet import codes_of, one_hot

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

AT_ONCE = 1 << 22  # positions that are compared with a pattern at once
OVERLAP = 0.5  # share of the narrower of two hits up to which they may overlap
COLUMNS = (
    "sequence",
    "start",
    "end",
    "strand",
    "pattern",
    "name",
    "score",
    "contribution",
    "similarity",
    "fdr",
)


def hits(
    attribution: Attribution,
    patterns: Iterable[Pattern],
    *,
    null: Attribution | None = None,
    names: Mapping[str, str] | None = None,
    similarity: float = 0.6,
    fdr: float = 0.05,
    copies: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    r"""Sites of patterns, by what the letters there contribute.

    With c the contributions of the letters of a stretch and w the pattern's own, on either strand,

    .. math:: score = \frac{\langle c, w \rangle}{|w|^2}, \quad
              similarity = \frac{\langle c, w \rangle}{|c| |w|}

    A score of 1 is a mean site of the pattern. The best places (none within half a width of a
    better one of the same pattern) of at least the least similarity are kept at a false discovery
    rate that the same search in a null tells, each pattern on its own. Where hits of several
    patterns overlap by more than half of the narrower one, the one of the largest ``<c, w> / |w|``
    is kept.

    Parameters
    ----------
    attribution
        Scores of the sequences; those that the patterns come from, or others of the same target.
    patterns
        What `patterns` gave.
    null
        The same scores of sequences without signal; without it they are scrambled, see `seqlets`.
    names
        What to call a pattern, by its name; others keep their own.
    similarity
        Least cosine.
    fdr
        Largest false discovery rate of a hit.
    copies, seed
        As in `seqlets`.

    Returns
    -------
    DataFrame
        One row a hit, by sequence and start: ``sequence``, ``start``, ``end``, ``strand``,
        ``pattern``, ``name``, ``score``, ``contribution`` (sum over the stretch, units of the
        target), ``similarity``, ``fdr``.

    Raises
    ------
    InputError
        When an option is out of range.

    References
    ----------
    Fi-NeMo (Wang et al. 2024) solves for all hits of a sequence together, with a penalty in place
    of a null.

    Examples
    --------
    >>> from cisgram.explain.patterns import patterns
    >>> codes = np.random.default_rng(0).integers(0, 4, (30, 80)).astype(np.uint8)
    >>> codes[:, 40:47] = [1, 0, 1, 2, 3, 2, 0]
    >>> x, site = one_hot(codes), torch.zeros(30, 1, 80)
    >>> site[:, :, 40:47] = 1.0
    >>> a = Attribution(x * site, x, "planted")
    >>> found = hits(a, patterns(a, seqlets(a)), names={"positive_0": "USF1"})
    >>> len(found), found["start"].unique().tolist(), found["score"].mean().item()
    (30, [40], 1.0)
    """
    import pandas as pd

    check_positive(copies, name="copies")
    for option, value in (("similarity", similarity), ("fdr", fdr)):
        if not 0 < value <= 1:
            msg = f"{option} must lie above 0 and at most at 1; got {value!r}."
            raise InputError(msg)
    asked = list(patterns)
    scores = Scores.of(attribution)
    here, empty = scores.contributions, _empty()
    elsewhere = _null(attribution, scores, null, copies=copies, seed=seed)
    times = elsewhere.shape[0] * elsewhere.shape[2] / (here.shape[0] * here.shape[2])
    parts = [empty]
    for p in asked:
        if p.width > scores.length:
            continue
        if p.width > elsewhere.shape[2]:
            msg = (
                f"null holds sequences of {elsewhere.shape[2]} bp, shorter than {p.name}, "
                f"{p.width} bp: give scores of sequences of the same length."
            )
            raise InputError(msg)
        found = _places(here, p, similarity)
        chance = _places(elsewhere, p, similarity)
        _, rate = false_shares(found.score, chance.score, times=times)
        columns = {
            "sequence": found.sequence,
            "start": found.start,
            "end": found.start + p.width,
            "strand": np.where(found.minus, "-", "+").astype(object),
            "pattern": p.name,
            "name": (names or {}).get(p.name, p.name),
            "score": found.score.round(6),
            "contribution": found.contribution,
            "similarity": found.similarity,
            "fdr": rate,
            "size": found.score * np.linalg.norm(p.contributions),
        }
        parts.append(pd.DataFrame(columns)[rate <= fdr])
    filled = [part for part in parts if len(part)]
    table = _apart(pd.concat(filled, ignore_index=True)) if filled else empty
    return table[list(COLUMNS)]


class Places(NamedTuple):
    """Candidates of one pattern."""

    sequence: Ints
    start: Ints
    minus: NDArray[np.bool_]
    score: Floats
    similarity: Floats
    contribution: Floats


def _places(contributions: Tensor, pattern: Pattern, similarity: float) -> Places:
    """Where the pattern fits best, none within half a width of a better place."""
    sign = 1.0 if pattern.sign == "+" else -1.0
    one = torch.from_numpy(sign * pattern.contributions).float()[None]  # (1, 4, k)
    rows = max(1, AT_ONCE // contributions.shape[2])
    parts = [
        _best(sign * part, one, similarity, first) for first, part in _batches(contributions, rows)
    ]
    out = Places(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return out._replace(contribution=sign * out.contribution)


def _batches(array: Tensor, rows: int) -> Iterator[tuple[int, Tensor]]:
    for first in range(0, len(array), rows):
        yield first, array[first : first + rows]


def _best(part: Tensor, one: Tensor, similarity: float, first: int) -> Places:
    conv1d, k = torch.nn.functional.conv1d, one.shape[2]
    both = torch.cat([one, one.flip(1, 2)])  # (2, 4, k)
    score = conv1d(part, both) / (one**2).sum()  # (n, 2, places)
    cosine = cosines(part, both)
    best, strand = score.max(1)  # of equal strands the first
    near = torch.nn.functional.max_pool1d(best, 2 * (k // 2) + 1, stride=1, padding=k // 2)
    alike = cosine.gather(1, strand[:, None])[:, 0]
    row, start = ((best >= near) & (alike >= similarity) & (best > 0)).nonzero(as_tuple=True)
    total = conv1d(part.sum(1, keepdim=True), torch.ones(1, 1, k))[:, 0]
    return Places(
        row.numpy() + first,
        start.numpy(),
        (strand[row, start] == 1).numpy(),
        best[row, start].double().numpy(),
        alike[row, start].double().numpy(),
        total[row, start].double().numpy(),
    )


def _null(
    attribution: Attribution,
    scores: Scores,
    null: Attribution | None,
    *,
    copies: int,
    seed: int,
) -> Tensor:
    """(m, 4, length) contributions without signal: those given, or scrambled ones."""
    if null is not None:
        return Scores.of(null).contributions
    tracks = scores.contributions.sum(1).double().numpy()
    center = np.median(tracks, axis=1, keepdims=True)
    signal = under(seqlets(attribution, copies=copies, seed=seed), tracks)
    mixed = scrambled(
        tracks - center, keys(attribution), is_signal=signal, copies=copies, seed=seed
    )
    codes = np.repeat(codes_of(scores.letters), copies, axis=0)
    letters = one_hot(np.take_along_axis(codes, mixed.order, axis=1))
    back = mixed.tracks + np.repeat(center, copies, axis=0)
    return letters * torch.from_numpy(back)[:, None].float()


def _apart(table: pd.DataFrame) -> pd.DataFrame:
    """Hits without those that lie over a larger one."""
    order = table.sort_values(["size", "sequence", "start"], ascending=[False, True, True])
    taken: dict[int, list[tuple[int, int]]] = {}
    kept = []
    places = zip(order.index, order["sequence"], order["start"], order["end"], strict=True)
    for row, sequence, start, end in places:
        others = taken.setdefault(sequence, [])
        if any(min(end, e) - max(start, s) > OVERLAP * min(end - start, e - s) for s, e in others):
            continue
        others.append((start, end))
        kept.append(row)
    left = table.loc[kept]
    return left.sort_values(["sequence", "start", "pattern"], kind="stable", ignore_index=True)


def _empty() -> pd.DataFrame:
    import pandas as pd

    whole, words = ("sequence", "start", "end"), ("strand", "pattern", "name")
    kinds = {c: "int64" if c in whole else "object" if c in words else "float64" for c in COLUMNS}
    return pd.DataFrame({c: pd.Series(dtype=kind) for c, kind in kinds.items()})
