"""Two runs side by side on one page, drawn from their folders alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.report.compare_explained import explanations
from cisgram.report.compare_motifs import shared_motifs
from cisgram.report.compare_overview import overview
from cisgram.report.compare_pair import Pair
from cisgram.report.compare_predictions import predictions
from cisgram.report.compare_rules import shared_rules
from cisgram.report.compare_scores import scores
from cisgram.report.compare_settings import differences
from cisgram.report.compare_shared import shared
from cisgram.report.compare_training import training
from cisgram.report.compare_trust import verdicts
from cisgram.report.frame import frame
from cisgram.report.section import Section

TITLES = {
    "overview": ("Overview", None),
    "differences": ("What differs", None),
    "scores": ("Scores", "cisgram evaluate RUN"),
    "predictions": ("Predictions", None),
    "training": ("Training", "cisgram train"),
    "motifs": ("Motifs", "cisgram motifs RUN"),
    "explanations": ("Explanations", "cisgram explain ism RUN"),
    "grammar": ("Grammar", "cisgram grammar RUN"),
    "trust": ("Trust", "cisgram trust RUN"),
}
"""Headings in the order of the page, and the command that adds what a section reads."""


def compare_page(first: Run, second: Run, *, live: Mapping[str, Any] | None = None) -> str:
    """The page of two runs: what differs, scores paired, motifs, explanations, rules, trust.

    Parameters
    ----------
    first, second
        Two runs; of other data, tasks or lengths, too: what cannot be compared is said.
    live
        What the script of a served page needs (see `frame`).

    Raises
    ------
    InputError
        When one of the folders is no run, both are the same, or a file is broken.
    """
    drawn, _ = _drawn(first, second, live)
    return drawn


def write_comparison(first: Run, second: Run, out: Path | None = None) -> Path:
    """Write the page of `compare_page` and its tables.

    Parameters
    ----------
    first, second
        Two runs; nothing is written into the second.
    out
        The page; default ``compare-SECOND.html`` in the folder of the first run. The tables are
        written beside it, into a folder of the same name without ``.html``, as
        ``SECTION.TABLE.tsv``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        As `compare_page`, or when ``out`` does not end in ``.html``.
    """
    out = out if out is not None else first.path / f"compare-{second.path.resolve().name}.html"
    if out.suffix != ".html":
        msg = f"The page needs a name that ends in .html; got {out}."
        raise InputError(msg)
    page, sections = _drawn(first, second, None)
    tables = Run(out.with_suffix(""))
    for name, section in sections.items():
        for table, rows in section.tables.items():
            tables.write_table(f"{name}.{table}.tsv", rows)
    files.write_text(out, page)
    return out


def _drawn(
    first: Run, second: Run, live: Mapping[str, Any] | None
) -> tuple[str, dict[str, Section]]:
    pair = Pair(first, second)
    if first.path.resolve() == second.path.resolve():
        msg = f"{first.path} would be compared with itself. Name another run."
        raise InputError(msg)
    for run in pair:
        run.read()
    both = shared(pair)
    found = {
        "differences": differences(pair),
        "scores": scores(pair, both),
        "predictions": predictions(pair, both),
        "training": training(pair),
        "motifs": shared_motifs(pair),
        "explanations": explanations(pair),
        "grammar": shared_rules(pair),
        "trust": verdicts(pair),
    }
    there = {name: section for name, section in found.items() if section is not None}
    sections = {"overview": overview(pair, both, there), **there}
    listed = [
        {
            "name": name,
            "title": title,
            "step": step,
            "html": sections[name].html if name in sections else None,
            "files": (),
        }
        for name, (title, step) in TITLES.items()
        if name in sections or step
    ]
    page = frame(listed, name=" and ".join(pair.names), kind="comparison", live=live)
    return str(page), sections
