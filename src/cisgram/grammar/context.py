"""Context: whether what a motif does depends on the sequence around it."""

from __future__ import annotations

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.explain.base import Target
from cisgram.grammar.asking import ask_copies, check_places
from cisgram.grammar.backgrounds import Codes, codes_given
from cisgram.grammar.backgrounds import Sequences as Given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.insertion import first_base
from cisgram.grammar.knock_out import GIVEN
from cisgram.grammar.placement import (
    Placement,
    Word,
    check_word,
    letters_of,
    name_of,
    width_of,
    write,
)
from cisgram.seq.shuffle import shuffle_codes

SHUFFLED = "shuffled"


def context(
    model: nn.Module,
    sequences: Given,
    motif: Word,
    *,
    start: int | None = None,
    strand: str = "+",
    draws: int = 10,
    k: int = 2,
    target: Target | None = None,
    scale: str | None = None,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
) -> Experiment:
    """What a motif does in sequences as they are, beside what it does in their shuffles.

    Parameters
    ----------
    model, target, scale, drawn, batch_size, seed
        As `ask`.
    sequences
        Contexts that are of interest: strings, one-hot (n, 4, length) or codes (n, length).
    motif, start, strand
        What is written where; in the middle where no start is given.
    draws
        Shuffles of each sequence; the mean over them counts.
    k
        Length of the words whose counts the shuffles keep.

    Returns
    -------
    Experiment
        Arms ``given`` and ``shuffled``; ``MOTIF in shuffled`` against ``shuffled``, and ``MOTIF
        in given`` against ``given``, with ``given`` plus the motif's effect in the shuffles as
        its twin. The ``interaction`` is the part of the effect that the context makes, the ``sd``
        of `Experiment.table` says how much the effect differs between contexts.

    Raises
    ------
    InputError
        As `ask`.

    References
    ----------
    .. [1] Toneyan S, Koo PK (2024). Interpreting cis-regulatory interactions from large-scale deep
       neural networks. Nat Genet 56:2517-2527.

    Examples
    --------
    >>> import torch
    >>> from cisgram.grammar import random_backgrounds
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 1, bias=False))
    >>> _ = model[1].weight.data.zero_()
    >>> model[1].weight.data[0, :3] = 1  # the number of A at 0 to 2
    >>> e = context(model, random_backgrounds(20, 8), "AAA", start=0)
    >>> float(e["AAA in given"].mean()), float(e["AAA in shuffled"].mean())
    (3.0, 3.0)
    """
    check_positive(draws, name="draws")
    check_word(motif)
    codes = codes_given(sequences)
    n, length = codes.shape
    at = first_base(start, length=length, width=width_of(motif))
    place = Placement(motif, at, strand)
    named = {where: f"{place.name} in {where}" for where in (GIVEN, SHUFFLED)}
    twin = {GIVEN: 1, named[SHUFFLED]: 1, SHUFFLED: -1}
    arms = [
        Arm(GIVEN),
        Arm(SHUFFLED),
        Arm(named[GIVEN], GIVEN, twin),
        Arm(named[SHUFFLED], SHUFFLED),
    ]
    check_places(arms[2], [place], length)
    word = letters_of(place, codes, drawn=drawn, seed=seed)
    others = shuffle_codes(codes, k=k, n=draws, seed=seed)  # (n, draws, length)
    flat = write(others.reshape(-1, length), word.repeat(draws, axis=0), at)
    copies: list[Codes] = [
        codes[:, None],
        others,
        write(codes, word, at)[:, None],
        flat.reshape(n, draws, length),
    ]
    return ask_copies(
        model,
        codes,
        list(zip(arms, copies, strict=True)),
        name="context",
        target=target,
        scale=scale,
        batch_size=batch_size,
        options={
            "motif": name_of(motif),
            "start": at,
            "strand": strand,
            "draws": draws,
            "k": k,
            "drawn": drawn,
            "seed": seed,
        },
    )
