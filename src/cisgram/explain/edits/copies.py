"""Many edited copies of the same sequences: the quickest exact way to their outputs.

The seam for whatever compares a sequence with copies of itself (mutagenesis, occlusion, motifs
written in). A copy differs from its sequence in one window, and the paths use that:

=========  ====================================================================================
scan       one convolution, then a reduction over positions: all letters in a few sweeps
windows    layer by layer only the cells that an edit reaches (`windows`)
plain      every copy through the whole network
=========  ====================================================================================

A cost model says which path pays; a path other than the plain one is believed after it has given
the plain path's outputs on some copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.core.errors import CisgramError
from cisgram.explain.edits.branches import Branch, branches
from cisgram.explain.edits.maps import Plan
from cisgram.explain.edits.plain import Network, differ, letter_columns, plainly, somewhere
from cisgram.explain.edits.plan import plan
from cisgram.explain.edits.scan import every_letter
from cisgram.explain.edits.windows import Engine, reach
from cisgram.models.graph import Operation, record

WORTHWHILE = 4e9  # multiply-adds that a path must save before it is prepared: about 0.05 s
THIN = 8  # times the seconds of a multiply-add in a convolution over four channels
GAIN = 0.7  # share of the plain path's work above which windows do not pay
HELD = 2**26  # numbers of unedited maps held at once: 256 MiB
LARGEST = 2**23  # numbers in the largest tensor of the plain path: 32 MiB, the allocator's trap
FEW = "few copies of a small network: nothing to gain"
_ROWS = 3  # of the recording
_SOME = 10  # written windows that are compared with the plain path
_CANNOT = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, CisgramError)


@dataclass(slots=True)
class Copies:
    """Outputs of edited copies of some sequences.

    Attributes
    ----------
    f
        The network, or the seam: sequences to a tensor whose first axis is theirs.
    x
        (n, 4, length) sequences, float32.
    before
        (n, ...) their outputs.
    batch_size
        Copies that the plain path runs at once, at most.
    path, why
        Which path is taken, and the reason.
    """

    f: Network
    x: Tensor
    before: Tensor
    batch_size: int
    path: str = "plain"
    why: str = ""
    plan: Plan | None = None
    parts: list[Branch] | None = None
    _last: tuple[slice, Engine] | None = field(default=None, init=False)
    _believed: bool = field(default=False, init=False)

    def every_letter(self) -> Iterator[tuple[slice, Tensor]]:
        """Rows of sequences, and the change (rows, 4, length, ...) that each letter makes.

        Zero where the letter is the one that is there.
        """
        for rows in self._groups():
            engine = self._engine(rows)
            out = None if engine is None else self._scanned(engine, rows)
            if out is None:
                engine = engine if self.plan is not None else None
                out = self._letters(engine, rows)
            before = self.before[rows] if engine is None else engine.outputs
            change = out.sub_(before[:, None, None])
            known = self.x[rows] == 1
            yield rows, change.masked_fill_(known[(..., *[None] * (change.ndim - 3))], 0)

    def _scanned(self, engine: Engine, rows: slice) -> Tensor | None:
        """Outputs with each letter on the path that takes all at once, where that is taken.

        What it gives for the first sequences is compared before any of it is believed.
        """
        if self.parts is None:
            return None
        if rows.start > 0:
            return every_letter(engine, self.parts)
        try:
            out = every_letter(engine, self.parts)
            x = self.x[rows]
            at, starts, letters = somewhere(x)
            columns = letter_columns(letters)
            truth = plainly(self.f, x, at, starts, columns, batch_size=self.batch_size)
            problem = differ(out[at, letters, starts][:, None], truth)
        except _CANNOT as error:
            problem = _unfollowed(error)
        if problem is None:
            return out
        self._give_up(problem)
        return None

    def _give_up(self, problem: str) -> None:
        self.path, self.plan, self.parts, self._last = "plain", None, None, None
        self.why = problem

    def _letters(self, engine: Engine | None, rows: slice) -> Tensor:
        x = self.x[rows]
        out = self.before.new_zeros(*x.shape, *self.before.shape[1:])
        unknown = x.sum(1) == 0
        for chosen, others in ((~unknown, 3), (unknown, 4)):
            at, starts = chosen.nonzero(as_tuple=True)
            if len(at) == 0:
                continue
            there = x[at, :, starts].argmax(1)  # (M,)
            letters = (there[:, None] + torch.arange(1, others + 1).to(there)) % 4
            columns = torch.eye(4, device=x.device)[letters][..., None]  # (M, others, 4, 1)
            found = self._edited(engine, x, at, starts.cpu().numpy(), columns)
            out[at[:, None], letters, starts[:, None]] = found
        return out

    def edited(self, rows: Tensor, starts: NDArray[np.int64], columns: Tensor) -> Tensor:
        """(M, copies, ...) change of the output for any windows written into the sequences.

        The first copies asked for are compared with the plain path before any is believed.

        Parameters
        ----------
        rows
            (M,) sequence of each site.
        starts
            (M,) first base of its window.
        columns
            (M, copies, 4, width) what each copy has there.
        """
        out = self.before.new_empty(*columns.shape[:2], *self.before.shape[1:])
        for group in self._groups():
            mine = ((rows >= group.start) & (rows < group.stop)).nonzero()[:, 0]
            if len(mine):
                engine = self._engine(group)
                edits = (rows[mine] - group.start, starts[mine.numpy()], columns[mine])
                after = self._edited(engine, self.x[group], *edits)
                if engine is not None and not self._believed:
                    if (problem := self._off(after, self.x[group], *edits)) is None:
                        self._believed = True
                    else:
                        self._give_up(problem)
                        engine = None
                        after = self._edited(None, self.x[group], *edits)
                before = self.before[group] if engine is None else engine.outputs
                out[mine] = after - before[edits[0]][:, None]
        return out

    def _off(
        self,
        found: Tensor,
        x: Tensor,
        rows: Tensor,
        starts: NDArray[np.int64],
        columns: Tensor,
    ) -> str | None:
        """What a path gives otherwise than the plain one on some of its own copies."""
        some = torch.linspace(0, len(rows) - 1, min(_SOME, len(rows))).long()
        few = columns[some][:, :1]
        truth = plainly(
            self.f, x, rows[some], starts[some.numpy()], few, batch_size=self.batch_size
        )
        return differ(found[some][:, :1], truth)

    def _edited(
        self,
        engine: Engine | None,
        x: Tensor,
        rows: Tensor,
        starts: NDArray[np.int64],
        columns: Tensor,
    ) -> Tensor:
        if engine is not None:
            return engine.copies(rows, starts, columns)
        return plainly(self.f, x, rows, starts, columns, batch_size=self.batch_size)

    def _groups(self) -> Iterator[slice]:
        n = len(self.x)
        size = n
        if self.plan is not None:
            held = sum(m.length * m.channels for m in self.plan.maps.values())
            size = max(1, min(64, HELD // held))
        for start in range(0, n, size):
            yield slice(start, min(start + size, n))

    def _engine(self, rows: slice) -> Engine | None:
        """The prepared path, if there is one and it knows these sequences' own outputs."""
        if self.plan is None:
            return None
        if self._last is not None and self._last[0] == rows:
            return self._last[1]
        keep = [b.map for b in self.parts or ()]
        engine = Engine(self.plan, self.x[rows], keep=keep)
        if (problem := differ(engine.outputs, self.before[rows])) is not None:
            self._give_up(f"for sequences from {rows.start} on, {problem}")
            return None
        self._last = (rows, engine)
        return engine


def copies_of(
    f: Network,
    model: nn.Module,
    x: Tensor,
    before: Tensor,
    *,
    n_copies: int,
    batch_size: int,
    letters: bool = False,
    width: int = 1,
) -> Copies:
    """The path for copies of these sequences, chosen and checked.

    Parameters
    ----------
    f
        What is asked: the model, or the seam of model and target.
    model
        In eval mode (see `models.state.untouched`).
    x, before
        (n, 4, length) sequences and (n, ...) ``f`` of them.
    n_copies
        Copies that will be asked for.
    batch_size
        Copies that the plain path runs at once, at most.
    letters
        Only `Copies.every_letter` will be asked.
    width
        Of the windows that will be written, at most.
    """
    plain = Copies(f, x, before, _rows_at_once(model, x, batch_size))
    if (problem := _never(model, x, n_copies)) is not None:
        plain.why = problem
        return plain
    try:
        graph = record(f, x[:1].expand(_ROWS, -1, -1).contiguous(), model=model)
        p = plan(graph)
        parts = branches(p) if letters else None
        if (problem := _no_gain(p, n_copies, width, scanned=parts is not None)) is not None:
            plain.why = problem
            return plain
        fast = Copies(f, x, before, plain.batch_size, "windows", "", p, parts)
        fast.why = "an edit reaches few cells of each layer"
        if parts is not None:
            fast.path, fast.why = "scan", "one convolution, then a reduction over positions"
            return fast  # and is checked in what it gives
        problem = _checked(fast)
    except _CANNOT as error:
        problem = _unfollowed(error)
    if problem is not None:
        plain.why = problem
        return plain
    return fast


def _never(model: nn.Module, x: Tensor, n_copies: int) -> str | None:
    """Why no other path is worth a look, from the modules alone; None where one may be."""
    if x.device.type != "cpu":
        return "the other paths are made for the CPU"
    if any(isinstance(m, nn.RNNBase) for m in model.modules()):
        return "a recurrent layer carries an edit to every position after it"
    weights = sum(p.numel() * (THIN if _is_thin(p) else 1) for p in model.parameters())
    return FEW if n_copies * x.shape[2] * weights < 2 * WORTHWHILE else None


def _is_thin(weight: Tensor) -> bool:
    """Of a convolution over few channels, which runs far below the machine's speed."""
    return weight.ndim in (3, 4) and weight.shape[1] <= 4


def _rows_at_once(model: nn.Module, x: Tensor, batch_size: int) -> int:
    """Copies whose largest map stays below the size at which memory is mapped anew."""
    widths = [p.shape[0] for p in model.parameters() if p.ndim == 3]
    return max(1, min(batch_size, LARGEST // (x.shape[2] * max(widths, default=4))))


def _no_gain(p: Plan, n_copies: int, width: int, *, scanned: bool) -> str | None:
    """Why no other path pays, or None when one does."""
    whole = sum(_work(o, p) for o in p.whole.operations)
    widths = reach(p, width)
    rest = sum(_work(p.graph.operations[i], p) for i in p.tail)
    part = 0.0
    if not scanned:
        for step in p.steps:
            part += step.work(max(widths[v][0] for v in step.inputs), widths[step.out][0])
        part += sum(e.work(*widths[e.source]) for e in p.ends)
    share = (part + rest) / max(whole, 1.0)
    if share > GAIN:
        halts = f"; {p.halts[0]} reads all positions" if p.halts else ""
        return f"an edit reaches {min(share, 1.0):.0%} of the computation{halts}"
    if n_copies * whole * max(1 - share, 0) < WORTHWHILE:
        return FEW
    return None


def _work(o: Operation, p: Plan) -> float:
    """Multiply-adds of an operation for one row; 5 for each number that is only touched."""
    out = sum(t.numel() for t in o.outputs if t is not None) / len(p.graph.x)
    if o.name == "convolution":
        weight = o.args[1]
        if not isinstance(weight, Tensor):
            return out
        return out * weight[0].numel() * (THIN if _is_thin(weight) else 1)
    if o.name in ("addmm", "mm", "bmm", "baddbmm"):
        first: Any = o.args[-2]
        inner = (first if isinstance(first, Tensor) else p.graph.tensor(first)).shape[-1]
        return out * float(inner)
    views = ("view", "unsqueeze", "squeeze", "transpose", "permute", "select", "slice", "expand")
    return 0.0 if o.name in views else 5.0 * out


def _unfollowed(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"the network's operations cannot be followed ({type(error).__name__}: {first})"


def _checked(fast: Copies) -> str | None:
    """What a path gives otherwise than the plain one on some copies; None where it agrees."""
    assert fast.plan is not None
    some = fast.x[:2]
    at, starts, letters = somewhere(some)
    columns = letter_columns(letters)
    truth = plainly(fast.f, some, at, starts, columns, batch_size=fast.batch_size)
    engine = Engine(fast.plan, some)
    found = engine.copies(at, starts, columns)
    both = [differ(found, truth), differ(engine.outputs, fast.before[:2])]
    return next((problem for problem in both if problem is not None), None)
