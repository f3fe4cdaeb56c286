"""What was done: command, input files, model, versions, settings."""

from __future__ import annotations

from typing import Any

from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import render


@SECTIONS.register(title="What was done", place=2, step=None)
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
            model=models[0] if models else None,
            n_members=len(models),
        )
    )


def _is_as_published(settings: Any) -> bool:
    train = settings.get("train") if isinstance(settings, dict) else None
    return isinstance(train, dict) and train.get("as_published") is True
