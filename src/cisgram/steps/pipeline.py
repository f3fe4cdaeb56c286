"""The main job: data, training, evaluation, explanation, motifs, page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cisgram import explain, motifs, report
from cisgram.core import config
from cisgram.core.errors import InputError, NoFiltersError
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.core.work import noted
from cisgram.data import Prepared, prepare
from cisgram.steps.explain import explain_run, output_column
from cisgram.steps.inputs import for_model
from cisgram.steps.motifs import motifs_run, named_motifs
from cisgram.steps.scored import asked_options, recorded
from cisgram.steps.settings import Settings
from cisgram.steps.train import Progress, chosen_device, make_card, train_run

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


@noted("working")
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

    Raises
    ------
    InputError
        When anything of the settings is wrong, whichever step it is of: before the training.
    """
    say = say or (lambda _: None)
    _check_names(settings, device)
    say("reading the data")
    data = for_model(prepare(settings.data, seed=settings.train.seed), settings.model.name)
    card = make_card(settings, data)
    column = output_column(card, settings.explain.target)
    notes = []
    if settings.explain.target is None and len(card.outputs) > 1:
        notes.append(
            f"Of the outputs {', '.join(card.outputs)}, only {card.outputs[0]} was explained; "
            "explain.target chooses another."
        )
    say("training")
    found = train_run(run, settings, device=device, prepared=data, progress=epoch)
    named, lacked = _explain_and_name(run, settings, data, column=column, device=device, say=say)
    say("writing the page")
    return Outcome(found, named, report.write(run), (*notes, *lacked))


@noted("working")  # of a new run, whose folder was not there when it was begun
def _explain_and_name(
    run: Run,
    settings: Settings,
    data: Prepared,
    *,
    column: int,
    device: str,
    say: Callable[[str], None],
) -> tuple[pd.DataFrame | None, list[str]]:
    """Explain a trained run and read its filters.

    Returns
    -------
    tuple
        The motifs that have a name, ``None`` where the model has no filters; and notes of what
        the model has nothing for.
    """
    notes = []
    for method in settings.explain.methods:
        asked = asked_options(settings.explain, method)
        wanted = {"target": column, "most": settings.explain.most, "options": recorded(asked)}
        if _is_done(run.path / "explain" / method / "options.toml", wanted):
            continue
        say(f"explaining with {method}")
        try:
            explain_run(run, method, target=column, device=device, prepared=data, tell=say)
        except InputError as error:  # a method that this model has nothing for: the rest goes on
            notes.append(f"{method}: {error}")
    try:
        options = {"target": column, **settings.motifs.model_dump()}
        facts = run.path / "motifs" / "filters.facts.tsv"
        if not _is_done(run.path / "motifs" / "filters.options.toml", options):
            facts.unlink(missing_ok=True)  # written last: its absence says that the step is due
        if not facts.is_file():
            motifs_run(run, prepared=data, progress=say)
        named = named_motifs(
            run.read_table("motifs/filters.matches.tsv"),
            run.read_table("motifs/filters.facts.tsv"),
            max_q=settings.motifs.max_q,
        )
    except NoFiltersError as error:
        return None, [*notes, str(error)]
    return named, notes


def _check_names(settings: Settings, device: str) -> None:
    """Refuse at once what a step after the training would refuse."""
    for method in (*settings.explain.methods, *settings.explain.options):
        asked_options(settings.explain, method)
    if settings.motifs.convention not in explain.CONVENTIONS:
        what = "convention"
        raise unknown(what, settings.motifs.convention, explain.CONVENTIONS)
    motifs.database(settings.motifs.database)
    chosen_device(device)


def _is_done(options: Path, wanted: Mapping[str, Any]) -> bool:
    """True when a step wrote its options and they say what is wanted, as far as they say it."""
    return options.is_file() and _agrees(config.read_toml(options), wanted)


def _agrees(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    for name, value in wanted.items():
        there = found.get(name, value)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            if not _agrees(there, value):
                return False
        elif there != (list(value) if isinstance(value, tuple) else value):
            return False
    return True
