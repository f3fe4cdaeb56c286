"""What holds for every experiment: pairing, invariance, the quick path, refusals, the record."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy import stats

from cisgram import grammar
from cisgram.core.errors import InputError
from cisgram.explain.edits import copies as edits
from cisgram.grammar import asking
from cisgram.grammar.paired import adjusted, ratios, resamples, signed_rank, t_interval
from cisgram.motifs import Motif
from cisgram.seq import decode, one_hot
from pencil import FIRST, SECOND, Of, PwmSum, SmallNet, blank, count
from toys import state_of

PAIR = [FIRST, SECOND]
FLAT = Motif(np.full((4, 6), 0.25), "flat")


def spaced(model, x, **options):
    return grammar.spacing(model, x, PAIR, distances=range(12), **options)


def test_the_order_of_backgrounds_changes_nothing():
    x = grammar.random_backgrounds(25, 60, seed=2)
    model = SmallNet(60)
    turned = np.random.default_rng(0).permutation(25)
    one, other = (
        grammar.spacing(model, rows, [FLAT, SECOND], distances=[0, 4], drawn=True, scale="log")
        for rows in (x, x[turned])
    )
    np.testing.assert_allclose(other.values, one.values[turned], rtol=1e-5, atol=1e-6)
    again = grammar.Experiment(
        one.name, one.arms, one.values[turned], one.sequences[turned], one.scale, one.resolution
    )
    for table in ("table", "interactions"):
        a, b = (getattr(e, table)().select_dtypes("number") for e in (one, again))
        np.testing.assert_allclose(a, b, rtol=1e-9)
    a, b = (grammar.cooperativity(e).select_dtypes("number") for e in (one, again))
    np.testing.assert_allclose(a, b, rtol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_the_batch_size_changes_nothing(batch_size):
    x = grammar.random_backgrounds(9, 60)
    one, other = spaced(SmallNet(60), x), spaced(SmallNet(60), x, batch_size=batch_size)
    np.testing.assert_allclose(one.values, other.values, rtol=0, atol=one.resolution)


def test_the_quick_path_gives_the_values_of_whole_sequences(monkeypatch):
    x, model = grammar.random_backgrounds(9, 80), SmallNet()
    with monkeypatch.context() as m:
        m.setattr(asking, "FAMILY", 10**9)
        plain = spaced(model, x)
    monkeypatch.setattr(edits, "WORTHWHILE", 0)
    monkeypatch.setattr(edits, "GAIN", 1e9)
    monkeypatch.setattr(asking, "AT_ONCE", 30)  # in several parts
    quick = spaced(model, x)
    assert quick.options["path"] == "windows"
    assert plain.options["path"] == "plain"
    np.testing.assert_allclose(quick.values, plain.values, rtol=0, atol=quick.resolution)
    assert quick.values.std() > 100 * quick.resolution


def test_letters_n_leave_the_background_on_every_path(monkeypatch):
    x = grammar.random_backgrounds(5, 80)
    for family in (1, 10**9):
        monkeypatch.setattr(asking, "FAMILY", family)
        e = grammar.insertion(SmallNet(), x, ["N" * 4, "NNGTNN"], start=[3, 9, 20, 40])
        assert np.ptp(e.values[:, :5], axis=1).max() <= e.resolution
        assert np.ptp(e.values[:, 5:], axis=1).min() > e.resolution


def test_strings_one_hot_and_codes_are_the_same_backgrounds():
    x = grammar.random_backgrounds(4, 60)
    given = [x, one_hot(x), decode(one_hot(x))]
    values = [grammar.insertion(SmallNet(60), g, FIRST).values.tolist() for g in given]
    assert values[0] == values[1] == values[2]


def test_the_model_is_left_as_it_was():
    model = SmallNet(60).train()
    before = state_of(model)
    spaced(model, grammar.random_backgrounds(4, 60))
    grammar.necessity(model, grammar.random_backgrounds(4, 60), (3, 9))
    assert state_of(model) == before


def test_a_target_may_be_any_function_of_the_output_and_is_asked_for_where_there_are_several():
    two = Of(lambda x: count(x, FIRST))
    two.forward = lambda x: torch.stack([count(x, FIRST), 2 * count(x, SECOND)], 1)
    with pytest.raises(InputError, match="2 outputs"):
        grammar.insertion(two, blank(), PAIR)
    e = grammar.insertion(two, blank(), PAIR, target=lambda y: y[:, 1] - y[:, 0])
    assert e.table()["effect"].dropna().tolist() == [-1.0, 2.0]


def test_p_values_are_uniform_where_a_motif_without_preferences_is_written_into_random_letters():
    model = PwmSum()
    model.conv.weight.data.normal_(generator=torch.Generator().manual_seed(1))
    p = [
        grammar.insertion(
            model, grammar.random_backgrounds(24, 20, seed=s), FLAT, drawn=True, seed=s
        ).table()["p"][1]
        for s in range(200)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert 0 < np.mean(np.array(p) < 0.05) < 0.1


def test_a_motif_that_the_model_minds_is_not_called_chance():
    model = Of(lambda x: count(x, "GA"))
    p = grammar.insertion(model, grammar.random_backgrounds(40, 30), "GAGAGA").table()["p"][1]
    assert p < 1e-4


def test_differences_that_rounding_can_make_are_none():
    arms = (grammar.Arm("b"), grammar.Arm("a", against="b"))
    values = 1000 + np.array([[0, 1e-4], [0, 2e-4], [0, 3e-4]])
    made = {"arms": arms, "sequences": np.zeros((3, 4), np.uint8)}
    table = grammar.Experiment("x", values=values, resolution=1e-3, **made).table()
    assert table[["effect", "low", "high", "p"]].values[1].tolist() == [0, 0, 0, 1]
    table = grammar.Experiment("x", values=values, resolution=1e-6, **made).table()
    assert table["effect"][1] == pytest.approx(2e-4)


def test_intervals_tests_and_rates_are_those_of_scipy():
    d = np.random.default_rng(1).normal(0.3, size=(30, 4))
    center, low, high = t_interval(d)
    for j in range(4):
        truth = stats.ttest_1samp(d[:, j], 0).confidence_interval(0.95)
        np.testing.assert_allclose([low[j], high[j]], [truth.low, truth.high])
    np.testing.assert_allclose(signed_rank(d), stats.wilcoxon(d, axis=0).pvalue)
    p = np.array([0.001, 0.02, 0.03, 0.5])
    np.testing.assert_allclose(adjusted(p), [0.004, 0.04, 0.04, 0.5])
    assert center.tolist() == d.mean(0).tolist()


def test_the_band_of_a_ratio_covers_it_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for i in range(200):
        bottom = rng.gamma(20, 0.1, size=(60, 1))
        top = 1.5 * bottom + rng.normal(0, 0.4, size=(60, 1))
        codes = rng.integers(0, 4, size=(60, 12)).astype(np.uint8)
        _, low, high = ratios(top, bottom, resamples(codes, seed=i)[:500])
        covered += bool(low[0] <= 1.5 <= high[0])
    assert 0.90 <= covered / 200 <= 0.99


def test_a_record_goes_through_json_and_back():
    e = spaced(SmallNet(60), grammar.random_backgrounds(4, 60), scale="log")
    back = grammar.Experiment.from_json(json.loads(json.dumps(e.to_json())))
    assert back.arms == e.arms
    assert back.values.tolist() == e.values.tolist()
    assert grammar.cooperativity(back).equals(grammar.cooperativity(e))
    ask = {"start": np.arange(3, 9, 2), "drawn": True, "target": 0}
    json.dumps(grammar.insertion(SmallNet(60), blank(3, 60), [FLAT], **ask).to_json())


@pytest.mark.parametrize(
    "value", [{}, [], {"format": "cisgram experiment 1"}, {"format": "else", "arms": []}]
)
def test_what_is_no_record_is_refused(value):
    with pytest.raises(InputError, match=r"no experiment of cisgram|damaged"):
        grammar.Experiment.from_json(value)


COUNT = Of(lambda x: count(x, FIRST))
LARGE = Of(lambda x: 1000 + count(x, "C"))


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda x: grammar.insertion(COUNT, x[:1], FIRST), "at least 2 sequences"),
        (lambda x: grammar.insertion(COUNT, [], FIRST), "at least 2 sequences"),
        (lambda x: grammar.insertion(COUNT, x, []), "No motif was given"),
        (lambda x: grammar.insertion(COUNT, x, "GATR"), "Ambiguous letters"),
        (lambda x: grammar.insertion(COUNT, x, [FIRST, FIRST]), "came more than once"),
        (lambda x: grammar.insertion(COUNT, x, "A" * 81), "inside the sequences, 0 to 80"),
        (lambda x: grammar.insertion(COUNT, x, FIRST, start=75), "from position 75 to 81"),
        (lambda x: grammar.insertion(COUNT, x, FIRST, strand="."), r"strand must be '\+' or"),
        (lambda x: grammar.insertion(COUNT, x, FIRST, scale="log3"), "log2"),
        (lambda x: grammar.insertion(COUNT, x, FIRST, batch_size=0), "batch_size"),
        (lambda x: grammar.spacing(COUNT, x, [FIRST]), "give two motifs"),
        (lambda x: grammar.spacing(COUNT, x, PAIR, distances=[-3]), "got -3"),
        (lambda x: grammar.spacing(COUNT, x, PAIR, distances=[]), "got none that fits"),
        (lambda x: grammar.spacing(COUNT, x, PAIR, distances=[1.5]), "got 1.5"),
        (lambda x: grammar.spacing(COUNT, x, PAIR, start=79), "got none that fits"),
        (lambda x: grammar.order(COUNT, x, PAIR, distance=-40), "got -40"),
        (lambda x: grammar.insertion(COUNT, x, FIRST, start=2.0), "start must be a position"),
        (lambda x: grammar.spacing(COUNT, x, PAIR, distances=[71]), "inside the sequences"),
        (lambda x: grammar.spacing(COUNT, x, PAIR, strands="+"), "such as '\\+-'"),
        (lambda x: grammar.order(COUNT, x, [FIRST, FIRST]), "one order"),
        (lambda x: grammar.copies(COUNT, x, FIRST, most=9), "inside the sequences"),
        (lambda x: grammar.copies(COUNT, x, FIRST, most=0), "most"),
        (lambda x: grammar.copies(COUNT, x, FIRST, distance=-2), "got -2"),
        (lambda x: grammar.flanks(COUNT, x, FIRST, flanks=[("A", "R")]), "pairs"),
        (lambda x: grammar.flanks(COUNT, x, FIRST, flanks=[("A", "")] * 2), "each given once"),
        (lambda x: grammar.flanks(COUNT, x, FIRST, flanks=17, width=1), "only 16"),
        (lambda x: grammar.cooperativity(spaced(COUNT, x)), "not said how the output is scaled"),
        (lambda x: grammar.cooperativity(spaced(LARGE, x), scale="log"), "too large"),
        (
            lambda x: grammar.cooperativity(spaced(COUNT, x, singles=False), scale="linear"),
            "additive twin",
        ),
        (lambda x: grammar.share(spaced(COUNT, x), scale="linear"), "necessity or sufficiency"),
        (lambda x: spaced(COUNT, x)["GATA"], "No arm of the spacing experiment"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_one_paragraph(run, said):
    with pytest.raises(InputError, match=said) as caught:
        run(blank())
    assert "\n" not in str(caught.value)


def test_motifs_that_lie_over_each_other_are_refused_and_n_does_not_count():
    arms = [(grammar.Arm("both"), [grammar.Placement(FIRST, 10), grammar.Placement("GG", 15)])]
    with pytest.raises(InputError, match="lies over GATAAG at 10 to 16"):
        grammar.ask(COUNT, blank(), arms)
    around = [grammar.Placement("ANG", 20), grammar.Placement("T", 21)]
    e = grammar.ask(Of(lambda x: count(x, "ATG")), blank(), [(grammar.Arm("fits"), around)])
    assert e["fits"].tolist() == [1.0] * 20


def test_two_arms_of_one_name_are_refused():
    with pytest.raises(InputError, match="'a' came twice"):
        grammar.ask(COUNT, blank(), [(grammar.Arm("a"), []), (grammar.Arm("a"), [])])


def test_shuffled_backgrounds_keep_the_dinucleotides_and_lie_side_by_side():
    from cisgram.seq import kmer_counts

    x = grammar.random_backgrounds(3, 50)
    shuffled = grammar.shuffled_backgrounds(x, n=4)
    assert shuffled.shape == (12, 50)
    assert kmer_counts(shuffled, 2).tolist() == kmer_counts(x, 2).repeat(4, axis=0).tolist()
    assert (shuffled != x.repeat(4, axis=0)).any()
