"""The explanation step of a run: scores of every base of chosen sequences, as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram import explain
from cisgram.core import config
from cisgram.core.errors import InputError
from cisgram.core.registry import Entry, unknown
from cisgram.core.results import Attribution, Tracks
from cisgram.core.run import Run
from cisgram.data import Dataset, Prepared, is_labeled
from cisgram.models import MODELS, Card, load, predict, read_card, write_tensors
from cisgram.seq.alphabet import one_hot
from cisgram.steps.inputs import for_model, given_to
from cisgram.steps.method_options import checked_options, method_options
from cisgram.steps.predict import told_of, with_outputs
from cisgram.steps.settings import ExplainOptions, settings_of
from cisgram.steps.train import chosen_device, data_of, probabilities_of

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 50  # sequences between two calls of the progress callback
WIDE = 0.01  # gap over the change of the output, above which shares are no longer exact
PROFILES = ("profile", "bias_profile")  # outputs that are explained with their weights held
FIELDS = "fields.safetensors"  # scores of further inputs, beside those of the letters
UNRECORDED = ("batch_size",)  # options that no result depends on


def explain_run(
    run: Run,
    method: str,
    *,
    sequences: str | None = None,
    genome: str | None = None,
    target: int | str | None = None,
    options: Mapping[str, Any] | None = None,
    most: int | None = None,
    out: Path | None = None,
    device: str = "auto",
    prepared: Prepared | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Explain sequences with one method and write the scores.

    Writes ``values.safetensors`` (``values`` (n, 4, length) float32, or ``tracks`` (n, k, length)
    of a method that scores positions; ``x`` (n, 4, length) int8), ``names.tsv`` (``name``,
    ``label``, ``score``, ``probability``; ``delta``, the completeness gap, of a method that
    promises completeness) and ``options.toml``. Of a model of further inputs each sequence is
    explained with these held at its own, as the output ``profile`` is with the weights of its
    logits held at the sequence's own profile (Avsec et al. 2021). Of further inputs
    gradient_x_input and integrated_gradients write ``fields.safetensors``, too: the scores of each
    by its name.

    Parameters
    ----------
    run
        A trained run.
    method
        Name in ``explain.METHODS``.
    sequences, genome
        A file of sequences; default: the run's test set (validation set where there is none),
        three positives to one negative, at most ``most``.
    target
        Output to explain, by number or name; default the run's setting, or the only one.
    options
        Arguments of the method; they come over the run's settings ``explain.options.METHOD``.
    most
        At most so many sequences; default the run's setting for its own, all of a file.
    out
        Folder to write; default `default_folder`.
    device
        ``auto``, ``cpu`` or ``cuda``.
    prepared
        The run's data, where they were prepared already.
    progress
        Called with the number of sequences done and of all.
    tell
        Called with one line on what of the file was left out, cut or padded, if anything was, and
        with one on how far the scores add up.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        When the run holds no model, or method, options, target or sequences do not fit; or when
        no target is given for a model of several outputs.
    """
    entry = explain.METHODS[method]
    settings = settings_of(run)
    asked = asked_options(settings.explain, method, options)
    folder = out or default_folder(run, method, sequences)
    _refuse_foreign(folder)
    card = read_card(run.member(0))
    _check_letters(card, method)
    column = asked_column(card, settings.explain.target if target is None else target)
    most_own = most or settings.explain.most
    if sequences is None:
        data = prepared or data_of(run)
        data = for_model(data, card.name)
        part = data.test if data.test is not None else data.valid
        chosen = choose(part, most_own, column)
    else:
        given = given_to(card, sequences, settings.data, genome=genome)
        part = with_outputs(told_of(given, tell), card.outputs)
        chosen = part if most is None else part.take(np.arange(min(most, len(part))))
    model = load(run).to(chosen_device(device))
    every = predict(model, chosen.codes, fields=chosen.fields).numpy().astype(np.float64)
    score, probability = every[:, column], None
    if is_labeled(card.task):
        probability = probabilities_of(run, every, card.task)[:, column]
    found = _asking(entry, model, chosen, column, asked, progress)
    gaps = _gaps(found)
    tensors = _together(found) | {"x": one_hot(np.asarray(chosen.codes), dtype=torch.int8)}
    write_tensors(folder / "values.safetensors", tensors)
    if chosen.fields and method in explain.FIELD_METHODS:
        write_tensors(folder / FIELDS, _of_fields(model, chosen, method, column))
    Run(folder).write_table("names.tsv", _names(chosen, score, probability, column, gaps))
    completeness = None if gaps is None else _completeness(*gaps)
    config.write_toml(
        folder / "options.toml",
        {
            "method": method,
            "target": column,
            "output": card.outputs[column],
            "units": _units(found[0], card, column),
            "sequences": sequences or "held-out sequences of the run",
            "most": most_own if sequences is None else None,
            **_about(entry, found[0]),
            "options": recorded(asked, found[0]),
            "completeness": completeness,
        },
    )
    if tell is not None and completeness is not None:
        tell(said_of(completeness))
    return folder


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


def _asking(
    entry: Entry[Callable[..., Any]],
    model: torch.nn.Module,
    chosen: Dataset,
    column: int,
    asked: Mapping[str, Any],
    progress: Callable[[int, int], None] | None,
) -> list[Attribution | Tracks]:
    """What the method gives, a chunk of the sequences at a time."""
    found: list[Attribution | Tracks] = []
    for start in range(0, len(chosen), CHUNK):
        part = slice(start, start + CHUNK)
        own: dict[str, Any] = {}
        if asked.get("of") == "loss":  # the one reading of the output that asks for labels
            own["labels"] = torch.from_numpy(np.asarray(chosen.y[part, column]))
        x = one_hot(chosen.codes[part])
        if card_output(chosen, column) in PROFILES:  # weighed by each sequence's own profile
            output = card_output(chosen, column)
            found += explain.each_weighed(entry.fn, model, x, output=output, **asked, **own)
        elif chosen.fields:  # each sequence with its own further inputs
            rows = chosen.take(np.arange(start, start + len(x))).fields
            found += explain.each_held(entry.fn, model, x, rows, target=column, **asked, **own)
        else:
            found.append(entry.fn(model, x, target=column, **asked, **own))
        if progress is not None:
            progress(min(start + CHUNK, len(chosen)), len(chosen))
    return found


def card_output(data: Dataset, column: int) -> str:
    """Name of the output that is explained, of a model of profiles; else nothing."""
    return "" if data.profile is None else data.outputs[column]


def _check_letters(card: Card, method: str) -> None:
    """Refuse methods that score letters where the network reads none."""
    entry = MODELS.get(card.name)
    if entry is None or entry.facts.get("reads_letters", True) or method in explain.FIELD_METHODS:
        return
    msg = (
        f"{card.name} reads no letters, so {method} has nothing to score. Take "
        f"{' or '.join(explain.FIELD_METHODS)}, which score {', '.join(card.fields)} ({FIELDS})."
    )
    raise InputError(msg)


def _of_fields(
    model: torch.nn.Module, chosen: Dataset, method: str, column: int
) -> dict[str, torch.Tensor]:
    """Scores (n, ...) of each further input, and the inputs themselves as ``NAME.input``."""
    found = {}
    x = one_hot(np.asarray(chosen.codes))
    for name, given in chosen.fields.items():
        scored = explain.field_attribution(
            model, x, chosen.fields, name=name, target=column, method=method
        )
        found[name] = scored.values
        found[f"{name}.input"] = torch.as_tensor(given[:])
    return found


def _together(found: Sequence[Attribution | Tracks]) -> dict[str, torch.Tensor]:
    name = "tracks" if isinstance(found[0], Tracks) else "values"
    return {name: torch.cat([f.values.cpu() for f in found]).float()}


def _about(entry: Entry[Callable[..., Any]], found: Attribution | Tracks) -> dict[str, Any]:
    """What a reader of the arrays must know."""
    if isinstance(found, Tracks):
        return {"tracks": list(found.names)}
    return {"substitutions": found.substitutions, "signed": entry.facts.get("signed")}


def _units(found: Attribution | Tracks, card: Card, column: int) -> str:
    of = found.options.get("of")
    if isinstance(found, Tracks):
        return str(of or "")
    if of in ("probability", "loss"):
        return str(of)
    if card.task == "counts":
        return f"log {card.outputs[column]}"
    return "logit" if is_labeled(card.task) else card.outputs[column]


def _gaps(
    found: Sequence[Attribution | Tracks],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Completeness gaps (n,) and the changes of output (n,) that the scores should add up to."""
    whole = [f for f in found if isinstance(f, Attribution) and f.delta is not None]
    if len(whole) < len(found):
        return None
    delta = torch.cat([f.delta.cpu().double() for f in whole if f.delta is not None])
    total = torch.cat([f.per_position.cpu().double().sum(1) for f in whole])
    return delta.numpy(), (total - delta).numpy()


def _completeness(delta: NDArray[np.float64], change: NDArray[np.float64]) -> dict[str, float]:
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


def default_folder(run: Run, method: str, sequences: str | None) -> Path:
    """``RUN/explain/<method>``, or ``RUN/explain-given/<method>-<name of the file>``.

    The page shows the first alone: explanations of other sequences are not the run's own.
    """
    if sequences is None:
        return run.path / "explain" / method
    stem = Path(sequences).name.partition(".")[0]
    return run.path / "explain-given" / f"{method}-{stem}"


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds something else than an explanation."""
    if not folder.exists():
        return
    if not folder.is_dir() or (
        any(folder.iterdir()) and not (folder / "values.safetensors").is_file()
    ):
        msg = f"{folder} exists and holds no explanation. Choose an empty or new folder with -o."
        raise InputError(msg)


def asked_column(card: Card, target: int | str | None) -> int:
    """The column to explain; of several outputs none is explained by accident.

    Raises
    ------
    InputError
        When there are several and none is given.
    UnknownName
        When the model has no such output.
    """
    if target is None and len(card.outputs) > 1:
        msg = (
            f"The model has the outputs {', '.join(card.outputs)}. Say with --target, or with the "
            "setting explain.target, which one to explain."
        )
        raise InputError(msg)
    return output_column(card, target)


def output_column(card: Card, target: int | str | None) -> int:
    """The column of an output given by number or name; the first where none is given.

    Raises
    ------
    UnknownName
        When the model has no such output.
    """
    if target is None:
        return 0
    if isinstance(target, str) and target.isdigit():
        target = int(target)
    if isinstance(target, int):
        if 0 <= target < len(card.outputs):
            return target
        last = len(card.outputs) - 1
        msg = f"target must be from 0 to {last}, or an output's name; got {target}."
        if last == 0:
            msg = f"The model has one output, {card.outputs[0]}; got the target {target}. "
            msg += "Leave it out."
        raise InputError(msg)
    if target in card.outputs:
        return card.outputs.index(target)
    what = "output"
    raise unknown(what, target, card.outputs)


def choose(data: Dataset, most: int, column: int = 0) -> Dataset:
    """At most ``most`` sequences, three positives to one negative, each in their own order."""
    positive = np.flatnonzero(data.y[:, column] > 0.5)
    other = np.flatnonzero(~(data.y[:, column] > 0.5))
    n_other = min(len(other), max(most - len(positive), most // 4))
    rows: NDArray[np.int64] = np.r_[positive[: most - n_other], other[:n_other]].astype(np.int64)
    return data.take(rows)


def _names(
    data: Dataset,
    score: NDArray[np.float64],
    probability: NDArray[np.float64] | None,
    column: int,
    gaps: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
) -> pd.DataFrame:
    """The table beside the arrays, one row a sequence."""
    import pandas as pd

    table: dict[str, Any] = {"name": data.names, "label": data.y[:, column], "score": score}
    if probability is not None:
        table["probability"] = probability
    if gaps is not None:
        table["delta"] = gaps[0]
    return pd.DataFrame(table)
