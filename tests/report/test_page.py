import base64
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

import cisgram.report.sections
from cisgram import report
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.motifs import Motif
from cisgram.motifs.glyphs import COLORS
from cisgram.report import SECTIONS
from cisgram.report.matches import aligned, sources
from cisgram.report.references import REFERENCES
from cisgram.report.sections.summary import _score
from cisgram.report.style import PARTS, style
from cisgram.report.text import environment

HOME = Path(report.__file__).parent


def test_every_section_file_is_exported_and_registered():
    there = {p.stem for p in (HOME / "sections").glob("*.py")} - {"__init__"}
    assert there == set(cisgram.report.sections.__all__) == set(SECTIONS)


def test_a_run_without_results_gives_a_page_that_names_the_missing_steps(new_run, opened):
    run = new_run()
    for name in ("metrics.json", "predictions.tsv", "history.tsv"):
        (run.path / name).unlink()
    for name in ("explain", "motifs", "data"):
        (run.path / name).rename(run.path.parent / name)
    said = opened(report.write(run)).said
    for step in ("cisgram train", "cisgram evaluate RUN", "cisgram motifs RUN", "cisgram explain"):
        assert f"To add it: {step}" in said
    assert "has not been evaluated yet" in said


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a run"):
        report.write(tmp_path)


def test_the_policy_allows_exactly_the_script_and_the_style_of_the_page(new_run, opened):
    page = opened(report.write(new_run()))
    policy = next(v for k, v in page.attributes if k == "content" and "default-src" in v)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for source, text in (("script-src", page.scripts[-1]), ("style-src", page.styles[0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{source} 'sha256-{digest}'" in policy
    assert len(page.styles) == 1
    assert len(page.scripts) == 2  # the data block and the script
    assert not [a for a in page.attributes if a[0] == "style"], (
        "the policy forbids style attributes"
    )


def test_the_page_names_no_other_address(new_run):
    text = report.write(new_run()).read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<>)`]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_names_from_files_never_become_elements(new_run, opened):
    bad = opened(report.write(new_run(n=12, evil=True)))
    assert not [k for k, _ in bad.attributes if k.startswith("on")]
    assert "img" not in bad.tags
    assert bad.tags.count("script") == 2
    assert "<img src=x onerror=alert(1)>" in bad.said, "the name itself is shown, as text"
    assert bad.payload["rows"][0][0].startswith("peak_")


def test_letters_and_colors_are_those_of_the_motif_logos():
    sheet = style()
    for base in "ACGT":
        assert f"--{base}: {COLORS[base]};" in sheet
        assert f'[fill="{COLORS[base]}"] {{ fill: var(--{base}); }}' in sheet


def test_every_style_sheet_of_the_room_is_part_of_a_page():
    assert {f"{name}.css" for name in PARTS} == {p.name for p in HOME.glob("*.css")}


def test_everything_registered_has_a_reference():
    from cisgram.explain import METHODS
    from cisgram.models import MODELS

    keys = {e.facts["cite"] for registry in (METHODS, MODELS) for e in registry.values()}
    assert keys <= set(REFERENCES)


def test_learned_and_known_motif_stand_in_one_frame(new_run):
    run = new_run()
    from cisgram import motifs

    known = {m.id: m for m in motifs.jaspar()}
    checked = 0
    for learned in sources(run)[0].motifs:
        if not learned.is_match:
            continue
        best = learned.matches[0]
        left, right = aligned(
            learned.motif,
            known[best["target_id"]],
            offset=int(best["offset"]),
            strand=best["strand"],
        )
        assert left.width == right.width
        both = (left.information > 0.05) & (right.information > 0.05)
        assert both.sum() >= 5
        together = np.corrcoef(left.ppm[:, both].ravel(), right.ppm[:, both].ravel())[0, 1]
        assert together > 0.99
        checked += 1
    assert checked == 3


def test_a_known_motif_keeps_its_own_orientation():
    target = Motif(np.eye(4)[:, [0, 0, 1, 3]], "t")  # AACT
    query = target.reverse_complement()
    left, right = aligned(query, target, offset=0, strand="-")
    assert right.consensus == left.consensus == "AACT"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("metrics.json", '{"test": ', "is not JSON"),
        ("metrics.json", "[1]", "must hold names and values"),
        ("predictions.tsv", "name\tset\n", "must have the columns"),
        ("history.tsv", "", "not a tab-separated table"),
        ("data/leaks.tsv", 'first\tsecond\n"unclosed\tx', "not a tab-separated table"),
        ("motifs/filters.matches.tsv", "motif\n", "must have the columns"),
        ("explain/ism/names.tsv", "name\nonly_one\n", "with n = 1 as in names.tsv"),
        ("explain/ism/values.safetensors", "nothing", "cannot be read"),
    ],
)
def test_a_broken_file_is_named(new_run, name, content, says):
    run = new_run(n=4)
    (run.path / name).write_text(content)
    with pytest.raises(InputError, match=says) as caught:
        report.write(run)
    assert Path(name).name in str(caught.value)
    assert not run.report.exists()


def test_the_summary_says_what_was_tested_and_learned(new_run, opened):
    said = opened(report.write(new_run())).said
    assert "Tested on 1,000 sequences never seen in training" in said
    assert "AUROC 0.965 (95 % interval 0.953–0.975)" in said
    assert "96.5 % of the time" in said
    assert "3 of 4 motifs match a known one (q < 0.05)" in said
    assert "Caution" not in said


def test_a_match_of_a_flat_motif_is_no_match(new_run, opened):
    run = new_run()
    path = run.path / "motifs" / "filters.matches.tsv"
    rows = path.read_text() + "filter_9\tMA0139.2\tCTCF\t0\t0\t1e-30\t0\t10\t+\n"
    path.write_text(rows)
    said = opened(report.write(run)).said
    assert "3 of 4 motifs match a known one (q < 0.05); the strongest: ELK1 (q = 10⁻⁷)" in said
    assert said.count("too flat to be named") == 1
    assert "of which 3 match a known motif at q < 0.05" in said


def test_the_settings_say_what_counts_as_a_match(new_run, opened):
    run = new_run()
    run.toml.write_text(run.toml.read_text() + "\n[settings.motifs]\nmax_q = 3e-7\n")
    said = opened(report.write(run)).said
    assert "1 of 4 motifs matches a known one (q < 3e-07)" in said
    assert "of which 1 matches a known motif at q < 3e-07" in said


def changed_metrics(run, **changes):
    metrics = files.read_json(run.path / "metrics.json")
    metrics["test"] |= changes
    files.write_json(run.path / "metrics.json", metrics)


def test_the_summary_warns_of_chance_of_bad_calibration_and_of_leaks(new_run, opened):
    run = new_run()
    changed_metrics(run, auroc=0.52, auroc_interval=[0.48, 0.56], brier=0.3)
    path = run.path / "data" / "leaks.tsv"
    path.write_text(path.read_text().replace("dropped from train", "kept"))
    said = opened(report.write(run)).said
    assert "cannot be told from chance" in said
    assert "badly calibrated" in said
    assert "3 pairs of the same or nearly the same sequence stayed" in said


def test_validation_figures_are_not_sold_as_a_test(new_run, opened):
    run = new_run()
    metrics = files.read_json(run.path / "metrics.json")
    del metrics["test"]
    files.write_json(run.path / "metrics.json", metrics)
    said = opened(report.write(run)).said
    assert "No test set was held out." in said
    assert "somewhat too good" in said


def test_empty_scores_are_dashes(new_run, opened):
    run = new_run()
    changed_metrics(run, auroc=None, auroc_interval=[None, None], brier=None, calibration=[])
    said = opened(report.write(run)).said
    assert "no score could be computed" in said


def test_regression_is_drawn_as_measured_against_predicted(new_run, opened):
    run = new_run()
    scored = {
        "n": 40,
        "pearson": 0.81,
        "pearson_interval": [0.7, 0.9],
        "spearman": 0.8,
        "mse": 0.2,
        "r2": 0.6,
    }
    files.write_json(run.path / "metrics.json", {"test": scored})
    rows = [f"s{i}\ttest\tactivity\t{i / 7:.3f}\t{i / 7 + 0.1:.3f}\t" for i in range(40)]
    text = "\n".join(["name\tset\toutput\tlabel\tscore\tprobability", *rows])
    (run.path / "predictions.tsv").write_text(text + "\n")
    page = opened(report.write(run))
    assert "r = 0.810 (95 % interval 0.700–0.900)" in page.said
    assert "Predicted and measured" in page.said
    assert "ROC curve" not in page.said


def test_several_outputs_are_each_named_and_drawn(new_run, opened):
    run = new_run()
    rng = np.random.default_rng(0)
    names = ["K562", "</title><b>"]
    rows = [
        f"s{i}\ttest\t{names[o]}\t{i % 2}\t{rng.normal(i % 2 * (o + 1)):.4f}\t0.5"
        for i in range(80)
        for o in range(2)
    ]
    text = "\n".join(["name\tset\toutput\tlabel\tscore\tprobability", *rows])
    (run.path / "predictions.tsv").write_text(text + "\n")
    test = files.read_json(run.path / "metrics.json")["test"]
    test["per_output"] = [{**test["per_output"][0], "output": name} for name in names]
    files.write_json(run.path / "metrics.json", {"test": test})
    page = opened(report.write(run))
    assert "Each output" in page.said
    assert page.said.count("</title><b>") >= 3, "in the table and in both legends"
    assert "b" not in page.tags


def test_the_curve_of_the_page_is_that_of_the_predictions(new_run, opened):
    """Positives score 1 and 3, negatives 2 and 0.5: 3 of the 4 pairs are in order."""
    run = new_run()
    rows = [("s1", 1, 1), ("s2", 0, 2), ("s3", 1, 3), ("s4", 0, 0.5)]
    lines = [f"{name}\ttest\tbound\t{label}\t{score}\t0.5" for name, label, score in rows]
    text = "\n".join(["name\tset\toutput\tlabel\tscore\tprobability", *lines])
    (run.path / "predictions.tsv").write_text(text + "\n")
    assert "AUROC 0.750" in opened(report.write(run)).said


def test_planted_and_found_stand_side_by_side(new_run, opened):
    run = new_run()
    assert "Planted and found" not in opened(report.write(run)).said
    planted = {
        "motif": "ELK1</td><script>", "consensus": "CCGGAAGT", "role": "planted",
        "found_by": "filter_0", "q": 1e-7, "effect": 1.2, "effect_interval": [1.0, 1.4],
        "claimed_predictive": True,
    }  # fmt: skip
    decoy = {
        "motif": "CTCF",
        "role": "decoy",
        "found_by": None,
        "q": None,
        "claimed_predictive": False,
    }
    files.write_json(
        run.path / "demo.json", {"planted": [planted, decoy], "summary": "Both found."}
    )
    page = opened(report.write(run))
    assert "ELK1</td><script> CCGGAAGT planted filter_0 10⁻⁷ 1.20 1.00–1.40 yes" in page.said
    assert "CTCF decoy not found – – no" in page.said
    assert page.tags.count("script") == 2


def test_every_template_is_autoescaped():
    assert environment().autoescape is True
    risky = [
        p.name for p in HOME.glob("*.html") if "|safe" in p.read_text() and p.name != "page.html"
    ]
    assert not risky
    assert (HOME / "page.html").read_text().count("|safe") == 2  # our own script and style


def test_the_bundle_is_small_and_calls_nobody():
    script = (HOME / "page.js").read_text()
    assert len(script) < 150 * 1024
    assert "</script" not in script
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "XMLHttp",
    ):
        assert word not in script
    # One place, which the block of a server turns on; the policy of a mailed page allows none.
    assert script.count("fetch(") == 1


def test_names_are_ranked_by_their_best_match(new_run, opened):
    run = new_run()
    path = run.path / "motifs" / "filters.matches.tsv"
    head, *rows = path.read_text().splitlines()
    cells = [r.split("\t") for r in rows]
    first = {c[0] for c in cells}
    assert len(first) >= 3
    column = head.split("\t").index("q")
    name = head.split("\t").index("target_name")
    wanted = {
        m: (t, q)
        for m, t, q in zip(
            sorted(first), ("AA", "BB", "AA", "BB"), ("1e-9", "1e-5", "1e-3", "1e-4"), strict=False
        )
    }
    for c in cells:
        c[name], c[column] = wanted[c[0]]
    path.write_text("\n".join([head, *("\t".join(c) for c in cells)]) + "\n")
    said = opened(report.write(run)).said
    assert said.index("AA (q = 10⁻⁹)") < said.index("BB (q = 10⁻⁵)")


def sections_of(text):
    """HTML of each section by its name."""
    parts = re.split(r'<section id="([a-z-]+)"', text)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def sources_of(html):
    """Files that a section names as those of its numbers."""
    found = re.findall(r'<p class="sources">Numbers: (.*?)</p>', html)
    return re.findall(r"<code>(.*?)</code>", found[0]) if found else []


def test_every_section_with_numbers_names_the_files_that_they_stand_in(new_run):
    run = new_run(more=True)
    drawn = sections_of(report.write(run).read_text(encoding="utf-8"))
    assert {"summary", "done", "data", "scores", "motifs", "sequences"} <= set(drawn)
    for name, html in drawn.items():
        if "<table" in html or "<figure" in html:
            assert sources_of(html), name
        assert all((run.path / file).exists() for file in sources_of(html)), name
    everywhere = {f for html in drawn.values() for f in sources_of(html)}
    assert {f"page/{p.name}" for p in (run.path / "page").iterdir()} <= everywhere


def test_what_the_page_counts_itself_is_a_table_beside_it(new_run):
    run = new_run(more=True)
    report.write(run)
    metrics = files.read_json(run.path / "metrics.json")
    scores = run.read_table("page/scores.tsv")
    (auroc,) = scores[(scores["set"] == "test") & (scores["score"] == "auroc")].to_dict("records")
    assert auroc["value"] == pytest.approx(metrics["test"]["auroc"], rel=1e-5)
    assert [auroc["low"], auroc["high"]] == pytest.approx(
        metrics["test"]["auroc_interval"], rel=1e-5
    )
    split, sets = run.read_table("data/split.tsv"), run.read_table("page/sets.tsv")
    assert dict(zip(sets["set"], sets["sequences"], strict=True)) == dict(
        split["set"].value_counts()
    )
    agreed = run.read_table("page/agreement.tsv").to_dict("records")
    assert [(r["first"], r["second"]) for r in agreed] == [("ism", "saliency")]
    assert agreed[0]["low_quartile"] <= agreed[0]["correlation"] <= agreed[0]["high_quartile"]


def test_a_page_that_is_shortened_still_names_its_files(new_run):
    run = new_run(n=400)
    whole = report.write(run).stat().st_size
    text = report.write(run, max_bytes=int(whole * 0.8)).read_text(encoding="utf-8")
    assert "explain/ism" in sources_of(sections_of(text)["sequences"])


def test_profiles_are_told_beside_the_average_profile_and_counts_that_are_off_in_size():
    said = {"n": 100, "jsd": 0.7, "jsd_average": 0.8, "pearson": 0.6, "r2": 0.1}
    off, right = _score("test", said)[0], _score("test", {**said, "r2": 0.3})[0]
    assert "distance of 0.7 from the measured ones, the average profile at 0.8" in off.replace(
        "0.700", "0.7"
    ).replace("0.800", "0.8")
    assert "off in size: R² could be 0.36" in off
    assert "off in size" not in right
