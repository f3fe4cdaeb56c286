"""Options of an explanation method given as text or TOML, checked against its signature."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from cisgram import explain
from cisgram.core import config
from cisgram.core.errors import InputError
from cisgram.core.registry import Entry, unknown

GIVEN = ("model", "x", "target", "labels")
"""Arguments that a run gives itself; ``labels`` are those of its sequences."""
SCORES = ("attribution", "tracks")
"""What a method may give to be written as scores along the sequences of a run."""
INTERACTIONS = ("epistasis", "dfim")
"""Tables that a command of their own makes of a run's motifs."""
_PLAIN = (bool, int, float, str)


def method_options(
    entry: Entry[Callable[..., Any]], given: Mapping[str, Any], *, source: str = "-O"
) -> dict[str, Any]:
    """Every option of a method that is plain: what was given, checked, and the other defaults.

    Parameters
    ----------
    entry
        Of ``explain.METHODS``.
    given
        Values by name; the text ``none`` stands for None where the option may be None.
    source
        Where they come from, for messages.

    Raises
    ------
    UnknownName
        No such option; the nearest name is said.
    InputError
        A value of a wrong type, an option that only Python can give, or one that must be given
        and was not; or a method that gives something else than scores of sequences.

    Examples
    --------
    >>> from cisgram.explain import METHODS
    >>> method_options(METHODS["gradient_x_input"], {"corrected": True})
    {'corrected': True, 'batch_size': 256}
    """
    known = checked_options(entry, given, source=source)
    hints = _hints(entry.fn)
    chosen = {}
    for name, parameter in inspect.signature(entry.fn).parameters.items():
        default = parameter.default
        if name in GIVEN:
            continue
        if name in known:
            chosen[name] = known[name]
        elif default is inspect.Parameter.empty:
            msg = (
                f"{entry.name} needs the option {name}, which has no default: "
                f"{_how(entry.name, name, hints.get(name))}"
            )
            raise InputError(msg)
        elif default is None or isinstance(default, (*_PLAIN, tuple)):
            chosen[name] = default
    return chosen


def plain_options(method: str) -> dict[str, Any]:
    """Options of a method that ``-O`` takes, with their defaults; none of one that it refuses.

    Examples
    --------
    >>> plain_options("gradient_x_input")
    {'corrected': False, 'batch_size': 256}
    """
    entry = explain.METHODS[method]
    if entry.facts.get("gives") not in SCORES:
        return {}
    return {
        name: parameter.default
        for name, parameter in inspect.signature(entry.fn).parameters.items()
        if name not in GIVEN and isinstance(parameter.default, (*_PLAIN, tuple, NoneType))
    }


def checked_options(
    entry: Entry[Callable[..., Any]], given: Mapping[str, Any], *, source: str
) -> dict[str, Any]:
    """What was given, checked; see `method_options`."""
    _refuse_other_gifts(entry)
    names = [n for n in inspect.signature(entry.fn).parameters if n not in GIVEN]
    hints = _hints(entry.fn)
    for name in given:
        if name not in names:
            what = f"option of {entry.name}"
            raise unknown(what, name, names)
    return {k: _checked(entry.name, k, v, hints.get(k), source) for k, v in given.items()}


def _refuse_other_gifts(entry: Entry[Callable[..., Any]]) -> None:
    """Refuse a method that gives no scores along sequences."""
    gives = entry.facts.get("gives")
    if gives not in SCORES:
        article = "an" if str(gives)[0] in "aeiou" else "a"
        msg = (
            f"{entry.name} gives {article} {gives}, not scores of the bases of given sequences: "
            f"call explain.{entry.name} in Python."
        )
        if gives == "optimum":  # read as motifs, by a source of the method's name
            msg += f" For motifs: 'cisgram motifs RUN --source {entry.name}'."
        if entry.name in INTERACTIONS:
            msg += f" For the motifs of a run: 'cisgram interact RUN --method {entry.name}'."
        raise InputError(msg)


def _hints(fn: Callable[..., Any]) -> dict[str, Any]:
    """Types of the arguments; what a function gives may name a type that is not imported."""
    written = {k: v for k, v in inspect.get_annotations(fn).items() if k != "return"}
    return get_type_hints(SimpleNamespace(__annotations__=written), getattr(fn, "__globals__", {}))


def _how(method: str, name: str, hint: Any) -> str:
    if _plain(hint):
        return f"give it, as -O {name}=VALUE."
    return f"it is no number or text; call explain.{method} in Python."


def _plain(hint: Any) -> tuple[Any, ...]:
    """The types of an annotation that text can give: numbers, text, true or false, None."""
    union = get_origin(hint) in (Union, UnionType)
    parts = get_args(hint) if union else (hint,)
    kept: list[Any] = []
    for part in parts:
        origin = get_origin(part)
        listed = origin is tuple and all(a in _PLAIN or a is Ellipsis for a in get_args(part))
        if part in (*_PLAIN, NoneType) or origin is Literal or listed:
            kept.append(part)
    return () if set(kept) <= {NoneType} else tuple(kept)


def _checked(method: str, name: str, value: Any, hint: Any, source: str) -> Any:
    kinds = _plain(hint)
    if not kinds:
        msg = (
            f"{source}: {name} of {method} is no number or text, so it cannot be given here; call "
            f"explain.{method} in Python."
        )
        raise InputError(msg)
    if NoneType in kinds and (value is None or str(value).lower() == "none"):
        return None
    wanted: Any = Union[kinds]  # noqa: UP007 (built from a list)
    try:
        return TypeAdapter(wanted).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        words = " or ".join(_word(k) for k in kinds)
        msg = f"{source}: {name} of {method} must be {words}; got {value!r}."
        raise InputError(msg) from error


def _word(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(repr(a) for a in get_args(kind))
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return words.get(kind, "none" if kind is NoneType else "a list")


def read_options(settings: Iterable[str]) -> dict[str, Any]:
    """Options from ``NAME=VALUE``; the right side is read as TOML, else as plain text.

    Examples
    --------
    >>> read_options(["n_references=5", "reference=zeros", "corrected=true"])
    {'n_references': 5, 'reference': 'zeros', 'corrected': True}
    """
    read: dict[str, Any] = {}
    for setting in settings:
        name, equals, _ = setting.partition("=")
        if not equals or not name.strip().isidentifier():
            msg = f"An option looks like -O name=value; got {setting!r}."
            raise InputError(msg)
        if name.strip() in read:
            msg = f"-O gives {name.strip()} twice; give it once."
            raise InputError(msg)
        read = config.override(read, [setting])
    return read
