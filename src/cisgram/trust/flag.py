"""A claim about a model that was put to the test, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("part", "name", "raised", "value", "low", "high", "rule", "said", "file")
RAISED = {True: "yes", False: "no", None: "not judged"}


@dataclass(frozen=True, slots=True)
class Flag:
    """One danger by name, and whether it is there.

    Attributes
    ----------
    name
        For example ``GC shortcut``.
    raised
        True: it is there, and the page says so by its name. False: it was looked for and is not
        there. ``None``: these data cannot tell.
    said
        What was found, in one or two plain sentences with their numbers.
    rule
        When the flag is raised, in words, with the thresholds.
    table
        Name of the table that holds the numbers.
    value, low, high
        The number that decided, and its 95 % interval.
    """

    name: str
    raised: bool | None
    said: str
    rule: str
    table: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


def flag_table(flags: Sequence[tuple[str, Flag]], *, folder: str = "trust") -> pd.DataFrame:
    """One row a flag: `COLUMNS`; ``raised`` is ``yes``, ``no`` or ``not judged``.

    Parameters
    ----------
    flags
        Part (``shortcuts``, ``faithfulness``, ...) and flag.
    folder
        Where the tables lie, for the column ``file``.
    """
    import pandas as pd

    rows = [
        (part, f.name, RAISED[f.raised], f.value, f.low, f.high, f.rule, f.said,
         f"{folder}/{f.table}.tsv")
        for part, f in flags
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
