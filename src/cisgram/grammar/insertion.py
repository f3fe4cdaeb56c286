"""Insertion: what a motif does to sequences that it is written into."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import nn

from cisgram.core.errors import InputError
from cisgram.explain.base import Target
from cisgram.grammar.asking import ask
from cisgram.grammar.backgrounds import Sequences, codes_given
from cisgram.grammar.experiment import Arm, Experiment, Fact
from cisgram.grammar.placement import Placement, Word, name_of, named, width_of

BACKGROUND = "background"


def insertion(
    model: nn.Module,
    backgrounds: Sequences,
    motifs: Word | Iterable[Word],
    *,
    start: int | Iterable[int] | None = None,
    strand: str = "+",
    target: Target | None = None,
    scale: str | None = None,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
) -> Experiment:
    """What each motif adds to backgrounds: f(x with the motif) - f(x), known as marginalization.

    Parameters
    ----------
    model, backgrounds, target, scale, drawn, batch_size, seed
        As `ask`.
    motifs
        Motifs or letters; each is written alone. Put a control beside those that you ask about,
        such as the same letters in another order.
    start
        First base of the motif, or several, each an arm. The middle where it is not given.
    strand
        ``-`` writes reverse complements.

    Returns
    -------
    Experiment
        Arms ``background``, and each motif against it (``MOTIF``, or ``MOTIF at START``); facts
        ``motif``, ``start``, ``strand``.

    Raises
    ------
    InputError
        As `ask`.

    References
    ----------
    .. [1] Koo PK, Majdandzic A, Ploenzke M, Anand P, Paul SB (2021). Global importance analysis:
       an interpretability method to quantify importance of genomic features in deep neural
       networks. PLoS Comput Biol 17:e1008925.

    Examples
    --------
    >>> import torch
    >>> from cisgram.grammar import random_backgrounds
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 1, bias=False))
    >>> _ = model[1].weight.data.zero_()
    >>> model[1].weight.data[0, :8] = 1  # the number of A
    >>> x = random_backgrounds(4, 8, composition=(0, 1, 1, 1))
    >>> insertion(model, x, ["AAA", "GGG"]).table()["effect"].tolist()
    [nan, 3.0, 0.0]
    """
    codes = codes_given(backgrounds)
    some = named(motifs)
    given = list(start) if isinstance(start, Iterable) else [start]
    arms: list[tuple[Arm, list[Placement]]] = [(Arm(BACKGROUND), [])]
    for motif in some:
        for at in given:
            first = first_base(at, length=codes.shape[1], width=width_of(motif))
            name = name_of(motif) if len(given) == 1 else f"{name_of(motif)} at {first}"
            facts: dict[str, Fact] = {"motif": name_of(motif), "start": first, "strand": strand}
            arm = Arm(name, against=BACKGROUND, facts=facts)
            arms.append((arm, [Placement(motif, first, strand)]))
    return ask(
        model,
        codes,
        arms,
        name="insertion",
        target=target,
        scale=scale,
        drawn=drawn,
        batch_size=batch_size,
        seed=seed,
    )


def first_base(start: int | None, *, length: int, width: int) -> int:
    """Where something ``width`` bp wide starts: as given, or in the middle of ``length`` bp.

    Raises
    ------
    InputError
        When the start is no integer; whether all fits is for `ask` to say.
    """
    if start is None:
        return (length - width) // 2
    if isinstance(start, bool) or not isinstance(start, int | np.integer):
        msg = f"start must be a position, an integer counted from 0; got {start!r}."
        raise InputError(msg)
    return int(start)
