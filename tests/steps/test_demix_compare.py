"""Networks side by side, on neurons whose every figure is known."""

import itertools
import json
import math

import numpy as np
import pytest

from cisgram.core import config, files
from cisgram.core.errors import InputError
from cisgram.steps import compare_demixed
from cisgram.steps.demix_figures import (
    FIGURES,
    Value,
    difference,
    figures,
    median,
    rarefied,
    share,
)
from cisgram.steps.demix_matches import summary
from steps.wired_run import wired_run

ELK1, CTCF = ("MA0028.3", "ELK1"), ("MA0139.2", "CTCF")


def motif(word="CCGGAAGT", *, q=0.01, control_q=0.5, target=ELK1):
    ppm = [[1000 * (b == base) for b in word] for base in "ACGT"]
    return {"name": "m", "ppm": ppm, "q": q, "control_q": control_q, "is_specific": True,
            "target": target[0], "target_name": target[1], "n": 5}  # fmt: skip


def neuron(k, kind="read", *, r2=0.8, ratio=0.9, motifs=(), layer="conv1", **options):
    alive = kind != "dead"
    fidelity = {"r2": r2, "control_r2": 0.3, "auroc": 0.9, "control_auroc": 0.5}
    return {
        "options": {"by": "rectified", "parts": None, "start": "random", "seed": 0} | options,
        "layer": layer, "neuron": k, "width": 8, "n_kept": 10, "parts": 1,
        "diagnosis": kind, "kind": kind, "motifs": list(motifs), "leaves": [], "levels": [],
        "tree": {}, "grammar": None, "ratio": ratio if alive else None,
        "control_ratio": 0.5 if alive else None, "fidelity": fidelity if alive else None,
    }  # fmt: skip


def network(folder, found, *, database="jaspar:vertebrates", test=(0.9, 0.88, 0.92)):
    folder.mkdir()
    run = wired_run(folder)
    run.path.rename(folder / folder.name)
    run = type(run)(folder / folder.name)
    for d in found:
        files.write_text(run.path / "demix" / d["layer"] / f"{d['neuron']}.json", json.dumps(d))
    said = summary(found, database=database, max_q=0.05)
    files.write_json(run.path / "demix" / "summary.json", said)
    if test:
        value, *ends = test
        files.write_json(
            run.path / "metrics.json", {"test": {"auroc": value, "auroc_interval": ends}}
        )
    return run


def verdict(said, key):
    (own,) = [v for v in said["verdicts"] if v["figure"] == key]
    return own


@pytest.fixture
def clean(tmp_path):
    """20 neurons, all read; half have ELK1, a quarter CTCF."""
    own = [motif()], [motif(target=CTCF)], [motif()], [motif("CCGGAAGTCC", q=0.5)]
    return network(tmp_path / "clean", [neuron(k, motifs=own[k % 4]) for k in range(20)])


@pytest.fixture
def messy(tmp_path):
    """20 neurons, two of three driven by no motif; none named better than shuffled."""
    return network(
        tmp_path / "messy",
        [
            neuron(k, "no motif" if k % 3 else "read", r2=0.4, ratio=0.6,
                   motifs=[motif("CCGG", control_q=0.01)] if k % 3 == 0 else [])
            for k in range(20)
        ],
        test=(0.8, 0.78, 0.82),
    )  # fmt: skip


def test_the_cleaner_network_is_named_by_each_figure(clean, messy):
    said = compare_demixed([clean, messy])
    best = {v["figure"]: v["best"] for v in said["verdicts"]}
    assert best == {
        "test": "clean", "read": "clean", "no_motif": "clean", "ratio_gain": "clean",
        "r2_gain": "clean", "named_gain": "clean", "information": "clean", "families": "clean",
        "dead": None, "duplicate": None, "poorly_explained": None,
    }  # fmt: skip
    assert verdict(said, "read")["text"] == (
        "share of neurons that are read: clean is cleaner; clean 1.00 (0.84 to 1.00), "
        "messy 0.35 (0.18 to 0.57)"
    )
    assert "the intervals overlap" in verdict(said, "dead")["text"]
    assert said["compared"] == {"clean": "conv1", "messy": "conv1"}
    assert said["among"] == 10


def test_figures_are_those_of_the_neurons(clean, messy):
    said = compare_demixed([clean, messy])
    (row,) = said["networks"][0]["layers"]
    value = {k: v["value"] for k, v in row["figures"].items()}
    assert (value["ratio_gain"], value["r2_gain"]) == (0.4, 0.5)
    assert (row["named"], row["named_shuffled"], value["named_gain"]) == (0.75, 0, 0.75)
    assert value["information"] == 16  # three of four have eight sure letters, one ten
    assert 1.9 < value["families"] < 2  # two families, one on five of 20: rarely missed by ten
    assert (row["width"], row["channels"], row["neurons"]) == (8, 4, 20)
    other = said["networks"][1]["layers"][0]
    assert other["figures"]["named_gain"]["value"] == 0
    assert (other["named"], other["named_shuffled"]) == (0.35, 0.35)
    first = said["networks"][0]
    assert (first["depth"], first["parameters"]) == (1, 4 * 4 * 8 + 4 + 4 + 1)
    assert first["test"] == {"score": "auroc", "value": 0.9, "low": 0.88, "high": 0.92}


def test_the_table_has_a_row_a_network_and_layer(tmp_path, messy):
    found = [neuron(k) for k in range(6)] + [neuron(0, layer="output")]
    run = network(tmp_path / "two", found)
    said = compare_demixed([run, messy])
    table = run.read_table("demix/comparison.tsv")
    assert table[["network", "layer", "neurons"]].to_numpy().tolist() == [
        ["two", "conv1", 6], ["two", "output", 1], ["messy", "conv1", 20]
    ]  # fmt: skip
    assert set(FIGURES) <= set(table.columns)
    assert files.read_json(run.path / "demix" / "comparison.json") == said
    assert said["compared"]["two"] == "conv1", "the output is not a convolution"
    assert table["read_low"].iloc[2] == pytest.approx(share(7, 20).low, rel=1e-5)


def test_too_few_neurons_have_no_interval_and_no_verdict(tmp_path, messy):
    run = network(tmp_path / "few", [neuron(k, motifs=[motif()]) for k in range(3)], test=None)
    said = compare_demixed([run, messy])
    assert verdict(said, "r2_gain")["best"] is None
    assert "too few neurons for intervals" in verdict(said, "r2_gain")["text"]
    assert "not known of all" in verdict(said, "test")["text"]
    dead = network(tmp_path / "dead", [neuron(k, "dead") for k in range(8)])
    said = compare_demixed([dead, messy])
    assert said["networks"][0]["layers"][0]["figures"]["information"]["value"] is None
    assert verdict(said, "dead")["best"] == "messy"


def test_the_order_of_the_runs_changes_no_figure(clean, messy):
    one, other = compare_demixed([clean, messy]), compare_demixed([messy, clean])
    assert one["networks"] == other["networks"][::-1]
    assert [v["best"] for v in one["verdicts"]] == [v["best"] for v in other["verdicts"]]


def other_bytes(run):
    toml = run.read()
    toml["inputs"]["positives"]["sha256"] = "0" * 64
    config.write_toml(run.toml, toml)


def test_runs_of_different_data_are_refused_unless_it_is_said(clean, messy):
    other_bytes(messy)
    with pytest.raises(InputError, match=r"bytes of positives differ.*--other-data"):
        compare_demixed([clean, messy])
    assert not (clean.path / "demix" / "comparison.json").exists()
    said = compare_demixed([clean, messy], other_data=True)
    assert "may come from the data" in said["notes"][0]


def test_the_same_files_divided_otherwise_are_said(clean, messy):
    for run, text in ((clean, "name\tset\n"), (messy, "name\tset\na\ttest\n")):
        files.write_text(run.path / "data" / "split.tsv", text)
    said = compare_demixed([clean, messy])
    assert "divided otherwise" in said["notes"][0]
    files.write_text(messy.path / "data" / "split.tsv", "name\tset\n")
    assert len(compare_demixed([clean, messy])["notes"]) == 1


def test_what_cannot_be_compared_is_refused(tmp_path, clean):
    bare = wired_run(tmp_path)
    made = network(tmp_path / "made", [neuron(k, start="real") for k in range(4)])
    like = network(tmp_path / "like", [neuron(0)])
    named = network(tmp_path / "named", [neuron(0)], database="jaspar:fungi")
    for runs, options, says in (
        ([clean], {}, "Two runs or more are compared; got 1"),
        ([clean, clean], {}, "is given twice"),
        ([clean, bare], {}, "No neuron of .*RUN was demixed to its end.*'cisgram demix "),
        ([clean, made], {}, r"start random and real\), so their figures do not compare"),
        ([clean, named], {}, "another database, jaspar:vertebrates and jaspar:fungi"),
        ([clean, like], {"layer": "conv11"}, "No layer of clean named 'conv11'"),
    ):
        with pytest.raises(InputError, match=says):
            compare_demixed(runs, **options)


def test_a_layer_that_was_not_demixed_is_refused(clean, messy):
    with pytest.raises(InputError, match=r"No neuron of output of .*--layer output' first"):
        compare_demixed([clean, messy], layer="output")


def test_a_damaged_summary_is_named(clean, messy):
    files.write_text(messy.path / "demix" / "summary.json", "{}")
    with pytest.raises(InputError, match=r"summary\.json is no summary"):
        compare_demixed([clean, messy])


# figures by pencil


def test_intervals_of_shares_are_wilsons_and_newcombes():
    """81 of 263 (Newcombe 1998a, table I); 56 of 70 against 48 of 80 (1998b, table II)."""
    v = share(81, 263)
    assert (round(v.low, 4), round(v.high, 4)) == (0.2553, 0.3662)
    d = difference(share(56, 70), share(48, 80))
    assert (round(d.value, 4), round(d.low, 4), round(d.high, 4)) == (0.2, 0.0524, 0.3339)
    assert share(8, 8).high == 1
    assert share(8, 8).low < 0.7, "eight of eight are no certainty"


def test_families_among_some_neurons_are_the_mean_over_all_choices():
    own = [{"A"}, {"A", "B"}, set(), {"C"}, {"A"}, set(), {"B"}]
    for m in (1, 3, 7):
        chosen = [len(set().union(*c)) for c in itertools.combinations(own, m)]
        assert rarefied(own, m).value == pytest.approx(np.mean(chosen))
    assert math.isnan(rarefied(own, 7).low), "all of them were drawn"
    assert rarefied(own, 3).low < rarefied(own, 3).value < rarefied(own, 3).high


def test_a_median_is_drawn_with_the_motifs_of_a_neuron_together():
    """One neuron with many motifs is one vote for its interval, not many."""
    many = [[1.0]] * 5 + [[9.0] * 100]
    assert median(many, 0).value == 9
    assert median(many, 0).low == 1
    flat = [[v] for own in many for v in own]
    assert median(flat, 0).low == 9
    assert math.isnan(median([[]], 0).value)
    assert math.isnan(median([[1.0]] * 5, 0).low)


def test_a_motif_of_two_families_counts_for_both():
    found = [neuron(0, motifs=[motif()])]
    got = figures(found, max_q=0.05, among=1, family=lambda m: ("Ets", "HOX"))
    assert got["families"] == Value(2.0)
    none = figures(found, max_q=0.001, among=1, family=lambda m: ("Ets", "HOX"))
    assert none["families"].value == 0
