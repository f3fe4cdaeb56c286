"""Losses: mean over the labels that are there; missing ones (NaN) weigh nothing."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.train.likelihoods import negative_binomial

Loss = Callable[[Tensor, Tensor], Tensor]
TINY = 1e-8


def loss_function(
    name: str,
    *,
    positive_weight: Tensor | None = None,
    task_weights: Tensor | None = None,
    gamma: float = 2.0,
    dispersion: Tensor | float = 1.0,
) -> Loss:
    """The loss of (outputs, labels), both (n, t): a mean over the labels that are not NaN.

    Without a missing label it is, to the last bit, the plain mean.

    Parameters
    ----------
    name
        By label: ``bce`` and ``focal`` (outputs are logits), ``mse``, ``poisson`` and
        ``negative_binomial`` (outputs are log means). By sequence: ``cross_entropy`` (outputs are
        logits of t classes, labels one-hot) and ``pearson``, 1 minus the correlation of a
        sequence's outputs with its labels.
    positive_weight
        (t,) weight of a positive label, for ``bce`` and ``focal``; of a class, for
        ``cross_entropy``, whose mean is then a weighted one.
    task_weights
        (t,) weight of each output in the mean; for losses by label.
    gamma
        Of ``focal``: a label that is predicted with probability p weighs (1 - p)^gamma.
    dispersion
        (t,) or one number a > 0, of ``negative_binomial``: the variance is m + a m^2.

    Raises
    ------
    UnknownName
        No such loss.
    InputError
        An argument that the loss has not; when called, outputs of another shape than the labels.

    References
    ----------
    Focal: Lin, Goyal, Girshick, He and Dollar 2017, ICCV, equation 4 (their alpha is
    ``positive_weight``, up to a factor). Pearson: Maslova et al. 2020, PNAS 117:25655; their code
    sums over a batch, here the mean is taken, so that batches of any size weigh alike.

    Examples
    --------
    >>> bce = loss_function("bce")
    >>> missing = torch.tensor([[0.0, float("nan")]])
    >>> round(bce(torch.zeros(1, 2), missing).item(), 4)
    0.6931
    """
    by_label: dict[str, Loss] = {
        "bce": lambda out, y: _bce(out, y, positive_weight),
        "focal": lambda out, y: _focal(out, y, positive_weight, gamma),
        "mse": lambda out, y: (out - y) ** 2,
        "poisson": lambda out, y: F.poisson_nll_loss(out, y, reduction="none"),
        "negative_binomial": lambda out, y: -negative_binomial(y, out, dispersion),
    }
    whole: dict[str, Loss] = {
        "cross_entropy": lambda out, y: _cross_entropy(out, y, positive_weight),
        "pearson": _pearson,
    }
    if name not in {**by_label, **whole}:
        what = "loss"
        raise unknown(what, name, [*by_label, *whole])
    if task_weights is not None and name in whole:
        msg = f"the loss {name} is one number a sequence and has no weights of outputs; leave out."
        raise InputError(msg)

    def loss(out: Tensor, y: Tensor) -> Tensor:
        if out.shape != y.shape:
            msg = (
                f"the model gives outputs of shape {tuple(out.shape)} for labels of shape "
                f"{tuple(y.shape)}; make it with n_outputs={y.shape[-1]}."
            )
            raise InputError(msg)
        if name in whole:
            return whole[name](out.float(), y)
        known = ~torch.isnan(y)
        each = by_label[name](out.float(), torch.where(known, y, 0.0))
        return _mean(each, known, task_weights)

    return loss


def _mean(each: Tensor, counted: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean of what counts, 0 where nothing does; weighted where there is a weight."""
    each = torch.where(counted, each, 0.0)
    if weight is None:
        return each.sum() / counted.sum().clamp(min=1)
    weight = weight.to(each.device) * counted
    return (each * weight).sum() / weight.sum().clamp(min=TINY)


def _bce(out: Tensor, y: Tensor, weight: Tensor | None) -> Tensor:
    return F.binary_cross_entropy_with_logits(
        out, y, reduction="none", pos_weight=None if weight is None else weight.to(out.device)
    )


def _focal(out: Tensor, y: Tensor, weight: Tensor | None, gamma: float) -> Tensor:
    missed = -torch.expm1(-_bce(out, y, None))  # 1 - probability of the label
    return missed.clamp(min=TINY) ** gamma * _bce(out, y, weight)


def _cross_entropy(out: Tensor, y: Tensor, weight: Tensor | None) -> Tensor:
    known = ~torch.isnan(y).any(1)
    truth = torch.where(known[:, None], y, 0.0).argmax(1)
    each = F.cross_entropy(out, truth, reduction="none")
    return _mean(each, known, None if weight is None else weight.to(out.device)[truth])


def _pearson(out: Tensor, y: Tensor) -> Tensor:
    """Mean over sequences whose known labels vary; of one that has fewer than two, nothing."""
    known = ~torch.isnan(y)
    n = known.sum(1, keepdim=True).clamp(min=1)
    a, b = (torch.where(known, v, 0.0) for v in (out, y))
    a, b = (torch.where(known, v - v.sum(1, keepdim=True) / n, 0.0) for v in (a, b))
    spread = (a**2).sum(1) * (b**2).sum(1)
    counted = torch.where(known, y, -torch.inf).amax(1) > torch.where(known, y, torch.inf).amin(1)
    return _mean(1 - (a * b).sum(1) / spread.clamp(min=TINY**2).sqrt(), counted)
