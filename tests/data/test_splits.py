import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cisgram.core.errors import InputError, UnknownName
from cisgram.data import folds_of, split_by_chromosome, split_by_fraction, split_given

GENOME = [f"chr{c}" for c in "ABCDEFGHIJ" for _ in range(50)]


def counts(sets):
    return {name: int((sets == name).sum()) for name in ("train", "valid", "test")}


def test_fractions_are_met_and_seeded():
    sets = split_by_fraction(1000, valid=0.1, test=0.2, seed=0)
    assert counts(sets) == {"train": 700, "valid": 100, "test": 200}
    assert (sets == split_by_fraction(1000, valid=0.1, test=0.2, seed=0)).all()
    assert (sets != split_by_fraction(1000, valid=0.1, test=0.2, seed=1)).any()


def test_no_test_fraction_holds_no_test_out_and_validation_is_never_empty():
    assert counts(split_by_fraction(20, valid=0.01, test=0.0, seed=0)) == {
        "train": 19,
        "valid": 1,
        "test": 0,
    }


@given(
    sizes=st.lists(st.integers(1, 300), min_size=3, max_size=12),
    seed=st.integers(0, 5),
    valid=st.floats(0.02, 0.3),
    test=st.sampled_from([0.0, 0.05, 0.1, 0.3]),
)
def test_a_chromosome_is_never_parted(sizes, seed, valid, test):
    groups = [f"chr{i}" for i, n in enumerate(sizes) for _ in range(n)]
    sets = split_by_chromosome(groups, valid_fraction=valid, test_fraction=test, seed=seed)
    of = {}
    for group, name in zip(groups, sets, strict=True):
        assert of.setdefault(group, name) == name
    assert {"train", "valid"} <= set(sets)
    assert (test > 0) == ("test" in set(sets))
    for name, fraction in (("valid", valid), ("test", test)):
        held = (sets == name).sum()
        assert held <= 1.5 * fraction * len(groups) + 1 or list(of.values()).count(name) == 1


def test_held_out_chromosomes_are_drawn_until_the_fraction_is_reached():
    sets = split_by_chromosome(GENOME, valid_fraction=0.1, test_fraction=0.2, seed=4)
    assert counts(sets) == {"train": 350, "valid": 50, "test": 100}


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_few_large_chromosomes_are_held_out_all_the_same(n):
    groups = [f"chr{i}" for i in range(n) for _ in range(50 + i)]
    sets = split_by_chromosome(groups)
    held = {name: {g for g, s in zip(groups, sets, strict=True) if s == name} for name in set(sets)}
    assert held["test"] == {"chr0"}  # the smallest
    assert len(held["valid"]) == 1
    assert len(held["train"]) == n - 2


def test_named_chromosomes_are_held_out_and_no_other():
    sets = split_by_chromosome(GENOME, valid=["chrB"], test=["chrA", "chrJ"])
    held = {name: {g for g, s in zip(GENOME, sets, strict=True) if s == name} for name in set(sets)}
    assert held["valid"] == {"chrB"}
    assert held["test"] == {"chrA", "chrJ"}


def test_an_unknown_chromosome_gets_the_nearest_name():
    with pytest.raises(UnknownName, match=r"'chromB'\. Did you mean 'chrB'\?"):
        split_by_chromosome(["chrA", "chrB", "2R"], test=["chromB"])


def test_a_chromosome_in_two_sets_is_refused():
    with pytest.raises(InputError, match="chrC cannot be held out for validation and for the test"):
        split_by_chromosome(GENOME, valid=["chrC"], test=["chrC"])


def test_one_chromosome_leaves_nothing_to_hold_out():
    with pytest.raises(InputError, match=r"no chromosome is left .* lie on chrA"):
        split_by_chromosome(["chrA"] * 40)


def given_split(tmp_path, text):
    path = tmp_path / "split.tsv"
    path.write_text(text)
    return path


def test_a_given_split_is_followed_by_name_in_any_order_of_rows_and_columns(tmp_path):
    path = given_split(tmp_path, "set\tnote\tname\nvalid\tx\tb\ntrain\ty\ta\ntest\tz\tc\n")
    assert split_given(path, ["a", "b", "c"]).tolist() == ["train", "valid", "test"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\tset\na\ttrain\nb\tvalid\n", r"no set for 1 of 3 sequences, for example 'c'"),
        ("name\tset\na\ttrain\nb\tdev\nc\ttest\n", r"split\.tsv.*3.*one of train, valid, test"),
        ("name\tset\na\ttrain\nb\tvalid\textra\n", r"split\.tsv.*3.*2 columns"),
        ("name\tset\na\ttrain\nb\ttest\nc\ttest\n", r"puts no sequence into the valid set"),
        ("name,set\na,train\n", r"split\.tsv.*1.*the columns name and set"),
    ],
)
def test_a_wrong_split_is_refused_with_file_and_line(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        split_given(given_split(tmp_path, text), ["a", "b", "c"])


def test_a_name_that_is_given_two_sets_is_refused(tmp_path):
    path = given_split(tmp_path, "name\tset\na\ttrain\nb\tvalid\na\ttest\n")
    with pytest.raises(InputError, match=r"split\.tsv.*4.*'a' .*train.*test"):
        split_given(path, ["a", "b"])


def test_sets_are_text_arrays_of_one_entry_a_row():
    assert split_by_fraction(5, valid=0.2, test=0.0, seed=0).shape == (5,)
    assert isinstance(split_by_chromosome(GENOME), np.ndarray)


@given(n=st.integers(3, 200), folds=st.integers(1, 3), seed=st.integers(0, 3))
def test_folds_are_of_one_size_and_hold_every_row_once(n, folds, seed):
    found = folds_of(n, None, folds=folds, seed=seed)
    sizes = np.bincount(found, minlength=folds)
    assert sizes.sum() == n
    assert sizes.max() - sizes.min() <= 1
    assert (found == folds_of(n, None, folds=folds, seed=seed)).all()


def test_folds_keep_contigs_whole_where_there_are_enough():
    found = folds_of(len(GENOME), GENOME, folds=5, seed=0)
    assert np.bincount(found).tolist() == [100] * 5
    assert all(len({f for f, g in zip(found, GENOME, strict=True) if g == c}) == 1 for c in GENOME)
    few = ["chrA"] * 6 + ["chrB"] * 6
    assert np.bincount(folds_of(12, few, folds=3, seed=0)).tolist() == [4, 4, 4]


def test_more_folds_than_rows_are_refused():
    with pytest.raises(InputError, match="3 sequences cannot be dealt into 4 folds"):
        folds_of(3, None, folds=4, seed=0)
