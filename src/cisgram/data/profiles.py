"""Labels along windows: counts at each position of their middle, and the total of each window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cisgram.core.errors import InputError
from cisgram.data.dataset import Dataset
from cisgram.data.fields import AtPlaces, Field
from cisgram.data.options import DataOptions
from cisgram.data.placed import places_of
from cisgram.data.track_rows import TrackRows

OUTPUTS = ("profile", "counts")
AT_ONCE = 1024  # windows that are read together


def with_profiles(data: Dataset, options: DataOptions) -> Dataset:
    """The windows with counts along their middle, and log(1 + total) as the output ``counts``.

    The profile is read window by window when a batch asks for it, so that memory does not grow
    with its width. The output ``profile`` has no label: it is what a model's profile is explained
    by.

    Parameters
    ----------
    data
        Windows of a genome, as a BED file gives them.
    options
        ``profiles``, one bigWig or one a strand (plus, minus), and ``profile_width``.

    Raises
    ------
    InputError
        When the data are no windows, there are more than two files, a window does not lie on
        their contigs, a count is negative, or none is above 0.
    """
    contigs, at = places_of(data, "data.profiles")
    if len(options.profiles) > 2:
        msg = (
            f"data.profiles has {len(options.profiles)} files; give one, or the two strands of "
            "one experiment, plus and minus."
        )
        raise InputError(msg)
    width = _width(data.length, options.profile_width)
    rows = AtPlaces(
        TrackRows(options.profiles, width, log=False), contigs, at + (data.length - width) // 2
    )
    total = np.empty(len(data))
    for first in range(0, len(data), AT_ONCE):
        part = rows[first : first + AT_ONCE]
        if (part < 0).any():
            msg = (
                f"{', '.join(options.profiles)}: a count is negative ({part.min():g}). Counts of "
                "reads are wanted, of the minus strand, too: take their absolute values."
            )
            raise InputError(msg)
        total[first : first + AT_ONCE] = part.sum((1, 2))
    if not total.any():
        msg = f"no window has a count in {', '.join(options.profiles)}; are they the same genome?"
        raise InputError(msg)
    y = np.stack([np.full(len(data), np.nan), np.log1p(total)], 1).astype(np.float32)
    return replace(data, y=y, outputs=OUTPUTS, profile=Field(rows, mirror=(-2, -1)))


def _width(length: int, asked: int | None) -> int:
    """Width of the profile in bp, with as many positions of the window before as behind it.

    Else what is its middle on one strand lay a base aside on the other.
    """
    width = length // 2 + (length - length // 2) % 2 if asked is None else asked
    if width > length:
        msg = f"data.profile_width={width} is more than the {length} bp of a window."
        raise InputError(msg)
    if (length - width) % 2:
        msg = (
            f"a profile of {width} bp has no place in the middle of {length} bp: one side would be "
            "a base longer, on the other strand the other side. Take data.profile_width="
            f"{width + 1}."
        )
        raise InputError(msg)
    return width
