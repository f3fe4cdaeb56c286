"""The demixed neurons of a run, as their files have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run

FOLDER = "demix"
NEEDED: dict[str, type | tuple[type, ...]] = {
    "layer": str,
    "neuron": int,
    "width": int,
    "n_kept": int,
    "parts": int,
    "diagnosis": str,
    "kind": str,
    "motifs": list,
    "leaves": list,
    "levels": list,
    "tree": dict,
    "fidelity": (dict, type(None)),
    "grammar": (dict, type(None)),
}


def demixed(run: Run) -> list[dict[str, Any]]:
    """What was demixed of a run: layers by the width of their window, then by neuron.

    Raises
    ------
    InputError
        When a file is damaged; the message names it.
    """
    found = [read_neuron(p) for p in (run.path / FOLDER).glob("*/*.json")]
    return sorted(found, key=_place)


def heads(run: Run) -> list[dict[str, Any]]:
    """`demixed` without what is large, so that thousands of neurons fit into memory.

    Left out: the tree, profiles and other content of the leaves (their number is kept), the
    motifs' matrices and blocks, and all of the grammar but its text.
    """
    found = [_head(read_neuron(p)) for p in (run.path / FOLDER).glob("*/*.json")]
    return sorted(found, key=_place)


def _place(d: dict[str, Any]) -> tuple[int, str, int]:
    return d["width"], d["layer"], d["neuron"]


def _head(d: dict[str, Any]) -> dict[str, Any]:
    grammar = d["grammar"]
    return {k: v for k, v in d.items() if k not in ("tree", "design")} | {
        "leaves": [{}] * len(d["leaves"]),
        "motifs": [{k: v for k, v in m.items() if k not in ("ppm", "blocks")} for m in d["motifs"]],
        "grammar": grammar if grammar is None else {"text": grammar["text"]},
    }


def read_neuron(path: Path) -> dict[str, Any]:
    """One file of `demixed`."""
    value = files.read_json(path)
    wrong = (
        [k for k, of in NEEDED.items() if k not in value or not isinstance(value[k], of)]
        if isinstance(value, dict)
        else list(NEEDED)
    )
    if wrong:
        msg = (
            f"{path} is no demixed neuron of this version: {', '.join(wrong)} "
            f"{'is' if len(wrong) == 1 else 'are'} missing or of another kind. Delete it and run "
            "'cisgram demix' again."
        )
        raise InputError(msg)
    found: dict[str, Any] = value
    return found
