"""Labels along windows, which turn with them."""

import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.data import DataOptions, prepare
from cisgram.data.track_rows import TrackRows, tracks_field
from cisgram.io import write_bigwig
from cisgram.seq.alphabet import from_codes

pytest.importorskip("pybigtools")
LENGTH, N = 101, 60  # of a window, and windows of a contig


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A genome of three contigs, its windows, and counts: one at every G, or C."""
    path, random = tmp_path_factory.mktemp("profiles"), np.random.default_rng(0)
    contigs = [f"chr{i}" for i in (1, 2, 3)]
    codes = random.integers(0, 4, (3, N * LENGTH)).astype(np.uint8)
    letters = zip(contigs, from_codes(codes), strict=True)
    (path / "g.fa").write_text("".join(f">{c}\n{s}\n" for c, s in letters))
    rows = [f"{c}\t{i * LENGTH}\t{(i + 1) * LENGTH}\n" for c in contigs for i in range(N)]
    (path / "w.bed").write_text("".join(rows))
    sizes, starts = dict.fromkeys(contigs, N * LENGTH), np.zeros(3, np.int64)
    for name, letter in (("g", 2), ("c", 1)):
        counts = (codes == letter).astype(float)
        write_bigwig(path / f"{name}.bw", counts, contigs, starts, sizes=sizes)
    return path


def made(folder, **options):
    given = {"positives": folder / "w.bed", "genome": folder / "g.fa"}
    paths = {name: str(path) for name, path in given.items()}
    return prepare(DataOptions(**paths, profiles=(str(folder / "g.bw"),), **options)).valid


@pytest.mark.parametrize(("length", "width"), [(101, 51), (100, 50), (98, 50)])
def test_the_middle_is_the_same_positions_on_both_strands(folder, length, width):
    data = made(folder, length=length)
    assert data.profile.shape == (1, width)
    cut, rows = (length - width) // 2, np.arange(len(data))
    letters = np.asarray(data.codes)
    for turned in (False, True):
        found = data.profile.read(rows, np.full(len(data), turned))[:, 0]
        along = letters[:, ::-1] if turned else letters
        np.testing.assert_array_equal(found, along[:, cut : cut + width] == 2)


def test_a_width_that_has_no_middle_is_refused(folder):
    with pytest.raises(InputError, match=r"no place in the middle of 101 bp.*profile_width=51"):
        made(folder, profile_width=50)


def test_tracks_that_are_read_stay_in_their_rows_on_the_other_strand(folder):
    source = TrackRows([str(folder / "g.bw"), str(folder / "c.bw")], LENGTH, log=False)
    data = made(folder)
    field, letters = tracks_field(data, source), np.asarray(data.codes)
    found = field.read(np.arange(len(data)), np.full(len(data), True))
    for row, letter in enumerate((2, 1)):
        np.testing.assert_array_equal(found[:, row], letters[:, ::-1] == letter)
