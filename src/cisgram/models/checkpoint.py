"""A model on disk: ``model.toml`` says what it is, ``weights.safetensors`` holds its weights."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from cisgram.core import config, files
from cisgram.core.errors import InputError, UnsafeError
from cisgram.core.run import Run
from cisgram.models.base import MODELS, create
from cisgram.models.foreign import from_callable, looks_pickled
from cisgram.models.strands import BothStrands


class FieldShape(config.Options):
    """Axes of a row of a further input, and those that turn with the strand, from the end."""

    shape: tuple[int, ...]
    mirror: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """What one needs to know to build and use a model again.

    Attributes
    ----------
    name
        Registry name, or ``package.module:callable``.
    options
        Keywords that it was made with.
    length
        Positions of the sequences that it was trained on.
    outputs
        Names of the outputs.
    task
        ``classification`` and ``multiclass`` (outputs are logits), ``regression``, ``counts``
        (outputs are log rates), ``profile`` (outputs are the targets of explanations).
    strands
        ``both`` when predictions are the mean over the two strands, else ``given``.
    fields
        Further inputs by name.
    profile
        Strands and width of the profile that is predicted; empty where none is.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    length: int = 0
    outputs: tuple[str, ...] = ("bound",)
    task: str = "classification"
    strands: str = "given"
    fields: Mapping[str, FieldShape] = field(default_factory=dict)
    profile: tuple[int, ...] = ()


class _CardFile(config.Options):
    """What ``model.toml`` holds."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)
    length: int = Field(ge=0)
    outputs: tuple[str, ...] = Field(min_length=1)
    task: Literal["classification", "regression", "multiclass", "counts", "profile"]
    strands: Literal["both", "given"]
    fields: dict[str, FieldShape] = Field(default_factory=dict)
    profile: tuple[int, ...] = ()
    n_parameters: int | None = None


def build(card: Card) -> nn.Module:
    """The model of a card with new weights, as it is trained (one strand).

    The number of outputs, for a model of one length this length, and the sizes of further inputs
    are the card's.
    """
    if ":" in card.name:
        return from_callable(card.name, dict(card.options))
    options = dict(card.options)
    options.setdefault("n_outputs", len(card.outputs))
    if "length" in inspect.signature(MODELS[card.name].fn).parameters:
        options.setdefault("length", card.length)
    for option, (name, axis) in MODELS[card.name].facts.get("sizes", {}).items():
        shape = card.profile if name == "profile" else _shape(card, name)
        if shape:
            options.setdefault(option, shape[axis])
    return create(card.name, **options)


def _shape(card: Card, name: str) -> tuple[int, ...]:
    return card.fields[name].shape if name in card.fields else ()


def save(folder: Path, model: nn.Module, card: Card) -> None:
    """Write ``model.toml`` and ``weights.safetensors`` into a folder; weights first."""
    write_tensors(folder / "weights.safetensors", model.state_dict())
    config.write_toml(
        folder / "model.toml",
        {
            "name": card.name,
            "options": dict(card.options),
            "length": card.length,
            "outputs": list(card.outputs),
            "task": card.task,
            "strands": card.strands,
            "fields": {name: f.model_dump() for name, f in card.fields.items()} or None,
            "profile": list(card.profile) or None,
            "n_parameters": sum(p.numel() for p in model.parameters()),
        },
    )


def read_card(folder: Path) -> Card:
    """The card of a model folder.

    Raises
    ------
    InputError
        When ``model.toml`` is absent or holds something else.
    """
    path = folder / "model.toml"
    if not path.is_file():
        msg = f"{folder} holds no model.toml: no model was saved there, or training did not end."
        raise InputError(msg)
    found = config.validate(_CardFile, config.read_toml(path), source=str(path))
    if ":" not in found.name and found.name not in MODELS:
        msg = f"{path}: no model is named {found.name!r}; known: {', '.join(sorted(MODELS))}."
        raise InputError(msg)
    return Card(**found.model_dump(exclude={"n_parameters", "fields"}), fields=found.fields)


def load(run: str | Path | Run) -> nn.Module:
    """The trained model of a run, in eval mode, on the CPU.

    An ensemble (``--seeds K``) comes back as one module whose output is the members' mean; a
    model trained on both strands averages over them.

    Parameters
    ----------
    run
        A run folder, or one model folder in it.

    Raises
    ------
    InputError
        When there is no model, or weights and architecture do not fit.
    UnsafeError
        When the weights are a pickle.
    """
    path = run.path if isinstance(run, Run) else Path(run)
    folders = Run(path).members() or [path]
    models = [_load_one(folder) for folder in folders]
    return models[0] if len(models) == 1 else Mean(models).eval()


class Mean(nn.Module):
    """Mean of the outputs of several models."""

    def __init__(self, models: list[nn.Module]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, x: Tensor, **fields: Tensor) -> Tensor:
        return torch.stack([m(x, **fields) for m in self.models]).mean(0)


def _load_one(folder: Path) -> nn.Module:
    card = read_card(folder)
    model = build(card)
    tensors = read_tensors(folder / "weights.safetensors")
    put_weights(model, tensors, source=folder / "weights.safetensors")
    mirrors = {name: given.mirror for name, given in card.fields.items()}
    return (BothStrands(model, mirrors) if card.strands == "both" else model).eval()


def put_weights(model: nn.Module, tensors: Mapping[str, Tensor], *, source: Path) -> None:
    """Put weights into a model, or say which do not fit.

    Raises
    ------
    InputError
        Naming the weights that are missing, left over, or of another shape.
    """
    own = model.state_dict()
    wrong = [f"{k} is missing" for k in own if k not in tensors]
    wrong += [f"{k} is not in the model" for k in tensors if k not in own]
    wrong += [
        f"{k} is {tuple(tensors[k].shape)}, the model has {tuple(own[k].shape)}"
        for k in own
        if k in tensors and tensors[k].shape != own[k].shape
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        msg = f"{source} does not fit the model: {'; '.join(wrong[:3])}{more}."
        raise InputError(msg)
    model.load_state_dict(dict(tensors))


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write tensors as safetensors, whole or not at all; equal input gives equal bytes."""
    ordered = {k: tensors[k].detach().cpu().contiguous().clone() for k in sorted(tensors)}
    files.write_bytes(path, save_tensors(ordered, metadata))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file.

    Raises
    ------
    InputError
        When it is absent or damaged.
    UnsafeError
        When it is a pickle, which could run code.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"Cannot read {path}: {error.strerror}."
        raise InputError(msg) from error
    if looks_pickled(content[:9]):
        msg = (
            f"{path} is a pickle, which could run code when it is opened. Convert it to "
            "safetensors where you trust it: safetensors.torch.save_file(model.state_dict(), path)."
        )
        raise UnsafeError(msg)
    try:
        found: dict[str, Tensor] = load_tensors(content)
    except (SafetensorError, ValueError, KeyError) as error:
        msg = f"{path} is damaged or no safetensors file: {error}."
        raise InputError(msg) from error
    return found
