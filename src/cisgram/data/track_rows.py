"""Tracks along windows: rows of numbers beside the letters, read from bigWig when asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.data.dataset import Dataset
from cisgram.data.fields import AtPlaces, Field, Floats
from cisgram.data.placed import places_of
from cisgram.io import BigWig


class TrackRows:
    """(k, width) values of k bigWig tracks from a place on.

    Parameters
    ----------
    paths
        The files.
    width
        bp.
    log
        log(1 + value) in place of the value.
    """

    def __init__(self, paths: Sequence[str], width: int, *, log: bool) -> None:
        self.tracks, self.width, self.log = [BigWig(path) for path in paths], width, log

    @property
    def shape(self) -> tuple[int, ...]:
        """(k, width)."""
        return len(self.tracks), self.width

    def read(self, contig: str, starts: NDArray[np.int64]) -> Floats:
        """(m, k, width) values.

        Raises
        ------
        InputError
            When a window does not lie on a contig of a track, or a value has no logarithm.
        """
        out = np.empty((len(starts), *self.shape), dtype=np.float32)
        for i, start in enumerate(starts.tolist()):
            for j, track in enumerate(self.tracks):
                out[i, j] = track.values(contig, start, start + self.width)
        if not self.log:
            return out
        if (out <= -1).any():
            msg = "a track has values whose log(1 + value) is not there; take the scale none."
            raise InputError(msg)
        logged: Floats = np.log1p(out)
        return logged


def tracks_field(data: Dataset, source: TrackRows) -> Field:
    """The field ``tracks``: (n, k, length) values under each base of the windows.

    On the other strand positions run backward and tracks keep their order: signals of no strand.
    A pair of files by strand (plus, minus) is not swapped there.
    """
    contigs, at = places_of(data, "data.inputs")
    return Field(AtPlaces(source, contigs, at), mirror=(-1,))
