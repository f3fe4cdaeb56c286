"""Knock-out: what given sequences lose without the sites of a motif, or of two."""

from __future__ import annotations

from typing import Any

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.explain.base import Target
from cisgram.grammar.asking import ask_copies
from cisgram.grammar.backgrounds import Codes, codes_given
from cisgram.grammar.backgrounds import Sequences as Given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.sites import Found, Sites, elsewhere, find, having, without

GIVEN = "given"


def knock_out(
    model: nn.Module,
    sequences: Given,
    sites: Sites | list[Sites],
    *,
    p: float = 1e-3,
    draws: int = 10,
    target: Target | None = None,
    scale: str | None = None,
    batch_size: int = 256,
    seed: int = 0,
) -> Experiment:
    """What sequences lose when all sites of a motif get other letters; of two, also together.

    Parameters
    ----------
    model, target, scale, batch_size
        As `ask`.
    sequences
        Two or more that carry the signal: strings, one-hot (n, 4, length) or codes (n, length).
        Those without a site (of both, where two are asked) are left out.
    sites
        A motif to scan for, a window ``(start, end)`` of all sequences, or a table of sites
        (``sequence``, ``start``, ``end``); or a list of two of these.
    p
        Largest p-value of a site of a motif.
    draws
        Random letters put into each site; the mean over them counts.
    seed
        Of the letters, which follow from this, the kind of site and the sequence's letters.

    Returns
    -------
    Experiment
        Arms ``given``; against it ``without A`` and its control, ``without control A``: as many
        windows elsewhere. Of two kinds also ``without A, B``, and the twin of ``given`` is what
        an additive model would give from the other three. ``options["rows"]``: the sequences that
        were asked.

    Raises
    ------
    InputError
        As `ask`; when there are more than two kinds, fewer than two sequences with sites, or a
        site does not fit.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 1, bias=False))
    >>> _ = model[1].weight.data.zero_()
    >>> model[1].weight.data[0, :2] = 1  # A at positions 0 and 1
    >>> x = ["AACGCGCG", "AAGGCCGG"]
    >>> e = knock_out(model, x, [(0, 1), (1, 2)], draws=50)
    >>> e.interactions()["interaction"].tolist()
    [0.0]
    """
    check_positive(draws, name="draws")
    codes = codes_given(sequences)
    kinds = kinds_of(codes, sites, p)
    rows, kinds = having(codes, kinds)
    chosen = codes[rows]
    twin = {}
    if len(kinds) == 2:
        a, b = (f"without {kind.name}" for kind in kinds)
        both = f"without {kinds[0].name}, {kinds[1].name}"
        twin = {a: 1, b: 1, both: -1}
    arms: list[tuple[Arm, Codes]] = [(Arm(GIVEN, twin=twin), chosen[:, None])]
    for kind in kinds:
        other = elsewhere(chosen, kind, taken=kinds, seed=seed)
        for one in (kind, other):
            gone = without(chosen, [one], draws=draws, seed=seed)
            arms.append((Arm(f"without {one.name}", against=GIVEN), gone))
    if len(kinds) == 2:
        gone = without(chosen, kinds, draws=draws, seed=seed)
        arms.append((Arm(both, against=GIVEN), gone))
    options: dict[str, Any] = {"p": p, "draws": draws, "seed": seed, "rows": rows.tolist()}
    return ask_copies(
        model,
        chosen,
        arms,
        name="knock_out",
        target=target,
        scale=scale,
        batch_size=batch_size,
        options=options,
    )


def kinds_of(codes: Codes, sites: Sites | list[Sites], p: float, *, most: int = 2) -> list[Found]:
    """The kinds of sites that were asked, with names that tell them apart.

    Raises
    ------
    InputError
        When there are none or more than ``most``.
    """
    several: list[Sites] = sites if isinstance(sites, list) else [sites]
    if not 1 <= len(several) <= most:
        msg = (
            f"Give sites of one kind{' or of two, [first, second]' if most == 2 else ''}: a motif, "
            f"a window (start, end) or a table; got {len(several)} kinds."
        )
        raise InputError(msg)
    found = [
        find(codes, s, p=p, name="site" if len(several) == 1 else f"site {i + 1}")
        for i, s in enumerate(several)
    ]
    if len({f.name for f in found}) < len(found):
        msg = f"Both kinds of sites are called {found[0].name}; give two different ones."
        raise InputError(msg)
    return found
