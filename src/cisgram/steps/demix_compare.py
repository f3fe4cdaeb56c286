"""Which design of a network learns cleaner motifs: runs of the same data, neuron by neuron."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cisgram.core import files
from cisgram.core.lock import only_one
from cisgram.core.run import Run
from cisgram.motifs.families import families
from cisgram.report.demixed import FOLDER
from cisgram.steps.demix_figures import FIGURES, Figure, Value, figures
from cisgram.steps.demix_matches import known
from cisgram.steps.demix_networks import Network, check_data, check_demixed_alike, read_networks

if TYPE_CHECKING:
    import pandas as pd

NAME = "comparison"
ENDS = (("", "value"), ("_low", "low"), ("_high", "high"))
TEST = Figure("score of the test set", "higher")
CAUTION = (
    "Intervals are over neurons, those of the test score over sequences; another training seed "
    "gives other neurons, which they do not cover."
)


def compare_demixed(
    runs: Sequence[Run], *, layer: str | None = None, other_data: bool = False, seed: int = 0
) -> dict[str, Any]:
    """What the neurons of two or more networks have learned, side by side.

    Reads the files of `demix_run`; nothing is demixed here. Writes ``demix/comparison.json`` and
    ``demix/comparison.tsv`` (a row a network and layer) into the first run.

    Parameters
    ----------
    runs
        Two or more runs whose neurons were demixed.
    layer
        The layer that is compared in all of them; default of each the deepest convolution that
        was demixed. Rows are written for all layers.
    other_data
        Compare although the runs were trained on different files.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        The content of ``comparison.json``: ``networks``, each with ``model``, ``depth``
        (convolutions), ``parameters``, ``test`` and ``layers``; ``compared``, the layer of each;
        ``among``, the number of neurons among which families are counted; ``verdicts``, a
        sentence a figure; ``notes``.

    Raises
    ------
    InputError
        When fewer than two runs are given, one twice, one is not demixed (or not that layer),
        they were demixed with other options or named with another database, or were trained on
        different files.
    """
    networks = read_networks(runs)
    check_demixed_alike(networks)
    notes = check_data(networks, other_data=other_data)
    compared = {n.name: n.chosen(layer) for n in networks}
    among = max(1, min(len(n.neurons[compared[n.name]]) for n in networks) // 2)
    family = _families(networks[0].database)
    rows = {
        n.name: {
            place: figures(own, max_q=n.max_q, among=min(among, len(own)), family=family, seed=seed)
            for place, own in n.neurons.items()
        }
        for n in networks
    }
    chosen = {name: rows[name][place] for name, place in compared.items()}
    said = {
        "database": networks[0].database,
        "max_q": networks[0].max_q,
        "networks": [_plain(n, rows[n.name], among) for n in networks],
        "compared": compared,
        "among": among,
        "verdicts": [
            _verdict("test", TEST, _tests(networks), among),
            *(
                _verdict(key, figure, {name: own[key] for name, own in chosen.items()}, among)
                for key, figure in FIGURES.items()
            ),
        ],
        "notes": [*notes, CAUTION],
    }
    with only_one(runs[0].path / FOLDER):
        runs[0].write_table(f"{FOLDER}/{NAME}.tsv", table(said))
        files.write_json(runs[0].path / FOLDER / f"{NAME}.json", said)
    return said


def table(said: Mapping[str, Any]) -> pd.DataFrame:
    """A comparison as one row a network and layer; of every figure the ends of its interval."""
    import pandas as pd

    rows = []
    for n in said["networks"]:
        test = n["test"] or {}
        head = {
            "network": n["network"],
            "model": n["model"],
            "depth": n["depth"],
            "parameters": n["parameters"],
            "score": test.get("score", ""),
            **{f"test{end}": test.get(key) for end, key in ENDS},
        }
        for place in n["layers"]:
            row = head | {k: place[k] for k in ("layer", "width", "channels", "neurons", "among")}
            for key in FIGURES:
                row |= {f"{key}{end}": place["figures"][key][k] for end, k in ENDS}
            rows.append(row | {"named": place["named"], "named_shuffled": place["named_shuffled"]})
    return pd.DataFrame(rows)


def _tests(networks: Sequence[Network]) -> dict[str, Value]:
    """The test scores, as far as they are of the first one's kind."""
    kind = networks[0].score
    return {n.name: n.test if n.score == kind else Value(math.nan) for n in networks}


def _families(database: str) -> Callable[[Mapping[str, Any]], Sequence[str]]:
    """Families of JASPAR by accession; a motif without one, or of another database, by name."""
    own = families() if database.startswith("jaspar:") else {}
    return lambda m: own.get(m["target"], (m["target_name"],))


def _plain(n: Network, rows: Mapping[str, Mapping[str, Value]], among: int) -> dict[str, Any]:
    return {
        "network": n.name,
        "model": n.model,
        "depth": n.depth,
        "parameters": n.parameters,
        "test": {"score": n.score, **n.test.plain()} if n.score else None,
        "layers": [
            {
                "layer": place,
                "width": n.places[place].width,
                "channels": n.places[place].channels,
                "neurons": len(n.neurons[place]),
                "among": min(among, len(n.neurons[place])),
                **_named(n.neurons[place], n.max_q),
                "figures": {key: value.plain() for key, value in own.items()},
            }
            for place, own in rows.items()
        ],
    }


def _named(found: Sequence[Mapping[str, Any]], max_q: float) -> dict[str, float]:
    """Share of neurons with a known motif, and with one whose columns were shuffled."""
    each = [[known(m, max_q) for m in d["motifs"]] for d in found]
    return {
        key: sum(any(m[i] for m in own) for own in each) / len(found)
        for i, key in enumerate(("named", "named_shuffled"))
    }


def _verdict(key: str, figure: Figure, values: Mapping[str, Value], among: int) -> dict[str, Any]:
    """Which network is cleaner by a figure: its interval lies beyond all others, or none is."""
    sign = 1 if figure.better == "higher" else -1
    there = {k: v for k, v in values.items() if math.isfinite(v.value)}
    order = sorted(there, key=lambda k: -sign * there[k].value)
    best = None
    if len(there) < len(values):
        says = "not known of all"
    elif not all(math.isfinite(v.low) for v in there.values()):
        says = "too few neurons for intervals"
    else:
        first, rest = there[order[0]], [there[k] for k in order[1:]]
        if all(first.low > v.high if sign > 0 else first.high < v.low for v in rest):
            best = order[0]
        better = "better" if key == "test" else "cleaner"
        says = f"{best} is {better}" if best else "the intervals overlap"
    listed = ", ".join(
        f"{k} {_said(values[k])}" for k in sorted(values, key=[*order, *values].index)
    )
    title = figure.title.format(among=among)
    return {"figure": key, "title": title, "best": best, "text": f"{title}: {says}; {listed}"}


def _said(v: Value) -> str:
    if not math.isfinite(v.value):
        return "-"
    between = f" ({v.low:.2f} to {v.high:.2f})" if math.isfinite(v.low) else ""
    return f"{v.value:.2f}{between}"
