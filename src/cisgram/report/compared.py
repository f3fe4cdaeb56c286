"""Networks side by side, as ``demix/comparison.json`` has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.demixed import FOLDER


def compared_view(run: Run) -> dict[str, Any] | None:
    """Columns (networks) and rows (figures) of the table; None where nothing was compared.

    Raises
    ------
    InputError
        When the file holds other things.
    """
    path = run.path / FOLDER / "comparison.json"
    said = read.mapping(path)
    if said is None:
        return None
    try:
        return _view(said)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        msg = (
            f"{path} cannot be drawn: {type(error).__name__}: {error}. Delete it, or run 'cisgram "
            "demix RUN --compare RUN2' again."
        )
        raise InputError(msg) from error


def _view(said: Mapping[str, Any]) -> dict[str, Any]:
    columns = []
    for n in said["networks"]:
        layer = next(v for v in n["layers"] if v["layer"] == said["compared"][n["network"]])
        values = {"test": n["test"] or dict.fromkeys(("value", "low", "high"))} | layer["figures"]
        columns.append({**{k: v for k, v in n.items() if k != "layers"}, **layer, "values": values})
    rows = [
        {
            "title": str(v["title"]),
            "best": None if v["best"] is None else str(v["best"]),
            "values": [{k: c["values"][v["figure"]][k] for k in ("value", "low", "high")}
                       for c in columns],
        }
        for v in said["verdicts"]
    ]  # fmt: skip
    return {
        "columns": [
            {k: c[k] for k in ("network", "model", "depth", "parameters", "layer", "width",
                               "channels", "neurons")}
            for c in columns
        ],
        "rows": rows,
        "notes": [str(note) for note in said["notes"]],
    }  # fmt: skip
