"""From a run, or from two, to one self-contained page: folders are read, never a model."""

from cisgram.report.compare import compare_page, write_comparison
from cisgram.report.page import draw, write
from cisgram.report.section import SECTIONS, Section

__all__ = ["SECTIONS", "Section", "compare_page", "draw", "write", "write_comparison"]
