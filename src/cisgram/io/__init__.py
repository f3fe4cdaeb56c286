"""Files of the field: FASTA, genomes, BED and narrowPeak, bigWig, DeepBind and other tables."""

from cisgram.io.any_format import format_of, read_sequences
from cisgram.io.bigwig import BigWig, write_bigwig
from cisgram.io.fasta import read_fasta, write_fasta
from cisgram.io.genome import Genome
from cisgram.io.genome_codes import Codes, GenomeCodes, blocks
from cisgram.io.intervals import Intervals, read_bed, write_bed
from cisgram.io.matrix import Matrix, read_matrix
from cisgram.io.methylation import Methylation, read_methylation, sites_of
from cisgram.io.sequences import Sequences
from cisgram.io.tables import numeric_columns, read_deepbind, read_table
from cisgram.io.text import open_text
from cisgram.io.windows import sequences_of, windows_of

__all__ = [
    "BigWig",
    "Codes",
    "Genome",
    "GenomeCodes",
    "Intervals",
    "Matrix",
    "Methylation",
    "Sequences",
    "blocks",
    "format_of",
    "numeric_columns",
    "open_text",
    "read_bed",
    "read_deepbind",
    "read_fasta",
    "read_matrix",
    "read_methylation",
    "read_sequences",
    "read_table",
    "sequences_of",
    "sites_of",
    "windows_of",
    "write_bed",
    "write_bigwig",
    "write_fasta",
]
