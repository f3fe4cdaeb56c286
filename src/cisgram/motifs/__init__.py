"""Motifs: files and databases, Tomtom, scanning, clustering, logos."""

from cisgram.motifs.motif import Motif, MotifSet

__all__ = ["Motif", "MotifSet"]
