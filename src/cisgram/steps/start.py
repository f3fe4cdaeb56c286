"""Where a training begins: new weights or those of another model, what stays, and how fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.models import read_card, read_weights
from cisgram.models.transfer import put_part
from cisgram.report.start import COLUMNS, START, said_start
from cisgram.steps.settings import Settings
from cisgram.train.freeze import freeze, rate_factors

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Start:
    """How a model begins.

    Attributes
    ----------
    loaded
        Names of the entries of its state dict that came from elsewhere.
    factors
        Of the learning rate, by name of the weight.
    """

    loaded: list[str] = field(default_factory=list)
    factors: dict[str, float] = field(default_factory=dict)


def begin(model: nn.Module, settings: Settings, *, length: int) -> Start:
    """Load and freeze what the settings say; gives what was loaded and the factors of the rates.

    Raises
    ------
    InputError
        When weights do not fit, a part is unknown, or a setting is about weights that are not
        given.
    """
    how, path = settings.train, weights_file(settings)
    loaded: list[str] = []
    if path is not None:
        tensors = read_weights(path)
        part = settings.model.weights_match
        loaded = put_part(model, tensors, part, length=length, source=path)
    else:
        for name, is_idle in (
            ("model.weights_match", settings.model.weights_match != "all"),
            ("train.loaded_factor", how.loaded_factor != 1),
        ):
            if is_idle:
                msg = f"{name} is about weights to start from; give them: --from RUN, or --weights."
                raise InputError(msg)
    freeze(model, how.freeze, length=length)
    factors = rate_factors(
        model,
        loaded=loaded,
        loaded_factor=how.loaded_factor,
        depth_factor=how.depth_factor,
        length=length,
    )
    return Start(loaded, factors)


def weights_file(settings: Settings) -> Path | None:
    """The file of the weights that a training starts from; of a run its first member's."""
    if settings.model.weights is None:
        return None
    path = Path(settings.model.weights)
    return Run(path).member(0) / "weights.safetensors" if path.is_dir() else path


def from_model(groups: Mapping[str, Mapping[str, Any]], source: str) -> dict[str, dict[str, Any]]:
    """Settings that start from the features of another run, or of a file of weights.

    The head is new. Of a run, name and options of the model are taken over where no other model is
    named.

    Raises
    ------
    InputError
        When ``source`` is neither, or weights are given twice.
    """
    found = {name: dict(group) for name, group in groups.items()}
    model = found.setdefault("model", {})
    if model.get("weights") is not None:
        msg = "give --from (features, with a new head) or --weights (all of them), not both."
        raise InputError(msg)
    path = Path(source)
    if not path.exists():
        msg = f"--from {source}: there is no such run or file (seen from {Path.cwd()})."
        raise InputError(msg)
    if path.is_dir() and model.get("name") is None:
        card = read_card(Run(path).member(0))
        options = {k: v for k, v in card.options.items() if k not in ("n_outputs", "length")}
        model |= {"name": card.name, "options": options}
    model |= {"weights": source, "weights_match": "features"}
    return found


def start_table(model: nn.Module, start: Start) -> pd.DataFrame:
    """One row a weight: its size, ``loaded`` or ``drawn``, whether it is trained, its factor."""
    import pandas as pd

    rows = [
        (
            name,
            weight.numel(),
            "loaded" if name in start.loaded else "drawn",
            "yes" if weight.requires_grad else "no",
            start.factors.get(name, 1.0),
        )
        for name, weight in model.named_parameters()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def start_words(run: Run, settings: Settings) -> list[str]:
    """What a run's first model began with, in sentences; none where all was drawn and trained."""
    name = f"{run.member(0).name}/{START}"
    if not (run.path / name).is_file():
        return []
    return said_start(run.read_table(name), str(settings.model.weights))
