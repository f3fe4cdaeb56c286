"""What a sequence is compared with: references of DeepLIFT and of integrated gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.types import OneHot
from cisgram.seq.shuffle import shuffle

REFERENCES = ("shuffles", "zeros", "uniform", "background")


def references(
    x: OneHot, reference: str | Tensor = "shuffles", *, n: int = 20, seed: int = 0
) -> Tensor:
    """References (n_seq, r, 4, length) of every sequence, float32 on the device of ``x``.

    Parameters
    ----------
    x
        (n_seq, 4, length) one-hot.
    reference
        ``shuffles``: ``n`` dinucleotide shuffles of each sequence, uniform over all that there
        are; ``zeros``; ``uniform``: a quarter of each base; ``background``: each sequence's own
        base composition at every position. Or a tensor: (4, length) or (r, 4, length) for all
        sequences, or (n_seq, r, 4, length). All but ``shuffles`` and tensors have r = 1.
    n
        Number of shuffles.
    seed
        The shuffles of a sequence depend on this and on its letters alone.

    Returns
    -------
    Tensor
        Where a sequence has N, every reference is zeros: an unknown base is compared with
        itself, and scores 0.

    Raises
    ------
    UnknownName
        No such reference.
    InputError
        A tensor whose shape does not fit, or with values that are not finite.

    Examples
    --------
    >>> from cisgram.seq import encode
    >>> references(encode(["AAAC"]), "background")[0, 0, :, 0].tolist()
    [0.75, 0.25, 0.0, 0.0]
    """
    x = x.float()
    known = x.sum(1, keepdim=True)  # (n_seq, 1, length)
    if isinstance(reference, Tensor):
        given = _fitting(reference.to(x), x)
    elif reference == "shuffles":
        check_positive(n, name="n")
        given = shuffle(x, n=n, seed=seed)
    elif reference == "zeros":
        given = torch.zeros_like(x)[:, None]
    elif reference == "uniform":
        given = torch.full_like(x, 0.25)[:, None]
    elif reference == "background":
        share = x.sum(2) / known.sum(2).clamp(min=1)  # (n_seq, 4)
        given = share[:, None, :, None].expand(-1, 1, -1, x.shape[2])
    else:
        what = "reference"
        raise unknown(what, str(reference), REFERENCES)
    return (given * known[:, None]).contiguous()


def _fitting(reference: Tensor, x: OneHot) -> Tensor:
    n, _, length = x.shape
    if not torch.isfinite(reference).all():
        msg = "The reference holds values that are not finite."
        raise InputError(msg)
    if reference.ndim == 2:
        reference = reference[None]
    if reference.ndim == 3:
        reference = reference[None].expand(n, -1, -1, -1)
    if reference.ndim != 4 or reference.shape[0] != n or reference.shape[2:] != (4, length):
        msg = (
            f"A reference for these sequences must be of shape (4, {length}), (r, 4, {length}) "
            f"or ({n}, r, 4, {length}); got {tuple(reference.shape)}."
        )
        raise InputError(msg)
    if reference.shape[1] == 0:
        msg = "The reference holds no sequence."
        raise InputError(msg)
    return reference
