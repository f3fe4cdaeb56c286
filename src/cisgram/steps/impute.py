"""A matrix with holes in, filled in and reduced out, and how far to believe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.lock import only_one
from cisgram.core.run import Run
from cisgram.core.seeds import derive, generator
from cisgram.data.matrix_fills import FILLS, best_fill
from cisgram.io import Matrix, read_matrix
from cisgram.models import put_weights, read_tensors, write_tensors
from cisgram.models.matrix_autoencoder import MatrixAutoencoder
from cisgram.steps.history import write_history
from cisgram.train.imputation import (
    AutoencoderOptions,
    coordinates,
    expected_counts,
    fit_matrix,
    guesses,
    likelihood_of,
    n_active,
    new_autoencoder,
)
from cisgram.train.likelihoods import divergence

if TYPE_CHECKING:
    import pandas as pd

    from cisgram.train import State

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
OURS, RATES = "autoencoder", "row and column rate"
LOCATION = "autoencoder"


class ImputeOptions(AutoencoderOptions):
    """What is done with a matrix."""

    seed: int = Field(default=0, ge=0, description="of everything random")
    items: Literal["auto", "rows", "columns"] = Field(
        default="auto", description="what a network sees one by one; auto: of which there are more"
    )
    log: bool = Field(default=False, description="read, and write, log(1 + number)")
    test_share: float = Field(
        default=0.1, ge=0, lt=0.5, description="known numbers hidden from all, to score with"
    )
    valid_share: float = Field(
        default=0.05, gt=0, lt=0.5, description="known numbers that choose pass and rank"
    )
    compare: bool = Field(default=True, description="score means, components and neighbors, too")


def impute_run(
    run: Run,
    matrix: str | Path,
    options: ImputeOptions | None = None,
    *,
    progress: Callable[[int, State], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Fill the holes of a matrix, reduce its items to coordinates, score both; resumes.

    Writes ``imputed.tsv`` (known numbers as they are; with ``log`` all of it is log(1 + number)),
    ``latent.tsv`` (an item a row; of the first network), of each network its weights and history,
    and at the end ``metrics.json``.

    Parameters
    ----------
    run
        A new folder, or one in which the same job was begun.
    matrix
        TSV, CSV or h5ad (`cisgram.io.read_matrix`).
    options
        Which autoencoder, what is hidden.
    progress
        Called after every pass with the network's number and its state.
    say
        Called with a line before each part.

    Returns
    -------
    dict
        ``metrics.json``: errors on the test and on the validation numbers by way to fill; of a
        variational network its ``divergence`` (nats an item) and ``active`` coordinates.

    Raises
    ------
    InputError
        When the matrix or an option is wrong, or the folder holds another run.
    """
    how = options or ImputeOptions()
    given = read_matrix(matrix)
    table, is_turned = _oriented(given, how)
    values = _read(table.values, how, str(matrix))
    likelihood_of(values, how.likelihood)  # refused before anything is written
    test, valid = held_out(values, how)
    _check_held_out(test, valid, how, source=str(matrix))
    run.begin({"impute": how.model_dump(mode="json")}, inputs={"matrix": Path(matrix)})
    with only_one(run.path):
        found = run.finished("imputed.tsv", "latent.tsv")
        if found is not None:
            return found
        hidden = np.where(test, np.nan, values)
        nets = [
            _member(run, hidden, valid, how, member, progress=progress)
            for member in range(how.members)
        ]
        metrics = _scores(nets, values, (test, valid), compare=how.compare, say=say)
        guess = np.mean([guesses(net, values) for net in nets], axis=0)
        filled = Matrix(np.where(np.isnan(values), guess, values), table.rows, table.columns)
        known = ~np.isnan(values)
        if is_turned:
            filled, known = filled.turned(), known.T
        run.write_table("imputed.tsv", _table(filled, known))
        run.write_table("latent.tsv", _latent(nets[0], values, table.rows))
        files.write_json(run.path / "metrics.json", metrics)
    return metrics


def _oriented(given: Matrix, how: ImputeOptions) -> tuple[Matrix, bool]:
    """The matrix with an item a row, and whether it was turned for that."""
    n, d = given.values.shape
    turn = how.items == "columns" or (how.items == "auto" and d > n)
    return (given.turned() if turn else given), turn


def _read(values: Array, how: ImputeOptions, source: str) -> Array:
    if not how.log:
        return values
    if np.nanmin(values) <= -1:
        msg = f"{source} holds {np.nanmin(values):g}; log(1 + number) needs numbers above -1."
        raise InputError(msg)
    return np.asarray(np.log1p(values))


def held_out(values: Array, how: ImputeOptions) -> tuple[Mask, Mask]:
    """Known numbers of the test and of the validation set, by a coin for each number."""
    u = generator(how.seed, "held-out numbers").random(values.shape)
    known = ~np.isnan(values)
    test = known & (u < how.test_share)
    return test, known & (u >= how.test_share) & (u < how.test_share + how.valid_share)


def _check_held_out(test: Mask, valid: Mask, how: ImputeOptions, *, source: str) -> None:
    """Raise `InputError` where a share was asked for and the coin drew no number."""
    drawn = (("test_share", how.test_share, test), ("valid_share", how.valid_share, valid))
    for name, share, mask in drawn:
        if share and not mask.any():
            msg = (
                f"{source} is too small to hold out numbers: of {mask.size} cells, {name}={share:g}"
                f" drew none that is known. Take a larger share (--set {name}=0.3), or a larger "
                "table."
            )
            raise InputError(msg)


def _member(
    run: Run,
    values: Array,
    valid: Mask,
    how: ImputeOptions,
    member: int,
    *,
    progress: Callable[[int, State], None] | None,
) -> MatrixAutoencoder:
    """A network of the run, fitted or found."""
    home = run.path / LOCATION
    weights = home / f"weights-{member + 1}.safetensors"
    if weights.is_file():
        net = new_autoencoder(values.shape[1], likelihood_of(values, how.likelihood), how)
        put_weights(net, read_tensors(weights), source=weights)
        return net.eval()
    checkpoint = home / f"checkpoint-{member + 1}.safetensors"
    net, state = fit_matrix(
        values,
        how,
        valid=valid,
        seed=derive(how.seed, "member", member),
        checkpoint=checkpoint,
        progress=None if progress is None else lambda s: progress(member, s),
    )
    write_history(run, f"{LOCATION}/history-{member + 1}.tsv", state)
    write_tensors(weights, net.state_dict())
    checkpoint.unlink(missing_ok=True)
    return net


def _scores(
    nets: list[MatrixAutoencoder],
    values: Array,
    held: tuple[Mask, Mask],
    *,
    compare: bool,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Errors of every way to fill, on the numbers that it did not see."""
    test, valid = held
    hidden, counts = np.where(test, np.nan, values), nets[0].likelihood != "gaussian"
    scaled = np.log1p(hidden) if counts else hidden
    found: dict[str, Array] = {OURS: np.mean([guesses(net, hidden) for net in nets], axis=0)}
    sizes: dict[str, float | None] = {}
    if compare and test.any():
        if counts:
            found[RATES] = expected_counts(hidden)
        for name in FILLS:
            say(f"filling with: {name}")
            fill, sizes[name] = best_fill(name, scaled, valid)
            found[name] = np.expm1(np.maximum(fill, 0)) if counts else fill
    known = ~np.isnan(values)
    metrics: dict[str, Any] = {
        "numbers": {"known": int(known.sum()), "missing": int((~known).sum())},
        "likelihood": nets[0].likelihood,
        "sizes": {name: size for name, size in sizes.items() if size is not None},
    }
    if test.any():
        metrics["test"] = {"n": int(test.sum())} | {
            name: errors(values[test], fill[test], counts=counts) for name, fill in found.items()
        }
    blind = np.mean([guesses(net, hidden, hidden=valid) for net in nets], axis=0)
    metrics["valid"] = {
        "n": int(valid.sum()),
        OURS: errors(values[valid], blind[valid], counts=counts),
    }
    return metrics | _posterior(nets[0], hidden)


def errors(truth: Array, guess: Array, *, counts: bool) -> dict[str, float]:
    """Root mean squared error; of counts that of log(1 + count), and the mean Poisson deviance.

    Examples
    --------
    >>> errors(np.array([1.0, 3.0]), np.array([1.0, 1.0]), counts=False)
    {'rmse': 1.4142135623730951}
    """
    if not counts:
        return {"rmse": float(np.sqrt(((truth - guess) ** 2).mean()))}
    mean = np.maximum(guess, 1e-6)
    ratio = np.where(truth > 0, truth * np.log(np.maximum(truth, 1) / mean), 0.0)
    return {
        "rmse": float(np.sqrt(((np.log1p(truth) - np.log1p(mean)) ** 2).mean())),
        "deviance": float(2 * (ratio - truth + mean).mean()),
    }


def _posterior(net: MatrixAutoencoder, values: Array) -> dict[str, Any]:
    """Whether the coordinates of a variational network say anything."""
    import torch

    mean, log_variance = coordinates(net, values)
    if log_variance is None:
        return {}
    means = torch.from_numpy(mean)
    nats = divergence(means, torch.from_numpy(log_variance))
    return {
        "divergence": float(nats.sum(1).mean()),
        "active": n_active(means),
        "latent": net.latent,
    }


def _latent(net: MatrixAutoencoder, values: Array, names: tuple[str, ...]) -> pd.DataFrame:
    mean, log_variance = coordinates(net, values)
    parts = [(f"z{i + 1}", mean[:, i]) for i in range(mean.shape[1])]
    if log_variance is not None:
        sd = np.exp(log_variance / 2)
        parts += [(f"sd{i + 1}", sd[:, i]) for i in range(sd.shape[1])]
    return _named(names, dict(parts))


def _table(matrix: Matrix, known: Mask) -> pd.DataFrame:
    """Known numbers with all their digits, guesses with six."""
    columns = {
        name: [_digits(v) if k else f"{v:.6g}" for v, k in zip(column, is_known, strict=True)]
        for name, column, is_known in zip(
            matrix.columns, matrix.values.T.tolist(), known.T.tolist(), strict=True
        )
    }
    return _named(matrix.rows, columns)


def _digits(value: float) -> str:
    """As few digits as give the same number again."""
    return repr(value).removesuffix(".0")


def _named(names: tuple[str, ...], columns: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"name": list(names)} | dict(columns))
