"""Learned motifs of a run beside their best known match, oriented and aligned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cisgram import motifs
from cisgram.core import config
from cisgram.core.errors import CisgramError
from cisgram.core.run import Run
from cisgram.motifs import Motif, MotifSet
from cisgram.report import read
from cisgram.report.text import as_float, title

if TYPE_CHECKING:
    import pandas as pd

MAX_Q = 0.05
"""A match is called one below this q-value, unless the settings of the run say another."""
N_MATCHES = 5
TITLES = {
    "filters": "First-layer filters",
    "demix": "Demixed neurons",
    "patterns": "Attribution patterns",
    "modisco": "TF-MoDISco patterns",
    "class_optimization": "Class optimization",
}
DEFAULT_DATABASE = "jaspar:vertebrates"


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """One learned motif with what is known about it.

    Attributes
    ----------
    motif
        As in the MEME file.
    matches
        Rows of the matches table, best first.
    facts
        Free columns of the facts table.
    max_q
        The best match counts as one below this q-value.
    """

    motif: Motif
    matches: list[dict[str, str]]
    facts: dict[str, str]
    max_q: float = MAX_Q

    @property
    def best_q(self) -> float | None:
        """The q-value of the best match."""
        return as_float(self.matches[0].get("q")) if self.matches else None

    @property
    def is_match(self) -> bool:
        """True when the best match counts as one: sure, and of a motif that says enough."""
        return self.best_q is not None and self.best_q < self.max_q and not self.is_weak

    @property
    def is_weak(self) -> bool:
        """True when the motif carries too little information to name a factor."""
        return not self.motif.is_specific

    @property
    def target_name(self) -> str:
        """Name of the best match; empty without one."""
        return (
            (self.matches[0]["target_name"] or self.matches[0]["target_id"]) if self.matches else ""
        )


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """All motifs of one file ``motifs/NAME.meme``; ``compared`` when matches were looked for.

    ``max_q`` and ``database`` are what they were compared with, and how surely; ``layer`` the
    module whose filters they are, where it is not the first convolution.
    """

    name: str
    motifs: list[Learned]
    compared: bool
    path: Path
    max_q: float = MAX_Q
    database: str = ""
    layer: str = ""

    @property
    def files(self) -> list[str]:
        """The files of the run that it is read from, and may be."""
        ends = ("meme", "matches.tsv", "facts.tsv", "options.toml")
        return [f"motifs/{self.name}.{end}" for end in ends]

    @property
    def title(self) -> str:
        """The source as a heading."""
        if self.name == "filters" and self.layer:
            return f"Filters of {self.layer}"
        return TITLES.get(self.name, title(self.name))


def sources(run: Run) -> list[Source]:
    """Every motif file of a run, ordered by name with the known sources first.

    Raises
    ------
    InputError
        When a file is broken.
    """
    folder = run.path / "motifs"
    found = [p for p in folder.glob("*.meme") if not p.name.endswith(".targets.meme")]
    known = list(TITLES)
    found.sort(key=lambda p: (known.index(p.stem) if p.stem in known else len(known), p.stem))
    return [_source(path, asked(run, path.stem)) for path in found]


def asked(run: Run, source: str) -> Mapping[str, Any]:
    """How the motifs of a source were read and named: what its step wrote, else the settings."""
    path = run.path / "motifs" / f"{source}.options.toml"
    if path.is_file():
        return config.read_toml(path)
    found = run.read().get("settings", {}).get("motifs", {})
    return found if isinstance(found, Mapping) else {}


def _source(path: Path, how: Mapping[str, Any]) -> Source:
    max_q = as_float(how.get("max_q")) or MAX_Q
    matches = read.table(
        path.with_name(f"{path.stem}.matches.tsv"),
        needs=("motif", "target_id", "target_name", "q", "offset", "strand"),
    )
    facts = read.table(path.with_name(f"{path.stem}.facts.tsv"), needs=("motif",))
    by_motif = _grouped(matches)
    about = {key: rows[0] for key, rows in _grouped(facts).items()}
    learned = []
    for motif in motifs.read_meme(path):
        key = next(
            (k for k in map(_joined, (motif.id, motif.name)) if k in by_motif or k in about), ""
        )
        rows = by_motif.get(key, [])[:N_MATCHES]
        learned.append(Learned(motif, rows, about.get(key, {}), max_q))
    database = str(how.get("database", ""))
    layer = str(how.get("layer", ""))
    return Source(path.stem, learned, matches is not None, path, max_q, database, layer)


def _grouped(rows: pd.DataFrame | None) -> dict[str, list[dict[str, str]]]:
    grouped: dict[str, list[dict[str, str]]] = {}
    for row in rows.to_dict("records") if rows is not None else []:
        name = _joined(str(row.pop("motif")))
        grouped.setdefault(name, []).append({str(k): str(v) for k, v in row.items()})
    return grouped


def _joined(name: str) -> str:
    """A name as MEME files write it: without blanks."""
    return "_".join(name.split())


def known_motifs(run: Run, source: Source) -> MotifSet:
    """The motifs that a source was compared with, as far as they can be had here.

    ``motifs/NAME.targets.meme`` where the run has one; else the database that the settings
    name; else JASPAR vertebrates. Empty when it is not on this machine.
    """
    kept = source.path.with_name(f"{source.name}.targets.meme")
    if kept.is_file():
        return motifs.read_meme(kept)
    spec = asked(run, source.name).get("database", DEFAULT_DATABASE)
    try:
        return motifs.database(str(spec))
    except CisgramError:  # the page is drawn without the logos of the targets
        return MotifSet([])


def aligned(query: Motif, target: Motif, *, offset: int, strand: str) -> tuple[Motif, Motif]:
    """Both motifs padded with empty columns to one common frame, the target as it is known.

    On strand ``-`` the query is turned round rather than the target: a filter has no
    orientation of its own, a known motif is recognised by the one that it is printed in.

    Parameters
    ----------
    query, target
        As in their files.
    offset
        Column of the target, turned round on strand ``-``, that the query as it stands in its
        file begins at; negative when it begins before the target.
    strand
        ``+``, or ``-`` when the target matched reverse-complemented.

    Examples
    --------
    >>> ppm = np.eye(4)
    >>> q, t = aligned(Motif(ppm[:, 1:], "q"), Motif(ppm, "t"), offset=1, strand="+")
    >>> q.consensus, t.consensus
    ('aCGT', 'ACGT')
    >>> q, t = aligned(Motif(ppm[:, :3], "q"), Motif(ppm, "t"), offset=0, strand="-")
    >>> q.consensus, t.consensus
    ('aCGT', 'ACGT')
    """
    if strand == "-":
        query, offset = query.reverse_complement(), target.width - (offset + query.width)
    before = max(0, offset), max(0, -offset)
    width = max(before[0] + query.width, before[1] + target.width)
    return _padded(query, before[0], width), _padded(target, before[1], width)


def _padded(motif: Motif, before: int, width: int) -> Motif:
    """With background columns, which carry no information and so are drawn as nothing."""
    ppm = np.tile(np.asarray(motif.background)[:, None], (1, width))
    ppm[:, before : before + motif.width] = motif.ppm
    return replace(motif, ppm=ppm)
