"""Sufficiency: whether the sites are all that sequences need."""

from __future__ import annotations

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.explain.base import Target
from cisgram.grammar.asking import ask_copies
from cisgram.grammar.backgrounds import Codes, codes_given
from cisgram.grammar.backgrounds import Sequences as Given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.knock_out import GIVEN, kinds_of
from cisgram.grammar.necessity import NOTHING
from cisgram.grammar.sites import Sites, elsewhere, having, restored
from cisgram.seq.shuffle import shuffle_codes


def sufficiency(
    model: nn.Module,
    sequences: Given,
    sites: Sites,
    *,
    p: float = 1e-3,
    draws: int = 10,
    k: int = 2,
    target: Target | None = None,
    scale: str | None = None,
    batch_size: int = 256,
    seed: int = 0,
) -> Experiment:
    """What the sites do alone: in their places, with all else shuffled.

    Parameters
    ----------
    model, target, scale, batch_size
        As `ask`.
    sequences, sites, p, seed
        As `knock_out`, with sites of one kind.
    draws
        Shuffles of each sequence, the same in all arms; the mean over them counts.
    k
        Length of the words whose counts the shuffles keep.

    Returns
    -------
    Experiment
        Arms ``nothing`` (the whole sequence shuffled); against it ``only A`` (the sites put
        back), ``only control A`` (as many windows elsewhere put back) and ``given``. `share` says
        which part of the way from nothing to given the sites go alone: 1 is sufficient.

    Raises
    ------
    InputError
        As `knock_out`.

    References
    ----------
    .. [1] Toneyan S, Koo PK (2024). Interpreting cis-regulatory interactions from large-scale deep
       neural networks. Nat Genet 56:2517-2527.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 1, bias=False))
    >>> _ = model[1].weight.data.zero_()
    >>> model[1].weight.data[0, 0] = 1  # A at position 0
    >>> e = sufficiency(model, ["ACGCGCGT", "AGGCCGTT"], (0, 1), k=1)
    >>> e["only site"].tolist() == e["given"].tolist()
    True
    """
    check_positive(draws, name="draws")
    codes = codes_given(sequences)
    rows, (kind,) = having(codes, kinds_of(codes, sites, p, most=1))
    chosen = codes[rows]
    other = elsewhere(chosen, kind, taken=[kind], seed=seed)
    shuffled = shuffle_codes(chosen, k=k, n=draws, seed=seed)
    arms: list[tuple[Arm, Codes]] = [(Arm(NOTHING), shuffled)]
    for one in (kind, other):
        kept = restored(shuffled, chosen, one)
        arms.append((Arm(f"only {one.name}", against=NOTHING), kept))
    arms.append((Arm(GIVEN, against=NOTHING), chosen[:, None]))
    return ask_copies(
        model,
        chosen,
        arms,
        name="sufficiency",
        target=target,
        scale=scale,
        batch_size=batch_size,
        options={"p": p, "draws": draws, "k": k, "seed": seed, "rows": rows.tolist()},
    )
