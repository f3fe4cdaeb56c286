"""The bias network of a ChromBPNet: another run's, whose weights it takes and leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.models import Card, put_weights, read_card, read_tensors
from cisgram.steps.settings import Settings

NAME = "chrombpnet"  # the model that has a bias network
OF = "bpnet-profile"  # what a bias network is
INSIDE = "network."  # its weights in a run of its own
SIZES = {"bias_maps": ("maps", 64), "bias_width": ("width", 25), "bias_layers": ("layers", 9)}


def with_bias(settings: Settings) -> dict[str, Any]:
    """Options of the model, with the sizes of its bias network.

    Raises
    ------
    InputError
        When a ChromBPNet has no bias run, another model has one, or it is none of a bias network.
    """
    options = dict(settings.model.options)
    card = _card(settings)
    if card is None:
        return options
    for option, (name, default) in SIZES.items():
        options.setdefault(option, card.options.get(name, default))
    return options


def bias_file(settings: Settings) -> Path | None:
    """The weights of the bias network."""
    if settings.model.bias is None:
        return None
    return Run(Path(settings.model.bias)).member(0) / "weights.safetensors"


def put_bias(model: nn.Module, settings: Settings) -> None:
    """Put the bias network's weights into a ChromBPNet, in place."""
    path = bias_file(settings)
    if path is None:
        return
    tensors = read_tensors(path)
    inside = {k.removeprefix(INSIDE): v for k, v in tensors.items() if k.startswith(INSIDE)}
    put_weights(model.get_submodule("bias"), inside, source=path)


def _card(settings: Settings) -> Card | None:
    name, bias = settings.model.name, settings.model.bias
    if name != NAME:
        if bias is not None:
            msg = f"{name} has no bias network; leave --bias out, or take --model {NAME}."
            raise InputError(msg)
        return None
    if bias is None:
        msg = (
            f"{NAME} needs the network of the bias, which it leaves as it is: train one on "
            f"background windows (--model {OF}) and give its run, --bias RUN."
        )
        raise InputError(msg)
    card = read_card(Run(Path(bias)).member(0))
    if card.name != OF:
        msg = f"--bias {bias} is a run of {card.name}; a bias network is a {OF}."
        raise InputError(msg)
    return card
