"""Options and output that several commands share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cisgram.cli import supervised

if TYPE_CHECKING:
    import pandas as pd

    from cisgram.steps import Settings
    from cisgram.train import State

F = TypeVar("F", bound=Callable[..., Any])

RUN = click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to compute.",
)
TARGET = click.option("--target", help="Output, by number or name.  [default: the only one]")
SEED = click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
MOTIFS_OF = click.option(
    "--source",
    metavar="S",
    help="patterns, modisco, demix, filters, or a motif file.  [default: the first that RUN has]",
)
N_MOTIFS = click.option(
    "--n-motifs", type=click.IntRange(2, 40), default=8, show_default=True, help="At most."
)
GENOME = click.option("--genome", help="FASTA of the genome, for BED and narrowPeak.")
DATABASE = click.option(
    "--database",
    default=None,
    help="jaspar:vertebrates, jaspar:fungi, ... or a motif file.  [default: the run's own, or "
    "jaspar:vertebrates]",
)
SHOWN = (
    "jsd",
    "jsd_average",
    "auroc",
    "auprc",
    "accuracy",
    "f1",
    "brier",
    "pearson",
    "spearman",
    "deviance",
)

_DATA = (
    click.option(
        "--positives", metavar="F", help="FASTA, BED/narrowPeak, DeepBind table, TSV/CSV."
    ),
    click.option("--negatives", metavar="F", help="A file, 'shuffle', or 'genome' (windows)."),
    click.option("--test", metavar="F", help="Sequences of both kinds, kept for the test."),
    click.option("--genome", metavar="FA", help="FASTA of the genome, for BED and narrowPeak."),
    click.option("--tracks", metavar="F,...", help="bigWig files: labels of a BED's windows."),
    click.option(
        "--inputs",
        metavar="F,...",
        help="bigWig files that the model reads, too; none is taken for a strand of another.",
    ),
    click.option(
        "--methylation", metavar="F,...", help="CpG profiles of cells: labels, and neighbors."
    ),
    click.option(
        "--profiles", metavar="F,...", help="bigWig of counts, or plus,minus: labels along windows."
    ),
    click.option("--bias", metavar="RUN", help="Of chrombpnet: the run of the bias network."),
    click.option("--label-columns", metavar="C,...", help="Labels of a table; 'none': positives."),
    click.option("--model", metavar="NAME", help="See 'cisgram list models', or module:callable."),
    click.option("--weights", metavar="F", help="Start from these weights."),
    click.option(
        "--from", "start", metavar="RUN", help="Start from the features of this run, or file."
    ),
    click.option("--motifs", metavar="M", help="First filters start as: jaspar:TAXON, or a file."),
    click.option(
        "--freeze-motifs", is_flag=True, default=None, help="Training leaves those filters alone."
    ),
    click.option("--length", type=int, help="bp of every sequence; windows about the summits."),
    click.option("--max-positives", type=int, metavar="N", help="Only the N strongest positives."),
    click.option("--valid-chromosomes", metavar="C,...", help="Held out to choose the model."),
    click.option("--test-chromosomes", metavar="C,...", help="Held out for the test."),
    click.option("--seed", type=int, help="Of everything random.  [default: 0]"),
    click.option("--seeds", type=int, metavar="K", help="Train K members and average them."),
    click.option(
        "--folds", type=int, metavar="K", help="The same, each without another K-th of the data."
    ),
    click.option("--epochs", type=int, help="At most so many."),
    click.option("--as-published", is_flag=True, help="The regime of Deep Motif Dashboard."),
    click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Any other setting."),
    click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder of the run."),
)


def data_options(command: F) -> F:
    """The options by which a run is described."""
    for option in reversed(_DATA):
        command = option(command)
    return command


def groups_of(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Settings by group from the options of `data_options`; what was not given is None."""

    def names(text: str | None) -> list[str] | None:
        return None if text is None else [t.strip() for t in text.split(",") if t.strip()]

    if options["seeds"] is not None and options["folds"] is not None:
        msg = "--folds K trains K members; give --seeds or --folds, not both."
        raise click.UsageError(msg)
    positives = options["positives"]
    if positives is None and options["methylation"] is not None:
        positives = "profiles"
    return {
        "data": {
            "positives": positives,
            "negatives": options["negatives"],
            "test": options["test"],
            "genome": options["genome"],
            "tracks": names(options["tracks"]),
            "inputs": names(options["inputs"]),
            "methylation": names(options["methylation"]),
            "profiles": names(options["profiles"]),
            "label_columns": names(options["label_columns"]),
            "length": options["length"],
            "max_positives": options["max_positives"],
            "valid_chromosomes": names(options["valid_chromosomes"]),
            "test_chromosomes": names(options["test_chromosomes"]),
        },
        "model": {
            "name": options["model"],
            "weights": options["weights"],
            "motifs": options["motifs"],
            "bias": options["bias"],
            "freeze_motifs": options["freeze_motifs"],
        },
        "train": {
            "seed": options["seed"],
            "seeds": options["seeds"] if options["folds"] is None else options["folds"],
            "folds": None if options["folds"] is None else True,
            "epochs": options["epochs"],
        },
    }


def settings_given(
    options: Mapping[str, Any],
    overrides: tuple[str, ...],
    *,
    as_published: bool,
    motifs: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings that the options of `data_options` ask for."""
    from cisgram import steps

    if options["methylation"] is None:
        need(options["positives"], "--positives")
    groups = groups_of(options) | {"motifs": dict(motifs or {})}
    if options["start"] is not None:
        groups = steps.from_model(groups, options["start"])
    return steps.resolve(groups, overrides=overrides, as_published=as_published)


def need(value: Any, option: str) -> Any:
    """The value of an option that must be given."""
    if value is None:
        msg = f"Missing option {option}."
        raise click.UsageError(msg)
    return value


def say(text: str) -> None:
    """A line for the person at the terminal; results go to standard output."""
    click.echo(text, err=True)


def say_epoch(member: int, state: State) -> None:
    """One line an epoch."""
    row = state.history[-1]
    name = "auroc" if "valid_auroc" in row else "pearson"
    mark = "  best so far" if state.best_epoch == row["epoch"] else ""
    who = f"member {member + 1}  " if member else ""
    say(
        f"  {who}epoch {row['epoch']:>3}  loss {row['train_loss']:.4f}  "
        f"validation {row['valid_loss']:.4f}  {name} {row[f'valid_{name}']:.4f}  "
        f"{state.seconds[-1]:.1f} s{mark}"
    )


def say_pass(state: State, *, of: str = "") -> None:
    """One line a pass of a training without labels."""
    row = state.history[-1]
    say(
        f"  {of}pass {row['epoch']:>3.0f}  loss {row['train_loss']:.4f}  "
        f"validation {row['valid_loss']:.4f}  {state.seconds[-1]:.1f} s"
    )


def say_share(done: int, total: int) -> None:
    """How far a long step is: on one line of a terminal, or as `supervised` has it."""
    if supervised.is_json():
        say(supervised.progress_line(done, total))
    elif sys.stderr.isatty():
        click.echo(f"\r  {done} of {total}", err=True, nl=done == total)


def give_table(table: pd.DataFrame, out: Path | None, *, as_json: bool = False) -> None:
    """A table as TSV, in a file or on standard output; with ``as_json`` its rows on the latter."""
    from cisgram.core import files

    text = table.to_csv(sep="\t", index=False, lineterminator="\n", float_format="%.6g")
    if out is not None:
        files.write_text(out, text)
        say(f"{len(table)} rows lie in {out}.")
    if as_json:
        print_json(table.astype(object).where(table.notna(), None).to_dict("records"))
    elif out is None:
        click.echo(text, nl=False)


def print_json(value: Any) -> None:
    """Strict JSON on standard output."""
    click.echo(json.dumps(value, indent=2, allow_nan=False, default=str))


def named_lines(named: pd.DataFrame) -> list[str]:
    """Known motifs that were learned, the surest first, with the motifs that match each."""
    lines = []
    for (name, accession), group in named.groupby(["target_name", "target_id"], sort=False):
        first = group.iloc[0]
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        lines.append(f"{name:<20} {accession:<12} q {first['q']:<8.2g} {first['motif']}{more}")
    return lines


def score_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Scores of each set in words, with their intervals."""
    lines = []
    for name, found in metrics.items():
        if "per_output" not in found:
            continue
        parts = []
        for score in SHOWN:
            value = found.get(score)
            if value is None:
                continue
            ends = found.get(f"{score}_interval")
            between = f" ({ends[0]:.3f}-{ends[1]:.3f})" if ends else ""
            parts.append(f"{score} {value:.3f}{between}")
        lines.append(f"{name:<6} n {found['n']:<7} " + "  ".join(parts))
    return lines
