import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import cisgram.report.sections
from cisgram import report
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.motifs import Motif
from cisgram.motifs.glyphs import COLORS
from cisgram.report import SECTIONS
from cisgram.report.matches import aligned, sources
from cisgram.report.pack import quantize
from cisgram.report.references import REFERENCES
from cisgram.report.text import environment

HOME = Path(report.__file__).parent


class Page(HTMLParser):
    """Elements, attributes and the text of scripts, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.scripts, self.styles = [], [], [], []
        self.text = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = tag
        if tag == "script":
            self.scripts.append("")
        if tag == "style":
            self.styles.append("")

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside == "style":
            self.styles[-1] += data
        else:
            self.text += data

    @property
    def said(self) -> str:
        return " ".join(self.text.split())

    @property
    def payload(self) -> dict:
        return json.loads(self.scripts[0])


def opened(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_every_section_file_is_exported_and_registered():
    there = {p.stem for p in (HOME / "sections").glob("*.py")} - {"__init__"}
    assert there == set(cisgram.report.sections.__all__) == set(SECTIONS)


def test_a_run_without_results_gives_a_page_that_names_the_missing_steps(new_run):
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


def test_the_policy_allows_exactly_the_script_and_the_style_of_the_page(new_run):
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


def test_names_from_files_never_become_elements(new_run):
    bad = opened(report.write(new_run(n=12, evil=True)))
    assert not [k for k, _ in bad.attributes if k.startswith("on")]
    assert "img" not in bad.tags
    assert bad.tags.count("script") == 2
    assert "<img src=x onerror=alert(1)>" in bad.said, "the name itself is shown, as text"
    assert bad.payload["rows"][0][0].startswith("peak_")


def test_names_that_look_like_numbers_or_nothing_are_kept(new_run):
    run = new_run(n=4)
    for method in ("ism", "saliency"):
        path = run.path / "explain" / method / "names.tsv"
        lines = path.read_text().splitlines()
        names = ("007", "nan", "1e5", "-")
        rows = [
            "\t".join([n, *line.split("\t")[1:]]) for n, line in zip(names, lines[1:], strict=True)
        ]
        path.write_text("\n".join([lines[0], *rows]) + "\n")
    rows = opened(report.write(run)).payload["rows"]
    assert {row[0] for row in rows} == {"007", "nan", "1e5", "-"}


def test_packed_attributions_are_those_of_the_file_to_half_a_step(new_run):
    run = new_run(n=9, length=50)
    payload = opened(report.write(run)).payload
    stored = load_file(run.path / "explain" / "ism" / "values.safetensors")
    method = next(m for m in payload["methods"] if m["name"] == "ism")
    packed = np.frombuffer(gzip.decompress(base64.b64decode(method["values"])), dtype=np.int8)
    packed = packed.reshape(9, 4, 50)
    codes = np.frombuffer(gzip.decompress(base64.b64decode(payload["codes"])), dtype=np.uint8)
    for row, (name, *_) in enumerate(payload["rows"]):
        original = int(name.removeprefix("peak_"))
        at = method["index"][row]
        step = method["scale"][at]
        difference = np.abs(packed[at] * step - stored["values"][original]).max()
        assert difference <= 0.5001 * step
        x = stored["x"][original]
        expected = np.where(x.any(0), x.argmax(0), 4)
        assert (codes[row * 50 : (row + 1) * 50] == expected).all()


def test_a_sequence_of_zeros_and_one_with_nan_can_be_packed():
    values = np.zeros((2, 4, 3), dtype=np.float32)
    values[1, 0, 0], values[1, 1, 1] = np.nan, 2.0
    quantized, scale = quantize(values)
    assert not quantized[0].any()
    assert quantized[1, 0, 0] == 0
    assert quantized[1, 1, 1] * scale[1] == pytest.approx(2.0)


def test_a_page_over_its_budget_keeps_the_best_sequences_and_says_so(new_run):
    run = new_run(n=300, length=300)
    whole = len(report.write(run).read_bytes())
    smaller = opened(report.write(run, max_bytes=whole // 2))
    assert run.report.stat().st_size <= whole // 2
    scores = [row[4] for row in smaller.payload["rows"]]
    assert 20 < len(scores) < 150
    assert scores == sorted(scores, reverse=True)
    best = max(
        float(v.split("\t")[2])
        for v in (run.path / "explain/ism/names.tsv").read_text().splitlines()[1:]
    )
    assert scores[0] == pytest.approx(best, rel=1e-4)
    assert f"{len(scores)} of 300 explained sequences" in smaller.said


def test_a_budget_below_the_page_itself_is_refused(new_run):
    with pytest.raises(InputError, match="max_bytes is 1,000"):
        report.write(new_run(n=4), max_bytes=1000)


def test_the_same_run_gives_the_same_bytes(new_run):
    run = new_run(n=8)
    first = report.write(run).read_bytes()
    assert report.write(run.path).read_bytes() == first


def test_methods_with_different_sequences_share_one_table(new_run):
    run = new_run(n=6)
    path = run.path / "explain" / "saliency" / "names.tsv"
    path.write_text(path.read_text().replace("peak_0", "other"))
    payload = opened(report.write(run)).payload
    assert len(payload["rows"]) == 7
    by_name = {
        row[0]: [m["index"][i] for m in payload["methods"]] for i, row in enumerate(payload["rows"])
    }
    assert sorted(by_name["peak_0"])[0] == -1
    assert by_name["other"][0] == -1
    assert by_name["peak_3"] == by_name["peak_3"][:1] * 2


def test_one_name_with_two_sequences_makes_two_rows(new_run):
    run = new_run(n=5)
    path = run.path / "explain" / "saliency" / "values.safetensors"
    arrays = load_file(path)
    arrays["x"][2] = arrays["x"][2, ::-1].copy()
    save_file(arrays, path)
    payload = opened(report.write(run)).payload
    found = [
        [m["index"][i] for m in payload["methods"]]
        for i, r in enumerate(payload["rows"])
        if r[0] == "peak_2"
    ]
    assert sorted(row.index(-1) for row in found) == [0, 1]


def test_letters_and_colors_are_those_of_the_motif_logos():
    style = (HOME / "page.css").read_text()
    for base in "ACGT":
        assert f"--{base}: {COLORS[base]};" in style
        assert f'[fill="{COLORS[base]}"] {{ fill: var(--{base}); }}' in style


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


def test_the_summary_says_what_was_tested_and_learned(new_run):
    said = opened(report.write(new_run())).said
    assert "Tested on 1,000 sequences never seen in training" in said
    assert "AUROC 0.965 (95 % interval 0.953–0.975)" in said
    assert "96.5 % of the time" in said
    assert "3 of 4 motifs match a known one (q < 0.05)" in said
    assert "Caution" not in said


def test_a_match_of_a_flat_motif_is_called_weak(new_run):
    run = new_run()
    path = run.path / "motifs" / "filters.matches.tsv"
    rows = path.read_text() + "filter_9\tMA0139.2\tCTCF\t0\t0\t1e-30\t0\t10\t+\n"
    path.write_text(rows)
    said = opened(report.write(run)).said
    assert "4 of 4 motifs match a known one (q < 0.05), 1 of them with less than 5 bits" in said
    assert "the strongest: ELK1 (q = 10⁻⁷), USF1 (q = 10⁻⁶), CTCF (q = 10⁻⁵)." in said
    assert said.count("weak: less than 5") == 1
    assert "4 match a known motif at q < 0.05" in said


def test_the_settings_say_what_counts_as_a_match(new_run):
    run = new_run()
    run.toml.write_text(run.toml.read_text() + "\n[settings.motifs]\nmax_q = 3e-7\n")
    said = opened(report.write(run)).said
    assert "1 of 4 motifs matches a known one (q < 3e-07)" in said
    assert "of which 1 matches a known motif at q < 3e-07" in said


def changed_metrics(run, **changes):
    metrics = files.read_json(run.path / "metrics.json")
    metrics["test"] |= changes
    files.write_json(run.path / "metrics.json", metrics)


def test_the_summary_warns_of_chance_of_bad_calibration_and_of_leaks(new_run):
    run = new_run()
    changed_metrics(run, auroc=0.52, auroc_interval=[0.48, 0.56], brier=0.3)
    path = run.path / "data" / "leaks.tsv"
    path.write_text(path.read_text().replace("dropped from train", "kept"))
    said = opened(report.write(run)).said
    assert "cannot be told from chance" in said
    assert "badly calibrated" in said
    assert "3 pairs of the same or nearly the same sequence stayed" in said


def test_validation_figures_are_not_sold_as_a_test(new_run):
    run = new_run()
    metrics = files.read_json(run.path / "metrics.json")
    del metrics["test"]
    files.write_json(run.path / "metrics.json", metrics)
    said = opened(report.write(run)).said
    assert "No test set was held out." in said
    assert "somewhat too good" in said


def test_empty_scores_are_dashes(new_run):
    run = new_run()
    changed_metrics(run, auroc=None, auroc_interval=[None, None], brier=None, calibration=[])
    said = opened(report.write(run)).said
    assert "no score could be computed" in said


def test_regression_is_drawn_as_measured_against_predicted(new_run):
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


def test_several_outputs_are_each_named_and_drawn(new_run):
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


def test_the_curve_of_the_page_is_that_of_the_predictions(new_run):
    """Positives score 1 and 3, negatives 2 and 0.5: 3 of the 4 pairs are in order."""
    run = new_run()
    rows = [("s1", 1, 1), ("s2", 0, 2), ("s3", 1, 3), ("s4", 0, 0.5)]
    lines = [f"{name}\ttest\tbound\t{label}\t{score}\t0.5" for name, label, score in rows]
    text = "\n".join(["name\tset\toutput\tlabel\tscore\tprobability", *lines])
    (run.path / "predictions.tsv").write_text(text + "\n")
    assert "AUROC 0.750" in opened(report.write(run)).said


def test_planted_and_found_stand_side_by_side(new_run):
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
        "fetch(",
        "XMLHttp",
    ):
        assert word not in script
