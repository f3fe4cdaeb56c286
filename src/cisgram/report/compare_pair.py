"""Two runs that are put side by side: what each is called, and how both are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from cisgram.core.run import Run

NOT_APART = "not told apart"


def pages(live: Mapping[str, Any] | None) -> tuple[str, str]:
    """Addresses of the pages of both runs where a server has them, else empty ones.

    Examples
    --------
    >>> pages({"run": "a", "second": "b c", "runs": []}), pages(None)
    (('/runs/a/', '/runs/b%20c/'), ('', ''))
    """
    slugs = [str((live or {}).get(key, "")) for key in ("run", "second")]
    one, other = (f"/runs/{quote(slug, safe='')}/" if all(slugs) else "" for slug in slugs)
    return one, other


class Pair(NamedTuple):
    """The first and the second run; every figure draws the first one in the first color."""

    first: Run
    second: Run

    @property
    def names(self) -> tuple[str, str]:
        """Names of the folders, with as much of the path as tells them apart."""
        parts = [run.path.resolve().parts for run in self]
        for n in range(1, max(map(len, parts)) + 1):
            one, other = ("/".join(p[-n:]) for p in parts)
            if one != other:
                return one, other
        return "first", "second"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A difference with its interval, and what may be said of it."""

    value: float
    low: float
    high: float

    def said(self, names: tuple[str, str]) -> str:
        """Which is higher where the interval leaves 0 out, else that they are not told apart.

        Examples
        --------
        >>> Verdict(0.02, 0.01, 0.03).said(("a", "b")), Verdict(0.02, -0.01, 0.05).said(("a", "b"))
        ('a higher', 'not told apart')
        """
        if not self.low <= self.high:  # NaN: no interval, nothing to say
            return NOT_APART
        if self.low > 0:
            return f"{names[0]} higher"
        return f"{names[1]} higher" if self.high < 0 else NOT_APART
