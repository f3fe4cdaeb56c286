"""A plain loop of passes over items, for models without labels: resumed where it was killed.

All randomness is a function of (seed, epoch), as in `train.loop`: the checkpoint after an epoch
holds weights, optimizer and history, and nothing random.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor, nn

from cisgram.core.config import Options
from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.train.state import State, keep, resume


class PassOptions(Options):
    """How long and how fast."""

    epochs: int = Field(default=100, ge=1, le=100_000, description="passes, at most")
    patience: int = Field(default=25, ge=1, description="passes without a lower validation loss")
    batch_size: int = Field(default=128, ge=1, description="items in a step")
    least_steps: int = Field(default=20, ge=1, description="steps in a pass: few items come again")
    learning_rate: float = Field(default=1e-3, gt=0, description="the highest one")
    weight_decay: float = Field(default=0.1, ge=0)


def fit_passes(
    model: nn.Module,
    n: int,
    loss: Callable[[Tensor, int], Tensor],
    valid: Callable[[], dict[str, float]],
    options: PassOptions,
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: Callable[[State], None] | None = None,
) -> State:
    """Fit a model to n items; it ends with the weights of the pass that is best on ``valid``.

    Parameters
    ----------
    model
        What ``loss`` and ``valid`` run.
    n
        Number of items.
    loss
        Of items, by number, in a pass, counted from 0; it may draw from torch's generator.
    valid
        Scores without noise, called with the model in eval mode; ``valid_loss`` is the one that
        chooses, the others are kept.
    options
        How long and how fast; the rate rises over the first tenth and falls as a cosine.
    seed
        Of everything random.
    checkpoint
        File to resume from and to keep.
    progress
        Called after every pass.

    Raises
    ------
    InputError
        When the loss is not finite, or the checkpoint is damaged or of another model.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), options.learning_rate, weight_decay=options.weight_decay, fused=True
    )
    state = resume(checkpoint, model, optimizer)
    per_pass = max(math.ceil(n / options.batch_size), options.least_steps)
    for epoch in range(len(state.history), options.epochs):
        if epoch - state.best_epoch >= options.patience and state.best:
            break
        began = time.perf_counter()
        torch.manual_seed(derive(seed, "pass", epoch))
        model.train()
        total = 0.0
        for step, rows in enumerate(_batches(n, per_pass, options.batch_size)):
            along = (epoch * per_pass + step) / (options.epochs * per_pass)
            for group in optimizer.param_groups:
                group["lr"] = options.learning_rate * _risen(along)
            value = loss(rows, epoch)
            optimizer.zero_grad()
            torch.autograd.backward(value)
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += value.item()
        if not math.isfinite(total):
            msg = (
                f"The loss became infinite in pass {epoch + 1}. Lower the learning rate "
                f"(learning_rate={options.learning_rate / 10:.1g})."
            )
            raise InputError(msg)
        model.eval()
        with torch.inference_mode():
            scores = valid()
        row = {"epoch": epoch + 1.0, "train_loss": total / per_pass} | scores
        state.history.append(row)
        if -scores["valid_loss"] > state.best_score or not state.best:
            state.best_score, state.best_epoch = -scores["valid_loss"], epoch + 1
            state.best = {k: v.detach().clone() for k, v in model.state_dict().items()}
        if checkpoint is not None:
            keep(checkpoint, model, optimizer, state)
        state.seconds.append(time.perf_counter() - began)
        if progress is not None:
            progress(state)
    model.load_state_dict(state.best)
    model.eval()
    return state


def _batches(n: int, steps: int, size: int) -> list[Tensor]:
    """Items of each step of a pass: as many permutations as are needed, one after the other."""
    size = min(size, n)
    rows = torch.cat([torch.randperm(n) for _ in range(math.ceil(steps * size / n))])
    return [rows[i * size : (i + 1) * size] for i in range(steps)]


def _risen(along: float) -> float:
    """Share of the learning rate at a share of all steps."""
    warm = 0.1
    if along < warm:
        return along / warm + 1e-3
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (along - warm) / (1 - warm))) / 2
