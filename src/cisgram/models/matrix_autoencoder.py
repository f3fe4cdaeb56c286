"""Autoencoders of matrices: an item's known numbers to a few coordinates, and back to all."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.registry import unknown
from cisgram.models.base import check_share

LIKELIHOODS = ("gaussian", "nb", "zinb")
KINDS = ("denoising", "variational")
LARGEST = 12.0  # of a log ratio to the expected count: e^12 times as many


class Decoded(NamedTuple):
    """Parameters of the likelihood of every number.

    Attributes
    ----------
    location
        (n, d) the mean; of counts the log of the mean, less what is expected of row and column.
    scale
        (d,) log standard deviation; of counts the log of the dispersion.
    logit_zero
        (n, d) of ``zinb`` the log odds that a count is 0 for another reason.
    """

    location: Tensor
    scale: Tensor
    logit_zero: Tensor | None = None


class MatrixAutoencoder(nn.Module):
    """(n, d) numbers, and which of them are known, to coordinates and to all d numbers again.

    With h = SiLU(W [x * k, k] + b) the coordinates are z = V h (``denoising``) or drawn from N(m,
    s^2), both linear in h (``variational``); the numbers are linear in SiLU(U SiLU(z)). A denoising
    network also has a path past the coordinates, linear in [x * k, k], which may start as the
    regression of every feature on the others (`start_past`): what few items can teach.

    Parameters
    ----------
    features
        d.
    kind
        ``denoising`` or ``variational``.
    likelihood
        ``gaussian``, ``nb`` or ``zinb``.
    hidden, latent
        Units of the hidden layers, and coordinates.
    dropout
        In the hidden layers.

    References
    ----------
    Denoising: Vincent P, Larochelle H, Bengio Y, Manzagol PA (2008), ICML. Variational: Kingma DP,
    Welling M (2014), ICLR. Counts with a dispersion a feature and a network's mean: Eraslan et
    al. (2019), Nature Communications 10:390; there the input is scaled counts without a mask,
    because no count is taken for missing.

    Examples
    --------
    >>> net = MatrixAutoencoder(6, latent=2)
    >>> z, log_variance = net.encode(torch.zeros(3, 6), torch.ones(3, 6))
    >>> tuple(z.shape), log_variance is None
    ((3, 2), True)
    """

    def __init__(
        self,
        features: int,
        *,
        kind: str = "denoising",
        likelihood: str = "gaussian",
        hidden: int = 128,
        latent: int = 32,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        sizes = {"features": features, "hidden": hidden, "latent": latent}
        for name, size in sizes.items():
            check_positive(size, name=name)
        check_share(dropout, name="dropout")
        for what, asked, names in (
            ("kind of autoencoder", kind, KINDS),
            ("likelihood", likelihood, LIKELIHOODS),
        ):
            if asked not in names:
                raise unknown(what, asked, names)
        self.features, self.kind, self.likelihood = features, kind, likelihood
        self.latent = latent
        self.hidden = nn.Sequential(nn.Linear(2 * features, hidden), nn.SiLU(), nn.Dropout(dropout))
        self.coordinates = nn.Linear(hidden, latent * (2 if kind == "variational" else 1))
        self.back = nn.Sequential(
            nn.SiLU(), nn.Linear(latent, hidden), nn.SiLU(), nn.Dropout(dropout)
        )
        self.location = nn.Linear(hidden, features)
        self.past = nn.Linear(2 * features, features, bias=False) if kind == "denoising" else None
        is_plain = kind == "denoising" and likelihood == "gaussian"  # squared differences
        self.scale = nn.Parameter(torch.zeros(features), requires_grad=not is_plain)
        self.zero = nn.Linear(hidden, features) if likelihood == "zinb" else None
        for layer in (self.location, self.past, self.zero):  # begins at the means
            if layer is not None:
                nn.init.zeros_(layer.weight)
        if self.zero is not None:
            nn.init.constant_(self.zero.bias, -2.0)

    def encode(self, x: Tensor, known: Tensor) -> tuple[Tensor, Tensor | None]:
        """Coordinates (n, latent) of items and, where they are drawn, their log variance.

        Parameters
        ----------
        x
            (n, d) numbers; what is unknown counts for nothing, but must be finite.
        known
            (n, d) 1 where the number is known, else 0.
        """
        found: Tensor = self.coordinates(self.hidden(torch.cat([x * known, known], 1)))
        if self.kind == "denoising":
            return found, None
        mean, log_variance = found.chunk(2, 1)
        return mean, log_variance.clamp(-12, 6)

    def decode(self, z: Tensor, x: Tensor, known: Tensor) -> Decoded:
        """Parameters of all numbers, from coordinates and what is known."""
        h = self.back(z)
        location: Tensor = self.location(h)
        if self.past is not None:
            location = location + self.past(torch.cat([x * known, known], 1))
        if self.likelihood != "gaussian":
            location = location.clamp(-LARGEST, LARGEST)
        scale = self.scale.clamp(-6, 6)
        return Decoded(location, scale, None if self.zero is None else self.zero(h))

    def forward(self, x: Tensor, known: Tensor) -> tuple[Decoded, Tensor, Tensor | None]:
        """What the numbers are like, the coordinates (drawn in training), their log variance."""
        mean, log_variance = self.encode(x, known)
        z = mean
        if log_variance is not None and self.training:
            z = mean + torch.randn_like(mean) * torch.exp(log_variance / 2)
        return self.decode(z, x, known), mean, log_variance

    def start_past(self, x: Tensor, known: Tensor, shrinkage: float) -> None:
        r"""Start the path past the coordinates as a regression of each feature on the others.

        With C the covariance of the features over what is known and P the inverse of
        :math:`C + \lambda \lambda_1 I` (lambda the shrinkage, lambda_1 the largest eigenvalue),
        feature j is guessed as :math:`-\sum_{i \ne j} P_{ij} x_i / P_{jj}`.
        """
        if self.past is None:
            return
        wide, mask = (x * known).double(), known.double()
        covariance = wide.T @ wide / (mask.T @ mask).clamp(min=1)
        largest = torch.linalg.eigvalsh(covariance)[-1].clamp(min=1e-9)
        ridge = shrinkage * largest * torch.eye(self.features, dtype=torch.float64)
        precision = torch.linalg.pinv(covariance + ridge, hermitian=True)
        weight = -precision / precision.diagonal()[:, None]
        with torch.no_grad():
            self.past.weight.zero_()
            self.past.weight[:, : self.features] = weight.fill_diagonal_(0.0)
