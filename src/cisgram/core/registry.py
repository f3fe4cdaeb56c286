"""A named table of functions that says what it has when asked for what it has not."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from cisgram.core.errors import InputError, UnknownName

F = TypeVar("F", bound=Callable[..., object])


def unknown(what: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for a name that is not there: the nearest match, then the list."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownName(f"No {what} named {name!r}.{hint} Known: {', '.join(names)}.")


class Entry(Generic[F]):
    """One registered function and the facts written beside it."""

    def __init__(self, name: str, fn: F, facts: Mapping[str, Any]) -> None:
        self.name, self.fn, self.facts = name, fn, facts

    @property
    def summary(self) -> str:
        """First line of the function's docstring."""
        return (self.fn.__doc__ or "").strip().split("\n")[0]


class Registry(Mapping[str, Entry[F]]):
    """Filled by decorator, read by the command line, the page, the docs and the contract tests.

    Examples
    --------
    >>> shapes = Registry("shape")
    >>> @shapes.register(sides=4)
    ... def square(): "A square."
    >>> shapes["square"].facts["sides"]
    4
    """

    def __init__(self, what: str) -> None:
        self._what, self._entries = what, dict[str, Entry[F]]()

    def register(self, *, name: str | None = None, **facts: Any) -> Callable[[F], F]:
        """Record a function under ``name`` (default: its own); refuses to overwrite."""

        def keep(fn: F) -> F:
            key = name or fn.__name__
            if key in self._entries:
                msg = f"{self._what} {key!r} is registered twice."
                raise InputError(msg)
            self._entries[key] = Entry(key, fn, facts)
            return fn

        return keep

    def __getitem__(self, name: str) -> Entry[F]:
        if name in self._entries:
            return self._entries[name]
        raise unknown(self._what, name, self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
