"""Pairwise in-silico mutagenesis: what two substitutions do together beyond each alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.results import Interaction
from cisgram.core.types import OneHot, ScalarFn
from cisgram.explain.base import METHODS, Target, plain_options, ready, scalar
from cisgram.explain.edits.copies import Copies, copies_of
from cisgram.models.state import untouched
from cisgram.seq.alphabet import BASES

LETTERS = ("largest", "mean", "every")
AT_ONCE = 1 << 24  # numbers of copies and of changes that are held at once


@METHODS.register(
    gives="interaction", needs="forward", complete=False, signed=True, cite="greenside2018"
)
def pairwise_ism(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    positions: Sequence[int] | None = None,
    letters: str = "largest",
    batch_size: int = 512,
) -> Interaction:
    """Change by two substitutions beyond both alone: f(both) - f(one) - f(other) + f(x).

    Zero for every model that is a sum over positions.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T. At N (zeros) all four bases are tried.
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    positions
        Candidates, the same in every sequence; default: all. 9 p (p - 1) / 2 copies a sequence.
    letters
        Of each pair of positions, ``largest``: the value of largest size over the letters tried;
        ``mean``: the mean of their sizes; ``every``: each letter at each position.
    batch_size
        Edited copies run at once where each goes through the whole network; the result does not
        depend on it.

    Returns
    -------
    Interaction
        ``values`` (n, p, p), symmetric, 0 on the diagonal, in units of the target; rows and columns
        are positions. With ``every`` (n, 4 p, 4 p): rows and columns are ``12A``, ``12C``, ...; 0
        for the letter that is there. ``options`` holds the ``path`` that was taken and ``why``.

    Raises
    ------
    UnknownName
        No such ``letters``.
    InputError
        If ``x`` is no one-hot array, the target does not fit, or positions are no positions.

    Notes
    -----
    Exact to within 1e-5 of the outputs in float32. Copies with one substitution are the sequences
    from which those with two are made, so that the quick paths of `ism` serve here too.

    References
    ----------
    .. [1] Greenside P, Shimko T, Fordyce P, Kundaje A (2018). Discovering epistatic feature
       interactions from neural network models of regulatory DNA sequences. Bioinformatics
       34:i629-i637 (compares DFIM with it).

    Examples
    --------
    >>> from cisgram.seq import encode
    >>> class Both(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * (x[:, 0, 0] * x[:, 1, 2])[:, None]
    >>> pairwise_ism(Both(), encode(["AGC"])).values.tolist()
    [[[0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]]
    """
    check_positive(batch_size, name="batch_size")
    if letters not in LETTERS:
        what = "choice of letters"
        raise unknown(what, str(letters), LETTERS)
    x = ready(model, x)
    at = _positions(positions, x.shape[2])
    p = len(at)
    per_sequence = max(3 * p * 4 * x.shape[2], 16 * p * p)
    parts = []
    with untouched(model), torch.inference_mode():
        f = scalar(model, target)
        for part in torch.split(x, max(1, AT_ONCE // per_sequence)):
            values, way = _second_order(model, f, part, at, batch_size)
            parts.append(_reduced(values, letters, part, at))
    names = [str(i) for i in at.tolist()]
    if letters == "every":
        names = [f"{i}{b}" for i in names for b in BASES]
    return Interaction(
        values=torch.cat(parts).clone(),
        rows=tuple(names),
        columns=tuple(names),
        method="pairwise_ism",
        options={**plain_options(target=target, letters=letters), **way},
    )


def _positions(given: Sequence[int] | None, length: int) -> Tensor:
    if given is None:
        return torch.arange(length)
    at = np.asarray(given)
    fits = at.ndim == 1 and len(at) and np.issubdtype(at.dtype, np.integer)
    if not fits or at.min() < 0 or at.max() >= length or len(np.unique(at)) < len(at):
        msg = f"positions must be different whole numbers from 0 to {length - 1}; got {given!r}."
        raise InputError(msg)
    return torch.from_numpy(np.sort(at).astype(np.int64))


def _second_order(
    model: nn.Module, f: ScalarFn, x: Tensor, at: Tensor, batch_size: int
) -> tuple[Tensor, dict[str, str]]:
    """(n, p, 4, p, 4) interaction of letters at a position and a later one; path and why."""
    n, p = len(x), len(at)

    def prepared(rows: Tensor, n_copies: int) -> Copies:
        before = torch.cat([f(part) for part in torch.split(rows, batch_size)])
        return copies_of(f, model, rows, before, n_copies=n_copies, batch_size=batch_size)

    every = torch.arange(p).expand(n, p)
    one = prepared(x, 4 * n * p)
    alone = x.new_zeros(n, p, 4)  # change by one substitution
    rows, which = torch.arange(n)[:, None].expand(n, p).flatten(), every.flatten()
    _fill(alone.view(n, p * 4), one, rows, which, at)
    out = torch.zeros(n, p, 4, p, 4)
    if p == 1:
        return out, {"path": one.path, "why": one.why}
    tried = x.transpose(1, 2)[:, at] == 0  # (n, p, 4)
    row, first, letter = tried.cpu().nonzero(as_tuple=True)  # one sequence each
    edited = x[row].clone()
    edited[torch.arange(len(row)), :, at[first]] = torch.eye(4, device=x.device)[letter]
    two = prepared(edited, 4 * len(row) * (p - 1) // 2)
    source, second = (torch.arange(p) > first[:, None]).nonzero(as_tuple=True)
    after = x.new_zeros(len(row), p * 4)
    _fill(after, two, source, second, at)
    later = torch.arange(p) > first[:, None]  # (M, p)
    more = (after.view(-1, p, 4) - alone[row]) * later[..., None].to(x)
    more = (more * tried[row]).cpu()
    out[row, first, letter] = more
    return out, {"path": two.path, "why": two.why}


def _fill(out: Tensor, copies: Copies, rows: Tensor, which: Tensor, at: Tensor) -> None:
    """Write the change that every letter makes at candidates of rows into ``out`` (rows, 4 p)."""
    starts = at[which]
    unknown_there = copies.x.sum(1)[rows, starts].cpu() == 0
    for chosen, others in ((~unknown_there, 3), (unknown_there, 4)):
        r, k, s = rows[chosen], which[chosen], starts[chosen]
        if len(r) == 0:
            continue
        there = copies.x[r, :, s].argmax(1).cpu()  # (M,)
        letter = (there[:, None] + torch.arange(1, others + 1)) % 4
        columns = torch.eye(4, device=out.device)[letter][..., None]  # (M, others, 4, 1)
        out[r[:, None], 4 * k[:, None] + letter] = copies.edited(r, s.numpy(), columns)


def _reduced(values: Tensor, letters: str, x: Tensor, at: Tensor) -> Tensor:
    """(n, p, 4, p, 4), of each pair the later position second, as it was asked for: symmetric."""
    n, p = values.shape[:2]
    if letters == "every":
        return (values + values.permute(0, 3, 4, 1, 2)).reshape(n, 4 * p, 4 * p)
    flat = values.permute(0, 1, 3, 2, 4).reshape(n, p, p, 16)
    if letters == "largest":
        found = flat.gather(3, flat.abs().argmax(3, keepdim=True))[..., 0]
        return found + found.transpose(1, 2)
    tried = 3 + (x.sum(1)[:, at] == 0).float().cpu()  # (n, p) letters that are not there
    found = flat.abs().sum(3) / (tried[:, :, None] * tried[:, None])
    return found + found.transpose(1, 2)
