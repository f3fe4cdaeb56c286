"""Drawings of demixed neurons as inline SVG: syntax trees, gap profiles, demixing trees, starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from cisgram.core.grammar_tree import GrammarTree, Join, Site, sites
from cisgram.report.curves import ticks

BOX, STEP, ROW = 92, 150, 44  # px: width of a motif, from motif to motif, from level to level
SHOWN = 14  # letters of a name that fit into its box
WIDTH, HEIGHT, BARS = 420, 190, 46  # of a gap profile, and of the bars below it
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 34
MAX_CELLS = 400  # nodes of a demixing tree that are drawn


def syntax_svg(tree: GrammarTree, *, styles: Sequence[str] = ()) -> Markup:
    """A syntax tree: motifs from left to right, joined from the stiffest pair upwards.

    Every join carries its range of gaps, end to start in bp; alternatives are joined by "or".

    Parameters
    ----------
    tree
        The tree.
    styles
        For each pair of neighboring motifs, from left to right, the class of its join: ``holds``,
        ``fails`` (the neuron contradicts it) or ``unasked``, which is also where none is given.

    Examples
    --------
    >>> svg = syntax_svg(Join(Site("CTCF"), Site("GATA1", "-"), 21, 40))
    >>> "21–40 bp" in svg, svg.count("<rect")
    (True, 2)
    """
    parts: list[Markup] = []
    n = len(list(sites(tree)))
    depth = _depth(tree)
    base = 14 + ROW * depth
    given = [*styles, *["unasked"] * n]

    def drawn(node: GrammarTree, first: int) -> tuple[float, float, int]:
        """Middle, top and number of motifs of a part that begins at motif ``first``."""
        if isinstance(node, Site):
            x = 4 + first * STEP
            parts.append(_box(node, x, base))
            return x + BOX / 2, base, 1
        below = (node.left, node.right) if isinstance(node, Join) else node.parts
        ends, count = [], 0
        for part in below:
            middle, top, k = drawn(part, first + count)
            ends.append((middle, top))
            count += k
        y = base - ROW * _depth(node) + 8
        style, label = "or", "or"
        if isinstance(node, Join):
            style = given[first + len(list(sites(node.left))) - 1]
            label = span(node.low, node.high)
        path = "".join(f"M{x:.0f} {top:.0f}V{y:.0f}" for x, top in ends)
        path += f"M{ends[0][0]:.0f} {y:.0f}H{ends[-1][0]:.0f}"
        middle = (ends[0][0] + ends[-1][0]) / 2
        parts.append(
            Markup('<path class="{}" d="{}"/><text x="{:.0f}" y="{:.0f}">{}</text>').format(
                style, path, middle, y - 5, label
            )
        )
        return middle, y, count

    drawn(tree, 0)
    width, height = 8 + (n - 1) * STEP + BOX + 10, base + 30
    return Markup(
        '<svg class="syntax" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img">'
        "<title>{t}</title>{body}</svg>"
    ).format(w=width, h=height, t=_said(tree), body=Markup("").join(parts))


def _depth(tree: GrammarTree) -> int:
    if isinstance(tree, Site):
        return 0
    below = (tree.left, tree.right) if isinstance(tree, Join) else tree.parts
    return 1 + max(map(_depth, below))


def _said(tree: GrammarTree) -> str:
    """The tree in words, for a reader who does not see it."""
    if isinstance(tree, Site):
        return f"{tree.motif} on strand {tree.strand}"
    if isinstance(tree, Join):
        return f"{_said(tree.left)}, then after {span(tree.low, tree.high)} {_said(tree.right)}"
    return "; or ".join(map(_said, tree.parts))


def span(low: float, high: float) -> str:
    """A range of gaps in words.

    Examples
    --------
    >>> span(3, 3), span(21, 40), span(-4, 2), span(-8, -8)
    ('3 bp', '21–40 bp', '−4 to 2 bp', '−8 bp')
    """
    low_, high_ = (f"{v:g}".replace("-", "−") for v in (low, high))
    if low == high:
        return f"{low_} bp"
    return f"{low_}{'–' if low >= 0 else ' to '}{high_} bp"


def _box(site: Site, x: float, y: float) -> Markup:
    """A motif: its name, and its strand as the direction in which the box points."""
    name = site.motif if len(site.motif) <= SHOWN else site.motif[: SHOWN - 1] + "…"
    tip = {"+": (f"M{x + BOX} {y}l9 12l-9 12"), "-": f"M{x} {y}l-4 12l4 12"}.get(site.strand, "")
    return Markup(
        '<g><title>{full}</title><rect x="{x}" y="{y}" width="{w}" height="24" rx="3"/>'
        '<path class="tip" d="{tip}"/><text class="name" x="{mx}" y="{ty}">{name}{s}</text></g>'
    ).format(
        full=f"{site.motif} {site.strand}", x=x, y=y, w=BOX, tip=tip, mx=x + BOX / 2, ty=y + 16,
        name=name, s={"-": " ←", "+": " →"}.get(site.strand, ""),
    )  # fmt: skip


def gap_svg(profile: Mapping[str, Any], gaps: Mapping[int, float], *, label: str) -> Markup:
    """What the neuron says of a pair at every gap, and below it the gaps of its sequences.

    The line is the mean over random backgrounds, the band its 95 % interval; dashed: the better
    of the two motifs alone, dotted: neither.

    Parameters
    ----------
    profile
        ``at``, ``mean``, ``low``, ``high`` and ``left``, ``right``, ``none`` as in a neuron's
        file, with ``at`` what the axis shows.
    gaps
        Value of the axis -> sequences of the sample.
    label
        Of the axis.
    """
    at, mean, low, high = (np.array(profile[k], dtype=float) for k in ("at", "mean", "low", "high"))
    alone = [v for v in (profile["left"], profile["right"]) if v is not None]
    level = [max(alone)] if alone else []
    none = [] if profile["none"] is None else [profile["none"]]
    ys = np.concatenate([low, high, level, none])
    ends = np.concatenate([at, list(gaps)])
    ends, ys = ends[np.isfinite(ends)], ys[np.isfinite(ys)]
    if not len(at) or not len(ys):
        return Markup("")
    across = _scale(float(ends.min()) - 0.5, float(ends.max()) + 0.5, LEFT, WIDTH - RIGHT)
    up = _scale(float(ys.min()), float(ys.max()), HEIGHT - 6, TOP)
    band = [f"{across(a):.1f} {up(v):.1f}" for a, v in zip(at, high, strict=True)]
    band += [f"{across(a):.1f} {up(v):.1f}" for a, v in zip(at[::-1], low[::-1], strict=True)]
    line = [f"{across(a):.1f} {up(v):.1f}" for a, v in zip(at, mean, strict=True)]
    body = [
        _axis(across, up, (float(ends.min()), float(ends.max())), ys, label),
        Markup('<path class="band" d="M{}Z"/>').format("L".join(band)),
        Markup('<path class="line s1" d="M{}"/>').format("L".join(line)),
        *(_level("alone", up(v)) for v in level),
        *(_level("nothing", up(v)) for v in none),
        _bars(gaps, across),
    ]
    best = int(np.nanargmax(mean))
    said = f"Highest mean {mean[best]:.3g} at {at[best]:g}; {label}."
    return Markup(
        '<svg class="profile" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>'
    ).format(WIDTH, HEIGHT + BARS + BOTTOM, said, Markup("").join(body))


def _scale(low: float, high: float, first: float, last: float) -> Callable[[float], float]:
    size = high - low if high > low else 1.0
    return lambda v: first + (v - low) / size * (last - first)


def _level(style: str, y: float) -> Markup:
    return Markup('<path class="{}" d="M{} {:.1f}H{}"/>').format(style, LEFT, y, WIDTH - RIGHT)


def _axis(
    across: Callable[[float], float],
    up: Callable[[float], float],
    xs: tuple[float, float],
    ys: np.ndarray[Any, Any],
    label: str,
) -> Markup:
    bottom = HEIGHT + BARS
    low, high = float(ys.min()), float(ys.max())
    parts = [
        Markup('<text class="y" x="{}" y="{:.1f}" dy="4">{}</text>').format(
            LEFT - 6, up(v), f"{v:g}".replace("-", "−")
        )
        for v in (ticks(low, high, n=4) if high > low else [low])
    ]
    parts += [
        Markup('<text x="{:.1f}" y="{}">{}</text>').format(
            across(v), bottom + 14, f"{v:g}".replace("-", "−")
        )
        for v in ticks(xs[0] - 0.5, xs[1] + 0.5)
        if v == int(v)
    ]
    frame = f"M{LEFT} {TOP}V{HEIGHT}M{LEFT} {bottom}H{WIDTH - RIGHT}"
    parts.append(
        Markup('<path class="axis" d="{}"/><text class="label" x="{}" y="{}">{}</text>').format(
            frame, (LEFT + WIDTH - RIGHT) / 2, bottom + 30, label
        )
    )
    return Markup("").join(parts)


def _bars(gaps: Mapping[int, float], across: Callable[[float], float]) -> Markup:
    most = max(gaps.values(), default=0)
    wide = min(16.0, max(1.0, (across(1) - across(0)) * 0.8))
    return Markup("").join(
        Markup(
            '<rect class="seen" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
            "<title>{} at {}</title></rect>"
        ).format(
            across(g) - wide / 2, HEIGHT + BARS - v / most * (BARS - 6), wide,
            v / most * (BARS - 6), f"{int(v):,}", g,
        )
        for g, v in gaps.items()
        if v > 0
    )  # fmt: skip


def starts_svg(starts: Mapping[int, float], width: int, motif_width: int) -> Markup:
    """Where in a window of ``width`` bp a motif starts: bars by sequences, and its width below."""
    scale = 240 / max(width, 1)
    most = max(starts.values(), default=0) or 1
    bars = Markup("").join(
        Markup('<rect class="seen" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            20 + s * scale, 30 - 26 * v / most, max(1.0, scale * 0.8), 26 * v / most
        )
        for s, v in starts.items()
    )
    first = min(starts, default=0)
    return Markup(
        '<svg class="starts" viewBox="0 0 280 48" width="280" height="48" role="img">'
        '<title>starts in the window of {w} bp</title>{bars}<path class="axis" d="M20 30H260"/>'
        '<path class="tip" d="M{a:.1f} 34H{b:.1f}"/><text x="20" y="45">0</text>'
        '<text x="260" y="45">{w} bp</text></svg>'
    ).format(
        w=width, bars=bars, a=20 + first * scale, b=20 + (first + motif_width) * scale
    )  # fmt: skip


def icicle_svg(tree: Mapping[str, Any], levels: Sequence[str]) -> Markup:
    """A demixing tree: a row for each level, every part as wide as its number of sequences."""
    cells: list[tuple[int, float, int, str]] = []

    def walk(node: Mapping[str, Any], depth: int, x: float) -> None:
        gain = node.get("gain")
        split = ""
        if node.get("children"):
            number = int(node["level"])
            where = levels[number] if number < len(levels) else f"level {number}"
            said = "not asked" if gain is None else f"{gain:.3g} bits a sequence"
            split = f"; split at {where} into {len(node['children'])}, gain {said}"
        cells.append((depth, x, int(node["n"]), f"{int(node['n']):,} sequences{split}"))
        for child in node.get("children", ()):
            walk(child, depth + 1, x)
            x += int(child["n"])

    walk(tree, 0, 0)
    total = max(cells[0][2], 1)
    shown = sorted(cells, key=lambda c: (c[0], -c[2]))[:MAX_CELLS]
    rows = 1 + max(c[0] for c in shown)
    said = f"Demixing tree, {len(cells):,} parts on {rows} rows"
    said += (
        "." if len(shown) == len(cells) else f"; {len(shown)} are drawn, those of a row by size."
    )
    body = Markup("").join(
        Markup(
            '<rect class="d{}" x="{:.1f}" y="{}" width="{:.1f}" height="17">'
            "<title>{}</title></rect>"
        ).format(min(d, 3), 640 * x / total, 20 * d, max(0.5, 640 * n / total - 1), told)
        for d, x, n, told in shown
    )
    return Markup(
        '<svg class="icicle" viewBox="0 0 640 {}" role="img"><title>{}</title>{}</svg>'
    ).format(20 * rows, said, body)
