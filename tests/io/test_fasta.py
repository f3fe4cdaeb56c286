import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cisgram import io
from cisgram.core.errors import InputError
from cisgram.io import text
from cisgram.io.sequences import Sequences

LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
LETTERS = st.text("ACGTNacgtnRYKu", max_size=12)
RECORDS = st.lists(
    st.tuples(st.text("ab>;#", min_size=1, max_size=4), st.lists(LETTERS, max_size=4)),
    min_size=1,
    max_size=6,
)


@given(records=RECORDS, end=LINE_ENDS, size=st.integers(1, 9), last=st.booleans())
def test_where_a_file_is_cut_into_pieces_changes_nothing(
    records, end, size, last, tmp_path_factory
):
    lines = [line for name, parts in records for line in (f">{name}", *parts)]
    path = tmp_path_factory.mktemp("fasta") / "x.fa"
    path.write_text(end.join(lines) + (end if last else ""), newline="")

    def outcome():
        try:
            found = io.read_fasta(path)
        except InputError as error:
            return str(error)
        return found.names, found.letters, found.dropped, dict(found.counts)

    whole = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "CHUNK", size)
        assert outcome() == whole
    if not isinstance(whole, str):
        wanted = ["".join(parts) for _, parts in records]
        table = str.maketrans("acgtnuRYK", "ACGTNTNNN")
        assert whole[1] == [word.translate(table) for word in wanted if word]


@pytest.mark.parametrize("size", range(1, 12))
def test_a_header_inside_a_line_is_refused_wherever_the_pieces_end(tmp_path, monkeypatch, size):
    path = tmp_path / "x.fa"
    path.write_text(">a\nACGT>b\nGT\n")
    monkeypatch.setattr(text, "CHUNK", size)
    with pytest.raises(InputError, match=r"line 2: '>' .* A header must begin its line"):
        io.read_fasta(path)


@given(
    st.lists(
        st.tuples(st.text("abc|:-", min_size=1, max_size=5), st.text("ACGTN", min_size=1)),
        min_size=1,
        unique_by=lambda record: record[0],
    ),
    st.integers(0, 7),
)
def test_what_is_written_is_read_back(tmp_path_factory, records, width):
    path = tmp_path_factory.mktemp("fasta") / "x.fa"
    names, letters = [name for name, _ in records], [word for _, word in records]
    io.write_fasta(path, Sequences(names, letters), width=width)
    found = io.read_fasta(path)
    assert (found.names, found.letters, dict(found.counts)) == (names, letters, {})


def test_headers_can_be_labels(tmp_path):
    path = tmp_path / "train.fa"
    path.write_text(">1\nACGT\n>0\nTTTT\n>1\nACGT\n")
    found = io.read_fasta(path, header_labels=True)
    assert found.labels.tolist() == [[1], [0], [1]]
    assert found.names == ["sequence_1", "sequence_2", "sequence_3"]
    assert found.columns == ("label_0",)


def test_chromosomes_are_read_from_headers_when_all_have_them(tmp_path):
    path = tmp_path / "x.fa"
    path.write_text(">chr1:5-9(+)\nACGT\n>chrX:1-5(-)\nACGT\n")
    assert io.read_fasta(path).chromosomes == ["chr1", "chrX"]
    path.write_text(">chr1:5-9\nACGT\n>other\nACGT\n")
    assert io.read_fasta(path).chromosomes is None


def test_a_record_without_letters_is_dropped_with_a_reason(tmp_path):
    path = tmp_path / "x.fa"
    path.write_text(">a\n>b\nACGT\n>c\n")
    found = io.read_fasta(path)
    assert found.names == ["b"]
    assert found.dropped == (("a", "no letters"), ("c", "no letters"))


def test_packing_changes_nothing(tmp_path):
    content = b">a\nACGT\n>b\nGGRG\n"
    plain, packed = tmp_path / "x.gz", tmp_path / "x.fa"  # names that say the opposite
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    assert io.read_fasta(plain).letters == io.read_fasta(packed).letters == ["ACGT", "GGNG"]


def test_lengths_that_differ_are_refused_only_where_one_is_needed():
    ragged = Sequences(["a", "b"], ["ACGT", "AC"])
    assert ragged.lengths.tolist() == [4, 2]
    with pytest.raises(InputError, match="from 2 to 4"):
        ragged.codes()
    assert ragged.take([1]).codes().tolist() == [[0, 1]]


def test_taking_rows_keeps_every_column_together():
    whole = Sequences(
        ["a", "b", "c"],
        ["A", "C", "G"],
        np.array([[1.0], [2.0], [3.0]]),
        ("y",),
        ["chr1", "chr2", "chr3"],
        ranks=np.array([3, 1, 2]),
    )
    part = whole.take([2, 0])
    assert (part.names, part.letters, part.chromosomes) == (
        ["c", "a"],
        ["G", "A"],
        ["chr3", "chr1"],
    )
    assert part.labels.tolist() == [[3], [1]]
    assert part.ranks.tolist() == [2, 3]
    assert whole.take(np.array([False, True, False])).names == ["b"]
    for wrong in ([3], [-1], np.array([True])):
        with pytest.raises(InputError, match="rows must"):
            whole.take(wrong)


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="one entry a name"):
        Sequences(["a"], ["A", "C"])
    with pytest.raises(InputError, match=r"labels must be \(1, 0\)"):
        Sequences(["a"], ["A"], np.zeros((1, 2)))
