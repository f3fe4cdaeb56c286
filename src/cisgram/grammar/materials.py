"""What a search for rules works with: sites in sequences, and a model with its backgrounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.explain.base import Target, ready, scalar
from cisgram.explain.overwrite import outputs
from cisgram.grammar.hits import hits_of
from cisgram.grammar.in_data import Data
from cisgram.grammar.in_model import Asker
from cisgram.grammar.paired import t_interval
from cisgram.models.state import untouched
from cisgram.motifs import Motif, scan
from cisgram.seq.alphabet import N, one_hot
from cisgram.seq.shuffle import shuffle_codes

if TYPE_CHECKING:
    import pandas as pd

Codes: TypeAlias = NDArray[np.uint8]
Labels: TypeAlias = "Sequence[int] | NDArray[np.generic]"
REACH = 50  # bp, where the sequences have room
SCREENED = 24  # backgrounds on which arrangements are chosen; none of them is tested on
FEWEST = 10  # sequences of interest, and sites of a motif
SEEN = 0.05  # sites for each sequence, above those of chance, below which a motif is not there
RATIO = 1.5  # and times what chance gives, for composition makes sites as well
SURE = 0.01  # a model is asked when its outputs tell the classes apart at this level


@dataclass(frozen=True, eq=False)
class Materials:
    """A model's backgrounds: some to choose on, others to test on; or why it is not asked."""

    chosen_on: Asker
    tested_on: Asker
    not_asked: str = ""


def wanted_of(labels: Labels | None, n: int) -> NDArray[np.bool_]:
    """(n,) which sequences are of interest.

    Raises
    ------
    InputError
        When there is not one label a sequence, 0 or 1, or too few are 1.
    """
    if labels is None:
        found = np.ones(n, dtype=bool)
    else:
        given = np.asarray(labels)
        if given.shape != (n,) or not np.isin(given, (0, 1)).all():
            msg = f"labels must be {n} numbers 0 or 1, one a sequence; got shape {given.shape}."
            raise InputError(msg)
        found = given == 1
    if found.sum() < FEWEST:
        msg = f"A search needs at least {FEWEST} sequences of interest; got {int(found.sum())}."
        raise InputError(msg)
    return found


def motifs_of(motifs: Iterable[Motif]) -> list[Motif]:
    """Motifs with names of their own.

    Raises
    ------
    InputError
        When there is none, or two have one name.
    """
    some = list(motifs)
    names = [m.name for m in some]
    twice = sorted({n for n in names if names.count(n) > 1})
    if not some or twice:
        came = f"{', '.join(twice)} came more than once" if twice else "none came"
        msg = f"Rules are about motifs with names of their own; {came}."
        raise InputError(msg)
    return some


def data_of(
    codes: Codes,
    wanted: NDArray[np.bool_],
    motifs: Sequence[Motif],
    *,
    hits: pd.DataFrame | None,
    p: float,
    both_strands: bool,
    every: bool = False,
) -> Data:
    """Sites in the sequences of interest and in the others.

    Motifs that have no more sites than chance gives are left out, and of a family all but the
    first, unless ``every`` one is wanted.
    """
    table = scan(codes, motifs, p=p) if hits is None else hits
    names = [m.name for m in motifs] or None
    if hits is None and names is not None and not every:
        names = _present(names, table, _by_chance(codes, motifs, p), len(codes))
    n, length = codes.shape
    all_hits = hits_of(table, n=n, length=length, names=names, merged=not every)
    known = np.maximum((codes < N).sum(1), 1)
    gc = ((codes == 1) | (codes == 2)).sum(1) / known
    if wanted.all():
        return Data(all_hits, gc, folded=both_strands)
    mine, others = all_hits.rows(wanted), all_hits.rows(~wanted)
    return Data(mine, gc[wanted], others, gc[~wanted], folded=both_strands)


def _by_chance(codes: Codes, motifs: Sequence[Motif], p: float) -> list[float]:
    """Sites of each motif that a scan of random sequences finds, at most."""
    n, length = codes.shape
    return [2 * p * n * max(length - m.width + 1, 0) for m in motifs]


def _present(
    names: Sequence[str], table: pd.DataFrame, by_chance: Sequence[float], n: int
) -> list[str]:
    """Motifs with more sites than chance gives; of the others no rule could be seen."""
    n_sites = table["motif"].value_counts()
    return [
        name
        for name, chance in zip(names, by_chance, strict=True)
        if n_sites.get(name, 0) >= max(FEWEST, RATIO * chance, chance + SEEN * n)
    ]


def materials_of(
    model: nn.Module,
    codes: Codes,
    wanted: NDArray[np.bool_],
    motifs: Sequence[Motif],
    *,
    reach: int | None,
    n: int,
    least: float,
    target: Target | None,
    drawn: bool,
    batch_size: int,
    seed: int,
) -> Materials:
    """Shuffles of sequences of interest, the sequences of high output, and the scale of effects."""
    widest = max(m.width for m in motifs)
    room = codes.shape[1] - 2 * widest
    if room < 0:
        msg = (
            f"Two motifs of {widest} bp do not fit into {codes.shape[1]} bp; trim them "
            "(Motif.trimmed), or give longer sequences."
        )
        raise InputError(msg)
    mine = _picked(codes[wanted], SCREENED + n, seed)
    shuffles = _shuffles(mine, SCREENED + n, seed)
    y, base = (_outputs(model, c, target, batch_size) for c in (mine, shuffles))
    center, low, _ = (float(v[0]) for v in t_interval(y[:, None] - base.mean()))
    why = "" if low > 0 else _UNSURE.format(center)
    if not why and not wanted.all():
        others = _outputs(model, _picked(codes[~wanted], len(mine), seed), target, batch_size)
        why = "" if _rank_sum(y, others) < SURE else _BLIND
        center = max(center, float(y.mean() - others.mean()))
    high = mine[y >= np.median(y)][:n]
    given = {
        "model": model,
        "motifs": {m.name: m for m in motifs},
        "high": high if len(high) > 1 else None,
        "reach": min(room, REACH if reach is None else reach),
        "scale": max(center, 0.0),
        "least": least,
        "target": target,
        "drawn": drawn,
        "batch_size": batch_size,
        "seed": seed,
    }
    first, second = shuffles[:SCREENED], shuffles[SCREENED:]
    return Materials(Asker(backgrounds=first, **given), Asker(backgrounds=second, **given), why)


_UNSURE = (
    "The model gives sequences of interest no surely higher output than their shuffles "
    "(difference {:.3g}), so there is no effect to compare a rule's with."
)
_BLIND = "The model does not tell the sequences of interest from the others."


def _picked(codes: Codes, n: int, seed: int) -> Codes:
    """At most ``n`` of the sequences, by their letters, whatever their order."""
    order = np.lexsort(codes.T[::-1])
    rng = generator(seed, "rules", len(codes))
    return codes[order[rng.permutation(len(codes))[:n]]]


def _shuffles(codes: Codes, n: int, seed: int) -> Codes:
    """(n, length) dinucleotide shuffles, as many of each sequence as it takes."""
    several = -(-n // len(codes))
    shuffled = shuffle_codes(codes, k=2, n=several, seed=seed)
    return shuffled.transpose(1, 0, 2).reshape(-1, codes.shape[1])[:n]


def _outputs(
    model: nn.Module, codes: Codes, target: Target | None, batch_size: int
) -> NDArray[np.float64]:
    x = ready(model, one_hot(codes[:1]))
    with untouched(model):
        return outputs(scalar(model, target), codes, x.device, batch_size=batch_size)


def _rank_sum(y: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(y, others, alternative="greater").pvalue)
