"""From a run to one self-contained page: ``write(run)`` reads the folder, never a model."""

from cisgram.report.page import draw, write
from cisgram.report.section import SECTIONS, Section

__all__ = ["SECTIONS", "Section", "draw", "write"]
