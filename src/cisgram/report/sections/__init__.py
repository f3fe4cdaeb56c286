"""One file a section; importing this fills the table of sections."""

from cisgram.report.sections import (
    cite,
    data,
    demo,
    done,
    grammar,
    motifs,
    neurons,
    scores,
    sequences,
    summary,
    trust,
)

__all__ = [
    "cite",
    "data",
    "demo",
    "done",
    "grammar",
    "motifs",
    "neurons",
    "scores",
    "sequences",
    "summary",
    "trust",
]
