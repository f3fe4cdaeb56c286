"""Autoencoders fitted to a matrix with holes, and the numbers that they put there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from torch import Tensor

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.data.matrix_fills import both_means, check_matrix
from cisgram.models.matrix_autoencoder import Decoded, MatrixAutoencoder
from cisgram.train.likelihoods import (
    charged,
    divergence,
    gaussian,
    negative_binomial,
    zero_inflated,
)
from cisgram.train.passes import PassOptions, fit_passes
from cisgram.train.state import State

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
SHRINKAGES = (1.0, 0.3, 0.1, 0.03, 0.01)
MOST = 2000  # features; of more, no regression of each on all the others is made
ACTIVE = 0.01  # variance of a coordinate's mean over items, from which on it is in use


def _two(value: Any) -> Any:
    """Two numbers in a tuple; on the command line also one text with a comma."""
    parts = value.split(",") if isinstance(value, str) else value
    try:
        low, high = (float(part) for part in parts)
    except (TypeError, ValueError):
        msg = "two numbers are needed, as in hide=0.05,0.3"
        raise ValueError(msg) from None
    return low, high


class AutoencoderOptions(PassOptions):
    """Which autoencoder, and how it is fitted."""

    kind: Literal["denoising", "variational"] = Field(
        default="denoising", description="hide numbers and guess them; or draw the coordinates"
    )
    likelihood: Literal["auto", "gaussian", "nb", "zinb"] = Field(
        default="auto", description="of a number; auto: nb where all are counts"
    )
    hidden: int = Field(default=128, ge=1, description="units of a hidden layer")
    latent: int = Field(default=32, ge=1, description="coordinates")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="in hidden layers")
    hide: Annotated[tuple[float, float], BeforeValidator(_two)] = Field(
        default=(0.05, 0.3), description="shares of an item's numbers that are hidden in a step"
    )
    warmup: float = Field(
        default=0.3, ge=0, lt=1, description="share of the passes in which the divergence grows"
    )
    beta: float = Field(default=1.0, ge=0, description="weight of the divergence, at its highest")
    free: float = Field(default=0.05, ge=0, description="nats of a coordinate that cost nothing")
    members: int = Field(default=3, ge=1, le=50, description="networks whose guesses are averaged")

    @field_validator("hide")
    @classmethod
    def _some_are_hidden(
        cls, hide: tuple[float, float], info: ValidationInfo
    ) -> tuple[float, float]:
        low, high = hide
        if not 0 <= low <= high < 1:
            msg = "the lower share is needed first, and both from 0 to less than 1"
            raise ValueError(msg)
        if high == 0 and info.data.get("kind") == "denoising":
            msg = "a denoising autoencoder has nothing to guess; take hide=0.05,0.3"
            raise ValueError(msg)
        return hide


@dataclass(frozen=True, eq=False)
class MatrixInput:
    """A matrix as a network sees it.

    Attributes
    ----------
    x
        (n, d) input, 0 where nothing is known: of numbers, what they have beyond the means of row
        and column, in standard deviations; of counts, the logarithm of their ratio to what is
        expected, log((y + 1) / (e + 1)).
    y
        (n, d) what the likelihood is of: ``x``, or the counts.
    known
        (n, d) 1 where a number is known.
    base
        (n, d) means of row and column; of counts the log of what is expected, row total times
        column total over all (of what is known).
    unit
        Standard deviation; 1 of counts.
    """

    x: Tensor
    y: Tensor
    known: Tensor
    base: Tensor
    unit: float


def are_counts(values: Array) -> bool:
    """True where every known number is an integer of at least 0."""
    known = values[~np.isnan(values)]
    return bool((known >= 0).all() and (known == np.round(known)).all())


def likelihood_of(values: Array, asked: str) -> str:
    """The likelihood that is meant by ``auto``, or the one that was asked for.

    Raises
    ------
    InputError
        When one of counts is asked for numbers that are none.
    """
    if asked == "auto":
        return "nb" if are_counts(values) else "gaussian"
    if asked != "gaussian" and not are_counts(values):
        msg = f"likelihood={asked} is one of counts, integers of at least 0; take gaussian or auto."
        raise InputError(msg)
    return asked


def prepare_matrix(values: Array, likelihood: str, *, hidden: Mask | None = None) -> MatrixInput:
    """A matrix as a network sees it, without the numbers that are hidden.

    Raises
    ------
    InputError
        When a row or a column has nothing left, or of numbers nothing varies.
    """
    visible = values if hidden is None else np.where(hidden, np.nan, values)
    check_matrix(visible)
    known = ~np.isnan(visible)
    y = np.where(np.isnan(values), 0.0, values)
    if likelihood == "gaussian":
        base = both_means(visible)
        unit = float(np.sqrt(((visible - base)[known] ** 2).mean()))
        if unit == 0:
            msg = "Every number is the mean of its row and column: there is nothing to learn."
            raise InputError(msg)
        x = np.where(np.isnan(values), 0.0, (values - base) / unit)
        seen = _tensor(x)
        return MatrixInput(seen, seen, _tensor(known), _tensor(base), unit)
    base = np.log(expected_counts(visible))
    x = np.where(np.isnan(values), 0.0, np.log1p(y) - np.log1p(np.exp(base)))
    return MatrixInput(_tensor(x), _tensor(y), _tensor(known), _tensor(base), 1.0)


def expected_counts(values: Array) -> Array:
    """(n, d) rate of the row times rate of the column, fitted to the known counts.

    The margins of what is known agree: sums over the known counts of a row (a column) are those
    of its expected ones, by fitting them in turns; the least count of a row or column is 1/2.
    """
    known = ~np.isnan(values)
    y = np.where(known, values, 0.0)
    rows, columns = np.ones(len(y)), np.ones(y.shape[1])
    for _ in range(20):
        rows = np.maximum(y.sum(1), 0.5) / (known @ columns)
        columns = np.maximum(y.sum(0), 0.5) / (rows @ known)
    return np.asarray(np.outer(rows, columns))


def fit_matrix(
    values: Array,
    options: AutoencoderOptions,
    *,
    valid: Mask,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: Callable[[State], None] | None = None,
) -> tuple[MatrixAutoencoder, State]:
    """An autoencoder fitted to the known numbers of a matrix.

    A denoising one is shown a part of an item's numbers and learns to guess the others. A
    variational one is shown a part, too, and maximizes the evidence bound of all: the log
    likelihood less beta times the divergence of its coordinates from N(0, 1), which grows over the
    first passes so that the coordinates are in use before they cost anything.

    Parameters
    ----------
    values
        (n, d), NaN where missing.
    options
        Which and how.
    valid
        (n, d) known numbers that are kept from the network and choose the pass.
    seed, checkpoint, progress
        As of `fit_passes`.

    Returns
    -------
    tuple
        The network with the weights of its best pass, and the history: mean losses of a number, of
        a variational network also ``divergence`` in nats an item and ``active`` coordinates.

    Raises
    ------
    InputError
        As of `prepare_matrix` and `likelihood_of`.
    """
    likelihood = likelihood_of(values, options.likelihood)
    data = prepare_matrix(values, likelihood, hidden=valid)
    torch.manual_seed(derive(seed, "weights"))
    net = new_autoencoder(values.shape[1], likelihood, options)
    judged = torch.from_numpy(valid & ~np.isnan(values))

    def loss(rows: Tensor, epoch: int) -> Tensor:
        known = data.known[rows]
        low, high = options.hide
        share = low + (high - low) * torch.rand(len(rows), 1)
        shown = known * (torch.rand_like(known) >= share)
        decoded, mean, log_variance = net(data.x[rows], shown)
        each = -log_likelihood(data, decoded, rows, likelihood)
        if log_variance is None:
            guessed = known - shown
            return (each * guessed).sum() / guessed.sum().clamp(min=1)
        nats = len(rows) * charged(divergence(mean, log_variance), options.free)
        weight = options.beta * grown(epoch, epochs=options.epochs, warmup=options.warmup)
        return ((each * known).sum() + weight * nats) / known.sum()

    def score() -> dict[str, float]:
        rows = torch.arange(len(data.x))
        decoded, mean, log_variance = net(data.x, data.known)
        each = -log_likelihood(data, decoded, rows, likelihood)
        found = {"valid_loss": each[judged].mean().item()}
        if log_variance is not None:
            nats = divergence(mean, log_variance).sum(1).mean().item()
            found |= {"divergence": nats, "active": float(n_active(mean))}
        return found

    _start(net, data, score)
    state = fit_passes(
        net, len(values), loss, score, options, seed=seed, checkpoint=checkpoint, progress=progress
    )
    return net, state


def _start(
    net: MatrixAutoencoder, data: MatrixInput, score: Callable[[], dict[str, float]]
) -> None:
    """Start the linear path with the shrinkage that guesses the validation numbers best, if any."""
    if net.past is None or net.features > MOST:
        return
    net.eval()
    found: list[float] = []
    with torch.inference_mode():
        plain = score()["valid_loss"]
    for shrinkage in SHRINKAGES:
        net.start_past(data.x, data.known, shrinkage)
        with torch.inference_mode():
            found.append(score()["valid_loss"])
    if min(found) < plain:
        net.start_past(data.x, data.known, SHRINKAGES[found.index(min(found))])
    else:
        torch.nn.init.zeros_(net.past.weight)


def new_autoencoder(
    features: int, likelihood: str, options: AutoencoderOptions
) -> MatrixAutoencoder:
    """The network of the options with new weights."""
    return MatrixAutoencoder(
        features,
        kind=options.kind,
        likelihood=likelihood,
        hidden=options.hidden,
        latent=options.latent,
        dropout=options.dropout,
    )


def grown(epoch: int, *, epochs: int, warmup: float) -> float:
    """Share of its weight that the divergence has in a pass, counted from 0.

    Examples
    --------
    >>> [grown(e, epochs=10, warmup=0.5) for e in (0, 1, 4, 9)]
    [0.2, 0.4, 1.0, 1.0]
    """
    warm = warmup * epochs
    return min(1.0, (epoch + 1) / warm) if warm >= 1 else 1.0


def log_likelihood(data: MatrixInput, decoded: Decoded, rows: Tensor, likelihood: str) -> Tensor:
    """(n, d) log likelihood of every number of some items; of no meaning where it is missing."""
    y, (location, scale, logit_zero) = data.y[rows], decoded
    if likelihood == "gaussian":
        return gaussian(y, location, scale)
    log_mean, dispersion = location + data.base[rows], scale.exp()
    if logit_zero is None:
        return negative_binomial(y, log_mean, dispersion)
    return zero_inflated(y, log_mean, dispersion, logit_zero)


def n_active(means: Tensor) -> int:
    """Coordinates whose mean varies over items by more than a hundredth: the others say nothing.

    References
    ----------
    Burda Y, Grosse R, Salakhutdinov R (2016). Importance weighted autoencoders. ICLR, section 5.

    Examples
    --------
    >>> n_active(torch.tensor([[0.0, 1.0], [0.01, -1.0]]))
    1
    """
    return int((means.var(0, correction=0) > ACTIVE).sum())


def guesses(net: MatrixAutoencoder, values: Array, *, hidden: Mask | None = None) -> Array:
    """(n, d) what the network expects of every number, in its own unit; of counts their mean."""
    data = prepare_matrix(values, net.likelihood, hidden=hidden)
    with torch.inference_mode():
        decoded, _, _ = net.eval()(data.x, data.known)
        if net.likelihood == "gaussian":
            out = decoded.location * data.unit + data.base
        else:
            out = torch.exp(decoded.location + data.base)
            if decoded.logit_zero is not None:
                out = out * torch.sigmoid(-decoded.logit_zero)
    return np.asarray(out.numpy(), dtype=np.float64)


def coordinates(net: MatrixAutoencoder, values: Array) -> tuple[Array, Array | None]:
    """(n, latent) means of the items' coordinates and, where they are drawn, log variances."""
    data = prepare_matrix(values, net.likelihood)
    with torch.inference_mode():
        mean, log_variance = net.eval().encode(data.x, data.known)
    wide = np.asarray(mean.numpy(), dtype=np.float64)
    return wide, None if log_variance is None else log_variance.numpy().astype(np.float64)


def _tensor(values: Array | Mask) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
