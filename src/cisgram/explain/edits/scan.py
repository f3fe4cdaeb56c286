"""Every single letter at once, for networks with one convolution before their reductions.

Under a maximum few cells can matter (`contenders`); where many can, or all do, the whole map is
swept (`sweep`). Both give the same bits.
"""

from __future__ import annotations

from torch import Tensor

from cisgram.explain.edits.branches import Branch
from cisgram.explain.edits.contenders import Contest, Letters
from cisgram.explain.edits.ends import Highest
from cisgram.explain.edits.sweep import swept
from cisgram.explain.edits.windows import Engine

AT_ONCE = 2**20  # numbers at an end, all letters of some sequences: 4 MiB, as much as overheads ask


def every_letter(engine: Engine, parts: list[Branch]) -> Tensor:
    """(n, 4, length, ...) outputs with each letter at each position."""
    n, _, length = engine.x.shape
    shape = engine.outputs.shape[1:]
    ones = [1 for _ in shape]
    out = engine.outputs[:, None, None].repeat(1, 4, length, *ones)
    letters = Letters.of(engine.x)
    contests = [_contest(b, letters) for b in parts]
    widest = max(engine.base[b.map].shape[2] for b in parts)
    size = max(1, AT_ONCE // (4 * length * widest))
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        some = letters.rows(rows)
        tried = some.tried()
        ends = {}
        for b, contest in zip(parts, contests, strict=True):
            values = _end(engine, b, contest, rows, some)
            ends[b.end.out] = values.view(-1, *b.end.shape)
        after = engine.after_ends(ends, tried.numel()).view(*tried.shape, *shape)
        out[rows].scatter_(1, tried.view(*tried.shape, *ones).expand_as(after), after)
    return out


def _contest(b: Branch, letters: Letters) -> Contest | None:
    """Where the maximum is of the very cells that letters write to."""
    bare = isinstance(b.end, Highest) and not b.cellwise
    return Contest.of(b.written, letters.steps) if bare else None


def _end(
    engine: Engine, b: Branch, contest: Contest | None, rows: slice, letters: Letters
) -> Tensor:
    """(n, letters, length, f) the value at an end of some sequences with each letter tried."""
    base = engine.base[b.map][rows]
    if b.written.turned:
        base = base.flip(1)
    out = None if contest is None else contest.highest(base, letters.codes)
    if out is None:
        whole = engine.complete[b.end.out][rows].flatten(1)
        every = swept(b, base, engine.x[rows], whole)  # (n, 4, length, f)
        tried = letters.tried()[..., None]
        out = every.gather(1, tried.expand(*tried.shape[:3], every.shape[3]))
    if isinstance(b.end, Highest) and b.end.after is not None:
        out = b.end.after.apply([out])
    return out
