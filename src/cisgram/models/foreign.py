"""A model of the user's own: ``package.module:callable``, with weights that run no code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from cisgram.core.errors import InputError, UnsafeError


def from_callable(spec: str, options: Mapping[str, Any] | None = None) -> nn.Module:
    """Call ``package.module:callable`` and take the module that it gives.

    The current folder is searched too, as ``python -m`` does.

    Raises
    ------
    InputError
        When it cannot be imported or called, or gives no ``torch.nn.Module``.
    """
    module, _, name = spec.partition(":")
    if not module or not name.isidentifier():
        msg = f"A model of your own is named package.module:callable; got {spec!r}."
        raise InputError(msg)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        maker = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        msg = f"Cannot import {spec}: {error}. Run from the folder that holds it, or install it."
        raise InputError(msg) from error
    try:
        model = maker(**(options or {}))
    except TypeError as error:
        msg = f"Cannot call {spec} with options {dict(options or {})}: {error}."
        raise InputError(msg) from error
    if not isinstance(model, nn.Module):
        msg = f"{spec} must give a torch.nn.Module; it gave {type(model).__name__}."
        raise InputError(msg)
    return model


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict from safetensors, or from a ``torch.save`` file that holds tensors only.

    Raises
    ------
    InputError
        When the file is absent, damaged, or holds something else.
    UnsafeError
        When opening it would run code.
    """
    from cisgram.models.checkpoint import read_tensors

    if not path.is_file():
        msg = f"{path} does not exist."
        raise InputError(msg)
    with path.open("rb") as handle:
        head = handle.read(2)
    if head != b"PK" and head[:1] != b"\x80":
        return read_tensors(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        msg = (
            f"{path} holds more than weights, and opening it could run code. Save the state dict "
            "alone: torch.save(model.state_dict(), path)."
        )
        raise UnsafeError(msg) from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        msg = f"{path} is damaged: {error}."
        raise InputError(msg) from error
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping) or not all(isinstance(v, Tensor) for v in found.values()):
        msg = f"{path} holds no state dict (names and tensors)."
        raise InputError(msg)
    return dict(found)
