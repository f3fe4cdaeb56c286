"""``train``, ``evaluate``, ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cisgram.cli.shared import (
    DEVICE,
    GENOME,
    JSON,
    RUN,
    data_options,
    give_table,
    need,
    print_json,
    say,
    say_epoch,
    score_lines,
    settings_given,
)

# Elsewhere than on the CPU, scores differ in the last digits from those of the training.
SCORING_DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where to compute.",
)


@click.command()
@data_options
@DEVICE
@JSON
def train(
    out: Path | None,
    overrides: tuple[str, ...],
    as_published: bool,
    device: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a network on sequences and score it on what it never saw.

    A killed job goes on where it was when the same command is given again.
    """
    settings = settings_given(options, overrides, as_published=as_published)
    folder: Path = need(out, "-o")
    from cisgram import steps
    from cisgram.core.run import Run

    metrics = steps.train_run(Run(folder), settings, device=device, progress=say_epoch)
    for line in steps.start_words(Run(folder), settings):
        say(line)
    if as_json:
        print_json(metrics)
        return
    for line in score_lines(metrics):
        click.echo(line)
    say(f"The model and its scores lie in {folder}.")


@click.command()
@RUN
@click.option("--sequences", metavar="F", help="A file with labels; default: the run's own sets.")
@GENOME
@click.option("--baselines", is_flag=True, help="Beside words, one motif, GC: on the test set.")
@SCORING_DEVICE
@JSON
def evaluate(
    run: Path,
    sequences: str | None,
    genome: str | None,
    baselines: bool,
    device: str,
    as_json: bool,
) -> None:
    """Score a run's model, with bootstrap intervals."""
    from cisgram import steps
    from cisgram.core.run import Run

    if baselines:
        if sequences is not None:
            msg = "--baselines are fitted to the run's own sets; leave --sequences out."
            raise click.UsageError(msg)
        table = steps.baselines_run(Run(run), device=device, say=say)
        give_table(table, None, as_json=as_json)
        return
    if sequences is None:
        metrics = steps.evaluate_again(Run(run), device=device)
    else:
        found = steps.evaluate_file(Run(run), sequences, genome=genome, device=device, tell=say)
        metrics = {"given": found}
    if as_json:
        print_json(metrics)
        return
    for line in score_lines(metrics):
        click.echo(line)


@click.command()
@RUN
@click.option("--sequences", required=True, metavar="F", help="FASTA, BED, table.")
@GENOME
@click.option("-o", "--out", type=click.Path(path_type=Path), help="TSV to write.")
@click.option(
    "--mc-dropout",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Add mean and spread of N networks with dropout on.",
)
@SCORING_DEVICE
@JSON
def predict(
    run: Path,
    sequences: str,
    genome: str | None,
    out: Path | None,
    mc_dropout: int,
    device: str,
    as_json: bool,
) -> None:
    """Predict for the sequences of a file: name, output, score, probability."""
    from cisgram import steps
    from cisgram.core.run import Run

    table = steps.predict_file(
        Run(run), sequences, genome=genome, device=device, samples=mc_dropout, tell=say
    )
    give_table(table.drop(columns="set"), out, as_json=as_json)
