"""The table of planted grammars: which rules come back from networks, and what else is said."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cisgram.core import files
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.grammar import Rules, rules, said
from cisgram.models import load
from cisgram.seq.alphabet import from_codes
from cisgram.steps.grammar_factors import FACTORS, factor_page, factor_runs
from cisgram.steps.grammar_plants import KINDS, PlantedSet, planted_set
from cisgram.steps.grammar_truth import is_planted, recovered
from cisgram.steps.settings import Settings, resolve
from cisgram.steps.tables import share_interval
from cisgram.steps.train import Progress, chosen_device, train_run

Row = dict[str, Any]
N_SETS = {"spacing": 4, "order": 4, "orientation": 3, "copies": 3, "synergy": 3, "negation": 3}
N_CONTROLS = 5
SEED = 2  # of the sets that are reported; those of 0, 1, 100 and 101 were looked at before
TRAIN, TEST, SEARCHED = 6000, 1000, 3000  # sequences
NETWORK = {"maps": 32, "width": 15, "layers": 4, "dropout": 0.0}
TRAINING = {"epochs": 12, "batch_size": 32, "learning_rate": 5e-3, "seed": 0}
FORMAT = 2  # of a cell; another number looks for all rules again


def benchmark_grammar(
    data: Path | None,
    out: Path,
    *,
    only: str | None = None,
    seed: int = SEED,
    device: str = "auto",
    epoch: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> str:
    """Run what is missing of the benchmark and give its page as Markdown.

    A cell is one planted set: a network is trained on it, rules are looked for with eight motifs,
    and both are kept.

    Parameters
    ----------
    data
        Folder of the data sets, for real factors; without it, the simulation alone.
    out
        Folder of the runs, ``OUT/grammar/SEED/SET`` and ``OUT/grammar/factors``.
    only
        Comma-separated kinds, sets as ``spacing-0``, or factors to run (an empty text: none); the
        page shows all that is done.
    seed
        Of the sets.
    device, epoch, say
        As in the main job.

    Raises
    ------
    InputError
        When a name is unknown, or the data of a factor are not there.
    """
    say = say or (lambda _: None)
    folder = out / "grammar" / str(seed)
    wanted = _wanted(only)
    rows = []
    for kind, n in [*N_SETS.items(), ("control", N_CONTROLS)]:
        for number in range(n):
            planted = planted_set(kind, number, seed=seed)
            if planted.name in wanted:
                _cell(folder, planted, device, epoch, say)
            row = _finished(folder, planted)
            if row is not None:
                rows.append(row)
    factors = out / "grammar" / "factors"
    if data is not None:
        chosen = [f for f in FACTORS if f in wanted]
        factor_runs(data, factors, chosen, device=device, epoch=epoch, say=say)
    return "\n".join([*page_of(rows), "", *factor_page(factors)])


def _wanted(only: str | None) -> set[str]:
    names = [f"{kind}-{i}" for kind, n in N_SETS.items() for i in range(n)]
    names += [*(f"control-{i}" for i in range(N_CONTROLS)), *FACTORS]
    if only is None:
        return set(names)
    given = {w.strip() for w in only.split(",") if w.strip()}
    for word in sorted(given - {*names, *KINDS, "control"}):
        what = "kind, set or factor"
        raise unknown(what, word, [*KINDS, "control", *names])
    return {n for n in names if n in given or n.rpartition("-")[0] in given}


def _cell(
    folder: Path,
    planted: PlantedSet,
    device: str,
    epoch: Progress | None,
    say: Callable[[str], None],
) -> None:
    """Train a network on a set, and look for rules; nothing is done twice."""
    if _finished(folder, planted) is not None:
        return
    say(planted.name)
    home = folder / planted.name
    codes, labels = planted.draw(TRAIN, 0)
    for name, (some, y) in (("train", (codes, labels)), ("test", planted.draw(TEST, 1))):
        path = home.with_name(f"{home.name}-data") / f"{name}.tsv"
        rows = zip(from_codes(some), y.tolist(), strict=True)
        text = "".join(f"{name}_{i}\t{s}\t{v}\n" for i, (s, v) in enumerate(rows))
        if not path.is_file():
            files.write_text(path, f"name\tsequence\tbound\n{text}")
    began = time.process_time()
    metrics = train_run(Run(home), _settings(home), device=device, progress=epoch)
    trained = time.process_time()
    model = load(Run(home)).to(chosen_device(device))
    found = rules(
        model,
        codes[:SEARCHED],
        planted.panel,
        labels=labels[:SEARCHED],
        both_strands=False,  # what is planted reads from left to right
    )
    row = {
        "digest": _digest(planted),
        "auroc": metrics["test"]["auroc"],
        "seconds": [
            max(round(trained - began, 1), _earlier(home)),
            round(time.process_time() - trained, 1),
        ],
        "found": found.to_json(),
    }
    files.write_json(home / "rules.json", row)


def _earlier(home: Path) -> float:
    """CPU seconds of the training, where only the search is done again."""
    path = home / "rules.json"
    return float(files.read_json(path)["seconds"][0]) if path.is_file() else 0.0


def _settings(home: Path) -> Settings:
    tables = home.with_name(f"{home.name}-data")
    return resolve(
        {
            "data": {
                "positives": str(tables / "train.tsv"),
                "test": str(tables / "test.tsv"),
                "label_columns": ["bound"],
                "reverse_complement": False,
            },
            "model": {"name": "dilated", "options": NETWORK},
            "train": TRAINING,
        }
    )


def _digest(planted: PlantedSet) -> str:
    """What tells whether a finished cell is of this set and this training."""
    truth = [[t.kind, *t.motifs, t.low, t.high, t.strands] for t in planted.truth]
    panel = [m.name for m in planted.panel]
    text = json.dumps([FORMAT, truth, panel, NETWORK, TRAINING, TRAIN, SEARCHED])
    return hashlib.sha256(text.encode()).hexdigest()


def _finished(folder: Path, planted: PlantedSet) -> Row | None:
    """The result of a cell, held against the truth; ``None`` where there is none of this set."""
    path = folder / planted.name / "rules.json"
    row: Row | None = files.read_json(path) if path.is_file() else None
    if row is None or row["digest"] != _digest(planted):
        return None
    found = Rules.from_json(row["found"])
    true = [is_planted(r, planted.truth) for r in found.known]
    return {
        "name": planted.name,
        "kind": planted.kind,
        "auroc": row["auroc"],
        "seconds": row["seconds"],
        "planted": [t for t in planted.truth if t.decides],
        "recovered": recovered(found.known, planted.truth),
        "confirmed": recovered([r for r in found.known if r.verdict == "confirmed"], planted.truth),
        "rules": list(zip(found.known, true, strict=True)),
        "data_only": sum(r.verdict == "data only" for r in found),
    }


def page_of(rows: Sequence[Row]) -> list[str]:
    """The tables of the page."""
    own = [r for r in rows if r["kind"] != "control"]
    controls = [r for r in rows if r["kind"] == "control"]
    lines = [
        "## By kind of rule", "",
        "| planted | sets | recovered | by model and data | test AUROC, mean |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for kind in N_SETS:
        some = [r for r in own if r["kind"] == kind]
        if some:
            k = sum(all(r["recovered"]) for r in some)
            both = sum(all(r["confirmed"]) for r in some)
            auroc = sum(r["auroc"] for r in some) / len(some)
            lines.append(f"| {kind} | {len(some)} | {k} | {both} | {auroc:.3f} |")
    lines += [
        "", "## What was reported", "",
        "| rules | sets | reported | not planted | share, 95 % |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for name, some in (("planted grammars", own), ("controls", controls)):
        for verdicts, label in (
            (("confirmed", "model only"), "all"),
            (("confirmed",), "model and data"),
            (("model only",), "the model alone"),
        ):
            flags = [t for r in some for rule, t in r["rules"] if rule.verdict in verdicts]
            lines.append(_reported(f"{name}, {label}", len(some), flags))
    if own:
        k, n = sum(all(r["recovered"]) for r in own), len(own)
        low, high = share_interval(k, n)
        lines += ["", f"Recall {k} of {n}: {k / n:.2f} (95 % {low:.2f} to {high:.2f})."]
    return [*lines, "", *_sets(rows)]


def _reported(name: str, n_sets: int, flags: Sequence[bool]) -> str:
    wrong = sum(not f for f in flags)
    if not flags:
        return f"| {name} | {n_sets} | 0 | 0 |  |"
    low, high = share_interval(wrong, len(flags))
    share = f"{wrong / len(flags):.2f} ({low:.2f} to {high:.2f})"
    return f"| {name} | {n_sets} | {len(flags)} | {wrong} | {share} |"


def _sets(rows: Sequence[Row]) -> list[str]:
    """Every set: what decides, whether it came back, what else was said that was not planted."""
    lines = [
        "## Every set", "",
        "| set | planted | test AUROC | recovered | rules reported | not planted | CPU seconds |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        wrong = "; ".join(_short(rule) for rule, is_true in row["rules"] if not is_true)
        what = "; ".join(_planted(t) for t in row["planted"]) or "none"
        back = "" if not row["planted"] else "yes" if all(row["recovered"]) else "**no**"
        trained, asked = row["seconds"]
        lines.append(
            f"| {row['name']} | {what} | {row['auroc']:.3f} | {back} | {len(row['rules'])} | "
            f"{wrong} | {trained:.0f} + {asked:.0f} |"
        )
    return lines


def _planted(one: Any) -> str:
    words = ", then ".join(one.motifs)
    if one.low is not None:
        words += f", {one.low} to {one.high} bp"
    if one.strands:
        words += f", {one.strands} strand" + ("s" if one.strands == "opposite" else "")
    return f"{one.copies} copies of {words}" if one.copies else words


def _short(rule: Any) -> str:
    """A rule up to what it does, for a cell of a table."""
    return f"{rule.kind} ({rule.verdict}): {said(rule).partition(':')[0]}"
