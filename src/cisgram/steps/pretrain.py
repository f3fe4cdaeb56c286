"""A network that reads sequences without labels first, and what sequences are to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from cisgram.core import config, files
from cisgram.core.lock import only_one
from cisgram.core.run import Run
from cisgram.core.seeds import derive
from cisgram.data import read_dataset
from cisgram.models import Card, build, put_weights, read_card, read_tensors, save, write_tensors
from cisgram.models.sequence_autoencoder import SequenceAutoencoder
from cisgram.seq.alphabet import one_hot
from cisgram.steps.generate import GenerateOptions, sequences_of_run
from cisgram.steps.history import history_name, write_history
from cisgram.train.imputation import n_active
from cisgram.train.likelihoods import divergence
from cisgram.train.pretrain import PretrainOptions, fit_sequences

if TYPE_CHECKING:
    import pandas as pd

    from cisgram.train import State

HOME = "autoencoder"
Codes = NDArray[np.uint8]


class PretrainRunOptions(PretrainOptions):
    """What is read before the labels, by which network."""

    positives: str = Field(description="file of sequences; with labels, those above 0 are read")
    genome: str | None = Field(default=None, description="FASTA that peaks lie on")
    length: int | None = Field(default=None, ge=4, description="bp; by default the longest")
    most: int | None = Field(default=None, ge=20, description="only the first so many")
    held_out: float = Field(default=0.1, gt=0, lt=0.9, description="share that chooses the pass")
    seed: int = Field(default=0, ge=0, description="of everything random")
    model: str = Field(default="demo-cnn", description="of the zoo: the encoder")
    model_options: dict[str, Any] = Field(default_factory=dict, description="its keywords")


def pretrain_run(
    run: Run,
    options: PretrainRunOptions,
    *,
    progress: Callable[[State], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Fit a sequence autoencoder whose encoder a training can start from; resumes.

    ``RUN/model`` holds the encoder as any trained model has it, its head as drawn: ``cisgram train
    --from RUN`` takes its features. ``RUN/autoencoder`` holds all of it, for `embed_file`.

    Raises
    ------
    InputError
        When file, model or options are wrong, or the folder holds another run.
    """
    train, valid = sequences_of_run(_read_options(options), say)
    card = Card(name=options.model, options=options.model_options, length=train.shape[1])
    net = _network(card, options)
    run.begin(
        {"pretrain": options.model_dump(mode="json")},
        inputs={"positives": Path(options.positives)},
    )
    with only_one(run.path):
        folder = run.member(0)
        if (folder / "model.toml").is_file():
            found: dict[str, Any] = files.read_json(run.path / "metrics.json")
            return found
        checkpoint = run.path / HOME / "checkpoint.safetensors"
        state = fit_sequences(
            net, train, options, valid=valid, seed=options.seed, checkpoint=checkpoint,
            progress=progress,
        )  # fmt: skip
        metrics = _metrics(net, valid, state)
        write_history(run, history_name(0), state)
        write_tensors(run.path / HOME / "weights.safetensors", net.state_dict())
        files.write_json(run.path / "metrics.json", metrics)
        save(folder, net.network, card)
        checkpoint.unlink(missing_ok=True)
    return metrics


def _read_options(options: PretrainRunOptions) -> GenerateOptions:
    """What to read, in the words of the reader."""
    names = ("positives", "genome", "length", "most", "held_out", "seed")
    return GenerateOptions(**{n: getattr(options, n) for n in names}, batch_size=2)


def _network(card: Card, options: PretrainOptions) -> SequenceAutoencoder:
    torch.manual_seed(derive(getattr(options, "seed", 0), "weights"))
    return SequenceAutoencoder(
        build(card), card.length, kind=options.kind, latent=options.latent,
        channels=options.channels,
    )  # fmt: skip


def _metrics(net: SequenceAutoencoder, valid: Codes, state: State) -> dict[str, Any]:
    """Nats a letter on the held-out sequences; of a variational network what coordinates say."""
    best = state.history[state.best_epoch - 1]
    found: dict[str, Any] = {"n": len(valid), "passes": len(state.history)}
    found["valid"] = {
        "nats_per_letter": best["valid_loss"],
        "composition": _entropy(valid),
        "chance": float(np.log(4)),
    }
    mean, log_variance = _encoded(net, valid)
    if log_variance is not None:
        found["divergence"] = float(divergence(mean, log_variance).sum(1).mean())
        found["active"], found["latent"] = n_active(mean), mean.shape[1]
    return found


def _entropy(codes: Codes) -> float:
    """Nats a letter that the shares of the letters alone leave open.

    Examples
    --------
    >>> round(_entropy(np.array([[0, 0, 1, 1], [0, 1, 4, 4]], dtype=np.uint8)), 4)  # 4 is N
    0.6931
    """
    counts = np.bincount(np.asarray(codes).ravel(), minlength=5)[:4]
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _encoded(net: SequenceAutoencoder, codes: Codes) -> tuple[torch.Tensor, torch.Tensor | None]:
    means, spreads = [], []
    with torch.inference_mode():
        for first in range(0, len(codes), 512):
            mean, log_variance = net.encode(
                one_hot(codes[first : first + 512], dtype=torch.float32)
            )
            means.append(mean)
            spreads += [] if log_variance is None else [log_variance]
    return torch.cat(means), torch.cat(spreads) if spreads else None


def embed_file(
    run: Run,
    sequences: str,
    *,
    genome: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Coordinates of the sequences of a file: name, z1, z2, ...

    Raises
    ------
    InputError
        When the run is not one of ``cisgram pretrain``, or the file is wrong.
    """
    import pandas as pd

    from cisgram.core.errors import InputError

    found = run.read().get("settings", {}).get("pretrain")
    if found is None:
        msg = f"{run.path} holds no sequence autoencoder: 'cisgram pretrain' makes one."
        raise InputError(msg)
    options = config.validate(PretrainRunOptions, found, source=str(run.toml))
    card = read_card(run.member(0))
    net = _network(card, options)
    weights = run.path / HOME / "weights.safetensors"
    put_weights(net, read_tensors(weights), source=weights)
    given = read_dataset(sequences, card.length, genome=genome)
    if tell is not None and given.told:
        tell(given.told)
    mean, _ = _encoded(net.eval(), np.asarray(given.data.codes))
    columns = {f"z{i + 1}": mean[:, i].numpy() for i in range(mean.shape[1])}
    return pd.DataFrame({"name": given.data.names} | columns)
