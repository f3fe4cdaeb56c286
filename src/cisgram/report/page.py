"""The page of a run: sections drawn, put together, written whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cisgram.report.sections  # noqa: F401  (fills SECTIONS)
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.report.frame import frame
from cisgram.report.section import SECTIONS, Section

if TYPE_CHECKING:
    from markupsafe import Markup

TABLES = "page"


def write(run: Run | Path, *, max_bytes: int = 10_000_000) -> Path:
    """Write ``RUN/report.html``: one file that opens offline and survives being mailed.

    Only the files of the run are read; a step that was not run is named on the page. Tables that
    stand in none of these files are written as ``RUN/page/*.tsv``.

    Parameters
    ----------
    run
        A run folder.
    max_bytes
        Size that the page may have. When the sequences do not fit, those with the highest
        score are kept and the page says how many were left out.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        When the folder is no run, one of its files is broken, or the page without any sequence
        is larger than ``max_bytes``.
    """
    run = run if isinstance(run, Run) else Run(Path(run))
    run.read()  # a folder that is no run is refused before anything is drawn
    order = sorted(SECTIONS, key=lambda name: SECTIONS[name].facts["place"])
    drawn = {name: SECTIONS[name].fn(run) for name in order}
    for section in drawn.values():
        for name, table in section.tables.items() if section else ():
            run.write_table(f"{TABLES}/{name}.tsv", table)
    page = _page(run, drawn)
    for name, section in drawn.items():
        excess = len(page.encode()) - max_bytes
        if excess <= 0:
            break
        if section is not None and section.shrink is not None:
            drawn[name] = section.shrink(max(0, len(section.html.encode()) - excess))
            page = _page(run, drawn)
    size = len(page.encode())
    if size > max_bytes:
        msg = f"The page of {run.path} needs {size:,} bytes; max_bytes is {max_bytes:,}. Raise it."
        raise InputError(msg)
    files.write_text(run.report, page)
    return run.report


def _page(run: Run, drawn: dict[str, Section | None]) -> Markup:
    sections = [
        {
            "name": name,
            **SECTIONS[name].facts,
            "html": s.html if s else None,
            "files": _there(run, s),
        }
        for name, s in drawn.items()
        if s is not None or SECTIONS[name].facts["step"]
    ]
    return frame(sections, name=run.path.resolve().name)


def _there(run: Run, section: Section | None) -> list[str]:
    """The files that a section's numbers stand in, from the folder of the run."""
    if section is None:
        return []
    written = [f"{TABLES}/{name}.tsv" for name in section.tables]
    return [name for name in (*written, *section.files) if (run.path / name).exists()]
