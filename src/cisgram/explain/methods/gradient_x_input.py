"""Gradient times input: the first-order share of each base in the output."""

from __future__ import annotations

from torch import nn

from cisgram.core.results import Attribution
from cisgram.core.types import OneHot
from cisgram.explain.base import METHODS, Target, plain_options
from cisgram.explain.gradients import gradient


@METHODS.register(
    gives="attribution", needs="gradients", complete=False, signed=True, cite="shrikumar2016"
)
def gradient_x_input(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    corrected: bool = False,
    batch_size: int = 256,
) -> Attribution:
    """Signed first-order contribution of each base that is there: (d f / d x) * x.

    For a linear f without constant the contributions of a sequence add up to f(x).

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros (which score 0).
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    corrected
        Subtract each position's mean gradient first (it points off the simplex of letters);
        the contributions then add up to f(x) - f of the mean over letters, to first order.
    batch_size
        Sequences run at once; the result does not depend on it.

    Returns
    -------
    Attribution
        ``values`` (n, 4, length) in units of the target, 0 at bases that are absent.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or the target does not fit.

    References
    ----------
    .. [1] Shrikumar A, Greenside P, Shcherbina A, Kundaje A (2016). Not just a black box.
       arXiv:1605.01713.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 1, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.tensor([-3.0, 0, 0, 0, 0, 2, 0, 0]))
    >>> gradient_x_input(model, encode(["AG"])).per_position.tolist()
    [[-3.0, 2.0]]
    """
    g = gradient(model, x, target=target, corrected=corrected, batch_size=batch_size)
    return Attribution(
        values=g * x.cpu(),
        sequences=x,
        method="gradient_x_input",
        options=plain_options(target=target, corrected=corrected),
    )
