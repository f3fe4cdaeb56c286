"""The page of demixed layers in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cisgram.explain.demix import KINDS
from cisgram.steps.demix_figures import share
from cisgram.steps.demix_matches import known

Row = dict[str, Any]
# share of the neurons of the authors' Basset with a match in JASPAR 2020 at q < 0.05, counted in
# the Tomtom tables of their site (192 of 300, 171 of 200, 183 of 200)
AUTHORS = {("basset", "conv1"): 192 / 300, ("basset", "conv2"): 0.855, ("basset", "conv3"): 0.915}
NAMES = 12  # names of a layer that are shown
STRICT = 1e-3  # the q below which shuffled motifs hardly ever are
FIGURES = ("r2", "control_r2", "ratio", "control_ratio")


def layer_row(
    network: str, found: Sequence[Mapping[str, Any]], cost: Mapping[str, Any], *, max_q: float
) -> Row:
    """What the demixed neurons of a layer come to.

    Parameters
    ----------
    network
        Its name.
    found
        The neurons as their files have them, at least one.
    cost
        ``neurons`` of the layer, ``seconds`` (CPU) of each neuron that was timed, ``peak`` bytes.
    max_q
        A match is one below it.

    Returns
    -------
    dict
        ``matched``: numbers of neurons with a motif that matches, and with one whose columns in
        random order do; ``strict``: the same below `STRICT`; quartiles of each of `FIGURES`;
        ``motifs`` and ``tail``: mean numbers a neuron; ``first``: quartiles of the share of the
        activation that the first motif has; ``kinds``: numbers by diagnosis; ``asked`` and
        ``held``: pairs of motifs; ``names``: neurons by the best match of their motifs.
    """
    names = Counter(
        name
        for d in found
        for name in {m["target_name"] for m in d["motifs"] if known(m, max_q)[0]}
    )
    pairs = [edge["holds"] for d in found for edge in _edges(d)]
    return {
        "network": network,
        "layer": found[0]["layer"],
        "width": found[0]["width"],
        "of": cost.get("neurons", len(found)),
        "done": len(found),
        "matched": _matched(found, max_q),
        "strict": _matched(found, STRICT),
        "leaves": float(np.median([len(d["leaves"]) for d in found])),
        "motifs": float(np.mean([len(d["motifs"]) for d in found])),
        "tail": float(np.mean([d.get("n_tail", 0) for d in found])),
        "first": _quartiles([d["motifs"][0]["share"] for d in found if d["motifs"]]),
        **{k: _quartiles(_values(found, k)) for k in FIGURES},
        "kinds": {k: sum(d["kind"] == k for d in found) for k in KINDS},
        "asked": sum(h is not None for h in pairs),
        "held": sum(bool(h) for h in pairs),
        "names": sorted(names.items(), key=lambda item: (-item[1], item[0])),
        "seconds": cost.get("seconds", []),
        "peak": cost.get("peak"),
    }


def _matched(found: Iterable[Mapping[str, Any]], max_q: float) -> list[int]:
    """Neurons with a motif that has a match, and with one that has it with its columns shuffled."""
    each = [[known(m, max_q) for m in d["motifs"]] for d in found]
    return [sum(any(pair[i] for pair in neuron) for neuron in each) for i in (0, 1)]


def _edges(neuron: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    grammar = neuron["grammar"]
    return [] if grammar is None else [e for c in grammar["combinations"] for e in c["edges"]]


def _values(found: Iterable[Mapping[str, Any]], key: str) -> list[float]:
    each = (d[key] if "ratio" in key else (d["fidelity"] or {}).get(key) for d in found)
    return [v for v in each if v is not None]


def _quartiles(values: Sequence[float]) -> list[float]:
    return np.percentile(values, [25, 50, 75]).tolist() if values else []


def page_of(networks: Sequence[Row], rows: Sequence[Row]) -> str:
    """The networks, their layers, what became of the neurons, and the names of their motifs."""
    parts = [
        ("The networks", _network_table(networks)),
        ("Known motifs and fidelity, by layer", _layer_table(rows)),
        ("What became of the neurons, and what they cost", _kind_table(rows)),
        ("Named motifs", _name_table(rows)),
    ]
    return "\n".join(
        line for title, lines in parts if lines for line in (f"## {title}", "", *lines, "")
    )


def _network_table(networks: Sequence[Row]) -> list[str]:
    if not networks:
        return []
    lines = [
        "| network | trained on | parameters | validation AUROC | test AUROC |",
        "|---|---|---|---|---|",
    ]
    for r in networks:
        size = f"{r['parameters']:,}" if "parameters" in r else ""
        scores = " | ".join(f"{r[k]:.3f}" if k in r else "" for k in ("valid_auroc", "auroc"))
        lines.append(f"| {r['network']} | {r['trained_on']} | {size} | {scores} |")
    several = [r for r in networks if len(r["tasks"]) > 1]
    if not several:
        return lines
    tasks = list(dict.fromkeys(name for r in several for name, _ in r["tasks"]))
    lines += ["", f"| test AUROC | {' | '.join(r['network'] for r in several)} |"]
    lines.append("|---" * (len(several) + 1) + "|")
    for task in tasks:
        own = [dict(r["tasks"]).get(task) for r in several]
        lines.append(f"| {task} | {' | '.join('' if s is None else f'{s:.3f}' for s in own)} |")
    return lines


def _layer_table(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    lines = [
        "| network | layer | window (bp) | neurons done | with a known motif | columns shuffled | "
        "q < 0.001 | columns shuffled | the authors' | R², quartiles | its control | "
        "ratio, quartiles | its control |",
        "|---" * 13 + "|",
    ]
    for r in rows:
        authors = AUTHORS.get((r["network"], r["layer"]))
        cells = [
            r["network"],
            r["layer"],
            f"{r['width']}",
            _of(r["done"], r["of"]),
            f"**{_share(r['matched'][0], r['done'])}**{_between(r['matched'][0], r)}",
            *(f"{_share(n, r['done'])}{_between(n, r)}" for n in (r["matched"][1], *r["strict"])),
            "" if authors is None else f"{100 * authors:.0f} %",
            *(_three(r[k]) for k in FIGURES),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _kind_table(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    lines = [
        f"| network | layer | {' | '.join(KINDS)} | leaves, median | motifs a neuron | "
        "in its tail | activation with the first motif | pairs that hold | "
        "CPU seconds a neuron | peak memory |",
        "|---" * (len(KINDS) + 9) + "|",
    ]
    for r in rows:
        kinds = " | ".join(str(r["kinds"][k]) for k in KINDS)
        held = _of(r["held"], r["asked"]) if r["asked"] else "none asked"
        lines.append(
            f"| {r['network']} | {r['layer']} | {kinds} | {r['leaves']:.0f} | {r['motifs']:.1f} | "
            f"{r['tail']:.1f} | {_three(r['first'])} | {held} | {_seconds(r['seconds'])} | "
            f"{_memory(r['peak'])} |"
        )
    return lines


def _name_table(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    lines = ["| network | layer | different names | most frequent (neurons) |", "|---|---|---|---|"]
    for r in rows:
        shown = ", ".join(f"{name} ({n})" for name, n in r["names"][:NAMES])
        lines.append(f"| {r['network']} | {r['layer']} | {len(r['names'])} | {shown} |")
    return lines


def _of(n: int, total: int) -> str:
    return f"{n} of {total}"


def _share(n: int, total: int) -> str:
    return f"{100 * n / total:.0f} %"


def _between(k: int, row: Row) -> str:
    """The 95 % interval of a share, where the neurons that are done are a sample of the layer."""
    if row["done"] == row["of"]:
        return ""
    found = share(k, row["done"])
    return f" ({100 * found.low:.0f}-{100 * found.high:.0f})"


def _three(values: Sequence[float]) -> str:
    if not values:
        return ""
    low, median, high = values
    return f"{median:.2f} ({low:.2f}-{high:.2f})"


def _seconds(seconds: Sequence[float]) -> str:
    if not seconds:
        return ""
    return f"{np.median(seconds):.1f}, at most {max(seconds):.0f}"


def _memory(peak: int | None) -> str:
    return "" if peak is None else f"{peak / 2**30:.1f} GiB"
