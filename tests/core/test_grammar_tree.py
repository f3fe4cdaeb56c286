"""A grammar's text and JSON form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cisgram.core.errors import InputError
from cisgram.core.grammar_tree import (
    Either,
    Join,
    Site,
    from_json,
    from_text,
    sites,
    to_json,
    to_text,
)

names = st.text("ABCdef019:_.-+", min_size=1, max_size=6)
leaves = st.builds(Site, names, st.sampled_from("+-."))
gaps = st.tuples(st.integers(-9, 99), st.integers(0, 50))


def joined(tree):
    return st.builds(lambda a, b, g: Join(a, b, g[0], g[0] + g[1]), tree, tree, gaps)


trees = st.recursive(
    leaves,
    lambda t: (
        joined(t) | st.builds(lambda p: Either(tuple(p)), st.lists(t, min_size=2, max_size=3))
    ),
    max_leaves=8,
)


@given(trees)
def test_text_and_json_come_back_as_they_went(tree):
    assert from_text(to_text(tree)) == tree
    assert from_json(to_json(tree)) == tree


def test_sites_from_left_to_right():
    tree = from_text("((A+ [1] B-) [2~5] {C+ | D.})")
    assert [s.motif + s.strand for s in sites(tree)] == ["A+", "B-", "C+", "D."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "came the end"),
        ("CTCF", "with its strand"),
        ("(A+ [3] B+", "closing \\)"),
        ("(A+ B+)", "a gap such as"),
        ("(A+ [x] B+)", "whole numbers"),
        ("(A+ [9~3] B+)", "smaller to a larger"),
        ("{A+}", "at least two"),
        ("A+ B+", "wanted the end"),
        ("A+ ]", "fits nowhere"),
    ],
)
def test_what_is_no_grammar_is_refused_with_its_place(text, message):
    with pytest.raises(InputError, match=message):
        from_text(text)


@pytest.mark.parametrize("value", [{}, {"motif": "A"}, {"gap": [1]}, {"either": [{"motif": "A"}]}])
def test_json_that_is_no_grammar_is_refused(value):
    with pytest.raises(InputError, match="no grammar"):
        from_json(value)
