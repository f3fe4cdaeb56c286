"""Weights of another model, as far as they fit: a start for a new task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.models.checkpoint import put_weights
from cisgram.models.parts import weights_of

SHOWN = 3


def put_part(
    model: nn.Module, tensors: Mapping[str, Tensor], part: str, *, length: int, source: Path
) -> list[str]:
    """Put a part of another model's weights into a model; gives the names of what was put.

    Parameters
    ----------
    model
        What is changed.
    tensors
        Weights of the other model, by the same names.
    part
        ``all``, ``features`` (everything but the head) or ``first`` (the first layer).
    length
        bp of the sequences.
    source
        The file, for messages.

    Raises
    ------
    InputError
        When a weight of the part is not there or of another shape.
    """
    if part == "all":
        put_weights(model, tensors, source=source)
        return list(tensors)
    own = model.state_dict()
    names = weights_of(model, part, length=length)
    wrong = [f"{k} is not there" for k in names if k not in tensors]
    wrong += [
        f"{k} is {tuple(tensors[k].shape)}, this model needs {tuple(own[k].shape)}"
        for k in names
        if k in tensors and tensors[k].shape != own[k].shape
    ]
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        less = " or take less of them (model.weights_match=first)" if part == "features" else ""
        msg = (
            f"The weights of {source} do not fit the {part} of this model: "
            f"{'; '.join(wrong[:SHOWN])}{more}. Give the model the same name, options and length "
            f"as theirs,{less or ' or train from scratch'}."
        )
        raise InputError(msg)
    model.load_state_dict({**own, **{name: tensors[name] for name in names}})
    return names
