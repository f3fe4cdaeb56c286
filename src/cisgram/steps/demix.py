"""The demixing step of a run: what its deep neurons learned, neuron by neuron, as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cisgram import motifs
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.lock import only_one
from cisgram.core.run import Run
from cisgram.explain.base import scalar
from cisgram.explain.demix import DemixedNeuron, demix_layer, find_layer, layers, syntax
from cisgram.explain.demix.neurons import check_neuron
from cisgram.explain.demix.record import plain
from cisgram.models import load, read_card
from cisgram.models.state import untouched
from cisgram.motifs import Motif, MotifSet
from cisgram.steps.explain import output_column
from cisgram.steps.motif_job import Found, MotifJob
from cisgram.steps.settings import settings_of
from cisgram.steps.train import chosen_device

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "demix"


def demix_run(
    run: Run,
    *,
    layer: str | None = None,
    neuron: int | None = None,
    by: str = "rectified",
    parts: int | None = None,
    seed: int = 0,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Demix neurons of a run's network.

    Writes ``demix/<layer>/<neuron>.json`` for each neuron (`cisgram.explain.demix.record`), and
    ``demix/neurons.tsv`` with one row a neuron of all that were demixed. Neurons whose file is
    there with the same options are not done again.

    Parameters
    ----------
    run
        A trained run.
    layer
        ``conv1``, ``conv2``, ..., ``output``, or a module's path; default the last convolution.
    neuron
        Channel; default all of the layer.
    by, parts, seed
        As `cisgram.explain.demix.demix`.
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
        When the run holds no model, its model has no such layer or neuron, or another process is
        at work there.
    """
    settings = settings_of(run)
    card = read_card(run.member(0))
    model = load(run).to(chosen_device(device))
    column = output_column(card, settings.explain.target)
    place = find_layer(layers(model, length=card.length, seed=seed), layer)
    if neuron is not None:
        check_neuron(place, neuron)
    wanted = range(place.channels) if neuron is None else range(neuron, neuron + 1)
    asked = {"by": by, "parts": parts, "seed": seed}
    folder = run.path / FOLDER / place.name
    targets = motifs.database(settings.motifs.database)
    with only_one(run.path / FOLDER), untouched(model):
        for done, k in enumerate(wanted, 1):
            path = folder / f"{k}.json"
            if not _is_done(path, asked):
                (one,) = demix_layer(model, place, [k], by=by, parts=parts, seed=seed)
                names = _names(one, targets, settings.motifs.max_q)
                grammar = syntax(
                    place,
                    k,
                    one.leaves,
                    one.motifs,
                    names=names,
                    output=scalar(model, column),
                    seed=seed,
                )
                _write(path, plain(one, grammar, names), asked)
            if progress is not None:
                progress(done, len(wanted))
        run.write_table(f"{FOLDER}/neurons.tsv", overview(run))
    return folder


def demixed(run: Run) -> list[dict[str, Any]]:
    """What was demixed of a run, layer by layer, neuron by neuron.

    Raises
    ------
    InputError
        When a file is damaged.
    """
    paths = (run.path / FOLDER).glob("*/*.json")
    found = [files.read_json(p) for p in paths]
    return sorted(found, key=lambda d: (d["width"], d["layer"], d["neuron"]))


def overview(run: Run) -> pd.DataFrame:
    """One row a demixed neuron: size, controls, fidelity, names and grammar."""
    import pandas as pd

    rows = []
    for d in demixed(run):
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
                "motifs": ";".join(m["name"] for m in d["motifs"]),
                "grammar": d["grammar"]["text"] if d["grammar"] else "",
            }
        )
    return pd.DataFrame(rows)


def demix_source(job: MotifJob) -> Found:
    """The dictionaries of all demixed neurons, as a source of `motifs_run`."""
    import pandas as pd

    found, rows = [], []
    for d in demixed(job.run):
        for i, m in enumerate(d["motifs"], 1):
            name = f"{d['layer']}.{d['neuron']}.{i}"
            ppm = np.array(m["ppm"], dtype=np.float64)
            found.append(Motif(ppm / ppm.sum(0), name, n_sites=float(m["n"]), origin="demix"))
            fidelity = (d["fidelity"] or {}).get("r2")
            rows.append((name, d["layer"], d["neuron"], m["n"] / d["n_kept"], fidelity))
    if not found:
        msg = "No neuron of this run was demixed. Run 'cisgram demix RUN' first."
        raise InputError(msg)
    facts = pd.DataFrame(rows, columns=["motif", "layer", "neuron", "share", "fidelity"])
    return MotifSet(found, origin="demixed neurons"), facts


def _is_done(path: Path, asked: dict[str, Any]) -> bool:
    if not path.is_file():
        return False
    return bool(files.read_json(path).get("options") == asked)


def _write(path: Path, value: dict[str, Any], asked: dict[str, Any]) -> None:
    text = json.dumps({"options": asked, **value}, allow_nan=False, separators=(",", ":"))
    files.write_text(path, text + "\n")


def _names(found: DemixedNeuron, targets: Sequence[Motif], max_q: float) -> list[str]:
    """Each motif by its best match that is sure, numbered where two have the same; else m1, m2."""
    own = [word.motif(f"m{i}") for i, word in enumerate(found.motifs, 1)]
    if not own:
        return []
    best = motifs.tomtom(own, targets, best=1)
    specific = {m.name for m in own if m.is_specific}
    sure = best[(best["q"] < max_q) & best["motif"].isin(specific)]
    called = dict(zip(sure["motif"], sure["target_name"], strict=True))
    out: list[str] = []
    for m in own:
        name = "".join("_" if c in " ()[]{}|" else c for c in called.get(m.name, m.name))
        twins = sum(o == name or o.startswith(f"{name}.") for o in out)
        out.append(f"{name}.{twins + 1}" if twins else name)
    return out
