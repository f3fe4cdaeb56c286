"""Where the sequences of a dataset lie on a genome."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.data.dataset import Dataset
from cisgram.io import GenomeCodes


def places_of(data: Dataset, asked: str) -> tuple[list[str], NDArray[np.int64]]:
    """Contig and first position of each sequence.

    Parameters
    ----------
    data
        Windows of a genome.
    asked
        The setting that needs them, for the message.

    Raises
    ------
    InputError
        When the data are no windows.
    """
    if isinstance(data.codes, GenomeCodes):
        return data.codes.where()
    if data.groups is None or data.starts is None:
        msg = f"{asked} needs windows of a genome: give a BED file and --genome."
        raise InputError(msg)
    return data.groups, data.starts
