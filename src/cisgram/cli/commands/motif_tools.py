"""``tomtom`` and ``scan``: the motif tools alone."""

from __future__ import annotations

from pathlib import Path

import click

from cisgram.cli.shared import GENOME, JSON, give_table, say

OUT = click.option("-o", "--out", type=click.Path(path_type=Path), help="TSV to write.")


@click.command()
@click.argument("queries", type=click.Path(path_type=Path))
@click.option(
    "--database",
    default="jaspar:vertebrates",
    show_default=True,
    help="jaspar:vertebrates, jaspar:fungi, ... or a motif file.",
)
@click.option("--distance", default="euclidean", show_default=True, help="Between columns.")
@click.option("--best", type=click.IntRange(1), help="Only the N best matches of each query.")
@click.option("--max-q", type=click.FloatRange(0, 1), help="Only matches up to this q-value.")
@OUT
@JSON
def tomtom(
    queries: Path,
    database: str,
    distance: str,
    best: int | None,
    max_q: float | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Compare the motifs of a file with known ones: p-, e- and q-values, offset, strand."""
    from cisgram import motifs

    table = motifs.tomtom(
        motifs.read_motifs(queries),
        motifs.database(database),
        distance=distance,
        best=best,
        max_q=max_q,
    )
    give_table(table, out, as_json=as_json)


@click.command()
@click.argument("motifs_file", metavar="MOTIFS")
@click.argument("sequences", type=click.Path(path_type=Path))
@GENOME
@click.option("--p", "p", type=float, default=1e-4, show_default=True, help="Largest p-value.")
@click.option("--one-strand", is_flag=True, help="Only the strand as given.")
@OUT
@JSON
def scan(
    motifs_file: str,
    sequences: Path,
    genome: str | None,
    p: float,
    one_strand: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find the sites of motifs in sequences, with exact p-values.

    MOTIFS is a motif file, or jaspar:vertebrates and its like. Intervals are read from the forward
    strand whatever their own: starts count from their left end, strands are the genome's.
    """
    from cisgram import data, io, motifs

    # Only intervals have a strand; the reader refuses the option for other forms.
    stranded = io.format_of(sequences) != "bed"
    found = io.read_sequences(sequences, genome=genome, stranded=stranded)
    if line := data.told(found.dropped, len(found)):
        say(line)
    table = motifs.scan(
        found.letters, motifs.database(motifs_file), p=p, both_strands=not one_strand
    )
    table["sequence"] = [found.names[i] for i in table["sequence"]]
    give_table(table, out, as_json=as_json)
