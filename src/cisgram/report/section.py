"""What a section of the page is, and the table of all sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from markupsafe import Markup

from cisgram.core.registry import Registry
from cisgram.core.run import Run

if TYPE_CHECKING:
    import pandas as pd


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
    files
        Files of the run that its numbers stand in; those that are there are named below it.
    tables
        What the section counts or gathers itself, and no step has written; the page writes
        each as ``page/NAME.tsv`` and names it, too.
    """

    html: Markup
    shrink: Callable[[int], Section] | None = None
    files: tuple[str, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


SectionFn: TypeAlias = Callable[[Run], Section | None]

VIEWS = {
    "overview": "Overview",
    "sequences": "Sequences",
    "motifs": "Motifs",
    "neurons": "Neurons",
    "grammar": "Grammar",
    "trust": "Trust",
}
"""Views of the page, in their order, and what stands on their tabs."""

SECTIONS: Registry[SectionFn] = Registry("section")
"""Filled by decorator; facts: ``title``, ``place`` (order in its view), ``step`` (the command
that writes the files of the section, named on the page where they are absent; ``None`` for a
section that is left out without a word), ``job`` (what the view Jobs of a served page is asked for
to run that command) and ``view`` (the one of `VIEWS` that it stands in; a
section that does not say is a view of its own)."""
