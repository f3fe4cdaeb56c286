"""What two runs were made of, and in what that differs: settings, files by their bytes, model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.compare_pair import Pair
from cisgram.report.section import Section
from cisgram.report.text import cell, render

if TYPE_CHECKING:
    import pandas as pd

MODEL = {
    "name": "Model",
    "n_parameters": "Parameters",
    "length": "Length, bp",
    "outputs": "Outputs",
    "task": "Task",
    "strands": "Strands",
}
SHORT = 12  # hexadecimal digits of a sha256 that are shown


def differences(pair: Pair) -> Section:
    """The settings, the input files, the model and the versions in which two runs differ."""
    settings, n_same = _settings(pair)
    inputs = _inputs(pair)
    model = _rows([_model(run) for run in pair])
    versions = _rows([_strings(run.read().get("versions")) for run in pair])
    return Section(
        render(
            "compare_settings.html",
            names=pair.names,
            settings=settings,
            n_same=n_same,
            inputs=inputs,
            model=model,
            versions=[row for row in versions if row[1] != row[2]],
        ),
        tables={
            "settings": _table(["setting", "first", "second"], settings),
            "inputs": _table(["input", "first", "second", "first_sha256", "second_sha256", "same"],
                             [(r["role"], *r["paths"], *r["digests"], r["same"]) for r in inputs]),
            "models": _table(["fact", "first", "second"], model),
        },
    )  # fmt: skip


def same_bytes(pair: Pair, role: str) -> bool | None:
    """Whether both runs read the same file in a role; ``None`` where one of them has none."""
    found = [_digest(run, role) for run in pair]
    return None if not all(found) else found[0] == found[1]


def _table(columns: list[str], rows: list[Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=columns)


def _settings(pair: Pair) -> tuple[list[tuple[str, str, str]], int]:
    """Settings that differ, and how many are the same; paths of inputs are compared as files."""
    flat = [_flat(run.read().get("settings")) for run in pair]
    roles = {role for run in pair for role in _described(run)}
    rows = [row for row in _rows(flat) if row[0].removeprefix("data.") not in roles]
    different = [row for row in rows if row[1] != row[2]]
    return different, len(rows) - len(different)


def _rows(both: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    names = dict.fromkeys([*both[0], *both[1]])
    return [(name, both[0].get(name, "–"), both[1].get(name, "–")) for name in names]


def _flat(value: Any, name: str = "") -> dict[str, str]:
    """Nested settings by dotted name, every value as text."""
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key, part in value.items():
            found |= _flat(part, f"{name}.{key}" if name else str(key))
        return found
    return {} if not name else {name: _exact(value)}


def _exact(value: Any) -> str:
    """Numbers to the last digit: two learning rates that look alike in short still differ."""
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return cell(value) if not isinstance(value, int) or isinstance(value, bool) else str(value)


def _described(run: Run) -> dict[str, Mapping[str, Any]]:
    found = run.read().get("inputs")
    if not isinstance(found, Mapping):
        return {}
    return {str(k): v for k, v in found.items() if isinstance(v, Mapping)}


def _digest(run: Run, role: str) -> str:
    return str(_described(run).get(role, {}).get("sha256", ""))


def _inputs(pair: Pair) -> list[dict[str, Any]]:
    both = [_described(run) for run in pair]
    rows = []
    for role in dict.fromkeys([*both[0], *both[1]]):
        paths = [str(b.get(role, {}).get("path", "")) for b in both]
        same = same_bytes(pair, role)
        rows.append({
            "role": role,
            "paths": paths,
            "digests": [_digest(run, role) for run in pair],
            "short": [_digest(run, role)[:SHORT] for run in pair],
            "same": {True: "same bytes", False: "other bytes", None: "in one run alone"}[same],
        })  # fmt: skip
    return rows


def _model(run: Run) -> dict[str, str]:
    """Facts of ``model.toml``, those that say most first; empty where there is no model."""
    found = read.mapping(run.member(0) / "model.toml") or {}
    facts = {title: cell(found[k]) for k, title in MODEL.items() if k in found}
    facts |= {f"Option {k}": v for k, v in _flat(found.get("options")).items()}
    members = len(run.members())
    return facts | ({"Members": str(members)} if members > 1 else {})


def _strings(value: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}
