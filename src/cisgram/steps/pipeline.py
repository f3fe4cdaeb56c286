"""The main job: data, training, evaluation, explanation, motifs, page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cisgram import report
from cisgram.core.errors import NoFiltersError
from cisgram.core.run import Run
from cisgram.data import prepare
from cisgram.steps.explain import explain_run
from cisgram.steps.motifs import motifs_run, named_motifs
from cisgram.steps.settings import Settings
from cisgram.steps.train import Progress, train_run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the main job found.

    Attributes
    ----------
    metrics
        The content of ``metrics.json``.
    named
        Best matches of the motifs that have a name; ``None`` where the model has no filters.
    page
        The report.
    notes
        What could not be done, one sentence each.
    """

    metrics: dict[str, Any]
    named: pd.DataFrame | None
    page: Path
    notes: tuple[str, ...] = ()


def run_all(
    run: Run,
    settings: Settings,
    *,
    device: str = "auto",
    epoch: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> Outcome:
    """Do every step of the main job; steps whose files are there already are not done again.

    Parameters
    ----------
    run
        A new folder, or one in which the same job was begun.
    settings
        All of them.
    device
        ``auto``, ``cpu`` or ``cuda``.
    epoch
        Called after every epoch.
    say
        Called with a word on what is being done.
    """
    say = say or (lambda _: None)
    say("reading the data")
    data = prepare(settings.data, seed=settings.train.seed)
    say("training")
    found = train_run(run, settings, device=device, prepared=data, progress=epoch)
    for method in settings.explain.methods:
        if (run.path / "explain" / method / "options.toml").is_file():
            continue
        say(f"explaining with {method}")
        explain_run(run, method, target=settings.explain.target, device=device, prepared=data)
    named, notes = None, []
    try:
        if not (run.path / "motifs" / "filters.facts.tsv").is_file():
            motifs_run(run, prepared=data, progress=say)
        named = named_motifs(
            run.read_table("motifs/filters.matches.tsv"),
            run.read_table("motifs/filters.facts.tsv"),
            max_q=settings.motifs.max_q,
        )
    except NoFiltersError as error:
        notes.append(str(error))
    say("writing the page")
    return Outcome(found, named, report.write(run), tuple(notes))
