import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.io import write_bigwig

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
