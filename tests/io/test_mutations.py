"""Files that were right until something happened to them.

Each reader either refuses such a file, naming it, or reads exactly what a few plain lines of
Python, written without our code, read from it.
"""

import gzip
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cisgram import io
from cisgram.core.errors import InputError

NAMES = ["fasta", "genome", "bed", "narrowpeak", "deepbind", "table"]
VALID = {
    "fasta": b">s1 first\nACGTacgtNN\nACGTACGT\n\n>s2\nGGRGUACGTACGTTACGACGT\n>s3\r\nTTTT\r\n",
    "genome": b">chr1\nACGTacgtNN\nACGTACGT\n>chr2\nGGGGTACGTACGTTACGACGT\n>chrM\nTTTT\n",
    "bed": b"# note\nchr1\t5\t10\ta\t7\t+\nchr1\t15\t30\tb\t.\t-\nchrX\t100\t2000\tc\t9.5\t.\n",
    "narrowpeak": b"chr1\t5\t10\ta\t7\t+\t1.5\t-1\t-1\t3\nchr2\t0\t9\tb\t7\t.\t2\t-1\t-1\t-1\n",
    "deepbind": b"FoldID\tEventID\tseq\tBound\nA\tseq_00001_peak\tACGTacgtN\t1\n"
    b"A\tseq_00002_peak\tGGGGACGTA\t1\n\nB\tseq_00001_shuf\tTTTTACGTA\t0\n",
    "table": b"name,sequence,label\na,ACGTACGT,1\nb,GGGG,0.5\nc,acguacgu,\n",
}
INTERESTING = [b"\0", b"\n", b"\r", b"\t", b" ", b">", b"#", b"-", b"1e3", b'"', b",", b"N", b"9"]
INTERESTING += [
    b"\xff",
    b"\xc3\xa9",
    b"chr1",
    b"\x1f\x8b",
    b"track ",
    b"Z",
    b"\x0c",
    b"\xe2\x80\xa8",
]


@st.composite
def mutated(draw, content):
    """A few places of a file deleted, doubled, overwritten or cut off."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 6)))
        piece = draw(st.sampled_from(INTERESTING) | st.binary(max_size=3))
        kind = draw(st.sampled_from(["insert", "replace", "delete", "double", "cut"]))
        if kind == "insert":
            data[at:at] = piece
        elif kind == "replace":
            data[at:end] = piece
        elif kind == "delete":
            del data[at:end]
        elif kind == "double":
            data[end:end] = data[at:end]
        else:
            del data[at:]
    return bytes(data)


def plain_lines(content):
    content = content.removeprefix(b"\xef\xbb\xbf")
    return re.split("\r\n|\r|\n", content.decode("utf-8"))


def upper(letters):
    """What A C G T N remain of nucleotides; fails on anything else."""
    out = re.sub("[RYSWKMBDHV]", "N", letters.upper().replace("U", "T"))
    assert set(out) <= set("ACGTN"), out
    return out


def oracle_fasta(content):
    records = []
    for line in plain_lines(content):
        if line.startswith(">"):
            records.append([(line[1:].split() or [""])[0], ""])
        elif line.strip():
            records[-1][1] += upper(line.rstrip(" \t"))
    return records


def oracle_rows(content, *, separator, skip=0):
    lines = [line for line in plain_lines(content) if line.strip()]
    return [line.split(separator) for line in lines[skip:]]


def check_fasta(path, content):
    found = io.read_fasta(path)
    records = [record for record in oracle_fasta(content) if record[1]]
    assert found.letters == [letters for _, letters in records]
    for name, (given_name, _) in zip(found.names, records, strict=True):
        if given_name.isprintable() and given_name:
            assert re.sub(r"#\d+$", "", name) == re.sub(r"#\d+$", "", given_name)
    assert len(set(found.names)) == len(found)


def check_genome(path, content):
    found = io.Genome(path)
    records = dict(oracle_fasta(content))
    assert dict(found.contigs) == {name: len(letters) for name, letters in records.items()}
    for name, letters in records.items():
        assert found.fetch(name, 0, len(letters)) == letters


def check_bed(path, content):
    found = io.read_bed(path)
    lines = [line.rstrip() for line in plain_lines(content) if line.strip()]
    lines = [line for line in lines if not re.match(r"#|(track|browser)(\s|$)", line)]
    tabs = "\t" if "\t" in lines[0] else None
    rows = [line.split(tabs) for line in lines]
    assert found.contig == [row[0] for row in rows]
    assert found.start.tolist() == [int(row[1]) for row in rows]
    assert found.end.tolist() == [int(row[2]) for row in rows]
    assert (found.start < found.end).all()
    assert (found.start >= 0).all()
    assert ((found.start <= found.summit) & (found.summit < found.end)).all()
    if len(rows[0]) >= 6:
        assert found.strand == [row[5] for row in rows]


def check_deepbind(path, content):
    found = io.read_deepbind(path)
    rows = oracle_rows(content, separator="\t", skip=1)
    assert found.letters == [upper(row[2].rstrip(" ")) for row in rows]
    assert found.labels[:, 0].tolist() == [int(row[3]) for row in rows]
    assert {len(row) for row in rows} == {4}


def check_table(path, content):
    found = io.read_table(path, labels=["label"], name="name")
    separator = "\t" if "\t" in next(x for x in plain_lines(content) if x.strip()) else ","
    if b'"' in content:
        return  # quotes are checked below, against the csv module
    header, *rows = oracle_rows(content, separator=separator)
    header = [cell.strip() for cell in header]
    letters, labels = header.index("sequence"), header.index("label")
    assert found.letters == [upper(row[letters].strip()) for row in rows]
    wanted = [
        float(cell) if re.search(r"\d", cell := row[labels].strip()) else np.nan for row in rows
    ]
    assert np.array_equal(found.labels[:, 0], wanted, equal_nan=True)


CHECKS = {
    "fasta": check_fasta,
    "genome": check_genome,
    "bed": check_bed,
    "narrowpeak": check_bed,
    "deepbind": check_deepbind,
    "table": check_table,
}


def refusal(check):
    """What `InputError` says, or ``None`` when the check passes; other errors go through."""
    try:
        check()
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("form", NAMES)
def test_a_mutated_file_is_read_right_or_refused(form, tmp_path_factory):
    path = tmp_path_factory.mktemp(form) / "input"
    path.write_bytes(VALID[form])
    CHECKS[form](path, VALID[form])  # the file is right before anything happens to it

    @settings(max_examples=100, deadline=None)
    @given(mutated(VALID[form]))
    def check(content):
        path.write_bytes(content)
        refused = refusal(lambda: CHECKS[form](path, content))
        assert refused is None or (str(path) in refused and "\n" not in refused)

    check()


@pytest.mark.parametrize("form", NAMES)
def test_a_packed_file_cut_anywhere_is_refused(form, tmp_path):
    path = tmp_path / "input"
    packed = gzip.compress(VALID[form])
    for size in range(2, len(packed)):
        path.write_bytes(packed[:size])
        with pytest.raises(InputError, match="input is cut short"):
            CHECKS[form](path, VALID[form])
    path.write_bytes(packed)
    CHECKS[form](path, VALID[form])


@pytest.mark.parametrize("form", NAMES)
def test_a_packed_file_with_a_flipped_bit_is_read_right_or_refused(form, tmp_path):
    path = tmp_path / "input"
    packed = gzip.compress(VALID[form], mtime=0)
    for place in range(len(packed)):
        broken = bytearray(packed)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        refused = refusal(lambda: CHECKS[form](path, VALID[form]))
        assert refused is None or str(path) in refused


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_content_is_told_apart_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any")
    form = data.draw(st.sampled_from(NAMES))
    path, fasta = folder / "input", folder / "genome.fa"
    path.write_bytes(data.draw(mutated(VALID[form])))
    fasta.write_bytes(VALID["genome"])

    def check():
        found = io.read_sequences(path, genome=fasta)
        assert set("".join(found.letters)) <= set("ACGTN")
        assert len(set(found.names)) == len(found) > 0

    refused = refusal(check)
    assert refused is None or str(folder) in refused


CELLS = st.lists(
    st.lists(
        st.text('ab",; ', max_size=4).filter(lambda c: c == c.strip()), min_size=2, max_size=2
    ),
    min_size=1,
    max_size=5,
)


@given(rows=CELLS)
def test_quoted_cells_are_read_as_the_csv_module_wrote_them(rows, tmp_path_factory):
    import csv

    path = tmp_path_factory.mktemp("csv") / "x.csv"
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
        writer.writerow(["sequence", "name", "more"])
        writer.writerows(["ACGT", *row] for row in rows)
    found = io.read_table(path, name="name")
    for i, (name, row) in enumerate(zip(found.names, rows, strict=True), 1):
        assert name.split("#")[0] == (row[0] or f"sequence_{i}")
