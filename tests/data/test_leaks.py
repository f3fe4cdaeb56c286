import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import planted
from cisgram.data import Dataset, find_leaks

COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)


def data(codes, label=1.0, prefix="s"):
    codes = np.atleast_2d(codes)
    y = np.full((len(codes), 1), label, np.float32)
    return Dataset([f"{prefix}{i}" for i in range(len(codes))], codes, y)


def random(n, length=100, seed=0):
    return planted.codes(n, length, seed=seed, planted=False)


def with_copy(copy, *, at=3, n=10):
    """A training set, and a test set whose row ``at`` is ``copy``."""
    test = random(n, seed=1)
    test[at] = copy
    return {"train": data(random(n)), "test": data(test, prefix="t")}


def test_an_exact_copy_in_another_set_is_found():
    table = find_leaks(with_copy(random(10)[7])).table
    assert table.to_dict("records") == [
        {
            "first": "s7",
            "second": "t3",
            "kind": "same",
            "similarity": 1.0,
            "first_set": "train",
            "second_set": "test",
            "same_label": True,
        }
    ]


def test_a_reverse_complement_in_another_set_is_found():
    found = find_leaks(with_copy(COMPLEMENT[random(10)[7][::-1]]))
    assert found.table[["first", "second", "kind"]].to_numpy().tolist() == [
        ["s7", "t3", "reverse complement"]
    ]
    assert found.training_rows.tolist() == [7]


def test_a_palindrome_is_the_same_and_not_turned():
    half = random(1, 50)[0]
    palindrome = np.r_[half, COMPLEMENT[half[::-1]]]
    sets = {"train": data(palindrome), "test": data(palindrome, prefix="t")}
    assert find_leaks(sets).table["kind"].tolist() == ["same"]


def test_a_shifted_window_is_near_on_either_strand():
    long = random(1, 130, seed=5)[0]
    for other in (long[30:], COMPLEMENT[long[30:][::-1]]):
        table = find_leaks({"train": data(long[:100]), "valid": data(other, prefix="v")}).table
        assert table["kind"].tolist() == ["near"]
        # 55 of the 85 windows of 16 bp lie in the 70 bp that both have
        assert table["similarity"].tolist() == [round(55 / 85, 3)]


def test_less_than_the_threshold_is_no_leak():
    long = random(1, 130, seed=5)[0]
    sets = {"train": data(long[:100]), "valid": data(long[30:])}
    assert len(find_leaks(sets, threshold=0.64).table) == 1
    assert len(find_leaks(sets, threshold=0.66).table) == 0


def test_copies_within_one_set_and_label_are_no_leak():
    twice = np.concatenate([random(5), random(5)])
    assert len(find_leaks({"train": data(twice), "test": data(random(5, seed=1))}).table) == 0


def test_copies_with_another_label_are_found_within_one_set_and_both_are_named():
    codes = np.concatenate([random(5), random(5)[2:3]])
    y = np.array([[1], [1], [1], [1], [1], [0]], np.float32)
    found = find_leaks({"train": Dataset([f"s{i}" for i in range(6)], codes, y)})
    assert found.table[["first", "second", "same_label"]].to_numpy().tolist() == [
        ["s2", "s5", False]
    ]
    assert found.training_rows.tolist() == [2, 5]


def test_near_copies_with_another_label_are_found():
    long = random(1, 110, seed=8)[0]
    codes = np.stack([long[:100], long[10:]])
    y = np.array([[1], [0]], np.float32)
    found = find_leaks({"train": Dataset(["a", "b"], codes, y)})
    assert found.table["kind"].tolist() == ["near"]


def test_one_changed_base_is_near():
    copy = random(10)[7].copy()
    copy[0] = (copy[0] + 1) % 4
    table = find_leaks(with_copy(copy)).table
    assert table["kind"].tolist() == ["near"]
    assert table["similarity"].tolist() == [round(84 / 85, 3)]


def test_rows_to_drop_count_from_the_start_of_the_training_set():
    sets = with_copy(random(10)[7])
    ordered = {"test": sets["test"], "train": sets["train"]}
    assert find_leaks(ordered).training_rows.tolist() == [7]


def test_without_a_training_set_nothing_is_to_be_dropped():
    found = find_leaks({"valid": data(random(3)), "test": data(random(3))})
    assert len(found.table) == 3
    assert len(found.training_rows) == 0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 60), length=st.integers(40, 300))
def test_unrelated_sequences_are_never_reported(seed, n, length):
    sets = {"train": data(random(n, length, seed)), "test": data(random(n, length, seed + 1))}
    assert len(find_leaks(sets).table) == 0


def test_a_repeat_in_many_sequences_says_nothing_about_a_pair():
    repeat = random(1, 70, seed=9)[0]

    def holding(n, seed):
        codes = random(n, seed=seed)
        codes[:, 15:85] = repeat
        return codes

    few = {"train": data(holding(5, 1)), "test": data(holding(5, 2), prefix="t")}
    many = {"train": data(holding(40, 1)), "test": data(holding(40, 2), prefix="t")}
    assert len(find_leaks(few).table) == 25
    assert len(find_leaks(many).table) == 0


def test_sequences_that_are_nothing_but_repeats_are_counted():
    long = random(1, 130, seed=9)[0]
    copies = np.stack([long[:100]] * 55)
    train = np.concatenate([copies, random(20)])
    found = find_leaks({"train": data(train), "test": data(random(1, seed=3), prefix="t")})
    assert found.of_repeats == 55
    assert find_leaks(with_copy(random(10)[7])).of_repeats == 0


def test_exact_copies_are_found_however_many_there_are():
    codes = np.tile(random(1)[0], (60, 1))
    sets = {"train": data(codes), "test": data(codes, prefix="t")}
    found = find_leaks(sets)
    assert found.training_rows.tolist() == list(range(60))
    assert set(found.table["kind"]) == {"same"}


def test_windows_with_n_say_nothing():
    first, second = random(2, seed=3)
    first[20:80] = second[20:80] = 4
    sets = {"train": data(first), "test": data(second, prefix="t")}
    assert len(find_leaks(sets, threshold=0.01).table) == 0


def test_short_sequences_are_compared_whole():
    codes = random(6, 12)
    found = find_leaks({"train": data(codes), "test": data(codes[4], prefix="t")})
    assert found.table["first"].tolist() == ["s4"]


def test_a_missing_label_differs_from_a_label_and_not_from_a_missing_one():
    codes = np.stack([random(1)[0]] * 3)
    y = np.array([[1, np.nan], [1, np.nan], [1, 0]], np.float32)
    found = find_leaks({"train": Dataset(["a", "b", "c"], codes, y, ("u", "v"))})
    assert found.table[["first", "second"]].to_numpy().tolist() == [["a", "c"], ["b", "c"]]
