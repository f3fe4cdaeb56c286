"""The letters A C G T N as outlines that fill their box exactly: no font is needed."""

from __future__ import annotations

# Box 100 wide and 100 high, y down as in SVG. Commands M L H V A Z, all absolute; A holds
# rx ry sweep x y and is always the large arc. Stems are 22-23 wide, bars 16-17 high.
_OUTLINES = {
    "A": "M 0 100 L 37 0 H 63 L 100 100 H 77 L 68.86 78 H 31.14 L 23 100 Z "
    "M 37.06 62 H 62.94 L 50 27.03 Z",
    "C": "M 100 34 A 51.35 50 0 100 66 H 77.02 A 29.35 33 1 77.02 34 Z",
    "G": "M 100 34 A 51.35 50 0 100 66 V 49 H 53 V 66 H 77.02 A 29.35 33 1 77.02 34 Z",
    "T": "M 0 0 H 100 V 17 H 61.5 V 100 H 38.5 V 17 H 0 Z",
    "N": "M 0 100 V 0 H 24 L 78 65 V 0 H 100 V 100 H 76 L 22 35 V 100 Z",
}
_ARGUMENTS = {"M": "xy", "L": "xy", "H": "x", "V": "y", "A": "wh*xy", "Z": ""}

# Green, blue, gold and red, as the field draws them; dark enough for white paper.
COLORS = {"A": "#109648", "C": "#255c99", "G": "#f2a516", "T": "#d62839", "N": "#8a8a8a"}


def _parsed(outline: str) -> list[tuple[str, list[float]]]:
    out = list[tuple[str, list[float]]]()
    for token in outline.split():
        if token.isalpha():
            out.append((token, []))
        else:
            out[-1][1].append(float(token))
    return out


_PARSED = {base: _parsed(outline) for base, outline in _OUTLINES.items()}


def outline(base: str, x: float, y: float, width: float, height: float, *, flip: bool) -> str:
    """SVG path data of one letter in the box whose upper left corner is (x, y).

    Parameters
    ----------
    base
        A, C, G, T or N.
    x, y, width, height
        The box in user units, y down; the letter touches all four sides.
    flip
        Upside down, as negative contributions are drawn.

    Examples
    --------
    >>> outline("T", 0, 0, 10, 20, flip=False)
    'M0 0H10V3.4H6.15V20H3.85V3.4H0Z'
    """
    parts = []
    for command, values in _PARSED[base]:
        words = []
        for kind, value in zip(_ARGUMENTS[command], values, strict=True):
            if kind == "x":
                words.append(_short(x + value / 100 * width))
            elif kind == "y":
                share = 1 - value / 100 if flip else value / 100
                words.append(_short(y + share * height))
            elif kind == "w":
                words.append(_short(value / 100 * width))
            elif kind == "h":
                words.append(_short(value / 100 * height))
            else:  # a mirrored arc turns the other way
                words.append(f"0 1 {int(value != flip)}")
        parts.append(command + " ".join(words))
    return "".join(parts)


def _short(value: float) -> str:
    """Two decimals at most; a hundredth of a unit is below what a screen shows."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
