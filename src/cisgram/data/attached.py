"""The further inputs and labels of windows that the settings ask for, made from their places."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from cisgram.core.errors import InputError
from cisgram.data.dataset import Dataset
from cisgram.data.fields import Field
from cisgram.data.neighbors import Neighbors, neighbors_field
from cisgram.data.options import DataOptions
from cisgram.data.track_rows import TrackRows, tracks_field
from cisgram.io import Methylation, read_methylation

FIELDS = ("neighbors", "tracks")
STILL = ("mutation", "noise")  # augmentations that leave every base in its place


class Attached:
    """Sources of fields, opened once and read for every set.

    Parameters
    ----------
    options
        ``inputs``, ``methylation``, ``neighbors`` and how sequences are changed.

    Raises
    ------
    InputError
        When a file is wrong, or sequences would be changed in ways that inputs cannot follow.
    """

    def __init__(self, options: DataOptions) -> None:
        self.options = options
        self.cells: tuple[Methylation, ...] = tuple(map(read_methylation, options.methylation))
        self._tracks: TrackRows | None = None
        if self.is_any or options.profiles:
            _check_still(options)

    @property
    def is_any(self) -> bool:
        """Whether there is anything beside the letters."""
        return bool(self.cells or self.options.inputs)

    def to(self, data: Dataset, names: Collection[str] = FIELDS) -> Dataset:
        """The data with those of these fields that there are sources of."""
        fields: dict[str, Field] = {}
        if self.cells and "neighbors" in names:
            fields["neighbors"] = neighbors_field(
                data, Neighbors(self.cells, self.options.neighbors)
            )
        if self.options.inputs and "tracks" in names:
            fields["tracks"] = tracks_field(data, self._rows(data.length))
        return replace(data, fields=fields) if fields else data

    def _rows(self, length: int) -> TrackRows:
        if self._tracks is None:
            log = self.options.input_scale == "log1p"
            self._tracks = TrackRows(self.options.inputs, length, log=log)
        return self._tracks


def _check_still(options: DataOptions) -> None:
    moving = [name for name in options.augment if name not in STILL]
    if options.max_shift or moving:
        what = f"data.augment={','.join(moving)}" if moving else "data.max_shift"
        msg = (
            f"{what} moves letters of a sequence, and what is read about its place would not "
            f"follow. Leave it out; {' and '.join(STILL)} can be had."
        )
        raise InputError(msg)
    if options.negatives == "shuffle":
        msg = (
            "negatives=shuffle makes sequences that lie nowhere, of which no track or neighbor is "
            "known. Take negatives=genome, or a file of windows."
        )
        raise InputError(msg)
