"""Motifs: files and databases, Tomtom, scanning, clustering, logos."""

from cisgram.motifs.database import database, jaspar
from cisgram.motifs.files import read_motifs
from cisgram.motifs.meme import read_meme, write_meme
from cisgram.motifs.motif import Motif, MotifSet
from cisgram.motifs.scan import scan

__all__ = [
    "Motif",
    "MotifSet",
    "database",
    "jaspar",
    "read_meme",
    "read_motifs",
    "scan",
    "write_meme",
]
