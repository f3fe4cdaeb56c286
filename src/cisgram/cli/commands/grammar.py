"""``grammar``."""

from __future__ import annotations

from pathlib import Path

import click

from cisgram.cli.shared import (
    DEVICE,
    JSON,
    MOTIFS_OF,
    N_MOTIFS,
    RUN,
    SEED,
    TARGET,
    print_json,
    say,
)

SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command()
@RUN
@MOTIFS_OF
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    metavar="RUN2",
    help="Put the rules that RUN2 found to this run's model and sequences.",
)
@TARGET
@click.option(
    "--most", type=click.IntRange(20), default=2000, show_default=True, help="Of each class."
)
@N_MOTIFS
@click.option("--p", "p", type=SHARE, default=1e-4, show_default=True, help="Of a site, at most.")
@click.option("--reach", type=click.IntRange(0), help="Largest distance, bp.  [default: 50]")
@click.option("--backgrounds", type=click.IntRange(6), default=100, show_default=True)
@click.option(
    "--least", type=SHARE, default=0.15, show_default=True, help="Smallest effect, as a share."
)
@click.option("--fdr", type=SHARE, default=0.05, show_default=True, help="False discovery rate.")
@SEED
@DEVICE
@JSON
def grammar(
    run: Path,
    source: str | None,
    check: Path | None,
    target: str | None,
    most: int,
    n_motifs: int,
    p: float,
    reach: int | None,
    backgrounds: int,
    least: float,
    fdr: float,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    """Find the rules of a run's motifs: synergy, spacing, order, orientation, copies, negation.

    Rules are looked for in the sequences and in the model, and each is put to the model in
    backgrounds of its own. --least is a share of what sequences of interest have above backgrounds.
    """
    from cisgram.core.run import Run
    from cisgram.steps import grammar as step

    options = step.GrammarOptions(
        source=source,
        target=target,
        most=most,
        n_motifs=n_motifs,
        p=p,
        reach=reach,
        backgrounds=backgrounds,
        least=least,
        fdr=fdr,
        seed=seed,
    )
    found = step.grammar_run(Run(run), options, check=check, device=device, say=say)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo(found.text() if len(found) else "No rule was found.")
        if "not_asked" in found.facts:
            click.echo(found.facts["not_asked"])
    name = "rules" if check is None else "check"
    say(
        f"All lies in {run / step.FOLDER}: {name}.json, {name}.tsv; 'cisgram report {run}' puts it "
        "on the page."
    )
