"""The table of demixed neurons: what the layers of trained networks learned, beside controls."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cisgram.core import files
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.core.seeds import generator
from cisgram.explain.demix import find_layer, layers
from cisgram.models import load, read_card
from cisgram.report.demixed import FOLDER, read_neuron
from cisgram.steps.benchmark import Cell, chip_cell, finished_cell, home_of, run_cell
from cisgram.steps.demix import demix_run
from cisgram.steps.demix_page import layer_row, page_of
from cisgram.steps.joined_sets import JOINED, Joining, write_joined
from cisgram.steps.settings import resolve, settings_of
from cisgram.steps.train import Progress

Row = dict[str, Any]
JOINED_SETS = "joined sets"
OWN = ("basset", "bd-10")  # trained on them; their first layers
FIRST = ("conv1", "conv2", "conv3")
DEMO_CNN = ("CTCFL", "ELK1")  # sets whose network is Deep Motif Dashboard's; its last layer
# not ours to train: `python tests/deepstarr.py DATA RUN` makes a run of the authors' weights
GIVEN = {"deepstarr": ("conv4",)}
PEAK = "VmHWM:"  # of Linux: the largest resident memory of a process


@dataclass(frozen=True, slots=True)
class Scale:
    """How much the networks on joined sets see, and how large they are.

    Attributes
    ----------
    joining
        Sequences of the sets.
    epochs
        Passes over them.
    options
        Of each network by its name; without any, it is as published. By default the first
        nonlinearity is exponential: of the first filters of a network that is as published, a
        training as short as this leaves most where they were drawn.
    sets
        Factors by the folder that holds them.
    """

    joining: Joining = field(default_factory=Joining)
    epochs: int = 3
    options: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {name: {"first": "exponential"} for name in OWN}
    )
    sets: dict[str, tuple[str, ...]] = field(default_factory=lambda: JOINED)


@dataclass(frozen=True, slots=True)
class Deep:
    """A network and those of its layers that are demixed.

    Attributes
    ----------
    name
        In the tables.
    run
        Where it lies.
    layers
        In the order in which they are done.
    cell
        How it is trained, and the folder of such runs; None: it is given.
    """

    name: str
    run: Run
    layers: tuple[str, ...]
    cell: tuple[Cell, Path] | None = None


def benchmark_demix(
    data: Path,
    out: Path,
    *,
    only: str | None = None,
    scale: Scale | None = None,
    device: str = "auto",
    epoch: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> str:
    """Run what is missing of the benchmark and give its page as Markdown.

    A cell is a layer of a network. Its neurons are demixed by the ordinary step, in an order drawn
    by chance, so that those that are done when it is stopped are a fair sample of the layer; the
    page says how many they are, and the next call goes on.

    Parameters
    ----------
    data
        Folder of the data sets.
    out
        Folder of the runs. Networks on single sets are those of ``cisgram benchmark tf-chipseq``;
        a network of `GIVEN` is taken where its run lies in ``OUT/demix``.
    only
        Comma-separated networks, or layers as ``basset.conv2``, to run (an empty text: none); the
        page shows all that is done.
    scale, device, epoch, say
        As in the main job.

    Raises
    ------
    InputError
        When the data are not there, or a name is unknown.
    """
    say, scale = say or (lambda _: None), scale or Scale()
    networks = _networks(data, out, scale, say)
    wanted = _wanted(only, networks)
    trained, rows = [], []
    for network in networks:
        mine = [layer for layer in network.layers if f"{network.name}.{layer}" in wanted]
        row = _trained(network, device, epoch, say if mine else None)
        if row is None:
            continue
        trained.append(row)
        for layer in network.layers:
            costs = out / "demix" / "costs" / f"{network.name}.{layer}.json"
            if layer in mine:
                say(f"{layer} of {network.name}")
                _demix(network, layer, costs, device, say)
            found = [
                read_neuron(p) for p in sorted((network.run.path / FOLDER / layer).glob("*.json"))
            ]
            if found:
                cost = files.read_json(costs) if costs.is_file() else {}
                max_q = settings_of(network.run).motifs.max_q
                rows.append(layer_row(network.name, found, cost, max_q=max_q))
    return page_of(trained, rows)


def _networks(data: Path, out: Path, scale: Scale, say: Callable[[str], None]) -> list[Deep]:
    folder = out / "demix"
    home = folder / f"joined-{scale.joining.positives}-{scale.joining.length}"
    if not (home / "test.tsv").is_file():
        say(f"writing {JOINED_SETS}")
        write_joined(data, home, scale.joining, sets=scale.sets)
    found = []
    for name in OWN:
        cell = _joined_cell(home, name, scale)
        found.append(Deep(name, Run(home_of(folder, cell)), FIRST, (cell, folder)))
    where = out / "tf-chipseq"
    for factor in DEMO_CNN:
        cell = chip_cell(data / "tf-chipseq-deepbind", factor, "demo-cnn")
        run = Run(home_of(where, cell))
        found.append(Deep(f"demo-cnn-{factor}", run, FIRST[-1:], (cell, where)))
    return [*found, *(Deep(name, Run(folder / name), of) for name, of in GIVEN.items())]


def _joined_cell(home: Path, network: str, scale: Scale) -> Cell:
    settings = resolve(
        {
            "data": {
                "positives": str(home / "train.tsv"),
                "test": str(home / "test.tsv"),
                "label_columns": [f for names in scale.sets.values() for f in names],
            },
            "model": {"name": network, "options": scale.options.get(network, {})},
            "train": {"epochs": scale.epochs, "batch_size": 32, "precision": "bf16"},
        }
    )
    return Cell(JOINED_SETS, network, settings)


def _wanted(only: str | None, networks: Sequence[Deep]) -> set[str]:
    """Layers to run, as NETWORK.LAYER."""
    every = {f"{n.name}.{layer}": n.name for n in networks for layer in n.layers}
    if only is None:
        return {*every}
    wanted = {w.strip() for w in only.split(",")} - {""}
    for word in sorted(wanted - {*every, *every.values()}):
        what = "network or layer"
        raise unknown(what, word, {*every, *every.values()})
    return {layer for layer, name in every.items() if {layer, name} & wanted}


def _trained(
    network: Deep, device: str, epoch: Progress | None, say: Callable[[str], None] | None
) -> Row | None:
    """What is known of a network, trained where ``say`` is given; None where it is not there."""
    if network.cell is None:
        if not (network.run.member(0) / "model.toml").is_file():
            return None
        return {"network": network.name, "trained_on": "given weights", "tasks": []}
    cell, folder = network.cell
    row = finished_cell(folder, cell)
    if row is None and say is not None:
        row = run_cell(folder, cell, device, epoch, say)
    if row is None:
        return None
    test = files.read_json(network.run.path / "metrics.json")["test"]
    return {
        "network": network.name,
        "trained_on": cell.experiment,
        **{k: row[k] for k in ("parameters", "valid_auroc", "auroc")},
        "tasks": [[o["output"], o["auroc"]] for o in test["per_output"]],
    }


def _demix(network: Deep, layer: str, costs: Path, device: str, say: Callable[[str], None]) -> None:
    """Demix what is missing of a layer; keep what each neuron took.

    The first neuron of a sitting is not timed: it waits for the network to be read.
    """
    model, card = load(network.run), read_card(network.run.member(0))
    channels = find_layer(layers(model, length=card.length), layer).channels
    kept = files.read_json(costs) if costs.is_file() else {"seconds": [], "peak": None}
    order = generator(0, f"order of {network.name}.{layer}").permutation(channels).tolist()
    last: list[float] = []
    reset = _reset_peak()

    def progress(done: int, n: int) -> None:
        now = time.process_time()
        if last:
            kept["seconds"].append(round(now - last.pop(), 3))
        kept["peak"] = max(filter(None, [kept["peak"], _peak() if reset else None]), default=None)
        files.write_json(costs, kept | {"neurons": n})
        if done % 10 == 0:
            say(f"  {done} of {n}")
        last.append(time.process_time())

    demix_run(network.run, layer=layer, neuron=order, device=device, progress=progress)


def _reset_peak() -> bool:
    """Let the peak of this process's memory begin anew; False where the system cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _peak() -> int | None:
    """Largest resident memory of this process in bytes; None where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    line = next((line for line in status.splitlines() if line.startswith(PEAK)), None)
    return None if line is None else int(line.split()[1]) << 10
