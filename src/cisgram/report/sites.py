"""Sites of named motifs on the sequences that the page shows: those there are, those used."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram import motifs
from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.matches import Learned, sources
from cisgram.report.text import as_float

MAX_P = 1e-4
"""A site is shown up to this p-value."""
MAX_NAMES = 15
"""So many names at most, the surest ones."""
Site: TypeAlias = tuple[int, int, int, int, int]
_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """Sites by sequence.

    Attributes
    ----------
    names
        Known motifs, by the names of the best matches; patterns without one by their own.
    rows
        Of each sequence its sites: start, end (0-based, half-open), 1 or -1 for the strand that
        the known motif reads on, place in ``names``, and a number: minus ten times log10 p of a
        site that is there, a hundred times the contribution of one that is used.
    """

    names: list[str]
    rows: list[list[Site]]


def named_sites(run: Run, codes: Sequence[NDArray[np.uint8]]) -> Sites | None:
    """Where the learned motifs that have a name occur; ``None`` where none has.

    Each name is searched for with the learned motif that matches it best. Of overlapping sites
    of one name the surest is kept.
    """
    return sites_of(named_motifs(run), codes)


def sites_of(best: Sequence[Learned], codes: Sequence[NDArray[np.uint8]]) -> Sites | None:
    """Where `named_motifs` occur; ``None`` where there are none."""
    if not best or not codes:
        return None
    wanted = [replace(m.motif, name=str(i), id=str(i)) for i, m in enumerate(best)]
    texts = [_LETTERS[c].tobytes().decode() for c in codes]
    found = motifs.scan(texts, wanted, p=MAX_P).sort_values("p", kind="stable")
    rows: list[list[Site]] = [[] for _ in codes]
    for site in found.to_dict("records"):
        which = int(site["motif"])
        turned = best[which].matches[0]["strand"] == "-"
        strand = 1 if (site["strand"] == "-") == turned else -1
        start, end = int(site["start"]), int(site["end"])
        kept = rows[int(site["sequence"])]
        if any(k == which and start < e and s < end for s, e, _, k, _ in kept):
            continue
        kept.append((start, end, strand, which, _sureness(site)))
    for sites in rows:
        sites.sort()
    return Sites([m.target_name for m in best], rows)


def packed_sites(sites: Sites | None, n: int | None = None) -> dict[str, Any] | None:
    """The sites of the first ``n`` sequences (default all) as the page's script reads them."""
    if sites is None:
        return None
    return {"names": sites.names, "rows": [[v for s in row for v in s] for row in sites.rows[:n]]}


def used_sites(run: Run, names: Sequence[str]) -> Sites | None:
    """Where the model uses the patterns that were read from its attributions.

    Hits of ``motifs/patterns.hits.tsv`` on the sequences of these names; ``None`` where there is
    no such file. A name that occurs more than once is left out: it says not which one is meant.
    """
    wanted = ("sequence", "row", "start", "end", "strand", "pattern", "contribution")
    table = read.table(run.path / "motifs" / "patterns.hits.tsv", needs=wanted)
    if table is None:
        return None
    table = table[table.groupby("sequence")["row"].transform("nunique") == 1]
    once = Counter(names)
    place = {name: i for i, name in enumerate(names) if once[name] == 1}
    known = {m.motif.name: m for s in sources(run) if s.name == "patterns" for m in s.motifs}
    labels: dict[str, int] = {}
    rows: list[list[Site]] = [[] for _ in names]
    for hit in table[table["sequence"].isin(place)].to_dict("records"):
        learned = known.get(hit["pattern"])
        is_named = learned is not None and learned.is_match
        label = learned.target_name if learned is not None and is_named else hit["pattern"]
        turned = learned is not None and is_named and learned.matches[0]["strand"] == "-"
        strand = 1 if (hit["strand"] == "-") == turned else -1
        which = labels.setdefault(label, len(labels))
        value = round(100 * (as_float(hit["contribution"]) or 0.0))
        rows[place[hit["sequence"]]].append(
            (int(hit["start"]), int(hit["end"]), strand, which, value)
        )
    for sites in rows:
        sites.sort()
    return Sites(list(labels), rows)


def filter_names(run: Run) -> dict[tuple[str, str], str]:
    """By source and motif, the name that the table of sequences can be filtered by.

    These are the names that `named_sites` and `used_sites` give; a motif that neither draws, and
    every motif of a run without explanations, has none.
    """
    listed = [read.table(p) for p in sorted((run.path / "explain").glob("*/names.tsv"))]
    shown = {str(n) for t in listed if t is not None and "name" in t for n in t["name"]}
    if not shown:
        return {}
    named = {m.target_name for m in named_motifs(run)}
    hits = read.table(run.path / "motifs" / "patterns.hits.tsv", needs=("sequence", "pattern"))
    used = set() if hits is None else set(hits[hits["sequence"].isin(shown)]["pattern"])
    found = {}
    for source in sources(run):
        for m in source.motifs:
            if m.is_match and m.target_name in named:
                found[source.name, m.motif.name] = m.target_name
            elif source.name == "patterns" and m.motif.name in used:
                found[source.name, m.motif.name] = m.motif.name
    return found


def named_motifs(run: Run) -> list[Learned]:
    """The best learned motif of each name, the surest names first.

    Class optima are left out: they are what the model wishes for, not what it found in sequences.
    """
    read_off = [s for s in sources(run) if s.name != "class_optimization"]
    hits = [m for source in read_off for m in source.motifs if m.is_match]
    hits.sort(key=lambda m: m.best_q if m.best_q is not None else 1.0)
    best: dict[str, Learned] = {}
    for hit in hits:
        best.setdefault(hit.target_name, hit)
    return list(best.values())[:MAX_NAMES]


def _sureness(site: Any) -> int:
    return round(-10 * math.log10(max(float(site["p"]), 1e-99)))
