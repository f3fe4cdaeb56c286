"""Rules of models that are known by heart: each kind is found, and nothing else is."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from cisgram import grammar, motifs
from cisgram.core.errors import InputError
from cisgram.core.grammar_tree import to_text
from cisgram.grammar import Evidence, Rule, Rules
from cisgram.grammar.arrangements import CellArms, cells_of
from cisgram.seq import Grammar, Plant, simulate
from pencil import LEFT, RIGHT, THIRD, Of, either, matches, motif, near

LENGTH = 80
ANY = range(LENGTH)
PAIR = [motif(LEFT), motif(RIGHT)]
THREE = [*PAIR, motif(THIRD)]


def has(x, word):
    return either(x, word).amax(1)


def same_strand(x):
    forward = near(matches(x, LEFT), matches(x, RIGHT), ANY)
    backward = near(matches(x, RIGHT), matches(x, LEFT), ANY)
    turned = [matches(x.flip(1, 2), w) for w in (LEFT, RIGHT)]
    other = near(turned[0], turned[1], ANY) + near(turned[1], turned[0], ANY)
    return (forward + backward + other).clamp(max=1)


MODELS = {
    "additive": lambda x: has(x, LEFT) + has(x, RIGHT),
    "synergy": lambda x: has(x, LEFT) * has(x, RIGHT),
    "spacing": lambda x: (
        near(either(x, LEFT), either(x, RIGHT), range(6, 11))
        + near(either(x, RIGHT), either(x, LEFT), range(6, 11))
    ),
    "order": lambda x: near(either(x, LEFT), either(x, RIGHT), ANY),
    "orientation": same_strand,
    "copies": lambda x: (either(x, LEFT).sum(1) >= 2).float() + has(x, RIGHT),
    "negation": lambda x: has(x, LEFT) * (1 - has(x, RIGHT)),
}
LEFT_PLANT, RIGHT_PLANT = (Plant(w, name=w, strand="both") for w in (LEFT, RIGHT))
GRAMMARS = {
    "additive": Grammar([LEFT_PLANT, RIGHT_PLANT], order="any", spacing=(0, 30)),
    "synergy": Grammar([LEFT_PLANT, RIGHT_PLANT], order="any", spacing=(0, 30)),
    "spacing": Grammar([LEFT_PLANT, RIGHT_PLANT], order="any", spacing=(6, 10)),
    "order": Grammar([LEFT_PLANT, RIGHT_PLANT], spacing=(0, 30)),
    "orientation": Grammar(
        [Plant(LEFT, name=LEFT), Plant(RIGHT, name=RIGHT)],
        order="any", spacing=(0, 30), strand="both",
    ),
    "copies": Grammar([Plant(LEFT, name=LEFT, copies=(2, 2)), RIGHT_PLANT], spacing=(0, 9)),
    "negation": Grammar([LEFT_PLANT]),
}  # fmt: skip
FOUND = {
    "additive": set(),
    "synergy": {"synergy"},
    "spacing": {"synergy", "spacing"},
    "order": {"synergy", "order"},
    "orientation": {"synergy", "orientation"},
    "copies": {"copies"},
    "negation": {"negation"},
}


def sequences(name, n=240, seed=1):
    """Positives with the grammar; negatives hold one of its motifs, or both where one avoids."""
    own = simulate(n // 2, LENGTH, grammar=GRAMMARS[name], positives=1.0, seed=seed)
    alone = {"positives": 0.0, "singles": 1.0, "seed": seed + 1}
    if name == "negation":
        other = simulate(n // 2, LENGTH, grammar=GRAMMARS["synergy"], positives=1.0, seed=seed + 1)
    else:
        other = simulate(n // 2, LENGTH, grammar=GRAMMARS[name], **alone)
    labels = np.repeat([1, 0], n // 2)
    return np.concatenate([own.codes, other.codes]), labels


def asked(name, *, motifs=PAIR, n=240, **options):
    codes, labels = sequences(name, n)
    how = {"labels": labels, "both_strands": False, "n": 40, "reach": 40, **options}
    return grammar.rules(Of(MODELS[name]), codes, motifs, **how)


@pytest.mark.parametrize("name", MODELS)
def test_the_model_holds_the_rules_that_it_is_made_of_and_no_other(name):
    found = asked(name)
    assert {r.kind for r in found.known} == FOUND[name]
    assert "not_asked" not in found.facts


def test_distances_are_those_of_the_model():
    (rule,) = (r for r in asked("spacing").known if r.kind == "spacing")
    assert (rule.low, rule.high) == (6, 10)
    assert rule.model.effect == pytest.approx(1.0)
    assert rule.verdict == "confirmed"
    assert rule.data.effect > 0.9 > 0.5 > rule.data.expected


def test_an_order_names_the_motif_that_comes_first():
    (rule,) = (r for r in asked("order").known if r.kind == "order")
    assert rule.motifs == (LEFT, RIGHT)
    (other,) = (r for r in asked("order", motifs=PAIR[::-1]).known if r.kind == "order")
    assert other.motifs == (LEFT, RIGHT)


def test_copies_are_as_many_as_the_model_wants():
    (rule,) = asked("copies").known
    assert rule.copies == 2
    assert rule.model.effect == pytest.approx(1.0)


def test_distances_are_counted_beside_those_of_partners_from_elsewhere():
    found = asked("spacing")
    (pair,) = found.distances
    assert {pair.first, pair.second} == {LEFT, RIGHT}
    assert sum(pair.seen[6:11]) == sum(pair.seen) > 100
    assert sum(pair.expected) == pytest.approx(sum(pair.seen), abs=0.1)
    assert sum(pair.expected[6:11]) < 0.3 * sum(pair.seen)
    table = found.distance_table().set_index("distance")
    assert table["seen"].tolist() == list(pair.seen)
    assert Rules.from_json(found.to_json()).distances == found.distances


def test_a_motif_that_is_avoided_lowers_what_is_high_and_is_rare_there():
    (rule,) = asked("negation").known
    assert rule.motifs == (RIGHT,)
    assert rule.model.effect < -0.7
    assert rule.data.effect < 0.1
    assert rule.verdict == "confirmed"


def test_without_a_model_the_sequences_speak_and_nothing_is_known():
    codes, labels = sequences("spacing")
    found = grammar.rules(None, codes, PAIR, labels=labels, both_strands=False)
    assert found.known == ()
    assert {r.verdict for r in found} == {"data only"}
    (rule,) = (r for r in found if r.kind == "spacing")
    assert 6 <= rule.low <= rule.high <= 10


def test_hits_can_be_given_in_place_of_motifs_when_no_model_is_asked():
    codes, labels = sequences("spacing")
    table = motifs.scan(codes, PAIR)
    given = grammar.rules(None, codes, hits=table, labels=labels, both_strands=False)
    scanned = grammar.rules(None, codes, PAIR, labels=labels, both_strands=False)
    assert [r.key for r in given] == [r.key for r in scanned]


def test_the_order_of_the_sequences_changes_nothing():
    codes, labels = sequences("order", 120)
    order = np.random.default_rng(0).permutation(len(codes))
    options = {"both_strands": False, "n": 20, "reach": 12}
    model = Of(MODELS["order"])
    one = grammar.rules(model, codes, PAIR, labels=labels, **options)
    other = grammar.rules(model, codes[order], PAIR, labels=labels[order], **options)
    assert one.to_json() == other.to_json()
    assert len(one) > 0


def test_what_reads_the_same_on_both_strands_has_each_arrangement_once():
    codes, labels = sequences("orientation")

    def model(x):
        forward = near(matches(x, LEFT), matches(x, RIGHT), ANY)
        x = x.flip(1, 2)
        return (forward + near(matches(x, LEFT), matches(x, RIGHT), ANY)).clamp(max=1)

    found = grammar.rules(Of(model), codes, PAIR, labels=labels, n=40, reach=40)
    kinds = {r.kind: r for r in found.known}
    assert set(kinds) == {"synergy", "order", "orientation"}
    assert kinds["order"].motifs == (LEFT, RIGHT)
    assert kinds["order"].strands == "++"


def test_a_model_that_is_blind_is_not_asked():
    codes, labels = sequences("order", 80)
    blind = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4 * LENGTH, 1))
    torch.nn.init.zeros_(blind[1].weight)
    found = grammar.rules(blind, codes, PAIR, labels=labels, both_strands=False)
    assert found.known == ()
    assert "no surely higher output" in found.facts["not_asked"]


def test_motifs_that_are_not_there_are_not_asked_about():
    found = asked("synergy", motifs=THREE)
    assert found.facts["absent"] == [THIRD]
    assert list(found.facts["motifs"]) == [LEFT, RIGHT]


@pytest.mark.parametrize(("weight", "pairs"), [(0.3, 1), (0.7, 2)])
def test_a_pair_of_the_model_alone_must_give_half_of_what_the_partner_gives(weight, pairs):
    decoy = [Plant(THIRD, name=THIRD, strand="both", probability=0.7)]
    how = {"grammar": GRAMMARS["synergy"], "decoys": decoy}
    own = simulate(120, LENGTH, positives=1.0, seed=1, **how)
    other = simulate(120, LENGTH, positives=0.0, singles=1.0, seed=2, **how)
    codes = np.concatenate([own.codes, other.codes])

    def model(x):
        return has(x, LEFT) * has(x, RIGHT) + weight * has(x, LEFT) * has(x, THIRD)

    labels = np.repeat([1, 0], 120)
    found = grammar.rules(Of(model), codes, THREE, labels=labels, n=30, reach=30)
    held = {frozenset(r.motifs) for r in found.known}
    assert held == {frozenset([LEFT, RIGHT]), frozenset([LEFT, THIRD])} or pairs == 1
    assert len(held) == pairs
    assert all(r.verdict == "model only" for r in found.known if THIRD in r.motifs)


def test_an_arrangement_that_no_sequence_holds_is_no_rule_of_the_model_alone():
    codes, labels = sequences("spacing")

    def model(x):  # copies of one motif, which no sequence holds
        return MODELS["spacing"](x) + (either(x, LEFT).sum(1) >= 2).float()

    found = grammar.rules(
        Of(model), codes, PAIR, labels=labels, both_strands=False, n=30, reach=20
    )  # fmt: skip
    assert {r.kind for r in found.known} == {"synergy", "spacing"}


def test_without_any_motif_in_the_sequences_nothing_is_asked():
    found = asked("synergy", motifs=[motif("AAAAAAAAAAAAAA"), motif("CCCCCCCCCCCCCC")])
    assert len(found) == 0
    assert "more sites than chance" in found.facts["not_asked"]


def test_interactions_by_columns_are_those_of_the_experiment():
    x = grammar.random_backgrounds(7, LENGTH, seed=2)
    arms = CellArms(LENGTH)
    for cell in cells_of(PAIR, [0, 5], folded=False):
        arms.add(cell)
    e = grammar.ask(Of(MODELS["order"]), x, arms.arms())
    d = arms.interactions(e)
    assert d.shape == (7, 2 * (2 * 4 + 2 * 3))
    np.testing.assert_array_equal(d, e.differences(e.departures(e.with_twin())))
    assert d.mean(0).tolist() == pytest.approx(e.interactions()["interaction"].tolist())


def test_rules_read_back_are_the_same_and_are_sentences():
    found = asked("spacing")
    again = Rules.from_json(json.loads(json.dumps(found.to_json())))
    assert again.rules == found.rules
    assert again.table().equals(found.table())
    first, *_ = found.text().splitlines()
    assert "together they raise the output beyond the sum of each by 1 (95 % 1 to 1" in first or (
        "at these distances they raise the output more than at others, by 1" in first
    )
    assert to_text(found.trees[0]).startswith("{(")
    with pytest.raises(InputError, match="no rules of cisgram"):
        Rules.from_json({"format": "other"})


def test_a_rule_holds_in_the_model_that_has_it_and_fails_in_one_that_has_not():
    codes, labels = sequences("spacing")
    found = asked("spacing").known
    how = {"motifs": PAIR, "labels": labels, "both_strands": False, "n": 30, "reach": 40}
    again = grammar.check(found, Of(MODELS["spacing"]), codes, **how)
    assert [r.verdict for r in again] == [r.verdict for r in found]
    other = grammar.check(found, Of(MODELS["synergy"]), codes, **how)
    answers = {r.kind: r.model.holds for r in other}
    assert answers == {"synergy": True, "spacing": False}
    alone = grammar.check(found, None, codes, **how)
    assert [r.model for r in alone] == [None, None]
    assert {r.kind: r.data.holds for r in alone}["spacing"]


def test_distances_that_are_out_of_reach_are_not_asked_about():
    codes, labels = sequences("spacing")
    far = [Rule("spacing", (LEFT, RIGHT), "..", 40, 60)]
    how = {"motifs": PAIR, "labels": labels, "both_strands": False, "n": 20, "reach": 20}
    (rule,) = grammar.check(far, Of(MODELS["spacing"]), codes, **how)
    assert rule.model is None
    assert rule.verdict == "not confirmed"


def test_distances_that_the_data_prefer_are_put_to_a_model_that_does_not_mind():
    codes, labels = sequences("spacing")
    found = grammar.rules(
        Of(MODELS["synergy"]), codes, PAIR, labels=labels, both_strands=False, n=30, reach=40
    )  # fmt: skip
    (rule,) = (r for r in found if r.kind == "spacing")
    assert rule.verdict == "data only"
    assert rule.model.effect == pytest.approx(0.0, abs=0.05)
    assert 6 <= rule.low <= rule.high <= 10
    assert "not held by the model" in grammar.said(rule)


def test_a_rule_is_refuted_by_sequences_that_break_it():
    found = [r for r in asked("spacing").known if r.kind == "spacing"]
    codes, labels = sequences("synergy")
    (rule,) = grammar.check(
        found, None, codes, motifs=PAIR, labels=labels, both_strands=False
    )  # fmt: skip
    assert rule.data.effect < 0.5
    assert rule.verdict == "not confirmed"


def test_q_counts_every_rule_that_could_have_been_asked():
    found = asked("synergy")
    n = found.facts["tests_in_model"]
    assert n >= 12
    (rule,) = found.known
    assert rule.model.q >= n * rule.model.p / 4  # the others are 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"labels": [0, 1]}, "labels must be 120 numbers"),
        ({"labels": np.zeros(120)}, "at least 10 sequences of interest; got 0"),
        ({"fdr": 0}, "fdr must lie between 0 and 1"),
        ({"least": 1.5}, "least must lie between 0 and 1"),
        ({"n": 3}, "n must be at least 6"),
        ({"reach": -1}, "reach must be a distance"),
        ({"motifs": [*PAIR, PAIR[0]]}, "GATAAGCA came more than once"),
        ({"motifs": []}, "none came"),
    ],
)
def test_what_is_wrong_is_said(options, says):
    codes, labels = sequences("synergy", 120)
    how = {"labels": labels, "motifs": PAIR} | options
    with pytest.raises(InputError, match=says):
        grammar.rules(Of(MODELS["synergy"]), codes, how.pop("motifs"), **how)


def test_a_rule_says_what_is_wrong_with_it():
    with pytest.raises(InputError, match="about 2 motifs"):
        Rule("order", ("A",))
    with pytest.raises(InputError, match="Did you mean 'spacing'"):
        Rule("spacings", ("A", "B"), "++")
    with pytest.raises(InputError, match="strands of two motifs"):
        Rule("order", ("A", "B"))
    with pytest.raises(InputError, match="from low to high"):
        Rule("order", ("A", "B"), "++", 5, 3)
    with pytest.raises(InputError, match="no rule"):
        Rule.from_json({"kind": "order"})
    codes, _ = sequences("synergy", 40)
    with pytest.raises(InputError, match="no motif named 'A'"):
        grammar.check([Rule("order", ("A", "B"), "++")], None, codes, motifs=PAIR)
    assert replace(Rule("copies", ("A",)), copies=3).verdict == "not confirmed"


def test_an_effect_the_other_way_round_is_said_to_be_one():
    against = Evidence(-0.45, -0.5, -0.4, 1e-18, 2e-17, 100, "output", 0.0, holds=False)
    said = grammar.said(Rule("synergy", ("A", "B"), "..", model=against))
    assert "not held by the model, where it is the other way round (" in said
    assert "by -0.45 (95 %" in said
    none = grammar.said(Rule("synergy", ("A", "B"), "..", model=replace(against, effect=0.01)))
    assert "the other way round" not in none
    lowered = grammar.said(Rule("negation", ("A",), model=against))
    assert "the other way round" not in lowered, "a negation is to lower the output"
