"""Windows of a genome that stay on disk, beside the same windows read at once."""

import pickle

import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.io import Genome, GenomeCodes, blocks, genome_codes
from cisgram.seq.alphabet import from_codes

LENGTH = 12


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    text = ""
    for name, n in (("one", 300), ("two", 200)):
        text += f">{name}\n{from_codes(random.integers(0, 5, (1, n)).astype(np.uint8))[0]}\n"
    path.write_text(text)
    return Genome(path)


@pytest.fixture
def places():
    random = np.random.default_rng(1)
    contigs = [("one", "two")[i % 2] for i in range(40)]
    return contigs, random.integers(0, 200 - LENGTH, 40)


@pytest.fixture
def lazy(genome, places):
    return GenomeCodes(genome, *places, length=LENGTH)


@pytest.fixture
def whole(genome, places):
    return genome.windows(*places, LENGTH)


@pytest.mark.parametrize(
    "rows",
    [
        3,
        -1,
        slice(5, 30, 4),
        slice(0, 0),
        np.array([7, 7, 0]),
        np.arange(40) % 3 == 0,
        [2, 1],
        np.array([], dtype=np.int64),
    ],
)
def test_any_rows_are_those_of_the_windows(lazy, whole, rows):
    assert np.array_equal(lazy[rows], whole[rows])
    assert lazy[rows].dtype == np.uint8


def test_it_has_the_shape_of_what_it_stands_for(lazy, whole):
    assert (lazy.shape, len(lazy), lazy.ndim, lazy.dtype) == (whole.shape, 40, 2, whole.dtype)
    assert np.array_equal(np.asarray(lazy), whole)
    assert np.array_equal(np.stack(list(lazy)), whole)
    assert np.asarray(lazy, dtype=np.int64).dtype == np.int64


def test_what_is_read_is_a_copy(lazy, whole):
    lazy[:][:] = 9
    assert np.array_equal(lazy[:], whole)


def test_columns_are_refused_with_the_remedy(lazy):
    with pytest.raises(InputError, match=r"read these first"):
        lazy[3, 4]


def test_windows_off_their_contig_are_refused(genome):
    with pytest.raises(InputError, match=r"two:195-207 does not lie on two"):
        GenomeCodes(genome, ["two"], np.array([195]), length=LENGTH)


def test_taking_reads_nothing(lazy, whole, monkeypatch):
    def read(*_):
        raise AssertionError

    rows = np.array([5, 1, 1])
    with monkeypatch.context() as patch:
        patch.setattr(Genome, "at", read)
        some = lazy.take(rows).take(np.array([True, False, True]))
        both = genome_codes.joined([some, lazy])
    assert np.array_equal(some[:], whole[[5, 1]])
    assert isinstance(both, GenomeCodes)
    assert np.array_equal(both[:], np.concatenate([whole[[5, 1]], whole]))


def test_windows_beside_anything_else_are_read(lazy, whole):
    both = genome_codes.joined([lazy, whole])
    assert np.array_equal(both, np.concatenate([whole, whole]))


def test_blocks_are_all_rows_once(lazy, whole):
    parts = list(blocks(lazy, bases=5 * LENGTH))
    assert [first for first, _ in parts] == list(range(0, 40, 5))
    assert np.array_equal(np.concatenate([part for _, part in parts]), whole)


def test_a_process_that_is_handed_the_windows_opens_the_genome_itself(lazy, whole):
    there = pickle.loads(pickle.dumps(lazy))
    assert np.array_equal(there[:], whole)
