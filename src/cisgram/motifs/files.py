"""One reader for every motif format."""

from __future__ import annotations

import os
from collections.abc import Callable

from cisgram.core.registry import unknown
from cisgram.motifs.meme import read_meme
from cisgram.motifs.motif import MotifSet

_READERS: dict[str, Callable[[str | os.PathLike[str]], MotifSet]] = {"meme": read_meme}


def read_motifs(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 the word of the trade
) -> MotifSet:
    """Motifs of a file whose format is recognised by its content."""
    if format is not None and format not in _READERS:
        what = "motif format"
        raise unknown(what, format, _READERS)
    return _READERS[format or "meme"](path)
