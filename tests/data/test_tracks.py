"""Labels that are read from tracks of coverage."""

import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.data import DataOptions, prepare
from cisgram.io import write_bigwig
from cisgram.seq.alphabet import from_codes

pytest.importorskip("pybigtools")
LENGTH = 100
N = 60  # windows of a contig


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A genome of three contigs, its windows, and two tracks; one is 1 where there is a G."""
    path, random = tmp_path_factory.mktemp("tracks"), np.random.default_rng(0)
    contigs = [f"chr{i}" for i in (1, 2, 3)]
    codes = random.integers(0, 4, (3, N * LENGTH)).astype(np.uint8)
    letters = zip(contigs, from_codes(codes), strict=True)
    (path / "g.fa").write_text("".join(f">{c}\n{s}\n" for c, s in letters))
    places = [(c, i * LENGTH) for c in contigs for i in range(N)]
    (path / "w.bed").write_text("".join(f"{c}\t{s}\t{s + LENGTH}\n" for c, s in places))
    sizes, starts = dict.fromkeys(contigs, N * LENGTH), np.zeros(3, np.int64)
    guanine = (codes == 2).astype(float)
    write_bigwig(path / "guanine.bw", guanine, contigs, starts, sizes=sizes)
    write_bigwig(
        path / "other.bigWig", 10 * random.random(codes.shape), contigs, starts, sizes=sizes
    )
    write_bigwig(path / "below.bw", -5 * guanine, contigs, starts, sizes=sizes)
    return path


def made(folder, *tracks, **options):
    given = {"positives": str(folder / "w.bed"), "genome": str(folder / "g.fa")} | options
    return prepare(DataOptions(tracks=tuple(str(folder / t) for t in tracks), **given))


def test_each_track_is_an_output_and_its_mean_the_label(folder):
    found = made(folder, "guanine.bw", "other.bigWig", track_scale="none")
    assert found.task == "regression"
    train = found.train.data
    assert train.outputs == ("guanine", "other")
    guanine = (np.asarray(train.codes) == 2).mean(1)
    np.testing.assert_allclose(train.y[:, 0], guanine, atol=1e-6)
    assert train.y[:, 1].mean() == pytest.approx(5, abs=0.2)
    assert len(train) + len(found.valid) + len(found.test) == 3 * N


def test_labels_are_logarithms_unless_told_otherwise(folder):
    plain = made(folder, "guanine.bw", track_scale="none").valid.y
    np.testing.assert_allclose(made(folder, "guanine.bw").valid.y, np.log1p(plain), atol=1e-6)


def test_the_middle_alone_can_be_averaged(folder):
    data = made(folder, "guanine.bw", track_scale="none", track_width=20).train.data
    middle = np.asarray(data.codes)[:, 40:60]
    np.testing.assert_allclose(data.y[:, 0], (middle == 2).mean(1), atol=1e-6)


def test_a_test_file_has_the_same_tracks(folder):
    found = made(
        folder, "guanine.bw", track_scale="none", test=str(folder / "w.bed"), leaks="report"
    )
    assert len(found.test) == 3 * N
    np.testing.assert_allclose(
        found.test.y[:, 0], (np.asarray(found.test.codes) == 2).mean(1), atol=1e-6
    )


@pytest.mark.parametrize(
    ("tracks", "options", "message"),
    [
        (["guanine.bw", "guanine.bw"], {}, "two of the tracks are named 'guanine'"),
        (["below.bw"], {}, "negative means"),
        (["guanine.bw"], {"track_width": 101}, "more than the 100 bp"),
        (["w.bed"], {}, "cannot be read as bigWig"),
        (["guanine.bw"], {"negatives": "genome"}, "give no negatives"),
    ],
)
def test_tracks_that_give_no_labels_are_refused(folder, tracks, options, message):
    with pytest.raises(InputError, match=message):
        made(folder, *tracks, **options)


def test_tracks_need_windows_of_a_genome(folder, tmp_path):
    path = tmp_path / "s.tsv"
    path.write_text("name\tsequence\tlabel\n" + "".join(f"s{i}\tACGTACGT\t1\n" for i in range(20)))
    with pytest.raises(InputError, match="give a BED file and --genome"):
        made(folder, "guanine.bw", positives=str(path))
