"""Networks of runs whose neurons were demixed, and whether they can be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.explain.demix import Layer, layers
from cisgram.explain.demix.window import below
from cisgram.models import load, read_card
from cisgram.models.probe import core
from cisgram.report.demixed import FOLDER, demixed
from cisgram.steps.demix_figures import Value

SCORES = ("auroc", "pearson")
"""Of the test set, the first that there is."""
KINDS = {"database": "database", "max_q": "q-value"}


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A run with its demixed neurons.

    Attributes
    ----------
    name
        The run's folder, by which it is called.
    run
        The run.
    model
        Name and options of the model.
    places
        Its layers by name, in the order they run.
    parameters
        Numbers that it learned; of an ensemble, of one member.
    score, test
        Which score of the test set there is, empty where there is none; and it.
    neurons
        The demixed neurons of each layer that has some.
    database, max_q
        What their motifs were named with.
    """

    name: str
    run: Run
    model: str
    places: Mapping[str, Layer]
    parameters: int
    score: str
    test: Value
    neurons: Mapping[str, Sequence[Mapping[str, Any]]]
    database: str
    max_q: float

    @property
    def depth(self) -> int:
        """Convolutions one behind the other, on the longest way from the bases to the output."""
        graph = self.places["output"].window.graph
        deep = {-1: 0}
        for i in below(graph, graph.result):
            operation = graph.operations[i]
            before = max((deep[v.operation] for v in operation.inputs), default=0)
            deep[i] = before + (operation.name == "convolution")
        return deep[graph.result.operation]

    def chosen(self, layer: str | None) -> str:
        """A layer with demixed neurons; None: the last convolution that has some, or the output.

        Raises
        ------
        InputError
            When the layer is not there, or none of its neurons was demixed.
        """
        if layer is None:
            own = list(self.neurons)
            return next((k for k in reversed(own) if k != "output"), own[-1])
        if layer not in self.places:
            what = f"layer of {self.name}"
            raise unknown(what, layer, list(self.places))
        if layer not in self.neurons:
            msg = (
                f"No neuron of {layer} of {self.run.path} was demixed. Run 'cisgram demix "
                f"{self.run.path} --layer {layer}' first."
            )
            raise InputError(msg)
        return layer


def read_networks(runs: Sequence[Run]) -> list[Network]:
    """The networks of two or more runs, each named by its folder.

    Raises
    ------
    InputError
        When fewer than two runs are given, one twice, or one is no run or not demixed.
    """
    if len(runs) < 2:
        msg = f"Two runs or more are compared; got {len(runs)}."
        raise InputError(msg)
    resolved = [run.path.resolve() for run in runs]
    for run, path in zip(runs, resolved, strict=True):
        if resolved.count(path) > 1:
            msg = f"{run.path} is given twice. Give runs of different networks."
            raise InputError(msg)
    own = [path.name for path in resolved]
    return [
        _network(run, name if own.count(name) == 1 else str(run.path))
        for run, name in zip(runs, own, strict=True)
    ]


def check_demixed_alike(networks: Sequence[Network]) -> None:
    """Raise `InputError` where figures of the networks would differ by how they were made."""
    first = networks[0]
    for other in networks[1:]:
        for key, what in KINDS.items():
            one, two = getattr(first, key), getattr(other, key)
            if one != two:
                msg = (
                    f"The motifs of {first.run.path} and {other.run.path} were named with another "
                    f"{what}, {one} and {two}, so their shares of known motifs do not compare. "
                    "Demix both with the same settings of motifs."
                )
                raise InputError(msg)
    used = {
        k: {
            str(d.get("options", {}).get(k))
            for n in networks
            for own in n.neurons.values()
            for d in own
        }
        for k in ("by", "parts", "start")
    }
    mixed = [f"{k} {' and '.join(sorted(v))}" for k, v in used.items() if len(v) > 1]
    if mixed:
        msg = (
            f"The neurons were demixed in different ways ({'; '.join(mixed)}), so their figures do "
            "not compare. Demix all of them with the same options."
        )
        raise InputError(msg)


def check_data(networks: Sequence[Network], *, other_data: bool) -> list[str]:
    """What should be known of the data of the networks, a sentence each.

    Raises
    ------
    InputError
        When two were trained on different files, unless ``other_data``.
    """
    notes = []
    first = networks[0].run
    for network in networks[1:]:
        other = network.run
        differing = _differing_inputs(first, other)
        if differing:
            said = (
                f"{first.path} and {other.path} were trained on different data "
                f"(the bytes of {', '.join(differing)} differ)"
            )
            if not other_data:
                msg = (
                    f"{said}, so what differs between their neurons may come from the data and "
                    "not from the networks. Compare runs of the same files, or add --other-data."
                )
                raise InputError(msg)
            notes.append(f"{said}: what differs may come from the data.")
        elif _split(first) != _split(other):
            notes.append(
                f"{first.path} and {other.path} were trained on the same files, divided otherwise "
                "(data/split.tsv): they learned from, and were tested on, other sequences of them."
            )
    return notes


def _network(run: Run, name: str) -> Network:
    run.read()  # refuses what is no run
    found = demixed(run)
    path = run.path / FOLDER / "summary.json"
    if not found or not path.is_file():
        msg = (
            f"No neuron of {run.path} was demixed to its end, so there is nothing to compare. Run "
            f"'cisgram demix {run.path}' first."
        )
        raise InputError(msg)
    summary = files.read_json(path)
    if not isinstance(summary, dict) or not KINDS.keys() <= summary.keys():
        msg = f"{path} is no summary of this version. Delete it and run 'cisgram demix' again."
        raise InputError(msg)
    card = read_card(run.member(0))
    model = load(run)
    places = {p.name: p for p in layers(model, length=card.length)}
    score, test = _test(run)
    return Network(
        name=name,
        run=run,
        model=card.name + "".join(f" {k}={v}" for k, v in sorted(card.options.items())),
        places=places,
        parameters=sum(p.numel() for p in core(model).parameters()),
        score=score,
        test=test,
        neurons={k: own for k in places if (own := [d for d in found if d["layer"] == k])},
        database=summary["database"],
        max_q=summary["max_q"],
    )


def _test(run: Run) -> tuple[str, Value]:
    """Which score the test set has, and it with its interval."""
    path = run.path / "metrics.json"
    found = files.read_json(path) if path.is_file() else {}
    own = found.get("test") if isinstance(found, dict) else None
    if isinstance(own, dict):
        for score in SCORES:
            if own.get(score) is not None:
                low, high = own.get(f"{score}_interval") or (math.nan, math.nan)
                return score, Value(float(own[score]), float(low), float(high))
    return "", Value(math.nan)


def _differing_inputs(a: Run, b: Run) -> list[str]:
    """Roles of the input files whose bytes differ; weights to start from are no data."""
    one, other = (
        {k: v.get("sha256") for k, v in run.read().get("inputs", {}).items() if k != "weights"}
        for run in (a, b)
    )
    return [k for k in sorted(one.keys() | other.keys()) if one.get(k) != other.get(k)]


def _split(run: Run) -> str | None:
    path = run.path / "data" / "split.tsv"
    return files.sha256(path) if path.is_file() else None
