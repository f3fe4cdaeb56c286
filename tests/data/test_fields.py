"""Further inputs ride along: by row, by epoch, by strand, whatever the batches are."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import planted
from cisgram.core.errors import InputError
from cisgram.data import AtPlaces, DataOptions, Dataset, Field, TrainingData, joined
from cisgram.data.attached import Attached
from cisgram.data.neighbors import FAR, Neighbors, neighbors_field, with_states
from cisgram.io import Methylation

LENGTH = 30


def with_fields(n, *, seed=0):
    """Sequences with a number a position that says which base stands there."""
    data = planted.dataset(n, LENGTH, seed=seed)
    return Dataset(
        data.names,
        data.codes,
        data.y,
        fields={
            "along": Field(data.codes[:, None].astype(np.float32), mirror=(-1,)),
            "row": Field(np.arange(n, dtype=np.float32)[:, None]),
        },
    )


def letters_of(x):
    return x.argmax(1)


@given(st.integers(1, 40), st.integers(0, 3))
def test_a_field_goes_with_its_sequence_in_any_batch_and_turns_with_it(size, epoch):
    data = TrainingData(with_fields(37))
    whole = next(data.batches(epoch, batch_size=100, seed=1))
    rows = list(data.batches(epoch, batch_size=size, seed=1))
    for name in ("along", "row"):
        assert torch.equal(torch.cat([b.fields[name] for b in rows]), whole.fields[name])
    letters, along = letters_of(whole.inputs[0]), whole.fields["along"][:, 0]
    turned = (3 - letters != along).sum(1) > 0
    assert 0 < turned.sum() < 37
    assert torch.equal(along[turned], letters[turned].float())
    assert torch.equal(along[~turned], 3 - letters[~turned].float())
    assert sorted(whole.fields["row"].flatten().tolist()) == list(range(37))
    assert whole.y[:, 0].tolist() == [r % 2 for r in whole.fields["row"].flatten().tolist()]


def test_processes_share_a_batch_with_its_fields():
    data = TrainingData(with_fields(20))
    (whole,) = data.batches(0, batch_size=20, seed=0)
    parts = [next(data.batches(0, batch_size=20, seed=0, rank=r, world=2)) for r in (0, 1)]
    for r, part in enumerate(parts):
        assert torch.equal(part.fields["row"], whole.fields["row"][r::2])


def test_data_without_fields_are_drawn_as_before():
    """Strands, order and codes of an epoch do not know of fields."""
    plain = planted.dataset(20, LENGTH)
    a, b = TrainingData(plain).epoch(2, seed=5), TrainingData(with_fields(20)).epoch(2, seed=5)
    assert (a[0] == b[0]).all()
    assert (a[1] == b[1]).all()


def test_fields_are_taken_and_joined_with_their_rows():
    data = with_fields(9)
    some = data.take(np.array([4, 1]))
    assert some.fields["row"][:].tolist() == [[4], [1]]
    both = joined([some, data])
    assert both.fields["row"][:].ravel().tolist() == [4, 1, *range(9)]
    assert both.fields["along"].mirror == (-1,)
    with pytest.raises(InputError, match="must have the same fields; got along, row; none"):
        joined([data, planted.dataset(3, LENGTH)])


def test_a_field_of_other_rows_is_refused():
    data = planted.dataset(3, LENGTH)
    with pytest.raises(InputError, match="'z' has 2 rows for 3 sequences"):
        Dataset(data.names, data.codes, data.y, fields={"z": Field(np.zeros((2, 1), np.float32))})


def test_shuffles_have_no_fields():
    with pytest.raises(InputError, match="shuffles have no along, row"):
        TrainingData(with_fields(5), fresh_negatives=2)


class Here:
    """What is read of a place is the place."""

    shape = (2,)

    def __init__(self):
        self.asked = 0

    def read(self, contig, starts):
        self.asked += len(starts)
        return np.stack([np.full(len(starts), float(contig)), starts], 1).astype(np.float32)


def test_places_are_read_when_they_are_indexed_and_not_before():
    source = Here()
    places = AtPlaces(source, ["1", "2", "1", "2"], np.array([10, 20, 30, 40]))
    some = places.take(np.array([3, 0, 2]))
    assert source.asked == 0
    assert some.shape == (3, 2)
    assert some[1:].tolist() == [[1, 10], [1, 30]]
    assert source.asked == 2
    assert places[np.array([True, False, False, True])].tolist() == [[1, 10], [2, 40]]


def cell(name, sites):
    at, states = zip(*sites, strict=True)
    return Methylation(name, {"1": (np.array(at), np.array(states, np.float32))})


NEAR = cell("near", [(100, 1), (150, 0), (200, 1), (90_000, 1)])
OTHER = cell("other", [(150, 1)])


def test_neighbors_are_the_nearest_known_sites_in_order_without_the_site_itself():
    found = Neighbors([NEAR, OTHER], 2).read("1", np.array([150, 120]))
    assert found.shape == (2, 2, 2, 4)
    np.testing.assert_allclose(found[0, 0, 0], [0.5, 1, 1, 1])
    np.testing.assert_allclose(found[0, 0, 1], [1, 50 / FAR, 50 / FAR, 1])  # the last is far
    np.testing.assert_allclose(found[0, 1], [[0.5] * 4, [1] * 4])  # the other cell's own site
    np.testing.assert_allclose(found[1, 0, 0], [0.5, 1, 0, 1])
    np.testing.assert_allclose(found[1, 1, 0], [0.5, 0.5, 1, 0.5])
    assert (Neighbors([NEAR], 1).read("2", np.array([5])) == [[[0.5, 0.5], [1, 1]]]).all()


def sites(*at, contig="1"):
    n = len(at)
    codes = np.full((n, 4), 4, np.uint8)
    starts = np.array(at) - 2
    return Dataset([str(a) for a in at], codes, np.ones((n, 1), np.float32), groups=[contig] * n,
                   starts=starts)  # fmt: skip


def test_labels_are_the_states_of_each_cell_and_missing_ones_nan():
    found = with_states(sites(100, 150, 160), [NEAR, OTHER])
    assert found.outputs == ("near", "other")
    assert np.array_equal(found.y, [[1, np.nan], [0, 1], [np.nan, np.nan]], equal_nan=True)


def test_neighbors_turn_with_the_strand_left_becomes_right():
    field = neighbors_field(sites(150), Neighbors([NEAR], 2))
    (turned,) = field.read(np.array([0]), np.array([True]))
    np.testing.assert_allclose(turned, field[:1][0, ..., ::-1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: with_states(planted.dataset(2), [NEAR]), "needs windows of a genome"),
        (lambda: with_states(sites(5, contig="chr1"), [NEAR]), "contigs 1; are names"),
        (lambda: with_states(sites(150), [NEAR, NEAR]), "have one name, near, near"),
    ],
)
def test_sites_that_cannot_be_labeled_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_shift": 3}, "data.max_shift moves letters"),
        ({"augment": ("inversion", "noise")}, "data.augment=inversion moves letters"),
        ({"negatives": "shuffle"}, "shuffle makes sequences that lie nowhere"),
    ],
)
def test_changes_that_inputs_cannot_follow_are_refused(tmp_path, options, message):
    (tmp_path / "c.bed").write_text("1\t5\t1\n")
    with pytest.raises(InputError, match=message):
        Attached(DataOptions(positives="p.bed", methylation=(str(tmp_path / "c.bed"),), **options))
