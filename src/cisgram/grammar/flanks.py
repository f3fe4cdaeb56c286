"""Flanks: how much the letters beside a motif change what it does."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.explain.base import Target
from cisgram.grammar.asking import ask
from cisgram.grammar.backgrounds import Sequences, codes_given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.insertion import BACKGROUND, first_base
from cisgram.grammar.placement import Placement, Word, check_word, name_of, width_of
from cisgram.seq.alphabet import from_codes


def flanks(
    model: nn.Module,
    backgrounds: Sequences,
    motif: Word,
    *,
    flanks: int | Iterable[tuple[str, str]] = 20,
    width: int = 5,
    start: int | None = None,
    strand: str = "+",
    target: Target | None = None,
    scale: str | None = None,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
) -> Experiment:
    """What a motif does between given flanks, beside the motif alone and the flanks alone.

    Parameters
    ----------
    model, backgrounds, target, scale, drawn, batch_size, seed
        As `ask`.
    motif
        A motif or letters.
    flanks
        Pairs (left, right) of letters, either of which may be empty; or how many random pairs of
        ``width`` bp on each side.
    width
        Of random flanks.
    start
        First base of the motif itself; where it is not given, it lies in the middle.
    strand
        Of the motif; the flanks are read on the plus strand, left to right.

    Returns
    -------
    Experiment
        Arms ``background``; against it the motif, every pair of flanks alone (``LEFT..RIGHT``)
        and around the motif (``LEFT-MOTIF-RIGHT``) with the sum of both as twin; facts ``left``,
        ``right``.

    Raises
    ------
    InputError
        As `ask`, or when the flanks are no pairs of letters or come twice.

    Examples
    --------
    >>> import torch
    >>> from cisgram.grammar import random_backgrounds
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 1, bias=False))
    >>> e = flanks(model, random_backgrounds(9, 8), "GATA", flanks=[("C", "G"), ("", "T")])
    >>> e.interactions()[["arm", "interaction"]].values.tolist()
    [['C-GATA-G', 0.0], ['-GATA-T', 0.0]]
    """
    check_word(motif)
    codes = codes_given(backgrounds)
    pairs = _random(flanks, width, seed) if isinstance(flanks, int) else _checked(flanks)
    core = width_of(motif)
    at = first_base(start, length=codes.shape[1], width=core)
    name = name_of(motif)
    middle_ = Placement(motif, at, strand)
    arms: list[tuple[Arm, list[Placement]]] = [
        (Arm(BACKGROUND), []),
        (Arm(name, BACKGROUND), [middle_]),
    ]
    around: list[tuple[Arm, list[Placement]]] = []
    for left, right in pairs:
        sides = Placement(left + "N" * core + right, at - len(left))
        facts = {"left": left, "right": right}
        alone, both = f"{left}..{right}", f"{left}-{name}-{right}"
        twin = {name: 1, alone: 1, BACKGROUND: -1}
        arms.append((Arm(alone, BACKGROUND, facts=facts), [sides]))
        around.append((Arm(both, BACKGROUND, twin, facts), [middle_, sides]))
    return ask(
        model,
        codes,
        arms + around,
        name="flanks",
        target=target,
        scale=scale,
        drawn=drawn,
        batch_size=batch_size,
        seed=seed,
        options={"motif": name, "strand": strand, "start": at},
    )


def _random(n: int, width: int, seed: int) -> list[tuple[str, str]]:
    """Different pairs of random letters."""
    check_positive(n, name="flanks")
    check_positive(width, name="width")
    if n > 16**width:
        msg = f"There are only {16**width} pairs of flanks of {width} bp; got flanks={n}."
        raise InputError(msg)
    rng = generator(seed, "flanks", width)
    found: dict[str, None] = {}
    while len(found) < n:
        word = rng.integers(0, 4, size=(1, 2 * width)).astype("uint8")
        found[from_codes(word)[0]] = None
    return [(w[:width], w[width:]) for w in found]


def _checked(flanks: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    pairs = []
    for pair in flanks:
        two = tuple(pair) if not isinstance(pair, str) else ()
        if len(two) != 2 or set("".join(map(str, two)).upper()) - set("ACGT") or not any(two):
            msg = (
                "flanks must be pairs (left, right) of letters A C G T, of which one may be empty; "
                f"got {pair!r}."
            )
            raise InputError(msg)
        pairs.append((two[0].upper(), two[1].upper()))
    if not pairs or len(set(pairs)) < len(pairs):
        msg = "flanks must be at least one pair, each given once."
        raise InputError(msg)
    return pairs
