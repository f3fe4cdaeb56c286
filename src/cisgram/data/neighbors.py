"""The known CpG sites on both sides of a site, cell by cell: what DeepCpG reads beside DNA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.data.dataset import Dataset
from cisgram.data.fields import AtPlaces, Field, Floats
from cisgram.data.placed import places_of
from cisgram.io import Methylation

FAR = 25_000  # bp; a distance is given as its share of this, at most 1
UNKNOWN = 0.5  # the state of a neighbor that is not there


class Neighbors:
    """States and distances of the nearest known sites, n on the left and n on the right.

    Parameters
    ----------
    cells
        Profiles.
    n
        Sites on each side, in each cell for itself: a site is a neighbor where its state is known.
    """

    def __init__(self, cells: Sequence[Methylation], n: int) -> None:
        self.cells, self.n = tuple(cells), n

    @property
    def shape(self) -> tuple[int, ...]:
        """(cells, 2, 2 n): rows are state and distance, columns run along the genome."""
        return len(self.cells), 2, 2 * self.n

    def read(self, contig: str, starts: NDArray[np.int64]) -> Floats:
        """(m, cells, 2, 2 n) neighbors of sites at these positions, the sites themselves left out.

        The state is 0 or 1, the distance min(bp, 25,000) / 25,000. Where there are fewer
        neighbors, the outermost are 1/2 and 1.

        Examples
        --------
        >>> at, states = np.array([10, 60, 110]), np.array([1, 0, 1], dtype=np.float32)
        >>> near = Neighbors([Methylation("a", {"1": (at, states)})], 1)
        >>> near.read("1", np.array([60])).tolist()[0][0][0]
        [1.0, 1.0]
        """
        out = np.empty((len(starts), *self.shape), dtype=np.float32)
        for i, cell in enumerate(self.cells):
            at, states = cell.on(contig)
            left = np.searchsorted(at, starts, side="left")[:, None] - np.arange(self.n, 0, -1)
            right = np.searchsorted(at, starts, side="right")[:, None] + np.arange(self.n)
            place = np.concatenate([left, right], 1)  # (m, 2 n)
            known = (place >= 0) & (place < len(at))
            place = np.where(known, place, 0)
            if not len(at):
                out[:, i, 0], out[:, i, 1] = UNKNOWN, 1
                continue
            away = np.minimum(np.abs(at[place] - starts[:, None]), FAR) / FAR
            out[:, i, 0] = np.where(known, states[place], UNKNOWN)
            out[:, i, 1] = np.where(known, away, 1)
        return out


def reference() -> Floats:
    """(1, 2, 1) state and distance of a neighbor that is not there."""
    return np.array([[[UNKNOWN], [1.0]]], dtype=np.float32)


def with_states(data: Dataset, cells: Sequence[Methylation]) -> Dataset:
    """The sites with one output a cell: its state there, NaN where it is not known.

    Raises
    ------
    InputError
        When the data are no places of a genome, none is known in any cell, or two cells have one
        name.
    """
    names = [cell.name for cell in cells]
    if len(set(names)) < len(names):
        msg = f"two methylation profiles have one name, {', '.join(names)}; rename the files."
        raise InputError(msg)
    contigs, at = places_of(data, "data.methylation")
    y = np.full((len(data), len(cells)), np.nan, dtype=np.float32)
    named = np.array(contigs)
    for contig in dict.fromkeys(contigs):
        mine = np.flatnonzero(named == contig)
        for i, cell in enumerate(cells):
            y[mine, i] = cell.states(contig, at[mine] + data.length // 2)
    if np.isnan(y).all():
        known = ", ".join(sorted({c for cell in cells for c in cell.sites})[:5])
        msg = (
            f"none of the {len(data)} sites is known in a methylation profile. The profiles have "
            f"the contigs {known}; are names and assembly those of the sites?"
        )
        raise InputError(msg)
    return replace(data, y=y, outputs=tuple(names))


def neighbors_field(data: Dataset, source: Neighbors) -> Field:
    """The field ``neighbors`` of sites that stand in the middle of their windows."""
    contigs, at = places_of(data, "data.methylation")
    values = AtPlaces(source, contigs, at + data.length // 2)
    return Field(values, mirror=(-1,), reference=reference())
