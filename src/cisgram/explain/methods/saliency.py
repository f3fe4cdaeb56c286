"""Saliency: the size of the gradient at the bases that are there."""

from __future__ import annotations

from torch import Tensor, nn

from cisgram.core.results import Attribution
from cisgram.core.types import OneHot
from cisgram.explain.base import METHODS, Target, plain_options
from cisgram.explain.gradients import gradient


@METHODS.register(
    gives="attribution",
    needs="gradients",
    complete=False,
    signed=False,
    cite="simonyan2014",
    prompt=True,
)
def saliency(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    of: str = "logit_difference",
    labels: Tensor | None = None,
    corrected: bool = True,
    batch_size: int = 256,
) -> Attribution:
    """How strongly the output reacts to each base that is there: |d f / d x| * x.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros (which score 0).
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    of
        ``logit_difference``, ``logit``, ``probability`` or ``loss``. Within one sequence the
        first and the last two rank positions alike for a single output; across sequences
        ``probability`` and ``loss`` shrink what the model is sure of.
    labels
        (n,) 0 or 1, for ``loss``.
    corrected
        Subtract each position's mean gradient first (it points off the simplex of letters).
        ``of="loss", corrected=False`` is what Deep Motif Dashboard's code does.
    batch_size
        Sequences run at once; the result does not depend on it.

    Returns
    -------
    Attribution
        ``values`` (n, 4, length), not negative, 0 at bases that are absent.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or target, ``of`` and labels do not fit.

    References
    ----------
    .. [1] Simonyan K, Vedaldi A, Zisserman A (2014). Deep inside convolutional networks. ICLR.
    .. [2] Lanchantin J et al. (2017). Deep Motif Dashboard. PSB.
    .. [3] Majdandzic A, Rajesh C, Koo PK (2023). Correcting gradient-based interpretations of
       deep neural networks for genomics. Genome Biol 24:109.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 1, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.tensor([-3.0, 0, 0, 0, 0, 2, 0, 0]))
    >>> saliency(model, encode(["AG"]), corrected=False).per_position.tolist()
    [[3.0, 2.0]]
    """
    g = gradient(
        model,
        x,
        target=target,
        of=of,
        labels=labels,
        corrected=corrected,
        batch_size=batch_size,
    )
    options = plain_options(target=target, of=of, corrected=corrected)
    if labels is not None:
        options["labels"] = labels.tolist()
    return Attribution(values=g.abs() * x.cpu(), sequences=x, method="saliency", options=options)
