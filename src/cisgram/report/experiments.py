"""Drawings of experiments as SVG: curves with their additive twin, and the effects of arms."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.grammar import Experiment, cooperativity
from cisgram.grammar.paired import t_interval
from cisgram.grammar.scales import amounts
from cisgram.report.curves import Axis, Band, Line, chart, ticks
from cisgram.report.style import style

if TYPE_CHECKING:
    import pandas as pd

MAX_ARMS = 40
SHOWN = 34  # letters of an arm's name
WIDTH, LEFT, RIGHT, TOP, ROW, BOTTOM = 540, 210, 16, 8, 18, 44
SURE = 0.05  # q below which a point is filled
LABELS = {"distance": "distance, bp", "copies": "copies"}


def curve_svg(experiment: Experiment, *, fact: str = "distance", name: str = "curve") -> Markup:
    """What is given together along a fact, its additive twin, and what the sequences give as is.

    In amounts, with the bootstrap's 95 % band, where the experiment says how its output is
    scaled; else in units of the output, with Student's.

    Parameters
    ----------
    experiment
        `grammar.spacing`, or `grammar.copies` with ``fact="copies"``.
    fact
        What lies along the axis.
    name
        Unique on the page.

    Raises
    ------
    InputError
        When the arms have no such number, or no twin.

    Examples
    --------
    >>> import torch
    >>> from cisgram import grammar
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 1, bias=False))
    >>> x = grammar.random_backgrounds(9, 20)
    >>> svg = curve_svg(grammar.spacing(model, x, ["ACG", "GT"], distances=[0, 4, 8]))
    >>> svg.count('class="band"'), "sum of each alone" in svg
    (1, True)
    """
    arms = experiment.with_twin()
    at = np.array([arm.facts.get(fact, np.nan) for arm in arms], dtype=object)
    if not all(isinstance(v, int | float) and np.isfinite(v) for v in at):
        msg = f"Every arm of a curve needs a number {fact!r}; this experiment has none."
        raise InputError(msg)
    drawn = _in_amounts(experiment) if experiment.scale else _as_given(experiment)
    x = at.astype(np.float64)
    ends = [x.min(), x.max()] if len(x) > 1 else [x[0] - 0.5, x[0] + 0.5]
    dots = (3.0,) * len(x) if len(x) <= 12 else ()
    lines = [
        Line("together", x, drawn.together, style=1, sizes=dots),
        Line("sum of each alone", x, drawn.twin, style=2),
        Line("none", ends, [drawn.none] * 2, style=3),
    ]
    best = int(np.abs(drawn.together - drawn.twin).argmax())
    said = (
        f"Farthest from the sum of each alone at {x[best]:g}: {drawn.together[best]:.3g} where "
        f"{drawn.twin[best]:.3g} would be additive; without any {drawn.none:.3g}."
    )
    return chart(
        lines,
        name=name,
        description=said,
        x=Axis(LABELS.get(fact, fact)),
        y=Axis(drawn.unit),
        bands=[Band(x, drawn.low, drawn.high)],
        legend=True,
    )


def effects_svg(experiment: Experiment, *, name: str = "effects") -> Markup:
    """The effect of every arm with its 95 % interval; filled where q is below 0.05.

    Of more than 40 arms those with the largest effects, in their order.

    Raises
    ------
    InputError
        When no arm has an effect.

    Examples
    --------
    >>> import torch
    >>> from cisgram import grammar
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 1, bias=False))
    >>> e = grammar.insertion(model, grammar.random_backgrounds(9, 20), ["ACG", "GT"])
    >>> effects_svg(e).count("<circle")
    2
    """
    table = experiment.table().dropna(subset=["effect"])
    if table.empty:
        msg = "No arm of this experiment is measured against another; there is nothing to draw."
        raise InputError(msg)
    kept = table.loc[table["effect"].abs().nlargest(MAX_ARMS).index].sort_index()
    label = "effect, units of the output"
    left_out = len(table) - len(kept)
    label += f" (the {MAX_ARMS} largest of {len(table)})" if left_out else ""
    title = f"Effects of {len(kept)} arms of {experiment.name}"
    return intervals_svg(kept, name=name, title=title, label=label)


def intervals_svg(rows: pd.DataFrame, *, name: str, title: str, label: str) -> Markup:
    """Effects one below the other on one axis, each with its interval; filled where q < 0.05.

    Parameters
    ----------
    rows
        ``arm`` (what is written beside it), ``effect``, ``low``, ``high``, ``q``.
    name
        Unique on the page.
    title
        For who does not see it.
    label
        Of the axis.

    Examples
    --------
    >>> import pandas as pd
    >>> one = {"arm": ["A"], "effect": [1.0], "low": [0.5], "high": [1.5], "q": [0.2]}
    >>> svg = intervals_svg(pd.DataFrame(one), name="x", title="One", label="output")
    >>> "unsure" in svg
    True
    """
    ends = np.array([rows["low"].min(), rows["high"].max(), 0.0])
    low, high = float(ends.min()), float(ends.max())
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    height = TOP + ROW * len(rows)

    def across(v: float) -> float:
        return LEFT + (v - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    body = [_scale(low, high, height)]
    body.append(Markup('<path class="guide" d="M{:.1f} {}V{}"/>').format(across(0), TOP, height))
    columns = (rows[c].tolist() for c in ("arm", "effect", "low", "high", "q"))
    for i, row in enumerate(zip(*columns, strict=True)):
        body.append(_arm(*row, y=TOP + ROW * (i + 0.5), across=across))
    body.append(
        Markup('<text class="label" x="{}" y="{}">{}</text>').format(
            (LEFT + WIDTH - RIGHT) / 2, height + 36, label
        )
    )
    return Markup(
        '<svg class="arms" viewBox="0 0 {} {}" role="img" aria-labelledby="{n}-t">'
        '<title id="{n}-t">{}</title>{}</svg>'
    ).format(WIDTH, height + BOTTOM, title, Markup("").join(body), n=name)


def standalone(svg: Markup) -> str:
    """A drawing of the page as a file of its own: with the page's colors, light or dark.

    Examples
    --------
    >>> standalone(Markup('<svg viewBox="0 0 9 9"></svg>'))[:50]
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0'
    """
    sheet = re.sub(r"\s+", " ", style("page", "figures"))
    sheet = sheet.replace("&", "&amp;").replace("<", "&lt;")
    opened = str(svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    head, rest = opened.split(">", 1)
    return f"{head}><style>{sheet}</style>{rest}"


class _Drawn(NamedTuple):
    """Numbers of a curve in one unit."""

    together: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    twin: NDArray[np.float64]
    none: float
    unit: str


def _in_amounts(e: Experiment) -> _Drawn:
    table = cooperativity(e)
    names = ("together", "together_low", "together_high", "twin")
    together, low, high, twin = (table[c].to_numpy(dtype=np.float64) for c in names)
    none = float(amounts(e.values, e.scale)[0][:, _start(e)].mean())
    unit = {"linear": "output", "logit": "odds"}.get(str(e.scale), "output, logarithm undone")
    return _Drawn(together, low, high, twin, none, unit)


def _as_given(e: Experiment) -> _Drawn:
    arms = e.with_twin()
    values = np.stack([e[arm.name] for arm in arms], axis=1)
    twin = e.interactions()["twin"].to_numpy(dtype=np.float64)
    none = float(e.values[:, _start(e)].mean())
    return _Drawn(*t_interval(values), twin, none, "output")


def _start(e: Experiment) -> int:
    """Column of the first arm that others start from."""
    return next(i for i, arm in enumerate(e.arms) if arm.against is None)


def _scale(low: float, high: float, height: float) -> Markup:
    parts = []
    for v in ticks(low, high):
        at = LEFT + (v - low) / (high - low) * (WIDTH - LEFT - RIGHT)
        parts.append(
            Markup(
                '<path class="grid" d="M{x:.1f} {}V{}"/><text x="{x:.1f}" y="{}">{}</text>'
            ).format(TOP, height, height + 15, f"{v:g}".replace("-", "−"), x=at)
        )
    return Markup("").join(parts)


def _short(name: str) -> str:
    return name if len(name) <= SHOWN else name[: SHOWN - 1] + "…"


def _arm(
    arm: str,
    effect: float,
    low: float,
    high: float,
    q: float,
    *,
    y: float,
    across: Callable[[float], float],
) -> Markup:
    said = f"{arm}: {effect:.3g} ({low:.3g} to {high:.3g}), q = {q:.2g}"
    return Markup(
        '<text class="name" x="{}" y="{}" dy="4">{}<title>{}</title></text>'
        '<path class="line s1" d="M{:.1f} {}H{:.1f}"/>'
        '<circle class="{}" cx="{:.1f}" cy="{}" r="4"/>'
    ).format(
        LEFT - 9, y, _short(arm), said, across(low), y, across(high),
        "dot s1" if q < SURE else "unsure", across(effect), y,
    )  # fmt: skip
