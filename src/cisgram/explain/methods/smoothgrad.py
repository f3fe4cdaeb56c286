"""SmoothGrad: the gradient averaged over noisy copies of a sequence."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.results import Attribution
from cisgram.core.types import OneHot
from cisgram.explain.base import METHODS, Target, plain_options, ready, scalar
from cisgram.explain.gradients import slope
from cisgram.explain.paths import FINE, own_generators
from cisgram.models.state import untouched


@METHODS.register(
    gives="attribution", needs="gradients", complete=False, signed=True, cite="smilkov2017"
)
def smoothgrad(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    noise: float = 0.15,
    samples: int = 50,
    corrected: bool = True,
    batch_size: int = 256,
    seed: int = 0,
) -> Attribution:
    """Contribution of each base that is there by the mean gradient around the sequence.

    (mean over samples of grad f(x + e)) * x, with e ~ N(0, noise^2) on every base of every
    position that is not N.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros (which score 0).
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    noise
        Standard deviation; the one-hot's range is 1, so it is the paper's noise level.
    samples
        Noisy copies of each sequence. Every other one has the noise of the one before it,
        reversed and complemented, so that both strands are treated alike.
    corrected
        Subtract each position's mean gradient (it points off the simplex of letters).
    batch_size
        Copies run at once; the result does not depend on it.
    seed
        Of the noise, which follows from this and a sequence's letters alone.

    Returns
    -------
    Attribution
        ``values`` (n, 4, length) in units of the target, 0 at bases that are absent.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or the target or an option does not fit.

    References
    ----------
    .. [1] Smilkov D, Thorat N, Kim B, Viegas F, Wattenberg M (2017). SmoothGrad: removing noise
       by adding noise. arXiv:1706.03825. Letters times gradient, no noise at N, and the pairing
       of strands are ours.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 1, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.tensor([-3.0, 0, 0, 0, 0, 2, 0, 0]))
    >>> smoothgrad(model, encode(["AG"]), corrected=False, samples=4).per_position.tolist()
    [[-3.0, 2.0]]
    """
    check_positive(samples, name="samples")
    check_positive(batch_size, name="batch_size")
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 < noise < np.inf:
        msg = f"noise must be a standard deviation above 0; got {noise!r}."
        raise InputError(msg)
    given, x = x, ready(model, x)
    with torch.inference_mode(mode=False), untouched(model):
        f, x = scalar(model, target), x.clone()
        total = torch.zeros(x.shape, dtype=FINE)
        at_once = max(1, batch_size // samples)
        for start in range(0, len(x), at_once):
            own = x[start : start + at_once]
            copies = own[:, None] + noise * _noise(own, samples, seed)
            rows = torch.arange(start, start + len(own)).repeat_interleave(samples)
            split = (torch.split(one, batch_size) for one in (copies.flatten(0, 1), rows))
            for points, row in zip(*split, strict=True):
                with torch.enable_grad():
                    point = points.detach().requires_grad_()
                    total.index_add_(0, row, slope(f(point), point).cpu().to(FINE))
    g = (total / samples).float()
    if corrected:
        g = g - g.mean(1, keepdim=True)
    return Attribution(
        values=g * given.cpu(),
        sequences=given,
        method="smoothgrad",
        options=plain_options(
            target=target, noise=noise, samples=samples, corrected=corrected, seed=seed
        ),
    )


def _noise(x: OneHot, samples: int, seed: int) -> Tensor:
    """(n, samples, 4, length) standard normal, 0 at N; odd ones are even ones turned round."""
    half = (-(-samples // 2), 4, x.shape[2])
    random = own_generators(x, seed, "smoothgrad")
    drawn = torch.from_numpy(np.stack([g.standard_normal(half, np.float32) for g in random]))
    both = torch.stack([drawn, drawn.flip(2, 3)], 2).flatten(1, 2)[:, :samples]
    return both.to(x) * x.sum(1)[:, None, None, :]
