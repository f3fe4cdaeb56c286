"""One reader for every motif format."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.motifs.homer import read_homer
from cisgram.motifs.lines import clip, read_lines
from cisgram.motifs.meme import read_meme
from cisgram.motifs.motif import MotifSet
from cisgram.motifs.pfm import read_jaspar
from cisgram.motifs.transfac import read_transfac

READERS: dict[str, Callable[[str | os.PathLike[str]], MotifSet]] = {
    "meme": read_meme,
    "jaspar": read_jaspar,
    "transfac": read_transfac,
    "homer": read_homer,
}


def read_motifs(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 the word of the trade
) -> MotifSet:
    """Motifs of a MEME, JASPAR, TRANSFAC or HOMER file, plain or gz.

    Parameters
    ----------
    path
        The file.
    format
        ``meme``, ``jaspar``, ``transfac`` or ``homer``; ``None`` looks at the content (never
        at the name).

    Raises
    ------
    InputError
        When the file is absent, cut, malformed or of no known format.
    """
    if format is None:
        format = _sniff(path)  # noqa: A001  (as above)
    if format not in READERS:
        what = "motif format"
        raise unknown(what, format, READERS)
    return READERS[format](path)


def _sniff(path: str | os.PathLike[str]) -> str:
    lines = read_lines(path)
    if any(r.startswith("MEME version") for r in lines.rows):
        return "meme"
    told = [i for i, r in enumerate(lines.rows) if r.strip() and not r.startswith("#")]
    first = lines.rows[told[0]] if told else ""
    if first.startswith(">"):
        # a JASPAR title may hold a tab too, but no number behind its name
        return "homer" if re.match(r">[^\t]*\t[^\t]*\t\s*-?[\d.]", first) else "jaspar"
    if re.match(r"([A-Z][A-Z0-9](\s|$)|//)", first):
        return "transfac"
    if re.match(r"(MOTIF\s|letter-probability|ALPHABET|MEME)", first):
        return "meme"  # whose reader says what is missing
    msg = (
        f"{lines.path}: no motif format known here begins with {clip(first)}. Known: "
        f"{', '.join(READERS)}. Name it with format= if it is one of them."
    )
    raise InputError(msg)
