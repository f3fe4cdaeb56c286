"""Sequence logos as SVG text: no font for the letters, no plotting library, no ids."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.motifs.glyphs import COLORS, outline
from cisgram.motifs.motif import Motif

Kind = Literal["bits", "probability", "contribution"]
LABELS = {"bits": "bits", "probability": "probability", "contribution": "contribution"}

_COLUMN = 16.0  # user units (pixels at the natural size)
_GAP = 0.6  # between letters of neighbouring columns
_LEFT, _TOP, _BOTTOM = 34.0, 5.0, 5.0
_NUMBERS = 13.0  # room for numbers below
_LEAST = 0.3  # letters lower than this cannot be seen and are left out


def logo_svg(
    motif: Motif | ArrayLike,
    *,
    kind: Kind = "bits",
    height: float = 72.0,
    limits: tuple[float, float] | None = None,
    axis: bool = True,
    first: int | None = None,
    title: str | None = None,
) -> str:
    """One SVG element: the letters of each position stacked, each as high as its value.

    ``bits``: probability times the position's information against the motif's background.
    ``probability``: the probabilities. ``contribution``: the values as they are; negative ones
    hang below the axis, upside down. The largest letter of a stack lies farthest from the axis.
    The four letters of the page are four paths: nothing is shared between logos, so any number
    of them can stand in one page, and the text colour of the page is used for the axis.

    Parameters
    ----------
    motif
        A `Motif`, or a matrix (4, k), rows A C G T: probabilities, or contributions of any
        sign and unit.
    kind
        What the heights mean.
    height
        Of the drawing area, in pixels at the natural size.
    limits
        Lowest and highest value of the axis, to draw several logos to one scale; default 0 to
        2 bits (more where a background allows more), 0 to 1, or what the contributions need.
    axis
        Draw the vertical axis with its ticks and its label.
    first
        Number under the first position; ``None`` draws no numbers.
    title
        What a screen reader says and a pointer shows; default the motif's name.

    Raises
    ------
    InputError
        When the matrix is not (4, k), a value is not finite, or a stack passes the limits.

    References
    ----------
    Schneider and Stephens 1990, Nucleic Acids Research 18:6097 (without their small-sample
    correction).

    Examples
    --------
    >>> svg = logo_svg(Motif([[1, 0], [0, 1], [0, 0], [0, 0]], "A & C"))
    >>> svg[:4], svg.count("<path"), "<title>A &amp; C</title>" in svg
    ('<svg', 3, True)
    """
    if kind not in LABELS:
        what = "kind of logo"
        raise unknown(what, kind, LABELS)
    values, name = _heights(motif, kind)
    low, high = _limits(values, kind, limits)
    left = _LEFT if axis else 2.0
    k = values.shape[1]
    frame = _Frame(left, _TOP, k * _COLUMN, height, low, high)
    below = _BOTTOM + (_NUMBERS if first is not None else 0.0)
    size = (frame.right + 2.0, _TOP + height + below)
    heading = name if title is None else title
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" class="cisgram-logo" '
        f'viewBox="0 0 {size[0]:g} {size[1]:g}" width="{size[0]:g}" height="{size[1]:g}">',
        f"<title>{_escaped(heading)}</title>" if heading else "",
        *_letters(values, frame),
        _axis(frame, LABELS[kind]) if axis else "",
        _numbers(frame, k, first) if first is not None else "",
        "</svg>",
    ]
    return "".join(parts)


@dataclass(frozen=True)
class _Frame:
    """The drawing area and its vertical scale."""

    left: float
    top: float
    width: float
    height: float
    low: float
    high: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def unit(self) -> float:
        """Pixels of a value of one."""
        return self.height / (self.high - self.low)

    def y(self, value: float) -> float:
        """Pixel row of a value, downwards from the top."""
        return self.top + (self.high - value) * self.unit


def _heights(motif: Motif | ArrayLike, kind: Kind) -> tuple[NDArray[np.float64], str]:
    if kind == "contribution":
        if isinstance(motif, Motif):
            msg = (
                f"motif {motif.name!r} holds probabilities; a contribution logo takes a matrix "
                "(4, k) of contributions. Use kind='bits'."
            )
            raise InputError(msg)
        values = np.asarray(motif, dtype=np.float64)
        if values.ndim != 2 or values.shape[0] != 4 or values.shape[1] == 0:
            msg = f"contributions must have shape (4, k), rows A C G T; got {values.shape}."
            raise InputError(msg)
        if not np.isfinite(values).all():
            msg = f"contributions must be finite; {int((~np.isfinite(values)).sum())} are not."
            raise InputError(msg)
        return values, ""
    m = motif if isinstance(motif, Motif) else Motif(np.asarray(motif, np.float64), name="")
    return (m.ppm * m.information if kind == "bits" else m.ppm), m.name


def _limits(
    values: NDArray[np.float64], kind: Kind, limits: tuple[float, float] | None
) -> tuple[float, float]:
    top = float(np.clip(values, 0, None).sum(0).max())
    bottom = float(np.clip(values, None, 0).sum(0).min())
    if limits is None:
        if kind == "bits":
            return 0.0, max(2.0, float(np.ceil(top - 1e-9)))
        if kind == "probability":
            return 0.0, 1.0
        return (bottom, top) if top > bottom else (0.0, 1.0)
    low, high = map(float, limits)
    slack = 1e-6 * (high - low)
    if not low <= 0 <= high or not low < high or top > high + slack or bottom < low - slack:
        msg = (
            f"limits must hold 0 and every stack ({bottom:g} to {top:g}); got {limits}. Widen them."
        )
        raise InputError(msg)
    return low, high


def _letters(values: NDArray[np.float64], frame: _Frame) -> list[str]:
    """One path for each base, all its letters in it."""
    outlines: dict[str, list[str]] = {base: [] for base in "ACGT"}
    for i, column in enumerate(values.T.tolist()):
        x = frame.left + i * _COLUMN + _GAP / 2
        up = down = 0.0
        for value, base in sorted(zip(column, "ACGT", strict=True), key=lambda v: abs(v[0])):
            high = abs(value) * frame.unit
            if value > 0:
                y, up = frame.y(up + value), up + value
            else:
                y, down = frame.y(down), down + value
            if high >= _LEAST:
                outlines[base].append(outline(base, x, y, _COLUMN - _GAP, high, flip=value < 0))
    return [
        f'<path fill="{COLORS[base]}" fill-rule="evenodd" d="{"".join(d)}"/>'
        for base, d in outlines.items()
        if d
    ]


def _axis(frame: _Frame, label: str) -> str:
    x, lines, texts = frame.left - 3.0, [], []
    lines.append(f"M{x:g} {frame.y(frame.high):.2f}V{frame.y(frame.low):.2f}")
    for tick in _ticks(frame.low, frame.high):
        y = frame.y(tick)
        lines.append(f"M{x - 3:g} {y:.2f}H{x:g}")
        texts.append(f'<text x="{x - 5:g}" y="{y + 3:.2f}">{tick:g}</text>')
    if frame.low < 0:
        lines.append(f"M{frame.left:g} {frame.y(0):.2f}H{frame.right:g}")
    middle = frame.top + frame.height / 2
    return (
        f'<path fill="none" stroke="currentColor" stroke-width=".8" d="{"".join(lines)}"/>'
        '<g fill="currentColor" font-family="system-ui,sans-serif" font-size="9" '
        f'text-anchor="end">{"".join(texts)}'
        f'<text text-anchor="middle" transform="translate(8 {middle:.2f})rotate(-90)">{label}'
        "</text></g>"
    )


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between the limits, zero among them: steps of 1, 2 or 5."""
    span = (high - low) / 2
    power = 10.0 ** np.floor(np.log10(span))
    step = float(next(s * power for s in (5, 2, 1) if s * power <= span * (1 + 1e-9)))
    count = range(int(np.ceil(low / step - 1e-6)), int(np.floor(high / step + 1e-6)) + 1)
    return [round(i * step, 12) for i in count]


def _numbers(frame: _Frame, k: int, first: int) -> str:
    """Numbers under the first position and under every multiple of five."""
    y = frame.top + frame.height + _NUMBERS - 2
    texts = [
        f'<text x="{frame.left + (i + 0.5) * _COLUMN:g}" y="{y:g}">{first + i}</text>'
        for i in range(k)
        if (first + i) % 5 == 0 or (i == 0 and (first % 5) < 4)
    ]
    return (
        '<g fill="currentColor" font-family="system-ui,sans-serif" font-size="9" '
        f'text-anchor="middle">{"".join(texts)}</g>'
    )


def _escaped(text: str) -> str:
    """Text of a file, safe inside XML: escaped, and without characters that XML forbids."""
    return html.escape("".join(c if c.isprintable() else " " for c in text))
