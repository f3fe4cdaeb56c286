"""The rules of all operations, gathered from the files that hold them."""

from __future__ import annotations

from cisgram.explain.propagation import elementwise, maximum, norms, recurrent
from cisgram.explain.propagation.multipliers import Rule
from cisgram.explain.propagation.reveal import reveal_cancel as revealed
from cisgram.explain.propagation.rules import RULES, integrated
from cisgram.models.graph import Operation

FILES = (elementwise, maximum, norms, recurrent)  # each enters its own


def rescale(operation: Operation) -> Rule:
    """The rule of an operation; quadrature where it has none of its own."""
    return RULES.get(operation.name, integrated)


def reveal_cancel(operation: Operation) -> Rule:
    """RevealCancel for a function of one number, Rescale's rule for all else."""
    return revealed(operation) or rescale(operation)
