"""``distill``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cisgram.cli.shared import DEVICE, JSON, RUN, give_table, need, say, say_epoch


@click.command()
@RUN
@click.option("--model", metavar="NAME", default="explainn", show_default=True, help="The student.")
@click.option("--motifs", metavar="M", help="First filters start as: jaspar:TAXON, or a file.")
@click.option("--freeze-motifs", is_flag=True, help="Training leaves those filters alone.")
@click.option(
    "--shuffles",
    type=click.IntRange(0, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="Also ask about N shuffles of each training sequence.",
)
@click.option(
    "--mutants",
    type=click.IntRange(0, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="Also ask about N copies of each with a tenth of its letters drawn anew.",
)
@click.option("--epochs", type=int, help="At most so many.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Any other setting.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder of the student's run.")
@DEVICE
@JSON
def distill(
    run: Path,
    model: str,
    motifs: str | None,
    freeze_motifs: bool,
    shuffles: int,
    mutants: int,
    epochs: int | None,
    overrides: tuple[str, ...],
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Fit a transparent network to the outputs of RUN's: how true to it, and how simple.

    The student's folder is a run like any other. A killed job goes on where it was.
    """
    folder: Path = need(out, "-o")
    from cisgram import steps
    from cisgram.core.run import Run

    groups: dict[str, dict[str, Any]] = {
        "model": {"name": model, "motifs": motifs, "freeze_motifs": freeze_motifs or None},
        "train": {"epochs": epochs},
    }
    settings = steps.student_settings(Run(run), groups, overrides=overrides)
    table = steps.distill_run(
        Run(run),
        Run(folder),
        settings,
        options=steps.DistillOptions(shuffles=shuffles, mutants=mutants),
        device=device,
        progress=say_epoch,
        say=say,
    )
    give_table(table, None, as_json=as_json)
    say(f"The student is a run of its own: {folder}.")
