"""Leave the caller's model as we found it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def untouched(model: nn.Module) -> Iterator[nn.Module]:
    """Give the model in eval mode with frozen weights; put everything back whatever happens."""
    training = {m: m.training for m in model.modules()}
    wants = {p: p.requires_grad for p in model.parameters()}
    model.eval().requires_grad_(False)
    try:
        # cuDNN's LSTM has no backward pass in eval mode; torch's own kernel has
        with torch.backends.cudnn.flags(enabled=False) if _needs_plain(model) else _nothing():
            yield model
    finally:
        for m, was in training.items():
            m.training = was
        for p, wanted in wants.items():
            p.requires_grad_(wanted)


def device_of(model: nn.Module) -> torch.device:
    """Device of the model's first parameter or buffer; the CPU where it has none."""
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


def _needs_plain(model: nn.Module) -> bool:
    return device_of(model).type == "cuda" and any(
        isinstance(m, nn.RNNBase) for m in model.modules()
    )


@contextmanager
def _nothing() -> Iterator[None]:
    yield
