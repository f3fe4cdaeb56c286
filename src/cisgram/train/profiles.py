"""Profiles: their loss, their scores, and a model's two heads for many sequences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.data.dataset import Dataset, TrainingData
from cisgram.models.predict import predict
from cisgram.models.profile import ProfileNetwork
from cisgram.train import metrics
from cisgram.train.options import TrainOptions

Array = NDArray[np.float64]
COUNTS = 1  # column of the labels that holds log(1 + total)
SHARE = 0.1  # of the median total: weight of the counts, as ChromBPNet takes it


@dataclass(frozen=True, slots=True)
class ProfileLoss:
    r"""Multinomial loss of the profile of each strand, and a weighted squared error of the counts.

    With counts k of a strand, their sum N, and p the softmax of its logits,

    .. math:: -\log \frac{N!}{\prod_i k_i!} \prod_i p_i^{k_i}

    summed over strands, plus ``weight`` times (log(1 + total) - output)^2; the mean over
    sequences.

    References
    ----------
    Avsec et al. 2021, Nat Genet 53:354, equation 1.
    """

    weight: float

    def __call__(self, heads: tuple[Tensor, Tensor], profile: Tensor, y: Tensor) -> Tensor:
        """The mean over (n, strands, width) counts and (n, t) labels."""
        logits, counts = heads
        if logits.shape != profile.shape:
            msg = (
                f"the model gives profiles of shape {tuple(logits.shape)} for labels of shape "
                f"{tuple(profile.shape)}."
            )
            raise InputError(msg)
        wrong = (counts[:, 0].float() - y[:, COUNTS]) ** 2
        value: Tensor = (multinomial_nll(logits.float(), profile) + self.weight * wrong).mean()
        return value


def multinomial_nll(logits: Tensor, counts: Tensor) -> Tensor:
    """(n,) minus the log likelihood of (n, strands, width) counts, given their sums.

    Examples
    --------
    >>> half = multinomial_nll(torch.zeros(1, 1, 2), torch.tensor([[[1.0, 1.0]]]))
    >>> round(half.exp().item(), 4)  # one over 2 * 1/2 * 1/2
    2.0
    """
    ways = torch.lgamma(counts.sum(2) + 1) - torch.lgamma(counts + 1).sum(2)
    each = (counts * torch.log_softmax(logits, 2)).sum(2)
    return -(ways + each).sum(1)


def profile_objective(options: TrainOptions, data: TrainingData) -> ProfileLoss:
    """The loss that the options mean on these data.

    Raises
    ------
    InputError
        When the options ask for what a profile has not.
    """
    refused = {
        "train.loss": options.loss != "auto",
        "train.task_weights": bool(options.task_weights),
        "train.class_weights": options.class_weights != "none",
        "train.adversary": options.adversary > 0,
    }
    asked = [name for name, is_asked in refused.items() if is_asked]
    if asked:
        msg = (
            f"{asked[0]} does not go with a profile, whose loss is the multinomial one and "
            "train.count_weight times that of the counts. Leave it out."
        )
        raise InputError(msg)
    if options.count_weight is not None:
        return ProfileLoss(options.count_weight)
    total = np.expm1(data.data.y[:, COUNTS].astype(np.float64))
    return ProfileLoss(SHARE * max(float(np.median(total)), 1.0))


def start_counts(model: nn.Module, data: TrainingData) -> None:
    """Let a new model's log counts begin at the mean of the training windows, in place.

    Of a model with a bias, whose counts are added to the bias's, this is what makes it learn any:
    the gradient of log(exp(a) + exp(b)) at a far below b is next to nothing.
    """
    network = getattr(model, "network", None)
    if isinstance(network, ProfileNetwork):
        network.start_at(float(data.data.y[:, COUNTS].mean()))


class Heads(nn.Module):
    """Both heads of a model as one flat output, (n, strands * width + 1)."""

    def __init__(self, model: nn.Module, part: str) -> None:
        super().__init__()
        self.model, self.part = model, part

    def forward(self, x: Tensor, **fields: Tensor) -> Tensor:
        """Flat logits, then log counts."""
        profile, counts = self.model(x, heads=self.part, **fields)
        return torch.cat([profile.flatten(1), counts], 1)


def heads_of(
    model: nn.Module, data: Dataset, *, part: str = "whole", batch_size: int = 128
) -> tuple[Tensor, Tensor]:
    """Profile logits (n, strands, width) and log counts (n, 1) of a model for many sequences.

    ``part`` of a model with a bias: ``whole``, ``bias`` or ``corrected``.
    """
    assert data.profile is not None
    out = predict(Heads(model, part), data.codes, fields=data.fields, batch_size=batch_size)
    return out[:, :-1].reshape(len(out), *data.profile.shape), out[:, -1:]


def validate_profiles(
    heads: tuple[Tensor, Tensor], valid: Dataset, loss: ProfileLoss
) -> dict[str, float]:
    """Loss, divergence and correlation of counts on the validation set, for the history.

    The divergence is NaN where no validation window has counts.
    """
    assert valid.profile is not None
    observed = torch.from_numpy(valid.profile[:])
    y = torch.from_numpy(valid.y)
    score = metrics.pearson(
        valid.y[:, COUNTS].astype(np.float64), heads[1][:, 0].numpy().astype(np.float64)
    )
    distance = profile_distances(observed.numpy(), probabilities(heads[0]))
    known = distance[~np.isnan(distance)]
    return {
        "valid_loss": loss(heads, observed, y).item(),
        "valid_jsd": float(known.mean()) if len(known) else math.nan,
        "valid_pearson": score,
    }


def probabilities(logits: Tensor) -> Array:
    """(n, strands, width) shares of the counts of each strand."""
    return torch.softmax(logits.double(), 2).numpy()


def profile_distances(counts: NDArray[Any], shares: Array) -> Array:
    """(n,) Jensen-Shannon distance of observed and predicted profile, mean over strands.

    The root of the divergence in bits: 0 where they are equal, 1 where they share nothing. NaN
    where a window has no counts; a strand without counts is left out.

    Examples
    --------
    >>> profile_distances(np.array([[[3, 0]]]), np.array([[[1.0, 0]]])).tolist()
    [0.0]
    >>> profile_distances(np.array([[[0, 5]]]), np.array([[[1.0, 0]]])).tolist()
    [1.0]
    """
    total = counts.sum(2, keepdims=True, dtype=np.float64)
    p = np.divide(counts, total, where=total > 0, out=np.full(counts.shape, np.nan))
    q = np.broadcast_to(shares, p.shape)
    middle = (p + q) / 2
    divergence = (_bits(p, middle) + _bits(q, middle)) / 2  # (n, strands)
    known = ~np.isnan(divergence)
    each = np.sqrt(np.clip(np.where(known, divergence, 0), 0, 1)).sum(1)
    n = known.sum(1)
    return np.where(n > 0, each / np.maximum(n, 1), np.nan)


def _bits(p: Array, q: Array) -> Array:
    """Kullback-Leibler divergence over the last axis."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log2(p / q), np.where(np.isnan(p), np.nan, 0))
    return np.asarray(terms.sum(2), dtype=np.float64)


def average_profile(data: Dataset) -> Array:
    """(strands, width) shares of all counts of the windows: the profile without any sequence."""
    assert data.profile is not None
    total = data.profile[:].sum(0, dtype=np.float64) + 1e-6
    return np.asarray(total / total.sum(1, keepdims=True), dtype=np.float64)


def evaluate_profiles(
    data: Dataset,
    heads: dict[str, tuple[Tensor, Tensor]],
    *,
    average: Array,
    seed: int = 0,
) -> dict[str, Any]:
    """Scores of profiles and counts on windows, with bootstrap intervals.

    Parameters
    ----------
    data
        Windows with labels.
    heads
        Logits and log counts by part: ``whole``, and of a model with a bias ``bias`` alone and
        ``corrected``.
    average
        Shares of the average profile of the training windows, which the model has to beat.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``n``; of the whole ``jsd`` (mean Jensen-Shannon distance; smaller is better),
        ``jsd_average`` of the average profile, ``pearson`` and ``spearman`` of log counts, each
        with its interval; and in ``per_output`` the same of each part. ``outputs`` is 1: these
        are no means over parts.
    """
    assert data.profile is not None
    observed, y = data.profile[:], data.y[:, COUNTS].astype(np.float64)
    base = profile_distances(observed, np.broadcast_to(average, observed.shape))
    per_output = []
    for part, (logits, counts) in heads.items():
        start = "" if part == "whole" else f"{part}_"
        own = {"output": f"{start}profile", "n": int((~np.isnan(base)).sum())}
        distance = profile_distances(observed, probabilities(logits))
        own |= _with_interval("jsd", distance, seed) | _with_interval("jsd_average", base, seed)
        per_output.append(own | _with_interval("jsd_lead", base - distance, seed))
        found = metrics.evaluate_output(
            y,
            counts[:, 0].numpy().astype(np.float64),
            task="regression",
            threshold=None,
            seed=seed,
        )
        per_output.append({"output": f"{start}counts"} | found)
    top = {k: v for o in reversed(per_output[:2]) for k, v in o.items() if k != "output"}
    return top | {"n": len(data), "outputs": 1, "per_output": per_output}


def _with_interval(name: str, values: Array, seed: int) -> dict[str, Any]:
    """Mean of what is known, and its 95 % bootstrap interval."""
    known = values[~np.isnan(values)]
    if not len(known):
        return {name: None, f"{name}_interval": None}
    random = generator(seed, "bootstrap", len(known))
    means = [known[random.integers(0, len(known), len(known))].mean() for _ in range(500)]
    low, high = np.percentile(means, [2.5, 97.5])
    return {name: float(known.mean()), f"{name}_interval": [float(low), float(high)]}
