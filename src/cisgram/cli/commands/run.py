"""``run``, ``demo``, ``benchmark``: whole jobs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cisgram.cli.shared import (
    DEVICE,
    JSON,
    data_options,
    named_lines,
    need,
    print_json,
    say,
    say_epoch,
    score_lines,
    settings_given,
)

if TYPE_CHECKING:
    from cisgram.steps import Outcome


@click.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
@data_options
@click.option("--database", help="jaspar:vertebrates, jaspar:fungi, ... or a motif file.")
@DEVICE
@JSON
def run(
    config: Path | None,
    out: Path | None,
    overrides: tuple[str, ...],
    as_published: bool,
    database: str | None,
    device: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Do the whole job: train, score, explain, read motifs, write the page.

    Settings come from CONFIG (TOML with the groups data, model, train, explain, motifs), or from
    the options.
    """
    folder: Path = need(out, "-o")
    given = [name for name, value in options.items() if value is not None]
    if config is not None and (given or as_published or database):
        msg = "Give CONFIG or the options; change a setting of CONFIG with --set."
        raise click.UsageError(msg)
    from cisgram import steps
    from cisgram.core.run import Run

    if config is not None:
        settings = steps.from_file(config, overrides=overrides)
    else:
        settings = settings_given(
            options, overrides, as_published=as_published, motifs={"database": database}
        )
    outcome = steps.run_all(Run(folder), settings, device=device, epoch=say_epoch, say=say)
    if as_json:
        print_json(outcome.metrics)
        return
    _show(outcome)


def _show(outcome: Outcome) -> None:
    for line in score_lines(outcome.metrics):
        click.echo(line)
    if outcome.named is not None:
        click.echo(f"{len(outcome.named)} of the learned motifs have a known match:")
        for line in named_lines(outcome.named):
            click.echo(f"  {line}")
    for note in outcome.notes:
        click.echo(note)
    click.echo(f"The page: {outcome.page}")


@click.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo-run"),
    show_default=True,
    help="Folder of the run.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of everything random.")
@DEVICE
@JSON
def demo(out: Path, seed: int, device: str, as_json: bool) -> None:
    """Do the whole job on a simulation whose truth is known, and compare.

    Two JASPAR motifs are planted in a fixed order and spacing; decoys are planted in both classes.
    """
    from cisgram.core.run import Run
    from cisgram.steps.demo import demo_run

    found = demo_run(Run(out), seed=seed, device=device, epoch=say_epoch, say=say)
    if as_json:
        print_json(found)
        return
    for line in found["lines"]:
        click.echo(line)


DATA = ("tf-chipseq", "yeast")  # benchmarks of networks on a set, of one form


@click.command()
@click.argument(
    "name",
    type=click.Choice(
        [
            "attribution",
            "confounded",
            "demix",
            "demo-table4",
            "grammar",
            "regimes",
            "unsupervised",
            "zoo",
            *DATA,
        ]
    ),
)
@click.option("--data", type=click.Path(path_type=Path), envvar="CISGRAM_DATA", help="Data sets.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("runs"), help="Folder.")
@click.option("--docs", type=click.Path(path_type=Path), help="Write the table there (Markdown).")
@click.option("--only", help="Comma-separated experiments, networks, methods or layers.")
@click.option("--full", is_flag=True, help="zoo: networks as large as published, to the end.")
@DEVICE
def benchmark(
    name: str,
    data: Path | None,
    out: Path,
    docs: Path | None,
    only: str | None,
    full: bool,
    device: str,
) -> None:
    """Rebuild a table of the docs; finished cells are kept, the rest resumes.

    attribution: every method on networks of four kinds, where the bases that matter are known.
    demix: what the neurons of Basset, BD-10 and others learned, layer by layer, beside controls.
    grammar: which planted rules come back from networks, and what else is reported.
    regimes: what missing labels cost, and what a start from other factors gains.
    confounded: whether a network reads the batch that goes with its labels, and what helps.
    unsupervised: holes of matrices filled, sequences made and turned, a start before labels.
    demo-table4: how often a method points at the factor's motif, on the networks of tf-chipseq.
    zoo: every network of the zoo on real data, beside words, one motif and what was published.
    """
    if full and name != "zoo":
        msg = "--full is for the benchmark zoo; leave it out."
        raise click.UsageError(msg)
    from cisgram.steps.attribution import benchmark_attribution
    from cisgram.steps.benchmark import benchmark as benchmark_data
    from cisgram.steps.confounded_benchmark import benchmark_confounded
    from cisgram.steps.demix_benchmark import benchmark_demix
    from cisgram.steps.grammar_benchmark import benchmark_grammar
    from cisgram.steps.regimes_benchmark import benchmark_regimes
    from cisgram.steps.table4 import benchmark_table4
    from cisgram.steps.unsupervised_benchmark import benchmark_unsupervised
    from cisgram.steps.zoo_benchmark import benchmark_zoo

    if name == "attribution":
        page = benchmark_attribution(data, out, only=only, device=device, epoch=say_epoch, say=say)
    elif name == "grammar":
        page = benchmark_grammar(data, out, only=only, device=device, epoch=say_epoch, say=say)
    else:
        folder = need(data, "--data")
        own: dict[str, Callable[..., str]] = {
            "confounded": benchmark_confounded,
            "demix": benchmark_demix,
            "demo-table4": benchmark_table4,
            "regimes": benchmark_regimes,
            "zoo": partial(benchmark_zoo, full=full),
            "unsupervised": benchmark_unsupervised,
        }
        rebuild = own.get(name) or partial(benchmark_data, name)
        page = rebuild(folder, out, only=only, device=device, epoch=say_epoch, say=say)
    if docs is None:
        click.echo(page)
    else:
        from cisgram.core import files

        files.write_text(docs, page)
        say(f"The table lies in {docs}.")
