"""What a method gives on sequences of a run, a chunk at a time, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram import explain
from cisgram.core.registry import Entry
from cisgram.core.results import Attribution, Tracks
from cisgram.data import Dataset, is_labeled
from cisgram.models import Card
from cisgram.seq.alphabet import one_hot
from cisgram.steps.explain_parts import merged, read_part, write_part
from cisgram.steps.method_options import checked_options, method_options
from cisgram.steps.settings import ExplainOptions

CHUNK = 50  # sequences between two calls of the progress callback
WIDE = 0.01  # gap over the change of the output, above which shares are no longer exact
PROFILES = ("profile", "bias_profile")  # outputs that are explained with their weights held
UNRECORDED = ("batch_size",)  # options that no result depends on


def asked_options(
    settings: ExplainOptions, method: str, options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Every plain option that a method will run with: given here, by the settings, by default.

    Raises
    ------
    InputError
        When one does not fit the method (`method_options`).
    """
    entry = explain.METHODS[method]
    own = settings.options.get(method, {})
    own = checked_options(entry, own, source=f"explain.options.{method}")
    return method_options(entry, {**own, **(options or {})})


def recorded(asked: Mapping[str, Any], found: Attribution | Tracks | None = None) -> dict[str, Any]:
    """Options as ``options.toml`` keeps them: as asked, and what the method says of itself."""
    said = {} if found is None else found.options
    extra = {
        k: v
        for k, v in said.items()
        if k not in asked
        and k != "target"
        and isinstance(v, str | int | float | bool | list | tuple)
    }
    every = {**asked, **extra}
    return {
        k: "none" if v is None else v  # as -O gives it: TOML has no word for it
        for k, v in every.items()
        if k not in UNRECORDED
    }


def scored(
    entry: Entry[Callable[..., Any]],
    model: torch.nn.Module,
    chosen: Dataset,
    column: int,
    asked: Mapping[str, Any],
    *,
    parts: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Attribution | Tracks]:
    """What the method gives, one result a chunk of the sequences.

    Parameters
    ----------
    entry
        Of ``explain.METHODS``.
    model, chosen, column, asked
        The network, the sequences, the output, every option.
    parts
        Folder of the chunks that an interrupted job had done: they are read instead of being
        computed again, and the others are written there.
    progress
        Called with the number of sequences done and of all.
    """
    found: list[Attribution | Tracks] = []
    for start in range(0, len(chosen), CHUNK):
        end = min(start + CHUNK, len(chosen))
        x = one_hot(np.asarray(chosen.codes[start:end]))
        result = None if parts is None else read_part(parts, start, x)
        if result is None:
            result = merged(_chunk(entry, model, chosen, column, asked, slice(start, end)), x)
            if parts is not None:
                write_part(parts, start, result)
        found.append(result)
        if progress is not None:
            progress(end, len(chosen))
    return found


def _chunk(
    entry: Entry[Callable[..., Any]],
    model: torch.nn.Module,
    chosen: Dataset,
    column: int,
    asked: Mapping[str, Any],
    part: slice,
) -> list[Attribution | Tracks]:
    """What the method gives on some rows, in one result or several, one after the other."""
    own: dict[str, Any] = {}
    if asked.get("of") == "loss":  # the one reading of the output that asks for labels
        own["labels"] = torch.from_numpy(np.asarray(chosen.y[part, column]))
    x = one_hot(chosen.codes[part])
    output = card_output(chosen, column)
    if output in PROFILES:  # weighed by each sequence's own profile
        return list(explain.each_weighed(entry.fn, model, x, output=output, **asked, **own))
    if chosen.fields:  # each sequence with its own further inputs
        rows = chosen.take(np.arange(part.start, part.stop)).fields
        return list(explain.each_held(entry.fn, model, x, rows, target=column, **asked, **own))
    return [entry.fn(model, x, target=column, **asked, **own)]


def card_output(data: Dataset, column: int) -> str:
    """Name of the output that is explained, of a model of profiles; else nothing."""
    return "" if data.profile is None else data.outputs[column]


def together(found: Sequence[Attribution | Tracks]) -> dict[str, torch.Tensor]:
    """The scores of all chunks as the one tensor that is written: ``values`` or ``tracks``."""
    name = "tracks" if isinstance(found[0], Tracks) else "values"
    return {name: torch.cat([f.values.cpu() for f in found]).float()}


def about(entry: Entry[Callable[..., Any]], found: Attribution | Tracks) -> dict[str, Any]:
    """What a reader of the arrays must know."""
    if isinstance(found, Tracks):
        return {"tracks": list(found.names)}
    return {"substitutions": found.substitutions, "signed": entry.facts.get("signed")}


def units_of(found: Attribution | Tracks, card: Card, column: int) -> str:
    """Units of the scores, as ``options.toml`` names them; empty where they have none."""
    of = found.options.get("of")
    if isinstance(found, Tracks):
        return str(of or "")
    if of in ("probability", "loss"):
        return str(of)
    if card.task == "counts":
        return f"log {card.outputs[column]}"
    return "logit" if is_labeled(card.task) else card.outputs[column]


def gaps_of(
    found: Sequence[Attribution | Tracks],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Completeness gaps (n,) and the changes of output (n,) that the scores should add up to."""
    whole = [f for f in found if isinstance(f, Attribution) and f.delta is not None]
    if len(whole) < len(found):
        return None
    delta = torch.cat([f.delta.cpu().double() for f in whole if f.delta is not None])
    total = torch.cat([f.per_position.cpu().double().sum(1) for f in whole])
    return delta.numpy(), (total - delta).numpy()


def completeness_of(delta: NDArray[np.float64], change: NDArray[np.float64]) -> dict[str, float]:
    """Gaps over the mean size of the change: their mean, and the largest."""
    size = float(np.abs(change).mean())
    gap = np.abs(delta) / size if size > 0 else np.abs(delta)
    return {"mean": float(f"{gap.mean():.3g}"), "largest": float(f"{gap.max():.3g}")}


def said_of(completeness: Mapping[str, float]) -> str:
    """How far the scores of a complete method can be trusted to add up, in one line."""
    said = (
        f"Completeness: scores add up to the change of the output; the gap is "
        f"{completeness['mean']:.1e} of it in the mean, {completeness['largest']:.1e} at most."
    )
    if completeness["largest"] <= WIDE:
        return said
    return f"{said} Read them as a ranking rather than as shares of the output."
