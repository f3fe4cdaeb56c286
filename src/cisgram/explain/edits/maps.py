"""Values of a graph that still have positions, and how edited copies go through them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from cisgram.explain.edits.ends import End
from cisgram.explain.edits.replay import Program
from cisgram.explain.edits.steps import Step
from cisgram.models.graph import INPUT, Graph, Value


@dataclass(frozen=True, slots=True)
class Map:
    """A value that still has positions.

    Attributes
    ----------
    source
        The value of the step that made it; views of it are the same map.
    axes
        Its axes in order: n, c(hannels), l(ength) and 1.
    scale
        Input positions a cell: the product of the strides so far.
    strand
        ``-`` behind a flip of the input.
    """

    source: Value
    axes: str
    length: int
    channels: int
    scale: int = 1
    strand: str = "+"


@dataclass(slots=True)
class Plan:
    """Steps on windows, the ends of the maps, and the operations that follow as they are."""

    graph: Graph
    whole: Program = field(init=False)  # all that the output depends on
    after: Program = field(init=False)  # the tail
    maps: dict[Value, Map] = field(default_factory=dict)
    letters: list[Value] = field(default_factory=lambda: [INPUT])  # it, and its other strand
    flat: dict[Value, tuple[Value, str]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    tail: list[int] = field(default_factory=list)
    halts: list[str] = field(default_factory=list)  # operations that had to see a whole map

    @property
    def period(self) -> int:
        """Positions this far apart have windows of equal shape."""
        return math.lcm(*(m.scale for m in self.maps.values()))
