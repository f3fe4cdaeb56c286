"""``generate``: sequences out of a generator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cisgram.cli.shared import GENOME, JSON, RUN, SEED, TARGET, give_table, need, print_json, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cisgram.train import State

OUT = click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder of the run.")
SET = click.option("--set", "overrides", multiple=True, metavar="A=C", help="Any other setting.")
ANALYZER = click.option(
    "--analyzer",
    "analyzers",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="RUN",
    help="A trained run that scores sequences.",
)


@click.group()
def generate() -> None:
    """Make new sequences like those of a file, and ones that a trained run scores high."""


@generate.command()
@click.option("--positives", metavar="F", help="FASTA, BED, table; of labels those above 0.")
@GENOME
@click.option("--length", type=int, help="bp of each sequence's middle.  [default: the longest]")
@click.option("--most", type=int, metavar="N", help="Only the first N sequences.")
@click.option("--epochs", type=int, help="Of 100 generator steps.  [default: 60]")
@click.option("--seed", type=int, help="Of everything random.  [default: 0]")
@SET
@OUT
@JSON
def train(out: Path | None, overrides: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Fit a generator to the sequences of a file (WGAN-GP), and judge what it makes."""
    need(options["positives"], "--positives")
    folder: Path = need(out, "-o")
    from cisgram import steps
    from cisgram.core import config
    from cisgram.core.run import Run

    how = config.of_command_line(steps.GenerateOptions, options, overrides=overrides)
    metrics = steps.generate_run(Run(folder), how, progress=_say_epoch, say=say)
    if as_json:
        print_json(metrics)
        return
    _show(metrics)
    say(f"The generator and 1,000 of its sequences (samples.fa) lie in {folder}.")


@generate.command()
@RUN
@click.option("-n", "n", type=click.IntRange(1), default=1000, show_default=True, help="How many.")
@SEED
@click.option("-o", "--out", type=click.Path(path_type=Path), help="FASTA to write.")
def sample(run: Path, n: int, seed: int, out: Path | None) -> None:
    """Make sequences with the generator of a run."""
    from cisgram import steps
    from cisgram.core.run import Run
    from cisgram.seq import from_codes

    codes = steps.sample_run(Run(run), n, seed=seed)
    if out is None:
        for i, letters in enumerate(from_codes(codes), 1):
            click.echo(f">made_{i}\n{letters}")
        return
    steps.write_samples(out, codes)
    say(f"{n} sequences lie in {out}.")


@generate.command()
@RUN
@ANALYZER
@TARGET
@click.option("--threshold", type=float, help="Probability to come in above.  [default: 0.8]")
@click.option("--epochs", type=int, help="Each after an exchange.  [default: 15]")
@click.option("--seed", type=int, help="Of everything random.  [default: 0]")
@SET
@OUT
@JSON
def feedback(
    run: Path,
    analyzers: tuple[Path, ...],
    target: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Turn a generator towards what an analyzer scores high.

    Before every epoch, made sequences above the threshold replace the oldest training sequences.
    """
    folder: Path = need(out, "-o")
    if len(analyzers) != 1:
        msg = "Give one --analyzer: a run of 'cisgram train'."
        raise click.UsageError(msg)
    from cisgram import steps
    from cisgram.core import config
    from cisgram.core.run import Run

    how = config.of_command_line(steps.FeedbackOptions, options, overrides=overrides)
    metrics = steps.feedback_run(
        Run(run), Run(analyzers[0]), Run(folder), how, target=target, progress=_say_epoch, say=say
    )
    if as_json:
        print_json(metrics)
        return
    above = metrics["above"]
    click.echo(f"Above {metrics['threshold']:g} by the analyzer:")
    for name, share in above.items():
        click.echo(f"  {name:<9} {100 * share:.1f} %")
    for name in ("before", "after"):
        click.echo(f"{name.capitalize()}:")
        _show(metrics[name])
    say(f"The turned generator lies in {folder}.")


@generate.command()
@RUN
@ANALYZER
@TARGET
@click.option("-n", "n", type=click.IntRange(1), default=50, show_default=True, help="Ascents.")
@click.option("--steps", "n_steps", type=click.IntRange(1), default=200, show_default=True)
@click.option(
    "--prior", type=click.FloatRange(0), default=0.0, show_default=True, help="Pull to the origin."
)
@SEED
@click.option("-o", "--out", type=click.Path(path_type=Path), help="TSV to write.")
@JSON
def maximize(
    run: Path,
    analyzers: tuple[Path, ...],
    target: str | None,
    n: int,
    n_steps: int,
    prior: float,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Climb in a generator's latent space to sequences that one or several runs score high."""
    if not analyzers:
        msg = "Give at least one --analyzer: a run of 'cisgram train'."
        raise click.UsageError(msg)
    from cisgram import steps
    from cisgram.core.run import Run

    table = steps.maximize_run(
        Run(run),
        [Run(a) for a in analyzers],
        n,
        target=target,
        steps=n_steps,
        prior=prior,
        seed=seed,
    )
    give_table(table, out, as_json=as_json)


def _show(metrics: Mapping[str, Any]) -> None:
    names = {"generator": "made", "markov": "Markov chain, order 3", "training": "training set"}
    click.echo("  bits between k-mers of held-out sequences and those of")
    for source, found in metrics["spectra"].items():
        cells = "  ".join(f"k={k} {bits:.4f}" for k, bits in found.items())
        click.echo(f"    {names[source]:<22} {cells}")
    near, apart = metrics["nearest"], metrics["apart"]
    click.echo(
        f"  letters to the nearest training sequence: made {near['generator']:g}, held out "
        f"{near['held_out']:g}; {100 * near['copies']:.1f} % are copies"
    )
    click.echo(
        f"  letters to the nearest of their own: made {apart['generator']:g}, held out "
        f"{apart['held_out']:g}"
    )


def _say_epoch(state: State) -> None:
    row = state.history[-1]
    above = f"  above {100 * row['above']:.1f} %" if "above" in row else ""
    if above or int(row["epoch"]) % 5 == 0:
        say(
            f"  epoch {row['epoch']:>3.0f}  distance {row['distance']:.3f}{above}  "
            f"{state.seconds[-1]:.1f} s"
        )
