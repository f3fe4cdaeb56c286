"""Settings of the training."""

from typing import Annotated, Any, Literal

from pydantic import Field

from cisgram.core.config import Names, Options


class ModelOptions(Options):
    """Which model: a name of the zoo or ``package.module:callable``, and its keywords."""

    name: str = Field(default="demo-cnn-rnn", description="of the zoo, or package.module:callable")
    options: dict[str, Any] = Field(default_factory=dict, description="keywords of the model")
    weights: str | None = Field(
        default=None, description="start from these: a run, safetensors, or a state dict"
    )
    weights_match: Literal["all", "features", "first"] = Field(
        default="all",
        description="what is taken from them: everything but the last layer, or the first layer",
    )
    motifs: str | None = Field(
        default=None, description="first filters start as these: jaspar:TAXON or a motif file"
    )
    motif_names: Names = Field(default=(), description="only these of them, by name or id")
    motif_choice: Literal["representatives", "random", "first"] = Field(
        default="representatives", description="which, where there are more than filters"
    )
    motif_form: Literal["explainn", "danq", "log-odds"] = Field(
        default="explainn", description="how a motif becomes a filter"
    )
    motif_strands: Literal["given", "both"] = Field(
        default="given", description="both: the reverse complement gets a filter too"
    )
    bias: str | None = Field(
        default=None, description="run of the bias network of chrombpnet, which stays as it is"
    )
    freeze_motifs: bool = Field(
        default=False, description="training leaves filters that are motifs as they are"
    )


class TrainOptions(Options):
    """How a model is fitted."""

    seed: int = Field(default=0, ge=0, description="of everything random")
    seeds: int = Field(default=1, ge=1, le=100, description="members of the ensemble")
    folds: bool = Field(
        default=False, description="each member leaves another part of the training set out"
    )
    epochs: int = Field(
        default=20,
        ge=0,
        le=100_000,
        description="at most so many; 0 scores given weights as they are",
    )
    batch_size: int = Field(default=128, ge=1, description="sequences in a step")
    min_rows: int = Field(
        default=4096, ge=1, description="an epoch passes over a smaller set several times"
    )
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(default=3e-3, gt=0, description="the highest one")
    weight_decay: float = Field(default=1e-3, ge=0)
    decay: Literal["constant", "late"] = Field(
        default="constant", description="of the weights; late: it sets in as the rate falls"
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of sgd")
    schedule: Literal["cosine", "constant", "halve"] = Field(
        default="cosine", description="of the learning rate"
    )
    warmup: float = Field(default=0.05, ge=0, lt=1, description="share of all steps")
    halve_every: int = Field(default=10, ge=1, description="epochs, for schedule halve")
    clip: float | None = Field(default=1.0, gt=0, description="of the gradient")
    clip_by: Literal["norm", "value"] = Field(
        default="norm", description="the norm of all, or each value"
    )
    loss: Literal[
        "auto", "bce", "focal", "mse", "pearson", "poisson", "negative_binomial", "cross_entropy"
    ] = Field(
        default="auto", description="by default bce, mse, cross_entropy or poisson, by the task"
    )
    focal_gamma: float = Field(
        default=2.0, ge=0, description="of loss focal; 0 is bce, more looks at what is missed"
    )
    dispersion: float | None = Field(
        default=None,
        gt=0,
        description="of loss negative_binomial; by default by moments of the training labels",
    )
    task_weights: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        default=(), description="of the outputs in the loss, one each"
    )
    count_weight: float | None = Field(
        default=None,
        ge=0,
        description="of the counts of a profile in the loss; by default a tenth of their median",
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: positives (each class) weigh as much as the rest"
    )
    sampling: Literal["all", "balanced", "blocked"] = Field(
        default="all",
        description="balanced: positives and negatives take turns; blocked: in each batch label",
    )
    adversary: float = Field(
        default=0.0,
        ge=0,
        description="strength with which features that tell the batch label are unlearned",
    )
    freeze: Names = Field(
        default=(), description="weights that stay: first, features, or names of modules"
    )
    loaded_factor: float = Field(
        default=1.0, gt=0, le=1, description="of the learning rate, for weights that were loaded"
    )
    depth_factor: float = Field(
        default=1.0, gt=0, le=1, description="of the learning rate, a layer away from the head"
    )
    finetune_epochs: int | None = Field(
        default=None,
        ge=0,
        description="after augmented training, on plain sequences; by default 5",
    )
    finetune_factor: float = Field(
        default=0.1, gt=0, le=1, description="of the learning rate, in these epochs"
    )
    calibrate: Literal["none", "temperature", "isotonic"] = Field(
        default="none", description="probabilities, on the validation set"
    )
    patience: int = Field(default=6, ge=1, description="epochs without a better validation score")
    stop_on: Literal["auto", "auroc", "auprc", "pearson", "accuracy", "f1", "loss"] = Field(
        default="auto", description="validation score that chooses the epoch"
    )
    precision: Literal["float32", "bf16"] = Field(
        default="float32", description="of the products in training"
    )
    shuffle: bool = Field(default=True, description="batches in another order every epoch")
    select: Literal["best", "last"] = Field(
        default="best", description="weights of the best epoch, or of the last"
    )
    as_published: bool = Field(
        default=False,
        description="records that the regime of the authors of Deep Motif Dashboard was asked for",
    )


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
