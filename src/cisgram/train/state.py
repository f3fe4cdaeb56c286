"""Where a fit stands, and the checkpoint from which it goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.models.checkpoint import read_tensors, write_tensors


@dataclass
class State:
    """Where a fit stands after an epoch.

    Attributes
    ----------
    history
        One row an epoch: ``epoch``, ``train_loss``, ``valid_loss``, the validation scores,
        ``learning_rate``.
    best
        Weights of the best epoch so far.
    best_epoch
        Its number, from 1; 0 before the first.
    best_score
        Its validation score; larger is better.
    seconds
        Wall time of each epoch that this process ran (not part of the checkpoint).
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    best_score: float = -math.inf
    seconds: list[float] = field(default_factory=list)


def keep(path: Path, model: nn.Module, optimizer: Any, state: State) -> None:
    """Write the checkpoint: what the next epoch needs, in one file."""
    tensors = {f"model/{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"best/{k}": v for k, v in state.best.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{k}": v for k, v in values.items() if v is not None}
    facts = {
        "history": state.history,
        "best_epoch": state.best_epoch,
        "best_score": state.best_score,
    }
    write_tensors(path, tensors, {"state": json.dumps(facts)})


def resume(path: Path | None, model: nn.Module, optimizer: torch.optim.Optimizer) -> State:
    """The state of a checkpoint, with its weights put into model and optimizer.

    Raises
    ------
    InputError
        When the file is damaged, or was written for another model or optimizer.
    """
    if path is None or not path.is_file():
        return State()
    try:
        tensors = read_tensors(path)
        groups, moments = _groups(tensors)
        state = _state(path, groups["best"])
        _check_fit(model.state_dict(), groups, optimizer, moments)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error).rstrip(".")
        msg = f"{path} is no checkpoint of this model: {reason}. Delete it to begin again."
        raise InputError(msg) from error
    model.load_state_dict(groups["model"])
    param_groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": param_groups})
    return state


def _groups(
    tensors: Mapping[str, Tensor],
) -> tuple[dict[str, dict[str, Tensor]], dict[int, dict[str, Tensor]]]:
    """Weights (``model`` and ``best``) and the optimizer's moments by number of the weight."""
    groups: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}}
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        if part == "optimizer":
            index, _, key = rest.partition("/")
            moments.setdefault(int(index), {})[key] = tensor
        else:
            groups[part][rest] = tensor
    return groups, moments


def _state(path: Path, best: dict[str, Tensor]) -> State:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        facts = json.loads((opened.metadata() or {})["state"])
    return State(
        history=[dict(row) for row in facts["history"]],
        best=best,
        best_epoch=int(facts["best_epoch"]),
        best_score=float(facts["best_score"]),
    )


def _check_fit(
    own: Mapping[str, Tensor],
    groups: Mapping[str, Mapping[str, Tensor]],
    optimizer: torch.optim.Optimizer,
    moments: Mapping[int, Mapping[str, Tensor]],
) -> None:
    """Raise ``ValueError`` at the first tensor that is missing, left over or of another shape.

    Fused optimizers do not check: moments of another shape would end in a segmentation fault.
    """
    for part, found in groups.items():
        _same_names(part, own, found)
        for name, tensor in found.items():
            _same_shape(f"{part}/{name}", tensor, own[name])
    weights = [p for group in optimizer.param_groups for p in group["params"]]
    names = {"momentum_buffer"}
    if not isinstance(optimizer, torch.optim.SGD):
        names = {"step", "exp_avg", "exp_avg_sq"}
    for index, found in moments.items():
        if not 0 <= index < len(weights):
            msg = f"it holds moments of weight {index} of {len(weights)}"
            raise ValueError(msg)
        _same_names(f"optimizer/{index}", names, found)
        for name, tensor in found.items():
            like = torch.zeros(()) if name == "step" else weights[index]
            _same_shape(f"optimizer/{index}/{name}", tensor, like)


def _same_names(part: str, wanted: Iterable[str], found: Iterable[str]) -> None:
    differing = sorted(set(wanted) ^ set(found))
    if differing:
        msg = f"{part} lacks or has beyond need {', '.join(differing[:3])}"
        raise ValueError(msg)


def _same_shape(name: str, tensor: Tensor, like: Tensor) -> None:
    if tensor.shape != like.shape:
        msg = f"{name} is {tuple(tensor.shape)}, the model needs {tuple(like.shape)}"
        raise ValueError(msg)
