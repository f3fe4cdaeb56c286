"""``demix``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cisgram.cli.shared import DEVICE, JSON, RUN, SEED, print_json, say, say_share

ALL = "all"
START = click.Choice(["random", "real", "lower"])


@click.command()
@RUN
@click.option("--layer", metavar="L", help="conv1, conv2, ..., output.  [default: last conv]")
@click.option(
    "--neuron",
    metavar="K|all",
    default=ALL,
    show_default=True,
    help="Channel, or several: 0,3,10-20.",
)
@click.option("--by", default="rectified", show_default=True, help="rectified or published.")
@click.option("--parts", type=click.IntRange(1), help="Parts that shift on their own.")
@click.option(
    "--start", type=START, default="random", show_default=True, help="Windows to start from."
)
@click.option(
    "--design", type=click.IntRange(1), metavar="N", help="Write N designed sequences of each."
)
@click.option(
    "--compare",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="RUN2",
    help="Compare with the demixed neurons of RUN2; repeatable. Nothing is demixed.",
)
@click.option("--other-data", is_flag=True, help="Compare even runs of different data.")
@SEED
@DEVICE
@JSON
@click.pass_context
def demix(
    context: click.Context,
    run: Path,
    layer: str | None,
    neuron: str,
    by: str,
    parts: int | None,
    start: str,
    design: int | None,
    compare: tuple[Path, ...],
    other_data: bool,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    """Read motifs and their syntax out of deep neurons, as NeuronMotif does.

    Neurons that are done are not done again; an interrupted command goes on where it was. With
    --compare the neurons of networks that were demixed are put side by side.
    """
    from cisgram import steps
    from cisgram.core.errors import InputError
    from cisgram.core.ranges import read_ranges
    from cisgram.core.run import Run

    if compare:
        _refuse_of_demixing(context)
        _compare(run, compare, layer, other_data=other_data, seed=seed, as_json=as_json)
        return
    if other_data:
        msg = "--other-data belongs to --compare RUN2; nothing is compared here. Leave it out."
        raise InputError(msg)
    wanted = None if neuron == ALL else read_ranges(neuron)
    if wanted is None and neuron != ALL:
        msg = f"--neuron must be channels from 0, such as 5 or 0,3,10-20, or all; got {neuron!r}."
        raise InputError(msg)
    folder = steps.demix_run(
        Run(run),
        layer=layer,
        neuron=wanted,
        by=by,
        parts=parts,
        start=start,
        designs=design,
        seed=seed,
        device=device,
        progress=say_share,
    )
    _tell(run, folder, wanted, design=design, as_json=as_json)


def _tell(
    run: Path,
    folder: Path,
    wanted: tuple[int, ...] | None,
    *,
    design: int | None,
    as_json: bool,
) -> None:
    """What became of the neurons, and where everything lies."""
    from cisgram import steps
    from cisgram.core import files
    from cisgram.core.run import Run

    opened = Run(run)
    table = opened.read_table("demix/neurons.tsv")
    own = table[table["layer"] == folder.name]
    if wanted is not None:
        own = own[own["neuron"].isin(wanted)]
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
    if design is not None:
        say(_designs_line(folder, own["neuron"].tolist(), design))
    if as_json:
        rows = own.astype(object).where(own.notna(), None).to_dict("records")
        print_json({"neurons": rows, "summary": summary})


def _designs_line(folder: Path, neurons: list[int], n: int) -> str:
    written = sum((folder / f"{k}.designed.fa").is_file() for k in neurons)
    made = f"{n} sequences designed from each of {written} of {len(neurons)} neurons"
    rest = "" if written == len(neurons) else " The others have no motif that could be placed."
    return f"{made} lie in {folder}: NEURON.designed.fa.{rest}"


OF_DEMIXING = ("neuron", "by", "parts", "start", "design", "device")


def _refuse_of_demixing(context: click.Context) -> None:
    """Refuse options that a comparison could not honor."""
    from cisgram.core.errors import InputError

    usual = click.core.ParameterSource.DEFAULT
    given = [f"--{k}" for k in OF_DEMIXING if context.get_parameter_source(k) != usual]
    if given:
        word = "belongs" if len(given) == 1 else "belong"
        msg = (
            f"{', '.join(given)} {word} to demixing; --compare reads what was demixed before. "
            "Demix each run with such options first, then compare."
        )
        raise InputError(msg)


def _compare(
    run: Path,
    others: tuple[Path, ...],
    layer: str | None,
    *,
    other_data: bool,
    seed: int,
    as_json: bool,
) -> None:
    from cisgram import steps
    from cisgram.core.run import Run

    said = steps.compare_demixed(
        [Run(p) for p in (run, *others)], layer=layer, other_data=other_data, seed=seed
    )
    if as_json:
        print_json(said)
    else:
        for network in said["networks"]:
            for line in _network_lines(network, said["compared"][network["network"]]):
                click.echo(line)
        for verdict in said["verdicts"]:
            click.echo(verdict["text"])
    for note in said["notes"]:
        say(note)
    say(f"All figures of all layers lie in {run / 'demix'}: comparison.tsv, comparison.json.")


def _network_lines(network: dict[str, Any], layer: str) -> list[str]:
    """A network, and what became of the neurons of its layers; the compared one is marked."""
    test = network["test"]
    deep = f"{network['depth']} convolution{'' if network['depth'] == 1 else 's'}"
    score = "no test score" if test is None else f"test {test['score']} {test['value']:.3f}"
    lines = [
        f"{network['network']}: {network['model']}, {deep}, "
        f"{network['parameters']:,} parameters, {score}"
    ]
    for own in network["layers"]:
        kinds = ", ".join(
            f"{100 * own['figures'][k]['value']:.0f} % {k.replace('_', ' ')}"
            for k in ("read", "poorly_explained", "no_motif", "duplicate", "dead")
            if own["figures"][k]["value"]
        )
        mark = "  <- compared" if own["layer"] == layer else ""
        lines.append(
            f"  {own['layer']} ({own['width']} bp, {own['neurons']} of {own['channels']} neurons): "
            f"{kinds}; {100 * own['named']:.0f} % with a known motif, "
            f"{100 * own['named_shuffled']:.0f} % with columns shuffled{mark}"
        )
    return lines


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
