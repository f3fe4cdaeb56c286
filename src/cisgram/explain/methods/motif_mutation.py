"""Motif mutation: what the output loses when sites of motifs are replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.seeds import generator
from cisgram.core.types import OneHot, ScalarFn
from cisgram.explain.base import METHODS, Target, ready, scalar
from cisgram.explain.overwrite import Array, Codes, outputs, overwritten, sites_of
from cisgram.models.state import untouched
from cisgram.motifs import Motif
from cisgram.seq.alphabet import codes_of

if TYPE_CHECKING:
    import pandas as pd

UNITS = ("site", "sequence")


@METHODS.register(
    gives="table", needs="forward, motifs", complete=False, signed=True, cite="dealmeida2022"
)
def motif_mutation(
    model: nn.Module,
    x: OneHot,
    motifs: Motif | Iterable[Motif],
    *,
    target: Target | None = None,
    by: str = "site",
    p: float = 1e-4,
    replacements: int = 10,
    batch_size: int = 256,
    seed: int = 0,
) -> pd.DataFrame:
    """What each site of a motif gives: f(x) - mean of f(x with other letters in its place).

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros.
    motifs
        What to look for, one motif or many.
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    by
        ``site``: each site alone; the others stay. ``sequence``: all sites of one motif in a
        sequence at once, which tells more where one site stands in for another.
    p
        Largest p-value of a site (`motifs.scan`, both strands; of two at one place the better);
        raised to what a motif's best word reaches where that is larger.
    replacements
        Random words that are put in place of each site, R. A word is drawn anew until the motif
        likes it, on either strand, at most half as much (in bits) as what stood there.
    batch_size
        Edited copies run at once; the result does not depend on it.
    seed
        Of the words, which follow from this, the motif, the sequence's letters and the site.

    Returns
    -------
    DataFrame
        By site: ``sequence`` (row of x), ``start``, ``end``, ``strand``, ``motif``, ``motif_id``,
        ``score`` (bits), ``p``, ``output`` (f(x)), ``effect`` and ``effect_sd`` (over the R words;
        NaN for one), in units of the target; motif by motif, then by sequence and start. By
        sequence: ``sequence``, ``motif``, ``motif_id``, ``sites``, ``output``, ``effect``,
        ``effect_sd``. `cisgram.explain.site_effects` gives means over sequences, with a control.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or the target, a motif or an option does not fit.

    References
    ----------
    .. [1] de Almeida BP, Reiter F, Pagani M, Stark A (2022). DeepSTARR predicts enhancer activity
       from DNA sequence. Nat Genet 54:613-624. The words that replace a site, and the check
       that they do not match, are ours.

    Examples
    --------
    >>> import torch
    >>> from cisgram.motifs import Motif
    >>> from cisgram.seq import encode
    >>> conv = torch.nn.Conv1d(4, 1, 4)
    >>> model = torch.nn.Sequential(conv, torch.nn.ReLU(), torch.nn.Flatten(1))
    >>> _ = conv.weight.data.copy_(encode(["GATA"])), conv.bias.data.fill_(-3)
    >>> gata = Motif.from_counts(100 * encode(["GATA"])[0].numpy(), name="GATA")
    >>> table = motif_mutation(model, encode(["CCCGATACCCCC"]), gata, target=lambda y: y.sum(1))
    >>> table[["start", "end", "strand", "effect"]].values.tolist()
    [[3, 7, '+', 1.0]]
    """
    import pandas as pd

    check_positive(replacements, name="replacements")
    check_positive(batch_size, name="batch_size")
    if by not in UNITS:
        what = "unit of motif mutation"
        raise unknown(what, str(by), UNITS)
    wanted = [motifs] if isinstance(motifs, Motif) else list(motifs)
    if not wanted:
        msg = "No motif to mutate was given; read some with motifs.read_meme or motifs.jaspar."
        raise InputError(msg)
    x = ready(model, x)
    codes = codes_of(x)
    tables = []
    with untouched(model), torch.inference_mode():
        f = scalar(model, target)
        whole = outputs(f, codes, x.device, batch_size=batch_size)
        for motif in wanted:
            found = sites_of(codes, motif, p).drop(columns="q")
            if by == "sequence":
                groups = found.groupby("sequence", sort=True)
                starts = [part["start"].tolist() for _, part in groups]
                names = found[["sequence", "motif", "motif_id"]].drop_duplicates("sequence")
                found = names.reset_index(drop=True).assign(sites=[len(s) for s in starts])
            else:
                starts = [[start] for start in found["start"].tolist()]
            rows = found["sequence"].to_numpy()
            copies = (
                copy
                for row, own in zip(rows.tolist(), starts, strict=True)
                for copy in _replaced(codes[row], own, motif, replacements, seed)
            )
            after = _outputs_of(f, copies, x.device, batch_size)
            lost = whole[rows, None] - after.reshape(len(rows), replacements)
            spread = lost.std(1, ddof=1) if replacements > 1 else np.full(len(rows), np.nan)
            tables.append(found.assign(output=whole[rows], effect=lost.mean(1), effect_sd=spread))
    return pd.concat(tables, ignore_index=True)


def _replaced(
    codes: Codes, starts: list[int], motif: Motif, replacements: int, seed: int
) -> list[Codes]:
    """Copies of one sequence, drawn from a stream of its own."""
    keys: list[int | str] = [motif.name, codes.tobytes().hex(), *starts]
    random = generator(seed, "motif mutation", *keys)
    return [overwritten(codes, starts, motif, random) for _ in range(replacements)]


def _outputs_of(
    f: ScalarFn, copies: Iterator[Codes], device: torch.device, batch_size: int
) -> Array:
    """Outputs of copies that are made as they are needed."""
    found = [np.zeros(0)]
    while batch := list(islice(copies, batch_size)):
        found.append(outputs(f, np.stack(batch), device, batch_size=batch_size))
    return np.concatenate(found)
