"""The bias network of a ChromBPNet: another run's, whose weights it takes and leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.data import Dataset
from cisgram.models import Card, put_weights, read_card, read_tensors
from cisgram.steps.settings import Settings

NAME = "chrombpnet"  # the model that has a bias network
OF = "bpnet-profile"  # what a bias network is
INSIDE = "network."  # its weights in a run of its own
SIZES = {"bias_maps": ("maps", 64), "bias_width": ("width", 25), "bias_layers": ("layers", 9)}


def with_bias(settings: Settings, valid: Dataset) -> dict[str, Any]:
    """Options of the model, with the sizes of its bias network.

    Raises
    ------
    InputError
        When a ChromBPNet has no bias run, another model has one, or it is none of one bias
        network for windows and profiles like these.
    """
    options = dict(settings.model.options)
    card = _card(settings)
    if card is None:
        return options
    _check_alike(card, valid, run=str(settings.model.bias))
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


def _check_alike(card: Card, valid: Dataset, *, run: str) -> None:
    """Refuse a bias of other windows: neither its counts nor its profiles were of these."""
    profile = () if valid.profile is None else valid.profile.shape
    if (card.length, tuple(card.profile)) == (valid.length, profile):
        return
    was, now = (
        f"windows of {length} bp and profiles of {' x '.join(map(str, shape)) or 0} (strands x bp)"
        for length, shape in ((card.length, card.profile), (valid.length, profile))
    )
    msg = (
        f"--bias {run} was trained on {was}; this run has {now}. Train both with the same "
        "--length, --profiles and data.profile_width."
    )
    raise InputError(msg)


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
    run = Run(Path(bias))
    card = read_card(run.member(0))
    if card.name != OF:
        msg = f"--bias {bias} is a run of {card.name}; a bias network is a {OF}."
        raise InputError(msg)
    if len(run.members()) > 1:
        msg = (
            f"--bias {bias} holds {len(run.members())} networks, and there is room for one. Train "
            "the bias without --seeds or --folds."
        )
        raise InputError(msg)
    return card
