"""Sequences designed from a neuron's syntax do what the neuron was wired, or trained, to do."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from cisgram.core.errors import InputError
from cisgram.core.grammar_tree import Site
from cisgram.explain.demix import (
    Combination,
    SampleOptions,
    Syntax,
    Word,
    demix_layer,
    designed,
    designed_sequences,
    find_layer,
    layers,
    output_search,
    plain_design,
    plan_of,
    syntax,
)
from cisgram.explain.demix.asking import Edge, Profile
from cisgram.explain.demix.blueprint import blueprints, shifted, written
from cisgram.explain.demix.designs import Spread, spread
from cisgram.seq.alphabet import from_codes, one_hot, to_codes
from explain.demix.wired import FULL, A, B, detector, joined, network
from published import neuronmotif_demo2

QUICK = SampleOptions(population=1000, rounds=60, most=20_000)
NEAR = FULL - 0.5
PAIR = 2 * FULL - 2 * NEAR  # what a wired pair says of both words in full
OTHER = "".join("ACGT"[3 - "ACGT".index(b)] for b in reversed(B))


def pair(*words, distance=14):
    """A neuron that is active where two words stand at one distance."""
    return network(
        detector(*words),
        nn.ReLU(),
        joined((0, 0), (1, distance), inputs=2, width=distance + 1, bias=-2 * NEAR),
    )


def read(model, *, length=60, seed=0, layer=None, **options):
    place = find_layer(layers(model, length=length), layer)
    (d,) = demix_layer(model, place, [0], options=QUICK, seed=seed)
    grammar = syntax(place, 0, d.leaves, d.motifs, backgrounds=30, seed=seed)
    return place, d, designed(place, 0, d, grammar, seed=seed, **options)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_wired_pair_is_driven_to_its_maximum_by_its_design_alone(seed):
    model = pair(A, B)
    _, d, found = read(model, seed=seed, output=lambda x: model(x)[:, 0])
    assert found.share == pytest.approx(1, abs=1e-4)
    assert found.neuron["designed"].median == pytest.approx(PAIR, abs=1e-4)
    for wrong in ("background", "gaps", "order", "strand"):
        assert found.neuron[wrong].high < 0, wrong
        assert found.output[wrong].high < found.output["designed"].low, wrong
    assert found.beaten == ("background", "gaps", "order", "strand")
    assert found.neuron["search"].median <= d.max_activation + 1e-6
    assert found.neuron["leaf"].median == max(leaf.consensus_activation for leaf in d.leaves)


def test_one_word_on_both_strands_has_no_other_order_but_other_strands():
    """The reverse complement of the pair is the pair: what is wrong is each word turned alone."""
    _, _, found = read(pair(B, OTHER))
    assert found.share == pytest.approx(1, abs=1e-4)
    assert {strand for _, strand in found.plan.slots} == {"+", "-"}
    assert found.neuron["strand"].high < 0
    assert found.neuron["order"].high < 0
    assert found.neuron["gaps"].high < 0


def test_a_free_distance_is_drawn_over_all_that_is_allowed():
    model = network(
        detector(A, B), nn.ReLU(), nn.MaxPool1d(2),
        joined((0, 0), (1, 7), inputs=2, width=8, bias=-2 * NEAR),
    )  # fmt: skip
    place, _, found = read(model)
    codes, starts, value, _ = designed_sequences(place, 0, found.plan, n=200)
    assert found.share == pytest.approx(1, abs=1e-4)
    assert len(np.unique(np.diff(starts, axis=1))) == 3  # 13, 14, 15 between the words
    assert (value > PAIR - 1e-4).all()
    assert found.neuron["gaps"].high < 0
    text = from_codes(codes)
    assert all(A in t and B in t for t in text)


def test_a_word_alone_is_designed_where_it_may_stand_and_controlled_where_not():
    """One word at one of two places of a window of 27 bp: the other places do nothing."""
    model = network(detector(A), nn.ReLU(), joined((0, 0), (0, 21), inputs=1, width=22, bias=-NEAR))
    _, _, found = read(model)
    assert found.neuron["designed"].low > found.neuron["gaps"].high
    assert found.neuron["designed"].low > found.neuron["background"].high


def test_designs_are_the_same_whatever_is_asked_beside_them():
    model = pair(A, B)
    place, _, found = read(model)
    few, many = (designed_sequences(place, 0, found.plan, n=n, output=lambda x: model(x)[:, 0])
                 for n in (5, 40))  # fmt: skip
    for a, b in zip(few, many, strict=True):
        np.testing.assert_allclose(a, b[:5], rtol=1e-6)
    with torch.no_grad():
        np.testing.assert_allclose(few[3], model(one_hot(few[0]))[:, 0].numpy(), rtol=1e-6)
    assert [t[s : s + 6] for t, (s, _) in zip(from_codes(few[0]), few[1], strict=True)] == [
        from_codes(found.plan.letters[0][None])[0][:6]
    ] * 5


def test_a_plan_is_read_back_from_its_plain_form():
    model = pair(A, B)
    place, d, found = read(model)
    names = [f"m{i}" for i in range(len(d.motifs))]
    value = json.loads(json.dumps(plain_design(found, names)))
    plan = plan_of(value, names, place.width)
    assert (plan.slots, plan.seen, plan.width) == (
        found.plan.slots, found.plan.seen, found.plan.width
    )  # fmt: skip
    for a, b in zip(plan.letters, found.plan.letters, strict=True):
        np.testing.assert_array_equal(a, b)
    again, before = (designed_sequences(place, 0, p, n=20)[0] for p in (plan, found.plan))
    np.testing.assert_array_equal(again, before)
    assert list(value["neuron"]) == [
        "background", "gaps", "order", "strand", "designed", "leaf", "search"
    ]  # fmt: skip
    assert value["neuron"]["designed"] == [1.0, 1.0, 1.0]
    assert value["beaten"] == ["background", "gaps", "order", "strand"]


# a combination of three motifs by hand: A and B hold at 8 or 9, B and C do not


def profile():
    return Profile(np.arange(0), *(np.empty(0),) * 3, 0.0, 0.0, 0.0, np.empty(0))


def word(letters):
    ppm = np.eye(4)[:, to_codes([letters])[0]]
    return Word(ppm=ppm, flanked=ppm, offsets=(0,), n=10, blocks=())


WORDS = [word("CAGGTG"), word("GATAAG"), word("TTCCGA")]


def three(places, holds=(True, False), gaps=({8: 3, 9: 1}, {7: 4})):
    edges = tuple(Edge(j, j + 1, gaps[j], profile(), holds[j]) for j in range(2))
    starts = tuple({row[j]: n for row, n in places.items() if row[j] is not None} for j in range(3))
    slots = ((0, "+"), (1, "+"), (2, "-"))
    return Syntax((Combination(slots, 4, {}, starts, places, edges, None, Site("x")),))


def plans(grammar, width=40):
    return blueprints(grammar, WORDS, width, np.random.default_rng(0))


def test_only_motifs_joined_by_edges_that_hold_are_placed_together():
    places = {(2, 10, 17): 3, (3, 12, None): 1}
    first, second = plans(three(places))
    assert first.slots == ((0, "+"), (1, "+"))
    assert first.starts.tolist() == [[2, 10], [3, 12]]
    assert first.weight.tolist() == [3, 1]
    assert second.slots == ((2, "-"),)
    assert from_codes(second.letters[0][None]) == ["TCGGAA"]
    (whole,) = plans(three(places, holds=(True, True)))
    assert whole.starts.tolist() == [[2, 10, 17]], "a leaf without the third says nothing of it"
    assert [len(p.slots) for p in plans(three(places, holds=(False, None)))] == [1, 1, 1]


def test_places_that_no_leaf_has_together_are_chained_by_their_distances():
    (plan,) = plans(three({(2, 10, None): 3, (None, 12, 19): 1}, holds=(True, True)))
    assert plan.starts.tolist() == [[2, 10, 17], [2, 11, 18]]
    assert plan.weight[0] == pytest.approx(3 * plan.weight[1], rel=0.1)


def test_motifs_that_overlap_in_every_leaf_are_not_placed_together():
    found = plans(three({(2, 5, 30): 4}, holds=(True, False), gaps=({3: 4}, {25: 4})))
    assert [p.slots for p in found] == [((0, "+"),), ((1, "+"),), ((2, "-"),)]


def test_forbidden_places_have_no_distance_that_was_seen():
    first, alone = plans(three({(2, 10, 17): 3, (3, 12, None): 1}))
    rng = np.random.default_rng(1)
    starts = first.forbidden(500, rng)
    gaps = starts[:, 1] - starts[:, 0]
    assert not np.isin(gaps, [8, 9]).any()
    assert gaps.min() == 6
    assert starts.max() <= 40 - 6
    assert set(starts[:, 0]) == {2, 3}
    assert 17 not in alone.forbidden(500, rng)
    (narrow,) = plans(three({(0, 6, 12): 4}, holds=(True, True), gaps=({6: 4}, {6: 4})), width=18)
    assert narrow.forbidden(10, rng) is None


def test_another_order_keeps_the_bases_between_and_the_whole_span():
    (plan,) = plans(three({(2, 10, 17): 3}, holds=(True, True)))
    assert plan.reordered() == (2, 1, 0)
    np.testing.assert_array_equal(shifted(plan, plan.starts, (2, 1, 0)), [[2, 10, 17]])
    wide = [word("CAGGTGCAGG"), *WORDS[1:]]
    (plan,) = blueprints(
        three({(2, 14, 21): 3}, holds=(True, True)), wide, 40, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(shifted(plan, plan.starts, (2, 1, 0)), [[2, 10, 17]])


def test_motifs_that_are_alike_have_no_other_order_and_palindromes_no_other_strand():
    twice = Syntax(
        (Combination(((0, "+"), (0, "+")), 4, {}, ({0: 4}, {9: 4}), {(0, 9): 4},
                     (Edge(0, 1, {9: 4}, profile(), True),), None, Site("x")),)
    )  # fmt: skip
    (plan,) = blueprints(twice, [word("CACGTG")], 20, np.random.default_rng(0))
    assert plan.reordered() is None
    assert plan.turned() is None


def test_letters_beyond_the_ends_are_left_out():
    base = np.zeros((2, 5), np.uint8)
    out = written(base, np.array([[-2], [3]]), [np.array([1, 2, 3], np.uint8)])
    assert from_codes(out) == ["TAAAA", "AAACG"]
    assert not base.any()


def test_the_interval_of_a_median_is_right_in_19_of_20():
    rng = np.random.default_rng(0)
    found = [spread(rng.exponential(size=100)) for _ in range(2000)]
    inside = np.mean([s.low <= np.log(2) <= s.high for s in found])
    assert 0.95 <= inside <= 0.98
    assert spread(np.array([3.0])) == Spread(3.0, 3.0, 3.0)


def test_a_neuron_without_a_motif_has_no_design():
    model = pair(A, B)
    place = find_layer(layers(model, length=60), None)
    (d,) = demix_layer(model, place, [0], options=QUICK)
    assert designed(place, 0, d, Syntax(())) is None
    assert plain_design(None, []) is None
    with pytest.raises(InputError, match="backgrounds"):
        designed(place, 0, d, Syntax(()), backgrounds=0)


def test_a_search_by_the_outputs_gradient_finds_the_pair():
    model = pair(A, B)
    found = output_search(layers(model, length=40)[-1], 0, n=20)
    assert found.shape == (20, 40)
    with torch.no_grad():
        assert float(model(one_hot(found)).max()) == pytest.approx(PAIR, abs=1e-4)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_authors_two_sites_are_designed_to_most_of_what_the_search_reaches(data_dir, seed):
    model = neuronmotif_demo2(data_dir)
    found = layers(model, length=82)
    layer = find_layer(found, "conv5")
    (d,) = demix_layer(model, layer, [0], seed=seed)
    grammar = syntax(layer, 0, d.leaves, d.motifs, seed=seed)
    driven = output_search(found[-1], 0, seed=seed)
    design = designed(
        layer, 0, d, grammar, output=lambda x: model(x)[:, 0], driven=driven, seed=seed
    )
    assert [m for m, _ in design.plan.slots] == [0, 0]
    assert "order" not in design.neuron, "two copies have no other order"
    assert design.share > 0.6
    assert design.neuron["background"].high < 0
    assert design.neuron["gaps"].high < 0  # a copy in the middle inhibits
    assert {"background", "gaps", "strand"} <= set(design.beaten)
    # layer 5 is the output there, read in a longer form
    ours, theirs = design.neuron["designed"], design.output["designed"]
    for end in ("median", "low", "high"):
        assert getattr(ours, end) == pytest.approx(getattr(theirs, end), abs=1e-4)
    assert design.output["output_search"].median > design.output["designed"].low
