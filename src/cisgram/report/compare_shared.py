"""Predictions of two runs for the same held-out sequences, one row a sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.report import read
from cisgram.report.compare_pair import Pair
from cisgram.report.compare_settings import same_bytes

if TYPE_CHECKING:
    import pandas as pd

    from cisgram.core.run import Run

Array = NDArray[np.float64]
SETS = {"test": "test", "valid": "validation"}
NEEDS = ("name", "set", "output", "label", "score")
LEAST = 10  # sequences below which nothing is resampled
KEY = ["output", "name"]


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What both runs predict for the sequences that both held out.

    Attributes
    ----------
    names
        (n,) sequences with one name and one label in both runs.
    outputs
        (t,) outputs that both runs have.
    y
        (n, t) labels, NaN where one is missing.
    scores
        (2, n, t) of the first and of the second run: logits, log rates or values.
    probabilities
        (2, n, t) where both runs give some, else NaN.
    of
        The set, ``test`` or ``validation``.
    totals
        Sequences of that set in each run.
    notes
        What was left out, and what the reader has to take on trust, as sentences.
    """

    names: list[str]
    outputs: list[str]
    y: Array
    scores: Array
    probabilities: Array
    of: str
    totals: tuple[int, int]
    notes: list[str]

    @property
    def is_classification(self) -> bool:
        """Whether every known label is 0 or 1."""
        return bool(np.isin(self.y[np.isfinite(self.y)], (0, 1)).all())


def shared(pair: Pair) -> Shared | str:
    """The shared predictions; a sentence that says why, where there are none.

    Sequences are told apart by their names, since ``predictions.tsv`` holds no bases; a name that
    occurs twice in a run says not which one is meant, and is left out.
    """
    found = [read.table(run.path / "predictions.tsv", needs=NEEDS) for run in pair]
    tables = [t for t in found if t is not None]
    if len(tables) < 2:
        return f"{_without(pair, found)} no predictions.tsv: run 'cisgram evaluate' on it first."
    of = next((s for s in SETS if all((t["set"] == s).any() for t in tables)), None)
    if of is None:
        return "The two runs have no held-out set of one kind, so there is nothing to pair."
    parts = [_unique(t[t["set"] == of]) for t in tables]
    outputs = [o for o in dict.fromkeys(parts[0]["output"]) if o in set(parts[1]["output"])]
    if not outputs:
        said = [", ".join(dict.fromkeys(p["output"])) for p in parts]
        return f"The runs predict other outputs: {said[0]}; {said[1]}. They cannot be paired."
    both = parts[0].merge(parts[1], on=KEY, suffixes=("_0", "_1"))
    labels = [read.numeric(both[f"label_{i}"]).to_numpy() for i in (0, 1)]
    agrees = (labels[0] == labels[1]) | (np.isnan(labels[0]) & np.isnan(labels[1]))
    kept = both[agrees & both["output"].isin(outputs)]
    totals = (parts[0]["name"].nunique(), parts[1]["name"].nunique())
    if kept["name"].nunique() < LEAST:
        return (
            f"Of {totals[0]:,} and {totals[1]:,} {SETS[of]} sequences "
            f"{_few(kept['name'].nunique())} one name and one label in both runs: too few to pair."
        )
    notes = _notes(pair, of, int((~agrees).sum()), kept["name"].nunique(), totals)
    return _arrays(kept, outputs, SETS[of], totals, notes)


def _few(n: int) -> str:
    return "none has" if n == 0 else "only one has" if n == 1 else f"only {n} have"


def _without(pair: Pair, found: list[Any]) -> str:
    names = [name for name, table in zip(pair.names, found, strict=True) if table is None]
    return f"{' and '.join(names)} {'holds' if len(names) == 1 else 'hold'}"


def _unique(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop_duplicates(KEY, keep=False)


def _notes(pair: Pair, of: str, n_other: int, n: int, totals: tuple[int, int]) -> list[str]:
    said = []
    if totals != (n, n):
        said.append(
            f"Only the {n:,} sequences that have one name and one label in both runs are paired; "
            f"the runs have {totals[0]:,} and {totals[1]:,}."
        )
    if n_other:
        said.append(f"{n_other:,} have another label in the other run and are left out.")
    role = "test" if of == "test" and same_bytes(pair, "test") is not None else "positives"
    if same_bytes(pair, role) is False:
        said.append(
            "The files that they were read from differ; that sequences of one name are the same "
            "is taken on trust."
        )
    if of == "valid":
        said.append("The validation set chose when training stopped: its figures are too good.")
    return said


def _arrays(
    rows: pd.DataFrame, outputs: list[str], of: str, totals: tuple[int, int], notes: list[str]
) -> Shared:
    names = list(dict.fromkeys(rows["name"]))

    def matrix(column: str) -> Array:
        values = rows.assign(value=read.numeric(rows[column]))
        wide = values.pivot(index="name", columns="output", values="value")
        return np.asarray(wide.reindex(index=names, columns=outputs), dtype=np.float64)

    there = all(f"probability_{i}" in rows for i in (0, 1))
    chances = [matrix(f"probability_{i}") for i in (0, 1)] if there else []
    scores = np.stack([matrix("score_0"), matrix("score_1")])
    y = np.where(np.isfinite(scores).all(0), matrix("label_0"), np.nan)
    probabilities = np.stack(chances) if there else np.full_like(scores, np.nan)
    return Shared(names, outputs, y, scores, probabilities, of, totals, notes)


def threshold(run: Run, of: str, output: str) -> float:
    """Probability from which a run calls a sequence positive; 0.5 where it says none."""
    metrics = (read.mapping(run.path / "metrics.json") or {}).get(
        {v: k for k, v in SETS.items()}[of], {}
    )
    found = metrics.get("per_output") or [metrics]
    own = next((m for m in found if str(m.get("output", output)) == output), metrics)
    value = own.get("threshold", metrics.get("threshold"))
    return float(value) if isinstance(value, int | float) else 0.5
