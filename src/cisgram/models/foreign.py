"""A model of the user's own: ``package.module:callable``, with weights that run no code."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from types import FunctionType
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
    UnsafeError
        When it is a function of Python or torch: those make no model, and a run that was mailed
        could name one that runs a command. Importing runs the module's own code all the same.
    """
    maker = _maker(spec)
    try:
        model = maker(**(options or {}))
    except TypeError as error:
        msg = f"Cannot call {spec} with options {dict(options or {})}: {error}."
        raise InputError(msg) from error
    if not isinstance(model, nn.Module):
        msg = f"{spec} must give a torch.nn.Module; it gave {type(model).__name__}."
        raise InputError(msg)
    return model


def _maker(spec: str) -> Callable[..., Any]:
    """The class or function that ``package.module:callable`` names."""
    module, _, name = spec.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        msg = f"A model of your own is named package.module:callable; got {spec!r}."
        raise InputError(msg)
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        raise _no_maker(spec)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        maker = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        msg = f"Cannot import {spec}: {error}. Run from the folder that holds it, or install it."
        raise InputError(msg) from error
    if isinstance(maker, type) and issubclass(maker, nn.Module):
        return maker
    if not isinstance(maker, FunctionType | type):
        msg = f"{spec} must be a class or a function; it is of type {type(maker).__name__}."
        raise InputError(msg)
    # what a module imports from elsewhere is not its own: os.system by another name
    if top == "torch" or maker.__module__.partition(".")[0] != top or isinstance(maker, type):
        raise _no_maker(spec)
    return maker


def _no_maker(spec: str) -> UnsafeError:
    return UnsafeError(
        f"{spec} is refused: it is neither a class of torch.nn.Module nor a function that its "
        "own package defines, and calling it could run anything."
    )


def looks_pickled(head: bytes) -> bool:
    """True when a file's first nine bytes are those of a pickle or of a zip of one.

    A safetensors file may begin with the same bytes, the length of its header; the header itself
    is JSON and begins with a brace.
    """
    return (head[:2] == b"PK" or head[:1] == b"\x80") and head[8:9] != b"{"


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
        head = handle.read(9)
    if not looks_pickled(head):
        return read_tensors(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about protocols: it reads them or refuses
            found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        msg = (
            f"{path} holds more than weights, and opening it could run code. Save the state dict "
            "alone: torch.save(model.state_dict(), path)."
        )
        raise UnsafeError(msg) from error
    except Exception as error:  # torch's unpickler raises what the damaged bytes lead it to
        msg = f"{path} is damaged: {str(error) or type(error).__name__}."
        raise InputError(msg) from error
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in found.items()
    ):
        msg = f"{path} holds no state dict (names and tensors)."
        raise InputError(msg)
    return dict(found)
