"""``demix``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cisgram.cli.shared import DEVICE, JSON, RUN, print_json, say, say_share

ALL = "all"
START = click.Choice(["random", "real", "lower"])


@click.command()
@RUN
@click.option("--layer", metavar="L", help="conv1, conv2, ..., output.  [default: last conv]")
@click.option("--neuron", metavar="K|all", default=ALL, show_default=True, help="Channel.")
@click.option("--by", default="rectified", show_default=True, help="rectified or published.")
@click.option("--parts", type=click.IntRange(1), help="Parts that shift on their own.")
@click.option(
    "--start", type=START, default="random", show_default=True, help="Windows to start from."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@DEVICE
@JSON
def demix(
    run: Path,
    layer: str | None,
    neuron: str,
    by: str,
    parts: int | None,
    start: str,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    """Read motifs and their syntax out of deep neurons, as NeuronMotif does.

    Neurons that are done are not done again; an interrupted command goes on where it was.
    """
    from cisgram import steps
    from cisgram.core import files
    from cisgram.core.errors import InputError
    from cisgram.core.run import Run

    if neuron != ALL and not (neuron.isascii() and neuron.isdigit()):
        msg = f"--neuron must be a channel from 0, or all; got {neuron!r}."
        raise InputError(msg)
    opened = Run(run)
    folder = steps.demix_run(
        opened,
        layer=layer,
        neuron=None if neuron == ALL else int(neuron),
        by=by,
        parts=parts,
        start=start,
        seed=seed,
        device=device,
        progress=say_share,
    )
    table = opened.read_table("demix/neurons.tsv")
    own = table[table["layer"] == folder.name]
    if neuron != ALL:
        own = own[own["neuron"] == int(neuron)]
    summary = files.read_json(run / "demix" / "summary.json")
    if not as_json:
        for row in own.itertuples():
            said = row.grammar if isinstance(row.grammar, str) and row.grammar else "no motif"
            click.echo(f"{row.layer} {row.neuron}: {said}  ({row.diagnosis})")
        for line in _summary_lines(folder.name, summary):
            click.echo(line)
    if table["motifs"].notna().any():
        matches = steps.motifs_run(opened, source="demix", progress=say)
        n = len(set(matches["motif"]))
        word = "motif lies" if n == 1 else "motifs lie"
        say(f"{n} {word} in {run / 'motifs' / 'demix.meme'}, neurons in {folder}.")
    else:
        say(f"No neuron has a motif; what was tried lies in {folder}.")
    if as_json:
        rows = own.astype(object).where(own.notna(), None).to_dict("records")
        print_json({"neurons": rows, "summary": summary})


def _summary_lines(layer: str, summary: dict[str, Any]) -> list[str]:
    """What became of a layer's neurons, and of its motifs beside their control."""
    found = summary["layers"][layer]
    kinds = ", ".join(f"{100 * v:.0f} % {k}" for k, v in found["kinds"].items() if v)
    lines = [f"{layer}: {found['neurons']} demixed: {kinds}"]
    if found["r2"] is not None:
        lines.append(
            f"{layer}: median R2 of neurons {found['r2']:.2f}, of random leaves "
            f"{found['control_r2']:.2f}"
        )
    known = found["motifs"]
    if known["n"]:
        lines.append(
            f"{layer}: {100 * known['matched']:.0f} % of {known['n']} motifs match "
            f"{summary['database']} at q < {summary['max_q']:g}, "
            f"{100 * known['control']:.0f} % with their columns shuffled"
        )
    return lines
