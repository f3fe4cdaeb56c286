"""Expected gradients: integrated gradients over many references, by sampling."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.results import Attribution
from cisgram.core.types import OneHot, PerBase, Scalar, ScalarFn
from cisgram.explain.base import METHODS, Target
from cisgram.explain.paths import (
    FINE,
    Points,
    attributed,
    differences,
    hypothetical,
    multipliers,
    own_generators,
)


@METHODS.register(
    gives="attribution", needs="gradients", complete=False, signed=True, cite="erion2021"
)
def expected_gradients(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    reference: str | Tensor = "shuffles",
    n_references: int = 20,
    samples: int = 200,
    batch_size: int = 256,
    seed: int = 0,
) -> Attribution:
    """Contribution of each base by gradients at random points between references and it.

    With m_r = the mean of grad f(ref_r + a (x - ref_r)) over the samples of reference r, base b
    at position i scores m_bi - sum_c m_ci ref_ci, averaged over references. In expectation the
    bases that are there add up to f(x) - mean of f(ref); ``delta`` tells by how much the samples
    miss it.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros (which score 0).
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    reference, n_references
        What a sequence is compared with, as in `cisgram.explain.references.references`;
        ``n_references`` is for ``shuffles``.
    samples
        Points of each sequence, shared out evenly among its references (rounded up); the
        distances a of one reference lie one in each of as many equal parts of 0 to 1.
    batch_size
        Points run at once; the result does not depend on it.
    seed
        Of shuffles and distances; a sequence's own follow from this and its letters alone.

    Returns
    -------
    Attribution
        ``values`` (n, 4, length) in units of the target, and ``delta``.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or target, reference or an option do not fit.

    References
    ----------
    .. [1] Erion G, Janizek JD, Sturmfels P, Lundberg SM, Lee S-I (2021). Improving performance of
       deep learning models with axiomatic attribution priors and expected gradients. Nat Mach
       Intell 3:620-631. Their distances are drawn without parts, their references with
       replacement.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 1, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.tensor([-3.0, 0, 0, 0, 0, 2, 0, 1]))
    >>> a = expected_gradients(model, encode(["AG"]), reference="zeros", samples=3)
    >>> a.per_position.tolist()
    [[-3.0, 2.0]]
    """
    check_positive(samples, name="samples")
    check_positive(batch_size, name="batch_size")

    def one(f: ScalarFn, own: OneHot, refs: Tensor) -> tuple[PerBase, Scalar]:
        whole, _ = differences(f, own, refs, batch_size=batch_size)
        points = _points(own, refs.shape[1], samples, seed)
        found = hypothetical(multipliers(f, own, refs, points, batch_size=batch_size), refs)
        return found, (found * own.cpu().to(FINE)).sum((1, 2)) - whole

    return attributed(
        model,
        x,
        one,
        method="expected_gradients",
        batch_size=batch_size,
        options={
            "target": target,
            "reference": reference,
            "n_references": n_references,
            "samples": samples,
            "seed": seed,
        },
    )


def _points(x: OneHot, r: int, samples: int, seed: int) -> Points:
    each = -(-samples // r)
    random = np.stack([g.random((r, each)) for g in own_generators(x, seed, "expected gradients")])
    share = torch.from_numpy((np.arange(each) + random) / each).flatten(1)  # (n, r * each)
    which = torch.arange(r).repeat_interleave(each).expand(len(x), -1)
    return Points(which, share, torch.full_like(share, 1 / each))
