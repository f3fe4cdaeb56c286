"""The table of models and how one is made by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import Registry, unknown
from cisgram.models.strands import tie_strands

TIED = "tied_strands"  # an option of every model
MODELS: Registry[Callable[..., nn.Module]] = Registry("model")


def create(name: str, **options: Any) -> nn.Module:
    """A new model of the zoo with freshly drawn weights.

    Weights come from torch's global generator: call ``torch.manual_seed`` first to repeat them.

    Parameters
    ----------
    name
        Registry name, for example ``demo-cnn-rnn``; ``cisgram list models`` shows them.
    options
        Keywords of the model's function; its docstring explains them. Of every model whose first
        layer is a convolution also ``tied_strands``: True makes half of its filters the reverse
        complements of the others (`tie_strands`).

    Returns
    -------
    nn.Module
        Maps (n, 4, length) to logits (n, t).

    Raises
    ------
    UnknownName
        No such model, or no such option of it.
    InputError
        An option with a value that the model cannot have.

    Examples
    --------
    >>> model = create("demo-cnn-rnn")
    >>> sum(p.numel() for p in model.parameters())
    46338
    """
    factory = MODELS[name].fn
    known = {*inspect.signature(factory).parameters, TIED}
    for option in options:
        if option not in known:
            what = f"option of {name}"
            raise unknown(what, option, known)
    if "n_outputs" in options:
        check_positive(options["n_outputs"], name="n_outputs")
    tied = options.pop(TIED, False)
    if not isinstance(tied, bool):
        msg = f"{TIED} must be true or false; got {tied!r}."
        raise InputError(msg)
    model = factory(**options)
    return tie_strands(model) if tied else model


def check_size(value: object, sizes: Mapping[str, object], *, model: str) -> None:
    """Raise `UnknownName` unless ``value`` is one of a model's named sizes."""
    if not isinstance(value, str) or value not in sizes:
        what = f"size of {model}"
        raise unknown(what, str(value), sizes)


def check_share(value: float, *, name: str) -> None:
    """Raise `InputError` unless 0 <= value < 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        msg = f"{name} must be at least 0 and below 1; got {value!r}."
        raise InputError(msg)


def check_maps(maps: Sequence[int], layers: int, *, model: str) -> None:
    """Raise `InputError` unless ``maps`` holds one positive integer a layer."""
    if isinstance(maps, str) or not isinstance(maps, Sequence) or len(maps) != layers:
        msg = f"maps of {model} must be {layers} numbers of filters; got {maps!r}."
        raise InputError(msg)
    for i, n in enumerate(maps):
        check_positive(n, name=f"maps[{i}]")


def check_length(length: int, shortest: int, *, model: str) -> None:
    """Raise `InputError` unless a sequence of ``length`` bp leaves something to the last layer."""
    check_positive(length, name="length")
    if length < shortest:
        msg = (
            f"length must be at least {shortest} bp for {model}; got {length}. "
            "Give longer sequences (--length), or another model."
        )
        raise InputError(msg)


def check_odd(width: int) -> None:
    """Raise `InputError` unless filters of ``width`` bp have a middle, so that the length stays."""
    check_positive(width, name="width")
    if width % 2 == 0:
        msg = f"width must be odd, so that the filters have a middle; got {width}."
        raise InputError(msg)
