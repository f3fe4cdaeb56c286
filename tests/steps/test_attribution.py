"""The benchmark of methods: its truth, its score, and what it keeps."""

import itertools

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from cisgram.cli.main import cli
from cisgram.core import files
from cisgram.core.errors import InputError, UnknownName
from cisgram.core.run import Run
from cisgram.explain import METHODS
from cisgram.models import read_card
from cisgram.seq import one_hot
from cisgram.steps import attribution, planted
from cisgram.steps.attribution import benchmark_attribution
from cisgram.steps.attribution_page import overall_table
from cisgram.steps.planted import ELEMENTS, WORDS, Size, chance, read_truth, score
from cisgram.train.metrics import auprc

SMALL = Size(train=60, test=30, epochs=1, explained=6)
CHEAP = ("gradient_x_input", "saliency")


@pytest.mark.parametrize(("k", "n"), [(1, 2), (1, 5), (2, 5), (4, 5), (5, 5), (1, 1), (3, 6)])
def test_chance_is_the_mean_over_every_order(k, n):
    sought = np.arange(n) < k
    orders = [auprc(sought, np.array(o, float)) for o in itertools.permutations(range(n))]
    assert chance(k, n) == pytest.approx(np.mean(orders))


def test_chance_tends_to_the_share_of_planted_bases():
    assert chance(27, 200) == pytest.approx(0.156, abs=5e-4)
    assert chance(13_500, 100_000) == pytest.approx(0.135, abs=2e-4)


def test_scores_are_ranked_within_each_sequence():
    """A sequence whose scores are all larger says nothing about where its sites are."""
    is_planted = np.array([[True, False, False, False], [False, False, True, False]])
    good = np.array([[9.0, 1, 2, 3], [0.1, 0.2, 0.3, 0.0]])
    assert score(good, is_planted)["auprc"] == 1
    bad = score(-good, is_planted)
    assert bad["auprc"] == pytest.approx(0.25)
    assert bad["auprc_interval"] == [0.25, 0.25]
    assert bad["share"] == 0.25


def test_random_scores_reach_chance_and_no_more():
    random = np.random.default_rng(0)
    is_planted = np.zeros((400, 200), bool)
    is_planted[:, 80:107] = True
    found = score(random.random((400, 200)), is_planted)
    low, high = found["auprc_interval"]
    assert low < found["chance"] < high
    assert high - low < 0.02


@pytest.fixture
def few(monkeypatch):
    """Two methods and one small network."""
    monkeypatch.setattr(attribution, "_methods", lambda: list(CHEAP))
    monkeypatch.setattr(attribution, "NETWORKS", {"demo-cnn": {"size": "small"}})


def test_the_truth_of_the_simulation_is_the_sites_of_its_grammar(tmp_path):
    planted.write_grammar(tmp_path, SMALL)
    truth = read_truth(tmp_path, most=10)
    assert truth.codes.shape == truth.planted.shape == (10, 200)
    widths = truth.planted.sum(1)
    assert len(ELEMENTS) == 3
    assert (widths == widths[0]).all()  # three motifs of fixed width, decoys not among them
    assert widths[0] == 27
    labels = [line.split("\t") for line in (tmp_path / "train.tsv").read_text().splitlines()]
    mixed = [
        line.split("\t") for line in (tmp_path / "train-random-labels.tsv").read_text().splitlines()
    ]
    assert [r[1] for r in labels] == [r[1] for r in mixed]
    assert sorted(r[2] for r in labels) == sorted(r[2] for r in mixed)
    assert [r[2] for r in labels] != [r[2] for r in mixed]


def write_classes(folder, n):
    """A set in the form of interaction-sim: SIX5's word, ELF1's word, or both."""
    random = np.random.default_rng(0)
    text = ""
    for kind, words in (("cls1", ["ELF1"]), ("cls2", ["SIX5"]), ("cls3", ["ELF1", "SIX5"])):
        for i in range(n):
            letters = random.choice(list("ACGT"), 60)
            for at, word in zip((3, 30), words, strict=False):
                letters[at : at + len(WORDS[word])] = list(WORDS[word])
            text += f">{kind}_{i + 1}\n{''.join(letters)}\n"
    files.write_text(folder / "interaction-sim" / "sequences.fa.gz", text)


def test_the_words_of_the_published_set_are_found_where_they_stand(tmp_path):
    write_classes(tmp_path, 60)
    planted.write_words(tmp_path, tmp_path / "set", SMALL)
    truth = read_truth(tmp_path / "set", most=15)
    for row in truth.planted:
        assert np.flatnonzero(row).tolist() == [*range(3, 15), *range(30, 47)]
    train = (tmp_path / "set" / "train.tsv").read_text().splitlines()[1:]
    test = (tmp_path / "set" / "test.tsv").read_text().splitlines()[1:]
    assert (len(train), len(test)) == (60, 29)  # a quarter of either negative, rounded down
    assert not {r.split("\t")[1] for r in train} & {r.split("\t")[1] for r in test}
    positives = [r.split("\t")[1] for r in train if r.endswith("\t1")]
    assert len(positives) == 30
    assert all(all(word in s for word in WORDS.values()) for s in positives)


def test_data_that_are_not_there_are_asked_for(tmp_path):
    with pytest.raises(InputError, match=r"sequences.fa.gz does not exist; .*--data"):
        planted.write_words(tmp_path, tmp_path / "set", SMALL)


def test_cells_are_kept_resumed_and_shown(tmp_path, few, monkeypatch):
    told: list[str] = []
    page = benchmark_attribution(None, tmp_path, size=SMALL, only="saliency", say=told.append)
    assert "saliency" in page
    assert "gradient_x_input" not in page
    for column in ("demo-cnn, random labels", "demo-cnn, random weights", "*chance*"):
        assert column in page
    cell = tmp_path / "attribution/grammar/demo-cnn/attribution/saliency.json"
    row = files.read_json(cell)
    assert row["n"] == 6
    assert f"{row['auprc']:.3f}" in page
    assert row["seconds"] > 0
    written = cell.stat().st_mtime_ns

    told.clear()
    page = benchmark_attribution(None, tmp_path, size=SMALL, say=told.append)
    assert [t.split()[0] for t in told if t.startswith("  ")] == ["gradient_x_input"] * 3
    assert cell.stat().st_mtime_ns == written
    assert all(method in page for method in CHEAP)

    files.write_json(cell, row | {"digest": "of another network"})
    told.clear()
    benchmark_attribution(None, tmp_path, size=SMALL, say=told.append)
    assert [t for t in told if t.startswith("  ")] == ["  saliency on demo-cnn"]

    def refuse(*_):
        msg = "no such thing"
        raise InputError(msg)

    cell.unlink()
    monkeypatch.setattr(METHODS["saliency"], "fn", refuse)
    page = benchmark_attribution(None, tmp_path, size=SMALL)
    assert "| saliency | refused |" in page
    assert files.read_json(cell)["refused"] == "no such thing"


def test_an_unknown_name_to_run_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match=r"No set, network or method.*Did you mean 'saliency'"):
        benchmark_attribution(None, tmp_path, only="salience")


def test_the_command_needs_no_data_for_the_simulation(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        attribution, "benchmark_attribution", lambda *a, **k: asked.append((a, k)) or "| table |"
    )
    docs = tmp_path / "table.md"
    options = ["-o", str(tmp_path), "--only", "saliency", "--docs", str(docs)]
    done = CliRunner().invoke(
        cli, ["benchmark", "attribution", *options], env={"CISGRAM_DATA": None}
    )
    assert done.exit_code == 0, done.output
    assert docs.read_text() == "| table |"
    assert asked[0][0] == (None, tmp_path)
    assert asked[0][1]["only"] == "saliency"


def test_the_table_over_both_sets_is_the_mean_of_the_networks_that_every_method_was_run_on():
    scores = {
        ("grammar", "demo-cnn"): (0.9, 0.5),
        ("interaction-sim", "demo-cnn"): (0.6, 0.7),
        ("interaction-sim", "dilated"): (0.1, None),  # left out: one method is missing
    }
    rows = [
        {"set": s, "network": n, "fitted": "labels", "method": m, "auprc": v}
        | {"recovered": ["ELF1"] if m == "a" else [], "n_planted": 2, "others": 1}
        for (s, n), values in scores.items()
        for m, v in zip(("a", "b"), values, strict=True)
        if v is not None
    ]
    lines = overall_table(rows)
    assert lines[0] == "## Over both sets, 2 networks"
    assert lines[4:6] == [
        "| a | 0.750 | 0.100 | 2 of 4 | 2 |",
        "| b | 0.600 | 0.400 | 0 of 4 | 2 |",
    ]
    assert overall_table(rows[:2]) == []


def test_networks_of_random_weights_are_explained_one_by_one_with_all_that_a_method_says(
    tmp_path, few, monkeypatch
):
    """Scores of mutagenesis are of substitutions, which decides how a base's own is read."""
    monkeypatch.setattr(attribution, "_methods", lambda: ["ism"])
    benchmark_attribution(None, tmp_path, size=SMALL)
    run = Run(tmp_path / "attribution/grammar/demo-cnn.random-weights")
    truth = read_truth(run.path.parent, most=3)
    found = attribution._explained(run, "ism", one_hot(truth.codes), torch.device("cpu"))
    card = read_card(run.member(0))
    alone = [
        METHODS["ism"].fn(attribution._drawn(card, i), one_hot(truth.codes[i : i + 1]))
        for i in range(3)
    ]
    expected = torch.cat([a.per_position for a in alone])
    assert torch.equal(found.per_position, expected)
    assert expected.abs().sum() > 0
