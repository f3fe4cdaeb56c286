"""``pretrain`` and ``embed``: sequences without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cisgram.cli.shared import GENOME, JSON, RUN, give_table, need, print_json, say, say_pass


@click.command()
@click.option("--positives", metavar="F", help="FASTA, BED, table; of labels those above 0.")
@GENOME
@click.option("--length", type=int, help="bp of each sequence's middle.  [default: the longest]")
@click.option("--model", metavar="NAME", help="See 'cisgram list models'.  [default: demo-cnn]")
@click.option("--kind", type=click.Choice(["denoising", "variational"]))
@click.option("--latent", type=int, help="Coordinates of a sequence.  [default: 16]")
@click.option("--epochs", type=int, help="Passes, at most.  [default: 30]")
@click.option("--seed", type=int, help="Of everything random.  [default: 0]")
@click.option("--set", "overrides", multiple=True, metavar="A=C", help="Any other setting.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder of the run.")
@JSON
def pretrain(out: Path | None, overrides: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Let a network read sequences without labels: an autoencoder with it as the encoder.

    Then 'cisgram train --from RUN' starts from it, and 'cisgram embed RUN' reduces sequences to a
    few coordinates.
    """
    need(options["positives"], "--positives")
    folder: Path = need(out, "-o")
    from cisgram import steps
    from cisgram.core import config
    from cisgram.core.run import Run

    how = config.of_command_line(steps.PretrainRunOptions, options, overrides=overrides)
    metrics = steps.pretrain_run(Run(folder), how, progress=say_pass, say=say)
    if as_json:
        print_json(metrics)
        return
    valid = metrics["valid"]
    click.echo(
        f"{valid['nats_per_letter']:.4f} nats a letter on {metrics['n']} held-out sequences "
        f"(composition alone: {valid['composition']:.4f}, chance: {valid['chance']:.4f})."
    )
    if "divergence" in metrics:
        click.echo(
            f"Divergence {metrics['divergence']:.2f} nats a sequence; {metrics['active']} of "
            f"{metrics['latent']} coordinates are in use."
        )
    say(f"Start from it with 'cisgram train --from {folder}'.")


@click.command()
@RUN
@click.option("--sequences", required=True, metavar="F", help="FASTA, BED, table.")
@GENOME
@click.option("-o", "--out", type=click.Path(path_type=Path), help="TSV to write.")
@JSON
def embed(run: Path, sequences: str, genome: str | None, out: Path | None, as_json: bool) -> None:
    """Reduce the sequences of a file to the coordinates of a run of 'cisgram pretrain'."""
    from cisgram import steps
    from cisgram.core.run import Run

    table = steps.embed_file(Run(run), sequences, genome=genome, tell=say)
    give_table(table, out, as_json=as_json)
