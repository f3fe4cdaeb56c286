"""Sequences that keep a rule, on sequences written down by hand."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from cisgram import motifs, report
from cisgram.core import files
from cisgram.grammar import Evidence, Rule, Rules
from cisgram.grammar.found import Distances
from cisgram.motifs import Motif, MotifSet
from cisgram.report.rule_examples import Example, address, rule_examples

A, B = "CCGGAAGTGA", "GATTACAGAC"


def turned(word):
    return word.translate(str.maketrans("ACGT", "TGCA"))[::-1]


def exact(letters, name):
    return Motif(np.eye(4)[["ACGT".index(c) for c in letters]].T * 0.97 + 0.0075, name)


def placed(*parts, length=200):
    """Words at their starts in T."""
    text = ["T"] * length
    for start, word in parts:
        text[start : start + len(word)] = word
    return np.eye(4, dtype=np.int8)[["ACGT".index(c) for c in text]].T


SEQUENCES = [
    placed((50, A), (66, B)),  # A, 6 bp, B
    placed((50, B), (66, A)),  # the other order
    placed((50, turned(B)), (66, turned(A))),  # the first, turned round
    placed((50, A), (100, B)),  # 40 bp
    placed((50, A), (66, turned(B))),  # B turned
    placed((20, A), (40, A)),  # twice A
    placed((20, A)),
    placed(),
]


@pytest.fixture
def run(new_run):
    found = new_run(n=8)
    for method in ("ism", "saliency"):
        path = found.path / "explain" / method / "values.safetensors"
        arrays = load_file(path)
        save_file({**arrays, "x": np.ascontiguousarray(np.stack(SEQUENCES))}, path)
    (found.path / "grammar").mkdir()
    known = MotifSet([exact(A, "A"), exact(B, "B")])
    motifs.write_meme(found.path / "grammar" / "motifs.meme", known)
    return found


def named(run, rule, *, turns):
    (found,) = rule_examples(run, [rule], turns=turns)
    return {int(e.name.removeprefix("peak_")) for e in found}


@pytest.mark.parametrize(
    ("rule", "turns", "wanted"),
    [
        (Rule("spacing", ("A", "B"), "++", 3, 9), False, {0}),
        (Rule("spacing", ("A", "B"), "++", 3, 9), True, {0, 2}),
        (Rule("order", ("B", "A"), "++", 3, 9), False, {1}),
        (Rule("synergy", ("A", "B"), "++", 30, 60), False, {3}),
        (Rule("orientation", ("A", "B"), "+-", 3, 9), False, {4}),
        (Rule("copies", ("A",), copies=2), True, {5}),
        (Rule("copies", ("A",), copies=3), True, set()),
        (Rule("copies", ("A",), "++", 10, 10, copies=2), False, {5}),
        (Rule("copies", ("A",), "++", 11, 60, copies=2), False, set()),
        (Rule("copies", ("A",), "++", 0, 9, copies=2), False, set()),
        (Rule("copies", ("A",), "+-", 10, 10, copies=2), False, set()),
        (Rule("copies", ("A",), "--", 10, 10, copies=2), False, set()),
        (Rule("copies", ("A",), "--", 10, 10, copies=2), True, {5}),
        (Rule("negation", ("C",)), True, set()),
    ],
)
def test_an_example_keeps_order_distance_strands_and_number(run, rule, turns, wanted):
    assert named(run, rule, turns=turns) == wanted


def test_strands_that_are_not_said_are_any(run):
    assert named(run, Rule("spacing", ("A", "B"), "..", 3, 9), turns=False) == {0, 4}


def test_the_best_scores_come_first_and_three_are_enough(run):
    (found,) = rule_examples(run, [Rule("negation", ("A",))], turns=True)
    score = run.read_table("explain/ism/names.tsv").set_index("name")["score"]
    shown = [score[e.name] for e in found]
    assert len(shown) == 3
    assert shown == sorted(shown, reverse=True)


def test_an_address_says_which_sequence_and_where_with_a_margin():
    assert address(Example("a b&c#1", 4, 30)) == "#sequences?name=a%20b%26c%231&from=0&to=40"


def test_the_table_of_rules_has_evidence_a_plot_and_examples(run, opened):
    seen = Evidence(0.62, 0.56, 0.67, 1e-30, 1e-28, 310, "share", 0.2, True)
    asked = Evidence(3.2, 3.0, 3.4, 1e-17, 1e-16, 100, "output", 0.0, True)
    rules = (
        Rule("negation", ("B",), data=Evidence(0.5, 0.4, 0.6, 1e-9, 1e-8, 900, "odds ratio", 1.0)),
        Rule("spacing", ("A", "B"), "++", 3, 9, data=seen, model=asked),
    )
    facts = {"motifs": {"A": 10, "B": 10}, "sequences": 900, "both_strands": True}
    found = Rules(rules, facts, (Distances("B", "A", (0, 3, 40, 2), (9.0, 12.0, 12.0, 12.0)),))
    files.write_json(run.path / "grammar" / "rules.json", found.to_json())
    page = opened(report.write(run))
    assert "both 3.203.00–3.40100 sequences10⁻¹⁶" in page.said
    assert "62 %56 to 67 %, expected 20 %310 pairs of sites10⁻²⁸" in page.said
    assert "neither –not asked–0.5000.400–0.600, odds ratio900 sequences10⁻⁸" in page.said
    assert page.said.index("Spacing A, then B") < page.said.index("Negation B")
    hrefs = [v for k, v in page.attributes if k == "href"]
    ids = [v for k, v in page.attributes if k == "id"]
    assert "#grammar-distances-0" in hrefs
    assert "grammar-distances-0" in ids
    assert "#sequences?name=peak_0&from=40&to=86" in hrefs


def test_without_motifs_or_explanations_there_are_no_examples(run):
    rule = Rule("negation", ("A",))
    (run.path / "grammar" / "motifs.meme").unlink()
    assert rule_examples(run, [rule], turns=True) == [[]]
