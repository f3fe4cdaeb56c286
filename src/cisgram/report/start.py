"""Where the weights of a model began, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cisgram.report.text import plural

if TYPE_CHECKING:
    import pandas as pd

START = "start.tsv"
COLUMNS = ("weight", "numbers", "start", "trained", "factor")


def said_start(table: pd.DataFrame, source: str) -> list[str]:
    """Sentences on what was loaded, what stays, and what is trained more slowly.

    Parameters
    ----------
    table
        ``start.tsv`` of a model folder: `COLUMNS`, one row a weight.
    source
        Where loaded weights come from.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("a", 6, "loaded", "no", 1.0), ("b", 2, "drawn", "yes", 1.0)]
    >>> said_start(pd.DataFrame(rows, columns=COLUMNS), "w.safetensors")
    ['1 of 2 tensors (6 of 8 numbers) began as in w.safetensors.', '1 tensor (6 numbers) stays.']
    """
    table = table.astype({"numbers": int, "factor": float})  # as text, where a file was read
    said = []
    loaded = table[table["start"] == "loaded"]
    if len(loaded):
        numbers = f"{int(loaded['numbers'].sum()):,} of {int(table['numbers'].sum()):,} numbers"
        said.append(f"{len(loaded)} of {len(table)} tensors ({numbers}) began as in {source}.")
    frozen = table[table["trained"] == "no"]
    if len(frozen):
        numbers = f"{int(frozen['numbers'].sum()):,} numbers"
        verb = "stays" if len(frozen) == 1 else "stay"
        said.append(f"{plural(len(frozen), 'tensor')} ({numbers}) {verb}.")
    moved = table[table["trained"] == "yes"]
    if len(moved) and moved["factor"].min() < 1:
        low, high = float(moved["factor"].min()), float(moved["factor"].max())
        said.append(f"Learning rates are {low:.3g} to {high:.3g} of the one that was set.")
    return said
