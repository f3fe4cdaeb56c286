"""What the page needs to know of a run's model before it asks: from files, nothing is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cisgram import explain
from cisgram.core.run import Run
from cisgram.models import read_card
from cisgram.report.text import title
from cisgram.steps import settings_of
from cisgram.steps.ask import why_not
from cisgram.steps.explain import output_column
from cisgram.steps.motifs import SOURCES
from cisgram.steps.offered import offered

UNTRAINED = (
    "This run has no trained network yet, so it cannot be asked. Come back when its training has "
    "ended; the view Training shows how far it is."
)


def is_trained(folder: Path) -> bool:
    """True where the card and the weights of a network are there: neither is read."""
    return all((folder / name).is_file() for name in ("model.toml", "weights.safetensors"))


def facts(run: Run) -> dict[str, Any]:
    """What is known of a model, be it trained or not.

    Returns
    -------
    dict
        ``ready``: whether it can be asked about letters; ``why``: one paragraph where it cannot.
        ``model``, ``length`` (bp; ``None`` before training), ``outputs`` and ``target`` by name
        (empty before training), ``methods`` that can explain it, those that are drawn unasked
        first, and ``sources`` of motifs.

    Raises
    ------
    InputError
        When ``run.toml`` or the card is broken.
    """
    settings = settings_of(run)
    folder = run.member(0)
    known: dict[str, Any] = {"model": settings.model.name, "length": None, "outputs": []}
    target, why = "", UNTRAINED
    if (folder / "model.toml").is_file():
        card = read_card(folder)
        outputs = list(card.outputs)
        known = {"model": card.name, "length": card.length, "outputs": outputs}
        target = outputs[output_column(card, settings.explain.target)]
        why = why_not(card) if is_trained(folder) else UNTRAINED
    methods = offered(known["model"], settings.explain)
    return {
        "ready": not why,
        "why": why,
        **known,
        "target": target,
        "sources": list(SOURCES),
        "methods": [
            {
                "name": name,
                "title": title(name),
                "about": explain.METHODS[name].summary,
                "prompt": prompt,
            }
            for name, prompt in sorted(methods.items(), key=lambda m: not m[1])
        ],
    }
