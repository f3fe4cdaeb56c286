"""All settings of a run: the groups of its ``run.toml`` and of ``cisgram run CONFIG.toml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import Field

from cisgram.core import config
from cisgram.core.config import Names, Options
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.data import DataOptions
from cisgram.models import MODELS
from cisgram.train import AS_PUBLISHED, ModelOptions, TrainOptions


class ExplainOptions(Options):
    """Which sequences are explained, and how."""

    methods: Names = Field(
        default=("ism", "deep_lift", "gradient_x_input", "saliency"),
        description="see cisgram list methods",
    )
    most: int = Field(default=200, ge=1, description="sequences, three positives to one negative")
    target: int | str | None = Field(
        default=None, description="output to explain; in run the first of several"
    )
    options: dict[str, dict[str, Any]] = Field(
        default={}, description="options of the methods, a table for each; see explain -O"
    )


class MotifOptions(Options):
    """How the learned motifs are read and named."""

    database: str = Field(default="jaspar:vertebrates", description="jaspar:TAXON or a file")
    convention: str = Field(
        default="basset-paper", description="how filters are read; see cisgram list conventions"
    )
    layer: str = Field(
        default="", description="module whose filters are read; empty: the first convolution"
    )
    max_q: float = Field(default=0.05, gt=0, le=1, description="a match is named below it")


class Settings(Options):
    """Everything that a run depends on."""

    data: DataOptions
    model: ModelOptions = ModelOptions()
    train: TrainOptions = TrainOptions()
    explain: ExplainOptions = ExplainOptions()
    motifs: MotifOptions = MotifOptions()


def resolve(
    groups: Mapping[str, Mapping[str, Any]],
    *,
    overrides: Iterable[str] = (),
    as_published: bool = False,
    source: str = "the command line",
) -> Settings:
    """Settings from groups of plain values; what is not given keeps its default.

    A model of the zoo may have a training regime of its own (fact ``regime`` of its registry
    entry), which stands before the general defaults and behind all that is given. It is one for
    fresh weights: where weights are given, the general defaults hold.

    Parameters
    ----------
    groups
        ``data``, ``model``, ``train``, ``explain``, ``motifs``; ``None`` values are left out.
    overrides
        ``group.name=value``, applied last.
    as_published
        Start from the training regime of Deep Motif Dashboard's authors, as
        ``train.as_published = true`` does.
    source
        Where the values come from, for messages.

    Raises
    ------
    InputError
        When a name or a value is wrong.
    """
    given: dict[str, Any] = {
        name: {k: v for k, v in group.items() if v is not None and v != ()}
        if isinstance(group, Mapping)
        else group
        for name, group in groups.items()
    }
    given = config.override(given, overrides)
    train = given.get("train")
    if as_published or (isinstance(train, dict) and train.get("as_published") is True):
        for name, regime in AS_PUBLISHED.items():
            if isinstance(given.get(name, {}), dict):  # else the message below says what came
                given[name] = regime | given.get(name, {})
    if isinstance(given.get("train", {}), dict):
        given["train"] = _own_regime(given.get("model")) | given.get("train", {})
    return config.validate(Settings, given, source=source)


def defaults_of_settings() -> dict[str, Any]:
    """What holds where the ``run.toml`` of an older version names no such setting."""
    return Settings(data=DataOptions(positives="")).model_dump(mode="json")


def _own_regime(model: Any) -> dict[str, Any]:
    """The training settings that fresh weights of a model of the zoo start from."""
    named = model if isinstance(model, dict) else {}
    if named.get("weights"):
        return {}
    name = named.get("name", ModelOptions().name)
    entry = MODELS.get(name) if isinstance(name, str) and name in MODELS else None
    return dict(entry.facts.get("regime", {})) if entry is not None else {}


def described() -> list[dict[str, str]]:
    """Every setting: ``name`` (group.name), ``kind``, ``default``, ``about``.

    Examples
    --------
    >>> [row["default"] for row in described() if row["name"] == "train.epochs"]
    ['20']
    """
    rows = []
    for group, field in Settings.model_fields.items():
        options = field.annotation
        if not (isinstance(options, type) and issubclass(options, Options)):
            continue
        for name, own in options.model_fields.items():
            default = "" if own.is_required() else own.get_default(call_default_factory=True)
            rows.append(
                {
                    "name": f"{group}.{name}",
                    "kind": _kind(own.annotation),
                    "default": "" if default in (None, (), {}) else str(default),
                    "about": own.description or "",
                }
            )
    return rows


def _kind(annotation: Any) -> str:
    """A type in the words of someone who writes TOML."""
    if get_origin(annotation) is Literal:
        return ", ".join(get_args(annotation))
    parts = [a for a in (get_args(annotation) or (annotation,)) if a is not type(None)]
    if get_origin(annotation) is tuple:
        return "list of names" if get_args(annotation)[0] is str else "list of numbers"
    if get_origin(annotation) is dict:
        return "table"
    words = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return " or ".join(words.get(a, str(a)) for a in parts)


def settings_of(run: Run) -> Settings:
    """The settings that a run was made with.

    Raises
    ------
    InputError
        When the folder is no run of a predictor, or its ``run.toml`` was changed by hand.
    """
    check_predictor(run)
    return config.validate(Settings, run.read().get("settings", {}), source=str(run.toml))


def check_predictor(run: Run) -> None:
    """Raise `InputError` unless the folder is a run of a network that predicts labels."""
    found = run.read().get("settings", {})
    others = [name for name in ("impute", "pretrain", "generate") if name in found]
    if others:
        msg = (
            f"{run.path} is a run of 'cisgram {others[0]}', which predicts no labels. Give one of "
            "'cisgram train'."
        )
        raise InputError(msg)


def from_file(path: Path, *, overrides: Iterable[str] = ()) -> Settings:
    """Settings of a TOML file; relative paths count from where the command runs."""
    return resolve(config.read_toml(path), overrides=overrides, source=str(path))
