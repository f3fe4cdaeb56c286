"""LSTMs and GRUs as one operation a layer and direction, for what reads a model's graph."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

_LAYER = "(Tensor x, Tensor[] state, Tensor w, Tensor u, Tensor? b, Tensor? v)"


def splits(args: tuple[Any, ...]) -> bool:
    """Whether a call of ``torch.lstm`` or ``torch.gru`` can be run layer by layer.

    Not for packed sequences, projections, one sequence without a batch axis, or dropout at work.
    """
    if len(args) != 9 or not isinstance(args[2], list | tuple):
        return False
    x, _, weights, has_biases, num_layers, dropout, train, bidirectional, _ = args
    each = 4 if has_biases else 2
    whole = len(weights) == each * num_layers * (1 + bidirectional)
    return x.ndim == 3 and whole and not (train and dropout)


def layers(name: str, args: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """What ``torch.lstm`` and ``torch.gru`` give, by operations ``lstm_layer`` or ``gru_layer``."""
    x, state, weights, has_biases, num_layers, _, _, bidirectional, batch_first = args
    run = getattr(_operations(), f"{name}_layer")
    states = list(state) if name == "lstm" else [state]
    x = x.transpose(0, 1) if batch_first else x
    each, ends = 4 if has_biases else 2, []
    for layer in range(num_layers):
        outs = []
        for turned in range(1 + bidirectional):
            k = layer * (1 + bidirectional) + turned
            given = [*weights[k * each : (k + 1) * each], None, None][:4]
            start = [s[k] for s in states]
            y, *end = run(x.flip(0) if turned else x, start, *given)
            outs.append(y.flip(0) if turned else y)
            ends.append(end)
        x = torch.cat(outs, 2) if bidirectional else outs[0]
    out = x.transpose(0, 1) if batch_first else x
    return (out, *(torch.stack(e) for e in zip(*ends, strict=True)))


@cache
def _operations() -> Any:
    """The two operations, made known to torch at their first use."""
    # torch gives this class no types
    library: Any = torch.library.Library("cisgram", "FRAGMENT")  # type: ignore[no-untyped-call]
    library.define(f"lstm_layer{_LAYER} -> (Tensor, Tensor, Tensor)")
    library.define(f"gru_layer{_LAYER} -> (Tensor, Tensor)")
    library.impl("lstm_layer", _lstm, "CompositeExplicitAutograd")
    library.impl("gru_layer", _gru, "CompositeExplicitAutograd")
    _KEPT.append(library)  # what a library defines ends with it
    return torch.ops.cisgram


_KEPT: list[Any] = []


def _weights(*tensors: Tensor | None) -> list[Tensor]:
    return [t for t in tensors if t is not None]


def _lstm(
    x: Tensor, state: list[Tensor], w: Tensor, u: Tensor, b: Tensor | None, v: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """One direction of one layer, (length, n, d) to (length, n, size) and the last state."""
    start = [s[None] for s in state]
    flat = _weights(w, u, b, v)
    with torch.backends.cudnn.flags(enabled=not x.is_cuda):  # it wants its weights in one piece
        y, h, c = torch.lstm(x, start, flat, b is not None, 1, 0.0, False, False, False)
    return y, h[0], c[0]


def _gru(
    x: Tensor, state: list[Tensor], w: Tensor, u: Tensor, b: Tensor | None, v: Tensor | None
) -> tuple[Tensor, Tensor]:
    flat = _weights(w, u, b, v)
    with torch.backends.cudnn.flags(enabled=not x.is_cuda):
        y, h = torch.gru(x, state[0][None], flat, b is not None, 1, 0.0, False, False, False)
    return y, h[0]
