"""Windowed occlusion: what the output loses without a stretch of the sequence."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.results import Attribution
from cisgram.core.types import OneHot
from cisgram.explain.base import METHODS, Target, plain_options, ready, scalar
from cisgram.explain.edits.copies import Copies, copies_of
from cisgram.models.state import untouched
from cisgram.seq.alphabet import codes_of, one_hot
from cisgram.seq.shuffle import shuffle_codes

FILLS = ("N", "background", "shuffles")
WRITTEN = 2**23  # numbers in the windows that are written at once: 32 MiB


@METHODS.register(
    gives="attribution", needs="forward", complete=False, signed=True, cite="zeiler2014"
)
def occlusion(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    window: int = 5,
    step: int = 1,
    fill: str = "N",
    samples: int = 10,
    batch_size: int = 512,
    seed: int = 0,
) -> Attribution:
    """Change of the output when a window is put in place: f(x) - f(x with the window replaced).

    A position scores the mean over the windows that cover it; each window's score is that of
    all of its bases together, not of one.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros (which stay N and score 0).
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    window
        Width in bp, at most the length of the sequences.
    step
        Between the starts of windows, at most ``window``. The last window ends where the
        sequence does.
    fill
        ``N`` (zeros), ``background`` (the sequence's own base composition at every position), or
        ``shuffles``: the mean over ``samples`` permutations of the window's own letters, which
        costs a window of one letter nothing.
    samples
        Permutations, for ``shuffles`` alone.
    batch_size
        Edited copies run at once where each goes through the whole network; the result does not
        depend on it.
    seed
        Of the permutations, which follow from this and the window's letters alone.

    Returns
    -------
    Attribution
        ``values`` (n, 4, length) in units of the target, 0 at bases that are absent.
        ``options`` holds the ``path`` that was taken and ``why``, as in `ism`.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or the target or an option does not fit.

    References
    ----------
    .. [1] Zeiler MD, Fergus R (2014). Visualizing and understanding convolutional networks. ECCV,
       section 4.2.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 1, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.tensor([1.0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
    >>> occlusion(model, encode(["AAA"]), window=2).per_position.tolist()
    [[5.0, 5.5, 6.0]]
    """
    for name, value in (("window", window), ("step", step), ("samples", samples)):
        check_positive(value, name=name)
    check_positive(batch_size, name="batch_size")
    if fill not in FILLS:
        what = "fill of occlusion"
        raise unknown(what, str(fill), FILLS)
    given, x = x, ready(model, x)
    length = x.shape[2]
    if window > length or step > window:
        msg = (
            f"window must be at most the sequences' length, {length}, and step at most window, so "
            f"that every base is covered; got window={window}, step={step}."
        )
        raise InputError(msg)
    starts = sorted({*range(0, length - window + 1, step), length - window})
    covers = torch.zeros(len(starts), length, dtype=torch.float64)
    for i, start in enumerate(starts):
        covers[i, start : start + window] = 1
    with untouched(model), torch.inference_mode():
        f = scalar(model, target)
        before = torch.cat([f(part) for part in torch.split(x, batch_size)])
        each = len(starts) * (samples if fill == "shuffles" else 1)  # copies of a sequence
        copies = copies_of(
            f, model, x, before, n_copies=each * len(x), batch_size=batch_size, width=window
        )
        at_once = max(1, WRITTEN // (4 * window * each))
        lost = []
        for rows in torch.split(torch.arange(len(x)), at_once):
            words = _words(x[rows], starts, window, fill, samples, seed)
            lost.append(_lost(copies, rows, words, starts))
        share = torch.cat(lost) @ covers / covers.sum(0)  # (n, length)
    options = plain_options(
        target=target, window=window, step=step, fill=fill, samples=samples, seed=seed
    )
    return Attribution(
        values=(share[:, None] * given.cpu()).float().clone(),
        sequences=given,
        method="occlusion",
        options={**options, "path": copies.path, "why": copies.why},
    )


def _lost(copies: Copies, rows: Tensor, words: Tensor, starts: list[int]) -> Tensor:
    """(n, windows) loss with words put in place, mean over copies, float64 on the CPU.

    ``words`` (n, windows, copies, 4, window); an axis of size 1 stands for all windows.
    """
    windows, window = len(starts), words.shape[4]
    known = copies.x[rows].sum(1).unfold(1, window, 1)[:, starts]  # (n, windows, window)
    columns = words.to(copies.x) * known[:, :, None, None]
    change = copies.edited(
        rows.repeat_interleave(windows), np.tile(starts, len(rows)), columns.flatten(0, 1)
    )
    return -change.double().cpu().view(len(rows), windows, -1).mean(2)


def _words(x: OneHot, starts: list[int], window: int, fill: str, samples: int, seed: int) -> Tensor:
    """What stands in place of each window: (n, windows or 1, copies, 4, window), on the CPU."""
    n = len(x)
    if fill == "N":
        return torch.zeros(n, 1, 1, 4, window)
    if fill == "background":
        share = (x.sum(2) / x.sum((1, 2)).clamp(min=1)[:, None]).cpu()
        return share[:, None, None, :, None].expand(-1, 1, 1, -1, window)
    codes = codes_of(x)
    own = np.stack([codes[:, s : s + window] for s in starts], 1).reshape(-1, window)
    drawn = shuffle_codes(own, k=1, n=samples, seed=seed)  # (n * windows, samples, window)
    letters = one_hot(drawn.reshape(-1, window))
    return letters.view(n, len(starts), samples, 4, window)
