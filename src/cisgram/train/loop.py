"""One training loop for every model, on any device, that resumes where it was killed.

All randomness is a function of (seed, epoch): data order, fresh negatives, strands and dropout.
The checkpoint after an epoch therefore holds weights, optimizer and history, and nothing random;
a job that was killed and resumed ends with the same bytes as one that was not (on a CPU, with the
same number of threads).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.data.dataset import Batch, Dataset, TrainingData, steps
from cisgram.models.predict import predict
from cisgram.train import metrics
from cisgram.train.adversary import guess_loss, with_adversary
from cisgram.train.check import check_regime
from cisgram.train.choice import is_over, score_of
from cisgram.train.device import make_accelerator
from cisgram.train.freeze import hold_norms
from cisgram.train.losses import Loss
from cisgram.train.objective import objective
from cisgram.train.optimizer import learning_rate, make_optimizer, weight_decay
from cisgram.train.options import TrainOptions
from cisgram.train.profiles import ProfileLoss, heads_of, profile_objective, validate_profiles
from cisgram.train.state import State, keep, resume
from cisgram.train.tasks import TASKS


def fit(
    model: nn.Module,
    data: TrainingData,
    options: TrainOptions,
    *,
    valid: Dataset,
    task: str = "classification",
    seed: int | None = None,
    device: str = "auto",
    factors: Mapping[str, float] | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[State], None] | None = None,
) -> State:
    """Fit a model; it ends with the weights of its best epoch on ``valid``.

    Parameters
    ----------
    model
        Maps a batch's inputs to outputs (n, t): logits for classification.
    data
        What it is fitted to.
    options
        How.
    valid
        Sequences with labels that choose the epoch; never trained on.
    task
        A name of `TASKS`.
    seed
        Default: the options' own.
    device
        ``auto`` (an accelerator when there is one), ``cpu`` or ``cuda``.
    factors
        Of the learning rate, by name of the weight; 1 where none is given. Weights that want no
        gradient stay, and norms of which all weights stay keep their statistics, too.
    checkpoint
        File to resume from and to keep; removed by the caller when the model is saved.
    progress
        Called after every epoch.

    Returns
    -------
    State
        History and best epoch.

    Raises
    ------
    InputError
        When these data cannot have the regime (`check_regime`), the loss or an output is not
        finite, or the checkpoint is damaged or of another model.
    """
    check_regime(options, data, valid=valid, task=task)
    seed = options.seed if seed is None else seed
    accelerator = make_accelerator(device, options.precision)
    network, model = model, with_adversary(model, data, options, seed=seed)
    if model is not network:
        factors = {f"network.{name}": factor for name, factor in (factors or {}).items()}
    optimizer = make_optimizer(model, options, factors=factors)
    loss: Loss | ProfileLoss = (
        profile_objective(options, data) if task == "profile" else objective(options, data, task)
    )
    state = resume(checkpoint, model, optimizer)
    model, optimizer = accelerator.prepare(model, optimizer)
    plain = accelerator.unwrap_model(model)  # the network, or the network with its adversary
    for epoch in range(len(state.history), options.epochs):
        if is_over(state, options):
            break
        began = time.perf_counter()
        torch.manual_seed(derive(seed, "dropout", epoch, accelerator.process_index))
        row = _train_epoch(
            accelerator, model, optimizer, loss, data=data, options=options, epoch=epoch, seed=seed
        )
        by_batch = options.adversary > 0 or options.sampling == "blocked"
        row |= _validate(network, valid, loss, task, row, by_batch=by_batch)
        state.history.append(row)
        score = score_of(row, options, task)
        if score > state.best_score or not state.best:
            state.best_score, state.best_epoch = score, epoch + 1
            state.best = {k: v.detach().cpu().clone() for k, v in plain.state_dict().items()}
        if checkpoint is not None and accelerator.is_main_process:
            keep(checkpoint, plain, optimizer, state)
        state.seconds.append(time.perf_counter() - began)
        if progress is not None and accelerator.is_main_process:
            progress(state)
    if options.select == "best" and state.best:
        plain.load_state_dict(state.best)
    plain.cpu()
    network.eval()
    return state


def _train_epoch(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Loss | ProfileLoss,
    *,
    data: TrainingData,
    options: TrainOptions,
    epoch: int,
    seed: int,
) -> dict[str, float]:
    model.train()
    hold_norms(model)
    passes = passes_of(data, options)
    per_epoch = passes * len(steps(len(data), options.batch_size))
    total, seen, rate = 0.0, 0, 0.0
    batches = chain.from_iterable(
        data.batches(
            epoch * passes + p,
            batch_size=options.batch_size,
            seed=seed,
            rank=accelerator.process_index,
            world=accelerator.num_processes,
            shuffle=options.shuffle,
            sampling=options.sampling,
        )
        for p in range(passes)
    )
    for step, batch in enumerate(batches):
        at = epoch * per_epoch + step
        rate = learning_rate(options, at, per_epoch)
        decay = weight_decay(options, at, per_epoch)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
            group["weight_decay"] = decay
        with accelerator.autocast():
            value = _loss_of(model, batch, loss, device=accelerator.device)
        optimizer.zero_grad()
        accelerator.backward(value)
        if options.clip is not None:
            clip = (
                accelerator.clip_grad_norm_
                if options.clip_by == "norm"
                else accelerator.clip_grad_value_
            )
            clip(model.parameters(), options.clip)
        optimizer.step()
        total += value.item() * len(batch.y)
        seen += len(batch.y)
    if not math.isfinite(total):
        what = f"The training loss became {total}"
        raise _diverged(what, epoch + 1, rate)
    return {"epoch": epoch + 1, "train_loss": total / seen, "learning_rate": rate}


def _loss_of(
    model: nn.Module, batch: Batch, loss: Loss | ProfileLoss, *, device: torch.device
) -> Tensor:
    """The loss of a step; with an adversary, its own beside it."""
    fields = {name: given.to(device) for name, given in batch.fields.items()}
    if isinstance(loss, ProfileLoss):
        assert batch.profile is not None
        heads = model(*(t.to(device) for t in batch.inputs), heads="whole", **fields)
        return loss(heads, batch.profile.to(device), batch.y.to(device))
    out = model(*(t.to(device) for t in batch.inputs), **fields)
    if isinstance(out, tuple):
        out, guess = out
        return loss(out, batch.y.to(device)) + guess_loss(guess, batch)
    return loss(out, batch.y.to(device))


def _diverged(what: str, epoch: float, rate: float) -> InputError:
    return InputError(
        f"{what} in epoch {epoch:g}, at the learning rate {rate:.3g}. Lower the learning rate "
        f"(--set train.learning_rate={rate / 10:.1g}) and check the labels."
    )


def _validate(
    model: nn.Module,
    valid: Dataset,
    loss: Loss | ProfileLoss,
    task: str,
    row: Mapping[str, float],
    *,
    by_batch: bool = False,
) -> dict[str, float]:
    """Loss and scores; with ``by_batch`` means over batch labels, which then count for nothing."""
    if isinstance(loss, ProfileLoss):
        heads = heads_of(model, valid)
        _check_finite(*heads, row=row)
        return validate_profiles(heads, valid, loss)
    out = predict(model, valid.codes, fields=valid.fields)
    _check_finite(out, row=row)
    y, outputs = valid.y.astype(np.float64), out.numpy().astype(np.float64)
    origins = np.array(valid.origins if by_batch and valid.origins else [""] * len(valid))
    found = [
        metrics.evaluate(
            y[origins == origin],
            outputs[origins == origin],
            outputs=valid.outputs,
            task=task,
            intervals=False,
        )
        for origin in np.unique(origins)
    ]
    scores = {"valid_loss": loss(out, torch.from_numpy(valid.y)).item()}
    return scores | {f"valid_{k}": _mean([f[k] for f in found]) for k in TASKS[task].kept}


def _check_finite(*outputs: Tensor, row: Mapping[str, float]) -> None:
    if not all(torch.isfinite(out).all() for out in outputs):
        what = "The outputs became infinite"
        raise _diverged(what, row["epoch"], row["learning_rate"])


def _mean(values: Sequence[float | None]) -> float:
    """Mean of the values that are there; NaN where none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan


def passes_of(data: TrainingData, options: TrainOptions) -> int:
    """How often an epoch passes over the data: several times when they are few.

    Every pass has its own order, negatives and strands.
    """
    return max(1, math.ceil(options.min_rows / max(len(data), 1)))
