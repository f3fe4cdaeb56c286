"""The parts of the trust step that look at predictions: shortcuts and calibration."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cisgram.data import Dataset, find_leaks
from cisgram.motifs import database
from cisgram.steps.baselines import sequence_baselines
from cisgram.steps.trust_job import Judged, TrustJob
from cisgram.trust import (
    Flag,
    brier_parts,
    calibration_error,
    compare,
    gc_matched,
    interval_coverage,
    reliability,
    set_coverage,
    shortcut_flags,
)
from cisgram.trust.conformal import LEVELS

if TYPE_CHECKING:
    import pandas as pd

RARE = 0.025  # one end of a 95 % interval
BADLY = 0.05  # expected calibration error


def shortcuts(job: TrustJob) -> Judged:
    """Baselines, GC-matched score, leaks."""
    test = job.labeled["test"]
    known: dict[str, Any] = {"task": job.task, "seed": job.seed}
    motifs = database(job.settings.motifs.database)
    baselines = sequence_baselines(
        job.labeled, motifs, strands=job.card.strands, say=job.say, **known
    )
    job.say("comparing the network with them")
    network = job.outputs["test"]
    table = compare(test, network, baselines, **known)
    matched = gc_matched(test, network, **known)
    leaks = _leaks(job)
    leaked = set(leaks["test"])
    flags = shortcut_flags(
        table, matched, task=job.task, n_test=len(job.test), n_leaked=len(leaked)
    )
    sizes = {f"n_{name}": len(part) for name, part in job.labeled.items()}
    return Judged(
        {"baselines": table, "gc-matched": matched, "leaks": leaks},
        flags,
        {**sizes, "database": job.settings.motifs.database, "leaked": len(leaked)},
    )


def _leaks(job: TrustJob) -> pd.DataFrame:
    """Pairs of a training and a test sequence that are copies or nearly so."""
    sets: dict[str, Dataset] = {"train": job.data.train.data, "test": job.test}
    found = find_leaks(sets, across_labels=False).table
    across = found[found["first_set"] != found["second_set"]]
    columns = {"first": "train", "second": "test"}
    return across.rename(columns=columns)[["train", "test", "kind", "similarity", "same_label"]]


def calibration(job: TrustJob) -> Judged:
    """Reliability, expected error and parts of the Brier score; conformal intervals or sets."""
    import pandas as pd

    job.say("calibration")
    known, test = job.labeled["valid"], job.labeled["test"]
    said = job.outputs
    if job.task == "regression":
        covered = [
            interval_coverage((known.y, said["valid"]), (test.y, said["test"]), level=level)
            for level in LEVELS
        ]
        conformal = pd.DataFrame([asdict(c) for c in covered])
        return Judged({"conformal": conformal}, [_coverage_flag(conformal, "interval")])
    p = job.probabilities
    covered = [
        set_coverage((known.y, p["valid"]), (test.y, p["test"]), level=level) for level in LEVELS
    ]
    conformal = pd.DataFrame([asdict(c) for c in covered])
    error = calibration_error(test.y, p["test"], seed=job.seed)
    parts = brier_parts(test.y, p["test"])
    tables = {
        "reliability": reliability(test.y, p["test"]),
        "calibration": pd.DataFrame([*{**error, **parts}.items()], columns=["measure", "value"]),
        "conformal": conformal,
    }
    flags = [_error_flag(error), _coverage_flag(conformal, "set of labels")]
    return Judged(tables, flags, {**error, **parts})


def _error_flag(error: dict[str, float]) -> Flag:
    value, chance = error["error"], error["by_chance"]
    raised = value > BADLY and value > chance
    said = (
        f"Predicted probabilities miss the observed shares of positives by {100 * value:.1f} "
        f"points in the mean ({100 * error['low']:.1f} to {100 * error['high']:.1f}); a perfect "
        f"model would miss by up to {100 * chance:.1f} on a test set of this size."
    )
    said += (
        " Trust the order of the sequences, not the percentages."
        if raised
        else " A probability means about what it says, on sequences like these."
    )
    rule = (
        f"raised when the expected calibration error is above {BADLY:g} and above what a "
        "calibrated model has in 97.5 % of such test sets"
    )
    return Flag(
        "badly calibrated", raised, said, rule, "calibration", value, error["low"], error["high"]
    )


def _coverage_flag(table: pd.DataFrame, what: str) -> Flag:
    row = table[table["level"] == 0.9].iloc[0]
    value, low, high = (float(row[c]) for c in ("covered", "low", "high"))
    raised = float(row["p"]) < RARE
    size = (
        f"their width is {float(row['size']):.3g}"
        if what == "interval"
        else f"{100 * float(row['certain']):.0f} % of the sets hold one label alone"
    )
    said = (
        f"A 90 % {what}, sized on the validation set, held the truth for {100 * value:.1f} % of "
        f"the test sequences ({100 * low:.1f} to {100 * high:.1f}); {size}."
    )
    if raised:
        said += " The test sequences are unlike the validation set: promises made there fail here."
    rule = (
        "raised when test sequences like the validation set would have so low a coverage of 90 % "
        f"in fewer than {100 * RARE:g} % of such runs"
    )
    return Flag("intervals too narrow", raised, said, rule, "conformal", value, low, high)
