"""Planted grammars: what is drawn, what counts as recovered, and that nothing is done twice."""

import numpy as np
import pytest

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.grammar import Evidence, Rule, Rules
from cisgram.motifs import scan, similarity
from cisgram.steps import grammar_benchmark, grammar_factors
from cisgram.steps.grammar_benchmark import benchmark_grammar
from cisgram.steps.grammar_plants import ALIKE, FLIPPED, KINDS, Planted, planted_set
from cisgram.steps.grammar_truth import agrees, is_planted, recovered

OUTPUT = Evidence(2.0, 1.8, 2.2, 1e-9, 1e-8, 100, "output", 0.0, True)
PAIR = ("A", "B")


@pytest.mark.parametrize("kind", [*KINDS, "control"])
def test_half_of_a_set_are_positives_and_the_seed_draws_it(kind):
    one, same, other = (planted_set(kind, 0, seed=s) for s in (3, 3, 4))
    codes, labels = one.draw(200, 0)
    assert codes.shape == (200, 100)
    assert labels.mean() == pytest.approx(0.5, abs=0.12)
    again = same.draw(200, 0)
    assert (codes == again[0]).all()
    assert (labels == again[1]).all()
    assert one.truth == same.truth
    assert [m.name for m in other.panel] != [m.name for m in one.panel]
    assert not (codes == one.draw(200, 1)[0]).all()


def test_motifs_of_a_set_are_unlike_each_other():
    panel = planted_set("order", 1).panel
    values = similarity(panel).values
    assert values[~np.eye(len(panel), dtype=bool)].max() < ALIKE


def test_positives_hold_the_pair_in_its_order_and_negatives_the_other_way_round():
    made = planted_set("order", 0, seed=5)
    first, second = next(t for t in made.truth if t.kind == "order").motifs
    codes, labels = made.draw(400, 0)
    sites = scan(codes, [m for m in made.panel if m.name in (first, second)], p=1e-3)
    best = sites.sort_values("score").drop_duplicates(["sequence", "motif"], keep="last")
    starts = best.pivot_table(index="sequence", columns="motif", values="start").dropna()
    is_first = (starts[first] < starts[second]).groupby(labels[starts.index]).mean()
    assert is_first[1] > 0.85 > 0.4 > is_first[0]  # labels are flipped, scans miss
    assert 0 < FLIPPED < 0.1


def test_a_rule_is_what_was_planted_when_its_numbers_are():
    order = Planted("order", PAIR)
    assert agrees(Rule("order", PAIR, "++"), order)
    assert not agrees(Rule("order", PAIR[::-1], "++"), order)
    assert agrees(Rule("order", PAIR[::-1], "--"), order)  # the same, from the other strand
    assert not agrees(Rule("synergy", PAIR, "++"), order)
    same = Planted("orientation", PAIR, strands="same")
    assert agrees(Rule("orientation", PAIR, "--"), same)
    assert not agrees(Rule("orientation", PAIR, "+-"), same)
    near = Planted("spacing", PAIR, low=10, high=14)
    assert agrees(Rule("spacing", PAIR, "++", 12, 20), near)
    assert not agrees(Rule("spacing", PAIR, "++", 14, 20), near)
    assert not agrees(Rule("spacing", PAIR, "++", 0, 20), near)
    three = Planted("copies", ("A",), copies=3)
    assert agrees(Rule("copies", ("A",), copies=2), three)
    assert not agrees(Rule("copies", ("A",), copies=4), three)
    assert not agrees(Rule("copies", ("B",), copies=2), three)


def test_what_only_holds_is_neither_recovered_nor_false():
    truth = (Planted("order", PAIR), Planted("synergy", PAIR, decides=False))
    also, wrong = Rule("synergy", PAIR, "++"), Rule("copies", ("A",), copies=2)
    assert recovered([also, wrong], truth) == [False]
    assert recovered([also, Rule("order", PAIR, "++")], truth) == [True]
    assert [is_planted(r, truth) for r in (also, wrong)] == [True, False]


def test_a_cell_is_run_once_and_the_page_says_what_came_back(tmp_path, monkeypatch):
    small = {"TRAIN": 120, "TEST": 60, "SEARCHED": 100,
             "NETWORK": {"maps": 4, "width": 7, "layers": 1},
             "TRAINING": {"epochs": 1, "min_rows": 1}}  # fmt: skip
    for name, value in small.items():
        monkeypatch.setattr(grammar_benchmark, name, value)
    page = benchmark_grammar(None, tmp_path, only="synergy-0,control-1", device="cpu")
    (row,) = (line for line in page.splitlines() if line.startswith("| synergy-0 "))
    assert "**no**" in row  # one epoch of a small network teaches nothing
    assert "Recall 0 of 1: 0.00" in page
    assert "| controls, all | 1 | 0 | 0 |  |" in page
    monkeypatch.setattr(grammar_benchmark, "train_run", None)
    assert benchmark_grammar(None, tmp_path, device="cpu", only="") == page
    assert benchmark_grammar(None, tmp_path, device="cpu", only="synergy-0") == page


def test_a_name_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'spacing'"):
        benchmark_grammar(None, tmp_path, only="spacings")


def test_factors_are_counted_over_seeds(tmp_path):
    pair = Rule("spacing", ("NFYB", "NFYB"), "++", 18, 20, model=OUTPUT)
    for seed, found in enumerate([(pair,), (pair, Rule("negation", ("SRF",), model=OUTPUT)), ()]):
        run = Run(tmp_path / "SP1" / str(seed))
        files.write_json(run.path / "grammar" / "rules.json", Rules(found).to_json())
        files.write_json(run.path / "metrics.json", {"test": {"auroc": 0.9 + seed / 100}})
    lines = grammar_factors.factor_page(tmp_path)
    assert any("SP1 (test AUROC 0.900 to 0.920) | spacing | 2 of 3" in line for line in lines)
    assert any("| negation | 1 of 3 |" in line for line in lines)
    assert grammar_factors.factor_page(tmp_path / "none") == []
    with pytest.raises(InputError, match=r"holds no SP1_\*_AC.seq.gz"):
        grammar_factors.factor_runs(tmp_path, tmp_path / "new", ["SP1"], say=print)
