"""Integrated gradients: the gradient averaged on the straight way from a reference."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.results import Attribution
from cisgram.core.types import OneHot, PerBase, Scalar, ScalarFn
from cisgram.explain.base import METHODS, Target
from cisgram.explain.paths import FINE, Points, attributed, differences, hypothetical, multipliers


@METHODS.register(
    gives="attribution",
    needs="gradients",
    complete=True,
    signed=True,
    cite="sundararajan2017",
)
def integrated_gradients(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    reference: str | Tensor = "uniform",
    n_references: int = 20,
    steps: int = 32,
    max_steps: int = 2048,
    tolerance: float = 1e-3,
    batch_size: int = 256,
    seed: int = 0,
) -> Attribution:
    """Contribution of each base by the mean gradient on the way from a reference to it.

    With m = the integral over a from 0 to 1 of grad f(ref + a (x - ref)), by Gauss-Legendre
    quadrature, base b at position i scores m_bi - sum_c m_ci ref_ci, averaged over references.
    The bases that are there add up to f(x) - f(ref).

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros (which score 0).
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    reference, n_references, seed
        What a sequence is compared with, as in `cisgram.explain.references.references`;
        ``n_references`` and ``seed`` are for ``shuffles``.
    steps, max_steps
        Points on each way. A sequence that misses the tolerance is done again with twice as
        many, up to ``max_steps``: ways through a network of many kinks need more. Equal values
        fix the number.
    tolerance
        Largest completeness gap, relative to the sum of the sizes of the contributions; what
        float32 rounds off the outputs is allowed beside it.
    batch_size
        Points run at once; the result does not depend on it.

    Returns
    -------
    Attribution
        ``values`` (n, 4, length) in units of the target, and ``delta``, the gap that is left:
        larger than the tolerance only where ``max_steps`` did not do.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or target, reference or an option do not fit.

    References
    ----------
    .. [1] Sundararajan M, Taly A, Yan Q (2017). Axiomatic attribution for deep networks. ICML.
       Equation 1; scores of absent bases, which the paper does not have, follow from m.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 1, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.tensor([-3.0, 0, 0, 0, 0, 2, 0, 1]))
    >>> integrated_gradients(model, encode(["AG"]), reference="zeros").per_position.tolist()
    [[-3.0, 2.0]]
    """
    for name, value in (("steps", steps), ("max_steps", max_steps), ("batch_size", batch_size)):
        check_positive(value, name=name)
    if max_steps < steps or not tolerance > 0:
        msg = (
            "max_steps must be at least steps and tolerance above 0; "
            f"got steps={steps}, max_steps={max_steps}, tolerance={tolerance!r}."
        )
        raise InputError(msg)

    def one(f: ScalarFn, own: OneHot, refs: Tensor) -> tuple[PerBase, Scalar]:
        return _adaptive(f, own, refs, (steps, max_steps), tolerance, batch_size)

    return attributed(
        model,
        x,
        one,
        method="integrated_gradients",
        batch_size=batch_size,
        options={
            "target": target,
            "reference": reference,
            "n_references": n_references,
            "steps": steps,
            "max_steps": max_steps,
            "tolerance": tolerance,
            "seed": seed,
        },
    )


def _adaptive(
    f: ScalarFn,
    x: OneHot,
    refs: Tensor,
    steps: tuple[int, int],
    tolerance: float,
    batch_size: int,
) -> tuple[PerBase, Scalar]:
    """Values and gaps of a few sequences, each with as many steps as it needs."""
    whole, rounding = differences(f, x, refs, batch_size=batch_size)
    values = torch.zeros(x.shape, dtype=FINE)
    delta = torch.zeros(len(x), dtype=FINE)
    left, now = torch.arange(len(x)), steps[0]
    while len(left):
        m = multipliers(f, x[left], refs[left], _points(refs[left], now), batch_size=batch_size)
        values[left] = hypothetical(m, refs[left])
        share = (values[left] * x[left].cpu()).sum(1)  # (n, length)
        delta[left] = share.sum(1) - whole[left]
        if now == steps[1]:
            break
        allowed = tolerance * share.abs().sum(1) + rounding[left]
        left = left[delta[left].abs() > allowed]
        now = min(2 * now, steps[1])
    return values, delta


def _points(refs: Tensor, steps: int) -> Points:
    n, r = refs.shape[:2]
    nodes, weights = np.polynomial.legendre.leggauss(steps)  # on -1 to 1
    return Points(
        torch.arange(r).repeat_interleave(steps).expand(n, -1),
        torch.from_numpy((nodes + 1) / 2).repeat(r).expand(n, -1),
        torch.from_numpy(weights / 2).repeat(r).expand(n, -1),
    )
