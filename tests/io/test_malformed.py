"""Inputs as they come from the world: each is refused with its place, or read right."""

import gzip
import os
import re
from pathlib import Path

import pytest

from cisgram import io
from cisgram.core.errors import InputError

GENOME = b">chr1 first\nACGTACGTAC\nGTACGTACGT\n>chr2\nTTTTTTTTTT\n"
HEADER = b"FoldID\tEventID\tseq\tBound\n"
ROW = b"A\tseq_00001_peak\tACGT\t1\n"
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def genome(folder: Path) -> io.Genome:
    path = folder / "genome.fa"
    path.write_bytes(GENOME)
    return io.Genome(path)


def fasta(path):
    return io.read_fasta(path)


def labels(path):
    return io.read_fasta(path, header_labels=True)


def contigs(path):
    return io.Genome(path)


def cached(path):
    return io.Genome(path, cache=path.parent / "cache")


def bed(path):
    return io.read_bed(path)


def bed_on_genome(path):
    return io.read_bed(path, genome=genome(path.parent))


def deepbind(path):
    return io.read_deepbind(path)


def table(path):
    return io.read_table(path, labels=["label"], name="name")


def any_form(path):
    return io.read_sequences(path)


def on_genome(path):
    return io.read_sequences(path, genome=genome(path.parent), length=4)


def peak(line: bytes, column: bytes) -> bytes:
    return line + b"\tp\t0\t.\t5.5\t-1\t-1\t" + column + b"\n"


packed = gzip.compress(b">a\n" + b"ACGT" * 500 + b"\n", mtime=0)

# name: (reader, bytes, what the message says, line or None where the whole file is meant)
REFUSED = {
    # FASTA
    "fasta, empty": (fasta, b"", "is empty", None),
    "fasta, packed nothing": (fasta, gzip.compress(b""), "is empty", None),
    "fasta, blank lines only": (fasta, b"\n\n\n", "no sequence", None),
    "fasta, no header": (fasta, b"ACGT\n", "before the first header", 1),
    "fasta, blank lines then no header": (fasta, b"\n\nACGT\n>a\nA\n", "before the first", 3),
    "fasta, headers only": (fasta, b">a\n>b\n", "not one of its 2 records", None),
    "fasta, blank inside": (fasta, b">a\nAC GT\n", "Take the blanks out", 2),
    "fasta, tab inside": (fasta, b">a\nACGT\nAC\tGT\n", "Take the blanks out", 3),
    "fasta, blank before": (fasta, b">a\n ACGT\n", "Take the blanks out", 2),
    "fasta, GenBank numbers": (fasta, b">a\n1 acgt\n", "Take the numbers out", 2),
    "fasta, stop codon": (fasta, b">a\nACGT*\n", "no nucleotide", 2),
    "fasta, gap": (fasta, b">a\nACGT\n>b\nAC-GT\n", "take the gaps out", 4),
    "fasta, dots": (fasta, b">a\nAC..GT\n", "take the gaps out", 2),
    "fasta, NUL": (fasta, b">a\nACGT\nAC\0GT\n", "NUL byte", 3),
    "fasta, protein": (fasta, b">a\nMKELFPQ\n", "looks like protein", 2),
    "fasta, peptide of IUPAC codes": (fasta, b">a\nMKVHSWRD\n", "looks like protein", None),
    "fasta, X": (fasta, b">a\nACGTXXACGT\n", "letter 5", 2),
    "fasta, header in a line": (fasta, b">a\nACGT>b\nACGT\n", "A header must begin", 2),
    "fasta, two bytes a letter": (fasta, ">a\nACGTé\n".encode(), "no nucleotide", 2),
    "fasta, Latin-1 header": (fasta, b">a\nA\n>b\xe9\nACGT\n", "UTF-8", 3),
    "fasta, UTF-16": (fasta, ">a\nACGT\n".encode("utf-16"), "UTF-16", None),
    "fasta, gzip cut short": (fasta, packed[:-9], "cut short", None),
    "fasta, gzip cut in its head": (fasta, packed[:6], "cut short", None),
    "fasta, gzip with a wrong checksum": (fasta, packed[:-5] + b"xxxxx", "damaged", None),
    "fasta, gzip with a tail": (fasta, packed + b"tail", "damaged", None),
    "fasta, bgzip without its end": (
        fasta,
        bytes.fromhex("1f8b08040000000000ff0600424302002000") + packed[10:],
        "cut short",
        None,
    ),
    "fasta, zip": (fasta, b"PK\x03\x04rest", "a zip archive", None),
    "fasta, bzip2": (fasta, b"BZh91AY", "bzip2", None),
    "fasta, xz": (fasta, b"\xfd7zXZ\x00\x00", "xz", None),
    "fasta, a web page": (fasta, b"<!DOCTYPE html><html>", "a web page", None),
    "labels, word": (labels, b">1\nACGT\n>yes\nACGT\n", "must be numbers", 3),
    "labels, none": (labels, b">\nACGT\n", "must be numbers", 1),
    "labels, infinite": (labels, b">inf\nACGT\n", "must be numbers", 1),
    "labels, uneven": (labels, b">1 0\nACGT\n>1\nACGT\n", "1 labels, 2", 3),
    # genomes
    "genome, contig twice": (contigs, b">a\nA\n>b\nC\n>a\nG\n", "already in line 1", 5),
    "genome, contig twice, cached": (cached, b">a\nA\n>b\nC\n>a\nG\n", "already in line 1", 5),
    "genome, nameless contig": (contigs, b">\nACGT\n", "no name", 1),
    "genome, NUL": (contigs, b">a\nACGT\nA\0\n", "NUL byte", 3),
    "genome, blank inside": (cached, b">a\nACGT\nA C\n", "Take the blanks out", 3),
    "genome, empty": (contigs, b"", "is empty", None),
    "genome, no FASTA": (contigs, b"chr1\t0\t10\n", "before the first header", 1),
    "genome, gzip cut short": (cached, packed[:-9], "cut short", None),
    "genome, protein": (contigs, b">a\nMKELFPQ\n", "protein", 2),
    # BED and narrowPeak
    "bed, empty": (bed, b"", "is empty", None),
    "bed, comments only": (bed, b"#a\ntrack name=x\nbrowser hide all\n\n", "no interval", None),
    "bed, one column": (bed, b"garbage\n", "3 to 12 columns", 1),
    "bed, two columns": (bed, b"chr1\t5\n", "3 to 12 columns", 1),
    "bed, thirteen columns": (bed, b"chr1\t1\t2" + b"\t0" * 10 + b"\n", "3 to 12", 1),
    "bed, header": (bed, b"chrom\tstart\tend\nchr1\t1\t2\n", "If it is a header", 1),
    "bed, GFF": (bed, b"chr1\tSGD\tgene\t1\t9\t.\t+\t.\tID=x\n", "GFF", 1),
    "bed, start after end": (bed, b"chr1\t1\t2\nchr1\t9\t5\n", "start must be before end", 2),
    "bed, start at end": (bed, b"chr1\t5\t5\n", "start must be before end", 1),
    "bed, negative": (bed, b"chr1\t-5\t5\n", "whole number", 1),
    "bed, fraction": (bed, b"chr1\t1.0\t5\n", "whole number", 1),
    "bed, scientific": (bed, b"chr1\t10\t1e6\n", "whole number", 1),
    "bed, thousands": (bed, b"chr1\t1,000\t2,000\n", "whole number", 1),
    "bed, huge": (bed, b"chr1\t1\t99999999999999999999\n", "whole number", 1),
    "bed, not ASCII digits": (bed, "chr1\t١\t٢\n".encode(), "whole number", 1),
    "bed, empty cell": (bed, b"chr1\t\t5\n", "whole number", 1),
    "bed, no contig": (bed, b"\t1\t5\n", "no name", 1),
    "bed, strand": (bed, b"chr1\t1\t5\ta\t0\t*\n", "strand", 1),
    "bed, uneven": (bed, b"chr1\t1\t5\nchr1\t1\t5\ta\n", "4 columns, 3", 2),
    "bed, blanks where tabs were": (bed, b"chr1\t1\t5\nchr1 1 5\n", "1 columns, 3", 2),
    "bed, NUL": (bed, b"chr1\t1\t5\nchr1\t1\0\t5\n", "NUL byte", 2),
    "bed, Latin-1": (bed, b"chr1\t1\t5\t\xb5\n", "UTF-8", 1),
    "bed, gzip cut short": (bed, gzip.compress(b"chr1\t1\t5\n")[:-3], "cut short", None),
    "bed, unknown contigs": (bed_on_genome, b"scaffold\t1\t5\n", "no contig of it", None),
    "bed, bare names": (bed_on_genome, b"chr1\t1\t5\n2\t1\t5\n", "called 'chr2'", 2),
    "bed, past the end": (bed_on_genome, b"chr1\t1\t5\nchr2\t1\t11\n", "the 10 bp", 2),
    "narrowPeak, summit outside": (bed, peak(b"chr1\t1\t5", b"4"), "outside of the 4 bp", 1),
    "narrowPeak, summit -2": (bed, peak(b"chr1\t1\t5", b"-2"), "summit", 1),
    "narrowPeak, summit word": (bed, peak(b"chr1\t1\t5", b"mid"), "summit", 1),
    # DeepBind tables
    "deepbind, empty": (deepbind, b"", "is empty", None),
    "deepbind, header only": (deepbind, HEADER, "no row", None),
    "deepbind, no header": (deepbind, ROW, "the header must be", 1),
    "deepbind, blanks for tabs": (deepbind, HEADER + b"A x ACGT 1\n", "got 1", 2),
    "deepbind, three columns": (deepbind, HEADER + ROW + b"A\tx\tACGT\n", "got 3", 3),
    "deepbind, label 2": (deepbind, HEADER + b"A\tx\tACGT\t2\n", "Bound must be 0 or 1", 2),
    "deepbind, no label": (deepbind, HEADER + b"A\tx\tACGT\t\n", "Bound must be 0 or 1", 2),
    "deepbind, no sequence": (deepbind, HEADER + b"A\tx\t\t1\n", "empty", 2),
    "deepbind, letter": (deepbind, HEADER + ROW + b"A\tx\tACJT\t1\n", "letter 3", 3),
    "deepbind, blank line then letter": (deepbind, HEADER + b"\n" + b"A\tx\tA!T\t1\n", "'!'", 3),
    "deepbind, NUL": (deepbind, HEADER + b"A\tx\tA\0T\t1\n", "NUL byte", 2),
    "deepbind, cut short": (deepbind, gzip.compress(HEADER + ROW)[:-2], "cut short", None),
    "deepbind, cut in a row": (deepbind, HEADER + ROW + b"A\tseq_0000", "got 2", 3),
    # TSV and CSV
    "table, empty": (table, b"", "is empty", None),
    "table, header only": (table, b"name,sequence,label\n", "no row", None),
    "table, near miss": (table, b"name,sequencex,label\na,ACGT,1\n", "Did you mean 'sequencex'", 1),
    "table, no label": (table, b"name,sequence,labelx\na,ACGT,1\n", "Did you mean 'labelx'", 1),
    "table, column twice": (table, b"name,sequence,label,label\na,A,1,0\n", "2 columns", 1),
    "table, ragged": (table, b"name,sequence,label\na,ACGT\n", "2 cells, 3", 2),
    "table, label word": (table, b"name,sequence,label\na,ACGT,high\n", "must hold numbers", 2),
    "table, label inf": (table, b"name,sequence,label\na,ACGT,inf\n", "finite", 2),
    "table, no letters": (table, b"name,sequence,label\na,,1\n", "is empty", 2),
    "table, letter": (table, b"name,sequence,label\na,AC GT,1\n", "blanks", 2),
    "table, open quote": (table, b'name,sequence,label\na,"ACGT,1\n', "quote", 2),
    "table, quote in a cell": (table, b'name,sequence,label\na,AC"GT,1\n', "quote", 2),
    "table, line end in a cell": (
        table,
        b'name,sequence,label\na,"AC\nGT",1\n',
        "quote is not closed",
        2,
    ),
    "table, NUL": (table, b"name,sequence,label\na,AC\0T,1\n", "NUL byte", 2),
    # told apart by content
    "any, empty": (any_form, b"", "is empty", None),
    "any, comments": (any_form, b"#x\n\n", "nothing but blank lines", None),
    "any, prose": (any_form, b"hello world\n", "none of the forms", None),
    "any, bare sequences": (any_form, b"ACGT\nACGT\n", "none of the forms", None),
    "any, BED without genome": (any_form, b"chr1\t1\t5\n", "--genome", None),
    "any, VCF": (any_form, b"##fileformat=VCFv4.2\n#CHROM\n", "VCF", None),
    "any, SAM": (any_form, b"@SQ\tSN:chr1\tLN:5\n", "SAM", None),
    "any, FASTQ": (any_form, b"@read\nACGT\n+\nIIII\n", "FASTQ", None),
    "any, GFF": (any_form, b"##gff-version 3\nchr1\tx\n", "GFF", None),
    "any, MEME": (any_form, b"MEME version 4\n", "MEME", None),
    "any, windows too long": (on_genome, b"chr2\t0\t2\n", "none of 1 windows", None),
    "any, BED with a header": (on_genome, b"chrom\tstart\tend\nchr1\t1\t2\n", "header", 1),
}


@pytest.mark.parametrize("case", REFUSED)
def test_malformed_input_is_refused_with_its_place(case, tmp_path):
    reader, content, says, line = REFUSED[case]
    path = tmp_path / "input.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        reader(path)
    message = str(caught.value)
    assert str(path) in message
    assert says in message
    place = re.search(r"input\.txt, line (\d+):", message)
    assert (place and int(place[1])) == line
    assert "\n" not in message
    assert len(message) < 700


def first(sequences):
    return sequences.names, sequences.letters


# name: (reader, bytes, what it must give, what must be counted)
READ_RIGHT = {
    "fasta, CRLF": (fasta, b">a\r\nAC\r\nGT\r\n", (["a"], ["ACGT"]), {"crlf": 3}),
    "fasta, old Mac": (fasta, b">a\rAC\rGT\r", (["a"], ["ACGT"]), {"cr": 3}),
    "fasta, no line end": (fasta, b">a\nACGT", (["a"], ["ACGT"]), {}),
    "fasta, soft mask": (fasta, b">a\nACgtn\n", (["a"], ["ACGTN"]), {"lower_case": 3}),
    "fasta, RNA": (fasta, b">a\nACGUu\n", (["a"], ["ACGTT"]), {"u_as_t": 2, "lower_case": 1}),
    "fasta, IUPAC": (fasta, b">a\nACGTRACGTAC\n", (["a"], ["ACGTNACGTAC"]), {"iupac": 1}),
    "fasta, N alone": (fasta, b">a\nNNNN\n", (["a"], ["NNNN"]), {}),
    "fasta, blank lines": (
        fasta,
        b"\n\n>a\n\nAC\n\n\nGT\n\n>b\nA\n\n",
        (["a", "b"], ["ACGT", "A"]),
        {"blank_lines": 7},
    ),
    "fasta, blanks at ends": (
        fasta,
        b">a\nAC \nGT\t \n",
        (["a"], ["ACGT"]),
        {"trailing_blanks": 2},
    ),
    "fasta, blank at the end": (fasta, b">a\nACGT  ", (["a"], ["ACGT"]), {}),
    "fasta, byte order mark": (
        fasta,
        b"\xef\xbb\xbf>a\nACGT\n",
        (["a"], ["ACGT"]),
        {"byte_order_mark": 1},
    ),
    "fasta, same names": (
        fasta,
        b">a\nA\n>a\nC\n>a#2\nG\n>a\nT\n",
        (["a", "a#3", "a#2", "a#4"], ["A", "C", "G", "T"]),
        {"duplicate_names": 2},
    ),
    "fasta, blank before the name": (fasta, b"> a b\nA\n", (["a"], ["A"]), {}),
    "fasta, no name": (
        fasta,
        b">\nA\n>\nC\n",
        (["sequence_1", "sequence_2"], ["A", "C"]),
        {"unnamed": 2},
    ),
    "fasta, greater in a header": (fasta, b">a>b\nA\n", (["a>b"], ["A"]), {}),
    "fasta, control character": (
        fasta,
        b">a\x1b[31m\nA\n",
        (["a_[31m"], ["A"]),
        {"names_with_control_characters": 1},
    ),
    "fasta, ragged": (fasta, b">a\nA\n>b\nACG\nT\n", (["a", "b"], ["A", "ACGT"]), {}),
    "fasta, packed in members": (
        fasta,
        gzip.compress(b">a\nAC") + gzip.compress(b"GT\n>b\nA\n"),
        (["a", "b"], ["ACGT", "A"]),
        {},
    ),
    "fasta, bgzip": (
        fasta,
        gzip.compress(b">a\nACGT\n") + BGZF_END,
        (["a"], ["ACGT"]),
        {},
    ),
    "deepbind, CRLF": (
        deepbind,
        (HEADER + ROW).replace(b"\n", b"\r\n"),
        (["seq_00001_peak"], ["ACGT"]),
        {"crlf": 2},
    ),
    "deepbind, lower case, twice": (
        deepbind,
        HEADER + ROW.replace(b"ACGT", b"acgt") + b"\n" + ROW,
        (["seq_00001_peak", "seq_00001_peak#2"], ["ACGT", "ACGT"]),
        {"blank_lines": 1, "lower_case": 4, "duplicate_names": 1},
    ),
    "table, TSV in any order": (
        table,
        b"label\tother\tname\tsequence\n1.5\tx\ta\tacgu\n",
        (["a"], ["ACGT"]),
        {"lower_case": 4, "u_as_t": 1},
    ),
    "table, quoted CSV": (
        table,
        b'"name","sequence","label"\n"a, or ""b""","ACGT","1"\n',
        (['a, or "b"'], ["ACGT"]),
        {},
    ),
    "table, missing labels": (
        table,
        b"name,sequence,label\na,ACGT,\nb,ACGT,NA\n",
        (["a", "b"], ["ACGT", "ACGT"]),
        {"missing_labels": 2},
    ),
    "any, DeMo": (any_form, b">1\nACGT\n>0\nACGT\n", (["1", "0"], ["ACGT", "ACGT"]), {}),
    "any, BED": (
        on_genome,
        b"# note\nchr1\t3\t5\na\t1\t2\n".replace(b"a\t1", b"un\t1"),
        (["chr1:3-5"], ["GTAC"]),
        {"comment_lines": 1, "unknown_contigs": 1},
    ),
}


@pytest.mark.parametrize("case", READ_RIGHT)
def test_odd_but_readable_input_is_read_right_and_counted(case, tmp_path):
    reader, content, wanted, counted = READ_RIGHT[case]
    path = tmp_path / "input.txt"
    path.write_bytes(content)
    found = reader(path)
    assert first(found) == wanted
    assert dict(found.counts) == counted
    assert found.source == str(path)


def test_a_path_that_is_no_file_is_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, says in ((tmp_path, "a folder"), (tmp_path / "no", "not exist"), (pipe, "a pipe")):
        for reader in (fasta, contigs, cached, bed, deepbind, table, any_form):
            with pytest.raises(InputError, match=says):
                reader(path)


def test_a_file_below_a_file_does_not_exist(tmp_path):
    (tmp_path / "f").write_bytes(GENOME)
    with pytest.raises(InputError, match="does not exist"):
        io.read_fasta(tmp_path / "f" / "g")


def test_every_wrong_line_is_told_at_once(tmp_path):
    path = tmp_path / "x.bed"
    path.write_bytes(b"chr1\t5\t1\nchr1\t1\t5\nchr1\tx\t5\nchr1\t7\t7\n")
    with pytest.raises(InputError, match=r"line 1: .* 2 more wrong: line 3, 4\."):
        io.read_bed(path)


def test_options_that_mean_nothing_for_the_form_are_refused(tmp_path):
    path = tmp_path / "x.fa"
    path.write_bytes(GENOME)
    with pytest.raises(InputError, match="length can be given only for bed"):
        io.read_sequences(path, length=100)
    with pytest.raises(InputError, match="No column named 'seq'"):
        io.read_sequences(path, sequence="seq")
    with pytest.raises(InputError, match="does not say which sequences are strongest"):
        io.read_sequences(path, strongest=5)
