"""What a section of the page is, and the table of all sections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from markupsafe import Markup

from cisgram.core.registry import Registry
from cisgram.core.run import Run


@dataclass(frozen=True, slots=True)
class Section:
    """One section, drawn.

    Attributes
    ----------
    html
        Everything under the heading; already escaped.
    shrink
        Draws the section again in at most so many bytes, leaving out rows and saying so;
        ``None`` where there is nothing to leave out.
    """

    html: Markup
    shrink: Callable[[int], Section] | None = None


SectionFn: TypeAlias = Callable[[Run], Section | None]

SECTIONS: Registry[SectionFn] = Registry("section")
"""Filled by decorator; facts: ``title``, ``place`` (order on the page) and ``step`` (the command
that writes the files of the section, named on the page where they are absent; ``None`` for a
section that is left out without a word)."""
