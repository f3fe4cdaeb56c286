"""Seqlets: the stretches of a sequence that raise or lower the output more than chance does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.results import Attribution
from cisgram.explain.nulls import false_shares, scrambled
from cisgram.seq.alphabet import codes_of

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AT_ONCE = 1 << 24  # spans whose scores are held at once: about 130 MB
PASSES = 4  # rounds of taking what was found out of the null
SURE = 0.5  # ... where its rate is this share of the one that is asked for
SPIKE = 3.0  # mean absolute scores of the null from where on a score counts by its logarithm
FLOOR = 1.5  # null standard deviations that a span must reach to be looked at


class Spans(NamedTuple):
    """Non-overlapping spans, the best of each sequence first."""

    sequence: Ints
    start: Ints
    end: Ints
    score: Floats


def seqlets(
    attribution: Attribution | Tensor,
    *,
    null: Attribution | Tensor | None = None,
    min_width: int = 4,
    max_width: int = 25,
    fdr: float = 0.05,
    copies: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    r"""Stretches whose contributions are too large, or too negative, to be chance.

    With a_i the contribution of position i minus its sequence's median and s three times the mean
    of abs(a_i) in the null, a span of w positions scores

    .. math:: z = \pm \sum_{i \in span} \text{arsinh}(a_i / s) / \sigma_w

    where :math:`\sigma_w` is the root mean square of such sums in the null. The inverse hyperbolic
    sine leaves small scores as they are and lets large ones grow as their logarithm: many bases
    that agree count more than a single one that towers, and a site is one seqlet. In each
    sequence the best span of ``min_width`` to ``max_width`` positions is taken, then the best that
    does not overlap it, and so on, for either sign on its own. The same search runs over the null,
    and the false discovery rate of all seqlets of one sign that score at least z is the number of
    null findings of at least z (plus one), per position searched, over that of the findings.

    Parameters
    ----------
    attribution
        Scores of the sequences; or a tensor (n, length), one score a position.
    null
        The same scores of sequences without signal, for example dinucleotide shuffles: the
        choice that assumes least. Without it, each sequence's own scores, scrambled: positions
        change places once the background's correlation between neighbors (six positions, one
        for all sequences) has been taken out, and it is put back; seqlets that were found take
        no part when this is done again, up to four times. That assumes a background
        whose correlation is the same everywhere; what the network sees in any random sequence
        counts as a finding there.
    min_width, max_width
        Positions of a seqlet, bp.
    fdr
        Largest false discovery rate of a seqlet.
    copies
        Scrambled versions of each sequence, where no null is given. A single seqlet of a sign can
        be called only with 1 / ``fdr`` of them, or as much null: 20 at 5 %.
    seed
        Of the scrambling; a sequence's own stream, by its letters (without letters, its scores).

    Returns
    -------
    DataFrame
        One row a seqlet, by sequence and start: ``sequence`` (row), ``start``, ``end`` (0-based,
        half-open), ``sign`` (``+`` raises the output), ``contribution`` (sum of the scores, units
        of the target), ``score`` (z), ``p`` (share of the null's findings that score as much),
        ``fdr``. Which strand a seqlet lies on is not known here: see `patterns`.

    Raises
    ------
    InputError
        When scores are not finite or of the wrong shape, or an option is out of range.

    References
    ----------
    The rate is the target-decoy estimate of proteomics and of knockoffs (Barber and Candes 2015,
    with the one added). The scrambling is the sieve bootstrap (Buhlmann 1997). The seqlets of
    TF-MoDISco (Shrikumar 2018) have one width and a Laplace null; those of tangermeme are of
    positive sign alone.

    Examples
    --------
    >>> a = torch.randn(20, 100, generator=torch.Generator().manual_seed(0))
    >>> a[:, 30:40] += 4
    >>> a[:, 70:80] -= 4
    >>> found = seqlets(a)  # one of these is chance, as the rate allows
    >>> found["sign"].value_counts().to_dict()
    {'-': 21, '+': 20}
    """
    _check(min_width, max_width, fdr)
    check_positive(copies, name="copies")
    tracks = per_position(attribution, "attribution")
    if tracks.shape[1] < min_width:
        msg = f"sequences of {tracks.shape[1]} bp are shorter than min_width, {min_width}."
        raise InputError(msg)
    centered = tracks - np.median(tracks, axis=1, keepdims=True)
    widths = np.arange(min_width, min(max_width, tracks.shape[1]) + 1)
    if null is not None:
        other = per_position(null, "null")
        if other.shape[1] < widths[-1]:
            msg = (
                f"null holds sequences of {other.shape[1]} bp, shorter than a seqlet may be, "
                f"{widths[-1]} bp: give scores of sequences of the same length."
            )
            raise InputError(msg)
        other = other - np.median(other, axis=1, keepdims=True)
        table = _called(tracks, centered, other, widths, fdr)
    else:
        names = keys(attribution)
        mixed = scrambled(centered, names, copies=copies, seed=seed)
        table = _called(tracks, centered, mixed.tracks, widths, fdr)
        for _ in range(PASSES - 1):
            sure = under(table[table["fdr"] <= SURE * fdr], tracks)
            mixed = scrambled(centered, names, is_signal=sure, copies=copies, seed=seed)
            if not mixed.tracks.any():  # without what was found nothing is left to compare with
                break
            before, table = len(table), _called(tracks, centered, mixed.tracks, widths, fdr)
            if len(table) == before:
                break
    return table.sort_values(["sequence", "start", "end"], kind="stable", ignore_index=True)


def _called(
    tracks: Floats, centered: Floats, null: Floats, widths: Ints, fdr: float
) -> pd.DataFrame:
    """Spans of either sign that pass the rate against a null."""
    import pandas as pd

    scale = SPIKE * np.abs(null).mean()
    if scale > 0:
        centered, null = np.arcsinh(centered / scale), np.arcsinh(null / scale)
    sigma = _spread(null, widths)
    parts = []
    for sign in (1, -1):
        found = best_spans(sign * centered, widths, sigma)
        chance = best_spans(sign * null, widths, sigma).score
        p, rate = false_shares(found.score, chance, times=null.size / tracks.size)
        contribution = sums(tracks, found.sequence, found.start, found.end)
        columns = {
            "sequence": found.sequence,
            "start": found.start,
            "end": found.end,
            "sign": np.full(len(p), "+" if sign > 0 else "-", dtype=object),
            "contribution": contribution,
            "score": found.score,
            "p": p,
            "fdr": rate,
        }
        parts.append(pd.DataFrame(columns)[(rate <= fdr) & (sign * contribution > 0)])
    return pd.concat(parts, ignore_index=True)


def under(table: pd.DataFrame, tracks: Floats) -> NDArray[np.bool_]:
    """(n, length) whether a position belongs to a seqlet."""
    edge = np.zeros((len(tracks), tracks.shape[1] + 1), dtype=np.int64)
    np.add.at(edge, (table["sequence"].to_numpy(), table["start"].to_numpy()), 1)
    np.add.at(edge, (table["sequence"].to_numpy(), table["end"].to_numpy()), -1)
    return np.asarray(edge.cumsum(1)[:, :-1] > 0)


def per_position(attribution: Attribution | Tensor, name: str) -> Floats:
    """(n, length) scores as float64.

    Raises
    ------
    InputError
        When they are not (n, length), empty, or not finite.
    """
    given = attribution.per_position if isinstance(attribution, Attribution) else attribution
    if not isinstance(given, Tensor) or given.ndim != 2 or given.numel() == 0:
        came = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        msg = f"{name} must be an Attribution or a tensor (n, length) of scores; got {came}."
        raise InputError(msg)
    tracks = given.detach().cpu().to(torch.float64).numpy()
    if not np.isfinite(tracks).all():
        msg = f"{name} holds scores that are not finite; look at the model's output first."
        raise InputError(msg)
    return tracks


def keys(attribution: Attribution | Tensor) -> list[str]:
    """A text for each sequence: its letters; of a tensor of scores, these as float32."""
    if isinstance(attribution, Attribution):
        return [row.tobytes().hex() for row in codes_of(attribution.sequences)]
    return [row.tobytes().hex() for row in attribution.detach().cpu().float().numpy()]


def sums(tracks: Floats, sequence: Ints, start: Ints, end: Ints) -> Floats:
    """(m,) sums of the scores of spans."""
    total = np.concatenate([np.zeros((len(tracks), 1)), tracks.cumsum(1)], axis=1)
    return np.asarray(total[sequence, end] - total[sequence, start])


def best_spans(tracks: Floats, widths: Ints, sigma: Floats) -> Spans:
    """Spans of highest sum / sigma, one after the other, without overlap, in every sequence."""
    n, length = tracks.shape
    rows = max(1, AT_ONCE // (len(widths) * length))
    parts = [_greedy(tracks[i : i + rows], i, widths, sigma) for i in range(0, n, rows)]
    return Spans(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _greedy(tracks: Floats, first: int, widths: Ints, sigma: Floats) -> Spans:
    n, length = tracks.shape
    total = np.concatenate([np.zeros((n, 1)), tracks.cumsum(1)], axis=1)
    z = np.full((n, len(widths), length), -np.inf, dtype=np.float32)
    for j, w in enumerate(widths.tolist()):
        if sigma[j] > 0:
            z[:, j, : length - w + 1] = (total[:, w:] - total[:, :-w]) / sigma[j]
    best = z.max(1)  # (n, length), over widths
    active = np.arange(n)
    found: list[tuple[Ints, Ints, Ints, Floats]] = []
    while len(active):
        start = best[active].argmax(1)
        score = best[active, start]
        going = score > FLOOR
        active, start, score = active[going], start[going], score[going]
        end = start + widths[z[active, :, start].argmax(1)]
        found.append((active + first, start, end, score.astype(np.float64)))
        _block(z, best, active, start, end, widths)
    return Spans(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _block(
    z: NDArray[np.float32],
    best: NDArray[np.float32],
    rows: Ints,
    start: Ints,
    end: Ints,
    widths: Ints,
) -> None:
    """Take out the spans that overlap the chosen one of each row."""
    reach = 2 * int(widths[-1]) - 1  # starts from which a span can touch one of the widest
    at = start[:, None] - int(widths[-1]) + 1 + np.arange(reach)  # (rows, reach)
    touching = (at >= 0) & (at < end[:, None])
    at = np.clip(at, 0, best.shape[1] - 1)
    near = z[rows[:, None], :, at]  # (rows, reach, widths)
    meets = touching[:, :, None] & (at[:, :, None] + widths > start[:, None, None])
    near[meets] = -np.inf
    line, column = np.nonzero(touching)
    row, place = rows[line], at[line, column]
    z[row, :, place] = near[line, column]
    best[row, place] = near[line, column].max(1)


def _spread(tracks: Floats, widths: Ints) -> Floats:
    """Root mean square of the sums of w neighbors, for every width w."""
    total = np.concatenate([np.zeros((len(tracks), 1)), tracks.cumsum(1)], axis=1)
    each = [total[:, w:] - total[:, :-w] for w in widths.tolist()]
    return np.array([np.sqrt(np.mean(s**2)) for s in each])


def _check(min_width: int, max_width: int, fdr: float) -> None:
    check_positive(min_width, name="min_width")
    check_positive(max_width, name="max_width")
    if max_width < min_width:
        msg = f"max_width must be at least min_width, {min_width}; got {max_width}."
        raise InputError(msg)
    if not 0 < fdr <= 1:
        msg = f"fdr must lie above 0 and at most at 1; got {fdr!r}."
        raise InputError(msg)
