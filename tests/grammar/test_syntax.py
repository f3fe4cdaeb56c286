"""Trees that are put together from rules of pairs."""

import pytest

from cisgram.core.grammar_tree import from_text, to_text
from cisgram.grammar import Evidence, Rule, trees

WIDTHS = {"A": 6, "B": 8, "C": 5, "two words": 4}


def held(effect):
    return Evidence(effect, effect, effect, 1e-9, 1e-9, 100, "output", 0.0, True)


def rule(kind, pair, strands="++", low=0, high=20, effect=1.0, **more):
    return Rule(kind, tuple(pair), strands, low, high, model=held(effect), **more)


def text(*rules, folded=True):
    found = trees(rules, widths=WIDTHS, folded=folded)
    for tree in found:
        assert from_text(to_text(tree)) == tree
    return [to_text(t) for t in found]


def test_a_pair_has_the_order_and_the_strands_that_are_known():
    assert text(rule("synergy", "AB")) == ["{(A. [0~20] B.) | (B. [0~20] A.)}"]
    assert text(rule("order", "AB"), rule("synergy", "AB")) == ["(A. [0~20] B.)"]
    both = rule("order", "AB", "+-", 3, 9), rule("orientation", "AB", "+-", 3, 9)
    assert text(*both) == ["(A+ [3~9] B-)"]


def test_a_third_motif_joins_the_one_that_it_belongs_to():
    pairs = rule("order", "AB", low=3, high=9), rule("order", "BC", low=5, high=5, effect=2.0)
    assert text(*pairs) == ["(A. [3~9] (B. [5] C.))"]  # the stronger pair first


def test_what_lies_between_is_taken_off_the_distance():
    pairs = rule("order", "AB", low=3, high=9, effect=2.0), rule("order", "AC", low=15, high=30)
    # C is 15 to 30 behind A; B (8 bp) takes 3 + 8 to 9 + 8 of them
    assert text(*pairs) == ["((A. [3~9] B.) [0~19] C.)"]


def test_a_distance_that_leaves_no_room_makes_a_tree_of_its_own():
    pairs = rule("order", "AB", low=3, high=9, effect=2.0), rule("order", "AC", low=0, high=2)
    assert text(*pairs) == ["(A. [3~9] B.)", "(A. [0~2] C.)"]


def test_a_free_pair_stands_so_that_neighbors_are_neighbors():
    pairs = rule("synergy", "AB", effect=2.0), rule("order", "AC", low=1, high=4)
    assert text(*pairs) == ["((B. [0~20] A.) [1~4] C.)"]


def test_a_part_is_read_from_the_other_strand_where_that_fits():
    first = [rule(k, "AB", "+-", 3, 3, 2.0) for k in ("order", "orientation")]
    second = [rule(k, "CB", "++", 1, 1) for k in ("order", "orientation")]
    assert text(*first, *second) == ["(C+ [1] (B+ [3] A-))"]
    assert text(*first, *second, folded=False) == ["(A+ [3] B-)", "(C+ [1] B+)"]


def test_copies_stand_side_by_side():
    three = Rule("copies", ("A",), low=4, high=4, copies=3, model=held(1.0))
    assert text(three) == ["((A. [4] A.) [4] A.)"]


def test_names_that_a_tree_cannot_hold_are_made_to_fit():
    assert text(rule("order", ("two words", "A"))) == ["(two_words. [0~20] A.)"]


@pytest.mark.parametrize("kind", ["negation"])
def test_a_negation_is_no_part_of_a_tree(kind):
    assert trees([Rule(kind, ("A",), model=held(-1.0))], widths=WIDTHS) == []
