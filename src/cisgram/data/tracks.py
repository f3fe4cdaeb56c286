"""Labels that are coverage: the mean of bigWig tracks over each window."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from cisgram.core.errors import InputError
from cisgram.data.dataset import Dataset
from cisgram.data.options import DataOptions
from cisgram.io.bigwig import BigWig


def with_tracks(data: Dataset, options: DataOptions) -> Dataset:
    """The windows with one output a track: its mean over the window, or over its middle.

    Tracks are read window by window, so that memory does not grow with their size.

    Parameters
    ----------
    data
        Windows of a genome, as a BED file gives them.
    options
        ``tracks``, ``track_width`` (bp of the middle) and ``track_scale`` (``log1p``: labels are
        log(1 + mean)).

    Raises
    ------
    InputError
        When the data are no windows, two tracks have one name, or a window does not lie on a
        track's contigs.
    """
    if data.groups is None or data.starts is None:
        msg = "data.tracks needs windows of a genome: give a BED file and --genome."
        raise InputError(msg)
    names = [track_name(path) for path in options.tracks]
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        msg = f"two of the tracks are named {twice[0]!r}; outputs take their names from the files."
        raise InputError(msg)
    width = options.track_width or data.length
    if width > data.length:
        msg = f"data.track_width={width} is more than the {data.length} bp of a window."
        raise InputError(msg)
    starts = data.starts + (data.length - width) // 2
    columns = [BigWig(path).means(data.groups, starts, width) for path in options.tracks]
    y = np.stack(columns, axis=1)
    if options.track_scale == "log1p":
        if (y <= -1).any():
            msg = (
                f"{options.tracks[int((y <= -1).any(0).argmax())]} has negative means, whose "
                "log(1 + mean) is not there; take data.track_scale=none."
            )
            raise InputError(msg)
        y = np.log1p(y)
    return replace(data, y=y.astype(np.float32), outputs=tuple(names))


def track_name(path: str) -> str:
    """Name of a track's output: that of its file.

    Examples
    --------
    >>> track_name("tracks/K562.atac.bigWig")
    'K562.atac'
    """
    name = Path(path).name
    stem, dot, ending = name.rpartition(".")
    return stem if dot and ending.lower() in ("bw", "bigwig") else name
