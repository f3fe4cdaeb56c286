"""Two runs side by side: what is paired, what cannot be, and what is said of it."""

import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file
from scipy.stats import spearmanr
from sklearn import metrics

from cisgram import report
from cisgram.core import config, files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.grammar import Evidence, Rule, Rules
from cisgram.motifs import Motif
from cisgram.report.compare_likeness import likeness
from cisgram.report.compare_pair import Pair, Verdict
from cisgram.report.compare_rules import shared_rules
from cisgram.report.compare_scores import differences
from cisgram.report.compare_settings import same_bytes
from cisgram.report.compare_shared import shared
from made_run import EVIL, make_run, tsv

COLUMNS = "name set output label score probability"
rng = np.random.default_rng(7)
LABEL = np.arange(200) % 2
WEAK = LABEL + rng.normal(0, 1.6, 200)
STRONG = LABEL + rng.normal(0, 0.3, 200)


def predicted(run, score, *, label=LABEL, output="bound", names=None, part="test"):
    """Replace ``predictions.tsv`` by these."""
    names = [f"s{i}" for i in range(len(score))] if names is None else names
    rows = [
        (n, part, output, y, f"{v:.6g}", f"{1 / (1 + np.exp(-v)):.6g}")
        for n, y, v in zip(names, label, score, strict=True)
    ]
    tsv(run.path / "predictions.tsv", COLUMNS, rows)


@pytest.fixture
def two(tmp_path):
    """Two made-up runs, ``a`` and ``b``, of the same data."""
    return Pair(make_run(tmp_path / "a"), make_run(tmp_path / "b"))


def test_the_difference_is_that_of_the_scores_and_is_signed(two):
    predicted(two.first, WEAK)
    predicted(two.second, STRONG)
    auroc, auprc = differences(shared(two))
    wanted = [metrics.roc_auc_score(LABEL, s) for s in (WEAK, STRONG)]
    assert [c["value"] for c in auroc["cells"]] == pytest.approx(wanted, abs=1e-4)
    assert auroc["verdict"].value == pytest.approx(wanted[0] - wanted[1], abs=1e-4)
    assert auroc["verdict"].high < 0
    assert auroc["verdict"].said(two.names) == "b higher"
    wanted = [metrics.average_precision_score(LABEL, s) for s in (WEAK, STRONG)]
    assert auprc["verdict"].value == pytest.approx(wanted[0] - wanted[1], abs=1e-4)


def test_the_same_resamples_leave_no_difference_between_equal_predictions(two):
    predicted(two.first, WEAK)
    predicted(two.second, 3 * WEAK + 1)  # another scale, the same order
    for row in differences(shared(two)):
        assert (row["verdict"].value, row["verdict"].low, row["verdict"].high) == (0, 0, 0)
        assert row["verdict"].said(two.names) == "not told apart"
        assert row["cells"][0]["low"] < row["cells"][0]["value"] < row["cells"][0]["high"]


def test_a_paired_interval_covers_less_than_the_two_alone(two):
    """Noise that both predictions share makes both scores uncertain, not their difference."""
    predicted(two.first, WEAK)
    predicted(two.second, WEAK + np.random.default_rng(0).normal(0, 0.2, 200))
    auroc = differences(shared(two))[0]
    alone = [c["high"] - c["low"] for c in auroc["cells"]]
    assert auroc["verdict"].high - auroc["verdict"].low < min(alone) / 2


def test_another_seed_moves_the_interval_and_not_the_difference(two):
    predicted(two.first, WEAK)
    predicted(two.second, STRONG)
    first, again, other = (differences(shared(two), seed=s)[0]["verdict"] for s in (0, 0, 1))
    assert first == again
    assert first.value == other.value
    assert (first.low, first.high) != (other.low, other.high)


def test_an_interval_that_holds_zero_names_nobody():
    names = ("a", "b")
    assert Verdict(0.1, -0.01, 0.2).said(names) == "not told apart"
    assert Verdict(0.1, 0.0, 0.2).said(names) == "not told apart"
    assert Verdict(0.1, np.nan, np.nan).said(names) == "not told apart"
    assert Verdict(0.1, 0.05, 0.2).said(names) == "a higher"


def test_only_sequences_with_one_name_and_one_label_are_paired(two):
    predicted(two.first, WEAK)
    names = [f"s{i}" for i in range(150)] + [f"t{i}" for i in range(48)] + ["s149x", "s149x"]
    other = LABEL.copy()
    other[:5] = 1 - other[:5]
    predicted(two.second, STRONG, label=other, names=names)
    both = shared(two)
    assert len(both.names) == 145
    assert "only the 145 sequences" in both.notes[0].lower()
    assert "5 have another label" in both.notes[1]


def test_regression_is_paired_by_its_correlations(two):
    y = rng.normal(size=200)
    for run, noise in zip(two, (1.0, 0.2), strict=True):
        predicted(run, y + rng.normal(0, noise, 200), label=[f"{v:.5f}" for v in y])
    rows = differences(shared(two))
    assert [r["score"] for r in rows] == ["pearson", "spearman"]
    assert all(r["verdict"].said(two.names) == "b higher" for r in rows)


def test_several_outputs_are_paired_by_name_and_in_the_mean(two):
    for run, score in zip(two, (WEAK, STRONG), strict=True):
        rows = [
            (f"s{i}", "test", output, y, f"{v:.5g}", "")
            for output, labels in (("K562", LABEL), ("HepG2", 1 - LABEL))
            for i, (y, v) in enumerate(zip(labels, score if output == "K562" else -score,
                                           strict=True))
        ]  # fmt: skip
        tsv(run.path / "predictions.tsv", COLUMNS, rows)
    rows = [r for r in differences(shared(two)) if r["score"] == "auroc"]
    assert [r["output"] for r in rows] == ["mean", "K562", "HepG2"]
    values = [r["verdict"].value for r in rows]
    assert values[0] == pytest.approx(np.mean(values[1:]))


def test_other_outputs_cannot_be_paired_and_the_page_says_so(two, opened):
    predicted(two.first, WEAK)
    predicted(two.second, STRONG, output="activity")
    said = opened(report.write_comparison(*two)).said
    assert "Not paired. The runs predict other outputs: bound; activity." in said
    assert "Sequence by sequence" not in said.split("Training")[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda run: (run.path / "predictions.tsv").unlink(), "b holds no predictions.tsv"),
        (lambda run: predicted(run, WEAK, names=[f"x{i}" for i in range(200)]), "too few to pair"),
        (lambda run: predicted(run, WEAK, part="train"), "no held-out set of one kind"),
    ],
)
def test_what_cannot_be_paired_is_said(two, change, says):
    change(two.second)
    assert says in shared(two)


def test_a_moved_file_is_the_same_and_a_changed_one_is_not(two, opened):
    value = config.read_toml(two.second.toml)
    value["inputs"]["positives"]["path"] = "elsewhere/other-name.seq.gz"
    value["inputs"]["test"]["sha256"] = "77" * 32
    value["settings"]["train"]["lr"] = 0.0010001
    del value["settings"]["data"]["k"]
    config.write_toml(two.second.toml, value)
    assert same_bytes(two, "positives") is True
    assert same_bytes(two, "test") is False
    path = report.write_comparison(*two)
    tables = path.with_suffix("")
    rows = pd.read_csv(tables / "differences.settings.tsv", sep="\t", dtype=str)
    assert rows.values.tolist() == [["data.k", "2", "–"], ["train.lr", "0.001", "0.0010001"]]
    inputs = pd.read_csv(tables / "differences.inputs.tsv", sep="\t")
    assert inputs["same"].tolist() == ["same bytes", "other bytes"]
    said = opened(path).said
    assert "differ in data.k, train.lr; other data: test." in said
    assert "taken on trust" in said


def word(letters, name):
    return Motif(np.eye(4)[["ACGT".index(c) for c in letters]].T * 0.94 + 0.015, name)


WORDS = ("CCGGAAGTGA", "TTGACATTCA", "GGGCGGGGCC", "AATCGTTCAG", "CACGTGACCA", "TGACTCAGCA")
KNOWN = [word("".join(rng.permutation(list(w * 2))[:10]), f"k{i}") for i, w in
         enumerate(WORDS * 12)]  # fmt: skip


def test_planted_motifs_are_shared_and_others_private():
    first = [word(w, f"f{i}") for i, w in enumerate(WORDS[:4])]
    second = [word(WORDS[0], "x"), word(WORDS[2], "y").reverse_complement(), word(WORDS[5], "z")]
    found = likeness(first, second, KNOWN)
    assert {(m.first, m.second, m.strand) for m in found.pairs} == {(0, 0, "+"), (2, 1, "-")}
    assert found.private == ([1, 3], [2])


def test_shuffled_columns_say_how_many_would_be_shared_by_chance():
    first = [word(w, w) for w in (WORDS[1], WORDS[3], WORDS[5])]
    assert likeness(first, first, KNOWN).control == 0
    even = [word("A" * 10, "a"), word("C" * 10, "c")]  # whose order says nothing
    assert likeness(even, even, KNOWN).control == 2


def test_a_second_copy_is_no_second_pair():
    first = [word(WORDS[0], "a"), word(WORDS[0], "copy")]
    found = likeness(first, [word(WORDS[0], "x")], KNOWN)
    assert len(found.pairs) == 1
    assert found.further == ([1], [])
    assert found.private == ([], [])


def test_what_is_shared_is_the_same_from_either_side():
    first = [word(w, f"f{i}") for i, w in enumerate(WORDS[:4])]
    second = [word(w, f"s{i}") for i, w in enumerate(WORDS[2:])]
    one, other = likeness(first, second, KNOWN), likeness(second, first, KNOWN)
    assert {(m.first, m.second) for m in one.pairs} == {(m.second, m.first) for m in other.pairs}


def test_without_motifs_nothing_is_shared():
    found = likeness([word(WORDS[0], "a")], [])
    assert found.pairs == []
    assert found.private == ([0], [])


def test_the_motifs_of_one_run_are_those_of_its_copy(two):
    path = report.write_comparison(*two)
    rows = pd.read_csv(path.with_suffix("") / "motifs.motifs.tsv", sep="\t")
    shared_ones = rows[rows["kind"] == "shared"]
    assert len(shared_ones) == 3
    assert (shared_ones["first"] == shared_ones["second"]).all()
    assert set(rows["kind"]) == {"shared"}, "the flat one takes no part"
    names = pd.read_csv(path.with_suffix("") / "motifs.motif-names.tsv", sep="\t")
    assert set(names["in"]) == {"both"}
    html = path.read_text()
    assert html.count('<div class="logo">') == 3
    assert html.count('<div class="logo target">') == 3


def rescored(run, method, change):
    path = run.path / "explain" / method / "values.safetensors"
    arrays = load_file(path)
    arrays["values"] = np.ascontiguousarray(change(arrays["values"]), dtype=np.float32)
    save_file(arrays, path)


def test_explanations_are_compared_sequence_by_sequence(two):
    noise = np.random.default_rng(3).normal(0, 0.2, (60, 4, 200))
    rescored(two.second, "saliency", lambda v: v + noise)
    path = report.write_comparison(*two)
    table = pd.read_csv(path.with_suffix("") / "explanations.explanations.tsv", sep="\t")
    by = table.set_index("method")
    assert by.loc["ism", "correlation"] == pytest.approx(1)
    assert by.loc["saliency", "correlation"] < 0.6
    rows = pd.read_csv(path.with_suffix("") / "explanations.explained-sequences.tsv", sep="\t")
    (mine,) = rows[(rows["method"] == "saliency") & (rows["name"] == "peak_3")]["correlation"]
    a, b = (load_file(r.path / "explain" / "saliency" / "values.safetensors") for r in two)
    scores = [(v["values"][3] * v["x"][3]).sum(0)[v["x"][3].any(0)] for v in (a, b)]
    assert mine == pytest.approx(spearmanr(*scores).statistic, abs=1e-5)


def test_sequences_of_one_name_and_other_bases_are_not_compared(two, opened):
    for method in ("ism", "saliency"):
        path = two.second.path / "explain" / method / "values.safetensors"
        arrays = load_file(path)
        arrays["x"] = np.ascontiguousarray(arrays["x"][:, ::-1])
        save_file(arrays, path)
    assert "no sequence was explained in both runs" in opened(report.write_comparison(*two)).said


def test_explanations_of_other_outputs_are_not_compared(two, opened):
    path = two.second.path / "explain" / "ism" / "options.toml"
    config.write_toml(path, {**config.read_toml(path), "target": 1})
    said = opened(report.write_comparison(*two)).said
    assert "In-silico mutagenesis: the runs explain other outputs with it (0; 1)." in said


def rule(kind, *motifs, effect=1.0):
    found = Evidence(effect, effect - 0.2, effect + 0.2, 1e-9, 1e-8, 100, "output", 0.0, True)
    return Rule(kind, motifs, "++" if len(motifs) > 1 else "", model=found)


def test_rules_are_shared_by_kind_and_known_motifs(two):
    first = [rule("synergy", "ELK1/filter_3", "CTCF/filter_9"), rule("negation", "filter_5"),
             rule("negation", "USF1/filter_1")]  # fmt: skip
    second = [rule("synergy", "CTCF/filter_70", "ELK1/filter_1"), rule("negation", "filter_5")]
    for run, rules in zip(two, (first, second), strict=True):
        facts = {"motifs": {m: 9 for r in rules for m in r.motifs}}
        files.write_json(run.path / "grammar" / "rules.json", Rules(tuple(rules), facts).to_json())
    table = shared_rules(two).tables["rules"]
    assert table["in"].tolist() == ["shared", "first", "first", "second"]
    assert table["kind"].tolist() == ["synergy", "negation", "negation", "negation"]
    private = table[table["first_rule"] == "USF1/filter_1"]
    assert private["second_note"].tolist() == ["not looked for: no motif USF1"]


def flags(run, **raised):
    rows = [("p", n, r, "", "", "", "rule", f"{n} said", "f") for n, r in raised.items()]
    columns = "part name raised value low high rule said file"
    tsv(run.path / "trust" / "flags.tsv", columns, rows)


def test_verdicts_on_which_the_runs_differ_come_first(two):
    flags(two.first, chance="no", leak="yes", shortcut="no")
    flags(two.second, chance="no", leak="yes", shortcut="yes")
    path = report.write_comparison(*two)
    rows = pd.read_csv(path.with_suffix("") / "trust.trust.tsv", sep="\t")
    assert rows["danger"].tolist() == ["shortcut", "leak", "chance"]
    assert rows.loc[0, ["first", "second"]].tolist() == ["not found", "found"]


def test_runs_that_have_nothing_in_common_make_a_page(tmp_path, opened):
    first = make_run(tmp_path / "a", length=120)
    second = make_run(tmp_path / "b", name="other", seed=5)
    for name in ("explain", "motifs", "history.tsv", "metrics.json"):
        path = second.path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    models = (
        {"name": "demo-cnn", "task": "classification", "length": 120},
        {"name": "bpnet", "task": "counts", "length": 2114},
    )
    for run, model in zip((first, second), models, strict=True):
        config.write_toml(run.path / "model" / "model.toml", model)
    said = opened(report.write_comparison(first, second)).said
    assert "The models are for other tasks (classification; counts)." in said
    assert "for sequences of other lengths (120; 2114)" in said
    assert "First-layer filters: nothing to compare, b has none." in said
    assert "b holds no history of its training." in said
    assert "To add it: cisgram explain ism RUN" in said


def test_nothing_is_written_into_the_second_run(two):
    before = sorted(str(p) for p in two.second.path.rglob("*"))
    path = report.write_comparison(*two)
    assert path == two.first.path / "compare-b.html"
    assert sorted(str(p) for p in two.second.path.rglob("*")) == before


def test_a_run_is_not_compared_with_itself(two):
    with pytest.raises(InputError, match="with itself"):
        report.compare_page(two.first, Run(two.first.path / ".." / "a"))


def test_a_folder_that_is_no_run_and_a_name_that_is_no_page_are_refused(two, tmp_path):
    with pytest.raises(InputError, match="not a run"):
        report.compare_page(two.first, Run(tmp_path))
    with pytest.raises(InputError, match=r"ends in \.html"):
        report.write_comparison(*two, tmp_path / "page.txt")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", '{"test": [1]}'),
        ("predictions.tsv", "name\tset\n"),
        ("history.tsv", ""),
        ("motifs/filters.meme", "nothing"),
        ("explain/ism/names.tsv", "name\nonly_one\n"),
        ("grammar/rules.json", '{"format": "cisgram rules 1"}'),
        ("trust/flags.tsv", "name\n"),
    ],
)
def test_a_broken_file_is_named(two, name, content):
    path = two.second.path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        report.write_comparison(*two)
    named = path.with_name("values.safetensors") if path.name == "names.tsv" else path
    assert str(named) in str(caught.value)
    assert not (two.first.path / "compare-b.html").exists()


def test_names_are_told_apart_by_as_much_of_the_path_as_it_takes(tmp_path):
    pair = Pair(Run(tmp_path / "one" / "RUN"), Run(tmp_path / "two" / "RUN"))
    assert pair.names == ("one/RUN", "two/RUN")
    assert Pair(Run(tmp_path / "a"), Run(tmp_path / "b")).names == ("a", "b")


def test_names_from_files_never_become_elements(tmp_path, opened):
    runs = [make_run(tmp_path / name, n=20, evil=True) for name in ("a", "b")]
    for run in runs:
        flags(run, **{f"leak{EVIL}": "yes"})
    page = opened(report.write_comparison(*runs))
    assert "img" not in page.tags
    assert page.tags.count("script") == 1
    assert not [k for k, _ in page.attributes if k.startswith("on") or k == "style"]
    assert page.said.count("<img src=x onerror=alert(1)>") > 8, "the names are shown, as text"


def test_every_table_of_the_page_has_a_caption_and_every_number_a_file(two, opened):
    path = report.write_comparison(*two)
    page = opened(path)
    assert page.tags.count("table") == page.tags.count("caption") > 5
    written = {p.stem for p in Path(path.with_suffix("")).glob("*.tsv")}
    assert written == {
        "differences.settings", "differences.inputs", "differences.models", "scores.scores",
        "scores.differences", "predictions.agreement", "predictions.disagreements",
        "training.training", "motifs.motifs", "motifs.motif-names", "explanations.explanations",
        "explanations.explained-sequences",
    }  # fmt: skip


def test_a_page_that_is_served_has_its_block_and_may_ask_its_server(two):
    mailed, live = report.compare_page(*two), report.compare_page(*two, live={"runs": ["</s>"]})
    assert 'id="live"' not in mailed
    assert "connect-src" not in mailed
    assert '<script type="application/json" id="live">' in live
    assert "connect-src 'self'" in unescape(live)
    assert "</s>" not in live.split('id="live">')[1][:60]


def test_a_served_page_leads_to_the_pages_of_its_runs(two, opened):
    predicted(two.first, WEAK)
    predicted(two.second, STRONG)
    live = {"run": "a b", "second": "c", "runs": []}
    hrefs = re.findall(r'href="(/runs/[^"]*)"', report.compare_page(*two, live=live))
    assert hrefs[:2] == ["/runs/a%20b/", "/runs/c/"]
    found = {unescape(h) for h in hrefs}
    assert any(h.startswith("/runs/a%20b/#sequences?name=s") for h in found)
    assert any(h.startswith("/runs/c/#sequences?name=s") for h in found)
    assert "/runs/" not in report.compare_page(*two)
