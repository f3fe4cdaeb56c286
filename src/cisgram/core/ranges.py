"""Several whole numbers in one word, such as ``0,3,10-20``."""

from __future__ import annotations

import re
from itertools import chain

MOST = 100_000
_PART = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


def read_ranges(text: str) -> tuple[int, ...] | None:
    """The numbers of a text, each once, in its order; ``None`` where it is something else.

    Numbers are separated by commas; ``a-b`` stands for all from a to b, both included. A text of
    more than `MOST` numbers is a slip of the hand.

    Examples
    --------
    >>> read_ranges("0,3,10-12"), read_ranges("7, 5-7"), read_ranges("12-10"), read_ranges("all")
    ((0, 3, 10, 11, 12), (7, 5, 6), None, None)
    """
    parts = [_PART.fullmatch(part.strip()) for part in text.split(",")]
    found = [range(int(p[1]), int(p[2] or p[1]) + 1) for p in parts if p is not None]
    if len(found) < len(parts) or not all(found) or sum(map(len, found)) > MOST:
        return None
    return tuple(dict.fromkeys(chain.from_iterable(found)))
