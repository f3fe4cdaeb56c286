"""The page of a run: sections drawn, put together, written whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cisgram.report.sections  # noqa: F401  (fills SECTIONS)
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.remedies import remedied
from cisgram.core.run import Run
from cisgram.core.work import at_work
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
    with at_work(run.path, "writing the page"):
        drawn = _drawn(run)
        for section in drawn.values():
            for name, table in section.tables.items() if section else ():
                run.write_table(f"{TABLES}/{name}.tsv", table)
        files.write_text(run.report, _fitted(run, drawn, max_bytes=max_bytes))
    return run.report


def draw(
    run: Run | Path, *, live: Mapping[str, Any] | None = None, max_bytes: int = 10_000_000
) -> Markup:
    """The page of a run as `write` makes it; nothing is written.

    Parameters
    ----------
    run, max_bytes
        As for `write`.
    live
        What the script needs of the server that serves the page, see `frame`.

    Raises
    ------
    InputError
        As `write`.
    """
    run = run if isinstance(run, Run) else Run(Path(run))
    return _fitted(run, _drawn(run), live=live, max_bytes=max_bytes)


def _drawn(run: Run) -> dict[str, Section | None]:
    """Every section in its place."""
    order = sorted(SECTIONS, key=lambda name: SECTIONS[name].facts["place"])
    with remedied(run.path):
        run.read()  # a folder that is no run is refused before anything is drawn
        return {name: SECTIONS[name].fn(run) for name in order}


def _fitted(
    run: Run,
    drawn: dict[str, Section | None],
    *,
    live: Mapping[str, Any] | None = None,
    max_bytes: int,
) -> Markup:
    """The page, with fewer sequences where they do not fit."""
    page = _page(run, drawn, live)
    for name, section in drawn.items():
        excess = len(page.encode()) - max_bytes
        if excess <= 0:
            break
        if section is not None and section.shrink is not None:
            drawn[name] = section.shrink(max(0, len(section.html.encode()) - excess))
            page = _page(run, drawn, live)
    size = len(page.encode())
    if size > max_bytes:
        msg = f"The page of {run.path} needs {size:,} bytes; max_bytes is {max_bytes:,}. Raise it."
        raise InputError(msg)
    return page


def _page(run: Run, drawn: dict[str, Section | None], live: Mapping[str, Any] | None) -> Markup:
    sections = [
        {
            "name": name,
            **SECTIONS[name].facts,
            "html": s.html if s else None,
            "files": (there := _there(run, s)),
            "linked": [] if live is None else [f for f in there if (run.path / f).is_file()],
        }
        for name, s in drawn.items()
        if s is not None or SECTIONS[name].facts["step"]
    ]
    return frame(sections, name=run.path.resolve().name, live=live)


def _there(run: Run, section: Section | None) -> list[str]:
    """The files that a section's numbers stand in, from the folder of the run."""
    if section is None:
        return []
    written = [f"{TABLES}/{name}.tsv" for name in section.tables]
    return [name for name in (*written, *section.files) if (run.path / name).exists()]
