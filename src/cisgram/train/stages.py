"""Training on augmented sequences, then a few epochs on the sequences as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from cisgram.core.seeds import derive
from cisgram.data.dataset import TrainingData
from cisgram.train.loop import fit
from cisgram.train.options import TrainOptions
from cisgram.train.state import State

FINETUNED = 5  # epochs, as EvoAug's authors take


def fit_in_stages(
    model: nn.Module,
    data: TrainingData,
    options: TrainOptions,
    *,
    seed: int | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[State], None] | None = None,
    **more: Any,
) -> State:
    """`fit`, and for augmented data a second stage without augmentation that begins at its best.

    The second stage has ``finetune_epochs`` (5 where none are given) at the constant rate
    ``finetune_factor`` times that of the first; its best epoch counts. Its checkpoint lies beside
    that of the first, which is kept until the caller removes both, so that a killed job goes on in
    its stage.

    References
    ----------
    Lee et al. 2023, Genome Biology 24:105.
    """
    seed = options.seed if seed is None else seed
    first = fit(model, data, options, seed=seed, checkpoint=checkpoint, progress=progress, **more)
    asked = options.finetune_epochs
    epochs = FINETUNED if asked is None else asked
    if data.augment is None or not epochs:
        return first
    second = fit(
        model,
        replace(data, augment=None),
        _second(options, epochs),
        seed=derive(seed, "finetune"),
        checkpoint=None if checkpoint is None else checkpoint.with_stem(f"{checkpoint.stem}-2"),
        progress=None if progress is None else lambda state: progress(_joined(first, state)),
        **more,
    )
    return _joined(first, second)


def _second(options: TrainOptions, epochs: int) -> TrainOptions:
    return options.model_copy(
        update={
            "epochs": epochs,
            "finetune_epochs": None,
            "patience": epochs,
            "learning_rate": options.learning_rate * options.finetune_factor,
            "schedule": "constant",
            "warmup": 0.0,
        }
    )


def _joined(first: State, second: State) -> State:
    """One history; the best epoch is that of the second stage."""
    n = len(first.history)
    rows = [row | {"epoch": row["epoch"] + n} for row in second.history]
    return State(
        history=first.history + rows,
        best=second.best,
        best_epoch=second.best_epoch + n,
        best_score=second.best_score,
        seconds=first.seconds + second.seconds,
    )
