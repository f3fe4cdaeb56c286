"""The best single motif of a database, by the score of its best site."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.motifs import Motif
from cisgram.motifs.pvalues import log_odds
from cisgram.seq.alphabet import one_hot
from cisgram.train import metrics
from cisgram.trust.baselines import Baseline, Labeled

Array = NDArray[np.float64]
MOST = 3_000  # training sequences that choose the motif
ROWS = 256  # sequences at once


def best_sites(
    codes: NDArray[np.uint8], motifs: Sequence[Motif], *, strands: str = "both"
) -> NDArray[np.float32]:
    """(n, motifs) log-odds in bits of each motif's best site, on either strand.

    Base a at position i of a site scores log2((p + e b) / ((1 + e) b)), b the motif's background
    and e the pseudocount of `cisgram.motifs.scan`; an N scores 0. A motif wider than the
    sequences scores -inf. With strands ``given`` (RNA) only the strand as given is read.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> tata = Motif.from_counts(1e6 * np.eye(4)[:, [3, 0, 3, 0]], name="TATA")
    >>> best_sites(to_codes(["CCTATACC", "CCCCCCCC"]), [tata]).round().tolist()
    [[8.0], [-40.0]]
    """
    out = np.full((len(codes), len(motifs)), -np.inf, dtype=np.float32)
    for width in sorted({m.width for m in motifs}):
        if width > codes.shape[1]:
            continue
        which = [i for i, m in enumerate(motifs) if m.width == width]
        weight = torch.tensor(np.stack([log_odds(motifs[i]) for i in which]), dtype=torch.float32)
        read = weight if strands == "given" else torch.cat([weight, weight.flip(1, 2)])
        for start in range(0, len(codes), ROWS):
            part = slice(start, start + ROWS)
            with torch.inference_mode():
                found = torch.nn.functional.conv1d(one_hot(codes[part]), read).amax(2)
            best = found if strands == "given" else torch.maximum(*found.chunk(2, 1))
            out[part, which] = best.numpy()
    return out


def motif_baseline(
    train: Labeled,
    test: Labeled,
    motifs: Iterable[Motif],
    *,
    task: str,
    strands: str = "both",
    seed: int = 0,
) -> Baseline:
    """The motif whose best site tells the training sequences apart best, on the test sequences.

    Its presence may speak for or against a positive; the direction is the one of the training
    sequences.

    Parameters
    ----------
    train
        Chooses the motif; at most 3,000 of them are used, drawn at random.
    test
        What is scored.
    motifs
        Of which the best is taken.
    task
        ``classification`` or ``regression``.
    strands
        ``both``, or ``given``, as of `best_sites`.
    seed
        Of the draw.

    Raises
    ------
    InputError
        When there is no motif, or none is as short as the sequences.
    """
    train = train.at_most(MOST, seed=seed)
    known = short_enough(motifs, train.codes.shape[1])
    sites = best_sites(train.codes, known, strands=strands)
    return chosen_motif(known, sites, train.y, test=test.codes, task=task, strands=strands)


def short_enough(motifs: Iterable[Motif], length: int) -> list[Motif]:
    """The motifs that fit into sequences; `InputError` where there is none."""
    known = [m for m in motifs if m.width <= length]
    if not known:
        msg = f"No motif of at most {length} positions; give another --database."
        raise InputError(msg)
    return known


def chosen_motif(
    motifs: Sequence[Motif],
    sites: NDArray[np.float32],
    y: Array,
    *,
    test: NDArray[np.uint8],
    task: str,
    strands: str = "both",
) -> Baseline:
    """The motif of `motif_baseline`, where the training sequences were scored before.

    Parameters
    ----------
    motifs
        All of them.
    sites
        (n, motifs) `best_sites` of the training sequences.
    y
        (n,) labels of these.
    test
        (m, length) codes of what is scored.
    task, strands
        As of `motif_baseline`.
    """
    scores = sites.astype(np.float64)
    worth = _aurocs(y, scores) - 0.5 if task == "classification" else _pearsons(y, scores)
    best = int(np.abs(worth).argmax())
    sign = 1.0 if worth[best] >= 0 else -1.0
    motif = motifs[best]
    score = sign * best_sites(test, [motif], strands=strands)[:, 0].astype(np.float64)
    said = "" if sign > 0 else ", where it is absent"
    about = (
        f"{motif.name} ({motif.id}){said}: the best of {len(motifs):,} motifs on {len(y):,} "
        "training sequences"
    )
    return Baseline("one motif", score, about)


def _aurocs(y: Array, scores: Array) -> Array:
    """(motifs,) AUROC of each column."""
    from scipy.stats import rankdata

    positive = y > 0.5
    n = int(positive.sum())
    total = rankdata(scores, axis=0)[positive].sum(0) - n * (n + 1) / 2
    return np.asarray(total / (n * (len(y) - n)), dtype=np.float64)


def _pearsons(y: Array, scores: Array) -> Array:
    return np.array([np.nan_to_num(metrics.pearson(y, column)) for column in scores.T])
