"""The style sheet of a page: one part for every page, one for each view, one for drawings."""

from __future__ import annotations

from pathlib import Path

PARTS = (
    "page",
    "overview",
    "sequences",
    "motifs",
    "neurons",
    "grammar",
    "compare",
    "figures",
    "live",
    "ask",
    "jobs",
)
"""Files of this room, in the order in which a page holds them; each ends with what a phone and
paper change in it."""


def style(*parts: str) -> str:
    """The style sheet of a page, or those of its parts that are named.

    Examples
    --------
    >>> style("page").startswith(":root {"), style("page") in style()
    (True, True)
    """
    here = Path(__file__).parent
    sheets = ((here / f"{name}.css").read_text(encoding="utf-8") for name in parts or PARTS)
    return "\n".join(sheet.strip() for sheet in sheets)
