"""Two runs side by side on one page, drawn from their folders alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jinja2 import UndefinedError

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.remedies import remedied
from cisgram.core.run import Run
from cisgram.report.compare_explained import explanations
from cisgram.report.compare_motifs import shared_motifs
from cisgram.report.compare_overview import overview
from cisgram.report.compare_pair import Pair, pages
from cisgram.report.compare_predictions import predictions
from cisgram.report.compare_rules import shared_rules
from cisgram.report.compare_scores import scores
from cisgram.report.compare_settings import differences
from cisgram.report.compare_shared import shared
from cisgram.report.compare_training import training
from cisgram.report.compare_trust import verdicts
from cisgram.report.frame import frame
from cisgram.report.section import Section

if TYPE_CHECKING:
    from markupsafe import Markup

PARTS = {
    "overview": ("Overview", "overview", None, ()),
    "differences": ("What differs", "overview", None, ("run.toml", "model/model.toml")),
    "scores": (
        "Scores", "overview", "cisgram evaluate RUN", ("metrics.json", "predictions.tsv"),
    ),
    "training": ("Training", "overview", "cisgram train", ("history.tsv",)),
    "predictions": ("Predictions", "sequences", None, ("predictions.tsv", "metrics.json")),
    "explanations": ("Explanations", "sequences", "cisgram explain ism RUN", ("explain",)),
    "motifs": ("Motifs", "motifs", "cisgram motifs RUN", ("motifs",)),
    "grammar": ("Grammar", "grammar", "cisgram grammar RUN", ("grammar/rules.json",)),
    "trust": ("Trust", "trust", "cisgram trust RUN", ("trust/flags.tsv",)),
}  # fmt: skip
"""In the order of the page: heading, view, the command that writes what is read, what that is."""
BROKEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, UndefinedError)
"""What a file with other things in it than ours leads to."""
T = TypeVar("T")


def compare_page(first: Run, second: Run, *, live: Mapping[str, Any] | None = None) -> str:
    """The page of two runs: what differs, scores paired, motifs, explanations, rules, trust.

    Parameters
    ----------
    first, second
        Two runs; of other data, tasks or lengths, too: what cannot be compared is said.
    live
        What the script of a served page needs (see `frame`); with ``run`` and ``second``, the names
        of the runs in its addresses, the page links to theirs.

    Raises
    ------
    InputError
        When one of the folders is no run, both are the same, or a file is broken.
    """
    with remedied(first.path, second.path):
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
    with remedied(first.path, second.path):
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
    bases = pages(live)
    both = _read(pair, "predictions", shared)
    found: dict[str, Section | None] = {
        "differences": _read(pair, "differences", differences),
        "scores": _read(pair, "scores", lambda p: scores(p, both)),
        "predictions": _read(pair, "predictions", lambda p: predictions(p, both, bases=bases)),
        "training": _read(pair, "training", training),
        "motifs": _read(pair, "motifs", shared_motifs),
        "explanations": _read(pair, "explanations", explanations),
        "grammar": _read(pair, "grammar", shared_rules),
        "trust": _read(pair, "trust", verdicts),
    }
    there = {name: section for name, section in found.items() if section is not None}
    sections = {"overview": overview(pair, both, there, bases=bases), **there}
    return str(_framed(pair, sections, live)), sections


def _framed(pair: Pair, sections: Mapping[str, Section], live: Mapping[str, Any] | None) -> Markup:
    listed = [
        {
            "name": name,
            "title": title,
            "view": view,
            "step": step,
            "html": sections[name].html if name in sections else None,
            "files": (),
            "linked": (),
        }
        for name, (title, view, step, _) in PARTS.items()
        if name in sections or step
    ]
    return frame(listed, name=" and ".join(pair.names), kind="comparison", live=live)


def _read(pair: Pair, part: str, draw: Callable[[Pair], T]) -> T:
    """A part of the page; a file that holds other things than ours is refused by its name."""
    try:
        return draw(pair)
    except InputError:  # which has named its file already
        raise
    except BROKEN as error:
        named = " or ".join(str(run.path / f) for f in PARTS[part][3] for run in pair)
        msg = (
            f"The two runs cannot be compared: {named} holds something else than this version "
            f"writes ({type(error).__name__}: {error}). Run the step that writes it again."
        )
        raise InputError(msg) from error
