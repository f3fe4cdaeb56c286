"""What was done: command, input files, model, versions, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.section import SECTIONS, Section
from cisgram.report.start import COLUMNS, START, said_start
from cisgram.report.text import render

if TYPE_CHECKING:
    import pandas as pd


@SECTIONS.register(title="What was done", view="overview", place=4, step=None)
def done(run: Run) -> Section | None:
    """Everything that is needed to do it again."""
    job = run.read()
    models = [read.mapping(folder / "model.toml") or {} for folder in run.members()]
    settings = job.get("settings", {})
    return Section(
        render(
            "done.html",
            command=job.get("command", ""),
            inputs=job.get("inputs", {}),
            versions=job.get("versions", {}),
            settings=settings,
            as_published=_is_as_published(settings),
            start=_start(run, settings),
            model=models[0] if models else None,
            n_members=len(models),
        ),
        files=("run.toml", *(f"{f.name}/model.toml" for f in run.members())),
        tables=_inputs(job.get("inputs", {})),
    )


def _inputs(inputs: Any) -> dict[str, pd.DataFrame]:
    """Input files by role, where they are known."""
    import pandas as pd

    if not isinstance(inputs, dict) or not inputs:
        return {}
    rows = [
        (role, f.get("path", ""), f.get("sha256", "")) if isinstance(f, dict) else (role, f, "")
        for role, f in inputs.items()
    ]
    return {"inputs": pd.DataFrame(rows, columns=["role", "path", "sha256"])}


def _start(run: Run, settings: Any) -> list[str]:
    """What the first model began with, where not all of it was drawn and trained alike."""
    table = read.table(run.member(0) / START, needs=COLUMNS)
    model = settings.get("model") if isinstance(settings, dict) else None
    source = model.get("weights") if isinstance(model, dict) else None
    return [] if table is None else said_start(table, str(source or "other weights"))


def _is_as_published(settings: Any) -> bool:
    train = settings.get("train") if isinstance(settings, dict) else None
    return isinstance(train, dict) and train.get("as_published") is True
