"""Drawings of experiments: right numbers at right places, names stay text, alone they are whole."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from markupsafe import Markup

from cisgram.core.errors import InputError
from cisgram.grammar import Arm, Experiment
from cisgram.report.curves import Axis, Band, Line, chart
from cisgram.report.experiments import MAX_ARMS, curve_svg, effects_svg, standalone


def pair(*, scale=None, names=("b", "A", "B", "AB")):
    """Two backgrounds at two distances: 2 together where 1.5 would be additive, then the sum."""
    b, a, second, both = names
    arms = [Arm(b), Arm(a, b)]
    for d in (3, 9):
        arms += [Arm(f"{second} {d}", b, facts={"distance": d})]
        twin = {a: 1, f"{second} {d}": 1, b: -1}
        arms += [Arm(f"{both} {d}", b, twin, {"distance": d})]
    values = np.array([[0, 1, 0.5, 2, 0.5, 1.5], [0.2, 1.2, 0.7, 2.2, 0.7, 1.7]])
    codes = np.array([[0, 1], [2, 3]], dtype=np.uint8)
    return Experiment("spacing", tuple(arms), values, codes, scale)


def lines(svg):
    """Points of each line of a chart, in px."""
    found = re.findall(r'class="line s(\d)" d="M([^"h]*)"', svg)
    return {k: [tuple(map(float, p.split())) for p in path.split("L")] for k, path in found}


@pytest.mark.parametrize("scale", [None, "linear"])
def test_the_curve_and_its_twin_part_where_the_model_is_not_additive(scale):
    drawn = lines(curve_svg(pair(scale=scale)))
    together, twin = drawn["1"], drawn["2"]
    assert together[0][1] < twin[0][1]  # higher on the page
    assert together[1] == twin[1]
    assert "Farthest from the sum of each alone at 3: 2.1 where 1.6" in curve_svg(pair(scale=scale))


def test_a_curve_of_logarithms_is_one_of_amounts():
    svg = curve_svg(pair(scale="log2"))
    assert "logarithm undone" in svg
    assert f"{np.mean(2.0 ** np.array([2, 2.2])):.3g} where" in svg


def test_a_band_that_has_no_ends_leaves_a_gap():
    band = Band([0, 1, 2, 3], [0, 0, np.nan, 0], [1, 1, np.inf, 1])
    axes = {"x": Axis("x"), "y": Axis("y")}
    svg = chart([Line("a", [0, 3], [0, 1])], name="n", description="d", bands=[band], **axes)
    areas = re.findall(r'class="band" d="M([^Z]*)Z"', svg)
    assert [len(a.split("L")) for a in areas] == [4, 2]


def test_a_chart_without_a_legend_or_bands_is_what_it_was():
    svg = chart([Line("a", [0, 1], [0, 1])], name="n", description="d", x=Axis("x"), y=Axis("y"))
    assert 'viewBox="0 0 340 300"' in svg
    assert "key" not in svg
    assert "band" not in svg


def test_effects_are_drawn_on_one_axis_and_filled_where_they_are_sure():
    rng = np.random.default_rng(0)
    arms = (Arm("b"), Arm("up", "b"), Arm("nothing", "b"))
    values = np.stack([np.zeros(30), rng.normal(5, 1, 30), rng.normal(0, 1, 30)], axis=1)
    codes = rng.integers(0, 4, size=(30, 9)).astype(np.uint8)
    svg = effects_svg(Experiment("insertion", arms, values, codes))
    dots = re.findall(r'<circle class="([\w ]+)" cx="([\d.]+)"', svg)
    assert [d[0] for d in dots] == ["dot s1", "unsure"]
    zero = float(re.search(r'class="guide" d="M([\d.]+)', svg)[1])
    assert float(dots[0][1]) > zero + 100
    assert abs(float(dots[1][1]) - zero) < 30


def test_of_many_arms_the_largest_effects_are_drawn_and_the_rest_is_said():
    arms = (Arm("b"), *(Arm(f"arm{i}", "b") for i in range(60)))
    values = np.tile(np.arange(61.0), (3, 1))
    svg = effects_svg(Experiment("x", arms, values, np.zeros((3, 2), np.uint8)))
    assert svg.count("<circle") == MAX_ARMS
    assert "(the 40 largest of 60)" in svg
    assert ">arm59<" in svg
    assert ">arm3<" not in svg


def test_names_stay_text_and_files_are_whole():
    svg = effects_svg(pair(names=("<b>", "A&B", "x", "y")))
    assert "A&amp;B" in svg
    for drawn in (svg, curve_svg(pair())):
        root = ElementTree.fromstring(standalone(Markup(drawn)))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "--s1" in root[0].text


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="a number 'copies'"):
        curve_svg(pair(), fact="copies")
    alone = Experiment("x", (Arm("b"),), np.zeros((2, 1)), np.zeros((2, 3), np.uint8))
    with pytest.raises(InputError, match="nothing to draw"):
        effects_svg(alone)
    with pytest.raises(InputError, match="additive twin"):
        curve_svg(alone)
