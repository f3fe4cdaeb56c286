"""Leave the caller's model as we found it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from cisgram.core.errors import InputError


@contextmanager
def untouched(model: nn.Module) -> Iterator[nn.Module]:
    """Give the model in eval mode with frozen weights; put everything back whatever happens.

    Modes, wishes for gradients, the content of buffers, and the tensors that modules keep as
    attributes are put back; numbers, lists and the like that a model keeps are not.

    Raises
    ------
    InputError
        When the model has weights without a shape: a lazy layer that never ran.
    """
    if any(is_lazy(p) for p in chain(model.parameters(), model.buffers())):
        msg = (
            "The model has lazy layers that never ran, so their weights are not there yet. Run it "
            "once on a few sequences, and train it."
        )
        raise InputError(msg)
    training = {m: m.training for m in model.modules()}
    wants = {p: p.requires_grad for p in model.parameters()}
    kept = [_Kept(m) for m in model.modules()]
    try:
        model.eval()
        for p in wants:  # one by one: a ScriptModule has no requires_grad_
            p.requires_grad_(False)
        # cuDNN's LSTM has no backward pass in eval mode; torch's own kernel has
        with torch.backends.cudnn.flags(enabled=False) if _needs_plain(model) else _nothing():
            yield model
    finally:
        for module in kept:
            module.put_back()
        for m, was in training.items():
            m.training = was
        for p, wanted in wants.items():
            p.requires_grad_(wanted)


class _Kept:
    """Buffers of a module, and the tensors that it keeps as attributes."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        buffers = module._buffers.items()
        self.buffers = {k: (b, None if b is None else b.detach().clone()) for k, b in buffers}
        self.attributes = dict(vars(module))

    def put_back(self) -> None:
        """Undo what forward passes did to them; only what has changed is written."""
        for name, (buffer, before) in self.buffers.items():
            if name in self.module._buffers:
                self.module._buffers[name] = buffer
            if buffer is None or before is None or buffer.device.type == "meta":
                continue
            if not torch.equal(buffer, before):
                with torch.no_grad():
                    buffer.copy_(before)
        now = vars(self.module)
        for name in [k for k, v in now.items() if isinstance(v, Tensor)]:
            if name not in self.attributes:
                del now[name]
            elif now[name] is not self.attributes[name]:
                now[name] = self.attributes[name]


def device_of(model: nn.Module) -> torch.device:
    """Device of the model's first parameter or buffer; the CPU where it has none."""
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


def precision_of(model: nn.Module) -> torch.dtype:
    """Floating-point type of the model's first such weight; float32 where it has none."""
    for tensor in chain(model.parameters(), model.buffers()):
        if tensor.dtype.is_floating_point:
            return tensor.dtype
    return torch.float32


def _needs_plain(model: nn.Module) -> bool:
    return device_of(model).type == "cuda" and any(
        isinstance(m, nn.RNNBase) for m in model.modules()
    )


@contextmanager
def _nothing() -> Iterator[None]:
    yield
