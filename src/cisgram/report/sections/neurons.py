"""Neurons: what each demixed neuron learned, with its syntax and the controls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import UndefinedError
from markupsafe import Markup

from cisgram.core.errors import InputError
from cisgram.core.grammar_tree import from_text
from cisgram.core.run import Run
from cisgram.motifs import Motif
from cisgram.motifs.logo import logo_svg
from cisgram.report import read
from cisgram.report.compared import compared_view
from cisgram.report.demixed import FOLDER, demixed
from cisgram.report.designs import design_view
from cisgram.report.layer_map import layer_map, marks
from cisgram.report.matches import MAX_Q
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import as_float, render
from cisgram.report.trees import gap_svg, icicle_svg, starts_svg, syntax_svg

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 3_000_000
"""Bytes that the details of the neurons may take, whatever room there is."""
MATCH = ("target", "target_name", "q", "control_q", "is_specific")
MOST = 6
"""Known motifs of a layer, and neurons of each, that its row names."""
BROKEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, UndefinedError)
"""What a file with other things in it than ours leads to."""
KINDS_OF_LEVELS = {
    "max_pool": "maximum over {} positions",
    "mean_pool": "mean over {} positions",
    "stride": "step of {} positions",
    "sum": "sum of {} branches",
}


@dataclass(frozen=True, slots=True)
class _Content:
    """Everything of the section but how many neurons there is room for."""

    rows: list[dict[str, Any]]
    details: list[Markup]
    order: list[str]
    layers: dict[str, Any]
    unfinished: list[str]
    overview: dict[str, Any]
    compared: dict[str, Any] | None
    database: str
    max_q: float


@SECTIONS.register(title="Neurons", place=5.5, step="cisgram demix RUN", job="kind=demix")
def neurons(run: Run) -> Section | None:
    """A table of all demixed neurons, then each one's details, the best explained first."""
    found = demixed(run)
    if not found:
        return None
    summary = read.mapping(run.path / FOLDER / "summary.json") or {}
    max_q = as_float(summary.get("max_q")) or MAX_Q
    ranked = sorted(found, key=lambda d: -(_r2(d) or 0.0))
    details: list[Markup] = []
    size = 0
    for d in ranked:
        try:
            drawn = _details(d, max_q)
        except BROKEN as error:
            raise _undrawable(run, d, error) from error
        size += len(drawn.encode())
        if size > MAX_BYTES:
            break
        details.append(drawn)
    rows = [{**d, "id": _id(d)} for d in found]
    counted, unfinished = _counted(summary.get("layers"), found)
    content = _Content(
        rows,
        details,
        [_id(d) for d in ranked],
        counted,
        unfinished,
        _overview(run, found, max_q),
        compared_view(run),
        str(summary.get("database", "")),
        max_q,
    )
    try:
        return _drawn(content, n_details=len(details), n_rows=len(rows))
    except BROKEN as error:
        msg = (
            f"{run.path / FOLDER} cannot be drawn: {type(error).__name__}: {error}. Delete its "
            "summary.json and run 'cisgram demix' again."
        )
        raise InputError(msg) from error


def _drawn(content: _Content, *, n_details: int, n_rows: int) -> Section:
    shown = set(content.order[:n_details])
    anchors = {(str(r["layer"]), int(r["neuron"])): r["id"] for r in content.rows
               if r["id"] in shown}  # fmt: skip
    drawn_map = layer_map(
        content.rows[:n_rows], is_known=lambda m: is_match(m, content.max_q), anchors=anchors
    )
    html = render(
        "neurons.html",
        map=drawn_map,
        marks=marks(drawn_map),
        rows=content.rows[:n_rows],
        details=content.details[:n_details],
        shown=shown,
        n_details=n_details,
        total=len(content.rows),
        layers=content.layers,
        unfinished=content.unfinished,
        overview=content.overview,
        compared=content.compared,
        database=content.database,
        max_q=content.max_q,
    )

    def shrink(max_bytes: int) -> Section:
        """First details are left out, the worst explained first, then rows of the table."""
        over = len(html.encode()) - max_bytes
        kept = n_details
        while kept and over > 0:
            kept -= 1
            over -= len(content.details[kept].encode())
        rows = n_rows
        if over > 0:
            each = max(1, sum(len(str(r["motifs"])) for r in content.rows[:1]))
            rows = max(0, n_rows - -(-over // max(each, 300)))
        drawn = _drawn(content, n_details=kept, n_rows=rows)
        while rows and len(drawn.html.encode()) > max_bytes:
            rows = int(rows * 0.8)
            drawn = _drawn(content, n_details=kept, n_rows=rows)
        return drawn

    names = ("neurons.tsv", "summary.json", "comparison.tsv", "comparison.json")
    folders = dict.fromkeys(f"{FOLDER}/{d['layer']}" for d in content.rows)
    files = (*(f"{FOLDER}/{name}" for name in names), *folders, "motifs/demix.meme")
    return Section(html, shrink, files, _tables(content))


def _tables(content: _Content) -> dict[str, pd.DataFrame]:
    """What became of the neurons of each layer, and the motifs of each neuron, in numbers."""
    import pandas as pd

    kinds = [
        (layer, kind, n, share)
        for layer, found in content.overview.items()
        for kind, n, share in found["kinds"]
    ]
    motifs = [
        (d["layer"], d["neuron"], m["name"], m["n"] / d["n_kept"], ranges(m["offsets"]),
         *(m[k] for k in MATCH))
        for d in content.rows
        for m in d["motifs"]
    ]  # fmt: skip
    columns = ["layer", "neuron", "motif", "share", "starts", *MATCH]
    return {
        "neuron-kinds": pd.DataFrame(kinds, columns=["layer", "kind", "neurons", "share"]),
        "neuron-motifs": pd.DataFrame(motifs, columns=columns),
    }


def _counted(
    of_layer: object, found: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """Figures of layers, and the layers with neurons that an unfinished job left out of them."""
    said = of_layer if isinstance(of_layer, dict) else {}
    n = Counter(d["layer"] for d in found)
    old = [k for k, v in said.items() if isinstance(v, dict) and v.get("neurons", n[k]) < n[k]]
    return {k: v for k, v in said.items() if k not in old}, old


def _undrawable(run: Run, d: Mapping[str, Any], error: Exception) -> InputError:
    return InputError(
        f"{run.path / FOLDER / d['layer']}/{d['neuron']}.json cannot be drawn: "
        f"{type(error).__name__}: {error} Delete it and run 'cisgram demix' again."
    )


def _overview(run: Run, found: Sequence[Mapping[str, Any]], max_q: float) -> dict[str, Any]:
    """For each layer how many neurons are of each kind, and which have each known motif."""
    out = {}
    for layer in dict.fromkeys(d["layer"] for d in found):
        own = [d for d in found if d["layer"] == layer]
        kinds = Counter(str(d["kind"]) for d in own)
        having: dict[str, list[int]] = {}
        for d in own:
            try:
                known = [str(m["target_name"]) for m in d["motifs"] if is_match(m, max_q)]
            except BROKEN as error:
                raise _undrawable(run, d, error) from error
            for name in dict.fromkeys(known):
                having.setdefault(name, []).append(d["neuron"])
        names = sorted(having, key=lambda name: (-len(having[name]), name))
        out[layer] = {
            "kinds": [(kind, n, n / len(own)) for kind, n in kinds.most_common()],
            "names": [
                (name, ranges(having[name][:MOST]), max(0, len(having[name]) - MOST))
                for name in names[:MOST]
            ],
            "further": max(0, len(names) - MOST),
        }
    return out


def is_match(m: Mapping[str, Any], max_q: float) -> bool:
    """Whether a motif has a match that it may be named by."""
    return bool(m["is_specific"]) and m["q"] < max_q


def _id(d: Mapping[str, Any]) -> str:
    """An element's id; names of layers are ours, conv1 or output."""
    return f"neuron-{d['layer']}-{d['neuron']}"


def _r2(d: Mapping[str, Any]) -> float | None:
    value = (d["fidelity"] or {}).get("r2")
    return None if value is None else float(value)


def _details(d: Mapping[str, Any], max_q: float) -> Markup:
    """All that is drawn of one neuron."""
    levels = [_level(*level) for level in d["levels"]]
    by_name = {m["name"]: len(m["ppm"][0]) for m in d["motifs"]}
    found = (d["grammar"] or {}).get("combinations", [])
    return render(
        "neuron.html",
        d=d,
        id=_id(d),
        motifs=[_motif(d, m, max_q) for m in d["motifs"]],
        combinations=[_combination(c, by_name) for c in found],
        design=design_view(d.get("design")),
        icicle=icicle_svg(d["tree"], levels),
        levels=list(zip(levels, _splits(d["tree"], len(levels)), strict=True)),
    )


def _splits(tree: Mapping[str, Any], n: int) -> list[tuple[int, int, float | None]]:
    """For each level: parts that it split, into how many, and the median gain in bits."""
    parts = [[0, 0] for _ in range(n)]
    gains: list[list[float]] = [[] for _ in range(n)]
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        below = node.get("children", [])
        nodes += below
        if below:
            parts[node["level"]][0] += 1
            parts[node["level"]][1] += len(below)
            if node["gain"] is not None:
                gains[node["level"]].append(node["gain"])
    return [
        (k, into, float(np.median(g)) if g else None)
        for (k, into), g in zip(parts, gains, strict=True)
    ]


def _level(kind: str, module: str, choices: int) -> str:
    known = KINDS_OF_LEVELS.get(kind)  # a kind that a file brings is text, never a format
    said = f"{kind} of {choices}" if known is None else known.format(choices)
    return f"{module}: {said}" if module else said


def _motif(d: Mapping[str, Any], m: Mapping[str, Any], max_q: float) -> dict[str, Any]:
    ppm = np.array(m["ppm"], dtype=np.float64)
    motif = Motif(ppm / ppm.sum(0), str(m["name"]))
    starts: dict[int, float] = {}
    for leaf, start, _ in m["blocks"]:
        starts[int(start)] = starts.get(int(start), 0) + d["leaves"][leaf]["n"]
    logo = logo_svg(motif, kind="bits", title=f"Logo of {motif.name}, {motif.consensus}")
    return {
        **m,
        "consensus": motif.consensus,
        "logo": Markup(logo),  # noqa: S704 (made by us, its text escaped there)
        "starts": starts_svg(dict(sorted(starts.items())), d["width"], motif.width),
        "offsets": ranges(m["offsets"]),
        "is_match": is_match(m, max_q),
        "share": m["n"] / d["n_kept"],
    }


def _combination(c: Mapping[str, Any], widths: Mapping[str, int]) -> dict[str, Any]:
    edges = [_edge(c, e, widths) for e in c["edges"]]
    single = c["single"]
    tree = from_text(c["text"])
    where: dict[int, float] = {int(k): v for k, v in c["starts"][0]} if single else {}
    return {
        "n": c["n"],
        "tree": syntax_svg(tree, styles=[e["state"] for e in edges]) if edges else None,
        "text": c["text"],
        "edges": edges,
        "single": gap_svg(single, where, label="start of the motif in the window (bp)")
        if single
        else None,
    }


def _edge(c: Mapping[str, Any], e: Mapping[str, Any], widths: Mapping[str, int]) -> dict[str, Any]:
    """A pair; distances from start to start become gaps from end to start, as in the tree."""
    (left, left_strand), (right, right_strand) = c["slots"][e["left"]], c["slots"][e["right"]]
    width = widths[left]
    profile = {**e["profile"], "at": [v - width for v in e["profile"]["at"]]}
    gaps = {int(k) - width: v for k, v in e["gaps"]}
    # motifs that overlap in its windows cannot be placed side by side
    was_asked = not set(gaps).isdisjoint(profile["at"])
    return {
        "left": f"{left}{left_strand}",
        "right": f"{right}{right_strand}",
        "state": "holds" if e["holds"] else "fails" if was_asked else "unasked",
        "svg": gap_svg(profile, gaps, label="gap, end to start (bp)"),
    }


def ranges(values: Sequence[int]) -> str:
    """Whole numbers with runs drawn together.

    Examples
    --------
    >>> ranges([-1, 0, 1, 4, 6, 7])
    '−1 to 1, 4, 6–7'
    """
    out: list[list[int]] = []
    for v in sorted(values):
        if out and v == out[-1][1] + 1:
            out[-1][1] = v
        else:
            out.append([v, v])
    return ", ".join(
        f"{a}" if a == b else f"{a}{'–' if a >= 0 else ' to '}{b}" for a, b in out
    ).replace("-", "−")
