"""Settings: strict pydantic models, read from TOML, changed by ``a.b=c``, written back."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown


class Options(BaseModel):
    """Base of every group of settings: frozen, no unknown keys, no silent conversion."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, protected_namespaces=()
    )


def _listed(value: Any) -> Any:
    """Names in a tuple, as strict settings want; on the command line also one text with commas."""
    if isinstance(value, str):
        value = [v.strip() for v in value.split(",") if v.strip()]
    return tuple(value) if isinstance(value, list) else value


Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_listed)]

O = TypeVar("O", bound=Options)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    InputError
        When it is absent, not UTF-8, or not TOML; the message names file, line and column.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"{path} does not exist."
        raise InputError(msg) from error
    except (ValueError, RecursionError) as error:  # digits or brackets without end, too
        msg = f"{path} is not TOML: {error}."
        raise InputError(msg) from error
    except OSError as error:
        msg = f"Cannot read {path}: {error.strerror}."
        raise InputError(msg) from error


def write_toml(path: Path, value: Mapping[str, Any]) -> None:
    """Write a TOML file whole; keys whose value is ``None`` are left out."""
    files.write_text(path, tomli_w.dumps(_without_none(value)))


def validate(kind: type[O], value: Mapping[str, Any], *, source: str) -> O:
    """Turn a mapping into settings of one kind.

    Parameters
    ----------
    kind
        The class of the settings.
    value
        What was read.
    source
        Where it came from, for the message: a file or ``the command line``.

    Raises
    ------
    InputError
        Naming every wrong key with what was wanted and what came.
    """
    try:
        # JSON mode: TOML has no tuples and no paths; strictness about numbers and text stays.
        return kind.model_validate_json(_json(value))
    except ValidationError as error:
        problems = "; ".join(_problem(kind, e) for e in error.errors(include_url=False))
        msg = f"{source}: {problems}."
        raise InputError(msg) from error


def override(value: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Apply ``a.b=c`` settings; the right side is read as TOML, else as plain text.

    Examples
    --------
    >>> override({"train": {"epochs": 5}}, ["train.epochs=8", "model.name=demo-cnn"])
    {'train': {'epochs': 8}, 'model': {'name': 'demo-cnn'}}
    """
    out = copy.deepcopy(dict(value))
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            msg = f"A setting looks like group.name=value; got {setting!r}."
            raise InputError(msg)
        *groups, last = name.strip().split(".")
        at = out
        for group in groups:
            at = at.setdefault(group, {})
            if not isinstance(at, dict):
                msg = f"{setting!r}: {group!r} is a value, not a group of settings."
                raise InputError(msg)
        at[last] = _value(text.strip())
    return out


def of_command_line(kind: type[O], given: Mapping[str, Any], *, overrides: Iterable[str] = ()) -> O:
    """Settings of one kind from options of a command; those that are None were not given.

    Parameters
    ----------
    kind
        The class of the settings.
    given
        Values by name.
    overrides
        ``name=value``, applied last.

    Raises
    ------
    InputError
        When a name or a value is wrong.
    """
    known = {name: value for name, value in given.items() if value is not None}
    return validate(kind, override(known, overrides), source="the command line")


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_without_none(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    return value


def _json(value: Mapping[str, Any]) -> str:
    import json

    try:
        return json.dumps(value, default=str)
    except ValueError as error:
        msg = f"Settings hold a value that cannot be written: {error}."
        raise InputError(msg) from error


def _problem(kind: type[Options], error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "the settings"
    if error["type"] == "extra_forbidden":
        return str(unknown("setting", where, _keys(kind))).rstrip(".")
    problem = error["msg"].removeprefix("Value error, ").lower()  # of our own: no prefix
    return f"{where}: {problem}, got {error.get('input')!r}"


def _keys(kind: type[Options], prefix: str = "") -> list[str]:
    keys = []
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Options):
            keys += _keys(inner, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return keys
