"""A trained run asked about one sequence at a time: its predictions and the scores of its bases."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram import explain
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.results import Attribution, Tracks
from cisgram.core.run import Run
from cisgram.data import Dataset
from cisgram.data.source import at_length
from cisgram.io.letters import TO_LETTERS, check_letters, check_share
from cisgram.models import Card, load, predict, read_card
from cisgram.models.checkpoint import Mean
from cisgram.seq.alphabet import to_codes
from cisgram.steps.explain import output_column
from cisgram.steps.offered import offered
from cisgram.steps.scored import about, asked_options, recorded, scored, together, units_of
from cisgram.steps.settings import settings_of
from cisgram.steps.train import calibrator_of, chosen_device, prediction_table

if TYPE_CHECKING:
    import pandas as pd

SHORTEST = 4  # bp; less is a slip of the hand
LONGEST = 20_000  # bp; scores of longer ones belong in 'cisgram explain'


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What one method says of the sequence: values (rows, length), and how they are to be read.

    ``tracks`` names the rows of a method that scores positions; it is empty where the rows are
    A C G T. ``options`` are those of ``options.toml`` (`explain_run`).
    """

    method: str
    values: NDArray[np.float32]
    tracks: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model says of one sequence.

    Attributes
    ----------
    given
        Length of the sequence as it was given, bp.
    codes
        (length,) what the model read: 0-3 = A C G T, 4 = N.
    offset
        Position in the given sequence of the first letter that the model read; negative where N
        were put before it.
    note
        One paragraph on what was cut, padded or replaced; empty where nothing was.
    table
        One row an output, the columns of ``predictions.tsv``.
    target
        Name of the output that is explained.
    scores
        One entry a method, in the order asked for.
    seconds
        Time of each part: ``prediction``, then each method.
    """

    given: int
    codes: NDArray[np.uint8]
    offset: int
    note: str
    table: pd.DataFrame
    target: str
    scores: tuple[Scores, ...]
    seconds: Mapping[str, float]


class LiveModel:
    """The model of a run, loaded once and asked again and again.

    Parameters
    ----------
    run
        A trained run.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        When the run holds no model, or one that reads more than letters.
    """

    def __init__(self, run: Run, *, device: str = "cpu") -> None:
        self.run = run
        self.settings = settings_of(run)
        self.card = read_card(run.member(0))
        if why := why_not(self.card):
            raise InputError(why)
        self.model = load(run).to(chosen_device(device))
        self.calibrator = calibrator_of(run)
        self._takes: dict[int, bool] = {self.card.length: True}

    @property
    def offered(self) -> dict[str, bool]:
        """Methods that can explain this model, and whether each is drawn without being asked for.

        As `cisgram.steps.offered.offered` tells from the model's name.
        """
        return offered(self.card.name, self.settings.explain)

    def default_target(self) -> int:
        """The column of the output that is explained unless another is asked for."""
        return output_column(self.card, self.settings.explain.target)

    def ask(
        self,
        text: str,
        *,
        target: str | int | None = None,
        methods: Sequence[str] | None = None,
    ) -> Answer:
        """Predictions for a sequence and what methods say of its bases.

        Parameters
        ----------
        text
            A sequence, or FASTA of one.
        target
            Output to explain, by number or name; default the run's setting, or the first.
        methods
            Names in `offered`; default those that are drawn without being asked for, without
            those that turn out not to fit the network.

        Raises
        ------
        InputError
            When the text is no sequence, or target or methods are not this model's.
        """
        letters, notes = read_sequence(text)
        column = self.default_target() if target is None else output_column(self.card, target)
        wanted = [n for n, prompt in self.offered.items() if prompt] if methods is None else methods
        for name in wanted:
            if name not in self.offered:
                what = f"method that can explain {self.card.name}"
                raise unknown(what, name, self.offered)
        shown, offset = self._fitted(letters, notes)
        data = self._data(shown)
        began = time.perf_counter()
        table = self._predicted(data)
        seconds = {"prediction": time.perf_counter() - began}
        scores = []
        for name in dict.fromkeys(wanted):
            began = time.perf_counter()
            try:
                scores.append(self._scores(name, data, column))
            except InputError:
                if methods is not None:  # else it was not asked for: left out
                    raise
            seconds[name] = time.perf_counter() - began
        return Answer(
            len(letters), np.asarray(data.codes)[0], offset, " ".join(notes), table,
            self.card.outputs[column], tuple(scores), seconds,
        )  # fmt: skip

    def warm(self) -> None:
        """Predict once, so that the first question of a reader is not the one that waits longest.

        At the model's own length, which may be longer than what a reader may ask about.
        """
        self._predicted(self._data(("ACGT" * (self.card.length // 4 + 1))[: self.card.length]))

    def _data(self, letters: str) -> Dataset:
        y = np.full((1, len(self.card.outputs)), np.nan, dtype=np.float32)
        return Dataset(["sequence"], to_codes([letters]), y, self.card.outputs)

    def _fitted(self, letters: str, notes: list[str]) -> tuple[str, int]:
        """The sequence as the model reads it: whole where it can, else at its own length."""
        own, n = self.card.length, len(letters)
        if self._takes_length(n):
            if n != own:
                there = f"cuts it to the middle {own:,} bp" if n > own else "pads it with N"
                notes.append(
                    f"The model was trained on sequences of {own:,} bp and reads all {n:,} bp of "
                    f"this one, as they are; 'cisgram predict' {there} and may say otherwise."
                )
            return letters, 0
        fitted, offset = at_length(letters, own)
        if n > own:
            notes.append(
                f"The model reads {own:,} bp: of {n:,} bp it was given the middle, "
                f"{offset:,} to {offset + own:,}."
            )
        else:
            notes.append(
                f"The model reads {own:,} bp: the {n:,} bp were padded with {-offset:,} N before "
                f"and {own - n + offset:,} N behind."
            )
        return fitted, offset

    def _takes_length(self, length: int) -> bool:
        if length not in self._takes:
            try:
                out = predict(self.model, np.zeros((1, length), dtype=np.uint8))
            except Exception:  # noqa: BLE001 (whatever a network raises: it is not this length)
                self._takes[length] = False
            else:
                self._takes[length] = out.shape == (1, len(self.card.outputs))
        return self._takes[length]

    def _predicted(self, data: Dataset) -> pd.DataFrame:
        models = [*self.model.models] if isinstance(self.model, Mean) else [self.model]
        members = np.stack([predict(m, data.codes).numpy() for m in models]).astype(np.float64)
        table: pd.DataFrame = prediction_table(
            data, members, "given", self.card.task, calibrated=self.calibrator
        )
        return table

    def _scores(self, name: str, data: Dataset, column: int) -> Scores:
        entry = explain.METHODS[name]
        asked = asked_options(self.settings.explain, name)
        found: list[Attribution | Tracks] = scored(entry, self.model, data, column, asked)
        values = next(iter(together(found).values()))[0].numpy()
        first = found[0]
        tracks = first.names if isinstance(first, Tracks) else ()
        options = {
            "units": units_of(first, self.card, column),
            **about(entry, first),
            "options": recorded(asked, first),
        }
        return Scores(name, values, tracks, options)


def read_sequence(text: str) -> tuple[str, list[str]]:
    r"""A C G T N of a sequence typed or pasted, and sentences on what was read otherwise.

    Parameters
    ----------
    text
        Letters, in lines or with blanks between, or FASTA of one sequence. Lower case, U and
        IUPAC codes are taken as files with them are.

    Raises
    ------
    InputError
        When it holds another letter, several sequences, or none; the place is named.

    Examples
    --------
    >>> read_sequence(">peak 1\nacgt nnRA")
    ('ACGTNNNA', ['1 letter that stands for several bases is read as N.'])
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    heads = [i for i, line in enumerate(lines) if line.startswith(">")]
    if len(heads) > 1:
        msg = (
            f"One sequence was wanted, and {len(heads)} came. Take one of them, or start an "
            "explanation of all as a job."
        )
        raise InputError(msg)
    first = heads[0] + 1 if heads else 0
    if any(line.strip() for line in lines[: first - 1 if heads else 0]):
        msg = "Letters stand before the header of the sequence; take them, or the header, out."
        raise InputError(msg)
    body = ["".join(line.split()) for line in lines[first:]]
    if not any(body):
        msg = "A sequence was wanted, and nothing came. Type or paste letters A C G T."
        raise InputError(msg)
    counts = Counter[str]()
    raw = "\n".join(body).encode()
    checked = check_letters(raw, counts, lambda j: f"Line {first + j + 1}: ")
    check_share(Path("the sequence"), counts)
    letters = checked.translate(TO_LETTERS).decode("ascii").replace("\n", "")
    if not SHORTEST <= len(letters) <= LONGEST:
        msg = (
            f"A sequence of {SHORTEST} to {LONGEST:,} bp was wanted, and {len(letters):,} came. "
            "For longer ones run 'cisgram explain METHOD RUN --sequences F'."
        )
        raise InputError(msg)
    return letters, _said(counts)


def _said(counts: Mapping[str, int]) -> list[str]:
    said = []
    if n := counts.get("iupac", 0):
        said.append(
            f"{n} letter{'s that stand' if n > 1 else ' that stands'} for several bases "
            f"{'are' if n > 1 else 'is'} read as N."
        )
    if n := counts.get("u_as_t", 0):
        said.append(f"{n} U {'are' if n > 1 else 'is'} read as T.")
    return said


def why_not(card: Card) -> str:
    """Why a model cannot be asked about letters alone, one paragraph; empty where it can."""
    if not card.fields:
        return ""
    return (
        f"This model reads more than letters ({', '.join(card.fields)}), and for a sequence typed "
        "in nobody knows these, so it cannot be asked here. Explain places of the genome instead: "
        "'cisgram explain METHOD RUN --sequences PLACES.bed --genome G.fa'."
    )
