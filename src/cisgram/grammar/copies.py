"""Copies: how the output grows with the number of sites."""

from __future__ import annotations

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.explain.base import Target
from cisgram.grammar.asking import ask
from cisgram.grammar.backgrounds import Sequences, codes_given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.insertion import BACKGROUND, first_base
from cisgram.grammar.placement import Placement, Word, check_word, name_of, width_of
from cisgram.grammar.spacing import check_distances


def copies(
    model: nn.Module,
    backgrounds: Sequences,
    motif: Word,
    *,
    most: int = 5,
    distance: int = 10,
    start: int | None = None,
    strand: str = "+",
    target: Target | None = None,
    scale: str | None = None,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
) -> Experiment:
    """What 1, 2, ... copies of a motif do, beside the sum of what each does alone at its place.

    Parameters
    ----------
    model, backgrounds, target, scale, drawn, batch_size, seed
        As `ask`.
    motif
        A motif or letters.
    most
        Largest number of copies. They fill their places from left to right.
    distance
        bp from the end of a copy to the start of the next.
    start
        First base of the first copy; where it is not given, all ``most`` lie in the middle.
    strand
        Of all copies.

    Returns
    -------
    Experiment
        Arms ``background`` and, against it, ``place 1``, ... (one copy at that place) and
        ``2 copies``, ..., with the sum over their places as twin; fact ``copies``. A cooperativity
        that falls with the number is saturation, one that rises is synergy.

    Raises
    ------
    InputError
        As `ask`, or when a number is out of range.

    Examples
    --------
    >>> import torch
    >>> from cisgram.grammar import random_backgrounds
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 1, bias=False))
    >>> e = copies(model, random_backgrounds(9, 8), "GA", most=3, distance=1)
    >>> e.interactions()[["copies", "interaction"]].values.tolist()
    [[2.0, 0.0], [3.0, 0.0]]
    """
    check_word(motif)
    check_distances([distance])
    check_positive(most, name="most")
    codes = codes_given(backgrounds)
    step = width_of(motif) + distance
    at = first_base(start, length=codes.shape[1], width=step * most - distance)
    places = [Placement(motif, at + i * step, strand, copy=i) for i in range(most)]
    arms: list[tuple[Arm, list[Placement]]] = [(Arm(BACKGROUND), [])]
    for i, place in enumerate(places):
        arms.append((Arm(f"place {i + 1}", BACKGROUND, facts={"copies": 1}), [place]))
    for n in range(2, most + 1):
        twin = {f"place {i + 1}": 1 for i in range(n)} | {BACKGROUND: 1 - n}
        arms.append((Arm(f"{n} copies", BACKGROUND, twin, {"copies": n}), places[:n]))
    return ask(
        model,
        codes,
        arms,
        name="copies",
        target=target,
        scale=scale,
        drawn=drawn,
        batch_size=batch_size,
        seed=seed,
        options={"motif": name_of(motif), "distance": distance, "start": at},
    )
