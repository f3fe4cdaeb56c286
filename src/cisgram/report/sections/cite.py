"""Method notes: how to read the numbers, and what to cite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.explained import explained
from cisgram.report.matches import sources
from cisgram.report.references import reference
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import render

# tables of `cisgram trust` by their file, what each is, and the papers that it follows
TRUSTED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("baselines", "Baselines of words and of GC", ("ghandi2014",)),
    ("gc-matched", "AUROC at equal GC", ("janes2008",)),
    ("faithfulness", "Deletion and insertion curves", ("samek2017", "petsiuk2018")),
    ("sensitivity", "Sensitivity-n", ("ancona2018",)),
    ("random-weights", "Random weights and labels", ("adebayo2018",)),
    ("calibration", "Calibration", ("guo2017", "murphy1973")),
    ("conformal", "Conformal intervals and sets", ("lei2018", "sadinle2019")),
)


@SECTIONS.register(title="Method notes and how to cite", view="overview", place=7, step=None)
def cite(run: Run) -> Section | None:
    """Only the notes that this run needs."""
    from cisgram.explain import METHODS
    from cisgram.models import MODELS

    metrics = read.mapping(run.path / "metrics.json") or {}
    of_sets = [m for m in metrics.values() if isinstance(m, dict)]
    models = [read.mapping(folder / "model.toml") or {} for folder in run.members()]
    name = str(models[0].get("name", "")) if models else ""
    return Section(
        render(
            "cite.html",
            classified=any(m.get("auroc") is not None for m in of_sets),
            compared=any(s.compared for s in sources(run)),
            explained=[
                (
                    m.title,
                    METHODS[m.name].summary if m.name in METHODS else "",
                    _cited(METHODS, m.name),
                )
                for m in explained(run)
            ],
            trusted=[
                (title, " ".join(map(reference, keys)))
                for table, title, keys in TRUSTED
                if (run.path / "trust" / f"{table}.tsv").is_file()
            ],
            regimes=_regimes(run),
            model=(name, _cited(MODELS, name)) if name else None,
        )
    )


REGIMES: tuple[tuple[str, str, str, str], ...] = (
    ("train", "loss", "focal", "lin2017"),
    ("train", "loss", "pearson", "maslova2020"),
    ("train", "adversary", "", "ganin2016"),
    ("train", "calibrate", "temperature", "guo2017"),
    ("train", "calibrate", "isotonic", "zadrozny2002"),
    ("data", "augment", "", "lee2023"),
)
"""Settings with a paper of their own: group, name, value (empty: any that is set), reference."""
PLAIN: tuple[object, ...] = (None, [], 0.0, "none", "auto")


def _regimes(run: Run) -> list[tuple[str, str]]:
    """What a run's training owes to a paper, and the paper."""
    settings = run.read().get("settings", {})
    found = []
    for group, name, value, key in REGIMES:
        of_group = settings.get(group) if isinstance(settings, dict) else None
        set_to = of_group.get(name) if isinstance(of_group, dict) else None
        if set_to not in PLAIN and value in ("", set_to):
            found.append((f"{group}.{name}" + (f" = {value}" if value else ""), reference(key)))
    return found


def _cited(registry: Mapping[str, Any], name: str) -> str:
    return reference(registry[name].facts.get("cite", "")) if name in registry else ""
