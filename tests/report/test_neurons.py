"""The section of demixed neurons, on files whose every number is known."""

import json
import re

import pytest

from cisgram import report
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.grammar_tree import from_text
from cisgram.report.demixed import demixed, heads
from cisgram.report.designs import SAID, rows_svg
from cisgram.report.sections.neurons import neurons, ranges
from cisgram.report.trees import gap_svg, icicle_svg, starts_svg, syntax_svg

EVIL = "</script><img/src=x/onerror=alert`1`>"


def ppm(word):
    return [[1000 * (b == base) for b in word] for base in "ACGT"]


def profile(mean, *, first=6, alone=1.0):
    at = list(range(first, first + len(mean)))
    return {
        "at": at, "mean": mean, "low": [v - 0.5 for v in mean], "high": [v + 0.5 for v in mean],
        "output": [], "left": alone, "right": alone - 0.5, "none": 0.0,
    }  # fmt: skip


def neuron(k=0, *, r2=0.8, name="CTCF", layer="conv3", kind="read", holds=True, **more):
    """Two motifs 3 bp apart; the second edge of the file's numbers is written out below."""
    word = {"n": 900, "offsets": [0, 1, 2, 5], "blocks": [[0, 0, "+"], [1, 5, "+"]],
            "target": "MA0139.2", "target_name": name, "q": 1e-7, "control_q": 0.7,
            "is_specific": True}  # fmt: skip
    text = f"({name}+ [3] m2-)"
    edge = {"left": 0, "right": 1, "holds": holds, "gaps": [[9, 600], [10, 300]],
            "profile": profile([1.0, 2.0, 3.0, 9.0, 8.0, 1.0])}  # fmt: skip
    return {
        "options": {"seed": 0}, "kind": kind, "diagnosis": kind,
        "levels": [["max_pool", "features.4", 3], ["stride", "", 2]],
        "layer": layer, "neuron": k, "width": 28, "n_kept": 1200, "is_complete": False,
        "rounds": 9, "scored": 4000, "max_activation": 9.016, "ratio": 0.908,
        "control_ratio": 0.311, "parts": 1,
        "fidelity": {"r2": r2, "auroc": 0.95, "control_r2": 0.21, "control_auroc": 0.6},
        "motifs": [
            {"name": name, "ppm": ppm("CAGGTG"), **word},
            {"name": "m2", "ppm": ppm("GATAAG"), **word, "q": 0.4, "offsets": [9]},
        ],
        "grammar": {"text": text, "tree": {}, "combinations": [
            {"slots": [[name, "+"], ["m2", "-"]], "n": 900, "present": {"TT": 900},
             "starts": [[[0, 900]], [[9, 900]]], "text": text, "edges": [edge], "single": None},
        ]},
        "leaves": [{"n": 700, "consensus": "A"}, {"n": 500, "consensus": "C"}],
        "tree": {"n": 1200, "level": 0, "gain": 0.25,
                 "children": [{"n": 700}, {"n": 500}]},
        **more,
    }  # fmt: skip


def summary(layer="conv3", n=1):
    motifs = {"n": 2, "matched": 0.5, "control": 0.0}
    kinds = {"read": 0.75, "poorly explained": 0.0, "no motif": 0.25}
    found = {"neurons": n, "kinds": kinds, "r2": 0.8, "control_r2": 0.21, "motifs": motifs}
    return {"database": "jaspar:vertebrates", "max_q": 0.05, "layers": {layer: found}}


def put(run, *found):
    for d in found:
        path = run.path / "demix" / d["layer"] / f"{d['neuron']}.json"
        files.write_text(path, json.dumps(d))
    files.write_json(run.path / "demix" / "summary.json", summary(n=len(found)))
    return run


def test_a_run_without_demixed_neurons_names_the_command(new_run, opened):
    assert "To add it: cisgram demix RUN" in opened(report.write(new_run(n=4))).said


def test_every_figure_of_a_neuron_stands_beside_its_control(new_run, opened):
    page = opened(report.write(put(new_run(n=4), neuron())))
    assert "0.908 control 0.311" in page.said
    assert "0.800 control 0.210" in page.said
    assert "0.950, control 0.600" in page.said
    assert "50 % shuffled 0 %" in page.said
    assert "CTCF MA0139.2, q = 10⁻⁷; columns shuffled: q = 0.7" in page.said
    assert "none nearest: CTCF, MA0139.2, q = 0.4;" in page.said


def test_a_layer_counts_its_diagnoses_and_names_what_its_neurons_know(new_run, opened):
    found = [neuron(k, name="CTCF" if k % 2 else "ELK1") for k in range(5)]
    found += [neuron(k, kind="no motif", motifs=[], grammar=None) for k in (5, 6)]
    found += [neuron(k, name=f"M{k}") for k in range(7, 14)]
    said = opened(report.write(put(new_run(n=4), *found))).said
    assert "12 read (86 %), 2 no motif (14 %)" in said
    assert "ELK1 0, 2, 4CTCF 1, 3M10 10" in said
    assert "and 3 further motifs" in said


def test_figures_of_a_part_of_a_layer_are_not_shown_beside_all_of_its_neurons(new_run, opened):
    run = put(new_run(n=4), neuron(0), neuron(1))
    assert "had not come to its end" not in opened(report.write(run)).said
    files.write_json(run.path / "demix" / "summary.json", summary(n=1))  # of an earlier call
    said = opened(report.write(run)).said
    assert "The job on conv3 had not come to its end when this page was drawn" in said
    assert "shuffled 0 %" not in said
    assert "2 neurons" in said


def test_the_motifs_of_all_neurons_are_a_table_beside_the_page(new_run):
    run = put(new_run(n=4), neuron(0), neuron(1, name="ELK1"))
    report.write(run)
    motifs, kinds = (run.read_table(f"page/neuron-{k}.tsv") for k in ("motifs", "kinds"))
    assert set(motifs["neuron"]) == {0, 1}
    assert {"CTCF", "ELK1"} <= set(motifs["target_name"])
    assert motifs["share"].between(0, 1).all()
    assert kinds["neurons"].sum() == 2


def design(**more):
    kinds = {
        "background": [0.5, 0.4, 0.6],
        "gaps": [1.0, 0.9, 1.1],
        "order": [7.5, 7.0, 8.5],
        "designed": [8.0, 7.9, 8.1],
        "leaf": [9.0, 9.0, 9.0],
        "search": [9.0, 8.9, 9.1],
    }
    out = {k: [-v for v in own[:1]] + [-own[2], -own[1]] for k, own in kinds.items()}
    return {
        "slots": [["CTCF", "+"], ["m2", "-"]], "letters": ["CAGGTG", "CTTATC"],
        "places": [[[0, 9], 600], [[1, 11], 300]], "seen": [[9, 10]], "n": 100, "share": 0.887,
        "beaten": ["background", "gaps"], "neuron": kinds,
        "output": out | {"output_search": [4.0, 3.0, 5.0]}, **more,
    }  # fmt: skip


def test_a_design_stands_beside_its_controls_and_says_what_it_does_not_beat(new_run, opened):
    said = opened(report.write(put(new_run(n=4), neuron(design=design())))).said
    assert "CTCF+, then m2- (CAGGTG … CTTATC), at 2 ways to stand" in said
    assert "in 100 random sequences: median 89 % of the highest value" in said
    assert "Above random bases alone, the motifs at gaps that it never has." in said
    assert "Not above the motifs in another order." in said
    assert "designed from its syntax 8.00 (7.90 to 8.10)" in said
    assert "found by the output's gradient 4.00 (3.00 to 5.00)" in said
    assert "random bases alone −0.500 (−0.600 to −0.400)" in said


def test_dots_lie_where_their_values_are():
    svg = str(rows_svg({"background": [0, 0, 0], "designed": [5, 4, 10]}, SAID, label="v"))
    x = [float(v) for v in re.findall(r'<circle cx="([\d.]+)"', svg)]
    ((first, last),) = [
        (float(a), float(b)) for a, b in re.findall(r'd="M([\d.]+) 41.0H([\d.]+)"', svg)
    ]
    scale = (last - x[0]) / 10
    assert x[1] == pytest.approx(x[0] + 5 * scale, abs=0.11)
    assert first == pytest.approx(x[0] + 4 * scale, abs=0.11)
    flat = str(rows_svg({"designed": [2, 2, 2]}, SAID, label="v"))
    assert "nan" not in flat


def test_a_lone_motif_is_controlled_at_other_starts(new_run, opened):
    one = design(slots=[["CTCF", "+"]], letters=["CAGGTG"], places=[[[0], 900]])
    said = opened(report.write(put(new_run(n=4), neuron(design=one)))).said
    assert "the motif at starts that it never has" in said
    assert "gaps that it never has" not in said


@pytest.mark.parametrize("bad", [{}, [], {"slots": 3}])
def test_a_damaged_design_is_named(new_run, bad):
    with pytest.raises(InputError, match=r"0\.json cannot be drawn"):
        report.write(put(new_run(n=4), neuron(design=bad)))


def comparison(name="deep"):
    figure = {"value": 0.75, "low": 0.6, "high": 0.9}
    layer = {
        "layer": "conv3",
        "width": 28,
        "channels": 64,
        "neurons": 20,
        "figures": {"read": figure},
    }
    network = {
        "network": name,
        "model": "demo-cnn",
        "depth": 3,
        "parameters": 35394,
        "test": {"score": "auroc", "value": 0.9, "low": 0.8, "high": 0.95},
    }
    other = {
        **network,
        "network": "flat",
        "test": None,
        "layers": [
            {
                **layer,
                "layer": "conv1",
                "figures": {"read": {"value": 0.2, "low": None, "high": None}},
            }
        ],
    }
    return {
        "networks": [{**network, "layers": [layer]}, other],
        "compared": {name: "conv3", "flat": "conv1"},
        "verdicts": [
            {"figure": "test", "title": "score of the test set", "best": None, "text": ""},
            {"figure": "read", "title": "share read", "best": name, "text": ""},
        ],
        "notes": ["Intervals are over neurons."],
    }  # fmt: skip


def test_networks_stand_side_by_side_with_what_was_found_cleaner(new_run, opened):
    run = put(new_run(n=4), neuron())
    files.write_json(run.path / "demix" / "comparison.json", comparison(EVIL))
    page = opened(report.write(run))
    assert "3 convolutions, 35,394 parametersconv3, 28 bp, 20 of 64 neurons" in page.said
    assert f"Share read 0.750 0.600–0.900 0.200 {EVIL}" in page.said
    assert "Score of the test set 0.900 0.800–0.950 – not told apart" in page.said
    assert "Intervals are over neurons." in page.said
    assert "img" not in page.tags


@pytest.mark.parametrize("content", [{}, {"networks": [{}]}, comparison() | {"compared": {}}])
def test_a_damaged_comparison_is_named(new_run, content):
    run = put(new_run(n=4), neuron())
    files.write_json(run.path / "demix" / "comparison.json", content)
    with pytest.raises(InputError, match=r"comparison\.json"):
        report.write(run)


def test_gaps_are_drawn_from_end_to_start_as_the_grammar_says_them(new_run):
    html = str(neurons(put(new_run(n=4), neuron())).html)
    assert "Highest mean 9 at 3; gap, end to start (bp)" in html  # 9 from start to start, 6 bp wide
    assert "<title>600 at 3</title>" in html
    assert "<title>300 at 4</title>" in html
    assert "CTCF on strand +, then after 3 bp m2 on strand -" in html


def test_an_edge_that_fails_is_said_in_words_and_drawn_differently(new_run):
    run = new_run(n=4)
    good = str(neurons(put(run, neuron())).html)
    bad = str(neurons(put(run, neuron(holds=False))).html)
    assert "CTCF+ and m2-: holds" in good
    assert '<path class="holds"' in good
    assert 'class="fails"' not in good
    assert 'CTCF+ and m2-: <span class="warned">fails</span>' in bad
    assert 'class="fails"' in bad


def test_motifs_that_overlap_were_not_asked(new_run):
    d = neuron(holds=False)
    d["grammar"]["combinations"][0]["edges"][0]["gaps"] = [[4, 900]]  # they are 6 bp wide
    html = str(neurons(put(new_run(n=4), d)).html)
    assert "CTCF+ and m2-: not asked" in html
    assert "the two overlap at the gaps that its windows have" in html
    assert 'class="fails"' not in html


def test_levels_say_what_they_split_and_what_it_brought(new_run, opened):
    said = opened(report.write(put(new_run(n=4), neuron()))).said
    assert (
        "features.4: maximum over 3 positions: 1 part split into 2, median gain 0.250 bits" in said
    )
    assert "step of 2 positions: no split" in said


def test_a_neuron_that_could_not_be_read_says_why(new_run, opened):
    dead = neuron(
        7, kind="dead", n_kept=0, max_activation=None, ratio=None, control_ratio=None,
        fidelity=None, motifs=[], grammar=None, leaves=[], tree={"n": 0},
    )  # fmt: skip
    page = opened(report.write(put(new_run(n=4), neuron(), dead)))
    assert "conv3, neuron 7: no motif dead" in page.said
    assert "7 none 0 – – control – – control – dead" in page.said


def test_names_of_motifs_and_layers_stay_text(new_run, opened):
    bad = neuron(name=EVIL, diagnosis=EVIL, levels=[[EVIL, EVIL, 2]])
    page = opened(report.write(put(new_run(n=4), bad)))
    assert not [k for k, _ in page.attributes if k.startswith("on")]
    assert "img" not in page.tags
    assert EVIL in page.said


def test_links_lead_to_details_that_are_there(new_run, opened):
    page = opened(report.write(put(new_run(n=4), neuron(3), neuron(5, layer="conv1"))))
    ids = {v for k, v in page.attributes if k == "id"}
    links = {v[1:] for k, v in page.attributes if k == "href" and v.startswith("#neuron-")}
    assert links == {"neuron-conv3-3", "neuron-conv1-5"}
    assert links <= ids


def test_a_small_page_leaves_out_the_worst_explained_neurons_first(new_run):
    run = put(new_run(n=4), *(neuron(k, r2=k / 10) for k in range(10)))
    full = neurons(run)
    size = len(full.html.encode())
    half = full.shrink(size // 2)
    assert len(half.html.encode()) <= size // 2
    shown = [int(k) for k in re.findall(r'id="neuron-conv3-(\d)"', str(half.html))]
    assert shown == list(range(9, 9 - len(shown), -1))
    assert 2 <= len(shown) < 10
    assert f"The {len(shown)} that are explained best are drawn" in str(half.html)
    assert str(half.html).count('<th scope="row" data-value="conv3">') == 10, "the table is whole"


def test_a_tiny_page_says_how_many_neurons_there_are(new_run):
    run = put(new_run(n=4), *(neuron(k) for k in range(40)))
    least = neurons(run).shrink(6000)
    assert len(least.html.encode()) <= 6000
    assert "40 neurons, of which" in str(least.html)
    assert "There is no room here" in str(least.html)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "no demixed neuron"),
        ('{"layer": "conv3"}', "neuron, width, .* are missing"),
        (json.dumps(neuron(tree={})), "cannot be drawn"),
        (json.dumps(neuron(fidelity=[1])), "fidelity is missing or of another kind"),
        (json.dumps({k: v for k, v in neuron().items() if k != "is_complete"}), "cannot be drawn"),
        (json.dumps(neuron(name="a b")), "no grammar"),
    ],
)
def test_a_damaged_file_is_named(new_run, content, says):
    run = put(new_run(n=4), neuron())
    (run.path / "demix" / "conv3" / "0.json").write_text(content)
    with pytest.raises(InputError, match=says) as caught:
        report.write(run)
    assert "0.json" in str(caught.value)


@pytest.mark.parametrize("content", ['{"layers": {"conv3": {}}}', '{"layers": {"conv3": 1}}', "["])
def test_a_damaged_summary_is_named(new_run, content):
    run = put(new_run(n=4), neuron())
    (run.path / "demix" / "summary.json").write_text(content)
    with pytest.raises(InputError, match=r"summary\.json"):
        report.write(run)


def test_neurons_come_in_the_order_of_their_layers(new_run):
    found = [neuron(10, width=9, layer="conv1"), neuron(9, width=9, layer="conv1"), neuron(2)]
    run = put(new_run(n=4), *found)
    for read in (demixed, heads):
        order = [(d["layer"], d["neuron"]) for d in read(run)]
        assert order == [("conv1", 9), ("conv1", 10), ("conv3", 2)]


def test_heads_are_the_neurons_without_what_is_large(new_run):
    run = put(new_run(n=4), neuron(2))
    (whole,), (head,) = demixed(run), heads(run)
    assert len(head["leaves"]) == len(whole["leaves"])
    assert [m["name"] for m in head["motifs"]] == [m["name"] for m in whole["motifs"]]
    assert head["grammar"]["text"] == whole["grammar"]["text"]
    assert head["fidelity"] == whole["fidelity"]
    assert len(str(head)) < len(str(whole)) / 2


def test_a_syntax_tree_has_a_box_a_motif_and_a_join_a_pair():
    svg = str(syntax_svg(from_text("((A+ [3] B-) [20~40] C+)"), styles=["holds", "fails"]))
    assert svg.count("<rect") == 3
    assert re.search(r'class="holds" d="[^"]*"/><text[^>]*>3 bp<', svg)  # A and B
    assert re.search(r'class="fails" d="[^"]*"/><text[^>]*>20–40 bp<', svg)  # B and C


def test_alternatives_are_joined_by_or():
    svg = str(syntax_svg(from_text("{A+ | (B+ [1] C+)}")))
    assert ">or<" in svg
    assert svg.count("<rect") == 3


def test_bars_and_line_of_a_profile_stand_at_one_place():
    svg = str(gap_svg(profile([0.0, 4.0, 0.0], first=10), {11: 8, 12: 4}, label="gap"))
    line = re.search(r'class="line s1" d="M([^"]+)"', svg).group(1).split("L")
    x, y = ([float(p.split()[i]) for p in line] for i in (0, 1))
    bars = [
        [float(v) for v in b]
        for b in re.findall(r'x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="([\d.]+)"', svg)
    ]
    assert y[1] < y[0] == y[2]
    for i, (left, width, _) in zip((1, 2), bars, strict=True):
        assert left + width / 2 == pytest.approx(x[i], abs=0.11)
    assert bars[0][2] == pytest.approx(2 * bars[1][2], abs=0.11)


def test_starts_lie_where_they_are_in_the_window():
    svg = str(starts_svg({0: 5, 14: 10}, width=28, motif_width=7))
    bars = re.findall(r'class="seen" x="([\d.]+)" y="[\d.]+" width="[\d.]+" height="([\d.]+)"', svg)
    assert [(float(x), float(h)) for x, h in bars] == [(20, 13), (140, 26)]
    assert "M20.0 34H80.0" in svg


def test_a_demixing_tree_shows_shares_and_gains():
    svg = str(icicle_svg(neuron()["tree"], ["features.4: maximum over 3 positions"]))
    said = "1,200 sequences; split at features.4: maximum over 3 positions into 2, gain 0.25 bits"
    assert said in svg
    widths = [float(w) for w in re.findall(r'width="([\d.]+)" height', svg)]
    assert widths == pytest.approx([639, 640 * 7 / 12 - 1, 640 * 5 / 12 - 1], abs=0.1)


def test_a_large_demixing_tree_says_how_much_of_it_is_drawn():
    tree = {"n": 1000, "level": 0, "gain": None, "children": [{"n": 1}] * 1000}
    svg = str(icicle_svg(tree, []))
    assert svg.count("<rect") == 400
    assert "1,001 parts on 2 rows; 400 are drawn" in svg


def test_runs_of_offsets_are_drawn_together():
    assert ranges([5, 0, 1, 2]) == "0–2, 5"


def test_a_tail_is_listed_as_such_and_its_names_stay_text(new_run):
    tail = [{"n": 30 - i, "share": 0.03 - i / 1000, "consensus": EVIL} for i in range(10)]
    text = report.write(put(new_run(n=4), neuron(2, tail=tail, n_tail=70))).read_text()
    assert "70 rare motifs, neither compared nor asked back" in text
    assert "(3.0 % of the activation)" in text
    assert "and 62 more" in text
    assert EVIL not in text


def test_a_pair_that_was_not_asked_says_why(new_run):
    unasked = neuron(2, holds=None)
    nothing = {"at": [], "mean": [], "low": [], "high": [], "output": []}
    edge = unasked["grammar"]["combinations"][0]["edges"][0]
    edge["profile"] = nothing | dict.fromkeys(("left", "right", "none"))
    text = report.write(put(new_run(n=4), unasked)).read_text()
    assert "not asked" in text
    assert "more frequent pairs came first" in text
