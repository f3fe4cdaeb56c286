"""One training loop for every model, on any device, that resumes where it was killed.

All randomness is a function of (seed, epoch): data order, fresh negatives, strands and dropout.
The checkpoint after an epoch therefore holds weights, optimizer and history, and nothing random;
a job that was killed and resumed ends with the same bytes as one that was not (on a CPU, with the
same number of threads).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.data.dataset import Dataset, TrainingData, steps
from cisgram.models.predict import predict
from cisgram.train import metrics
from cisgram.train.losses import Loss, loss_function
from cisgram.train.options import TrainOptions
from cisgram.train.state import State, keep, resume

SCORES = {"classification": ("auroc", "auprc"), "regression": ("pearson",)}  # larger is better
KEPT = {"classification": ("auroc", "auprc"), "regression": ("pearson", "mse")}


def fit(
    model: nn.Module,
    data: TrainingData,
    options: TrainOptions,
    *,
    valid: Dataset,
    task: str = "classification",
    seed: int | None = None,
    device: str = "auto",
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
        ``classification`` or ``regression``.
    seed
        Default: the options' own.
    device
        ``auto`` (an accelerator when there is one), ``cpu`` or ``cuda``.
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
        When ``valid`` cannot choose the epoch, the loss or an output is not finite, or the
        checkpoint is damaged or of another model.
    """
    check_choice(options, valid, task)
    seed = options.seed if seed is None else seed
    accelerator = make_accelerator(device, options.precision)
    optimizer = make_optimizer(model, options)
    positive_weight = _positive_weight(data, options, task)
    loss = loss_function(_loss_name(options, task), positive_weight=positive_weight)
    state = resume(checkpoint, model, optimizer)
    model, optimizer = accelerator.prepare(model, optimizer)
    plain = accelerator.unwrap_model(model)
    for epoch in range(len(state.history), options.epochs):
        if _is_over(state, options):
            break
        began = time.perf_counter()
        torch.manual_seed(derive(seed, "dropout", epoch, accelerator.process_index))
        row = _train_epoch(
            accelerator, model, optimizer, loss, data=data, options=options, epoch=epoch, seed=seed
        )
        row |= _validate(plain, valid, loss, task, row)
        state.history.append(row)
        score = _score(row, options, task)
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
    plain.cpu().eval()
    return state


def _train_epoch(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Loss,
    *,
    data: TrainingData,
    options: TrainOptions,
    epoch: int,
    seed: int,
) -> dict[str, float]:
    model.train()
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
        )
        for p in range(passes)
    )
    for step, batch in enumerate(batches):
        rate = learning_rate(options, epoch * per_epoch + step, per_epoch)
        for group in optimizer.param_groups:
            group["lr"] = rate
        inputs = [t.to(accelerator.device) for t in batch.inputs]
        with accelerator.autocast():
            value = loss(model(*inputs), batch.y.to(accelerator.device))
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


def _diverged(what: str, epoch: float, rate: float) -> InputError:
    return InputError(
        f"{what} in epoch {epoch:g}, at the learning rate {rate:.3g}. Lower the learning rate "
        f"(--set train.learning_rate={rate / 10:.1g}) and check the labels."
    )


def _validate(
    model: nn.Module, valid: Dataset, loss: Loss, task: str, row: Mapping[str, float]
) -> dict[str, float]:
    out = predict(model, valid.codes)
    if not torch.isfinite(out).all():
        what = "The outputs became infinite"
        raise _diverged(what, row["epoch"], row["learning_rate"])
    found = metrics.evaluate(
        valid.y.astype(np.float64),
        out.numpy().astype(np.float64),
        outputs=valid.outputs,
        task=task,
        intervals=False,
    )
    scores = {"valid_loss": loss(out, torch.from_numpy(valid.y)).item()}
    return scores | {f"valid_{k}": math.nan if found[k] is None else found[k] for k in KEPT[task]}


def passes_of(data: TrainingData, options: TrainOptions) -> int:
    """How often an epoch passes over the data: several times when they are few.

    Every pass has its own order, negatives and strands.
    """
    return max(1, math.ceil(options.min_rows / max(len(data), 1)))


def learning_rate(options: TrainOptions, step: int, per_epoch: int) -> float:
    """Learning rate of a step: a linear warm-up, then the schedule.

    ``cosine`` falls to 1 % at the last epoch; ``halve`` halves every ``halve_every`` epochs.
    """
    total = options.epochs * per_epoch
    warm = int(options.warmup * total)
    if step < warm:
        return options.learning_rate * (step + 1) / warm
    if options.schedule == "halve":
        return options.learning_rate * 0.5 ** (step // per_epoch // options.halve_every)
    if options.schedule == "constant":
        return options.learning_rate
    along = (step - warm) / max(total - warm, 1)
    return options.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * along)) / 2)


def make_optimizer(model: nn.Module, options: TrainOptions) -> torch.optim.Optimizer:
    """The optimizer of the options over all weights that want a gradient."""
    weights = [p for p in model.parameters() if p.requires_grad]
    if not weights:
        msg = "the model has no weights to train."
        raise InputError(msg)
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


def make_accelerator(device: str, precision: str) -> Accelerator:
    """Accelerate's view of the device: ``auto``, ``cpu`` or ``cuda``."""
    if device not in ("auto", "cpu", "cuda"):
        msg = f"device must be auto, cpu or cuda; got {device!r}."
        raise InputError(msg)
    if device == "cuda" and not torch.cuda.is_available():
        msg = "device cuda was asked for and torch finds none. Take --device auto."
        raise InputError(msg)
    wanted = {"cpu": device == "cpu", "mixed_precision": "bf16" if precision == "bf16" else "no"}
    try:
        return Accelerator(**wanted)
    except ValueError:
        # Accelerate keeps one state a process and refuses another device or precision.
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        AcceleratorState._reset_state(reset_partial_state=not distributed)
        return Accelerator(**wanted)


def _loss_name(options: TrainOptions, task: str) -> str:
    if options.loss != "auto":
        return options.loss
    return "bce" if task == "classification" else "mse"


def _positive_weight(data: TrainingData, options: TrainOptions, task: str) -> Tensor | None:
    if options.class_weights == "none" or task != "classification":
        return None
    share = np.clip(data.positive_share, 1e-6, 1 - 1e-6)
    return torch.tensor((1 - share) / share, dtype=torch.float32)


def check_choice(options: TrainOptions, valid: Dataset, task: str) -> None:
    """Raise `InputError` unless the validation set can choose the epoch as the options ask."""
    by = _chosen_by(options, task)
    if by not in (*SCORES[task], "loss"):
        msg = (
            f"train.stop_on={by} does not fit a {task} task; take auto, loss, "
            f"{' or '.join(SCORES[task])}."
        )
        raise InputError(msg)
    if task != "classification" or by == "loss":
        return
    kinds = [np.unique(column[~np.isnan(column)]) for column in valid.y.T]
    if all(len(found) < 2 for found in kinds):
        msg = (
            f"the validation set ({len(valid)} sequences) holds labels of one kind only, so that "
            f"{by} cannot choose the epoch. Hold out more (data.valid_fraction) or other "
            "sequences, or choose by loss (train.stop_on=loss)."
        )
        raise InputError(msg)


def _chosen_by(options: TrainOptions, task: str) -> str:
    return SCORES[task][0] if options.stop_on == "auto" else options.stop_on


def _score(row: Mapping[str, float], options: TrainOptions, task: str) -> float:
    """The validation score that chooses the epoch; larger is better, NaN never."""
    by = _chosen_by(options, task)
    value = -row["valid_loss"] if by == "loss" else row[f"valid_{by}"]
    return -math.inf if math.isnan(value) else value


def _is_over(state: State, options: TrainOptions) -> bool:
    return bool(state.history) and len(state.history) - state.best_epoch >= options.patience
