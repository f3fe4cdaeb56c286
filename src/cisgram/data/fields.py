"""Further inputs of a model beside the sequence: named numbers that ride along with each one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError

Floats: TypeAlias = NDArray[np.float32]


class Places(Protocol):
    """What can be read about places of a genome, such as tracks or the sites nearby."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Axes of what is read of one place."""
        ...

    def read(self, contig: str, starts: NDArray[np.int64]) -> Floats:
        """(m, *shape) numbers of m places of a contig."""
        ...


class AtPlaces:
    """(n, *shape) float32 numbers about n places, read when they are indexed by rows.

    At rest it is nine bytes a place, so that memory does not grow with the width of a track.

    Parameters
    ----------
    source
        What is read.
    contigs, starts
        n names, and (n,) first positions.
    """

    def __init__(self, source: Places, contigs: Sequence[str], starts: NDArray[np.int64]) -> None:
        self.source = source
        names = {name: i for i, name in enumerate(dict.fromkeys(contigs))}
        self._names = list(names)
        self._contig = np.array([names[c] for c in contigs], dtype=np.int32)
        self._start = np.asarray(starts, dtype=np.int64)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, *shape)."""
        return (len(self._start), *self.source.shape)

    def __len__(self) -> int:
        return len(self._start)

    def __getitem__(self, rows: Any) -> Floats:
        contig, start = self._contig[rows], self._start[rows]
        out = np.empty((len(start), *self.source.shape), dtype=np.float32)
        for i in np.unique(contig).tolist():
            mine = contig == i
            out[mine] = self.source.read(self._names[i], start[mine])
        return out

    def take(self, rows: NDArray[Any]) -> AtPlaces:
        """Some of the places, unread."""
        other = object.__new__(AtPlaces)
        other.source, other._names = self.source, self._names
        other._contig, other._start = self._contig[rows], self._start[rows]
        return other


@dataclass(frozen=True, eq=False)
class Field:
    """One further input, a row a sequence.

    Attributes
    ----------
    values
        (n, ...) float32, in memory or read when indexed (`AtPlaces`).
    mirror
        Axes that are turned round where the sequence is read from its other strand, counted from
        the end: ``(-1,)`` for what runs along it, ``(-2, -1)`` where rows are strands, too.
    reference
        What stands for "nothing is known" or "no signal"; broadcasts to a row.
    """

    values: Floats | AtPlaces
    mirror: tuple[int, ...] = ()
    reference: Floats | float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Axes of one row."""
        return tuple(self.values.shape[1:])

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> Floats:
        return self.values[rows]

    def take(self, rows: NDArray[Any]) -> Field:
        """Some of the rows."""
        values = self.values
        chosen = values.take(rows) if isinstance(values, AtPlaces) else values[rows]
        return replace(self, values=chosen)

    def read(self, rows: NDArray[np.int64], turned: NDArray[np.bool_] | None = None) -> Floats:
        """(m, ...) rows, as they go with sequences of which some are read from the other strand."""
        found = np.array(self.values[rows], dtype=np.float32)
        if turned is not None and self.mirror and turned.any():
            found[turned] = np.flip(found[turned], self.mirror)
        return found


Fields: TypeAlias = Mapping[str, Field]


def check_rows(fields: Fields, n: int) -> None:
    """Raise `InputError` unless every field has a row for each of n sequences."""
    for name, field in fields.items():
        if len(field) != n:
            msg = f"the field {name!r} has {len(field)} rows for {n} sequences; give one each."
            raise InputError(msg)


def joined_fields(parts: Sequence[Fields]) -> dict[str, Field]:
    """Fields of the same names, one after the other; they are read.

    Raises
    ------
    InputError
        When a part lacks a field that another one has.
    """
    names = list(parts[0])
    if any(list(part) != names for part in parts):
        held = "; ".join(", ".join(part) or "none" for part in parts)
        msg = f"datasets to join must have the same fields; got {held}."
        raise InputError(msg)
    return {
        name: replace(
            parts[0][name], values=np.concatenate([np.asarray(p[name][:]) for p in parts])
        )
        for name in names
    }
