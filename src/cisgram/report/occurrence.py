"""Where along the sequences the motifs of a source occur, in how many, and in which class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cisgram import motifs
from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.explained import Explained, explained
from cisgram.report.matches import Learned, Source
from cisgram.report.sites import MAX_P
from cisgram.report.text import as_float, number

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
MOST = 500  # sequences that are scanned where no step has looked
WIDTH, HEIGHT, BASE = 150, 40, 26  # px
_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)
NOT_FOUND = "class_optimization"
"""Optima are what the model wishes for: they are in no sequence."""


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """Sites of one motif.

    Attributes
    ----------
    n, total
        Sequences with a site, of so many that were looked at; ``total`` is None where it is not
        known.
    at, share
        Middles of bins along the sequence (bp), and the share of the sites in each.
    positives, negatives, q
        Share of the sequences of each class with a site, and the q-value of Fisher's exact test
        that there are more in the positives; None where nothing was tested.
    """

    n: int
    total: int | None
    at: NDArray[np.float64]
    share: NDArray[np.float64]
    positives: float | None = None
    negatives: float | None = None
    q: float | None = None

    @property
    def svg(self) -> Markup:
        """Bars along the sequence; dashed: as many sites everywhere."""
        return _bars(self)


def occurrences(run: Run, source: Source, drawn: Sequence[Learned]) -> dict[str, Occurrence]:
    """What is known of the sites of the motifs that are drawn, by the name of the motif.

    Taken from what the step wrote (best sites of filters, hits of patterns); motifs of sources
    that were not looked for in sequences are searched for in those that were explained.
    """
    if source.name == NOT_FOUND or not drawn:
        return {}
    found = _positions(run, source) or _hits(run, source) or _scanned(run, drawn)
    facts = {m.motif.name: m.facts for m in drawn}
    return {k: _with_classes(o, facts[k]) for k, o in found.items() if k in facts}


def _with_classes(o: Occurrence, facts: dict[str, str]) -> Occurrence:
    shares = [as_float(facts.get(k)) for k in ("in_positives", "in_negatives", "enrichment_q")]
    if shares[0] is None or shares[1] is None:
        return o
    return replace(o, positives=shares[0], negatives=shares[1], q=shares[2])


def _positions(run: Run, source: Source) -> dict[str, Occurrence]:
    """Of ``NAME.positions.tsv``: the best site of each sequence."""
    table = read.table(run.path / "motifs" / f"{source.name}.positions.tsv", needs=("motif",))
    if table is None or "sequences" not in table:
        return {}
    bins = [c for c in table.columns if c.startswith("at_")]
    at = np.array([as_float(c.removeprefix("at_")) or 0.0 for c in bins])
    return {
        str(row["motif"]): Occurrence(
            int(as_float(row["sequences"]) or 0),
            None,
            at,
            np.array([as_float(row[c]) or 0.0 for c in bins]),
        )
        for row in table.to_dict("records")
        if as_float(row["sequences"])
    }


def _hits(run: Run, source: Source) -> dict[str, Occurrence]:
    """Of ``NAME.hits.tsv``: where the model uses a pattern."""
    folder = run.path / "motifs"
    hits = read.table(folder / f"{source.name}.hits.tsv", needs=("row", "start", "end", "pattern"))
    if hits is None or not len(hits):
        return {}
    names = read.table(folder / f"{source.name}.names.tsv")
    model = read.mapping(run.member(0) / "model.toml") or {}
    middle = (read.numeric(hits["start"]) + read.numeric(hits["end"])) / 2
    length = as_float(model.get("length")) or float(read.numeric(hits["end"]).max())
    total = None if names is None else len(names)
    return {
        str(pattern): _counted(middle[own.index].to_numpy(), own["row"].nunique(), total, length)
        for pattern, own in hits.groupby("pattern")
    }


def _scanned(run: Run, drawn: Sequence[Learned]) -> dict[str, Occurrence]:
    """Sites of at most `MAX_P` in the explained sequences, of each motif that says enough."""
    methods = [m for m in explained(run) if not m.tracks]
    wanted = [m.motif for m in drawn if not m.is_weak]
    if not methods or not wanted:
        return {}
    codes = methods[0].codes(range(min(len(methods[0].names), MOST)))
    texts = [_LETTERS[c].tobytes().decode() for c in codes]
    queries = [replace(m, name=str(i), id=str(i)) for i, m in enumerate(wanted)]
    sites = motifs.scan(texts, queries, p=MAX_P)
    labels = _labels(methods[0], len(codes))
    length = float(max(map(len, codes)))
    found = {}
    for i, motif in enumerate(wanted):
        own = sites[sites["motif"].astype(str) == str(i)]
        middle = ((own["start"] + own["end"]) / 2).to_numpy(dtype=np.float64)
        rows = own["sequence"].unique().astype(int)
        found[motif.name] = _classes(_counted(middle, len(rows), len(codes), length), rows, labels)
    return _adjusted(found)


def _labels(method: Explained, n: int) -> NDArray[np.float64] | None:
    if "label" not in method.names:
        return None
    labels = read.numeric(method.names["label"]).to_numpy()[:n]
    return labels if set(np.unique(labels)) == {0.0, 1.0} else None


def _classes(
    o: Occurrence, rows: NDArray[np.int64], labels: NDArray[np.float64] | None
) -> Occurrence:
    """With the share of each class, and the p-value in the place of q."""
    from scipy.stats import fisher_exact

    if labels is None:
        return o
    has = np.zeros(len(labels), dtype=bool)
    has[rows] = True
    positive = labels > 0.5
    counts = [[(has & positive).sum(), (~has & positive).sum()],
              [(has & ~positive).sum(), (~has & ~positive).sum()]]  # fmt: skip
    p = float(fisher_exact(counts, alternative="greater").pvalue)
    return replace(o, positives=float(has[positive].mean()), negatives=float(has[~positive].mean()),
                   q=p)  # fmt: skip


def _adjusted(found: dict[str, Occurrence]) -> dict[str, Occurrence]:
    """Benjamini and Hochberg's q over the motifs of a source."""
    from scipy.stats import false_discovery_control

    tested = {k: o.q for k, o in found.items() if o.q is not None}
    if not tested:
        return found
    q = dict(zip(tested, false_discovery_control(list(tested.values())).tolist(), strict=True))
    return {k: replace(o, q=q.get(k)) for k, o in found.items()}


def _counted(middle: NDArray[np.float64], n: int, total: int | None, length: float) -> Occurrence:
    counts, edges = np.histogram(middle, bins=BINS, range=(0.0, length))
    share = counts / max(1, counts.sum())
    return Occurrence(n, total, (edges[1:] + edges[:-1]) / 2, share)


def _bars(o: Occurrence) -> Markup:
    step = float(o.at[1] - o.at[0]) if len(o.at) > 1 else 1.0
    first, last = round(float(o.at[0]) - step / 2), round(float(o.at[-1]) + step / 2)
    top = max(float(o.share.max(initial=0.0)), 1e-9)
    wide = (WIDTH - 8) / max(1, len(o.at))
    bars = Markup("").join(
        Markup('<rect class="seen" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            4 + i * wide, BASE - s / top * (BASE - 4), max(1.0, wide - 1), s / top * (BASE - 4)
        )
        for i, s in enumerate(o.share.tolist())
    )
    even = BASE - min(1.0, 1 / len(o.share) / top) * (BASE - 4) if len(o.share) else BASE
    best = int(o.share.argmax()) if len(o.share) else 0
    said = (
        f"Sites from {first} to {number(last)} bp: most, {100 * o.share[best]:.0f} %, about "
        f"{o.at[best]:.0f} bp; even would be {100 / len(o.share):.0f} % in each of "
        f"{len(o.share)} parts."
    )
    return Markup(
        '<svg class="along" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img">'
        '<title>{said}</title>{bars}<path class="guide" d="M4 {even:.1f}H{right}"/>'
        '<path class="axis" d="M4 {base}H{right}"/><text x="4" y="{y}">{first}</text>'
        '<text class="end" x="{right}" y="{y}">{last} bp</text></svg>'
    ).format(
        w=WIDTH, h=HEIGHT, said=said, bars=bars, even=even, right=WIDTH - 4, base=BASE,
        y=HEIGHT - 2, first=first, last=number(last),
    )  # fmt: skip


def occurrence_table(found: dict[str, Occurrence], source: str) -> pd.DataFrame:
    """One row a motif: sequences with a site, shares of the classes, shares along the sequence."""
    import pandas as pd

    rows = [
        {"source": source, "motif": name, "sequences": o.n, "of": o.total,
         "in_positives": o.positives, "in_negatives": o.negatives, "enrichment_q": o.q,
         **{f"at_{a:g}": s for a, s in zip(o.at.tolist(), o.share.tolist(), strict=True)}}
        for name, o in found.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)
