"""Necessity: whether sequences do without their sites."""

from __future__ import annotations

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.explain.base import Target
from cisgram.grammar.asking import ask_copies
from cisgram.grammar.backgrounds import Codes, codes_given
from cisgram.grammar.backgrounds import Sequences as Given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.knock_out import GIVEN, kinds_of
from cisgram.grammar.sites import Sites, elsewhere, having, without
from cisgram.seq.shuffle import shuffle_codes

NOTHING = "nothing"


def necessity(
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
    """What sequences keep without the sites: between all, as given, and nothing, when shuffled.

    Parameters
    ----------
    model, target, scale, batch_size
        As `ask`.
    sequences, sites, p, draws, seed
        As `knock_out`, with sites of one kind.
    k
        Length of the words whose counts the shuffles keep.

    Returns
    -------
    Experiment
        Arms ``given``; against it ``without A``, ``without control A`` (as many windows
        elsewhere) and ``nothing`` (the whole sequence shuffled). `share` says which part of the
        way from given to nothing is lost without the sites: 1 is necessary.

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
    >>> e = necessity(model, ["ACGCGCGT", "AGGCCGTT"], (4, 5), k=1)
    >>> float(e.table().set_index("arm")["effect"]["without site"])
    0.0
    """
    check_positive(draws, name="draws")
    codes = codes_given(sequences)
    rows, (kind,) = having(codes, kinds_of(codes, sites, p, most=1))
    chosen = codes[rows]
    other = elsewhere(chosen, kind, taken=[kind], seed=seed)
    arms: list[tuple[Arm, Codes]] = [(Arm(GIVEN), chosen[:, None])]
    for one in (kind, other):
        gone = without(chosen, [one], draws=draws, seed=seed)
        arms.append((Arm(f"without {one.name}", against=GIVEN), gone))
    shuffled = shuffle_codes(chosen, k=k, n=draws, seed=seed)
    arms.append((Arm(NOTHING, against=GIVEN), shuffled))
    return ask_copies(
        model,
        chosen,
        arms,
        name="necessity",
        target=target,
        scale=scale,
        batch_size=batch_size,
        options={"p": p, "draws": draws, "k": k, "seed": seed, "rows": rows.tolist()},
    )
