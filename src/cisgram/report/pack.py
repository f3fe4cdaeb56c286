"""Sequences and attributions as small text: int8 and one scale a sequence, gzip, base64."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.motifs.glyphs import outline
from cisgram.report import read
from cisgram.report.text import as_float, title

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 2000
"""Sequences that a page shows at most, whatever room there is."""
FIRST = ("label", "set", "probability", "score", "sd")
DRAWN_FIRST = "ism"
"""The method that the page opens with where it is there: it asks the model itself."""
RANKED_BY = ("probability", "score")


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """One folder ``explain/METHOD``; the arrays stay in their file until asked for.

    Attributes
    ----------
    name
        The folder's name.
    names
        Table with one row a sequence.
    options
        What the method ran with.
    path
        The safetensors file.
    """

    name: str
    names: pd.DataFrame
    options: Mapping[str, Any]
    path: Path

    @property
    def title(self) -> str:
        """The method as a heading."""
        return title(str(self.options.get("title") or self.name))

    def digests(self) -> list[str]:
        """What tells the (n,) sequences apart, read in blocks of a thousand."""
        from safetensors import safe_open

        found, n = [], len(self.names)
        with safe_open(self.path, framework="numpy") as handle:
            x = handle.get_slice("x")
            for start in range(0, n, 1000):
                block = np.asarray(x[start : min(start + 1000, n)])
                found += [hashlib.blake2b(b.tobytes(), digest_size=12).hexdigest() for b in block]
        return found

    def arrays(self, rows: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Values (n, 4, length) float32 and base codes (n, length) uint8 of some rows."""
        from safetensors import safe_open

        with safe_open(self.path, framework="numpy") as handle:
            values, x = handle.get_slice("values"), handle.get_slice("x")
            v = [np.asarray(values[i : i + 1], dtype=np.float32) for i in rows]
            b = [np.asarray(x[i : i + 1]) for i in rows]
        onehot = np.concatenate(b)
        codes = np.where(onehot.any(1), onehot.argmax(1), 4).astype(np.uint8)
        return np.concatenate(v), codes


def explained(run: Run) -> list[Explained]:
    """Every ``explain/METHOD`` of a run, by name, `DRAWN_FIRST` before the others.

    Raises
    ------
    InputError
        When tables and arrays do not belong together.
    """
    found = []
    paths = sorted(
        (run.path / "explain").glob("*/values.safetensors"),
        key=lambda p: (p.parent.name != DRAWN_FIRST, p.parent.name),
    )
    for path in paths:
        names = read.table(path.with_name("names.tsv"), needs=("name",))
        if names is None:
            msg = f"{path} has no names.tsv beside it; run 'cisgram explain' again."
            raise InputError(msg)
        _check(path, len(names))
        options = read.mapping(path.with_name("options.toml")) or {}
        found.append(Explained(path.parent.name, names, options, path))
    return found


def _check(path: Path, n: int) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as handle:
            shapes = {k: tuple(handle.get_slice(k).get_shape()) for k in ("values", "x")}
    except SafetensorError as error:
        msg = f"{path} cannot be read: {error}. Run 'cisgram explain' again."
        raise InputError(msg) from error
    shape = shapes["values"]
    if len(shape) != 3 or shape[1] != 4 or shape != shapes["x"] or shape[0] != n:
        msg = (
            f"{path}: values and x must both be (n, 4, length) with n = {n} as in names.tsv; "
            f"got {shape} and {shapes['x']}. Run 'cisgram explain' again."
        )
        raise InputError(msg)


def joined(run: Run, methods: Sequence[Explained]) -> pd.DataFrame:
    """One row a sequence, best score first, with the row that it has in each method.

    The columns ``row:NUMBER`` hold that row, or -1. Two methods share a row when name and
    sequence are the same; what occurs twice in one file makes two rows. What ``names.tsv``
    leaves out is taken from ``predictions.tsv`` where a name is unique there.
    """
    import pandas as pd

    together: pd.DataFrame | None = None
    for i, method in enumerate(methods):
        part = method.names.copy()
        part["bases"] = method.digests() if len(methods) > 1 else ""
        part["copy"] = part.groupby(["name", "bases"]).cumcount()
        part[f"row:{i}"] = np.arange(len(part))
        if together is None:
            together = part
            continue
        together = together.merge(
            part, on=["name", "bases", "copy"], how="outer", suffixes=("", ":new")
        )
        for column in [c for c in together.columns if c.endswith(":new")]:
            old = column.removesuffix(":new")
            together[old] = together[old].fillna(together[column])
        together = together[[c for c in together.columns if not c.endswith(":new")]]
    if together is None:
        return pd.DataFrame({"name": []})
    rows = [c for c in together.columns if c.startswith("row:")]
    together[rows] = together[rows].fillna(-1).astype(int)
    together = _with_predictions(run, together.fillna("")).drop(columns=["bases", "copy"])
    by = next((c for c in RANKED_BY if c in together.columns), None)
    if by is not None:
        rank = read.numeric(together[by]).fillna(-np.inf)
        together = together.iloc[np.argsort(-rank.to_numpy(), kind="stable")]
    return together.reset_index(drop=True)


def _with_predictions(run: Run, rows: pd.DataFrame) -> pd.DataFrame:
    predictions = read.table(run.path / "predictions.tsv", needs=("name",))
    if predictions is None:
        return rows
    several = "output" in predictions.columns and predictions["output"].nunique() > 1
    if several:  # of which only the set is the same for all outputs
        predictions = predictions[[c for c in ("name", "set") if c in predictions.columns]]
        predictions = predictions.drop_duplicates()
    first = predictions.drop_duplicates("name", keep=False)
    wanted = [c for c in FIRST if c in first.columns and c not in rows.columns]
    return rows.merge(first[["name", *wanted]], on="name", how="left").fillna("")


def payload(table: pd.DataFrame, methods: Sequence[Explained]) -> dict[str, Any]:
    """What the page's script reads, from the rows of `joined` that are to be shown.

    ``codes`` and each method's ``values`` are base64 of gzip of the sequences one after the
    other; values are ``int8 * scale`` with one scale a sequence, four rows A C G T.
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
        quantized, scale = quantize(values)
        index = np.full(len(table), -1)
        index[at] = np.arange(len(at))
        packed.append(
            {
                "name": method.name,
                "title": method.title,
                "units": str(method.options.get("units", "")),
                "relative": bool(method.options.get("substitutions", is_relative(values, codes))),
                "index": index.tolist(),
                "scale": [float(f"{s:.6g}") for s in scale],
                "values": _squeeze(quantized.tobytes()),
            }
        )
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
        "codes": _squeeze(np.concatenate(kept).tobytes() if kept else b""),
        "methods": packed,
    }


def quantize(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Int8 copy of (n, 4, length) and the (n,) scales; at most half a scale is lost.

    Examples
    --------
    >>> q, s = quantize(np.array([[[0.5], [-1.0], [0.25], [0.0]]], dtype=np.float32))
    >>> q.ravel().tolist(), round(float(s[0]) * 127, 6)
    ([64, -127, 32, 0], 1.0)
    """
    finite = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    scale = np.abs(finite).max(axis=(1, 2)) / 127
    divisor = np.where(scale > 0, scale, 1)[:, None, None]
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


def _squeeze(raw: bytes) -> str:
    return base64.b64encode(gzip.compress(raw, compresslevel=9, mtime=0)).decode()
