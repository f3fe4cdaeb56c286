"""What was done: command, input files, model, versions, settings."""

from __future__ import annotations

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
            model=models[0] if models else None,
            n_members=len(models),
        )
    )
