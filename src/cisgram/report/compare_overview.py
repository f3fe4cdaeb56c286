"""A comparison in a few sentences, each of which a table further down says in numbers."""

from __future__ import annotations

from collections.abc import Mapping

from cisgram.report import read
from cisgram.report.compare_pair import NOT_APART, Pair
from cisgram.report.compare_shared import Shared
from cisgram.report.section import Section
from cisgram.report.text import interval, number, plural, render, title

SHOWN = 6  # names of settings in a sentence


def overview(
    pair: Pair,
    both: Shared | str,
    drawn: Mapping[str, Section],
    *,
    bases: tuple[str, str] = ("", ""),
) -> Section:
    """What differs, which scores higher, what both found; ``bases`` as in `predictions`."""
    said = [_made(drawn), _scored(pair, both, drawn), *_found(pair, drawn)]
    models = [(read.mapping(run.member(0) / "model.toml") or {}).get("name", "") for run in pair]
    return Section(
        render(
            "compare_overview.html",
            names=pair.names,
            models=[str(m) for m in models],
            bases=bases,
            said=[s for s in said if s],
            cautions=_cautions(pair, both),
        )
    )


def _made(drawn: Mapping[str, Section]) -> str:
    settings = list(drawn["differences"].tables["settings"]["setting"])
    inputs = drawn["differences"].tables["inputs"]
    other = list(inputs[inputs["same"] != "same bytes"]["input"])
    if not settings:
        words = "The runs have the same settings"
    else:
        more = f" and {len(settings) - SHOWN} more" if len(settings) > SHOWN else ""
        words = f"The runs differ in {', '.join(settings[:SHOWN])}{more}"
    if not len(inputs):
        return f"{words}."
    return f"{words}; {'other data: ' + ', '.join(other) if other else 'their data are the same'}."


def _scored(pair: Pair, both: Shared | str, drawn: Mapping[str, Section]) -> str:
    if isinstance(both, str):
        return both
    tables = drawn["scores"].tables if "scores" in drawn else {}
    if "differences" not in tables:
        return "No score is defined on the sequences that both held out."
    row = tables["differences"].iloc[0]
    ends = interval([row["difference_low"], row["difference_high"]])
    ends = f", 95 % interval {ends}" if ends else ""
    of = f" of {row['output']}" if len(both.outputs) > 1 else ""
    told = str(row["said"])
    higher = told.removesuffix(" higher")
    so = "The two are not told apart" if told == NOT_APART else f"It is higher for {higher}"
    return (
        f"On {plural(len(both.names), 'shared sequence')} of the {both.of} set the "
        f"{title(str(row['score']))}{of} is {number(row['first'])} for {pair.names[0]} and "
        f"{number(row['second'])} for {pair.names[1]}: a difference of "
        f"{number(row['difference'])}{ends}. {so}."
    )


def _found(pair: Pair, drawn: Mapping[str, Section]) -> list[str]:
    said = []
    if "motifs" in drawn:
        table = drawn["motifs"].tables["motifs"]
        shared = table[table["kind"] == "shared"]
        for source in dict.fromkeys(table["source"]):
            own = table[table["source"] == source]
            alone = own[own["kind"] == "one run alone"]
            counts = [int((alone[side] != "").sum()) for side in ("first", "second")]
            n = int((shared["source"] == source).sum())
            said.append(
                f"Motifs of {source}: {plural(n, 'pair')} shared, {counts[0]} in {pair.names[0]} "
                f"alone, {counts[1]} in {pair.names[1]} alone."
            )
    if "explanations" in drawn and len(drawn["explanations"].tables["explanations"]):
        best = drawn["explanations"].tables["explanations"].iloc[0]
        said.append(
            f"Of {plural(int(best['sequences']), 'sequence')} that both explain by "
            f"{title(str(best['method']))}, the rank correlation of the scores is "
            f"{best['correlation']:.2f} in the median (middle half "
            f"{interval([float(best['low_quartile']), float(best['high_quartile'])], 2)})."
        )
    return said


def _cautions(pair: Pair, both: Shared | str) -> list[str]:
    """What a reader would take the runs to be and they are not."""
    tasks = [(read.mapping(run.member(0) / "model.toml") or {}) for run in pair]
    said = []
    for key, what in (("task", "other tasks"), ("length", "sequences of other lengths")):
        one, other = (t.get(key) for t in tasks)
        if one is not None and other is not None and one != other:
            said.append(f"The models are for {what} ({one}; {other}).")
    return said + ([] if isinstance(both, str) else both.notes)
