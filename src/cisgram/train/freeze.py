"""Weights that stay as they are, and weights that are trained more slowly."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from cisgram.models.parts import weighted_layers, weights_of


def freeze(model: nn.Module, parts: Iterable[str], *, length: int) -> list[str]:
    """Let the weights of the parts (`weights_of`) want no gradient; gives their names.

    Raises
    ------
    UnknownName
        When a part is none of the model's.
    """
    names = {name for part in parts for name in weights_of(model, part, length=length)}
    frozen = []
    for name, weight in model.named_parameters():
        if name in names:
            weight.requires_grad_(False)
            frozen.append(name)
    return frozen


def hold_norms(model: nn.Module) -> None:
    """Put norms of which every weight is frozen into eval mode, so that their statistics stay.

    Without it, a "frozen" network drifts with the data that pass through it.

    Examples
    --------
    >>> norm = nn.BatchNorm1d(2).requires_grad_(False).train()
    >>> hold_norms(norm)
    >>> norm.training
    False
    """
    for module in model.modules():
        if isinstance(module, _NormBase):
            weights = list(module.parameters(recurse=False))
            if weights and not any(w.requires_grad for w in weights):
                module.eval()


def rate_factors(
    model: nn.Module,
    *,
    loaded: Collection[str],
    loaded_factor: float,
    depth_factor: float,
    length: int,
) -> dict[str, float]:
    """Factors of the learning rate by name of the weight.

    ``loaded_factor`` for weights that were loaded, times ``depth_factor`` to the number of layers
    between a weight's layer and the head: 1 for the head. A norm counts with the layer before it.

    References
    ----------
    Howard and Ruder 2018, ACL, arXiv:1801.06146 (discriminative fine-tuning): there 1 / 2.6 a
    layer.
    """
    if loaded_factor == depth_factor == 1:
        return {}
    layers = weighted_layers(model, length=length)
    depth = {layer: len(layers) - 1 - i for i, layer in enumerate(layers)}
    now = len(layers) - 1
    found = {}
    for name, _ in model.named_parameters():
        now = depth.get(name.rpartition(".")[0], now)
        found[name] = (loaded_factor if name in loaded else 1.0) * depth_factor**now
    return found
