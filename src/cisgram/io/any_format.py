"""Sequences of a file of any form that cisgram reads, told apart by content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cisgram.core.errors import InputError
from cisgram.io.fasta import read_fasta
from cisgram.io.genome import Genome
from cisgram.io.intervals import SPECIAL, WHOLE, read_bed
from cisgram.io.sequences import Sequences
from cisgram.io.tables import DEEPBIND, read_deepbind, read_table, separator_of
from cisgram.io.text import head_of, shown
from cisgram.io.windows import sequences_of

SEQUENCE = ("sequence", "seq", "dna")
LABEL = ("label", "labels", "bound", "target", "y")
NAME = ("name", "id", "seq_id", "sequence_id", "sequence_name", "eventid")
CHROMOSOME = ("chromosome", "chrom", "chr", "contig", "seqnames")
FOREIGN = (
    ("##fileformat=VCF", "VCF", "Give the peaks or the sequences; variants have a command."),
    ("##gff-version", "GFF", "Convert it to BED (start - 1)."),
    ("@HD\t", "SAM", "Call peaks and give these."),
    ("@SQ\t", "SAM", "Call peaks and give these."),
    ("@", "FASTQ", "Give sequences of peaks, not reads."),
    ("LOCUS ", "GenBank", "Convert it to FASTA."),
    ("ID   ", "EMBL", "Convert it to FASTA."),
    ("MEME version", "MEME", "It holds motifs; give sequences."),
)


def read_sequences(
    path: Path | str,
    *,
    genome: Genome | Path | str | None = None,
    length: int | None = None,
    center: str = "summit",
    stranded: bool = True,
    sequence: str | None = None,
    labels: Sequence[str] | None = None,
    name: str | None = None,
    chromosome: str | None = None,
    batch: str | None = None,
    header_labels: bool = False,
    strongest: int | None = None,
) -> Sequences:
    """Sequences of FASTA, BED or narrowPeak, a DeepBind table, TSV or CSV, plain or packed.

    Parameters
    ----------
    path
        The file; its form is read from its first lines, not from its name.
    genome
        Needed for BED and narrowPeak: a `Genome`, or its FASTA.
    length, center, stranded
        Windows of BED and narrowPeak, as in `sequences_of`.
    sequence, labels, name, chromosome, batch
        Columns of TSV and CSV, as in `read_table`; where not given, usual names (``sequence``,
        ``seq``; ``label``, ``bound``, ``target``, ``y``; ``name``, ``id``; ``chrom``) are found
        whatever their case.
    header_labels
        FASTA with labels as headers, as in `read_fasta`.
    strongest
        Only so many rows of the lowest rank.

    Raises
    ------
    InputError
        When the form is not known, an option does not go with it, or as the reader of the form.
    """
    path = Path(path)
    kind = format_of(path) if sequence is None else "table"
    _refuse_idle(path, kind, "fasta", header_labels=header_labels)
    _refuse_idle(path, kind, "bed", length=length, center=center != "summit", stranded=not stranded)
    _refuse_idle(
        path,
        kind,
        "table",
        sequence=sequence,
        labels=labels,
        name=name,
        chromosome=chromosome,
        batch=batch,
    )
    if kind == "fasta":
        found = read_fasta(path, header_labels=header_labels)
    elif kind == "deepbind":
        found = read_deepbind(path)
    elif kind == "bed":
        if genome is None:
            msg = f"{path} holds intervals; give the genome they lie on: --genome FASTA."
            raise InputError(msg)
        fasta = genome if isinstance(genome, Genome) else Genome(genome)
        intervals = read_bed(path, genome=fasta)
        found = sequences_of(intervals, fasta, length=length, center=center, stranded=stranded)
    else:
        header = _columns(_first(path))
        label = _usual(header, LABEL)
        found = read_table(
            path,
            sequence=sequence or _usual(header, SEQUENCE) or "sequence",
            labels=labels if labels is not None else [label] if label else None,
            name=name or _usual(header, NAME),
            chromosome=chromosome or _usual(header, CHROMOSOME),
            batch=batch,
        )
    return found if strongest is None else found.strongest(strongest)


def format_of(path: Path | str) -> str:
    """``fasta``, ``deepbind``, ``bed`` or ``table``, by the first lines of a file.

    Raises
    ------
    InputError
        When it is none of them; the message shows the line.
    """
    path = Path(path)
    first = _first(path)
    if first.startswith(">"):
        return "fasta"
    for start, what, remedy in FOREIGN:
        if first.startswith(start):
            msg = f"{path} is {what}. {remedy}"
            raise InputError(msg)
    header = _columns(first)
    if tuple(header) == DEEPBIND:
        return "deepbind"
    cells = first.split("\t" if "\t" in first else None)
    if len(cells) >= 3 and (WHOLE.fullmatch(cells[1]) or WHOLE.fullmatch(cells[2])):
        return "bed"
    if _usual(header, SEQUENCE):
        return "table"
    if len(header) >= 3 and _usual(header[:1], CHROMOSOME):
        return "bed"  # with a header, which its reader explains
    msg = (
        f"{path} is none of the forms that are read here: FASTA (lines with '>'), BED or "
        "narrowPeak, a DeepBind table, TSV or CSV with a column named sequence (or name that "
        f"column). It begins with {shown(first)}."
    )
    raise InputError(msg)


def _first(path: Path) -> str:
    """First line that is neither blank nor a comment of BED."""
    lines = head_of(path)
    for line in lines:
        if line.strip() and (not SPECIAL.match(line) or line.startswith("##")):
            return line
    msg = f"{path} holds nothing but blank lines and comments."
    raise InputError(msg)


def _columns(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(separator_of(line))]


def _usual(header: list[str], names: Sequence[str]) -> str | None:
    """The column that goes by one of the usual names, the first of them first."""
    for name in names:
        for column in header:
            if column.lower() == name:
                return column
    return None


def _refuse_idle(path: Path, kind: str, needed: str, **options: object) -> None:
    """Refuse options that mean nothing for this form, instead of ignoring them."""
    given = [name for name, value in options.items() if value]
    if given and kind != needed:
        msg = f"{path} is read as {kind}; {', '.join(given)} can be given only for {needed}."
        raise InputError(msg)
