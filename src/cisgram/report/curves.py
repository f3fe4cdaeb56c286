"""Line charts as inline SVG: colors come from the style sheet, so they follow the scheme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray

WIDTH, HEIGHT = 340, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 12, 46
LEGEND = 18  # px above the frame
MAX_POINTS = 240


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of a chart.

    Attributes
    ----------
    name
        For the legend; untrusted text is allowed.
    x, y
        Points in order; those that are not finite are left out.
    style
        Number of the color and dash, 1 to 6.
    sizes
        Radius in px of a dot at each point; none are drawn without it.
    joined
        Whether the points are joined.
    """

    name: str
    x: ArrayLike
    y: ArrayLike
    style: int = 1
    sizes: Sequence[float] = ()
    joined: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """An area between two curves, such as an interval; where it is not finite it has a gap."""

    x: ArrayLike
    low: ArrayLike
    high: ArrayLike


@dataclass(frozen=True, slots=True)
class Axis:
    """Label and range of an axis; ``None`` takes the range of the data."""

    label: str
    range: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """From data to px: ranges of the two axes in one frame."""

    xs: tuple[float, float]
    ys: tuple[float, float]

    def across(self, v: ArrayLike) -> NDArray[np.float64]:
        """Px from the left edge."""
        share = (np.asarray(v, dtype=np.float64) - self.xs[0]) / (self.xs[1] - self.xs[0])
        return np.asarray(LEFT + share * (WIDTH - LEFT - RIGHT))

    def up(self, v: ArrayLike) -> NDArray[np.float64]:
        """Px from the upper edge."""
        share = (np.asarray(v, dtype=np.float64) - self.ys[0]) / (self.ys[1] - self.ys[0])
        return np.asarray(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM))


def chart(
    lines: Sequence[Line],
    *,
    name: str,
    description: str,
    x: Axis,
    y: Axis,
    diagonal: bool = False,
    level: float | None = None,
    bands: Sequence[Band] = (),
    legend: bool = False,
) -> Markup:
    """An SVG of lines in one frame.

    Parameters
    ----------
    lines
        What is drawn.
    name
        Unique on the page; the ids of title and description are made from it.
    description
        The chart in one sentence, for a reader who does not see it.
    x, y
        The axes.
    diagonal
        Draw the line y = x (chance in a ROC curve, perfection in a calibration curve).
    level
        Draw a level line at this y (the prevalence in a precision-recall curve).
    bands
        Areas behind the lines, drawn first.
    legend
        Name the lines in a row above the frame, for a chart that stands alone.
    """
    points = [_finite(line) for line in lines]
    areas = [part for band in bands for part in _whole(band)]
    across = [p[0] for p in points] + [a[0] for a in areas]
    up = [p[1] for p in points] + [a[i] for a in areas for i in (1, 2)]
    frame = Frame(_span(across, x.range), _span(up, y.range))
    parts = [_axes(frame, x.label, y.label), *(_area(frame, *a) for a in areas)]
    if diagonal:
        ends = [max(frame.xs[0], frame.ys[0]), min(frame.xs[1], frame.ys[1])]
        (x1, x2), (y1, y2) = frame.across(ends), frame.up(ends)
        parts.append(Markup('<path class="guide" d="M{} {}L{} {}"/>').format(*_r(x1, y1, x2, y2)))
    if level is not None:
        (at,) = _r(float(frame.up(level)))
        parts.append(
            Markup('<path class="guide" d="M{} {h}H{}"/>').format(LEFT, WIDTH - RIGHT, h=at)
        )
    for line, (px, py) in zip(lines, points, strict=True):
        if len(px):
            parts.append(_line(frame.across(px), frame.up(py), line))
    top = LEGEND if legend else 0
    parts += [_legend(lines)] if legend else []
    return Markup(
        '<svg class="chart" viewBox="0 {top} {w} {h}" role="img" aria-labelledby="{n}-t {n}-d">'
        '<title id="{n}-t">{title}</title><desc id="{n}-d">{d}</desc>{body}</svg>'
    ).format(
        top=-top,
        w=WIDTH,
        h=HEIGHT + top,
        n=name,
        title=f"{y.label} against {x.label}",
        d=description,
        body=Markup("").join(parts),
    )


def thin(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most `MAX_POINTS` points of a monotonous curve, evenly spread along its length.

    Examples
    --------
    >>> x, y = thin(np.linspace(0, 1, 5000), np.linspace(0, 1, 5000))
    >>> len(x), float(x[0]), float(x[-1])
    (240, 0.0, 1.0)
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(a) <= MAX_POINTS:
        return a, b
    walked = np.concatenate([[0], np.cumsum(np.hypot(np.diff(a), np.diff(b)))])
    kept = np.searchsorted(walked, np.linspace(0, walked[-1], MAX_POINTS))
    kept[0], kept[-1] = 0, len(a) - 1
    return a[kept], b[kept]


def ticks(low: float, high: float, *, n: int = 5) -> list[float]:
    """Round values between two ends, about ``n`` of them.

    Examples
    --------
    >>> ticks(0, 1), ticks(1, 24)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [5.0, 10.0, 15.0, 20.0])
    """
    raw = (high - low) / n
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _finite(line: Line) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.asarray(line.x, dtype=np.float64), np.asarray(line.y, dtype=np.float64)
    good = np.isfinite(x) & np.isfinite(y)
    return x[good], y[good]


def _whole(band: Band) -> list[tuple[NDArray[np.float64], ...]]:
    """The finite stretches of a band."""
    rows = np.stack([np.asarray(v, dtype=np.float64) for v in (band.x, band.low, band.high)])
    good = np.asarray(np.isfinite(rows).all(0))
    cuts = np.flatnonzero(np.diff(good)) + 1
    parts = np.split(np.arange(len(good)), cuts)
    return [tuple(rows[:, part]) for part in parts if len(part) and good[part[0]]]


def _area(
    frame: Frame, x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> Markup:
    across = frame.across(np.concatenate([x, x[::-1]]))
    up = frame.up(np.concatenate([high, low[::-1]]))
    path = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(across, up, strict=True))
    return Markup('<path class="band" d="M{}Z"/>').format(path)


def _legend(lines: Sequence[Line]) -> Markup:
    """Names in a row, each behind a piece of its line."""
    parts, at = [], float(LEFT)
    for line in lines:
        parts.append(
            Markup(
                '<path class="line s{}" d="M{:.0f} -4h20"/>'
                '<text class="key" x="{:.0f}" y="0">{}</text>'
            ).format(line.style, at, at + 25, line.name)
        )
        at += 40 + 5.6 * len(line.name)
    return Markup("").join(parts)


def _span(
    values: list[NDArray[np.float64]], wanted: tuple[float, float] | None
) -> tuple[float, float]:
    if wanted is not None:
        return wanted
    together = np.concatenate(values) if values else np.empty(0)
    if len(together) == 0:
        return 0.0, 1.0
    low, high = float(together.min()), float(together.max())
    if high - low < 1e-12:
        return low - 0.5, high + 0.5
    return low, high


def _axes(frame: Frame, xlabel: str, ylabel: str) -> Markup:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for v in ticks(*frame.xs):
        (at,) = _r(float(frame.across(v)))
        parts.append(
            Markup('<path class="grid" d="M{x} {}V{}"/><text x="{x}" y="{}">{t}</text>').format(
                TOP, bottom, bottom + 16, x=at, t=_tick(v)
            )
        )
    for v in ticks(*frame.ys):
        (at,) = _r(float(frame.up(v)))
        parts.append(
            Markup(
                '<path class="grid" d="M{} {y}H{}"/>'
                '<text class="y" x="{}" y="{y}" dy="4">{t}</text>'
            ).format(LEFT, right, LEFT - 7, y=at, t=_tick(v))
        )
    parts.append(
        Markup(
            '<path class="axis" d="M{l} {t}V{b}H{r}"/>'
            '<text class="label" x="{mx}" y="{by}">{xlabel}</text>'
            '<text class="label" transform="translate(13 {my}) rotate(-90)">{ylabel}</text>'
        ).format(
            l=LEFT, t=TOP, b=bottom, r=right, mx=(LEFT + right) / 2, by=HEIGHT - 8,
            my=(TOP + bottom) / 2, xlabel=xlabel, ylabel=ylabel,
        )
    )  # fmt: skip
    return Markup("").join(parts)


def _line(x: NDArray[np.float64], y: NDArray[np.float64], line: Line) -> Markup:
    parts = []
    if line.joined:
        path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
        parts.append(Markup('<path class="line s{}" d="{}"/>').format(line.style, path))
    parts += [
        Markup('<circle class="dot s{}" cx="{}" cy="{}" r="{}"/>').format(line.style, *_r(a, b, r))
        for a, b, r in zip(x, y, line.sizes or (), strict=False)
    ]
    return Markup("").join(parts)


def _r(*values: float) -> list[str]:
    return [f"{float(v):.1f}" for v in values]


def _tick(value: float) -> str:
    return f"{value:g}".replace("-", "−")
