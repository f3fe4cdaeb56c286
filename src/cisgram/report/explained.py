"""The explanations of a run: each method's table and arrays, and all of them in one table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.text import title

if TYPE_CHECKING:
    import pandas as pd

FIRST = ("label", "set", "probability", "score", "sd")
DRAWN_FIRST = "ism"
"""The method that the page opens with where it is there: it asks the model itself."""
VALUES = "values.safetensors"
RANKED_BY = ("probability", "score")


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """One folder that ``cisgram explain`` wrote; the arrays stay in their file until asked for.

    Attributes
    ----------
    name
        The method; of those of the run the folder's name.
    names
        Table with one row a sequence.
    options
        What the method ran with.
    path
        The safetensors file.
    tracks
        Names of the k tracks of a method that scores positions; empty where it scores bases.
    """

    name: str
    names: pd.DataFrame
    options: Mapping[str, Any]
    path: Path
    tracks: tuple[str, ...] = ()

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

    def codes(self, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Base codes (length,) of some rows, 4 = unknown."""
        from safetensors import safe_open

        with safe_open(self.path, framework="numpy") as handle:
            x = handle.get_slice("x")
            return [_codes(np.asarray(x[i])) for i in rows]

    def arrays(self, rows: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Some rows: values (n, 4, length) or tracks (n, k, length), and codes (n, length)."""
        from safetensors import safe_open

        with safe_open(self.path, framework="numpy") as handle:
            values = handle.get_slice("tracks" if self.tracks else "values")
            x = handle.get_slice("x")
            v = [np.asarray(values[i : i + 1], dtype=np.float32) for i in rows]
            codes = np.stack([_codes(np.asarray(x[i])) for i in rows])
        return np.concatenate(v), codes


def _codes(onehot: NDArray[np.int8]) -> NDArray[np.uint8]:
    return np.where(onehot.any(0), onehot.argmax(0), 4).astype(np.uint8)


def explained(run: Run) -> list[Explained]:
    """Every ``explain/METHOD`` of a run, by name, `DRAWN_FIRST` before the others.

    Raises
    ------
    InputError
        When tables and arrays do not belong together.
    """
    folders = [path.parent for path in (run.path / "explain").glob(f"*/{VALUES}")]
    folders.sort(key=lambda folder: (folder.name != DRAWN_FIRST, folder.name))
    return [replace(explained_in(folder), name=folder.name) for folder in folders]


def explained_in(folder: Path) -> Explained:
    """What ``cisgram explain`` wrote into a folder, by the name of its method.

    Raises
    ------
    InputError
        As `explained`.
    """
    path = folder / VALUES
    names = read.table(folder / "names.tsv", needs=("name",))
    if names is None:
        msg = f"{path} has no names.tsv beside it; run 'cisgram explain' again."
        raise InputError(msg)
    options = read.mapping(folder / "options.toml") or {}
    k = _check(path, len(names))
    said = [str(t) for t in options.get("tracks", ())]
    tracks = said if len(said) == k else [f"track {i + 1}" for i in range(k)]
    return Explained(str(options.get("method", folder.name)), names, options, path, tuple(tracks))


def _check(path: Path, n: int) -> int:
    """The number of tracks, 0 where bases are scored; `InputError` when the file does not fit."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as handle:
            name = "tracks" if "tracks" in handle.keys() else "values"  # noqa: SIM118 (no mapping)
            shapes = {k: tuple(handle.get_slice(k).get_shape()) for k in (name, "x")}
    except SafetensorError as error:
        msg = f"{path} cannot be read: {error}. Run 'cisgram explain' again."
        raise InputError(msg) from error
    shape, x = shapes[name], shapes["x"]
    fits = len(x) == len(shape) == 3 and x[:2] == (n, 4) and (shape[0], shape[2]) == (n, x[2])
    if not fits or (name == "values" and shape != x):
        wanted = "(n, 4, length)" if name == "values" else "(n, k, length)"
        msg = (
            f"{path}: {name} must be {wanted} and x (n, 4, length) with n = {n} as in names.tsv; "
            f"got {shape} and {x}. Run 'cisgram explain' again."
        )
        raise InputError(msg)
    return shape[1] if name == "tracks" else 0


def joined(run: Run, methods: Sequence[Explained]) -> pd.DataFrame:
    """One row a sequence, best score first, with the row that it has in each method.

    The columns ``row:NUMBER`` hold that row, or -1. Two methods share a row when name and
    sequence are the same; what occurs twice in one file makes two rows. What ``names.tsv``
    leaves out is taken from ``predictions.tsv`` where a name is unique there.
    """
    import pandas as pd

    together: pd.DataFrame | None = None
    for i, method in enumerate(methods):
        part = method.names.drop(columns=["delta"], errors="ignore")  # of one method alone
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
