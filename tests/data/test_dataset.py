import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import planted
from cisgram.core.errors import InputError
from cisgram.data import Augment, Dataset, TrainingData, dataset, joined, shuffled_negatives
from cisgram.data.dataset import steps
from cisgram.io import Genome, GenomeCodes
from cisgram.seq.alphabet import from_codes, one_hot

COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)


def pairs(codes):
    """(n, 16) numbers of each dinucleotide."""
    two = 4 * codes[:, :-1].astype(int) + codes[:, 1:]
    return np.stack([np.bincount(row, minlength=16) for row in two])


def rows(codes):
    return sorted(row.tobytes() for row in codes)


def ones(n, length=60, seed=0):
    """Positives alone."""
    data = planted.dataset(n, length, seed=seed)
    return Dataset(data.names, data.codes, np.ones_like(data.y))


def test_negatives_have_the_dinucleotides_of_their_positive_and_another_order():
    positives = ones(50)
    negatives = shuffled_negatives(positives, k=2, seed=3)
    assert (pairs(negatives.codes) == pairs(positives.codes)).all()
    assert (negatives.codes != positives.codes).any(1).all()
    assert (negatives.y == 0).all()
    assert negatives.names[7] == "s7_shuffled"


def test_the_shuffle_of_a_sequence_depends_on_the_sequence_and_not_on_its_neighbors():
    positives = ones(20)
    some = np.array([17, 3, 11])
    alone = shuffled_negatives(positives.take(some), k=2, seed=5)
    assert (alone.codes == shuffled_negatives(positives, k=2, seed=5).codes[some]).all()


def test_fresh_negatives_differ_by_epoch_and_return_for_the_same_seed_and_epoch():
    data = TrainingData(ones(40), fresh_negatives=2, reverse_complement=False)
    drawn = {}
    for key in ((0, 0), (0, 1), (1, 0)):
        codes, y = data.epoch(key[1], seed=key[0])
        drawn[key] = codes[y[:, 0] == 0]
        again, _ = data.epoch(key[1], seed=key[0])
        assert (again == codes).all()
        assert rows(codes[y[:, 0] == 1]) == rows(data.data.codes)
    assert not set(rows(drawn[0, 0])) & set(rows(drawn[0, 1]))
    assert not set(rows(drawn[0, 0])) & set(rows(drawn[1, 0]))


def test_the_length_of_the_training_data_counts_the_negatives():
    assert len(TrainingData(ones(30), fresh_negatives=2)) == 60
    assert len(TrainingData(ones(30))) == 30
    assert TrainingData(ones(30), fresh_negatives=2).positive_share.tolist() == [0.5]


@pytest.mark.parametrize("world", [1, 2, 3])
def test_the_batches_of_all_processes_together_are_the_epoch(world):
    data = TrainingData(planted.dataset(70), max_shift=2)
    whole, labels = data.epoch(4, seed=9)
    parts = [
        list(data.batches(4, batch_size=16, seed=9, rank=r, world=world)) for r in range(world)
    ]
    seen, y = [], []
    for together in zip(*parts, strict=True):
        for i in range(max(len(b.y) for b in together)):
            for batch in together:
                if i < len(batch.y):
                    seen.append(batch.inputs[0][i])
                    y.append(batch.y[i])
    assert torch.equal(torch.stack(seen), one_hot(whole))
    assert (torch.stack(y).numpy() == labels).all()


def test_the_order_is_a_function_of_seed_and_epoch():
    data = TrainingData(planted.dataset(64), reverse_complement=False)
    first, _ = data.epoch(0, seed=0)
    assert (first == data.epoch(0, seed=0)[0]).all()
    for other in (data.epoch(1, seed=0)[0], data.epoch(0, seed=1)[0]):
        assert (other != first).any()
        assert rows(other) == rows(first)


def test_half_of_the_sequences_are_read_from_the_other_strand_and_labels_follow():
    data = TrainingData(planted.dataset(400))
    codes, y = data.epoch(0, seed=0)
    given = {row.tobytes(): label for row, label in zip(data.data.codes, data.data.y, strict=True)}
    turned = 0
    for row, label in zip(codes, y, strict=True):
        other = COMPLEMENT[row[::-1]]
        is_turned = row.tobytes() not in given
        turned += is_turned
        assert given[(other if is_turned else row).tobytes()] == label
    assert 150 < turned < 250  # five standard deviations about 200
    as_given, _ = TrainingData(planted.dataset(400), reverse_complement=False).epoch(0, seed=0)
    assert rows(as_given) == rows(data.data.codes)


def test_an_epoch_leaves_the_data_as_they_were():
    data = TrainingData(planted.dataset(50), max_shift=3)
    before = data.data.codes.copy()
    data.epoch(0, seed=0)
    assert (data.data.codes == before).all()


def test_a_shift_moves_by_at_most_the_given_bp_and_n_enters():
    one = Dataset(["a"] * 200, np.tile(planted.codes(1), (200, 1)), np.ones((200, 1), np.float32))
    codes, _ = TrainingData(one, reverse_complement=False, max_shift=3).epoch(0, seed=0)
    padded = np.pad(one.codes[0], 3, constant_values=4)
    expected = {padded[s : s + 60].tobytes() for s in range(7)}
    assert set(rows(codes)) == expected  # all seven places, and no other


@given(n=st.integers(1, 500), size=st.integers(1, 200))
def test_steps_cover_all_rows_once_and_leave_no_handful(n, size):
    bounds = steps(n, size)
    assert [i for start, end in bounds for i in range(start, end)] == list(range(n))
    lengths = [end - start for start, end in bounds]
    assert all(length < 1.5 * size for length in lengths)
    assert len(bounds) == 1 or all(length >= size / 2 for length in lengths)


def test_rows_are_taken_by_number_and_by_mask_with_all_that_belongs_to_them():
    data = planted.dataset(6)
    data = Dataset(data.names, data.codes, data.y, groups=list("abcdef"))
    taken = data.take(np.array([4, 1]))
    assert (taken.names, taken.groups) == (["s4", "s1"], ["e", "b"])
    assert (taken.codes == data.codes[[4, 1]]).all()
    masked = data.take(np.array([False, True, False, False, True, False]))
    assert masked.names == ["s1", "s4"]


def test_joined_datasets_keep_contigs_only_where_all_know_them():
    with_groups = Dataset(["a"], planted.codes(1), np.ones((1, 1), np.float32), groups=["chr1"])
    assert joined([with_groups, with_groups]).groups == ["chr1", "chr1"]
    assert joined([with_groups, planted.dataset(2)]).groups is None


def test_datasets_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"share length and outputs; got 60 bp .* and 50 bp"):
        joined([planted.dataset(2), planted.dataset(2, 50)])
    with pytest.raises(InputError, match=r"2 names and 1 outputs needs codes \(2, length\)"):
        Dataset(["a", "b"], planted.codes(3), np.ones((3, 1), np.float32))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fresh_negatives": 2, "max_shift": 3},
        {"fresh_negatives": 2, "fixed_negatives": True, "reverse_complement": False},
        {"augment": Augment(("mutation", "insertion", "noise"), noise=0.1)},
    ],
)
def test_how_much_is_read_together_changes_nothing(options, monkeypatch):
    data = TrainingData(ones(75, length=40), **options)

    def shown(bases):
        monkeypatch.setattr(dataset, "AT_ONCE", bases)
        return list(data.batches(2, batch_size=16, seed=5))

    whole = shown(1 << 24)
    assert len(whole) == round(len(data) / 16)
    for bases in (1, 40 * 33, 40 * 64):
        for one, other in zip(whole, shown(bases), strict=True):
            assert torch.equal(one.inputs[0], other.inputs[0])
            assert torch.equal(one.y, other.y)


def test_windows_of_a_genome_are_trained_on_as_their_letters_are(tmp_path):
    codes = planted.codes(1, 4000, planted=False)
    (tmp_path / "g.fa").write_text(f">c\n{from_codes(codes)[0]}\n")
    starts = np.random.default_rng(0).integers(0, 3900, 50)
    lazy = GenomeCodes(Genome(tmp_path / "g.fa"), ["c"] * 50, starts, length=60)
    y = (np.arange(50) % 2).astype(np.float32)[:, None]
    names = [str(i) for i in range(50)]
    one, other = (
        TrainingData(Dataset(names, own, y), fresh_negatives=2) for own in (lazy, lazy[:])
    )
    assert np.array_equal(one.epoch(3, seed=1)[0], other.epoch(3, seed=1)[0])
    assert isinstance(one.take(np.arange(50) < 10).data.codes, GenomeCodes)
