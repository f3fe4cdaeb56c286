"""Sequences and their scores as small text: int8 and few scales a sequence, gzip, base64."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cisgram.motifs.glyphs import outline
from cisgram.report import read
from cisgram.report.explained import FIRST
from cisgram.report.text import as_float, title

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 2000
"""Sequences that a page shows at most, whatever room there is."""


class Scored(Protocol):
    """What is packed of a method: of a file of the run, or of an answer that was never written."""

    @property
    def name(self) -> str:
        """The method."""

    @property
    def title(self) -> str:
        """The method as a heading."""

    @property
    def options(self) -> Mapping[str, Any]:
        """What the method ran with."""

    @property
    def tracks(self) -> tuple[str, ...]:
        """Names of its tracks; none where it scores bases."""

    def arrays(self, rows: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Some rows: values (n, rows, length) and codes (n, length)."""


def payload(table: pd.DataFrame, methods: Sequence[Scored]) -> dict[str, Any]:
    """What the page's script reads, from the rows of `joined` that are to be shown.

    ``codes`` and each method's ``values`` are base64 of gzip of the sequences one after the
    other; values are ``int8 * scale``, four rows A C G T with one scale a sequence, or k tracks
    with a scale each.
    """
    blocks: list[NDArray[np.uint8] | None] = [None] * len(table)
    packed = []
    for i, method in enumerate(methods):
        rows = table[f"row:{i}"].to_numpy()
        at = np.flatnonzero(rows >= 0)
        if len(at) == 0:
            continue
        values, codes = method.arrays(rows[at].tolist())
        for j, c in zip(at.tolist(), codes, strict=True):
            blocks[j] = c if blocks[j] is None else blocks[j]
        index = np.full(len(table), -1)
        index[at] = np.arange(len(at))
        packed.append({"index": index.tolist(), **_packed(method, values, codes)})
    kept = [b for b in blocks if b is not None]
    columns = _columns(table)
    return {
        "columns": columns,
        "rows": [
            [name, *(_value(v, c["numeric"]) for v, c in zip(row, columns, strict=True))]
            for name, *row in table[["name", *(c["name"] for c in columns)]].to_numpy().tolist()
        ],
        "lengths": [len(c) for c in kept],
        "letters": [outline(base, 0, 0, 100, 100, flip=False) for base in "ACGT"],
        "codes": squeeze(np.concatenate(kept).tobytes() if kept else b""),
        "methods": packed,
    }


def _packed(
    method: Scored, values: NDArray[np.float32], codes: NDArray[np.uint8]
) -> dict[str, Any]:
    """One method: how it is drawn, and its values (n, rows, length)."""
    tracks = list(method.tracks)
    units = str(method.options.get("units", ""))
    quantized, scale = quantize(values, each_row=bool(tracks))
    relative = not tracks and bool(method.options.get("substitutions", is_relative(values, codes)))
    return {
        "name": method.name,
        "title": method.title,
        "units": units,
        "tracks": tracks,
        "midpoint": _midpoint(units, values) if tracks else 0,
        "signed": bool(method.options.get("signed", (values < 0).any())),
        "relative": relative,
        "scale": [float(f"{s:.6g}") for s in scale.ravel()],
        "values": squeeze(quantized.tobytes()),
    }


def _midpoint(units: str, values: NDArray[np.float32]) -> float | None:
    """What neither speaks for nor against; ``None`` where scores only say how much."""
    if units == "probability":
        return 0.5
    return 0.0 if units.startswith("logit") or bool((values < 0).any()) else None


def quantize(
    values: NDArray[np.float32], *, each_row: bool = False
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Int8 copy of (n, rows, length) and the scales; at most half a scale is lost.

    Scales are (n,), or (n, rows) with ``each_row``.

    Examples
    --------
    >>> q, s = quantize(np.array([[[0.5], [-1.0], [0.25], [0.0]]], dtype=np.float32))
    >>> q.ravel().tolist(), round(float(s[0]) * 127, 6)
    ([64, -127, 32, 0], 1.0)
    """
    finite = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    scale = np.abs(finite).max(axis=2 if each_row else (1, 2)) / 127
    divisor = np.where(scale > 0, scale, 1)
    divisor = divisor[:, :, None] if each_row else divisor[:, None, None]
    return np.rint(finite / divisor).astype(np.int8), scale


def is_relative(values: NDArray[np.float32], codes: NDArray[np.uint8]) -> bool:
    """True when (n, 4, length) values are changes against the base that is there.

    Such a method (in-silico mutagenesis) gives that base exactly 0 everywhere; its importance
    is then minus the mean of the other three.

    Examples
    --------
    >>> codes = np.array([[0, 4]], dtype=np.uint8)
    >>> values = np.array([[[0, 1], [-1, 1], [-2, 0], [-3, 0]]], dtype=np.float32)
    >>> is_relative(values, codes), is_relative(values + 1, codes)
    (True, False)
    """
    rows, places = np.nonzero(codes < 4)
    observed = values[rows, codes[rows, places], places]
    return bool(values[rows, :, places].any() and not observed.any())


def _columns(table: pd.DataFrame) -> list[dict[str, Any]]:
    free = [c for c in table.columns if c != "name" and not c.startswith("row:")]
    order = [c for c in FIRST if c in free] + [c for c in free if c not in FIRST]
    return [
        {"name": c, "title": title(c), "numeric": bool(read.numeric(table[c]).notna().any())}
        for c in order[:8]
        if (table[c] != "").any()
    ]


def _value(value: str, numeric: bool) -> str | float | None:
    if not numeric:
        return value
    v = as_float(value)
    return v if v is None else float(f"{v:.6g}")


def squeeze(raw: bytes) -> str:
    """Bytes as base64 of gzip, the same text for the same bytes."""
    return base64.b64encode(gzip.compress(raw, compresslevel=9, mtime=0)).decode()
