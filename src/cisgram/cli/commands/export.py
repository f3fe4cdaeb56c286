"""``export``."""

from __future__ import annotations

from pathlib import Path

import click

from cisgram.cli.shared import JSON, RUN, need, print_json, say

FORMS = ("modisco-npz", "modisco-h5", "finemo", "bigwig", "meme")


@click.command()
@RUN
@click.option("--format", "form", type=click.Choice(FORMS), required=True, help="See above.")
@click.option("--method", help="Scores of RUN/explain/METHOD.  [default: those of the patterns]")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="File (npz: folder) to write.  [required]"
)
@JSON
def export(run: Path, form: str, method: str | None, out: Path | None, as_json: bool) -> None:
    """Write what a run found as files of other programs.

    modisco-npz: sequences.npz and attributions.npz, which TF-MoDISco and Fi-NeMo read;
    modisco-h5: the patterns as TF-MoDISco's result; finemo: their hits as Fi-NeMo's hits.tsv;
    bigwig: scores along the genome, for runs made from intervals; meme: the motifs of all sources.
    Patterns come from 'cisgram motifs RUN --source patterns'.
    """
    from cisgram import steps
    from cisgram.core.run import Run

    written = steps.export_run(Run(run), form, need(out, "-o"), method=method)
    if as_json:
        print_json({"path": str(written)})
    say(f"{form} lies in {written}.")
