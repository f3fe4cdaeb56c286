"""``tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cisgram.cli.shared import (
    DEVICE,
    JSON,
    data_options,
    need,
    print_json,
    say,
    say_epoch,
    score_lines,
    settings_given,
)


@click.command()
@data_options
@click.option(
    "--search",
    multiple=True,
    metavar="A.B=RANGE",
    help="What is tried: LOW:HIGH, LOW:HIGH:log, or V,V,...  [default: learning rate, weight "
    "decay, batch size, dropout]",
)
@click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="In all.")
@DEVICE
@JSON
def tune(
    out: Path | None,
    overrides: tuple[str, ...],
    as_published: bool,
    search: tuple[str, ...],
    trials: int,
    device: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Search settings of a training; the validation set alone chooses.

    Every trial is a run; bad ones stop early. A killed search goes on where it was, and one that
    is done goes on with more --trials.
    """
    settings = settings_given(options, overrides, as_published=as_published)
    folder: Path = need(out, "-o")
    from cisgram import steps
    from cisgram.core import files

    space = steps.space_of(settings, search)
    for name, span in space.items():
        say(f"  {name}: {span}")
    found = steps.tune_run(
        folder, settings, space, trials=trials, device=device, progress=_say_epoch, say=say
    )
    metrics = files.read_json(found.run / "metrics.json")
    if as_json:
        print_json({"best": found.best, "importance": found.importance, "metrics": metrics})
        return
    states = found.trials["state"].value_counts()
    click.echo("trials: " + ", ".join(f"{n} {state}" for state, n in states.items()))
    for name, share in found.importance.items():
        click.echo(f"  {100 * share:3.0f} % of the spread goes with {name}")
    for line in score_lines(metrics):
        click.echo(line)
    say(
        f"The best trial is the run {found.run}; for its settings: cisgram run {found.config}. The "
        "validation set chose it, whose score is therefore too good; the test set chose nothing."
    )


def _say_epoch(_: int, state: Any) -> None:
    say_epoch(0, state)
