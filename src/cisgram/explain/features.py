"""Features of sequences, whose interactions are asked for: bases, windows, sites of motifs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.explain.overwrite import Codes, sites_of
from cisgram.motifs import Motif

if TYPE_CHECKING:
    import pandas as pd

Sources: TypeAlias = "int | Motif | Iterable[Motif] | pd.DataFrame"
Span: TypeAlias = tuple[int, int]

UNITS = ("sequence", "site")
NAMES = ("motif", "name", "pattern")  # columns of tables of hits, the first that is there


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """Stretches of one sequence that are taken away together.

    Attributes
    ----------
    sequence
        Row of x.
    name
        Of the motif, or ``start-end`` of a window, or the position of a base.
    spans
        Half-open, by start; they do not overlap.
    motif
        What the spans are sites of, where that is known.
    """

    sequence: int
    name: str
    spans: tuple[Span, ...]
    motif: Motif | None = None

    @property
    def positions(self) -> NDArray[np.int64]:
        """Positions of all spans, absolute, ascending."""
        return np.concatenate([np.arange(a, b) for a, b in self.spans])

    def overlaps(self, other: Feature) -> bool:
        """Whether any position belongs to both."""
        return any(a < d and c < b for a, b in self.spans for c, d in other.spans)

    def nearest(self, other: Feature) -> tuple[Span, Span, int]:
        """The spans of both that are nearest to each other, and the bp between them."""
        pairs = [(a, b) for a in self.spans for b in other.spans]
        gaps = [max(b[0] - a[1], a[0] - b[1], 0) for a, b in pairs]
        best = int(np.argmin(gaps))
        return (*pairs[best], gaps[best])


def features_of(codes: Codes, sources: Sources, *, by: str, p: float) -> list[Feature]:
    """Features of all sequences, by sequence, first position and name.

    Parameters
    ----------
    codes
        (n, length) uint8.
    sources
        A width: windows of that many bp side by side, the last one shorter where they do not come
        out even; 1 is single bases. Motifs: their sites as `motifs.scan` finds them, of two
        strands at one place the better. Or a table of sites: ``sequence`` (row), ``start``,
        ``end`` and ``motif`` (or ``name``, or ``pattern``), as `motifs.scan` and `explain.hits`
        give it.
    by
        ``sequence``: all sites of one name in a sequence are one feature; ``site``: each is one.
    p
        Largest p-value of a site of given motifs.

    Raises
    ------
    UnknownName
        No such unit.
    InputError
        When sources are none of these, lie outside of the sequences, or have one name twice.

    Examples
    --------
    >>> windows = features_of(np.zeros((1, 10), np.uint8), 4, by="sequence", p=1e-4)
    >>> [(f.name, f.spans) for f in windows]
    [('0-4', ((0, 4),)), ('4-8', ((4, 8),)), ('8-10', ((8, 10),))]
    """
    if by not in UNITS:
        what = "unit of features"
        raise unknown(what, str(by), UNITS)
    if isinstance(sources, int):
        return _windows(codes, sources)
    motifs: dict[str, Motif] = {}
    if _is_table(sources):
        sites = list(_rows(sources, codes.shape))
    else:
        motifs = _by_name([sources] if isinstance(sources, Motif) else list(sources))
        sites = [s for m in motifs.values() for s in _rows(sites_of(codes, m, p), codes.shape)]
    groups: dict[tuple[int, str, int], set[Span]] = {}
    for number, (row, name, span) in enumerate(sites):
        key = (row, name, number if by == "site" else 0)
        groups.setdefault(key, set()).add(span)
    found = [
        Feature(row, name, _merged(spans), motifs.get(name))
        for (row, name, _), spans in groups.items()
    ]
    return sorted(found, key=lambda f: (f.sequence, f.spans, f.name))


def _is_table(sources: Any) -> bool:
    return hasattr(sources, "columns") and hasattr(sources, "itertuples")


def _windows(codes: Codes, width: int) -> list[Feature]:
    check_positive(width, name="the width of windows")
    n, length = codes.shape
    if width > length:
        msg = f"windows must be at most as wide as the sequences, {length} bp; got {width}."
        raise InputError(msg)
    spans = [(s, min(s + width, length)) for s in range(0, length, width)]
    return [
        Feature(row, f"{a}-{b}" if width > 1 else str(a), ((a, b),))
        for row in range(n)
        for a, b in spans
    ]


def _by_name(motifs: list[Any]) -> dict[str, Motif]:
    found: dict[str, Motif] = {}
    for m in motifs:
        if not isinstance(m, Motif):
            msg = (
                "sources must be a width in bp, motifs, or a table of sites (sequence, start, end, "
                f"motif); got {type(m).__name__}."
            )
            raise InputError(msg)
        if m.name in found:
            msg = f"Two motifs are named {m.name!r}; rename one, so that pairs can be told apart."
            raise InputError(msg)
        found[m.name] = m
    if not found:
        msg = "No motif was given; read some with motifs.read_meme or motifs.jaspar."
        raise InputError(msg)
    return found


def _rows(table: Any, shape: tuple[int, ...]) -> Iterator[tuple[int, str, Span]]:
    """(sequence, name, span) of each row of a table of sites, checked."""
    name = next((c for c in NAMES if c in table.columns), None)
    missing = [c for c in ("sequence", "start", "end") if c not in table.columns]
    if missing or name is None:
        msg = (
            "A table of sites needs the columns sequence, start, end and motif (or name, or "
            f"pattern); got {', '.join(map(str, table.columns))}."
        )
        raise InputError(msg)
    n, length = shape
    columns = [table[c].tolist() for c in ("sequence", name, "start", "end")]
    for number, (row, called, start, end) in enumerate(zip(*columns, strict=True)):
        whole = all(float(v).is_integer() for v in (row, start, end))
        if not whole or not (0 <= row < n and 0 <= start < end <= length):
            msg = (
                f"Row {number} of the table of sites has sequence {row}, start {start}, end {end}; "
                f"wanted whole numbers within {n} sequences of {length} bp, start before end."
            )
            raise InputError(msg)
        yield int(row), str(called), (int(start), int(end))


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans by start; those that overlap as one."""
    out: list[Span] = []
    for a, b in sorted(spans):
        if out and a < out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return tuple(out)
