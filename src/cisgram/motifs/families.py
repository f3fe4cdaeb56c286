"""Which matrices of JASPAR belong to one family of transcription factors."""

from __future__ import annotations

import sqlite3
from functools import lru_cache

from cisgram.motifs.database import RELEASE, _release

_FAMILIES = """
    SELECT m.BASE_ID || '.' || m.VERSION, a.VAL
    FROM MATRIX m JOIN MATRIX_ANNOTATION a ON a.ID = m.ID
    WHERE m.COLLECTION = 'CORE' AND a.TAG = 'family'
    ORDER BY m.BASE_ID, m.VERSION, a.VAL
"""


@lru_cache(maxsize=4)
def families(*, release: str = RELEASE) -> dict[str, tuple[str, ...]]:
    """Families (TFClass) of the CORE matrices of a release, by accession.

    A matrix of a heterodimer has the families of both partners; some have none.

    Examples
    --------
    >>> families()["MA0028.3"], families()["MA1931.1"]  # ELK1, ELK1::HOXA1
    (('Ets-related',), ('Ets-related', 'HOX-related factors'))
    """
    with sqlite3.connect(f"{_release(release).as_uri()}?mode=ro&immutable=1", uri=True) as db:
        rows = db.execute(_FAMILIES).fetchall()
    db.close()
    found: dict[str, list[str]] = {}
    for accession, family in rows:
        found.setdefault(accession, []).append(family)
    return {accession: tuple(own) for accession, own in found.items()}
