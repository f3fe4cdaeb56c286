"""Where a model is trained."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from cisgram.core.errors import InputError


def make_accelerator(device: str, precision: str) -> Accelerator:
    """Accelerate's view of the device: ``auto``, ``cpu`` or ``cuda``."""
    if device not in ("auto", "cpu", "cuda"):
        msg = f"device must be auto, cpu or cuda; got {device!r}."
        raise InputError(msg)
    if device == "cuda" and not torch.cuda.is_available():
        msg = "device cuda was asked for and torch finds none. Take --device auto."
        raise InputError(msg)
    wanted = {"cpu": device == "cpu", "mixed_precision": "bf16" if precision == "bf16" else "no"}
    try:
        return Accelerator(**wanted)
    except ValueError:
        # Accelerate keeps one state a process and refuses another device or precision.
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        AcceleratorState._reset_state(reset_partial_state=not distributed)
        return Accelerator(**wanted)
