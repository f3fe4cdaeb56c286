"""Sequences designed from a neuron's motifs, beside random and searched ones, as drawn rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from cisgram.report.curves import ticks
from cisgram.report.text import number

SAID = {
    "background": "random bases alone",
    "gaps": "the motifs at gaps that it never has",
    "order": "the motifs in another order",
    "strand": "the motifs on the other strand",
    "designed": "designed from its syntax",
    "leaf": "consensus of the best group",
    "search": "found by the neuron's gradient",
    "output_search": "found by the output's gradient",
}
ALONE = {
    "gaps": "the motif at starts that it never has",
    "strand": "the motif on the other strand",
}
WIDTH, LEFT, RIGHT, ROW, TOP = 560, 232, 64, 22, 8  # px


def design_view(design: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the page says of a neuron's design (`explain.demix.plain_design`)."""
    if design is None:
        return None
    labels = SAID | (ALONE if len(design["slots"]) == 1 else {})
    asked = [k for k in ("background", "gaps", "order", "strand") if k in design["neuron"]]
    beaten = [labels[k] for k in asked if k in design["beaten"]]
    return {
        "text": ", then ".join(f"{name}{strand}" for name, strand in design["slots"]),
        "letters": design["letters"],
        "ways": len(design["places"]),
        "n": design["n"],
        "share": design["share"],
        "beaten": beaten,
        "not_beaten": [labels[k] for k in asked if k not in design["beaten"]],
        "figures": [
            (title, rows_svg(design[key], labels, label=title))
            for key, title in (("neuron", "The neuron's value"), ("output", "The model's output"))
            if design[key]
        ],
    }


def rows_svg(found: Mapping[str, Sequence[float]], labels: Mapping[str, str], *, label: str) -> str:
    """Medians as dots with their intervals, one row a kind, on one axis.

    Parameters
    ----------
    found
        By kind its median and the ends of its interval, drawn from top to bottom.
    labels
        What each kind is called.
    label
        Of the axis.

    Examples
    --------
    >>> svg = rows_svg({"designed": [2, 1, 3]}, SAID, label="The neuron's value")
    >>> svg.count("<circle"), "designed from its syntax 2.00 (1.00 to 3.00)" in svg
    (1, True)
    """
    ends = [float(v) for own in found.values() for v in own]
    low, high = min(ends), max(ends)
    size = high - low if high > low else 1.0
    bottom = TOP + ROW * len(found)

    def at(v: float) -> float:
        return LEFT + 8 + (float(v) - low) / size * (WIDTH - LEFT - RIGHT - 16)

    parts = [
        Markup('<path class="grid" d="M{x:.1f} {}V{}"/><text x="{x:.1f}" y="{}">{}</text>').format(
            TOP, bottom, bottom + 14, f"{v:g}".replace("-", "−"), x=at(v)
        )
        for v in (ticks(low, high, n=4) if high > low else [low])
    ]
    for i, (kind, (median, first, last)) in enumerate(found.items()):
        y = TOP + ROW * i + ROW / 2
        parts.append(
            Markup(
                '<g class="{k}"><title>{name} {m} ({a} to {b})</title>'
                '<text class="name" x="{lx}" y="{ty}">{name}</text>'
                '<path d="M{x1:.1f} {y}H{x2:.1f}"/><circle cx="{x:.1f}" cy="{y}" r="4"/>'
                '<text class="figure" x="{rx}" y="{ty}">{m}</text></g>'
            ).format(
                k="designed" if kind == "designed" else "other", name=labels[kind],
                m=number(float(median)), a=number(float(first)), b=number(float(last)),
                lx=LEFT - 8, ty=y + 4, x1=at(first), x2=at(last), x=at(median), y=y,
                rx=WIDTH - RIGHT + 8,
            )
        )  # fmt: skip
    parts.append(
        Markup('<text class="label" x="{}" y="{}">{}</text>').format(
            (LEFT + WIDTH - RIGHT) / 2, bottom + 30, label
        )
    )
    return Markup(
        '<svg class="designs" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>'
    ).format(WIDTH, bottom + 36, f"{label}, medians and 95 % intervals", Markup("").join(parts))
