"""Look inside a model while it runs: its layers, and what flows through a module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from cisgram.core.errors import InputError, NoFiltersError
from cisgram.core.registry import unknown
from cisgram.models.layers import Exponential
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
    Exponential,
)
_NORMS = (nn.BatchNorm1d, nn.GroupNorm, nn.InstanceNorm1d, nn.LayerNorm, nn.RMSNorm)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer whose units are read or silenced.

    Attributes
    ----------
    name
        Path of the module, for example ``features.4``.
    module
        The module: a convolution, or any other that gives (n, units, t), (n, t, units) or
        (n, units).
    activation
        The module whose output is read: the norm and the nonlinearity that follow a convolution
        directly, otherwise ``module`` itself.
    calls
        How often the model runs it on one input.
    shape
        Of what ``activation`` gives, without the axis of the sequences.
    reads_letters
        True for the convolution over the four bases.
    """

    name: str
    module: nn.Module
    activation: nn.Module
    calls: int
    shape: tuple[int, ...]
    reads_letters: bool = False


class _Enough(Exception):  # no error: the rest of the model is not needed
    """Ends a forward pass when everything that was asked for has been seen."""


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


def outputs_of(model: nn.Module, layer: Layer, x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What each call of a layer read and gave on ``x``; the rest of the model is not run."""
    read: list[Tensor] = []
    gave: list[Tensor] = []

    def before(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        read.append(given[0])

    def after(_: nn.Module, __: tuple[Tensor, ...], out: Tensor | tuple[Tensor, ...]) -> None:
        if len(gave) < len(read):  # else: the activation is used elsewhere, too
            gave.append(out if isinstance(out, Tensor) else out[0])
            if len(gave) == layer.calls:
                raise _Enough

    hooks = [
        layer.module.register_forward_pre_hook(before),
        layer.activation.register_forward_hook(after),
    ]
    try:
        model(x)
    except _Enough:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return list(zip(read, gave, strict=True))


@contextmanager
def silenced(
    conv: nn.Module,
    activation: nn.Module,
    channels: Tensor,
    *,
    fill: Tensor | float = 0.0,
    axis: int = 1,
) -> Iterator[None]:
    """Set the given channels of a layer's activation to zero, or to ``fill``.

    ``activation`` is ``conv`` itself or a module that runs after it; where a model uses that
    module in several places, only its first call after the convolution is changed. ``fill`` is
    one number or one a channel; channels lie on ``axis`` of the output.
    """
    due = [activation is conv]

    def ran(_: nn.Module, __: tuple[Tensor, ...], ___: Tensor) -> None:
        due[0] = True

    def change(_: nn.Module, __: tuple[Tensor, ...], out: Any) -> Any:
        if not due[0]:
            return out
        due[0] = activation is conv
        if not isinstance(out, Tensor):  # a recurrent layer: its output, then its states
            return (_filled(out[0], channels, fill, axis), *out[1:])
        return _filled(out, channels, fill, axis)

    hooks = [activation.register_forward_hook(change)]
    if activation is not conv:
        hooks.append(conv.register_forward_hook(ran))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _filled(out: Tensor, channels: Tensor, fill: Tensor | float, axis: int) -> Tensor:
    moved = out.clone().movedim(axis, 0)
    if isinstance(fill, Tensor):
        fill = fill.to(moved).view(-1, *[1] * (moved.ndim - 1))
    moved[channels] = fill
    return moved.movedim(0, axis)


def find_layer(model: nn.Module, name: str | None = None, *, length: int) -> Layer:
    """The layer of a name, or the convolution that reads the letters.

    The activation of a convolution is found by running the model once: norms and nonlinearities
    that follow it directly belong to it; without a nonlinear module the convolution's own output
    is taken (and rectified by the caller).

    Parameters
    ----------
    model
        Left as it is.
    name
        Path of a module as in ``model.named_modules()``; ``None``: the first convolution.
    length
        Of the sequences that the model is run on.

    Raises
    ------
    UnknownName
        When the model has no such module.
    InputError
        When the module does not run, or gives nothing that has units.
    NoFiltersError
        When ``name`` is None and the model has no one-dimensional convolution over the bases.
    """
    paths = {m: path for path, m in model.named_modules()}
    if name is not None and name not in paths.values():
        what = "layer"
        raise unknown(what, name, [path for path in paths.values() if path])
    order = _order(model, length)
    asked = None if name is None else model.get_submodule(name)
    modules = [m for m, _ in order]
    first = convolution_over_bases(modules)
    wanted = first if asked is None else asked
    for i, (module, shape) in enumerate(order):
        if module is wanted and len(shape) in {2, 3} and shape[0] == 1:
            activation = _activation(order, i)
            is_first = (
                first is not None
                and first.in_channels == 4
                and (module is first or module is _activation(order, modules.index(first)))
            )
            return Layer(
                paths[module],
                first if is_first and first is not None else module,
                activation,
                modules.count(module),
                tuple(shape[1:]),
                is_first,
            )
    if asked is not None:
        came = [tuple(shape) for module, shape in order if module is asked]
        msg = (
            f"The layer {name!r} gives {came[0] if came else 'nothing'} for one sequence, so it "
            "has no units to "
            "read; ask for one that gives (n, units, positions), (n, positions, units) or "
            "(n, units)."
        )
        raise InputError(msg)
    msg = (
        f"{type(model).__name__} has no convolution over the four bases, so it has no filters to "
        "read. Explain its output instead, for example with ism or saliency."
    )
    raise NoFiltersError(msg)


def convolution_over_bases(modules: Iterable[nn.Module]) -> nn.Conv1d | None:
    """The first of the modules that is a convolution over the four bases.

    Without one, the first of which each group reads four channels: units side by side, each with
    a copy of the letters (ExplaiNN).
    """
    convs = [m for m in modules if isinstance(m, nn.Conv1d)]
    plain = [m for m in convs if m.in_channels == 4]
    grouped = [m for m in convs if m.in_channels == 4 * m.groups]
    return next(iter(plain + grouped), None)


def first_convolution(model: nn.Module, *, length: int) -> tuple[nn.Conv1d, nn.Module]:
    """The convolution that reads the letters, and the module whose output is its activation.

    Raises
    ------
    NoFiltersError
        When the model has no one-dimensional convolution over the four bases.
    """
    found = find_layer(model, length=length)
    assert isinstance(found.module, nn.Conv1d)
    return found.module, found.activation


def _order(model: nn.Module, length: int) -> list[tuple[nn.Module, torch.Size]]:
    """Every module call of one run that gave a tensor, in the order in which they ended."""
    order: list[tuple[nn.Module, torch.Size]] = []

    def note(module: nn.Module, _: tuple[Tensor, ...], out: Any) -> None:
        out = out[0] if isinstance(out, tuple) and out else out
        if isinstance(out, Tensor):
            order.append((module, out.shape))

    hooks = [m.register_forward_hook(note) for m in model.modules()]
    run_hooked(model, hooks, length=length)
    return order


def run_hooked(model: nn.Module, hooks: Sequence[RemovableHandle], *, length: int) -> None:
    """Run a sequence without letters through a model for what hooks see, and take them off."""
    try:
        with untouched(model), torch.inference_mode():
            model(torch.zeros(1, 4, length, device=device_of(model)))
    finally:
        for hook in hooks:
            hook.remove()


def _activation(order: list[tuple[nn.Module, torch.Size]], i: int) -> nn.Module:
    """The module that gives the activation of the ``i``-th call."""
    module, shape = order[i]
    activation = module
    if isinstance(module, nn.Conv1d):
        for following, its_shape in order[i + 1 :]:
            if its_shape != shape or not isinstance(following, _NONLINEAR + _NORMS):
                # a container that ends here gives what its last module gave
                if list(following.children()) and its_shape == shape:
                    continue
                break
            activation = following
            if isinstance(following, _NONLINEAR):
                break
    return activation
