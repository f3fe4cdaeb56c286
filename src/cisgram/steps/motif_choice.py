"""Which motifs of a run, or of a file, a step asks about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cisgram import motifs
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.motifs import Motif
from cisgram.report.text import plural
from cisgram.steps.motifs import SOURCES, named_motifs

if TYPE_CHECKING:
    import pandas as pd

PREFERRED = ("patterns", "modisco", "demix", "filters")  # the first that gives a pair
LIMIT = 40


def chosen_motifs(
    run: Run, source: str | None, *, most: int, max_q: float
) -> tuple[str, list[Motif], dict[str, str]]:
    """Where motifs were read, the motifs, and the known ones that they match.

    Parameters
    ----------
    run
        The run.
    source
        A source of the run's motifs, or a motif file; ``None``: the first of `PREFERRED` that the
        run has two specific motifs of.
    most
        Motifs of a run at most: of the specific ones those with the most sites.
    max_q
        Of a match that gives a motif its name.

    Raises
    ------
    InputError
        When the run has no such motifs, fewer than two, or more than `LIMIT`.
    """
    if source is None:
        there = [s for s in PREFERRED if _meme(run, s).is_file()]
        source = next((s for s in there if len(_specific(run, s)) > 1), next(iter(there), None))
        if source is None:
            msg = (
                f"{run.path} holds no motifs yet; run 'cisgram motifs {run.path} --source "
                "patterns', or give a motif file with --source."
            )
            raise InputError(msg)
    if source not in SOURCES:
        found = list(motifs.database(source))
        names: dict[str, str] = {}
    else:
        if not _meme(run, source).is_file():
            msg = (
                f"{run.path} holds no motifs of {source}; run 'cisgram motifs {run.path} --source "
                f"{source}'."
            )
            raise InputError(msg)
        facts = run.read_table(f"motifs/{source}.facts.tsv")
        matches = named_motifs(run.read_table(f"motifs/{source}.matches.tsv"), facts, max_q=max_q)
        names = dict(zip(matches["motif"], matches["target_name"], strict=True))
        by_size = _specific(run, source).sort_values("n_sites", ascending=False, kind="stable")
        kept = by_size["motif"].astype(str).tolist()[:most]
        found = [m for m in motifs.read_meme(_meme(run, source)) if m.name in set(kept)]
    if len(found) < 2 or len(found) > LIMIT:
        few = "fewer than two specific ones make no pair"
        which = few if len(found) < 2 else f"at most {LIMIT} fit"
        msg = f"{source} gives {plural(len(found), 'motif')}: {which}. Give others with --source."
        raise InputError(msg)
    return source, found, names


def _specific(run: Run, source: str) -> pd.DataFrame:
    """The facts of a source's motifs that say enough to be named."""
    facts = run.read_table(f"motifs/{source}.facts.tsv")
    return facts[facts["is_specific"] == 1]


def _meme(run: Run, source: str) -> Path:
    return run.path / "motifs" / f"{source}.meme"
