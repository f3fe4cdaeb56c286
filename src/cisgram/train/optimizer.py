"""The optimizer of the options, and its learning rate at every step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from cisgram.core.errors import InputError
from cisgram.train.options import TrainOptions


def make_optimizer(
    model: nn.Module, options: TrainOptions, *, factors: Mapping[str, float] | None = None
) -> torch.optim.Optimizer:
    """The optimizer of the options over all weights that want a gradient.

    ``factors`` of the learning rate by name of the weight, 1 where none is given, stand in the
    groups of the optimizer as ``factor``.
    """
    by_factor: dict[float, list[nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            by_factor.setdefault((factors or {}).get(name, 1.0), []).append(weight)
    if not by_factor:
        msg = "the model has no weights to train."
        raise InputError(msg)
    weights: list[dict[str, Any]] = [{"params": p, "factor": f} for f, p in by_factor.items()]
    rate, decay = options.learning_rate, options.weight_decay
    if options.optimizer == "sgd":
        return torch.optim.SGD(
            weights,
            rate,
            momentum=options.momentum,
            weight_decay=decay,
            nesterov=options.momentum > 0,
        )
    kind = torch.optim.AdamW if options.optimizer == "adamw" else torch.optim.Adam
    return kind(weights, rate, weight_decay=decay, fused=True)


def weight_decay(options: TrainOptions, step: int, per_epoch: int) -> float:
    """Weight decay of a step.

    ``late``: none in the warm-up, then in proportion to how far the rate has fallen. A network that
    starts on a plateau is not held there, and its weights are small in the end.
    """
    if options.decay == "constant":
        return options.weight_decay
    if step < _warm(options, per_epoch):
        return 0.0
    fallen = 1 - learning_rate(options, step, per_epoch) / options.learning_rate
    return options.weight_decay * fallen


def learning_rate(options: TrainOptions, step: int, per_epoch: int) -> float:
    """Learning rate of a step: a linear warm-up, then the schedule.

    ``cosine`` falls to 1 % at the last epoch; ``halve`` halves every ``halve_every`` epochs.
    """
    total = options.epochs * per_epoch
    warm = _warm(options, per_epoch)
    if step < warm:
        return options.learning_rate * (step + 1) / warm
    if options.schedule == "halve":
        return options.learning_rate * 0.5 ** (step // per_epoch // options.halve_every)
    if options.schedule == "constant":
        return options.learning_rate
    along = (step - warm) / max(total - warm, 1)
    return options.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * along)) / 2)


def _warm(options: TrainOptions, per_epoch: int) -> int:
    """Steps of the warm-up."""
    return int(options.warmup * options.epochs * per_epoch)
