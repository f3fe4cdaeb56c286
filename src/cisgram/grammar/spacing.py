"""Spacing: what two motifs do together at each distance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from torch import nn

from cisgram.core.errors import InputError
from cisgram.explain.base import Target
from cisgram.grammar.asking import ask
from cisgram.grammar.backgrounds import Sequences, codes_given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.insertion import BACKGROUND, first_base
from cisgram.grammar.placement import Placement, Word, name_of, pair_of, width_of

MOST = 150  # bp, of distances that are not given


def spacing(
    model: nn.Module,
    backgrounds: Sequences,
    motifs: Sequence[Word],
    *,
    distances: Iterable[int] | None = None,
    start: int | None = None,
    strands: str = "++",
    singles: bool = True,
    target: Target | None = None,
    scale: str | None = None,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
) -> Experiment:
    """What two motifs do together at each distance, beside what each does alone at its place.

    The first motif stays where it is, the second is moved away from it.

    Parameters
    ----------
    model, backgrounds, target, scale, drawn, batch_size, seed
        As `ask`.
    motifs
        The first and the second, from left to right.
    distances
        bp from the end of the first to the start of the second. All that fit behind ``start``
        (up to 150) where they are not given.
    start
        First base of the first motif; where it is not given, the widest arrangement lies in the
        middle.
    strands
        Of the first and the second, such as ``+-``.
    singles
        Ask each motif alone at each place too; without, there is half the work and no twin.

    Returns
    -------
    Experiment
        Arms ``background``, the first motif alone, the second alone at each place
        (``SECOND alone, D bp``), and both (``FIRST, SECOND, D bp``), all against ``background``;
        fact ``distance``. `cooperativity` and `Experiment.interactions` compare both with the
        sum of each alone.

    Raises
    ------
    InputError
        As `ask`; when there are not two motifs, no distance, or a distance is negative.

    References
    ----------
    .. [1] Avsec Z et al. (2021). Base-resolution models of transcription-factor binding reveal
       soft motif syntax. Nat Genet 53:354-366.

    Examples
    --------
    >>> import torch
    >>> from cisgram.grammar import random_backgrounds
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1, bias=False))
    >>> e = spacing(model, random_backgrounds(9, 10), ["AC", "GT"], distances=[0, 3])
    >>> e.interactions()[["arm", "distance", "interaction"]].values.tolist()
    [['AC, GT, 0 bp', 0, 0.0], ['AC, GT, 3 bp', 3, 0.0]]
    """
    first, second = pair_of(motifs)
    codes = codes_given(backgrounds)
    ways = _strands(strands)
    a, b = name_of(first), name_of(second)
    both = width_of(first) + width_of(second)
    gaps = _distances(distances, codes.shape[1] - both - (start or 0))
    at = first_base(start, length=codes.shape[1], width=both + max(gaps))
    left = Placement(first, at, ways[0])
    arms: list[tuple[Arm, list[Placement]]] = [(Arm(BACKGROUND), [])]
    pairs: list[tuple[Arm, list[Placement]]] = []
    if singles:
        arms.append((Arm(f"{a} alone", against=BACKGROUND), [left]))
    for gap in gaps:
        right = Placement(second, left.end + gap, ways[1], copy=1)
        alone, twin = f"{b} alone, {gap} bp", {}
        facts = {"distance": gap}
        if singles:
            arms.append((Arm(alone, against=BACKGROUND, facts=facts), [right]))
            twin = {f"{a} alone": 1, alone: 1, BACKGROUND: -1}
        arm = Arm(f"{a}, {b}, {gap} bp", against=BACKGROUND, twin=twin, facts=facts)
        pairs.append((arm, [left, right]))
    return ask(
        model,
        codes,
        arms + pairs,
        name="spacing",
        target=target,
        scale=scale,
        drawn=drawn,
        batch_size=batch_size,
        seed=seed,
        options={"motifs": [a, b], "strands": strands, "start": at},
    )


def check_distances(gaps: Sequence[int]) -> None:
    """Refuse what is no distance.

    Raises
    ------
    InputError
        When there is none, or one is no integer of at least 0.
    """
    wrong = [g for g in gaps if isinstance(g, bool) or not isinstance(g, int | np.integer) or g < 0]
    if wrong or not gaps:
        came = f"{wrong[0]!r}" if wrong else "none that fits"
        msg = (
            "A distance is a whole number of bp from the end of one motif to the start of the "
            f"next, 0 or more, for which the sequences have room; got {came}. For the other "
            "order, give the motifs the other way round (or ask order)."
        )
        raise InputError(msg)


def _distances(given: Iterable[int] | None, room: int) -> list[int]:
    """Distances in order, each once."""
    gaps = list(range(min(room, MOST) + 1)) if given is None else list(given)
    check_distances(gaps)
    return sorted({int(d) for d in gaps})


def _strands(strands: str) -> str:
    if not isinstance(strands, str) or len(strands) != 2 or set(strands) - set("+-"):
        msg = f"strands must be those of the two motifs, such as '+-'; got {strands!r}."
        raise InputError(msg)
    return strands
