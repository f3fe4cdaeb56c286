"""Swap: what given sequences do with another motif in the place of one that they have."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.explain.base import Target
from cisgram.grammar.asking import ask_copies
from cisgram.grammar.backgrounds import Codes, codes_given
from cisgram.grammar.backgrounds import Sequences as Given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.knock_out import GIVEN, kinds_of
from cisgram.grammar.placement import Placement, Word, letters_of, name_of, named
from cisgram.grammar.sites import Found, Sites, having, without
from cisgram.seq.alphabet import N


def swap(
    model: nn.Module,
    sequences: Given,
    sites: Sites,
    motifs: Word | Iterable[Word],
    *,
    p: float = 1e-3,
    draws: int = 10,
    target: Target | None = None,
    scale: str | None = None,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
) -> Experiment:
    """What sequences do when all sites of a motif become sites of another.

    The sites are overwritten by random letters first, so that nothing of a wider motif stays
    beside a narrower one; the new motif lies in the middle of the site, on its strand.

    Parameters
    ----------
    model, target, scale, drawn, batch_size, seed
        As `ask`.
    sequences, sites, p, draws
        As `knock_out`, with sites of one kind.
    motifs
        What takes their place, one or several. Give the motif itself as well to see what its best
        word would do in the place of its sites.

    Returns
    -------
    Experiment
        Arms ``given`` and, against it, ``random`` (other letters and no motif) and each motif by
        its name.

    Raises
    ------
    InputError
        As `knock_out`; when a motif is wider than the sequences, or called ``given`` or
        ``random``.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 1, bias=False))
    >>> _ = model[1].weight.data.zero_()
    >>> model[1].weight.data[0, :8] = 1  # the number of A
    >>> swap(model, ["CGAACGCG", "GCAAGCGC"], (2, 4), "AAAA").table()["effect"].tolist()[2]
    2.0
    """
    check_positive(draws, name="draws")
    codes = codes_given(sequences)
    kinds = kinds_of(codes, sites, p, most=1)
    rows, kinds = having(codes, kinds)
    chosen = codes[rows]
    gone = without(chosen, kinds, draws=draws, seed=seed)
    arms: list[tuple[Arm, Codes]] = [
        (Arm(GIVEN), chosen[:, None]),
        (Arm("random", against=GIVEN), gone),
    ]
    for motif in named(motifs):
        changed = _with(gone, chosen, kinds[0], motif, drawn=drawn, seed=seed)
        arms.append((Arm(name_of(motif), GIVEN, facts={"motif": name_of(motif)}), changed))
    return ask_copies(
        model,
        chosen,
        arms,
        name="swap",
        target=target,
        scale=scale,
        batch_size=batch_size,
        options={"p": p, "draws": draws, "drawn": drawn, "seed": seed, "rows": rows.tolist()},
    )


def _with(gone: Codes, codes: Codes, kind: Found, motif: Word, *, drawn: bool, seed: int) -> Codes:
    """(n, draws, length) with the motif in the middle of every site."""
    out = gone.copy()
    words = {s: letters_of(Placement(motif, 0, s), codes, drawn=drawn, seed=seed) for s in "+-"}
    width, length = words["+"].shape[1], codes.shape[1]
    if width > length:
        msg = f"{name_of(motif)}, {width} bp, is wider than the sequences, {length} bp."
        raise InputError(msg)
    for i, sites in enumerate(kind.sites):
        for start, end, strand in sites:
            at = min(max((start + end - width) // 2, 0), length - width)
            word = words["-" if strand == "-" else "+"][i]
            window = out[i, :, at : at + width]
            window[:] = np.where(word == N, window, word)
    return out
