"""In-silico saturation mutagenesis."""

from __future__ import annotations

import torch
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.results import Attribution
from cisgram.core.types import OneHot
from cisgram.explain.base import METHODS, Target, plain_options, ready, scalar
from cisgram.models.state import untouched


@METHODS.register(
    gives="attribution", needs="forward", complete=False, signed=True, cite="zhou2015"
)
def ism(
    model: nn.Module, x: OneHot, *, target: Target | None = None, batch_size: int = 512
) -> Attribution:
    """Change of the output when one base is replaced: f(x with b at i) - f(x).

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T. At N (zeros) all four bases are tried.
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    batch_size
        Edited copies run at once; the result does not depend on it.

    Returns
    -------
    Attribution
        ``values`` (n, 4, length) in units of the target; bases that are there score 0.
        ``observed`` and ``per_position``: minus the mean of the other three.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or the target does not fit.

    Notes
    -----
    Every edited copy goes through the whole model: 3 * length forward passes a sequence.

    References
    ----------
    .. [1] Zhou J, Troyanskaya OG (2015). Predicting effects of noncoding variants with deep
       learning-based sequence model. Nat Methods 12:931-934.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 1, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.tensor([1.0, 2, 4, 8]))
    >>> ism(model, encode(["C"])).values[0, :, 0].tolist()
    [-1.0, 0.0, 2.0, 6.0]
    >>> round(ism(model, encode(["C"])).per_position.item(), 3)
    -2.333
    """
    check_positive(batch_size, name="batch_size")
    given = x
    x = ready(model, x)
    absent = (x == 0).transpose(1, 2).reshape(len(x), -1)  # (n, length * 4), bases fastest
    rows, slots = absent.nonzero(as_tuple=True)
    effect = torch.zeros(absent.shape)
    with untouched(model), torch.inference_mode():
        f = scalar(model, target)
        before = torch.cat([f(part) for part in torch.split(x, batch_size)])
        for start in range(0, len(rows), batch_size):
            n, slot = rows[start : start + batch_size], slots[start : start + batch_size]
            copies, each = x[n], torch.arange(len(n), device=x.device)
            copies[each, :, slot // 4] = 0
            copies[each, slot % 4, slot // 4] = 1
            effect[n.cpu(), slot.cpu()] = (f(copies) - before[n]).cpu()
    values = effect.view(len(x), -1, 4).transpose(1, 2).contiguous()
    return Attribution(
        values=values,
        sequences=given,
        method="ism",
        options=plain_options(target=target),
        substitutions=True,
    )
