"""What every source of motifs is given to read a run with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from torch import nn

from cisgram.core.run import Run
from cisgram.data import Dataset, Prepared, is_labeled
from cisgram.motifs import MotifSet
from cisgram.steps.settings import MotifOptions, Settings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class MotifJob:
    """A trained run, opened for a source of motifs.

    Attributes
    ----------
    run
        The run; a source may write files of its own into it.
    model
        Its model, on the CPU.
    data
        Its data.
    settings
        What the run was made with.
    options
        How its motifs are read and named.
    column
        Output that is explained.
    say
        Called with a word on what is being done.
    """

    run: Run
    model: nn.Module
    data: Prepared
    settings: Settings
    options: MotifOptions
    column: int
    say: Callable[[str], None]

    def positives(self, part: Dataset) -> Dataset:
        """The sequences of a part with a positive label; all of a regression task's."""
        positive = (part.y == 1).any(1)
        return part.take(positive) if is_labeled(self.data.task) and positive.any() else part

    @property
    def held_out(self) -> Dataset:
        """The test set; where there is none, the validation set."""
        return self.data.test if self.data.test is not None else self.data.valid


Found: TypeAlias = "tuple[MotifSet, pd.DataFrame]"
"""The motifs of a source, and a table of facts: ``motif`` and further columns, a row a motif."""
Source: TypeAlias = Callable[[MotifJob], Found]
