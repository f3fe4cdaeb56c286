"""Methylation profiles of cells: right ones in both forms, and wrong ones refused by line."""

import gzip

import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.io import Methylation, read_methylation, sites_of


def test_three_columns_count_from_1_and_a_bedgraph_from_0(tmp_path):
    with gzip.open(tmp_path / "a.b.bed.gz", "wt") as handle:
        handle.write("18\t31\t1.0\n18\t11\t0.0\n\n19\t5\t1\n")
    (tmp_path / "b.bedgraph").write_text("track x\n18\t10\t11\t0\n18\t30\t31\t1\n19\t4\t5\t1\n")
    one, two = read_methylation(tmp_path / "a.b.bed.gz"), read_methylation(tmp_path / "b.bedgraph")
    assert (one.name, two.name) == ("a", "b")
    for cell in (one, two):
        assert {c: (p.tolist(), s.tolist()) for c, (p, s) in cell.sites.items()} == {
            "18": ([10, 30], [0, 1]),
            "19": ([4], [1]),
        }
    assert two.counts["comment_lines"] == one.counts["blank_lines"] == 1


def test_shares_of_reads_are_rounded_and_counted(tmp_path):
    (tmp_path / "a.bed").write_text("1\t5\t0.5\n1\t7\t0.49\n1\t9\t1\n")
    found = read_methylation(tmp_path / "a.bed")
    assert found.on("1")[1].tolist() == [1, 0, 1]
    assert found.counts["rounded_states"] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t5\n", "line 1: a methylation profile has the columns"),
        ("1\t5\t1\n1\t6\t1\t1\n", "line 2: 4 columns, 3 in the lines before"),
        ("1\t5\t1\n1\t-6\t1\n", "line 2: the position must be a whole number"),
        ("1\t0\t1\n", "line 1: the position must be a whole number"),
        ("1\t5\t1\n1\t6\t1.5\n", "line 2: the state must be from 0 to 1"),
        ("1\t5\t1\n1\t6\tnan\n", "line 2: the state must be from 0 to 1"),
        ("1\t5\t1\n1\t5\t0\n", "line 2: 1, position 5 stands there twice"),
        ("# nothing\n", "holds no site"),
    ],
)
def test_a_damaged_profile_is_refused_with_file_and_line(tmp_path, text, message):
    (tmp_path / "a.bed").write_text(text)
    with pytest.raises(InputError, match=message):
        read_methylation(tmp_path / "a.bed")


def test_the_sites_of_cells_are_those_known_in_any(tmp_path):
    known = {"1": (np.array([3, 9]), np.ones(2, np.float32))}
    other = {"1": (np.array([3, 4]), np.ones(2, np.float32)), "2": known["1"]}
    found = sites_of([Methylation("a", known), Methylation("b", other)])
    assert found.name == ["1:3-4", "1:4-5", "1:9-10", "2:3-4", "2:9-10"]
    assert found.summit.tolist() == [3, 4, 9, 3, 9]


def test_states_are_known_where_they_are(tmp_path):
    cell = Methylation("a", {"1": (np.array([3, 9]), np.array([0, 1], np.float32))})
    found = cell.states("1", np.array([2, 3, 9, 12]))
    assert np.array_equal(found, [np.nan, 0, 1, np.nan], equal_nan=True)
    assert np.isnan(cell.states("2", np.array([3]))).all()
