import gzip

import numpy as np
import pytest

from cisgram import io
from cisgram.core.errors import InputError

DEEPBIND = "FoldID\tEventID\tseq\tBound\n"


def write(path, content):
    path.write_text(content)
    return path


def test_deepbind_rows_have_names_labels_and_ranks(tmp_path):
    rows = "A\tseq_00003_peak\tACGT\t1\nA\tseq_00001_peak\tGGGG\t1\nB\tseq_00003_shuf\tTTNT\t0\n"
    found = io.read_deepbind(write(tmp_path / "x", DEEPBIND + rows))
    assert found.names == ["seq_00003_peak", "seq_00001_peak", "seq_00003_shuf"]
    assert found.labels.tolist() == [[1], [1], [0]]
    assert found.columns == ("Bound",)
    assert found.ranks.tolist() == [3, 1, 3]
    assert found.strongest(1).letters == ["GGGG"]


def test_deepbind_rows_without_numbers_have_no_ranks(tmp_path):
    rows = "A\tseq_1_peak\tACGT\t1\nA\tchr1:5-9\tGGGG\t1\n"
    found = io.read_deepbind(write(tmp_path / "x", DEEPBIND + rows))
    assert found.ranks is None


def test_a_table_gives_the_columns_that_are_asked_for(tmp_path):
    path = write(tmp_path / "x", "id,dna,a,b,chrom\nx,ACGT,1,NA,chr2\ny,AC,-2.5,3e1,chr1\n")
    found = io.read_table(path, sequence="dna", labels=["b", "a"], name="id", chromosome="chrom")
    assert np.array_equal(found.labels, [[np.nan, 1], [30, -2.5]], equal_nan=True)
    assert (found.columns, found.names) == (("b", "a"), ["x", "y"])
    assert found.chromosomes == ["chr2", "chr1"]
    assert found.counts == {"missing_labels": 1}
    bare = io.read_table(path, sequence="dna")
    assert bare.labels is None
    assert bare.names == ["sequence_1", "sequence_2"]


def test_a_separator_can_be_given(tmp_path):
    path = write(tmp_path / "x", "sequence;label\nACGT;1\n")
    assert io.read_table(path, separator=";", labels=["label"]).labels.tolist() == [[1]]
    with pytest.raises(InputError, match="one character"):
        io.read_table(path, separator="::")


def test_quotes_change_nothing_but_the_quoting(tmp_path):
    plain = write(tmp_path / "p", "name,sequence,label\na,ACGT,1\n\nb,GG,2\n")
    quoted = write(tmp_path / "q", '"name","sequence","label"\n"a","ACGT",1\n\n"b","GG","2"\n')
    found = [io.read_table(path, labels=["label"], name="name") for path in (plain, quoted)]
    assert found[0].names == found[1].names == ["a", "b"]
    assert found[0].letters == found[1].letters
    assert found[0].labels.tolist() == found[1].labels.tolist() == [[1], [2]]
    assert found[0].counts == found[1].counts == {"blank_lines": 1}


def test_a_cell_may_be_a_megabase(tmp_path):
    path = write(tmp_path / "x", 'name,sequence\n"a",' + "ACGT" * 50_000 + "\n")
    assert io.read_table(path).length == 200_000


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (">a\nACGT\n", "fasta"),
        ("\n\n>a\nACGT\n", "fasta"),
        (DEEPBIND, "deepbind"),
        ("#c\ntrack x\nchr1\t0\t5\n", "bed"),
        ("chr1 0 5\n", "bed"),
        ("sequence,label\nACGT,1\n", "table"),
        ("Seq\nACGT\n", "table"),
        ("chrom\tstart\tend\tsequence\nchr1\t1\t2\tA\n", "table"),
        ('"id","Sequence"\n', "table"),
    ],
)
def test_forms_are_told_apart_by_content(tmp_path, content, form):
    assert io.format_of(write(tmp_path / "x.anything", content)) == form
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(content.encode()))
    assert io.format_of(packed) == form


def test_usual_columns_are_found_whatever_their_case(tmp_path):
    path = write(tmp_path / "x.tsv", "ID\tChrom\tSequence\tLabel\nx\tchr1\tACGT\t1\n")
    found = io.read_sequences(path)
    assert (found.names, found.letters, found.chromosomes) == (["x"], ["ACGT"], ["chr1"])
    assert (found.labels.tolist(), found.columns) == ([[1]], ("Label",))
    path.write_text("ID\tutr\tLabel\nx\tACGT\t1\n")
    assert io.read_sequences(path, sequence="utr").letters == ["ACGT"]


@pytest.mark.data
def test_real_deepbind_tables_hold_what_their_readme_says(data_dir):
    folder = data_dir / "tf-chipseq-deepbind"
    train = io.read_sequences(folder / "FOXA1_HepG2_FOXA1_(SC-101058)_HudsonAlpha_AC.seq.gz")
    test = io.read_sequences(folder / "FOXA1_HepG2_FOXA1_(SC-101058)_HudsonAlpha_B.seq.gz")
    assert (len(train), len(test), train.length) == (42_614, 1_000, 101)
    assert train.labels.min() == 1
    assert test.labels.sum() == 500
    assert dict(train.counts) == dict(test.counts) == {}
    assert train.strongest(3).names == ["seq_00001_peak", "seq_00003_peak", "seq_00005_peak"]


@pytest.mark.data
def test_real_sets_in_other_forms_are_read(data_dir):
    peaks = io.read_sequences(data_dir / "tf-chipseq-other" / "ctcf.fa.gz")
    assert (len(peaks), peaks.length) == (39_184, 100)
    assert peaks.counts["lower_case"] > 0
    assert set(peaks.chromosomes) >= {"chr1", "chrX"}
    ragged = io.read_sequences(data_dir / "tf-chipseq-nfe2" / "nfe2_gm12878.tr.fa")
    assert (len(ragged), ragged.lengths.min(), ragged.lengths.max()) == (644, 59, 247)
    gue = io.read_sequences(data_dir / "tf-chipseq-gue" / "tf0_dev.csv.gz")
    assert (len(gue), gue.length, gue.labels.sum()) == (1_000, 101, 517)
    rna = io.read_sequences(data_dir / "rbp-clip" / "pum2.test.positive.fa.gz")
    assert rna.counts["u_as_t"] > 0
    assert set("".join(rna.letters)) <= set("ACGTN")
