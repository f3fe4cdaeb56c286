"""Trained runs that score sequences which were made."""

from __future__ import annotations

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.models import Card, load, read_card
from cisgram.models.analyzer import Analyzer


def analyzer_of(run: Run, length: int, *, target: str | None = None) -> Analyzer:
    """A trained run as one differentiable score a sequence: its logit of an output.

    Shorter sequences are put between N, as `cisgram predict` does.

    Raises
    ------
    InputError
        When the run was trained on shorter sequences, reads more than letters, predicts profiles,
        or has several outputs and none is named.
    """
    card = read_card(run.member(0))
    _check_letters(card, run)
    if card.length < length:
        msg = (
            f"{run.path} was trained on {card.length} bp, the generator makes {length}. Train "
            "the one on longer sequences, or the other on shorter ones (--length)."
        )
        raise InputError(msg)
    if target is None and len(card.outputs) > 1:
        msg = f"{run.path} has several outputs; name one: --target {card.outputs[0]}."
        raise InputError(msg)
    if target is not None and target not in card.outputs:
        msg = f"{run.path} has no output {target!r}: {', '.join(card.outputs)}."
        raise InputError(msg)
    return Analyzer(load(run), 0 if target is None else card.outputs.index(target), card.length)


def _check_letters(card: Card, run: Run) -> None:
    """A made sequence lies nowhere: nothing is known of it but its letters."""
    if card.fields:
        msg = (
            f"{run.path}: {card.name} reads {', '.join(card.fields)} beside the letters, and of "
            "sequences that are made nothing else is known. Train an analyzer that reads letters "
            "alone."
        )
        raise InputError(msg)
    if card.profile:
        msg = (
            f"{run.path}: {card.name} predicts profiles, and an analyzer gives one score. Train "
            "one on labels or measurements."
        )
        raise InputError(msg)
