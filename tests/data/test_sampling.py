import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cisgram.core.errors import InputError
from cisgram.data import Dataset, TrainingData, even_order


@settings(deadline=None)
@given(
    kinds=st.lists(st.integers(-1, 3), min_size=1, max_size=60).map(np.array),
    seed=st.integers(0, 99),
)
def test_kinds_take_turns_and_every_row_is_shown_equally_often_within_its_kind(kinds, seed):
    order = even_order(kinds, np.random.default_rng(seed))
    known = np.unique(kinds[kinds >= 0])
    assert len(order) == (kinds >= 0).sum()
    for start in range(0, len(order) - len(known) + 1, max(len(known), 1)):
        assert sorted(kinds[order[start : start + len(known)]]) == known.tolist()
    for kind in known:
        shown = np.bincount(order[kinds[order] == kind], minlength=len(kinds))[kinds == kind]
        assert shown.max() - shown.min() <= 1


def rare(n=64, origins=None):
    """Every eighth sequence is a positive, every ninth has no label."""
    y = np.zeros((n, 1), np.float32)
    y[::8] = 1
    y[::9] = np.nan
    codes = np.random.default_rng(0).integers(0, 4, (n, 12)).astype(np.uint8)
    return Dataset([f"s{i}" for i in range(n)], codes, y, origins=origins)


def test_balanced_batches_hold_as_many_positives_as_negatives_and_no_missing_label():
    data = TrainingData(rare())
    for batch in data.batches(0, batch_size=8, seed=0, sampling="balanced"):
        assert batch.y.sum() == len(batch.y) // 2


def test_a_balanced_epoch_is_a_function_of_seed_and_epoch_whatever_the_batches():
    data = TrainingData(rare())

    def shown(epoch, size, seed=0):
        batches = data.batches(epoch, batch_size=size, seed=seed, sampling="balanced")
        return np.concatenate([b.inputs[0].numpy() for b in batches])

    np.testing.assert_array_equal(shown(3, 8), shown(3, 16))
    assert not np.array_equal(shown(3, 8), shown(4, 8))
    assert not np.array_equal(shown(3, 8), shown(3, 8, seed=1))


def test_blocked_batches_hold_every_label_of_every_batch_equally_often():
    """Nine of ten positives come from batch a, and a negative from b."""
    origins = ["a" if (i % 8 == 0) != (i % 10 == 0) else "b" for i in range(64)]
    data = TrainingData(rare(origins=origins))
    seen = np.zeros((2, 2))
    for batch in data.batches(0, batch_size=8, seed=0, sampling="blocked"):
        for o, y in zip(batch.origin, batch.y[:, 0], strict=True):
            seen[int(o), int(y)] += 1
    assert seen.max() - seen.min() <= 1
    assert data.origins == ["a", "b"]


def test_a_batch_with_one_label_alone_cannot_be_blocked():
    origins = ["b" if i == 1 else "a" for i in range(64)]
    with pytest.raises(InputError, match=r"batch 'b' has no training sequence with label 1"):
        TrainingData(rare(origins=origins)).epoch(0, seed=0, sampling="blocked")
    with pytest.raises(InputError, match=r"data\.batch_column"):
        TrainingData(rare()).epoch(0, seed=0, sampling="blocked")


def test_classes_take_turns_too():
    y = np.eye(3, dtype=np.float32)[[0] * 20 + [1] * 3 + [2] * 7]
    data = TrainingData(
        Dataset([f"s{i}" for i in range(30)], np.zeros((30, 6), np.uint8), y, ("a", "b", "c")),
        classes=True,
    )
    _, shown = data.epoch(0, seed=0, sampling="balanced")
    assert shown.sum(0).tolist() == [10, 10, 10]
