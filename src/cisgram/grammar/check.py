"""Rules that were found before, put to another model, or to other sequences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from cisgram.core.errors import InputError
from cisgram.explain.base import Target
from cisgram.grammar import in_data, in_model
from cisgram.grammar.backgrounds import Sequences, codes_given
from cisgram.grammar.found import Rules
from cisgram.grammar.materials import Labels, data_of, materials_of, motifs_of, wanted_of
from cisgram.grammar.paired import adjusted
from cisgram.grammar.rule import Evidence, Rule
from cisgram.motifs import Motif

if TYPE_CHECKING:
    import pandas as pd


def check(
    rules: Iterable[Rule],
    model: nn.Module | None,
    sequences: Sequences,
    *,
    motifs: Iterable[Motif],
    labels: Labels | None = None,
    hits: pd.DataFrame | None = None,
    both_strands: bool = True,
    target: Target | None = None,
    p: float = 1e-4,
    reach: int | None = None,
    n: int = 100,
    fdr: float = 0.05,
    least: float = 0.15,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
) -> Rules:
    """The same rules with the evidence of a new model, of new sequences, or of both.

    Nothing is chosen again: distances, strands and order are those of the rules. The false
    discovery rate is over the rules given.

    Parameters
    ----------
    rules
        What `rules` found, or some of it.
    model
        Another model; ``None``: the sequences alone are asked.
    sequences, labels, hits, both_strands, target, p, reach, n, fdr, least, drawn, batch_size, seed
        As `rules`.
    motifs
        By the names that the rules use.

    Returns
    -------
    Rules
        Each rule with new evidence, in the same order; its ``verdict`` says who holds it now.

    Raises
    ------
    InputError
        As `rules`; when a rule is about a motif that is not given.
    """
    some, named = list(rules), motifs_of(motifs)
    by_name = {m.name: m for m in named}
    asked_about = list(dict.fromkeys(m for r in some for m in r.motifs))
    missing = [m for m in asked_about if m not in by_name]
    if missing or not some:
        what = f"no motif named {missing[0]!r} was given" if missing else "there is no rule"
        msg = f"Rules can be checked with the motifs that they are about; {what}."
        raise InputError(msg)
    codes = codes_given(sequences)
    wanted = wanted_of(labels, len(codes))
    own = [by_name[m] for m in asked_about]
    data = data_of(codes, wanted, own, hits=hits, p=p, both_strands=both_strands, every=True)
    facts: dict[str, object] = {"sequences": int(wanted.sum()), "fdr": fdr}
    facts |= {"motifs": {m.name: m.width for m in own}, "both_strands": both_strands}
    seen = _over([in_data.answer(data, r) for r in some])
    found = [
        replace(r, model=None, data=e and in_data.judged(r, e, q, fdr=fdr))
        for r, (e, q) in zip(some, seen, strict=True)
    ]
    if model is None:
        return Rules(tuple(found), facts)
    materials = materials_of(
        model, codes, wanted, own, reach=reach, n=n, least=least, target=target, drawn=drawn,
        batch_size=batch_size, seed=seed,
    )  # fmt: skip
    asker = materials.tested_on
    facts |= {"scale": asker.scale, "least": least, "reach": asker.reach}
    if materials.not_asked:
        return Rules(tuple(found), facts | {"not_asked": materials.not_asked})
    answers = _over([in_model.answer(asker, r) for r in some])
    return Rules(
        tuple(
            replace(r, model=e and in_model.judged(e, q, fdr=fdr))
            for r, (e, q) in zip(found, answers, strict=True)
        ),
        facts,
    )


def _over(found: Sequence[Evidence | None]) -> list[tuple[Evidence | None, float]]:
    """Each answer with its q-value over all of them."""
    p = np.array([np.nan if e is None else e.p for e in found])
    return [(e, float(q)) for e, q in zip(found, adjusted(p), strict=True)]
