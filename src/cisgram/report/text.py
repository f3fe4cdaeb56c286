"""Numbers and names as a reader wants them, and the templates that use them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TITLES = {
    "auroc": "AUROC",
    "f1": "F1",
    "auprc": "AUPRC",
    "accuracy": "Accuracy",
    "brier": "Brier score",
    "pearson": "Pearson r",
    "spearman": "Spearman ρ",
    "mse": "Mean squared error",
    "r2": "R²",
    "jsd": "JSD",
    "jsd_average": "JSD of the average profile",
    "jsd_lead": "JSD less than that",
    "ism": "In-silico mutagenesis",
    "deep_lift": "DeepLIFT",
    "temporal": "Temporal output scores",
    "smoothgrad": "SmoothGrad",
    "n_sites": "Sites",
    "id": "ID",
}
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
DASH = "–"


def number(value: Any, digits: int = 3) -> str:
    r"""A number with ``digits`` significant figures; a dash where there is none.

    Examples
    --------
    >>> number(0.96512), number(12345.6), number(2.5e-7), number(None), number(1000), number(1.0)
    ('0.965', '12,346', '2.5\xa0×\xa010⁻⁷', '–', '1,000', '1.00')
    """
    v = as_float(value)
    if v is None:
        return DASH
    size = abs(v)
    counted = v == 0 or isinstance(value, int) or (isinstance(value, str) and "." not in value)
    if counted and v == int(v) and size < 1e15:
        return f"{int(v):,}".replace("-", "−")
    if size < 10.0**-digits or size >= 1e7:
        return scientific(v)
    places = max(0, digits - 1 - math.floor(math.log10(size))) if size >= 1 else digits
    return f"{v:,.{places}f}".replace("-", "−")


def scientific(value: Any) -> str:
    r"""A p- or q-value: plain from 0.001 on, else with a power of ten.

    Examples
    --------
    >>> scientific(0.0321), scientific(1e-6), scientific(3.21e-12), scientific(0.0)
    ('0.032', '10⁻⁶', '3.2\xa0×\xa010⁻¹²', '0')
    """
    v = as_float(value)
    if v is None:
        return DASH
    if v == 0:
        return "0"
    if 0.001 <= abs(v) < 1e7:
        return f"{v:.2g}".replace("-", "−")
    mantissa, _, exponent = f"{v:.1e}".partition("e")
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    mantissa = mantissa.removesuffix(".0").replace("-", "−")
    return power if mantissa == "1" else f"{mantissa}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{power}"


def hundredths(value: float) -> str:
    """A correlation: two digits after the point.

    Examples
    --------
    >>> hundredths(-0.126), hundredths(1.0), hundredths(-0.001)
    ('−0.13', '1.00', '0.00')
    """
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def interval(value: Any, digits: int = 3) -> str:
    """Both ends of an interval; empty where there is none.

    Examples
    --------
    >>> interval([0.953, 0.975])
    '0.953–0.975'
    """
    if not isinstance(value, list | tuple) or len(value) != 2:
        return ""
    low, high = (as_float(v) for v in value)
    if low is None or high is None:
        return ""
    middle = DASH if low >= 0 and high >= 0 else " to "
    return f"{number(low, digits)}{middle}{number(high, digits)}"


def as_float(value: Any) -> float | None:
    """A finite number, from a number or from text; else ``None``."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        v = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return v if math.isfinite(v) else None


def title(name: str) -> str:
    """A column or key as a heading.

    Examples
    --------
    >>> title("auroc"), title("influence_low")
    ('AUROC', 'Influence low')
    """
    return TITLES.get(name, name.replace("_", " ").strip()[:1].upper() + name.replace("_", " ")[1:])


def cell(value: Any) -> str:
    """A value of a settings or facts table: numbers in short, text as it is.

    Examples
    --------
    >>> cell(0.123456), cell("ELK1"), cell(True), cell([1, 2]), cell("007"), cell(None)
    ('0.123', 'ELK1', 'yes', '1, 2', '007', '–')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(cell(v) for v in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {cell(v)}" for k, v in value.items())
    if isinstance(value, int | float):
        return number(value)
    return DASH if value is None or value == "" else str(value)


def plural(n: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    Examples
    --------
    >>> plural(1, "motif"), plural(1200, "motif"), plural(0, "match", "matches")
    ('1 motif', '1,200 motifs', 'no matches')
    """
    noun = one if n == 1 else many or f"{one}s"
    return f"{n:,} {noun}" if n else f"no {noun}"


@cache
def environment() -> Environment:
    """Templates of this room; every value is escaped unless it is already markup."""
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "number": number,
        "scientific": scientific,
        "hundredths": hundredths,
        "interval": interval,
        "heading": title,
        "cell": cell,
        "plural": plural,
    }
    return env


def render(template: str, **values: Any) -> Markup:
    """A template of this room with its values."""
    return Markup(environment().get_template(template).render(values))  # noqa: S704 (autoescaped)
