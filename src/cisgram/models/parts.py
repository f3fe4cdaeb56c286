"""A model's first layer, its head, and what lies between: the parts that transfer speaks of."""

from __future__ import annotations

from torch import nn

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.models.probe import _NORMS, run_hooked


def weighted_layers(model: nn.Module, *, length: int) -> list[str]:
    """Names of the modules that do work with weights of their own, in the order in which they run.

    Norms, which belong to the layer before them, and modules around others are left out.

    Parameters
    ----------
    model
        Left as it is.
    length
        bp of a sequence that it can read.

    Raises
    ------
    InputError
        When the model has none.

    Examples
    --------
    >>> from cisgram.models import create
    >>> weighted_layers(create("demo-cnn", size="small"), length=60)
    ['features.0', 'features.4', 'head.linear']
    """
    order: dict[nn.Module, None] = {}
    hooks = [
        m.register_forward_pre_hook(lambda module, _: order.setdefault(module))
        for m in model.modules()
        if _works(m)
    ]
    run_hooked(model, hooks, length=length)
    names = {module: name for name, module in model.named_modules()}
    if not order:
        msg = f"{type(model).__name__} has no layer with weights that is a module of its own."
        raise InputError(msg)
    return [names[module] for module in order]


def head_of(model: nn.Module, *, length: int) -> str:
    """Name of the layer that gives the outputs: the last one with weights."""
    return weighted_layers(model, length=length)[-1]


def weights_of(model: nn.Module, part: str, *, length: int) -> list[str]:
    """Names of the entries of the state dict that belong to a part.

    Parameters
    ----------
    model
        Left as it is.
    part
        ``all``; ``features``, everything but the head; ``first``, the first layer alone; or the
        name of a module, of a weight, or the start of either up to a dot.
    length
        bp of a sequence that it can read.

    Raises
    ------
    UnknownName
        When nothing has this name.

    Examples
    --------
    >>> from cisgram.models import create
    >>> weights_of(create("demo-cnn", size="small"), "first", length=60)
    ['features.0.weight', 'features.0.bias']
    """
    names = list(model.state_dict())
    if part == "all":
        return names
    if part in ("features", "first"):
        layers = weighted_layers(model, length=length)
        if part == "first":
            return [name for name in names if name.rpartition(".")[0] == layers[0]]
        return [name for name in names if name.rpartition(".")[0] != layers[-1]]
    found = [name for name in names if name == part or name.startswith(f"{part}.")]
    if not found:
        modules = {n for n, _ in model.named_modules() if n}
        what = "part of the model"
        raise unknown(what, part, ["features", "first", *sorted(modules | set(names))])
    return found


def _works(module: nn.Module) -> bool:
    own = any(True for _ in module.parameters(recurse=False))
    around = any(any(True for _ in child.parameters()) for child in module.children())
    return own and not around and not isinstance(module, _NORMS)
