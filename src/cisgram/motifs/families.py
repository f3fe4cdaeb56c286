"""Which matrices of JASPAR belong to one family of transcription factors."""

from __future__ import annotations

import sqlite3
from functools import lru_cache

from cisgram.core.registry import unknown
from cisgram.motifs.database import RELEASE, _release

_ANNOTATIONS = """
    SELECT m.BASE_ID || '.' || m.VERSION, a.VAL
    FROM MATRIX m JOIN MATRIX_ANNOTATION a ON a.ID = m.ID
    WHERE m.COLLECTION = 'CORE' AND a.TAG = ?
    ORDER BY m.BASE_ID, m.VERSION, a.VAL
"""


@lru_cache(maxsize=4)
def families(level: str = "family", *, release: str = RELEASE) -> dict[str, tuple[str, ...]]:
    """Families (TFClass) of the CORE matrices of a release, by accession.

    A matrix of a heterodimer has the families of both partners; some matrices have none.

    Parameters
    ----------
    level
        ``family``, or the wider ``class``.
    release
        As of `jaspar`.

    Raises
    ------
    UnknownName
        When there is no such level or release.

    Examples
    --------
    >>> families()["MA0028.3"], families()["MA1931.1"]  # ELK1, ELK1::HOXA1
    (('Ets-related',), ('Ets-related', 'HOX-related factors'))
    """
    if level not in ("family", "class"):
        what = "level of families"
        raise unknown(what, level, ("family", "class"))
    with sqlite3.connect(f"{_release(release).as_uri()}?mode=ro&immutable=1", uri=True) as db:
        rows = db.execute(_ANNOTATIONS, (level,)).fetchall()
    db.close()
    found: dict[str, list[str]] = {}
    for accession, name in rows:
        found.setdefault(accession, []).append(name)
    return {accession: tuple(own) for accession, own in found.items()}
