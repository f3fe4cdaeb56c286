import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.data import DataOptions, Dataset, prepare, task_of
from planted import letters

NAN = np.nan


def labeled(*rows):
    y = np.array(rows, dtype=np.float32).reshape(len(rows), -1)
    codes = np.zeros((len(y), 8), dtype=np.uint8)
    outputs = tuple(f"y{i}" for i in range(y.shape[1])) if y.shape[1] > 1 else ("kind",)
    return Dataset([f"s{i}" for i in range(len(y))], codes, y, outputs)


def test_the_number_of_a_class_becomes_a_column_a_class_and_a_missing_one_is_missing_in_all():
    data, task = task_of(labeled(2, 0, NAN, 1), "multiclass")
    assert task == "multiclass"
    assert data.outputs == ("kind_0", "kind_1", "kind_2")
    np.testing.assert_array_equal(data.y, [[0, 0, 1], [1, 0, 0], [NAN] * 3, [0, 1, 0]])


def test_columns_of_classes_are_taken_as_they_are():
    data, _ = task_of(labeled((1, 0, 0), (NAN, NAN, NAN), (0, 0, 1)), "multiclass")
    assert data.outputs == ("y0", "y1", "y2")


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (((1, 1, 0), (0, 0, 1)), r"'s0' has \[1.0, 1.0, 0.0\]"),
        (((1, 0, 0), (0, NAN, 1)), "'s1' has"),
        ((0, 1.5), "number of the class"),
        ((0, -1), "number of the class"),
        ((0, 0), "number of the class"),
        ((0, 2), "class 1 of 3 has no sequence"),
    ],
)
def test_labels_that_are_no_classes_are_refused(rows, what):
    with pytest.raises(InputError, match=what):
        task_of(labeled(*rows), "multiclass")


def test_a_further_file_has_the_classes_of_the_first_and_no_others():
    outputs = ("kind_0", "kind_1", "kind_2")
    found, _ = task_of(labeled(0, 0), "multiclass", outputs=outputs)
    assert found.outputs == outputs
    assert found.y.tolist() == [[1, 0, 0], [1, 0, 0]]
    with pytest.raises(InputError, match="3 classes"):
        task_of(labeled(0, 3), "multiclass", outputs=outputs)


@pytest.mark.parametrize(
    ("asked", "value"), [("counts", 0.5), ("counts", -1), ("classification", 2)]
)
def test_labels_of_another_kind_than_asked_for_are_refused(asked, value):
    with pytest.raises(InputError, match=rf"data.task={asked} needs labels.*got {value:g}"):
        task_of(labeled(0, value), asked)


def test_without_a_wish_zeros_and_ones_are_classes_and_all_else_is_measured():
    assert task_of(labeled(0, 1, NAN))[1] == "classification"
    assert task_of(labeled(0, 2))[1] == "regression"
    assert task_of(labeled(0, 1), "regression")[1] == "regression"


def test_empty_cells_and_na_are_missing_labels_and_are_counted(tmp_path):
    rows = zip(
        letters(60), ["1", "", "0", "NA", "1", "0"] * 10, ["0", "1", "nan"] * 20, strict=True
    )
    text = "".join(f"{s}\t{a}\t{b}\n" for s, a, b in rows)
    path = tmp_path / "a.tsv"
    path.write_text(f"sequence\ta\tb\n{text}")
    found = prepare(DataOptions(positives=str(path), label_columns=("a", "b")))
    missing = sum(np.isnan(d.y).sum() for d in (found.train.data, found.valid, found.test))
    assert found.task == "classification"
    assert missing == found.summary["handled"]["missing_labels"] == 40
    assert sum(s["missing_labels"] for s in found.summary["sets"].values()) == 40


def test_positives_and_missing_labels_alone_get_shuffles_as_negatives(tmp_path):
    rows = zip(letters(60), ["1", "1", ""] * 20, ["1", "", "1"] * 20, strict=True)
    path = tmp_path / "a.tsv"
    path.write_text("sequence\ta\tb\n" + "".join(f"{s}\t{a}\t{b}\n" for s, a, b in rows))
    found = prepare(DataOptions(positives=str(path), label_columns=("a", "b")))
    assert found.train.fresh_negatives == 2
    _, y = found.train.epoch(0, seed=0)
    assert (y == 0).sum() == y.size // 2
