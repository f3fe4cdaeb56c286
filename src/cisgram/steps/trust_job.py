"""What every part of the trust step is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.data import Dataset, Prepared, is_labeled
from cisgram.models import Card, load, predict, read_card
from cisgram.steps.explain import asked_column
from cisgram.steps.settings import Settings, settings_of
from cisgram.steps.train import chosen_device, data_of, probabilities_of
from cisgram.train import scores_of
from cisgram.train.metrics import LARGEST
from cisgram.trust import Flag, Labeled

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class TrustJob:
    """A trained run, opened for the parts of the trust step.

    Attributes
    ----------
    run, settings, card, data
        The run, what it was made with, its model's card, its data; it has a test set.
    column
        Output that is judged.
    n
        Test sequences that are explained.
    seed
        Of everything random.
    device
        Where models run.
    say
        Called with a word on what is being done.
    """

    run: Run
    settings: Settings
    card: Card
    data: Prepared
    column: int
    n: int
    seed: int
    device: torch.device
    say: Callable[[str], None]

    @property
    def task(self) -> str:
        """``classification`` (of one class against the rest, too) or ``regression``."""
        return "classification" if is_labeled(self.data.task) else "regression"

    @cached_property
    def model(self) -> nn.Module:
        """The run's model: the mean of its members."""
        return load(self.run).to(self.device)

    @property
    def test(self) -> Dataset:
        """The test set."""
        assert self.data.test is not None
        return self.data.test

    @cached_property
    def epoch(self) -> tuple[Codes, NDArray[np.float32]]:
        """Codes and labels (n, t) of one epoch of training, on the strand as given."""
        return self.data.train.as_given.epoch(0, seed=self.seed, shuffle=False)

    @cached_property
    def labeled(self) -> dict[str, Labeled]:
        """``train`` (with the negatives of one epoch), ``valid``, ``test``; no label missing."""
        parts = {"train": self.epoch}
        parts |= {
            name: (np.asarray(part.codes), part.y)
            for name, part in (("valid", self.data.valid), ("test", self.test))
        }
        found = {}
        for name, (rows, labels) in parts.items():
            known = ~np.isnan(labels[:, self.column])
            found[name] = Labeled(rows[known], labels[known, self.column].astype(np.float64))
        return found

    @cached_property
    def outputs(self) -> dict[str, Array]:
        """The model's output for the sequences of ``labeled``'s ``valid`` and ``test``."""
        return {name: self.output(self.labeled[name].codes) for name in ("valid", "test")}

    @cached_property
    def probabilities(self) -> dict[str, Array]:
        """Of a positive, for the same sequences; calibrated where the run is."""
        found = {}
        for name in ("valid", "test"):
            out = self._raw(self.model, self.labeled[name].codes)
            found[name] = probabilities_of(self.run, out, self.data.task)[:, self.column]
        return found

    def output(self, codes: Codes) -> Array:
        """(n,) output of the model that is judged."""
        return self.output_of(self.model, codes)

    def output_of(self, model: nn.Module, codes: Codes) -> Array:
        """(n,) output of another model: of classes the log odds of one, of counts the rate."""
        out = scores_of(self._raw(model, codes), self.data.task)[:, self.column]
        return np.exp(np.minimum(out, LARGEST)) if self.data.task == "counts" else out

    def _raw(self, model: nn.Module, codes: Codes) -> Array:
        return predict(model, codes).numpy().astype(np.float64)

    @cached_property
    def explained(self) -> Codes:
        """Codes of at most n test sequences: positives, or of a regression the largest labels."""
        test = self.labeled["test"]
        if self.task == "classification":
            rows = np.flatnonzero(test.y > 0.5)
        else:
            rows = np.argsort(-test.y, kind="stable")
        return test.codes[rows[: self.n]]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a part gives: tables by name, flags, and facts for ``summary.json``."""

    tables: Mapping[str, pd.DataFrame]
    flags: list[Flag]
    facts: Mapping[str, Any] = field(default_factory=dict)


Part: TypeAlias = Callable[[TrustJob], Judged]


def open_job(
    run: Run,
    *,
    sequences: int = 50,
    target: int | str | None = None,
    seed: int = 0,
    device: str = "cpu",
    prepared: Prepared | None = None,
    say: Callable[[str], None] | None = None,
) -> TrustJob:
    """A trained run with a test set, opened to be judged; the parameters are `trust_run`'s.

    Raises
    ------
    InputError
        When the run holds no model or no test set, or no target is given for several outputs.
    """
    settings = settings_of(run)
    card = read_card(run.member(0))
    if card.profile:
        msg = (
            f"{card.name} predicts profiles, whose scores the parts of trust do not know. What can "
            "be asked of it: evaluate, predict, explain, motifs."
        )
        raise InputError(msg)
    if card.fields:
        msg = (
            f"{card.name} reads {', '.join(card.fields)} beside the letters; the parts of trust "
            "change letters alone and would judge another model. What can be asked of it: "
            "evaluate, predict, explain, and evaluate --baselines where it reads neighbors."
        )
        raise InputError(msg)
    column = asked_column(card, settings.explain.target if target is None else target)
    data = prepared or data_of(run)
    if data.test is None:
        msg = (
            f"{run.path} has no test set, and a model can only be judged on sequences that it "
            "never saw. Train with one: --test F, --test-chromosomes, data.test_fraction above 0."
        )
        raise InputError(msg)
    where = chosen_device(device)
    return TrustJob(
        run, settings, card, data, column, sequences, seed, where, say or (lambda _: None)
    )
