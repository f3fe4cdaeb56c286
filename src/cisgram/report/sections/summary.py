"""The paragraph that a biologist reads first."""

from __future__ import annotations

from typing import Any

from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.matches import Learned, sources
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import as_float, interval, number, plural, render, scientific

SHOWN = 4
CAUTIONED = ("data/leaks.tsv", "trust/flags.tsv")


@SECTIONS.register(title="Summary", view="overview", place=0, step=None)
def summary(run: Run) -> Section | None:
    """What was tested, how well it went, what was learned, and what speaks against it."""
    metrics = read.mapping(run.path / "metrics.json") or {}
    held_out = next((s for s in ("test", "valid") if isinstance(metrics.get(s), dict)), None)
    scored: dict[str, Any] = metrics[held_out] if held_out else {}
    sentences = [*_score(held_out, scored), *_motifs(run)]
    cautions = [*_cautions(run, held_out, scored)]
    return Section(
        render("summary.html", sentences=sentences, cautions=cautions, tiles=_tiles(scored)),
        files=("metrics.json", *(f for s in sources(run) for f in s.files), *CAUTIONED),
    )


def _score(held_out: str | None, m: dict[str, Any]) -> list[str]:
    if held_out is None:
        return ["The model has not been evaluated yet: run 'cisgram evaluate' on this folder."]
    n = as_float(m.get("n"))
    those = plural(int(n), "sequence") if n else "sequences"
    tested = (
        f"Tested on {those} never seen in training,"
        if held_out == "test"
        else f"No test set was held out. On {those} of the validation set,"
    )
    outputs = as_float(m.get("outputs")) or len(m.get("per_output") or [])
    mean = f", the mean of {int(outputs)} outputs," if outputs > 1 else ""
    accuracy, classes = as_float(m.get("accuracy")), as_float(m.get("classes"))
    if classes is not None and accuracy is not None:
        ends = interval(m.get("accuracy_interval"))
        ends = f" (95 % interval {ends})" if ends else ""
        said = f"{tested} the model names the right one of {int(classes)} classes for"
        return [
            f"{said} {100 * accuracy:.1f} %{ends}; a class is told from the others with AUROC "
            f"{number(m.get('auroc'))} in the mean."
        ]
    auroc, pearson = as_float(m.get("auroc")), as_float(m.get("pearson"))
    if auroc is not None:
        ends = interval(m.get("auroc_interval"))
        ends = f" (95 % interval {ends})" if ends else ""
        return [
            f"{tested} the model tells positives from negatives with AUROC {number(auroc)}"
            f"{mean}{ends}: "
            "of one positive and one negative sequence drawn at random, it gives the positive "
            f"the higher score {100 * auroc:.1f} % of the time."
        ]
    if as_float(m.get("jsd")) is not None:
        return [_profile(m, tested)]
    if pearson is not None:
        ends = interval(m.get("pearson_interval"))
        ends = f" (95 % interval {ends})" if ends else ""
        return [
            f"{tested} predictions correlate with measurements at r = {number(pearson)}"
            f"{mean}{ends}."
        ]
    return [f"{tested} no score could be computed: it needs positives and negatives."]


def _profile(m: dict[str, Any], tested: str) -> str:
    """Shape and counts of profiles, each against what knows no sequence."""
    r, r2 = as_float(m.get("pearson")), as_float(m.get("r2"))
    off = ""
    if r is not None and r2 is not None and 0 <= r2 < r**2 / 2:
        off = f" (they are off in size: R² could be {number(r**2)} at this r)"
    return (
        f"{tested} profiles lie at a Jensen-Shannon distance of {number(m.get('jsd'))} from the "
        f"measured ones, the average profile at {number(m.get('jsd_average'))}; total counts "
        f"(log) correlate at r = {number(r)}, R² {number(r2)}{off}."
    )


def _motifs(run: Run) -> list[str]:
    said = []
    for source in sources(run):
        if not source.motifs:
            continue
        n = len(source.motifs)
        if not source.compared:
            said.append(f"{source.title}: {plural(n, 'motif')}, not yet compared with known ones.")
            continue
        hits = sorted((m for m in source.motifs if m.is_match), key=lambda m: m.best_q or 0.0)
        if not hits:
            said.append(f"{source.title}: none of {plural(n, 'motif')} matches a known one.")
            continue
        said.append(f"{source.title}: {_matched(hits, n, source.max_q)}")
    return said


def _matched(hits: list[Learned], n: int, max_q: float) -> str:
    """How many match, and the best names."""
    verb = "matches" if len(hits) == 1 else "match"
    said = f"{len(hits)} of {plural(n, 'motif')} {verb} a known one (q < {max_q:g})"
    best: dict[str, Learned] = {}
    for hit in hits:  # the surest first, so that each name keeps its best
        best.setdefault(hit.target_name, hit)
    names = [f"{name} (q = {scientific(m.best_q)})" for name, m in best.items()]
    return f"{said}; the strongest: {', '.join(names[:SHOWN])}."


def _cautions(run: Run, held_out: str | None, m: dict[str, Any]) -> list[str]:
    said = []
    if held_out == "valid":
        said.append(
            "The validation set chose when training stopped, so its figures are somewhat too good."
        )
    ends = m.get("auroc_interval")
    low = as_float(ends[0]) if isinstance(ends, list) and len(ends) == 2 else None
    if low is not None and low <= 0.5:
        said.append("The interval reaches 0.5: on this set the model cannot be told from chance.")
    leaks = read.table(run.path / "data" / "leaks.tsv", needs=("first_set", "second_set", "action"))
    if leaks is not None:
        stayed = ~leaks["action"].str.startswith("dropped")
        kept = int((stayed & (leaks["first_set"] != leaks["second_set"])).sum())
        if kept:
            said.append(
                f"{plural(kept, 'pair')} of the same or nearly the same sequence stayed in "
                "different sets: the score may be too good (see Data)."
            )
    flags = read.table(run.path / "trust" / "flags.tsv", needs=("name", "raised", "said"))
    if flags is not None:
        called = flags[flags["raised"] == "yes"]
        for name, text in zip(called["name"][:SHOWN], called["said"], strict=False):
            said.append(f"{name[:1].upper()}{name[1:]}: {text}")
        if len(called) > SHOWN:
            said.append(f"{len(called) - SHOWN} more dangers are called by name (see Trust).")
    brier, share = as_float(m.get("brier")), _prevalence(m)
    if brier is not None and share is not None and brier > share * (1 - share):
        said.append(
            "The probabilities are badly calibrated (Brier score worse than always predicting "
            "the prevalence): trust the order of the sequences, not the percentages."
        )
    return said


def _prevalence(m: dict[str, Any]) -> float | None:
    n, positive = as_float(m.get("n")), as_float(m.get("n_positive"))
    return positive / n if n and positive is not None else None


def _tiles(m: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    tiles = []
    share = _prevalence(m)
    notes = {
        "auroc": "chance: 0.5",
        "auprc": f"chance: {number(share)}" if share is not None else "",
        "accuracy": f"at threshold {number(m['threshold'])}"
        if m.get("threshold") is not None
        else "",
    }
    for key in ("jsd", "auroc", "auprc", "accuracy", "pearson", "spearman", "r2"):
        value = as_float(m.get(key))
        if value is not None:
            ends = interval(m.get(f"{key}_interval"))
            ends = f"95 % interval {ends}" if ends else ""
            tiles.append((key, number(value), [t for t in (ends, notes.get(key, "")) if t]))
    return tiles
