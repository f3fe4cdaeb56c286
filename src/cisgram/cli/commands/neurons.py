"""``demix``."""

from __future__ import annotations

from pathlib import Path

import click

from cisgram.cli.shared import DEVICE, JSON, RUN, print_json, say, say_share

ALL = "all"


@click.command()
@RUN
@click.option("--layer", metavar="L", help="conv1, conv2, ..., output.  [default: last conv]")
@click.option("--neuron", metavar="K|all", default=ALL, show_default=True, help="Channel.")
@click.option("--by", default="rectified", show_default=True, help="Or: published.")
@click.option("--parts", type=click.IntRange(1), help="Parts that shift on their own.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@DEVICE
@JSON
def demix(
    run: Path,
    layer: str | None,
    neuron: str,
    by: str,
    parts: int | None,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    """Read motifs and their syntax out of deep neurons, as NeuronMotif does.

    Neurons that are done are not done again; an interrupted command goes on where it was.
    """
    from cisgram import steps
    from cisgram.core.errors import InputError
    from cisgram.core.run import Run

    if neuron != ALL and not neuron.isdigit():
        msg = f"--neuron must be a channel from 0, or all; got {neuron!r}."
        raise InputError(msg)
    opened = Run(run)
    folder = steps.demix_run(
        opened,
        layer=layer,
        neuron=None if neuron == ALL else int(neuron),
        by=by,
        parts=parts,
        seed=seed,
        device=device,
        progress=say_share,
    )
    table = opened.read_table("demix/neurons.tsv")
    own = table[table["layer"] == folder.name]
    if neuron != ALL:
        own = own[own["neuron"] == int(neuron)]
    if as_json:
        print_json(own.astype(object).where(own.notna(), None).to_dict("records"))
        return
    for row in own.itertuples():
        said = row.grammar if isinstance(row.grammar, str) and row.grammar else "no motif"
        click.echo(f"{row.layer} {row.neuron}: {said}")
    matches = steps.motifs_run(opened, source="demix", progress=say)
    n = len(set(matches["motif"]))
    say(f"{n} motifs lie in {run / 'motifs' / 'demix.meme'}, neurons in {folder}.")
