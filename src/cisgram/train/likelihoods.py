"""Log likelihoods of counts and numbers, and the divergence of a latent distribution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian(y: Tensor, mean: Tensor, log_sd: Tensor) -> Tensor:
    r"""Log density :math:`\log N(y; m, s^2)` of each number.

    Parameters
    ----------
    y, mean
        Any shape.
    log_sd
        log s, broadcast to it.

    Examples
    --------
    >>> round(gaussian(torch.zeros(1), torch.zeros(1), torch.zeros(1)).item(), 4)  # 1/sqrt(2 pi)
    -0.9189
    """
    scaled = (y - mean) * torch.exp(-log_sd)
    log_2pi = 1.8378770664093453
    return -0.5 * (scaled**2 + log_2pi) - log_sd


def negative_binomial(y: Tensor, log_mean: Tensor, dispersion: Tensor | float) -> Tensor:
    r"""Log probability of counts with mean m and variance m + a m^2.

    .. math:: \log \frac{\Gamma(y + r)}{\Gamma(r)\, y!}
              + r \log \frac{r}{r + m} + y \log \frac{m}{r + m}, \quad r = 1 / a

    Parameters
    ----------
    y
        Counts of any shape.
    log_mean
        log m, of the same shape.
    dispersion
        a > 0, broadcast to it.

    References
    ----------
    `scipy.stats.nbinom` calls r its ``n`` and r / (r + m) its ``p``.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> round(negative_binomial(one, one.log(), 1.0).exp().item(), 4)  # (1/2)^2
    0.25
    """
    r = 1 / torch.as_tensor(dispersion, dtype=log_mean.dtype, device=log_mean.device)
    log_r = r.log()
    choices = torch.lgamma(y + r) - torch.lgamma(r) - torch.lgamma(y + 1)
    total = torch.logaddexp(log_r.expand_as(log_mean), log_mean)
    return -((r + y) * total - r * log_r - y * log_mean - choices)


def zero_inflated(
    y: Tensor, log_mean: Tensor, dispersion: Tensor | float, logit_zero: Tensor
) -> Tensor:
    r"""Log probability of counts that are 0 with probability p, else negative binomial.

    .. math:: \log (p\, [y = 0] + (1 - p)\, NB(y; m, a)), \quad p = \sigma(\text{logit})

    Parameters
    ----------
    y, log_mean, dispersion
        As of `negative_binomial`.
    logit_zero
        log(p / (1 - p)), of the same shape.

    Examples
    --------
    >>> y, flat = torch.zeros(1), torch.zeros(1)
    >>> round(zero_inflated(y, flat, 1.0, flat).exp().item(), 4)  # 1/2 + 1/2 * 1/2
    0.75
    """
    counted = negative_binomial(y, log_mean, dispersion) + F.logsigmoid(-logit_zero)
    zero = torch.logaddexp(F.logsigmoid(logit_zero), counted)
    return torch.where(y == 0, zero, counted)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    r"""Kullback-Leibler divergence of N(m, s^2) from N(0, 1), in nats, by dimension.

    .. math:: \tfrac12 (m^2 + s^2 - 1 - \log s^2)

    Examples
    --------
    >>> divergence(torch.tensor([0.0, 1.0]), torch.zeros(2)).tolist()
    [0.0, 0.5]
    """
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)


def charged(nats: Tensor, free: float) -> Tensor:
    r"""The divergence that a loss counts: of each dimension, its mean over items above ``free``.

    .. math:: \sum_j \max(\tfrac1n \sum_i KL_{ij}, \lambda)

    So a dimension that says less than lambda nats costs nothing more by saying it, and is not
    given up before the decoder has learned to use it.

    Parameters
    ----------
    nats
        (n, latent), as `divergence` gives them.
    free
        lambda, at least 0.

    References
    ----------
    Kingma DP, Salimans T, Jozefowicz R, et al. (2016). Improved variational inference with inverse
    autoregressive flow. NeurIPS, equation 15.

    Examples
    --------
    >>> round(charged(torch.tensor([[0.0, 1.0], [0.1, 3.0]]), 0.5).item(), 4)
    2.5
    """
    return nats.mean(0).clamp(min=free).sum()
