import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.io import BigWig, write_bigwig

pytest.importorskip("pybigtools")
SIZES = {"chr1": 100, "chr10": 50, "chr2": 60}


def values(path, contig, start, end):
    """Read with an independent program."""
    figwig = pytest.importorskip("figwig")
    return figwig.BigWigReader(str(path)).read(contig, [start], end - start)[0]


def test_scores_lie_at_their_positions_and_overlaps_are_averaged(tmp_path):
    scores = np.array([[1.0, 2, 3], [5, 7, 9], [-1, -2, -3], [0.5, 0.25, 0.125]])
    starts = np.array([10, 12, 57, 0])
    write_bigwig(tmp_path / "a.bw", scores, ["chr1", "chr1", "chr2", "chr10"], starts, sizes=SIZES)
    assert values(tmp_path / "a.bw", "chr1", 10, 15).tolist() == [1, 2, 4, 7, 9]
    assert values(tmp_path / "a.bw", "chr2", 57, 60).tolist() == [-1, -2, -3]
    assert values(tmp_path / "a.bw", "chr10", 0, 3).tolist() == [0.5, 0.25, 0.125]
    assert [p.name for p in tmp_path.iterdir()] == ["a.bw"]


@pytest.mark.parametrize(
    ("scores", "contigs", "starts", "message"),
    [
        (np.zeros((1, 5)), ["chr3"], [0], "chr3:0-5"),
        (np.zeros((1, 5)), ["chr1"], [96], "chr1:96-101"),
        (np.zeros((1, 5)), ["chr1"], [-1], "chr1:-1-4"),
        (np.full((1, 5), np.nan), ["chr1"], [0], "finite"),
        (np.zeros((2, 5)), ["chr1"], [0, 0], "as many contigs"),
        (np.zeros(5), ["chr1"], [0], r"\(n, length\)"),
        (np.zeros((1, 5)), ["chr1"], [0, 1], r"\(2,\)"),
    ],
)
def test_windows_that_lie_nowhere_are_refused(tmp_path, scores, contigs, starts, message):
    with pytest.raises(InputError, match=message):
        write_bigwig(tmp_path / "a.bw", scores, contigs, starts, sizes=SIZES)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def track(tmp_path):
    """chr1: 1 at 10 to 19, 4 at 20 to 29; nothing elsewhere."""
    path = tmp_path / "a.bw"
    scores = np.array([[1.0] * 10, [4.0] * 10])
    write_bigwig(path, scores, ["chr1", "chr1"], np.array([10, 20]), sizes=SIZES)
    return BigWig(path)


def test_what_was_written_is_read_and_the_rest_is_zero(track):
    assert track.contigs == {"chr1": 100}
    assert track.values("chr1", 8, 12).tolist() == [0, 0, 1, 1]
    assert track.values("chr1", 28, 32).tolist() == [4, 4, 0, 0]
    assert track.values("chr1", 99, 100).tolist() == [0]


def test_means_count_positions_without_a_value_as_zero(track):
    found = track.means(["chr1"] * 4, np.array([10, 15, 25, 60]), 10)
    assert found.tolist() == [1, 2.5, 2, 0]


@pytest.mark.data
def test_means_are_those_of_another_program_on_a_real_track(data_dir):
    figwig = pytest.importorskip("figwig")
    path = data_dir / "genome-yeast" / "atac_cutsites.bw"
    starts = np.random.default_rng(0).integers(0, 800_000, 200)
    found = BigWig(path).means(["chrII"] * 200, starts, 300)
    other = figwig.BigWigReader(str(path)).read("chrII", starts.tolist(), 300)
    np.testing.assert_allclose(found, np.nan_to_num(other).mean(1), rtol=1e-6)
    assert found.max() > 0


@pytest.mark.parametrize(
    ("contig", "start", "end", "message"),
    [
        ("chr1", -1, 5, r"chr1:-1-5 does not lie on chr1 .*100 bp"),
        ("chr1", 90, 101, r"chr1:90-101"),
        ("chr1", 5, 5, r"chr1:5-5"),
        ("1", 0, 5, "it has 'chr1'"),
        ("chr7", 0, 5, "No contig in .* 'chr7'"),
    ],
)
def test_windows_off_a_track_are_refused(track, contig, start, end, message):
    with pytest.raises(InputError, match=message):
        track.values(contig, start, end)


def test_a_damaged_track_is_refused(tmp_path):
    path = tmp_path / "a.bw"
    path.write_bytes(b"\x26\xfc\x8f\x88 and nothing more")
    with pytest.raises(InputError, match="cannot be read as bigWig"):
        BigWig(path)
    with pytest.raises(InputError, match="does not exist"):
        BigWig(tmp_path / "b.bw")


@pytest.mark.data
def test_a_track_that_was_cut_off_gives_its_values_or_is_refused(tmp_path, data_dir):
    whole = data_dir / "genome-yeast" / "atac_cutsites.bw"
    given, path = whole.read_bytes(), tmp_path / "a.bw"
    places = [(c, s) for c, n in BigWig(whole).contigs.items() for s in range(0, n - 500, 20_000)]
    expected = {place: BigWig(whole).values(*place, place[1] + 500) for place in places}
    refused = 0
    for share in (0.2, 0.5, 0.9):
        path.write_bytes(given[: int(share * len(given))])
        for place in places:
            try:
                found = BigWig(path).values(*place, place[1] + 500)
            except InputError:
                refused += 1
                continue
            np.testing.assert_array_equal(found, expected[place])
    assert refused
