"""DeepLIFT contributions of sequences against their references, measured; refused where wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from cisgram.core.types import ScalarFn
from cisgram.explain.base import check_finite
from cisgram.explain.propagation.kernels import KERNELS
from cisgram.explain.propagation.multipliers import CannotPair, Rule, multipliers
from cisgram.models.graph import Graph, Operation, record

Rules = Callable[[Operation], Rule]
ROUNDING = 1e-6  # of all that cancels in a sum: what float32 can be held to
ROWS_BYTES = 8 << 20  # of the largest tensor of a batch; larger ones fall out of the cache
MOST_ROWS = 2048


class Contributions(NamedTuple):
    """Of n sequences, each against k references.

    Attributes
    ----------
    values
        (n, 4, length) hypothetical contributions, summed over the references.
    change
        (n, k) f(x) - f(reference).
    gap
        (n, k) sum of the observed contributions minus ``change``.
    size
        (n, k) sum of their absolute values, and of those of both outputs.
    """

    values: Tensor
    change: Tensor
    gap: Tensor
    size: Tensor

    def misses(self, tolerance: float) -> Tensor:
        """(n,) true where contributions do not add up, beyond rounding."""
        gap, change = self.gap.abs().mean(1), self.change.abs().mean(1)
        return ~(gap <= tolerance * change + ROUNDING * self.size.mean(1))  # true for NaN as well


class Sequences:
    """A model as it ran on n sequences, to be compared with any number of references.

    Parameters
    ----------
    f
        Sequences to one number each.
    x
        (n, 4, length) float32.
    model
        What operations are named after.
    rules
        The rule of an operation.
    """

    def __init__(self, f: ScalarFn, x: Tensor, *, model: nn.Module, rules: Rules) -> None:
        self.f, self.x, self.model, self.rules = f, x, model, rules
        self.graph: Graph | None = self._record(x)
        self.values = _finite(self.graph)

    def _record(self, x: Tensor) -> Graph:
        return record(self.f, x, model=self.model, whole_layers=True, kernels=KERNELS)

    def rows(self) -> int:
        """How many rows of the model's input to run at once."""
        graph = self.graph or self._record(self.x[:1])
        largest = max(
            (
                t.numel() * t.element_size()
                for o in graph.operations
                for t in o.outputs
                if t is not None
            ),
            default=1,
        )
        return max(1, min(MOST_ROWS, ROWS_BYTES * len(graph.x) // largest))

    def against(self, r: Tensor, tolerance: float) -> Contributions:
        """Contributions of each sequence against its k references, (n, k, 4, length).

        The sequences are run once, whatever the number of references; where their rows cannot be
        told in every tensor, or the contributions then do not add up, once for each reference.
        """
        if self.graph is not None and r.shape[1] > 1:
            try:
                found = self._compared(self.graph, r)
            except CannotPair:
                self.graph = None
            else:
                if not found.misses(tolerance).any():
                    return found
        again = self._compared(self._repeated(r.shape[1]), r)
        if r.shape[1] > 1 and not again.misses(tolerance).any():
            self.graph = None
        return again

    def _repeated(self, k: int) -> Graph:
        return self._record(self.x.repeat_interleave(k, 0))

    def _compared(self, graph: Graph, r: Tensor) -> Contributions:
        other = self._record(r.flatten(0, 1))
        change = self.values[:, None] - _finite(other).view(r.shape[:2])
        m = multipliers(graph, other, self.rules).view(r.shape)
        at_reference = (m * r).sum(2)  # (n, k, length)
        observed = (m * self.x[:, None]).sum(2) - at_reference
        sizes = self.values.abs()[:, None] + observed.abs().sum(2)
        return Contributions(
            values=m.sum(1) - at_reference.sum(1)[:, None],
            change=change,
            gap=observed.double().sum(2) - change,
            size=sizes,
        )

    def fault(self, r: Tensor) -> str:
        """Which operation's contributions do not add up, in words."""
        graph, other = self._repeated(r.shape[1]), self._record(r.flatten(0, 1))
        gaps: dict[int, Tensor] = {}
        multipliers(graph, other, self.rules, gaps=gaps)
        change = (graph.tensor(graph.result) - other.tensor(other.result)).abs().sum()
        worst = max(gaps, key=lambda at: abs(gaps[at].item()))
        if not gaps[worst].abs() > 1e-5 * change:
            return (
                "every operation adds up by itself, so the model's output for a sequence depends "
                "on the other sequences of its batch"
            )
        operation = other.operations[worst]
        where = f"in module {operation.module!r}" if operation.module else "outside its modules"
        return f"the operation {operation.name!r} {where} has no rule under which they would"


def _finite(graph: Graph) -> Tensor:
    y = graph.tensor(graph.result)
    check_finite(y)
    return y
