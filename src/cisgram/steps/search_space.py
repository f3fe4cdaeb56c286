"""What a search over settings may try: ranges and choices, written ``group.name=...``."""

from __future__ import annotations

import inspect
import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cisgram.core.errors import InputError
from cisgram.models import MODELS
from cisgram.steps.settings import Settings

NOT_SEARCHED = ("train.seed", "train.seeds", "train.folds", "train.stop_on", "train.select")
TERMS_OF_THE_LOSS = (  # nor where the loss itself is what is compared
    "train.loss",
    "train.focal_gamma",
    "train.dispersion",
    "train.task_weights",
    "train.class_weights",
    "train.count_weight",
)
FORMS = "LOW:HIGH, LOW:HIGH:log, or choices between commas (64,128,256)"


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers from ``low`` to ``high``, both included: whole ones where both are whole."""

    low: float
    high: float
    log: bool = False

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}" + ", by ratio" * self.log


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return ", ".join(str(v) for v in self.values)


Space = dict[str, Span | Choice]


def space_of(settings: Settings, given: Iterable[str]) -> Space:
    """What is searched: the ranges that are given, or the usual ones where none is.

    The usual ones are the learning rate, the weight decay, the batch size and, where the network
    has one, the dropout.

    Raises
    ------
    InputError
        When a range is none, or of a setting that is not searched.
    """
    found = dict(_read(text) for text in given)
    if found:
        return found
    usual: Space = {
        "train.learning_rate": Span(3e-4, 3e-2, log=True),
        "train.weight_decay": Span(1e-5, 1e-1, log=True),
        "train.batch_size": Choice((32, 64, 128, 256)),
    }
    entry = MODELS.get(settings.model.name)
    if entry is not None and "dropout" in inspect.signature(entry.fn).parameters:
        usual["model.options.dropout"] = Span(0.0, 0.6)
    return usual


def _read(text: str) -> tuple[str, Span | Choice]:
    """A setting's name and its range.

    Examples
    --------
    >>> _read("train.learning_rate=1e-4:1e-2:log")
    ('train.learning_rate', Span(low=0.0001, high=0.01, log=True))
    >>> _read("model.options.maps=16:64"), _read("model.name=deepbind,demo-cnn")[1].values
    (('model.options.maps', Span(low=16, high=64, log=False)), ('deepbind', 'demo-cnn'))
    """
    name, equals, right = (part.strip() for part in text.partition("="))
    if not equals or name.partition(".")[0] not in ("train", "model"):
        msg = f"--search wants train.NAME= or model.NAME= and {FORMS}; got {text!r}."
        raise InputError(msg)
    if name in NOT_SEARCHED:
        msg = (
            f"{name} cannot be searched: trials would no longer be compared by the same score on "
            "the same sequences. Set it for all of them (--set)."
        )
        raise InputError(msg)
    if "," in right:
        values = [_value(part.strip()) for part in right.split(",")]
        if len(set(values)) < 2 or "" in values:
            msg = f"--search {text!r}: choices are two different values or more."
            raise InputError(msg)
        return name, Choice(tuple(values))
    ends = [_value(part) for part in right.split(":")]
    log = len(ends) == 3 and ends.pop() == "log"
    if len(ends) != 2 or not all(_is_number(end) for end in ends):
        msg = f"--search {text!r} is no range: write {FORMS}."
        raise InputError(msg)
    low, high = ends
    if low >= high or (log and low <= 0):
        msg = f"--search {text!r}: LOW lies below HIGH" + ", and above 0 with log" * log + "."
        raise InputError(msg)
    return name, Span(low, high, log)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _value(text: str) -> Any:
    """A TOML value; what is none is text."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text
