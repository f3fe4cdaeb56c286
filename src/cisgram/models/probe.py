"""Look inside a model while it runs: its first convolution, and what flows through a module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cisgram.core.errors import NoFiltersError
from cisgram.models.state import device_of, untouched
from cisgram.models.strands import BothStrands

# modules that keep a convolution's shape and belong to its activation
_NONLINEAR = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Softplus,
    nn.Sigmoid,
    nn.Tanh,
    nn.Mish,
)
_NORMS = (nn.BatchNorm1d, nn.GroupNorm, nn.InstanceNorm1d, nn.LayerNorm, nn.RMSNorm)


def member(model: nn.Module) -> nn.Module:
    """The first member of an ensemble; any other model as it is."""
    members = getattr(model, "models", None)
    while isinstance(members, nn.ModuleList) and len(members):
        model = members[0]
        members = getattr(model, "models", None)
    return model


def core(model: nn.Module) -> nn.Module:
    """The model whose filters are to be read: what a two-strand mean or an ensemble wraps."""
    while True:
        model = member(model)
        if not isinstance(model, BothStrands):
            return model
        model = model.model


@contextmanager
def recorded(module: nn.Module) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """A list to which every call of ``module`` adds its first input and its output."""
    calls: list[tuple[Tensor, Tensor]] = []
    hook = module.register_forward_hook(lambda _, i, o: calls.append((i[0], o)))
    try:
        yield calls
    finally:
        hook.remove()


@contextmanager
def silenced(conv: nn.Module, activation: nn.Module, channels: Tensor) -> Iterator[None]:
    """Set the given channels (axis 1) of a convolution's activation to zero.

    ``activation`` is ``conv`` itself or a module that runs after it; where a model uses that
    module in several places, only its first call after the convolution is changed.
    """
    due = [activation is conv]

    def ran(_: nn.Module, __: tuple[Tensor, ...], ___: Tensor) -> None:
        due[0] = True

    def zero(_: nn.Module, __: tuple[Tensor, ...], out: Tensor) -> Tensor:
        if not due[0]:
            return out
        due[0] = activation is conv
        out = out.clone()
        out[:, channels] = 0
        return out

    hooks = [activation.register_forward_hook(zero)]
    if activation is not conv:
        hooks.append(conv.register_forward_hook(ran))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def first_convolution(model: nn.Module, *, length: int) -> tuple[nn.Conv1d, nn.Module]:
    """The convolution that reads the letters, and the module whose output is its activation.

    The activation is found by running the model once: norms and nonlinearities that follow the
    convolution directly belong to it; without a nonlinear module the convolution's own output is
    taken (and rectified by the caller).

    Raises
    ------
    NoFiltersError
        When the model has no one-dimensional convolution over the four bases.
    """
    order: list[tuple[nn.Module, torch.Size]] = []

    def note(module: nn.Module, _: tuple[Tensor, ...], out: Tensor) -> None:
        if isinstance(out, Tensor):
            order.append((module, out.shape))

    leaves = [m for m in model.modules() if not list(m.children())]
    hooks = [m.register_forward_hook(note) for m in leaves]
    try:
        with untouched(model), torch.inference_mode():
            model(torch.zeros(1, 4, length, device=device_of(model)))
    finally:
        for hook in hooks:
            hook.remove()
    for i, (module, shape) in enumerate(order):
        if isinstance(module, nn.Conv1d) and module.in_channels == 4:
            activation: nn.Module = module
            for following, its_shape in order[i + 1 :]:
                if its_shape != shape or not isinstance(following, _NONLINEAR + _NORMS):
                    break
                activation = following
                if isinstance(following, _NONLINEAR):
                    break
            return module, activation
    msg = (
        f"{type(model).__name__} has no convolution over the four bases, so it has no filters to "
        "read. Explain its output instead, for example with ism or saliency."
    )
    raise NoFiltersError(msg)
