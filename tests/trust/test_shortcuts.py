"""Baselines and verdicts on data whose answer is known."""

import itertools

import numpy as np
import pytest

import planted
from cisgram.core.errors import InputError
from cisgram.motifs import Motif
from cisgram.seq.alphabet import complement_codes, to_codes
from cisgram.train import metrics
from cisgram.trust import (
    Labeled,
    best_sites,
    compare,
    composition_baselines,
    gc_matched,
    motif_baseline,
    partial_pearson,
    shortcut_flags,
    stratified_auroc,
    word_baseline,
)
from cisgram.trust.baselines import Baseline
from cisgram.trust.features import gc_share, known_bases, word_counts

E_BOX = Motif.from_counts(1e6 * np.eye(4)[:, list(planted.WORD)], name="E-box")
OTHER = Motif.from_counts(1e6 * np.eye(4)[:, [0, 0, 0, 0, 0, 0]], name="poly-A")


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(metrics, "RESAMPLES", 60)


def words(n, seed=0):
    return Labeled(planted.codes(n, seed=seed), (np.arange(n) % 2).astype(float))


def gc_only(n, seed=0, length=60):
    """Positives have 60 % GC and nothing else; negatives 40 %."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    strong = random.random((n, length)) < np.where(y, 0.6, 0.4)[:, None]
    coin = random.integers(0, 2, (n, length))
    return Labeled(np.where(strong, 1 + coin, 3 * coin).astype(np.uint8), y.astype(float))


def judged(test, network, baselines, *, task="classification", leaked=0):
    table = compare(test, network, baselines, task=task)
    matched = gc_matched(test, network, task=task)
    flags = shortcut_flags(table, matched, task=task, n_test=len(test), n_leaked=leaked)
    return {f.name: f for f in flags}, table, matched


def test_the_stratified_area_is_the_share_of_pairs_within_strata():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 60).astype(float)
    score = random.integers(0, 6, 60).astype(float)  # with ties
    stratum = random.integers(0, 5, 60)
    won = [
        (score[i] > score[j]) + (score[i] == score[j]) / 2
        for i, j in itertools.product(range(60), repeat=2)
        if y[i] == 1 and y[j] == 0 and stratum[i] == stratum[j]
    ]
    assert stratified_auroc(y, score, stratum) == pytest.approx(np.mean(won))
    one = np.zeros(60, dtype=int)
    assert stratified_auroc(y, score, one) == pytest.approx(metrics.auroc(y, score))
    assert np.isnan(stratified_auroc(y, score, np.arange(60)))


def test_a_score_that_is_gc_says_nothing_within_strata_of_gc():
    test = gc_only(2000)
    share = gc_share(test.codes)
    assert metrics.auroc(test.y, share) > 0.95
    matched = gc_matched(test, share, task="classification")
    assert matched["score"].tolist() == pytest.approx([0.5, 0.5], abs=0.06)


def test_a_correlation_through_gc_alone_is_gone_when_gc_is_taken_out():
    random = np.random.default_rng(1)
    gc = random.random(4000)
    a, b = gc**2 + random.normal(0, 0.1, 4000), gc + random.normal(0, 0.1, 4000)
    assert metrics.pearson(a, b) > 0.8
    assert abs(partial_pearson(a, b, gc)) < 0.05
    assert np.isnan(partial_pearson(gc**2, b, gc))


def test_words_are_counted_alike_on_both_strands_and_not_across_unknown_bases():
    codes = planted.codes(20, seed=3)
    codes[:, 30] = 4
    forward = word_counts(codes, 4).toarray()
    backward = word_counts(complement_codes(codes[:, ::-1]), 4).toarray()
    assert (forward == backward).all()
    assert forward.shape[1] == 2 + 10 + 32 + 136  # words that are their own reverse complement too
    assert forward[0].sum() == 59 + 2 * 29 - 1 + 2 * 28 - 1 + 2 * 27 - 1


def test_the_word_baseline_finds_a_planted_word_and_composition_does_not():
    train, valid, test = words(600), words(200, seed=1), words(400, seed=2)
    found = word_baseline(train, valid, test, k=6, task="classification", name="k-mers")
    assert metrics.auroc(test.y, found.score) > 0.95
    assert "by the validation set" in found.about
    gc = composition_baselines(train, test, task="classification")
    assert [b.name for b in gc] == ["GC content", "low complexity"]  # length does not vary
    assert metrics.auroc(test.y, gc[0].score) < 0.75


def test_a_class_in_the_middle_of_the_gc_range_is_told_by_gc_alone():
    random = np.random.default_rng(0)
    share = np.where(np.arange(600) % 2, 0.5, np.where(np.arange(600) % 4 == 0, 0.2, 0.8))
    strong = random.random((600, 100)) < share[:, None]
    codes = np.where(strong, 1, 0).astype(np.uint8)
    data = Labeled(codes, (np.arange(600) % 2).astype(float))
    (gc, *_) = composition_baselines(data, data, task="classification")
    assert metrics.auroc(data.y, gc.score) > 0.99


def test_padding_is_seen_as_length():
    train = words(400)
    codes = train.codes.copy()
    codes[train.y == 1, 50:] = 4
    data = Labeled(codes, train.y)
    assert known_bases(codes).tolist()[:2] == [60, 50]
    found = {b.name: b for b in composition_baselines(data, data, task="classification")}
    assert metrics.auroc(data.y, found["length"].score) == 1


def test_the_best_motif_is_chosen_on_the_training_set_and_named():
    found = motif_baseline(words(300), words(300, seed=5), [OTHER, E_BOX], task="classification")
    assert found.about.startswith("E-box (E-box): the best of 2 motifs on 300")
    assert metrics.auroc(words(300).y, found.score) > 0.98


def test_a_motif_that_only_negatives_hold_is_used_by_its_absence():
    train = words(300)
    turned = Labeled(train.codes, 1 - train.y)
    found = motif_baseline(turned, turned, [OTHER, E_BOX], task="classification")
    assert "where it is absent" in found.about
    assert metrics.auroc(turned.y, found.score) > 0.98


def test_best_sites_are_the_same_on_either_strand_and_ignore_unknown_bases():
    codes = to_codes(["TTTTCACGTGACTTTT", "NNNNNNNNNNNNNNNN"])
    both = np.stack([codes[0], complement_codes(codes[0, ::-1]), codes[1]])
    found = best_sites(both, [E_BOX])[:, 0]
    assert found.tolist() == pytest.approx([16, 16, 0], abs=0.02)
    wide = Motif.from_counts(np.ones((4, 20)), name="wide")
    assert best_sites(codes, [wide])[0, 0] == -np.inf


def test_a_network_that_reads_gc_is_called_a_gc_shortcut():
    train, test = gc_only(600), gc_only(600, seed=1)
    network = gc_share(test.codes) + np.random.default_rng(0).normal(0, 0.01, 600)
    baselines = composition_baselines(train, test, task="classification")
    flags, table, _ = judged(test, network, baselines)
    assert flags["GC shortcut"].raised
    assert "may be GC content and no more" in flags["GC shortcut"].said
    assert table.set_index("predictor").loc["GC content", "share"] > 0.95
    assert not flags["no better than chance"].raised


def test_a_network_that_reads_the_word_is_not():
    train, test = words(600), words(600, seed=1)
    network = best_sites(test.codes, [E_BOX])[:, 0].astype(float)
    baselines = composition_baselines(train, test, task="classification")
    flags, _, matched = judged(test, network, baselines)
    assert not flags["GC shortcut"].raised
    assert matched["low"][0] > 0.9


def test_a_gc_shortcut_that_the_baseline_misses_is_seen_in_what_is_left():
    """GC alone is below 80 % of the network's lead, yet at equal GC the network has nothing."""
    test = gc_only(1000)
    random = np.random.default_rng(0)
    weak = Baseline("GC content", gc_share(test.codes) + random.normal(0, 0.13, 1000), "")
    flags, table, _ = judged(test, gc_share(test.codes), [weak])
    assert 0 < table["share"][1] < 0.8
    assert flags["GC shortcut"].raised


def test_the_scores_of_the_table_are_those_of_the_metrics():
    test = words(200)
    score = np.round(test.y + np.random.default_rng(0).normal(0, 1, 200), 1)  # with ties
    _, table, _ = judged(test, score, [])
    assert table["auroc"][0] == pytest.approx(metrics.auroc(test.y, score), abs=1e-12)
    assert table["auprc"][0] == pytest.approx(metrics.auprc(test.y, score), abs=1e-12)
    assert table[["lead", "lead_low", "lead_high"]].to_numpy().tolist() == [[0, 0, 0]]


def test_a_baseline_equals_the_network_unless_the_network_is_better_beyond_chance():
    test = words(800)
    random = np.random.default_rng(0)
    good = 3 * test.y + random.normal(0, 1, 800)
    same = Baseline("k-mers", good + random.normal(0, 0.1, 800), "")
    worse = Baseline("k-mers", good + random.normal(0, 3, 800), "")
    for baseline, raised in ((same, True), (worse, False)):
        flags, *_ = judged(test, good, [baseline])
        flag = flags["k-mer baseline reaches the network"]
        assert flag.raised is raised
        assert flag.value == pytest.approx(
            metrics.auroc(test.y, good) - metrics.auroc(test.y, baseline.score)
        )
        assert f"{flag.value:+.3f}" in flag.said
        assert flag.low <= flag.value <= flag.high


def test_a_baseline_that_is_better_is_said_to_be():
    test = words(800)
    random = np.random.default_rng(0)
    noisy = test.y + random.normal(0, 2, 800)
    flags, *_ = judged(test, noisy, [Baseline("k-mers", 3 * test.y + noisy, "")])
    flag = flags["k-mer baseline reaches the network"]
    assert flag.raised
    assert f"; the network is below it ({flag.value:+.3f}; {flag.low:+.3f} to " in flag.said


def test_the_comparison_is_paired():
    """Two predictors that err on the same sequences differ by far less than either varies."""
    test = words(400)
    random = np.random.default_rng(0)
    good = test.y + random.normal(0, 0.7, 400)
    same = Baseline("k-mers", good + random.normal(0, 0.01, 400), "")
    _, table, _ = judged(test, good, [same])
    own = table["auroc_high"][1] - table["auroc_low"][1]
    assert table["lead_high"][1] - table["lead_low"][1] < own / 5


def test_of_a_network_at_chance_nothing_else_is_said():
    test = words(300)
    noise = np.random.default_rng(1).normal(0, 1, 300)
    gc = composition_baselines(test, test, task="classification")
    flags, *_ = judged(test, noise, [*gc, Baseline("k-mers", noise, "")])
    assert flags["no better than chance"].raised
    assert flags["GC shortcut"].raised is None
    assert flags["k-mer baseline reaches the network"].raised is None


def test_a_leak_is_called_from_one_in_a_hundred_on():
    test = words(400)
    for leaked, raised in ((3, False), (4, True)):
        flags, *_ = judged(test, test.y, [], leaked=leaked)
        assert flags["leak"].raised is raised
        assert f"{leaked} of 400" in flags["leak"].said


def test_a_regression_is_judged_by_correlation():
    train = gc_only(500)
    measured = gc_share(train.codes) + np.random.default_rng(0).normal(0, 0.02, 500)
    data = Labeled(train.codes, measured)
    baselines = composition_baselines(data, data, task="regression")
    word = word_baseline(data, data, data, k=2, task="regression", name="k-mers")
    flags, table, matched = judged(
        data, gc_share(data.codes), [*baselines, word], task="regression"
    )
    assert list(table.columns[1:3]) == ["pearson", "pearson_low"]
    assert flags["GC shortcut"].raised
    assert "Pearson r" in flags["GC shortcut"].said
    assert table.set_index("predictor").loc["k-mers", "pearson"] > 0.9
    assert np.isnan(matched["score"][1])  # nothing is left of GC when GC is taken out


def test_labels_of_one_kind_are_refused():
    one = Labeled(planted.codes(20), np.ones(20))
    with pytest.raises(InputError, match="labels of one kind"):
        compare(one, np.arange(20.0), [], task="classification")
    with pytest.raises(InputError, match="more than one label"):
        composition_baselines(one, one, task="classification")
    with pytest.raises(InputError, match="1 to 8 letters"):
        word_baseline(words(20), words(20), words(20), k=9, task="classification", name="")
    with pytest.raises(InputError, match="No motif of at most 60"):
        motif_baseline(words(20), words(20), [], task="classification")
