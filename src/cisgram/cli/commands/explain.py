"""``explain``, ``motifs``, ``report``."""

from __future__ import annotations

from pathlib import Path

import click

from cisgram.cli.shared import (
    DATABASE,
    DEVICE,
    GENOME,
    JSON,
    RUN,
    TARGET,
    named_lines,
    print_json,
    say,
    say_share,
)

SOURCE = "filters, patterns, modisco, demix or class_optimization."


@click.command()
@click.argument("method")
@RUN
@click.option("--sequences", metavar="F", help="Default: held-out sequences of the run.")
@GENOME
@TARGET
@click.option(
    "-O",
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of METHOD ('cisgram list methods --json' has them all); repeatable.",
)
@click.option("--most", type=click.IntRange(1), help="At most so many sequences.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="Folder.  [default: RUN/explain/METHOD; for a file RUN/explain-given/METHOD-NAME]",
)
@DEVICE
@JSON
def explain(
    method: str,
    run: Path,
    sequences: str | None,
    genome: str | None,
    target: str | None,
    options: tuple[str, ...],
    most: int | None,
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Score every base of sequences with METHOD ('cisgram list methods')."""
    from cisgram import steps
    from cisgram.core import config
    from cisgram.core.run import Run

    folder = steps.explain_run(
        Run(run),
        method,
        sequences=sequences,
        genome=genome,
        target=target,
        options=steps.read_options(options),
        most=most,
        out=out,
        device=device,
        progress=say_share,
        tell=say,
    )
    if as_json:
        done = config.read_toml(folder / "options.toml")
        kept = {k: done[k] for k in ("completeness",) if k in done}
        print_json({"folder": str(folder), **kept})
    fields = ", fields.safetensors (of the further inputs)" * (folder / steps.FIELDS).is_file()
    say(f"The scores lie in {folder}: values.safetensors, names.tsv{fields}.")


@click.command()
@RUN
@click.option("--source", default="filters", show_default=True, help=SOURCE)
@DATABASE
@click.option("--convention", help="How filters are read, for example basset or deepbind.")
@click.option("--layer", help="Module whose filters are read, by its path.  [default: first conv]")
@JSON
def motifs(
    run: Path,
    source: str,
    database: str | None,
    convention: str | None,
    layer: str | None,
    as_json: bool,
) -> None:
    """Read the motifs that a run's network learned, and name them."""
    from cisgram import steps
    from cisgram.core.run import Run

    folder = Run(run)
    options = steps.settings_of(folder).motifs
    changed = {"database": database, "convention": convention, "layer": layer}
    options = options.model_copy(update={k: v for k, v in changed.items() if v is not None})
    matches = steps.motifs_run(folder, source=source, options=options, progress=say)
    facts = folder.read_table(f"motifs/{source}.facts.tsv")
    named = steps.named_motifs(matches, facts, max_q=options.max_q)
    if as_json:
        print_json(named.to_dict("records"))
        return
    for line in named_lines(named):
        click.echo(line)
    say(f"All of them lie in {run / 'motifs'}.")


@click.command()
@RUN
@click.option(
    "--compare",
    "other",
    type=click.Path(path_type=Path),
    metavar="RUN2",
    help="Write a page of both runs instead.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="F",
    help="With --compare: the page.  [default: RUN/compare-RUN2.html]",
)
@JSON
def report(run: Path, other: Path | None, out: Path | None, as_json: bool) -> None:
    """Write RUN/report.html: one page that opens offline and survives being mailed.

    With --compare, a page that puts two runs side by side: what differs in settings and data,
    scores paired, motifs, explanations, rules and verdicts that both share.
    """
    if out is not None and other is None:
        msg = "-o belongs to --compare; the page of one run is always RUN/report.html."
        raise click.UsageError(msg)
    from cisgram import report as page
    from cisgram import steps
    from cisgram.core.run import Run

    steps.check_predictor(Run(run))
    if other is None:
        path = page.write(Run(run))
    else:
        steps.check_predictor(Run(other))
        path = page.write_comparison(Run(run), Run(other), out)
    if as_json:
        print_json({"page": str(path)})
    say(f"The page is {path}.")
