"""``impute``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cisgram.cli.shared import JSON, need, print_json, say, say_pass

if TYPE_CHECKING:
    from cisgram.train import State


@click.command()
@click.argument("matrix", type=click.Path(path_type=Path), metavar="MATRIX")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder of the run.")
@click.option(
    "--kind", type=click.Choice(["denoising", "variational"]), help="[default: denoising]"
)
@click.option(
    "--likelihood",
    type=click.Choice(["auto", "gaussian", "nb", "zinb"]),
    help="Of a number; nb and zinb of counts.  [default: auto]",
)
@click.option(
    "--items",
    type=click.Choice(["auto", "rows", "columns"]),
    help="What is reduced to coordinates.  [default: auto, of which there are more]",
)
@click.option("--latent", type=int, help="Coordinates of an item.  [default: 32]")
@click.option("--log", is_flag=True, default=None, help="Read, and write, log(1 + number).")
@click.option("--epochs", type=int, help="Passes, at most.  [default: 100]")
@click.option("--seed", type=int, help="Of everything random.  [default: 0]")
@click.option("--set", "overrides", multiple=True, metavar="A=C", help="Any other setting.")
@JSON
def impute(
    matrix: Path, out: Path | None, overrides: tuple[str, ...], as_json: bool, **options: Any
) -> None:
    """Fill the holes of a table of numbers or counts, and reduce its items to coordinates.

    MATRIX: TSV, CSV (names in the first row and column; an empty cell is a hole) or h5ad. A tenth
    of the known numbers is hidden from everything, to score the autoencoder beside means, principal
    components and nearest rows.
    """
    folder: Path = need(out, "-o")
    from cisgram import steps
    from cisgram.core import config
    from cisgram.core.run import Run

    how = config.of_command_line(steps.ImputeOptions, options, overrides=overrides)
    metrics = steps.impute_run(Run(folder), matrix, how, progress=_say_tenth, say=say)
    if as_json:
        print_json(metrics)
        return
    numbers = metrics["numbers"]
    click.echo(f"{numbers['known']:,} numbers, {numbers['missing']:,} missing and filled.")
    test = metrics.get("test", {})
    for name, found in test.items():
        if name == "n":
            click.echo(f"Error on {found:,} numbers that were hidden ({metrics['likelihood']}):")
            continue
        size = metrics["sizes"].get(name)
        chosen = "" if size is None else f"  (chosen: {size:g})"
        parts = "  ".join(f"{score} {value:.4f}" for score, value in found.items())
        click.echo(f"  {name:<20} {parts}{chosen}")
    if "divergence" in metrics:
        click.echo(
            f"Divergence {metrics['divergence']:.2f} nats an item; {metrics['active']} of "
            f"{metrics['latent']} coordinates are in use."
        )
    say(f"imputed.tsv and latent.tsv lie in {folder}.")


def _say_tenth(member: int, state: State) -> None:
    if len(state.history) % 10 == 0:
        say_pass(state, of=f"network {member + 1}  ")
