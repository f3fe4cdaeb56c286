"""Which operations of a recorded graph can follow an edit window by window, and what remains."""

from __future__ import annotations

from cisgram.explain.edits.ends import Whole
from cisgram.explain.edits.maps import Map, Plan
from cisgram.explain.edits.replay import Program
from cisgram.explain.edits.rules import follow
from cisgram.models.graph import INPUT, Graph, Operation, Value


def plan(graph: Graph) -> Plan:
    """How the copies of an edited sequence go through a graph.

    Operations that read only cells near by become steps on windows; a reduction over positions
    or a dense layer ends a map; whatever else reads a map gets all of it (`Whole`), and what
    follows is done as recorded.
    """
    p = Plan(graph)
    x = graph.x
    p.maps[INPUT] = Map(INPUT, "ncl", x.shape[2], 4)
    used = _live(graph)
    for i in sorted(used):
        operation = graph.operations[i]
        if not follow(p, Value(i), operation):
            _leave(p, i, operation)
    if graph.result in p.maps or graph.result in p.flat:
        _whole(p, graph.result, "the output")
    _prune(p)
    p.whole = Program(graph, sorted(used))
    p.after = Program(graph, p.tail)
    return p


def _live(graph: Graph) -> set[int]:
    found: set[int] = set()
    due = [graph.result.operation]
    while due:
        i = due.pop()
        if i >= 0 and i not in found:
            found.add(i)
            due += [v.operation for v in graph.operations[i].inputs]
    return found


def _leave(p: Plan, i: int, operation: Operation) -> None:
    """The operation is done as recorded; maps that it reads are given whole."""
    where = f" in {operation.module}" if operation.module else ""
    for value in operation.inputs:
        _whole(p, value, f"{operation.name}{where}")
    p.tail.append(i)


def _whole(p: Plan, value: Value, why: str) -> None:
    if value in p.flat:  # the view is done as recorded
        inner, _ = p.flat[value]
        _whole(p, inner, why)
        if value.operation not in p.tail:
            p.tail.append(value.operation)
    elif value in p.maps:
        m = p.maps[value]
        if all(e.out != value for e in p.ends):
            shape = tuple(p.graph.tensor(value).shape[1:])
            p.ends.append(Whole(value, m.source, m.length, shape, axes=m.axes))
        p.halts.append(why)


def _prune(p: Plan) -> None:
    """Drop the steps that no end needs."""
    needed = {e.source for e in p.ends}
    kept = []
    for step in reversed(p.steps):
        if step.out in needed:
            kept.append(step)
            needed.update(step.inputs)
    p.steps = kept[::-1]
    p.tail.sort()
