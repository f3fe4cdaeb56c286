"""Motif databases that need no download: JASPAR, as pyjaspar carries it."""

from __future__ import annotations

import importlib.util
import os
import re
import sqlite3
from functools import lru_cache
from pathlib import Path

import numpy as np

from cisgram.core.errors import InputError, MissingExtra
from cisgram.core.registry import unknown
from cisgram.motifs.files import read_motifs
from cisgram.motifs.motif import Motif, MotifSet

RELEASE = "JASPAR2024"
TAXA = ("vertebrates", "fungi", "insects", "plants", "nematodes", "urochordates", "diatoms")

# The newest version of every CORE profile of one taxon. A profile is superseded by a higher
# version of the same base id in any collection: what the JASPAR site calls non-redundant.
_PROFILES = """
    SELECT m.ID, m.BASE_ID || '.' || m.VERSION, m.NAME
    FROM MATRIX m JOIN MATRIX_ANNOTATION a ON a.ID = m.ID
    JOIN (SELECT BASE_ID AS base, max(VERSION) AS newest FROM MATRIX GROUP BY BASE_ID)
      ON base = m.BASE_ID AND newest = m.VERSION
    WHERE m.COLLECTION = 'CORE' AND a.TAG = 'tax_group' AND a.VAL = ?
    GROUP BY m.ID ORDER BY m.BASE_ID
"""
_TAXA = "SELECT DISTINCT lower(VAL) FROM MATRIX_ANNOTATION WHERE TAG = 'tax_group'"
_COUNTS = "SELECT row, col, val FROM MATRIX_DATA WHERE ID = ?"


@lru_cache(maxsize=8)
def jaspar(taxon: str = "vertebrates", *, release: str = RELEASE) -> MotifSet:
    """The CORE, non-redundant motifs of one taxon of JASPAR, without a download.

    The newest version of every profile, with its counts' sum as ``n_sites`` and a uniform
    background. The release lies inside the pyjaspar package as SQLite and is read directly:
    pyjaspar itself (which imports Biopython and asks one motif at a time) is not imported.

    Parameters
    ----------
    taxon
        ``vertebrates``, ``fungi``, ``insects``, ``plants``, ``nematodes``, ``urochordates``,
        ``diatoms``.
    release
        ``JASPAR2014`` to the newest that the installed pyjaspar carries.

    Raises
    ------
    UnknownName
        When there is no such taxon or release; the message lists those that there are.

    References
    ----------
    Rauluseviciute et al. 2024, JASPAR 2024, Nucleic Acids Research 52:D174. CC BY 4.0.

    Examples
    --------
    >>> ctcf = jaspar("vertebrates")["CTCF"]
    >>> ctcf.id, ctcf.width
    ('MA0139.2', 15)
    """
    path = _release(release)
    with sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True) as db:
        taxa = {row[0] for row in db.execute(_TAXA) if row[0]}
        if taxon.lower() not in taxa:
            what = f"taxon of {release}"
            raise unknown(what, taxon, taxa)
        origin = f"{release} CORE {taxon.lower()}"
        motifs = [_motif(db, row, origin) for row in db.execute(_PROFILES, (taxon.lower(),))]
    db.close()
    return MotifSet(motifs, origin=origin)


_RELEASE = re.compile(r"jaspar(\d{4})?:(\w+)", re.IGNORECASE)


def is_release(spec: str) -> bool:
    """True of ``jaspar:TAXON`` and its like, which `database` does not read from a file.

    Examples
    --------
    >>> is_release("jaspar2022:plants"), is_release("plants.meme")
    (True, False)
    """
    return _RELEASE.fullmatch(spec) is not None


def database(spec: str | os.PathLike[str]) -> MotifSet:
    """Motifs from ``jaspar:TAXON``, ``jaspar2022:TAXON`` or a motif file of any known format.

    Examples
    --------
    >>> len(database("jaspar:fungi"))
    178
    """
    form = _RELEASE.fullmatch(str(spec))
    if form:
        return jaspar(form[2].lower(), release=f"JASPAR{form[1]}" if form[1] else RELEASE)
    if not Path(spec).exists():
        msg = (
            f"No motif database {str(spec)!r}: it is neither a file nor of the form "
            "jaspar:vertebrates, jaspar:fungi, jaspar2022:plants."
        )
        raise InputError(msg)
    return read_motifs(spec)


def _release(release: str) -> Path:
    """The SQLite file of one release, found without importing pyjaspar."""
    spec = importlib.util.find_spec("pyjaspar")
    if spec is None or spec.origin is None:
        msg = "JASPAR needs the package pyjaspar. Install it: pip install pyjaspar."
        raise MissingExtra(msg)
    files = {f.stem: f for f in (Path(spec.origin).parent / "data").glob("JASPAR*.sqlite")}
    if release not in files:
        what = "release of JASPAR"
        raise unknown(what, release, files)
    return files[release]


def _motif(db: sqlite3.Connection, row: tuple[int, str, str], origin: str) -> Motif:
    key, accession, name = row
    cells = db.execute(_COUNTS, (key,)).fetchall()
    counts = np.zeros((4, max(col for _, col, _ in cells)))
    for base, col, count in cells:
        counts["ACGT".index(base.upper()), col - 1] = count
    return Motif.from_counts(counts, name=name, id=accession, origin=origin)
