"""Orientation: whether it matters on which strand motifs lie."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from cisgram.explain.base import Target
from cisgram.grammar.asking import ask
from cisgram.grammar.backgrounds import Sequences, codes_given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.insertion import BACKGROUND, first_base
from cisgram.grammar.placement import STRANDS, Placement, Word, name_of, pair_of, width_of
from cisgram.grammar.spacing import check_distances
from cisgram.motifs.motif import Motif


def orientation(
    model: nn.Module,
    backgrounds: Sequences,
    motifs: Word | Iterable[Word],
    *,
    distance: int = 10,
    start: int | None = None,
    target: Target | None = None,
    scale: str | None = None,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
) -> Experiment:
    """What one motif does on either strand, or two of them on all four pairs of strands.

    Parameters
    ----------
    model, backgrounds, target, scale, drawn, batch_size, seed
        As `ask`.
    motifs
        One motif, or the first and the second.
    distance
        Of two: bp from the end of the first to the start of the second.
    start
        First base of the first motif; where it is not given, all lies in the middle.

    Returns
    -------
    Experiment
        Arms ``background`` and, against it, ``FIRST +``, ``FIRST -``, the same of the second, and
        the pairs ``FIRST +, SECOND -`` and so on, each with the sum of its parts as its twin;
        fact ``strands``. ``Experiment.compare`` of two arms says how much strands matter.

    Raises
    ------
    InputError
        As `ask`, or when there are more than two motifs.

    Examples
    --------
    >>> import torch
    >>> from cisgram.grammar import random_backgrounds
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 1, bias=False))
    >>> _ = model[1].weight.data.zero_()
    >>> model[1].weight.data[0, :8] = 1  # the number of A
    >>> e = orientation(model, random_backgrounds(9, 8), "AAA")
    >>> e.compare("AAA +", "AAA -")["effect"]
    3.0
    """
    check_distances([distance])
    codes = codes_given(backgrounds)
    some = [motifs] if isinstance(motifs, Motif | str) else list(motifs)
    if len(some) != 1:
        some = list(pair_of(some))
    width = sum(width_of(m) for m in some) + distance * (len(some) - 1)
    at = first_base(start, length=codes.shape[1], width=width)
    places = [at, at + width_of(some[0]) + distance]
    arms: list[tuple[Arm, list[Placement]]] = [(Arm(BACKGROUND), [])]
    alone: list[list[tuple[str, Placement]]] = []
    for i, motif in enumerate(some):
        label = f"{name_of(motif)} (2)" if i and name_of(some[0]) == name_of(motif) else None
        alone.append([])
        for strand in STRANDS:
            name = f"{label or name_of(motif)} {strand}"
            placement = Placement(motif, places[i], strand, copy=i)
            alone[i].append((name, placement))
            arms.append((Arm(name, against=BACKGROUND, facts={"strands": strand}), [placement]))
    for left, first in alone[0] if len(some) == 2 else ():
        for right, second in alone[1]:
            twin = {left: 1, right: 1, BACKGROUND: -1}
            facts = {"strands": first.strand + second.strand}
            arm = Arm(f"{left}, {right}", against=BACKGROUND, twin=twin, facts=facts)
            arms.append((arm, [first, second]))
    return ask(
        model,
        codes,
        arms,
        name="orientation",
        target=target,
        scale=scale,
        drawn=drawn,
        batch_size=batch_size,
        seed=seed,
        options={"motifs": [name_of(m) for m in some], "distance": distance, "start": at},
    )
