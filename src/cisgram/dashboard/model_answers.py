"""What the model process answers: plain values, ready for JSON."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cisgram.core.run import Run
from cisgram.dashboard.job_checks import check
from cisgram.dashboard.model_facts import facts
from cisgram.dashboard.palette import palette
from cisgram.report.given import given
from cisgram.report.matches import Learned
from cisgram.report.one import Fresh, payload_of_one
from cisgram.report.sites import named_motifs
from cisgram.steps.ask import Answer, LiveModel

KEPT = 3
"""Models that stay loaded; the one that was asked longest ago makes room."""
SHOWN = ("score", "probability", "rate", "sd")


class Answers:
    """Asks the models of runs, a few of which stay loaded.

    A model is loaded anew when its files have changed: a training that goes on writes better ones.
    """

    def __init__(self, *, device: str = "cpu") -> None:
        self.device = device
        self._named: dict[Path, tuple[Any, list[Learned]]] = {}
        self._models = OrderedDict[tuple[str, tuple[int, ...]], LiveModel]()

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question ``{"do": WHAT, "run": PATH, ...}``.

        WHAT is ``model``, ``motifs``, ``given`` (with a ``folder``), ``ask``, or ``check``, whose
        answer is empty.

        Raises
        ------
        InputError
            As `LiveModel`, `given` and `job_checks.check`.
        """
        if message["do"] == "motifs":
            return palette(Run(Path(message["run"])))
        if message["do"] == "model":
            return facts(Run(Path(message["run"])))
        if message["do"] == "check":
            check(Run(Path(message["run"])), message["body"])
            return {}
        if message["do"] == "given":
            return given(Run(Path(message["run"])), Path(message["folder"]))
        model = self._model(message["run"])
        return asked(model, message, self._motifs(model.run))

    def _model(self, path: str) -> LiveModel:
        run = Run(Path(path))
        key = (path, _signature(run))
        if key not in self._models:
            for old in [k for k in self._models if k[0] == path]:
                del self._models[old]
            self._models[key] = LiveModel(run, device=self.device)
            self._models[key].warm()
        self._models.move_to_end(key)
        while len(self._models) > KEPT:
            self._models.popitem(last=False)
        return self._models[key]

    def _motifs(self, run: Run) -> list[Learned]:
        """The motifs of a run that have a name, read again when their files have changed."""
        files = sorted((run.path / "motifs").glob("*"))
        key = tuple((p.name, p.stat().st_mtime_ns) for p in files if p.is_file())
        known = self._named.get(run.path)
        if known is None or known[0] != key:
            known = self._named[run.path] = key, named_motifs(run)
        return known[1]


def asked(
    model: LiveModel, message: dict[str, Any], motifs: Sequence[Learned] = ()
) -> dict[str, Any]:
    """Predictions and tracks of one sequence, with the sites of ``motifs``."""
    began = time.perf_counter()
    found = model.ask(
        message["sequence"], target=message.get("target"), methods=message.get("methods")
    )
    fresh = [Fresh(s.method, s.options, s.values, found.codes, s.tracks) for s in found.scores]
    name = message.get("name") or "sequence"
    payload = payload_of_one(name, found.codes, fresh, motifs=motifs)
    return {
        "given": found.given,
        "length": len(found.codes),
        "offset": found.offset,
        "note": found.note,
        "predictions": _predictions(found),
        "target": found.target,
        "payload": payload,
        "ms": round(1000 * (time.perf_counter() - began), 1),
    }


def _predictions(found: Answer) -> list[dict[str, Any]]:
    rows = found.table.to_dict("records")
    shown = [name for name in SHOWN if name in found.table.columns]
    return [{"output": str(row["output"]), **{k: _number(row[k]) for k in shown}} for row in rows]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _signature(run: Run) -> tuple[int, ...]:
    """What changes when a model is written again: times and sizes of its files."""
    paths = [
        folder / name for folder in run.members() for name in ("model.toml", "weights.safetensors")
    ]
    stats = [
        p.stat() if p.is_file() else None for p in (*paths, run.toml, run.path / "calibration.json")
    ]
    return tuple(v for s in stats for v in ((s.st_mtime_ns, s.st_size) if s else (0, 0)))
