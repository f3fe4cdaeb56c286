"""In-silico saturation mutagenesis."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.results import Attribution
from cisgram.core.types import OneHot
from cisgram.explain.base import METHODS, Target, plain_options, ready, scalar
from cisgram.explain.edits.copies import copies_of
from cisgram.explain.edits.plain import Network
from cisgram.models.state import untouched


@METHODS.register(
    gives="attribution", needs="forward", complete=False, signed=True, cite="zhou2015", prompt=True
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
        Edited copies run at once where each goes through the whole network; the result does not
        depend on it.

    Returns
    -------
    Attribution
        ``values`` (n, 4, length) in units of the target; bases that are there score 0.
        ``observed`` and ``per_position``: minus the mean of the other three. ``options`` holds
        the ``path`` that was taken and ``why``.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or the target does not fit.

    Notes
    -----
    Exact on every path, to within 1e-5 of the outputs in float32. ``scan``: for one convolution
    and a maximum, mean or sum over positions. ``windows``: layer by layer only the cells that an
    edit reaches. ``plain``: 3 * length forward passes a sequence. The path is chosen by how much
    of the computation an edit reaches, from the operations that one forward pass carries out,
    and checked on some edits against the plain one (`explain.edits`).

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
    effect, path, why = _effects(model, x, scalar(model, target), batch_size=batch_size)
    return Attribution(
        values=effect,
        sequences=x,
        method="ism",
        options={**plain_options(target=target), "path": path, "why": why},
        substitutions=True,
    )


def ism_outputs(model: nn.Module, x: OneHot, *, batch_size: int = 512) -> Tensor:
    """Change of every output when one base is replaced, all of them in one pass.

    Parameters
    ----------
    model, x, batch_size
        As in `ism`; the model maps (n, 4, length) to (n, t).

    Returns
    -------
    Tensor
        (n, t, 4, length): f_t(x with b at i) - f_t(x); 0 for the base that is there.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or the output is not (n, t).

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.tensor([[1.0, 2, 4, 8], [0, 0, 0, 5]]))
    >>> ism_outputs(model, encode(["C"]))[0, :, :, 0].tolist()
    [[-1.0, 0.0, 2.0, 6.0], [0.0, 0.0, 0.0, 5.0]]
    """
    effect, _, _ = _effects(model, x, lambda part: _table(model(part)), batch_size=batch_size)
    return effect.permute(0, 3, 1, 2).contiguous()


def _effects(
    model: nn.Module, x: OneHot, f: Network, *, batch_size: int
) -> tuple[Tensor, str, str]:
    """(n, 4, length, ...) changes of f on the CPU; the path that was taken, and why."""
    check_positive(batch_size, name="batch_size")
    x = ready(model, x)
    with untouched(model), torch.inference_mode():
        before = torch.cat([f(part) for part in torch.split(x, batch_size)])
        n_copies = int((x == 0).sum())
        copies = copies_of(
            f, model, x, before, n_copies=n_copies, batch_size=batch_size, letters=True
        )
        found = [change.cpu() for _, change in copies.every_letter()]
    effect = torch.empty(*x.shape, *before.shape[1:])
    torch.cat(found, out=effect)
    return effect, copies.path, copies.why


def _table(y: Tensor) -> Tensor:
    if not isinstance(y, Tensor) or y.ndim != 2:
        came = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        msg = (
            f"ism_outputs needs a model output of shape (n, t); got {came}. Give ism a target that "
            "reduces it to one number a sequence."
        )
        raise InputError(msg)
    return y
