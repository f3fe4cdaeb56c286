"""Which methods can explain a model, told from its name: nothing is loaded, built or run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cisgram import explain
from cisgram.core.errors import InputError
from cisgram.core.registry import Entry
from cisgram.models import MODELS
from cisgram.steps.method_options import SCORES
from cisgram.steps.scored import asked_options
from cisgram.steps.settings import ExplainOptions

STRUCTURES = {"recurrent layers": "RNN", "attention": "attention"}
"""What a method may need of a network, and the word by which the kind of a network says so."""


def offered(model: str, settings: ExplainOptions) -> dict[str, bool]:
    """Methods that give scores along a sequence, and whether each is drawn without being asked for.

    Those that need no further options, and whose structure of the network, where they need one,
    is there by the kind that the registry gives. Of a network of the user's own nobody knows the
    kind: such methods are offered, and refuse it when they are asked, but none is drawn unasked.

    Parameters
    ----------
    model
        Name in ``MODELS``, or ``package.module:callable``.
    settings
        The run's own options of methods.
    """
    found = {}
    for name, entry in explain.METHODS.items():
        has_structure = _has_structure(model, entry)
        if _is_asked_plainly(entry, settings) and has_structure is not False:
            found[name] = bool(entry.facts.get("prompt")) and bool(has_structure)
    return found


def lacking(model: str, method: str, options: Mapping[str, Any]) -> str:
    """The structure that a method needs and a network does not have; empty where nobody knows.

    Parameters
    ----------
    model
        As for `offered`.
    method
        Name in ``METHODS``.
    options
        Of the method, each of them; with all of its fact ``without`` it needs no structure.
    """
    entry = explain.METHODS[method]
    without = entry.facts.get("without", {})
    if without and all(options.get(name) == value for name, value in without.items()):
        return ""
    return str(entry.facts["needs"]) if _has_structure(model, entry) is False else ""


def _has_structure(model: str, entry: Entry[Callable[..., Any]]) -> bool | None:
    """Whether a network has what a method needs, by its kind; ``None`` where nobody knows it."""
    word = STRUCTURES.get(str(entry.facts.get("needs")))
    if word is None:
        return True
    return word in str(MODELS[model].facts.get("kind", "")) if model in MODELS else None


def _is_asked_plainly(entry: Entry[Callable[..., Any]], settings: ExplainOptions) -> bool:
    if entry.facts.get("gives") not in SCORES:
        return False
    try:
        asked = asked_options(settings, entry.name)
    except InputError:
        return False
    return asked.get("of") != "loss"  # nobody knows the label of a sequence typed in
