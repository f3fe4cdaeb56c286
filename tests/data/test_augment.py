import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import planted
from cisgram.core.errors import InputError
from cisgram.data import CHANGES, Augment, DataOptions, TrainingData, prepare
from cisgram.data.augment import augment_of

ROWS = np.random.default_rng(0).integers(0, 4, (40, 50)).astype(np.uint8)


def changed(kind, rows=ROWS, seed=0, **how):
    return Augment((kind,), most=1, **how).changed(rows, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", CHANGES)
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), longest=st.integers(1, 60))
def test_a_change_keeps_the_length_and_gives_bases(kind, seed, longest):
    before = ROWS.copy()
    found = changed(kind, seed=seed, longest=longest)
    assert found.shape == ROWS.shape
    assert found.dtype == np.uint8
    assert found.max() < 4
    np.testing.assert_array_equal(ROWS, before)


def test_a_row_does_not_depend_on_the_rows_behind_it():
    augment = Augment(tuple(CHANGES))
    few = augment.changed(ROWS[:5], np.random.default_rng(3))
    np.testing.assert_array_equal(few, augment.changed(ROWS, np.random.default_rng(3))[:5])


def test_a_reverse_complement_is_one():
    np.testing.assert_array_equal(changed("reverse_complement"), 3 - ROWS[:, ::-1])


def test_an_inversion_changes_one_stretch_and_is_undone_by_itself():
    found = changed("inversion", longest=7)
    for old, new in zip(ROWS, found, strict=True):
        where = np.flatnonzero(old != new)
        assert not len(where) or where[-1] - where[0] < 7
    ends = [
        any(
            np.array_equal(new, np.r_[old[:s], 3 - old[s : s + n][::-1], old[s + n :]])
            for n in range(1, 8)
            for s in range(51 - n)
        )
        for old, new in zip(ROWS, found, strict=True)
    ]
    assert all(ends)


def test_a_translocation_rolls_the_sequence_by_at_most_the_longest():
    shifts = [
        next(s for s in range(-5, 6) if s and np.array_equal(np.roll(old, s), new))
        for old, new in zip(ROWS, changed("translocation", longest=5), strict=True)
    ]
    assert min(shifts) < 0 < max(shifts)


def test_a_deletion_loses_one_stretch_and_fills_up_one_end():
    for old, new in zip(ROWS, changed("deletion", longest=6), strict=True):
        assert any(
            np.array_equal(np.delete(old, np.s_[s : s + n]), part)
            for n in range(1, 7)
            for s in range(51 - n)
            for part in (new[: 50 - n], new[n:])
        )


def test_an_insertion_brings_one_stretch_in_and_cuts_one_end_off():
    def explains(old, new, at, n):
        come = np.r_[:at, np.full(n, -1), at:50]  # -1: a new base
        cut = (come[:50], come[n:])
        return any(np.array_equal(new[c >= 0], old[c[c >= 0]]) for c in cut)

    for old, new in zip(ROWS, changed("insertion", longest=6), strict=True):
        assert any(explains(old, new, at, n) for n in range(1, 7) for at in range(51 - n))


def test_mutation_changes_three_quarters_of_its_share_and_leaves_unknown_bases():
    rows = np.random.default_rng(1).integers(0, 5, (200, 100)).astype(np.uint8)
    found = changed("mutation", rows, mutated=0.2)
    known = rows < 4
    assert ((found == 4) == ~known).all()
    assert (found != rows)[known].mean() == pytest.approx(0.15, abs=0.01)


def test_noise_is_that_of_the_settings_and_does_not_depend_on_the_batch_size():
    data = TrainingData(planted.dataset(64), augment=Augment(("noise",), noise=0.3))

    def shown(size, **more):
        batches = data.batches(2, batch_size=size, seed=0, **more)
        return np.concatenate([b.inputs[0].numpy() for b in batches])

    plain = TrainingData(planted.dataset(64)).batches(2, batch_size=64, seed=0)
    noise = shown(64) - next(iter(plain)).inputs[0].numpy()
    assert noise.std() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_array_equal(shown(64), shown(16))
    halves = [shown(16, rank=rank, world=2) for rank in (0, 1)]
    np.testing.assert_array_equal(np.stack(halves, 1).reshape(shown(16).shape), shown(16))


def test_an_augmented_epoch_follows_from_seed_and_epoch_and_keeps_labels():
    data = TrainingData(planted.dataset(64), augment=Augment(("mutation", "deletion")))
    first, y = data.epoch(1, seed=0)
    again, _ = data.epoch(1, seed=0)
    other, _ = data.epoch(2, seed=0)
    _, plain_y = TrainingData(planted.dataset(64)).epoch(1, seed=0)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(y, plain_y)
    assert (first != other).any()
    assert data.as_given.augment is None


def test_the_settings_name_what_is_wanted_and_it_comes_to_the_training_set_alone(tmp_path):
    path = str(planted.write_tsv(tmp_path / "a.tsv", 80))
    found = prepare(DataOptions(positives=path, augment=("mutation", "noise")))
    assert found.train.augment == Augment(("mutation", "noise"), noise=0.2)
    assert prepare(DataOptions(positives=path)).train.augment is None
    with pytest.raises(InputError, match=r"mutations.*mutation"):
        augment_of(DataOptions(positives=path, augment=("mutations",)))
    with pytest.raises(InputError, match="augment_most=3 changes cannot be drawn from 1"):
        augment_of(DataOptions(positives=path, augment=("mutation",), augment_most=3))
