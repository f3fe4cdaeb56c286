"""``interact``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    import pandas as pd

METHOD = click.Choice(["epistasis", "dfim", "both"])
SHARE = click.FloatRange(0, 1, min_open=True)


@click.command()
@RUN
@click.option("--method", type=METHOD, default="both", show_default=True)
@MOTIFS_OF
@TARGET
@click.option("--most", type=click.IntRange(1), help="At most so many sequences.")
@N_MOTIFS
@click.option("--p", "p", type=SHARE, default=1e-4, show_default=True, help="Of a site, at most.")
@click.option("--least", type=SHARE, default=0.5, show_default=True, help="Share of the sequences.")
@click.option("--fdr", type=SHARE, default=0.05, show_default=True, help="False discovery rate.")
@SEED
@DEVICE
@JSON
def interact(
    run: Path,
    method: str,
    source: str | None,
    target: str | None,
    most: int | None,
    n_motifs: int,
    p: float,
    least: float,
    fdr: float,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    """Find the pairs of motifs that a run's model reads together.

    A pair interacts when, at the false discovery rate, at least the share of the held-out positives
    that hold both show more than their null. epistasis: what two motifs give beyond each alone,
    against windows elsewhere. dfim: how the importance of one changes without the other, against
    shuffles.
    """
    from cisgram.core import files
    from cisgram.core.run import Run
    from cisgram.steps import interact as step

    options = step.InteractOptions(
        methods=step.METHODS if method == "both" else (method,),
        source=source,
        target=target,
        most=most,
        n_motifs=n_motifs,
        p=p,
        least=least,
        fdr=fdr,
        seed=seed,
    )
    found = step.interact_run(Run(run), options, device=device, progress=say)
    folder = run / step.FOLDER
    if as_json:
        print_json(files.read_json(folder / "summary.json"))
    else:
        for line in _lines(found, fdr):
            click.echo(line)
    say(f"All pairs lie in {folder}: METHOD.pairs.tsv, and sequence by sequence METHOD.tsv.")


def _lines(found: Mapping[str, pd.DataFrame], fdr: float) -> list[str]:
    """Each method's pairs that interact, or that there are none."""
    lines = []
    for method, table in found.items():
        sure = table[table["interacts"] == 1]
        lines.append(f"{method}: {len(sure)} of {len(table)} pairs interact at FDR {fdr:g}")
        for row in sure.itertuples():
            both = f"{_named(row.a, row.a_match)} and {_named(row.b, row.b_match)}"
            lines.append(
                f"  {both}: {row.mean:+.3g} ({row.low:.3g} to {row.high:.3g}) in {row.sequences} "
                f"sequences, {row.distance:g} bp apart, q {row.q:.2g}"
            )
    return lines


def _named(motif: object, match: object) -> str:
    return f"{motif} ({match})" if match else f"{motif}"
