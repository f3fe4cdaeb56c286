"""``trust``."""

from __future__ import annotations

from pathlib import Path

import click

from cisgram.cli.shared import DEVICE, JSON, RUN, SEED, TARGET, print_json, say

MARKS = {True: "DOUBT", False: "good", None: "?"}


@click.command()
@RUN
@click.option(
    "--sequences",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    metavar="N",
    help="Test sequences whose explanations are judged.",
)
@TARGET
@click.option(
    "--random-labels", is_flag=True, help="Also train on labels in random order, and compare."
)
@SEED
@DEVICE
@JSON
def trust(
    run: Path,
    sequences: int,
    target: str | None,
    random_labels: bool,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    """Judge a run: shortcuts, faithful explanations, calibration, stability.

    Parts that are done are not done again; the section "Trust" of the page shows them.
    """
    from cisgram import steps
    from cisgram.core.run import Run

    summary = steps.trust_run(
        Run(run),
        sequences=sequences,
        target=target,
        random_labels=random_labels,
        seed=seed,
        device=device,
        say=say,
    )
    if as_json:
        print_json(summary)
        return
    for flag in summary["flags"]:
        click.echo(f"{MARKS[flag['raised']]:<6} {flag['name']}: {flag['said']}")
    say(f"The tables lie in {run / 'trust'}; 'cisgram report {run}' puts them on the page.")
