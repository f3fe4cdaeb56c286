"""The rules of all operations, gathered from the files that hold them."""

from __future__ import annotations

from cisgram.explain import rules_elementwise, rules_maximum, rules_norms, rules_recurrent
from cisgram.explain.propagate import Rule
from cisgram.explain.rules import RULES, integrated
from cisgram.explain.rules_reveal import reveal_cancel as revealed
from cisgram.models.graph import Operation

FILES = (rules_elementwise, rules_maximum, rules_norms, rules_recurrent)  # each enters its own


def rescale(operation: Operation) -> Rule:
    """The rule of an operation; quadrature where it has none of its own."""
    return RULES.get(operation.name, integrated)


def reveal_cancel(operation: Operation) -> Rule:
    """RevealCancel for a function of one number, Rescale's rule for all else."""
    return revealed(operation) or rescale(operation)
