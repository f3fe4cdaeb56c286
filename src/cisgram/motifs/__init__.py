"""Motifs: files and databases, Tomtom, scanning, clustering, logos."""

from cisgram.motifs.cluster import Clusters, Similarity, cluster, similarity
from cisgram.motifs.database import TAXA, database, jaspar
from cisgram.motifs.files import read_motifs
from cisgram.motifs.homer import read_homer
from cisgram.motifs.logo import logo_svg
from cisgram.motifs.meme import read_meme, write_meme
from cisgram.motifs.motif import Motif, MotifSet
from cisgram.motifs.pfm import read_jaspar, write_jaspar
from cisgram.motifs.scan import scan
from cisgram.motifs.select import select_motifs
from cisgram.motifs.tomtom import match_motifs, tomtom
from cisgram.motifs.transfac import read_transfac

__all__ = [
    "TAXA",
    "Clusters",
    "Motif",
    "MotifSet",
    "Similarity",
    "cluster",
    "database",
    "jaspar",
    "logo_svg",
    "match_motifs",
    "read_homer",
    "read_jaspar",
    "read_meme",
    "read_motifs",
    "read_transfac",
    "scan",
    "select_motifs",
    "similarity",
    "tomtom",
    "write_jaspar",
    "write_meme",
]
