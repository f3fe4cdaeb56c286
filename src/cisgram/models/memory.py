"""Run a model again and again and compute anew only what has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten

from cisgram.models.probe import Layer


@dataclass(slots=True, eq=False)
class _Call:
    """One call of a module: what it read and gave, and in which version."""

    read: list[Tensor]
    gave: Any
    versions: list[int]

    def is_whole(self) -> bool:
        """False when something was changed in place since."""
        return self.versions == _versions([*self.read, *_tensors(self.gave)])

    def read_the_same(self, given: list[Tensor]) -> bool:
        return len(given) == len(self.read) and all(
            a is b or (a.shape == b.shape and torch.equal(a, b))
            for a, b in zip(given, self.read, strict=True)
        )


@dataclass(slots=True, eq=False)
class _Memory:
    """The calls of the first run, and where the present run is."""

    calls: dict[nn.Module, list[_Call | None]] = field(default_factory=dict)
    turn: dict[nn.Module, int] = field(default_factory=dict)
    is_learning: bool = True

    def run(self, module: nn.Module, forward: Callable[..., Any], *args: Any, **kw: Any) -> Any:
        """Output of one call of a leaf module, remembered where its input is what it was."""
        at = self.turn.get(module, 0)
        self.turn[module] = at + 1
        known = self.calls.get(module, [])
        given = _tensors((args, kw))
        if not self.is_learning:
            call = known[at] if at < len(known) else None
            if call is not None and call.is_whole() and call.read_the_same(given):
                return call.gave
            return forward(*args, **kw)
        before = _versions(given)
        out = forward(*args, **kw)
        call = _Call(given, out, [*before, *_versions(_tensors(out))])
        self.calls.setdefault(module, []).append(call)
        return out


@contextmanager
def remembered(model: nn.Module, layer: Layer) -> Iterator[None]:
    """Runs after the first one, all on the same input, compute only what ``layer`` changes.

    Every module without children keeps what it gave in the first run, up to the last call of the
    layer, and gives it again wherever its input is bit for bit what it was then: the result of a
    run is that of the whole model. Modules that draw at random must not (eval mode).
    """
    memory = _Memory()
    last = [0]

    def start(_: nn.Module, __: Any) -> None:
        memory.turn.clear()
        memory.is_learning = not memory.calls

    def reached(_: nn.Module, __: Any, ___: Any) -> None:
        last[0] += 1
        if last[0] >= layer.calls:
            memory.is_learning = False

    leaves = [m for m in model.modules() if not list(m.children())]
    own = {m: m.__dict__["forward"] for m in leaves if "forward" in m.__dict__}
    in_place = [m for m in leaves if getattr(m, "inplace", False) is True]
    hooks = [
        model.register_forward_pre_hook(start),
        layer.module.register_forward_hook(reached),
    ]
    try:
        for m in in_place:
            # a switch of some modules, unknown to nn.Module's types
            m.inplace = False  # type: ignore[assignment]
        for m in leaves:
            m.forward = _with(memory, m, m.forward)
        with torch.inference_mode(mode=False), torch.no_grad():
            yield
    finally:
        for m in leaves:
            m.__dict__.pop("forward", None)
            if m in own:
                m.forward = own[m]
        for m in in_place:
            m.inplace = True  # type: ignore[assignment]  # as above
        for hook in hooks:
            hook.remove()


def _with(memory: _Memory, module: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kw: memory.run(module, forward, *args, **kw)


def _tensors(tree: Any) -> list[Tensor]:
    return [a for a in tree_flatten(tree)[0] if isinstance(a, Tensor)]


def _versions(tensors: list[Tensor]) -> list[int]:
    return [a._version for a in tensors]
