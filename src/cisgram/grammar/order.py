"""Order: whether it matters which of two motifs comes first."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from cisgram.core.errors import InputError
from cisgram.explain.base import Target
from cisgram.grammar.asking import ask
from cisgram.grammar.backgrounds import Sequences, codes_given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.insertion import BACKGROUND, first_base
from cisgram.grammar.placement import Placement, Word, name_of, pair_of, width_of
from cisgram.grammar.spacing import check_distances


def order(
    model: nn.Module,
    backgrounds: Sequences,
    motifs: Sequence[Word],
    *,
    distance: int = 10,
    start: int | None = None,
    strand: str = "+",
    target: Target | None = None,
    scale: str | None = None,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
) -> Experiment:
    """What two motifs do in either order in the same stretch, beside each alone at its places.

    A motif does not lie at the same place in both orders, so that a model which only minds places
    answers the orders differently too. The twins know: compare the ``interaction`` of the two.

    Parameters
    ----------
    model, backgrounds, target, scale, drawn, batch_size, seed
        As `ask`.
    motifs
        Two motifs with different names.
    distance
        bp from the end of the one to the start of the other.
    start
        First base of the stretch; where it is not given, it lies in the middle.
    strand
        Of both.

    Returns
    -------
    Experiment
        Arms ``background`` and, against it, ``A first``, ``A second``, ``B first``, ``B second``,
        ``A, B`` and ``B, A``, with the sum of each alone as their twins; fact ``order``.

    Raises
    ------
    InputError
        As `ask`, or when there are not two different motifs.

    Examples
    --------
    >>> import torch
    >>> from cisgram.grammar import random_backgrounds
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 1, bias=False))
    >>> e = order(model, random_backgrounds(9, 16), ["ACG", "GT"], distance=4)
    >>> e.interactions()[["order", "interaction"]].values.tolist()
    [['ACG, GT', 0.0], ['GT, ACG', 0.0]]
    """
    first, second = pair_of(motifs)
    if name_of(first) == name_of(second):
        msg = f"Two of {name_of(first)} have one order; ask copies, or spacing."
        raise InputError(msg)
    check_distances([distance])
    codes = codes_given(backgrounds)
    width = width_of(first) + distance + width_of(second)
    at = first_base(start, length=codes.shape[1], width=width)
    arms: list[tuple[Arm, list[Placement]]] = [(Arm(BACKGROUND), [])]
    pairs: list[tuple[Arm, list[Placement]]] = []
    for one, other, copy in ((first, second, 0), (second, first, 1)):
        a, b = name_of(one), name_of(other)
        left = Placement(one, at, strand, copy=copy)
        right = Placement(other, left.end + distance, strand, copy=1 - copy)
        facts = {"order": f"{a}, {b}"}
        arms.append((Arm(f"{a} first", against=BACKGROUND), [left]))
        arms.append((Arm(f"{b} second", against=BACKGROUND), [right]))
        twin = {f"{a} first": 1, f"{b} second": 1, BACKGROUND: -1}
        pairs.append((Arm(f"{a}, {b}", BACKGROUND, twin, facts), [left, right]))
    return ask(
        model,
        codes,
        arms + pairs,
        name="order",
        target=target,
        scale=scale,
        drawn=drawn,
        batch_size=batch_size,
        seed=seed,
        options={"distance": distance, "strand": strand, "start": at},
    )
