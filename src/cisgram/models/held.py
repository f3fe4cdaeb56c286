"""A model of several inputs as one function of the sequence: the others are held as they are."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.models.checkpoint import Mean
from cisgram.models.strands import BothStrands


class Held(nn.Module):
    """The model with its further inputs held at those of one sequence.

    ``forward`` reads sequences alone, so that whatever is asked of a model of sequences can be
    asked of this one. Each of them, such as an edited copy, has the same further inputs.

    Parameters
    ----------
    model
        Maps (n, 4, length) and named further inputs (n, ...) to (n, t).
    fields
        One row of each, without the axis of sequences; moved with the model.
    """

    def __init__(self, model: nn.Module, fields: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.model, self.names = model, tuple(fields)
        for name, given in fields.items():
            self.register_buffer(f"held_{name}", given, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        rows = {}
        for name in self.names:
            given = self.get_buffer(f"held_{name}")
            rows[name] = given.to(x).expand(len(x), *given.shape)
        out: Tensor = self.model(x, **rows)
        return out


def fields_of(model: nn.Module) -> tuple[str, ...]:
    """Names of the further inputs that a model of ours reads; none of a `Held` one."""
    if isinstance(model, BothStrands):
        return fields_of(model.model)
    if isinstance(model, Mean):
        return fields_of(model.models[0])
    found = getattr(model, "fields", ())
    return found if isinstance(found, tuple) else ()


def check_fields(model: nn.Module, given: Mapping[str, object]) -> None:
    """Raise `InputError` where a further input that the model reads is not given.

    A model of the user's own says nothing of what it reads, and is asked nothing.
    """
    missing = [name for name in fields_of(model) if name not in given]
    if missing:
        what = " and ".join(missing)
        msg = (
            f"{_innermost(model)} reads {what} beside the letters, and none came. Give "
            f"fields={{{missing[0]!r}: ...}}, one row a sequence; on the command line a run reads "
            "them from the files that it was trained with, and train, evaluate, predict and "
            "explain can use them."
        )
        raise InputError(msg)


def _innermost(model: nn.Module) -> str:
    """Name of the class of the network itself, inside strands and ensembles."""
    if isinstance(model, BothStrands):
        return _innermost(model.model)
    return _innermost(model.models[0]) if isinstance(model, Mean) else type(model).__name__
