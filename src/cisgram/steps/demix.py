"""The demixing step of a run: what its deep neurons learned, neuron by neuron, as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cisgram import motifs
from cisgram.core import files
from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.lock import only_one
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.core.work import noted
from cisgram.explain.base import scalar
from cisgram.explain.demix import (
    DemixedNeuron,
    Layer,
    demix_each,
    diagnose,
    find_layer,
    layers,
    syntax,
    twins,
)
from cisgram.explain.demix.neurons import check_neuron
from cisgram.explain.demix.record import plain
from cisgram.models import load, read_card
from cisgram.models.state import untouched
from cisgram.motifs import Motif, MotifSet
from cisgram.report.demixed import FOLDER, demixed, heads
from cisgram.steps.demix_designs import Designer, fasta_of
from cisgram.steps.demix_matches import matched, named, summary
from cisgram.steps.demix_starts import lower_start, real_windows
from cisgram.steps.explain import output_column
from cisgram.steps.motif_job import Found, MotifJob
from cisgram.steps.settings import settings_of
from cisgram.steps.train import chosen_device

if TYPE_CHECKING:
    import pandas as pd

STARTS = ("random", "real", "lower")


@noted("demixing", of="layer")
def demix_run(
    run: Run,
    *,
    layer: str | None = None,
    neuron: int | Sequence[int] | None = None,
    by: str = "rectified",
    parts: int | None = None,
    start: str = "random",
    designs: int | None = None,
    seed: int = 0,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Demix neurons of a run's network.

    Writes ``demix/<layer>/<neuron>.json`` for each neuron (`cisgram.explain.demix.record`),
    ``demix/neurons.tsv`` with one row a neuron of all that were demixed, and
    ``demix/summary.json`` (`demix_matches.summary`). Neurons whose file is there with the same
    options are not done again, so that a killed job goes on where it was.

    Parameters
    ----------
    run
        A trained run.
    layer
        ``conv1``, ``conv2``, ..., ``output``, or a module's path; default the last convolution.
    neuron
        Channel, or several in the order in which they are done; default all of the layer.
    by, parts, seed
        As `cisgram.explain.demix.demix`.
    start
        ``random``: the search starts from random windows; ``real``: from windows of the run's
        training positives; ``lower``: from windows put together of what the neurons of the
        layer below have learned, all of which have to be demixed. Windows of up to 10 bp are all
        counted, wherever one starts.
    designs
        Write so many sequences designed from each neuron's motifs into
        ``demix/<layer>/<neuron>.designed.fa``; default none.
    device
        ``auto``, ``cpu`` or ``cuda``.
    progress
        Called with the number of neurons done and of all.

    Returns
    -------
    Path
        The layer's folder.

    Raises
    ------
    InputError
        When the run holds no model, its model has no such layer or neuron, the layer below is to
        start from and is not demixed, a file of an earlier job is damaged, or another process is
        at work there.
    """
    settings = settings_of(run)
    card = read_card(run.member(0))
    if start not in STARTS:
        what = "start of the search"
        raise unknown(what, start, STARTS)
    if designs is not None:
        check_positive(designs, name="designs")
    model = load(run).to(chosen_device(device))
    every = layers(model, length=card.length, seed=seed)
    place = find_layer(every, layer)
    wanted = _channels(place, neuron)
    asked: dict[str, Any] = {"by": by, "parts": parts, "start": start, "seed": seed}
    below = lower_start(run, every, place, seed=seed) if start == "lower" else None
    if below is not None:
        asked["below"] = below.digest
    folder = run.path / FOLDER / place.name
    column = output_column(card, settings.explain.target)
    designer = Designer(place, every[-1], column, scalar(model, column), seed)
    known = settings.motifs
    with only_one(run.path / FOLDER), untouched(model):
        left = [k for k in wanted if not _is_done(folder / f"{k}.json", asked)]
        if left:
            first = real_windows(run, place, seed=seed) if start == "real" else below
            job = _Job(place, designer, motifs.database(known.database), known.max_q, asked)
            same = twins(place, seed=seed).tolist()
            for k in left:
                fasta_of(folder, k).unlink(missing_ok=True)  # of other options
            each = demix_each(
                model, place, left, by=by, parts=parts, start=first, read=designer.read, seed=seed
            )
            for done, one in enumerate(each, 1 + len(wanted) - len(left)):
                _write(folder / f"{one.neuron}.json", job.written(one, same[one.neuron]))
                if progress is not None:
                    progress(done, len(wanted))
        if designs is not None:
            for k in wanted:
                designer.write(folder, k, n=designs)
        found = heads(run)
        run.write_table(f"{FOLDER}/neurons.tsv", overview(found))
        said = summary(found, database=known.database, max_q=known.max_q)
        files.write_json(run.path / FOLDER / "summary.json", said)
    return folder


def _channels(layer: Layer, neuron: int | Sequence[int] | None) -> Sequence[int]:
    if neuron is None:
        return range(layer.channels)
    wanted = neuron if isinstance(neuron, Sequence) else (neuron,)
    for k in wanted:
        check_neuron(layer, k)
    return wanted


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """All that the neurons of a layer share."""

    layer: Layer
    designer: Designer
    targets: Sequence[Motif]
    max_q: float
    asked: dict[str, Any]

    def written(self, one: DemixedNeuron, twin: int) -> dict[str, Any]:
        """A neuron as its file has it."""
        seed = self.asked["seed"]
        matches = matched(one, self.targets, seed=seed)
        names = named(matches, self.max_q)
        grammar = syntax(
            self.layer,
            one.neuron,
            one.leaves,
            one.motifs,
            names=names,
            output=self.designer.output,
            read=self.designer.read,
            seed=seed,
        )
        value = plain(one, grammar, names) | {"design": self.designer.plain(one, grammar, names)}
        for motif, match in zip(value["motifs"], matches, strict=True):
            motif.update(match.plain())
        diagnosis = diagnose(one, twin)
        return {
            "options": self.asked,
            "kind": diagnosis.kind,
            "diagnosis": diagnosis.text,
            "levels": [[v.kind, v.module, v.choices] for v in self.layer.levels],
            **value,
        }


def overview(found: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a demixed neuron: size, controls, fidelity, diagnosis, names and grammar."""
    import pandas as pd

    rows = []
    for d in found:
        f = d["fidelity"] or {}
        rows.append(
            {
                "layer": d["layer"],
                "neuron": d["neuron"],
                "width": d["width"],
                "n_kept": d["n_kept"],
                "max_activation": d["max_activation"],
                "leaves": len(d["leaves"]),
                "ratio": d["ratio"],
                "control_ratio": d["control_ratio"],
                "r2": f.get("r2"),
                "control_r2": f.get("control_r2"),
                "diagnosis": d["diagnosis"],
                "motifs": ";".join(m["name"] for m in d["motifs"]),
                "grammar": d["grammar"]["text"] if d["grammar"] else "",
            }
        )
    return pd.DataFrame(rows)


def demix_source(job: MotifJob) -> Found:
    """The dictionaries of all demixed neurons, as a source of `motifs_run`."""
    import pandas as pd

    check_demixed(job.run)
    found, rows = [], []
    everything = demixed(job.run)
    for d in everything:
        for i, m in enumerate(d["motifs"], 1):
            name = f"{d['layer']}.{d['neuron']}.{i}"
            ppm = np.array(m["ppm"], dtype=np.float64)
            found.append(Motif(ppm / ppm.sum(0), name, n_sites=float(m["n"]), origin="demix"))
            fidelity = (d["fidelity"] or {}).get("r2")
            rows.append((name, d["layer"], d["neuron"], m["n"] / d["n_kept"], fidelity))
    if not found:
        msg = f"None of the {len(everything)} neurons that were demixed has a motif."
        raise InputError(msg)
    facts = pd.DataFrame(rows, columns=["motif", "layer", "neuron", "share", "fidelity"])
    return MotifSet(found, origin="demixed neurons"), facts


def check_demixed(run: Run) -> None:
    """Raise `InputError` unless a neuron of the run was demixed."""
    if not any((run.path / FOLDER).glob("*/*.json")):
        msg = "No neuron of this run was demixed. Run 'cisgram demix RUN' first."
        raise InputError(msg)


def _is_done(path: Path, asked: dict[str, Any]) -> bool:
    if not path.is_file():
        return False
    value = files.read_json(path)
    return (
        isinstance(value, dict)
        and value.get("options") == asked
        and {"design", "tail"} <= value.keys()
    )


def _write(path: Path, value: dict[str, Any]) -> None:
    files.write_text(path, json.dumps(value, allow_nan=False, separators=(",", ":")) + "\n")
