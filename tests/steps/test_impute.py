"""A matrix with holes: what is written, and what is refused before anything is."""

import numpy as np
import pandas as pd
import pytest

from cisgram.core.config import of_command_line
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.io import read_matrix
from cisgram.steps.impute import ImputeOptions, impute_run

QUICK = {"epochs": 1, "hidden": 4, "latent": 2, "members": 1, "compare": False}


def write(path, values, names=None):
    names = names or [f"c{i}" for i in range(values.shape[1])]
    rows = names if len(names) == len(values) else [f"r{i}" for i in range(len(values))]
    lines = ["\t".join(["name", *names])]
    for name, row in zip(rows, values.tolist(), strict=True):
        lines.append("\t".join([name, *("" if v != v else repr(v) for v in row)]))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def square(tmp_path):
    """A table that is not its own transpose, whose rows and columns have the same names."""
    values = np.random.default_rng(0).normal(1000, 1, (12, 12))
    values[2, 7] = np.nan
    return write(tmp_path / "m.tsv", values, [f"s{i}" for i in range(12)])


@pytest.mark.parametrize("items", ["rows", "columns"])
def test_known_numbers_stay_where_and_what_they_were(square, tmp_path, items):
    impute_run(Run(tmp_path / "R"), square, ImputeOptions(items=items, **QUICK))
    given, filled = read_matrix(square), read_matrix(tmp_path / "R" / "imputed.tsv")
    known = ~np.isnan(given.values)
    assert known.sum() == 143
    assert np.array_equal(filled.values[known], given.values[known])
    assert np.isfinite(filled.values).all()
    assert (filled.rows, filled.columns) == (given.rows, given.columns)


def test_with_log_all_of_the_table_is_logarithms(square, tmp_path):
    impute_run(Run(tmp_path / "R"), square, ImputeOptions(log=True, **QUICK))
    given, filled = read_matrix(square), read_matrix(tmp_path / "R" / "imputed.tsv")
    known = ~np.isnan(given.values)
    assert np.array_equal(filled.values[known], np.log1p(given.values)[known])


def test_whole_numbers_are_written_as_such(tmp_path):
    counts = write(tmp_path / "m.tsv", np.random.default_rng(0).poisson(9, (20, 6)).astype(float))
    impute_run(Run(tmp_path / "R"), counts, ImputeOptions(**QUICK))
    table = pd.read_csv(tmp_path / "R" / "imputed.tsv", sep="\t", dtype=str)
    assert table.set_index("name").to_numpy().tolist() == [
        [f"{int(v)}" for v in row] for row in read_matrix(counts).values
    ]


@pytest.mark.parametrize(("name", "shares"), [("valid_share", {"test_share": 0}),
                                              ("test_share", {"valid_share": 0.49})])  # fmt: skip
def test_a_table_of_which_no_number_is_held_out_is_refused(tmp_path, name, shares):
    values = np.random.default_rng(1).normal(size=(3, 3))
    path, own = write(tmp_path / "m.tsv", values), {f"{name}": 1e-4} | shares
    with pytest.raises(InputError, match=f"{name}=0.0001 drew none that is known"):
        impute_run(Run(tmp_path / "R"), path, ImputeOptions(**QUICK | own))
    assert not (tmp_path / "R").exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("hide=0.9,0.1", "the lower share is needed first"),
        ("hide=[0.2,1.0]", "to less than 1"),
        ("hide=0,0", "nothing to guess"),
        ("hide=0.2", "two numbers are needed"),
        ("hide=a,b", "two numbers are needed"),
    ],
)
def test_shares_that_hide_nothing_or_run_backward_are_refused(setting, said):
    with pytest.raises(InputError, match=said):
        of_command_line(ImputeOptions, {}, overrides=(setting,))


def test_shares_are_two_numbers_with_a_comma():
    assert of_command_line(ImputeOptions, {}, overrides=("hide=0.1,0.4",)).hide == (0.1, 0.4)
    assert of_command_line(
        ImputeOptions, {"kind": "variational"}, overrides=("hide=[0, 0]",)
    ).hide == (0, 0)
