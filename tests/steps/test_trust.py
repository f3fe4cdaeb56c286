"""The trust step on a good network, on one that learned GC alone, and on what it must refuse."""

import json

import numpy as np
import pytest

import planted
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.seq.alphabet import from_codes
from cisgram.steps import resolve, train_run, trust_run
from cisgram.steps import trust as step

FIRST, SECOND, GAP = (1, 0, 1, 2, 3, 2), (2, 0, 3, 0, 0, 2), 4  # CACGTG, GATAAG
LENGTH = 50


def spaced(n, *, seed=0):
    """Two words in every sequence: 4 bp apart in positives, further in negatives.

    No word of 6 letters tells them apart, nor does composition, nor one known motif.
    """
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (n, LENGTH)).astype(np.uint8)
    for row in range(n):
        gap = GAP if row % 2 else int(random.integers(GAP + 3, 26))
        at = int(random.integers(0, LENGTH - 12 - gap + 1))
        codes[row, at : at + 6] = FIRST
        codes[row, at + 6 + gap : at + 12 + gap] = SECOND
    return codes


def gc_only(n, *, seed=0):
    """Positives have 58 % GC, negatives 42 %, and there is nothing else."""
    random = np.random.default_rng(seed)
    strong = random.random((n, LENGTH)) < np.where(np.arange(n) % 2, 0.58, 0.42)[:, None]
    coin = random.integers(0, 2, (n, LENGTH))
    return np.where(strong, 1 + coin, 3 * coin).astype(np.uint8)


def trained(folder, codes, *, measured=None, **train):
    """A run of a small DeepBind on these sequences."""
    labels = np.arange(len(codes)) % 2 if measured is None else measured
    named = enumerate(zip(from_codes(codes), labels, strict=True))
    rows = [f"s{i}\t{s}\t{y}\n" for i, (s, y) in named]
    folder.mkdir(exist_ok=True)
    (folder / "a.tsv").write_text("name\tsequence\tbound\n" + "".join(rows))
    (folder / "m.meme").write_text(MEME)
    settings = resolve(
        {
            "data": {
                "positives": str(folder / "a.tsv"),
                "label_columns": ["bound"],
                "reverse_complement": False,
                **train.pop("data", {}),
            },
            "model": {"name": "deepbind", "options": {"detectors": 12, "width": 18, "hidden": 16}},
            "train": {"epochs": 12, "batch_size": 32, "learning_rate": 5e-3, "min_rows": 1} | train,
            "explain": {"methods": ["gradient_x_input", "deep_lift"]},
            "motifs": {"database": str(folder / "m.meme")},
        }
    )
    run = Run(folder / "RUN")
    train_run(run, settings, device="cpu")
    return run


MEME = """MEME version 4

ALPHABET= ACGT

MOTIF first CACGTG
letter-probability matrix: alength= 4 w= 6
0 1 0 0
1 0 0 0
0 1 0 0
0 0 1 0
0 0 0 1
0 0 1 0

MOTIF second GATAAG
letter-probability matrix: alength= 4 w= 6
0 0 1 0
1 0 0 0
0 0 0 1
1 0 0 0
1 0 0 0
0 0 1 0
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    run = trained(tmp_path_factory.mktemp("good"), spaced(2400), data={"test_fraction": 0.2})
    return run, trust_run(run, sequences=6, device="cpu")


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    run = trained(
        tmp_path_factory.mktemp("bad"), gc_only(900), epochs=5, seeds=2,
        data={"test_fraction": 0.3},
    )  # fmt: skip
    return run, trust_run(run, sequences=6, device="cpu")


def raised(summary):
    return {f["name"]: f["raised"] for f in summary["flags"]}


def test_a_network_that_learned_gc_alone_is_called_out_by_name(bad):
    flags = raised(bad[1])
    assert flags["no better than chance"] is False
    assert flags["GC shortcut"] is True
    assert flags["k-mer baseline reaches the network"] is True
    assert flags["leak"] is False


def test_a_network_that_learned_the_spacing_of_two_words_is_not(good):
    run, summary = good
    flags = raised(summary)
    said = "\n".join(f["said"] for f in summary["flags"])
    for name in (
        "no better than chance",
        "GC shortcut",
        "repeat shortcut",
        "composition shortcut",
        "k-mer baseline reaches the network",
        "one motif explains it",
        "leak",
        "unfaithful: deep_lift",
        "blind to the weights: deep_lift",
    ):
        assert flags[name] is False, said
    table = run.read_table("trust/baselines.tsv").set_index("predictor")
    assert table.loc["network", "auroc"] > table.loc["k-mers", "auroc"] + 0.05


def test_every_number_that_is_said_stands_in_the_file_that_is_named(good, bad):
    for run, summary in (good, bad):
        table = run.read_table("trust/flags.tsv")
        assert table["name"].tolist() == [f["name"] for f in summary["flags"]]
        assert set(table["raised"]) <= {"yes", "no", "not judged"}
        for row in table.itertuples():
            if not np.isfinite(row.value):
                continue
            path = run.path / row.file
            assert path.is_file(), row.file
            if row.name == "leak":
                assert len(run.read_table(row.file)) == 0
                continue
            if row.name == "unstable motifs":
                continue
            held = run.read_table(row.file).select_dtypes("number").to_numpy()
            assert np.isclose(held, row.value, rtol=1e-4, atol=1e-6).any(), row.name


def test_the_network_is_scored_as_by_the_training_step(good):
    run, _ = good
    scored = json.loads((run.path / "metrics.json").read_text())["test"]
    network = run.read_table("trust/baselines.tsv").iloc[0]
    assert network["auroc"] == pytest.approx(scored["auroc"], abs=1e-5)
    assert network["auprc"] == pytest.approx(scored["auprc"], abs=1e-5)
    table = run.read_table("trust/calibration.tsv").set_index("measure")["value"]
    assert table["brier"] == pytest.approx(scored["brier"], abs=1e-5)


def test_the_curves_begin_at_the_sequences_and_end_at_their_shuffles(good):
    curves = good[0].read_table("trust/curves.tsv")
    assert curves["share"].iloc[[0, -1]].tolist() == [0, 1]
    ends = curves.iloc[[0, -1]]
    for name in ("deep_lift", "gradient_x_input", "random"):
        a, b = ends[f"{name}_deletion"]
        assert ends[f"{name}_insertion"].tolist() == pytest.approx([b, a], rel=1e-4, abs=1e-4)
    areas = good[0].read_table("trust/faithfulness.tsv").set_index("method")
    assert (areas["deletion"] > 0).all()
    size = good[0].read_table("trust/sensitivity.tsv")
    assert set(size["method"]) == {"deep_lift", "gradient_x_input"}
    assert sorted(set(size["size"])) == [1, 2, 4, 8, 16]


def test_two_members_are_compared_and_one_is_not_judged(good, bad):
    assert raised(good[1])["unstable over seeds"] is None
    table = bad[0].read_table("trust/stability.tsv")
    assert table["what"].tolist()[:2] == ["predictions", "gradient_x_input"]
    assert "references of DeepLIFT" in set(table["what"])
    assert raised(bad[1])["unstable: predictions"] is False


def test_parts_that_are_done_are_kept_and_others_are_done_again(good, monkeypatch):
    run, summary = good
    heard: list[str] = []
    assert trust_run(run, sequences=6, device="cpu", say=heard.append) == summary
    assert heard == [f"{name}: kept" for name in step.PARTS]
    (run.path / "trust" / "reliability.tsv").unlink()
    monkeypatch.setattr(step, "PARTS", {"calibration": step.PARTS["calibration"]})
    heard.clear()
    trust_run(run, sequences=6, device="cpu", say=heard.append)
    assert "calibration: kept" not in heard
    assert (run.path / "trust" / "reliability.tsv").is_file()
    record = files.read_json(run.path / "trust" / "calibration.json")
    assert trust_run(run, sequences=7, seed=1, device="cpu")["seed"] == 1
    assert files.read_json(run.path / "trust" / "calibration.json")["digest"] != record["digest"]


def test_a_network_of_random_labels_knows_no_label_and_is_compared(bad):
    run, before = bad
    summary = trust_run(run, sequences=6, random_labels=True, device="cpu")
    # GC is all that varies, so mixed labels may teach it with any sign; seed 0 gives the wrong one
    assert summary["random-labels"]["test_score_of_random_labels"] < 0.7
    table = run.read_table("trust/random-labels.tsv")
    assert table["method"].tolist() == ["gradient_x_input", "deep_lift"]
    flags = raised(summary)
    assert flags.keys() - raised(before).keys() == {
        "blind to the labels: gradient_x_input",
        "blind to the labels: deep_lift",
    }
    kept = trust_run(run, sequences=6, device="cpu")  # what was asked for once stays
    assert kept == summary


def test_a_regression_has_intervals_instead_of_calibration(tmp_path, monkeypatch):
    monkeypatch.setattr(step, "PARTS", {k: step.PARTS[k] for k in ("shortcuts", "calibration")})
    codes = gc_only(300)
    measured = ((codes == 1) | (codes == 2)).mean(1) + np.random.default_rng(0).normal(0, 0.01, 300)
    run = trained(tmp_path, codes, measured=measured, epochs=4, data={"test_fraction": 0.3})
    summary = trust_run(run, device="cpu")
    assert "badly calibrated" not in raised(summary)
    assert "intervals too narrow" in raised(summary)
    assert not (run.path / "trust" / "reliability.tsv").exists()
    conformal = run.read_table("trust/conformal.tsv")
    assert conformal["level"].tolist() == [0.8, 0.9, 0.95]
    assert conformal["size"].is_monotonic_increasing


def test_a_run_without_test_set_or_model_is_refused(tmp_path):
    run = trained(tmp_path, planted.codes(80), epochs=1, data={"test_fraction": 0.0})
    with pytest.raises(InputError, match=r"has no test set.*Train with one"):
        trust_run(run, device="cpu")
    with pytest.raises(InputError, match="sequences must be at least 1"):
        trust_run(run, sequences=0)
    (run.member(0) / "model.toml").unlink()
    with pytest.raises(InputError, match=r"model.toml"):
        trust_run(run, device="cpu")
    with pytest.raises(InputError, match="not a run"):
        trust_run(Run(tmp_path / "nowhere"))
