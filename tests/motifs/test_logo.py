"""Logos: letters fill their boxes, files cannot inject markup, nothing is shared between two."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.motifs import Motif, logo_svg
from cisgram.motifs.glyphs import COLORS, outline

SVG = "{http://www.w3.org/2000/svg}"


def corners(path: str) -> list[tuple[float, float]]:
    """Points that a path visits (the ends of its arcs, not their bulges)."""
    points, x, y = [], 0.0, 0.0
    for command, words in re.findall(r"([MLHVAZ])([^MLHVAZ]*)", path):
        v = [float(w) for w in words.split()]
        if command in "ML":
            x, y = v
        elif command == "H":
            [x] = v
        elif command == "V":
            [y] = v
        elif command == "A":
            x, y = v[5:]
        points.append((x, y))
    return points


def box(path: str) -> tuple[float, float, float, float]:
    """Extent of a path; for C and G the arc's own extremes are added by its equation."""
    points = corners(path)
    for rx, ry, x, y in re.findall(r"A([\d.]+) ([\d.]+) 0 1 \d ([\d.-]+) ([\d.-]+)", path)[:1]:
        # both ends of the outer arc lie on x = right; its centre lies halfway between them
        (x0, y0), x1, y1 = points[0], float(x), float(y)
        assert x0 == pytest.approx(x1, abs=0.02)
        middle, h = (y0 + y1) / 2, abs(y1 - y0) / 2
        centre = x0 - float(rx) * np.sqrt(1 - (h / float(ry)) ** 2)
        points += [(centre - float(rx), middle), (centre, middle - float(ry))]
        points += [(centre, middle + float(ry))]
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("base", "ACGTN")
def test_a_letter_touches_all_four_sides_of_its_box(base, flip):
    got = box(outline(base, 10, 20, 30, 50, flip=flip))
    np.testing.assert_allclose(got, (10, 20, 40, 70), atol=0.05)


def letters(svg: str) -> dict[str, list[tuple[float, float, float, float]]]:
    """Boxes of the letters of a logo by colour."""
    root, out = ET.fromstring(svg), {}
    for path in root.iter(f"{SVG}path"):
        for base, color in COLORS.items():
            if path.get("fill") == color:
                n = 2 if base == "A" else 1  # an A is an outline and its hole
                parts = re.findall(r"M[^M]*", path.get("d"))
                whole = ["".join(parts[i : i + n]) for i in range(0, len(parts), n)]
                out[base] = [box(p) for p in whole]
    return out


def test_heights_in_bits_are_probability_times_information():
    motif = Motif([[1.0, 0.5], [0, 0.5], [0, 0], [0, 0]], "m")  # 2 bits and 1 bit
    found = letters(logo_svg(motif, height=100))
    a, c = found["A"], found["C"]
    assert a[0][3] - a[0][1] == pytest.approx(100, abs=0.02)
    assert [b[3] - b[1] for b in (a[1], c[0])] == pytest.approx([25, 25], abs=0.02)
    assert {round(b[2] - b[0], 1) for b in [*a, *c]} == {15.4}


def test_the_most_frequent_letter_stands_on_top_and_stacks_have_no_gaps():
    found = letters(logo_svg([[0.1], [0.2], [0.3], [0.4]], kind="probability", height=100))
    order = sorted(found, key=lambda b: found[b][0][1])
    assert order == list("TGCA")
    for upper, lower in pairwise(order):
        assert found[upper][0][3] == pytest.approx(found[lower][0][1], abs=0.05)
    assert found["A"][0][3] == pytest.approx(105, abs=0.05)  # on the axis


def test_negative_contributions_hang_below_the_axis_upside_down():
    values = np.array([[0.5, 0], [0, 0], [0, 0], [0, -0.5]])
    found = letters(logo_svg(values, kind="contribution", height=100))
    assert found["A"][0][1::2] == pytest.approx((5, 55), abs=0.02)
    assert found["T"][0][1::2] == pytest.approx((55, 105), abs=0.02)
    bar = corners(
        re.search(
            r'fill="#d62839"[^>]*d="([^"]*)"', logo_svg(values, kind="contribution", height=100)
        )[1]
    )
    assert bar[0][1] == pytest.approx(105, abs=0.02)  # the T's bar lies at the bottom


def test_one_scale_for_several_logos():
    values = np.array([[0.5], [0], [0], [0]])
    found = letters(logo_svg(values, kind="contribution", height=100, limits=(-1, 1)))
    assert found["A"][0][3] - found["A"][0][1] == pytest.approx(25, abs=0.02)


@pytest.mark.parametrize(
    "name",
    ["</title><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a\x00\x0b&b", "é←"],
)
def test_names_are_text_and_never_markup(name):
    svg = logo_svg(Motif(np.eye(4), name))
    root = ET.fromstring(svg)
    assert root.find(f"{SVG}title").text == "".join(c if c.isprintable() else " " for c in name)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "title", "path", "g", "text"}
    assert "<script" not in svg
    assert "<img" not in svg


def test_logos_share_nothing():
    svg = logo_svg(Motif(np.eye(4), "m"), first=1)
    assert ET.fromstring(svg).get("role") == "img"
    assert not re.search(r"\bid=|href|url\(|<style", svg)


def test_a_flat_motif_and_flat_contributions_are_drawn_without_letters():
    assert letters(logo_svg(np.full((4, 5), 0.25))) == {}
    assert letters(logo_svg(np.zeros((4, 5)), kind="contribution")) == {}


@pytest.mark.parametrize(
    ("first", "numbers"), [(None, []), (1, ["1", "5", "10"]), (99, ["100", "105", "110"])]
)
def test_positions_are_numbered_from_first(first, numbers):
    root = ET.fromstring(logo_svg(np.full((4, 12), 0.25), axis=False, first=first))
    assert [t.text for t in root.iter(f"{SVG}text")] == numbers


@pytest.mark.parametrize(
    ("value", "options", "says"),
    [
        (np.eye(4), {"kind": "bit"}, "Did you mean 'bits'"),
        (np.ones((3, 4)), {}, "shape"),
        (np.ones((3, 4)), {"kind": "contribution"}, "shape"),
        (np.full((4, 2), np.nan), {"kind": "contribution"}, "finite"),
        (np.ones((4, 2)), {}, "sum"),
        (Motif(np.eye(4), "m"), {"kind": "contribution"}, "bits"),
        (np.eye(4), {"kind": "contribution", "limits": (0, 0.5)}, "Widen"),
        (np.eye(4), {"kind": "contribution", "limits": (0.2, 5)}, "Widen"),
    ],
)
def test_what_cannot_be_drawn_is_refused(value, options, says):
    with pytest.raises(InputError, match=says):
        logo_svg(value, **options)


@pytest.mark.parametrize("scale", [1e-6, 0.03, 1.0, 7.3, 1e5])
def test_the_axis_has_zero_and_a_few_round_ticks(scale):
    values = scale * np.array([[1.0, 0], [0, -0.7], [0, 0], [0, 0]])
    texts = [
        t.text for t in ET.fromstring(logo_svg(values, kind="contribution")).iter(f"{SVG}text")
    ]
    ticks = [float(t) for t in texts[:-1]]
    assert 0 in ticks
    assert 2 <= len(ticks) <= 7
    assert all(-0.7 * scale * 1.001 <= t <= scale * 1.001 for t in ticks)
