"""The prediction and evaluation steps of a run, on files of the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.core.seeds import derive
from cisgram.core.work import noted
from cisgram.data import Dataset, Given, task_of
from cisgram.models import Card, load, predict_samples, read_card
from cisgram.steps.inputs import given_to, widened
from cisgram.steps.profile_scores import profile_metrics
from cisgram.steps.settings import settings_of
from cisgram.steps.train import (
    calibrator_of,
    chosen_device,
    data_of,
    evaluate_run,
    member_outputs,
    prediction_table,
)
from cisgram.train import metrics, scores_of

if TYPE_CHECKING:
    import pandas as pd


def predict_file(
    run: Run,
    sequences: str,
    *,
    genome: str | None = None,
    device: str = "cpu",
    samples: int = 0,
    tell: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Predictions for the sequences of a file: name, output, label, score, probability, sd.

    ``tell`` is called with one line on what was left out, cut or padded, if anything was. With
    ``samples``, so many thinned networks of every member predict, too (`predict_samples`), and
    ``mc_mean`` and ``mc_sd`` are mean and standard deviation of their scores.

    Raises
    ------
    InputError
        When the run holds no model or the file is wrong.
    """
    how = settings_of(run).data
    card = read_card(run.member(0))
    given = given_to(card, sequences, how, genome=genome)
    data = with_outputs(told_of(given, tell), card.outputs)
    table: pd.DataFrame = prediction_table(
        data,
        member_outputs(run, data, device=device),
        "given",
        card.task,
        calibrated=calibrator_of(run),
    )
    if samples:
        table = table.assign(**_spread(run, data, samples, device))
    return table


def evaluate_file(
    run: Run,
    sequences: str,
    *,
    genome: str | None = None,
    device: str = "cpu",
    tell: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Scores on a file with labels; thresholds are those chosen on the validation set.

    ``tell`` is called with one line on what was left out, cut or padded, if anything was.

    Raises
    ------
    InputError
        When the run holds no model, or the file has no labels.
    """
    how = settings_of(run).data
    card = read_card(run.member(0))
    given = given_to(card, sequences, how, genome=genome, with_labels=True)
    data = told_of(given, tell)
    if np.isnan(data.y).all():
        msg = f"{sequences} holds no labels to evaluate against; 'cisgram predict' needs none."
        raise InputError(msg)
    if card.task in ("multiclass", "counts"):
        classes = card.outputs if card.task == "multiclass" else ()
        data, _ = task_of(data, card.task, outputs=classes)
    if card.task == "profile":
        part = widened(data, card.outputs)
        return profile_metrics(run, part, data_of(run), where=chosen_device(device))
    if data.y.shape[1] != len(card.outputs):
        msg = f"{sequences} has the labels {data.outputs}, the model the outputs {card.outputs}."
        raise InputError(msg)
    out, fitted = member_outputs(run, data, device=device).mean(0), calibrator_of(run)
    return metrics.evaluate(
        data.y.astype(np.float64),
        out,
        probabilities=None if fitted is None else metrics.sigmoid(fitted(out)),
        outputs=card.outputs,
        task=card.task,
        thresholds=_thresholds(run, card),
        seed=settings_of(run).train.seed,
    )


def _spread(run: Run, data: Dataset, samples: int, device: str) -> dict[str, Any]:
    """Mean and spread of the scores of thinned networks, in the order of the table."""
    task, where = read_card(run.member(0)).task, chosen_device(device)
    seed = settings_of(run).train.seed
    drawn = [
        predict_samples(
            load(f).to(where),
            data.codes,
            samples=samples,
            fields=data.fields,
            seed=derive(seed, i),
        )
        for i, f in enumerate(run.members())
    ]
    scores = scores_of(np.concatenate([d.numpy() for d in drawn]).astype(np.float64), task)
    sd = scores.std(0, ddof=1) if len(scores) > 1 else np.full_like(scores[0], np.nan)
    return {"mc_mean": scores.mean(0).T.ravel(), "mc_sd": sd.T.ravel()}


def _thresholds(run: Run, card: Card) -> list[float] | None:
    """The threshold of each output that was chosen on the validation set."""
    path = run.path / "metrics.json"
    found = files.read_json(path)
    if card.task != "classification":
        return None
    try:
        thresholds = [o["threshold"] for o in found["valid"]["per_output"]]
    except (KeyError, TypeError, IndexError):
        thresholds = []
    is_right = len(thresholds) == len(card.outputs)
    if not (is_right and all(isinstance(t, float | int) for t in thresholds)):
        msg = (
            f"{path} does not hold the validation scores of a run with the outputs "
            f"{', '.join(card.outputs)}. Write it again with 'cisgram evaluate {run.path}'."
        )
        raise InputError(msg)
    return thresholds


@noted("scoring")
def evaluate_again(run: Run, *, device: str = "cpu") -> dict[str, Any]:
    """Score the run's own held-out sets anew and write predictions and metrics.

    Raises
    ------
    InputError
        When the run is not trained to its end, or its inputs have changed.
    """
    settings = settings_of(run)
    read_card(run.member(0))
    return evaluate_run(run, data_of(run), settings, device=device)


def told_of(given: Given, tell: Callable[[str], None] | None) -> Dataset:
    """The sequences of a file, after telling what was left out."""
    if tell is not None and given.told:
        tell(given.told)
    return given.data


def with_outputs(data: Dataset, outputs: tuple[str, ...]) -> Dataset:
    """A dataset with a column for each output; labels that the file lacks are NaN."""
    from dataclasses import replace

    if data.y.shape[1] == len(outputs):
        return replace(data, outputs=outputs)
    y = np.full((len(data), len(outputs)), np.nan, dtype=np.float32)
    return replace(data, y=y, outputs=outputs)
