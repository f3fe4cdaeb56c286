"""Settings of the training."""

from typing import Any, Literal

from pydantic import Field

from cisgram.core.config import Options


class ModelOptions(Options):
    """Which model: a name of the zoo or ``package.module:callable``, and its keywords."""

    name: str = "demo-cnn-rnn"
    options: dict[str, Any] = Field(default_factory=dict)
    weights: str | None = None  # start from these: safetensors, or a state dict


class TrainOptions(Options):
    """How a model is fitted."""

    seed: int = Field(default=0, ge=0)
    seeds: int = Field(default=1, ge=1, le=100)  # members of the ensemble
    epochs: int = Field(default=20, ge=0, le=100_000)  # 0: weights as given, scored only
    batch_size: int = Field(default=128, ge=1)
    min_rows: int = Field(default=4096, ge=1)  # an epoch passes over a smaller set several times
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=1e-3, ge=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)  # SGD alone
    schedule: Literal["cosine", "constant", "halve"] = "cosine"
    warmup: float = Field(default=0.05, ge=0, lt=1)  # share of all steps
    halve_every: int = Field(default=10, ge=1)  # epochs; schedule "halve"
    clip: float | None = Field(default=1.0, gt=0)
    clip_by: Literal["norm", "value"] = "norm"
    loss: Literal["auto", "bce", "mse", "poisson"] = "auto"
    class_weights: Literal["none", "balanced"] = "none"
    patience: int = Field(default=6, ge=1)  # epochs without a better validation score
    stop_on: Literal["auto", "auroc", "auprc", "pearson", "loss"] = "auto"
    precision: Literal["float32", "bf16"] = "float32"
    shuffle: bool = True
    select: Literal["best", "last"] = "best"
    as_published: bool = False  # starts from AS_PUBLISHED (`steps.resolve`); the page says so


# The regime of the authors' code (Lanchantin et al. 2017) by group of settings, except that its
# epoch is chosen by the validation set and not by the training AUC: the page says so.
AS_PUBLISHED: dict[str, dict[str, Any]] = {
    "train": {
        "epochs": 50,
        "batch_size": 256,
        "optimizer": "adam",
        "learning_rate": 1e-2,
        "weight_decay": 0.0,
        "schedule": "halve",
        "warmup": 0.0,
        "halve_every": 10,
        "clip": 5.0,
        "clip_by": "value",
        "patience": 50,
        "min_rows": 1,
        "shuffle": False,
        "as_published": True,
    },
    "data": {"reverse_complement": False, "fresh_negatives": False},
}
