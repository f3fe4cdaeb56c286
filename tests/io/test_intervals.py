import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cisgram import io
from cisgram.core.errors import InputError

LETTERS = "ACGGTTACCATTGCAACTGACCGT"  # no window of it is its own reverse complement


def bed(tmp_path, content):
    path = tmp_path / "peaks.bed"
    path.write_text(content)
    return path


@pytest.fixture
def genome(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{LETTERS}\n>chr2\nACGTN\n")
    return io.Genome(path)


def back(text):
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def test_columns_are_read_as_the_formats_say(tmp_path):
    line = "chr1\t10\t30\tp1\t84\t-\t5.5\t-1\t-1\t7\n"
    found = io.read_bed(bed(tmp_path, line))
    assert (found.contig, found.name, found.strand) == (["chr1"], ["p1"], ["-"])
    assert (found.start[0], found.end[0], found.summit[0]) == (10, 30, 17)
    assert (found.score[0], found.signal[0]) == (84, 5.5)


def test_without_a_summit_the_midpoint_stands(tmp_path):
    line = "chr1\t10\t31\tp\t0\t.\t1\t-1\t-1\t-1\nchr1\t10\t31\tq\t0\t.\t2\t-1\t-1\t0\n"
    found = io.read_bed(bed(tmp_path, line))
    assert found.summit.tolist() == [20, 10]
    assert found.counts["without_summit"] == 1
    assert io.read_bed(bed(tmp_path, "chr1\t72075\t72076\n")).summit.tolist() == [72075]


def test_blanks_serve_where_no_tab_is(tmp_path):
    found = io.read_bed(bed(tmp_path, "chr1 1  5 a 3 +\n"))
    assert (found.start[0], found.end[0], found.name, found.strand) == (1, 5, ["a"], ["+"])


def test_shared_names_are_told_apart_by_place(tmp_path):
    found = io.read_bed(bed(tmp_path, "c\t1\t5\tReb1\nc\t7\t9\tReb1\nc\t7\t9\tReb1\nc\t2\t4\tx\n"))
    assert found.name == ["Reb1|c:1-5", "Reb1|c:7-9", "Reb1|c:7-9#2", "x"]
    assert found.counts == {"duplicate_intervals": 1, "duplicate_names": 1}


def test_ranks_are_by_signal_then_by_score_then_absent(tmp_path):
    tail = "\t-1\t-1\t0\n"
    peaks = "".join(f"c\t1\t5\tp{i}\t{9 - i}\t.\t{s}{tail}" for i, s in enumerate("273"))
    assert io.read_bed(bed(tmp_path, peaks)).ranks.tolist() == [3, 1, 2]
    assert io.read_bed(
        bed(tmp_path, "c\t1\t2\ta\t5\nc\t1\t3\tb\t.\nc\t1\t4\td\t6\n")
    ).ranks.tolist() == [2, 3, 1]
    assert io.read_bed(bed(tmp_path, "c\t1\t2\nc\t1\t3\n")).ranks is None


def test_contigs_that_the_genome_lacks_are_dropped_with_a_reason(tmp_path, genome):
    found = io.read_bed(bed(tmp_path, "chrUn\t1\t5\nchr1\t1\t5\n"), genome=genome)
    assert found.name == ["chr1:1-5"]
    assert found.dropped == (("chrUn:1-5", "contig chrUn is not in genome.fa"),)
    assert found.counts == {"unknown_contigs": 1}


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.integers(1, 10**6), st.sampled_from("+-.")), min_size=1
    ),
    st.booleans(),
)
def test_what_is_written_is_read_back(tmp_path_factory, rows, narrowpeak):
    path = tmp_path_factory.mktemp("bed") / "x.bed"
    content = "".join(
        f"chr1\t{s}\t{s + n}\tp{i}\t{i}\t{strand}\t{i}.25\t-1\t-1\t{n // 3}\n"
        for i, (s, n, strand) in enumerate(rows)
    )
    path.write_text(content)
    before = io.read_bed(path)
    io.write_bed(path, before, narrowpeak=narrowpeak)
    after = io.read_bed(path)
    fields = ["contig", "start", "end", "name", "score", "strand"]
    for name in fields + ["signal", "summit"] * narrowpeak:
        assert list(getattr(after, name)) == list(getattr(before, name))


@pytest.mark.parametrize("length", [1, 2, 5, 6])
def test_the_summit_stands_in_the_middle_on_both_strands(tmp_path, genome, length):
    peaks = io.read_bed(
        bed(tmp_path, "".join(f"chr1\t8\t16\tp{s}\t0\t{s}\t1\t-1\t-1\t4\n" for s in "+-.")),
        genome=genome,
    )
    plus, minus, none = io.sequences_of(peaks, genome, length=length).letters
    assert plus[length // 2] == LETTERS[12]
    assert minus[length // 2] == back(LETTERS[12])
    assert plus == none == LETTERS[12 - length // 2 :][:length]
    assert back(minus) in LETTERS
    unstranded = io.sequences_of(peaks, genome, length=length, stranded=False)
    assert unstranded.letters == [plus] * 3


def test_windows_about_midpoints_and_whole_intervals(tmp_path, genome):
    peaks = io.read_bed(
        bed(tmp_path, "chr1\t8\t16\ta\t0\t+\t1\t-1\t-1\t0\nchr1\t2\t5\tb\t0\t-\t1\t-1\t-1\t0\n"),
        genome=genome,
    )
    assert io.sequences_of(peaks, genome).letters == [LETTERS[8:16], back(LETTERS[2:5])]
    found = io.sequences_of(peaks, genome, length=4, center="midpoint")
    assert found.letters[0] == LETTERS[10:14]
    assert found.chromosomes == ["chr1", "chr1"]
    with pytest.raises(InputError, match="No center named 'middle'"):
        io.sequences_of(peaks, genome, length=4, center="middle")


def test_windows_that_leave_their_contig_are_dropped_with_a_reason(tmp_path, genome):
    peaks = io.read_bed(
        bed(tmp_path, "chr1\t0\t2\nchr1\t11\t12\nchr1\t23\t24\nchr2\t2\t3\n"), genome=genome
    )
    found = io.sequences_of(peaks, genome, length=5)
    assert found.names == ["chr1:11-12", "chr2:2-3"]
    assert found.intervals.start.tolist() == [9, 0]
    assert found.dropped == (
        ("chr1:0-2", "window chr1:-1-4 leaves the contig (24 bp)"),
        ("chr1:23-24", "window chr1:21-26 leaves the contig (24 bp)"),
    )
    assert found.counts == {"windows_off_contig": 2, "sequences_with_n": 1}


def test_the_strongest_windows_come_by_rank(tmp_path, genome):
    content = "chr1\t5\t6\ta\t1\nchr1\t9\t10\tb\t7\nchr1\t12\t13\tc\t3\n"
    found = io.read_sequences(bed(tmp_path, content), genome=genome, length=3, strongest=2)
    assert found.names == ["b", "c"]
    assert found.intervals.name == ["b", "c"]


@pytest.mark.data
def test_yeast_peak_points_become_windows_with_the_motif(data_dir):
    genome = io.Genome(data_dir / "genome-yeast" / "sacCer3.fa.gz")
    peaks = data_dir / "genome-yeast" / "chexmix" / "Reb1.bed"
    found = io.read_sequences(peaks, genome=genome, length=101)
    assert len(found) + len(found.dropped) == len(peaks.read_text().splitlines())
    share = np.mean(["TTACCCG" in s or "CGGGTAA" in s for s in found.letters])
    assert 0.38 < share < 0.43  # the set's README: 0.404 within 50 bp
