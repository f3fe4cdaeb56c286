"""Demixing: a round of the search, and whole neurons of small and wide networks.

There is no peer to run beside: NeuronMotif's program needs TensorFlow 1.15. Its rate here is a
recorded one, of another process on another day: 287 CPU-seconds for 51 rounds of 4,000 windows
of 82 bp, the fifth layer of its second demonstration network. Ours runs a network of the same
shape (five normed convolutions of 5 or 6 filters, each pooled by 2) with random weights: rounds
and windows a round are those of the recorded run.
``python benchmarks/bench_demix.py [--only search|small|basset|memory] [--neurons 3]``

``memory``, which is not run unless it is asked for, takes 1,000 neurons of one layer one after the
other through all that the step does for a neuron, and prints the resident memory on the way
(Linux).
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from pathlib import Path

import torch
from bench_ism import Basset
from torch import nn

from cisgram import models, motifs, seq
from cisgram.cli.memory import keep_large_blocks
from cisgram.explain.base import scalar
from cisgram.explain.demix import (
    SampleOptions,
    demix_each,
    demix_layer,
    designed,
    find_layer,
    layers,
    plain_design,
    syntax,
)
from cisgram.explain.demix.reader import reader
from cisgram.explain.demix.record import plain
from cisgram.explain.demix.search import sample
from cisgram.steps.demix_matches import matched, named

RECORDED = 287.0, 51, 4000  # CPU-seconds, rounds, windows a round
WIDTH = 82
WINDOW = 168  # bp, the shortest that Basset reads


def small() -> nn.Module:
    """The shape of NeuronMotif's second demonstration network."""
    steps: list[nn.Module] = []
    before = 4
    for filters, width in ((5, 7), (5, 3), (6, 3), (6, 3), (1, 3)):
        steps += [nn.Conv1d(before, filters, width), nn.BatchNorm1d(filters)]
        steps += [nn.ReLU(), nn.MaxPool1d(2)] if filters > 1 else [nn.Flatten()]
        before = filters
    return calibrated(nn.Sequential(*steps), WIDTH)


def calibrated(model: nn.Module, length: int) -> nn.Module:
    """With norms that fit random sequences, so that neurons are active as often as trained ones."""
    with torch.no_grad():
        for _ in range(20):
            model.train()(seq.one_hot(torch.randint(0, 4, (64, length)).numpy().astype("uint8")))
    return model.eval().requires_grad_(False)


def search() -> None:
    """CPU-seconds of the recorded rounds, against the recorded seconds."""
    seconds, rounds, windows = RECORDED
    layer = find_layer(layers(small(), length=WIDTH), "conv5")
    for name, inherited in (("NeuronMotif's round", False), ("slopes inherited", True)):
        how = SampleOptions(population=windows, rounds=rounds, patience=rounds, inherited=inherited)
        start = time.process_time()
        (found,) = sample(layer.window, [0], stride=layer.stride, options=how)
        ours = time.process_time() - start
        print(
            f"search, {name:<20} {found.rounds} rounds of {windows} x {WIDTH} bp  {ours:7.2f} CPU-s"
            f"  {1e6 * ours / found.rounds / windows:6.2f} us a window and round"
            f"  {seconds / ours:5.1f}x the recorded {seconds:.0f} CPU-s",
            flush=True,
        )


def neurons(title: str, model: nn.Module, length: int, names: list[str], n: int) -> None:
    """CPU-seconds a neuron, stage by stage: its demixing, and its syntax asked back."""
    for layer in layers(model, length=length):
        if layer.name not in names:
            continue
        chosen = list(range(min(n, layer.channels)))
        spent = [0.0, 0.0]
        for k in chosen:
            start = time.process_time()
            (d,) = demix_layer(model, layer, [k])
            middle = time.process_time()
            syntax(layer, k, d.leaves, d.motifs, output=lambda x: model(x)[:, 0])
            spent[0] += middle - start
            spent[1] += time.process_time() - middle
        each = [s / len(chosen) for s in spent]
        print(
            f"{title} {layer.name}, {layer.width} bp, {layer.channels} neurons: demixed in "
            f"{each[0]:.2f} CPU-s a neuron, its syntax in {each[1]:.2f} (mean of {len(chosen)}); "
            f"the layer in {sum(each) * layer.channels / 60:.1f} CPU-minutes",
            flush=True,
        )


def memory(n: int = 1000, every: int = 100) -> None:
    """Resident memory over many neurons in sequence: demixed, named, asked back, designed."""
    model = calibrated(models.create("basset", maps=(16, n, 8), hidden=16, length=WINDOW), WINDOW)
    layer = find_layer(layers(model, length=WINDOW), "conv2")
    targets = list(motifs.jaspar("vertebrates"))
    read, how = reader(layer.window), SampleOptions(population=100, rounds=6)
    output = scalar(model, 0)
    start, seen, leaves = time.process_time(), [], 0
    for i, d in enumerate(demix_each(model, layer, range(n), options=how, read=read), 1):
        names = named(matched(d, targets), 0.05)
        grammar = syntax(layer, d.neuron, d.leaves, d.motifs, names=names, output=output, read=read)
        design = designed(layer, d.neuron, d, grammar, output=output, read=read)
        text = json.dumps([plain(d, grammar, names), plain_design(design, names)])
        leaves += len(d.leaves) * bool(text)
        if i % every == 0:
            seen.append(f"{i}: {_resident() / 2**20:.1f}")
    spent = time.process_time() - start
    print(
        f"memory, {n} neurons of {layer.width} bp in sequence, {leaves} leaves, {spent:.0f} CPU-s; "
        f"resident MiB after {', '.join(seen)}",
        flush=True,
    )


def _resident() -> int:
    """Bytes of this process that are in memory."""
    status = Path("/proc/self/status").read_text()
    return int(next(x for x in status.splitlines() if x.startswith("VmRSS:")).split()[1]) << 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--neurons", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    keep_large_blocks()  # as the command line does
    for name in ("sklearn.isotonic", "sklearn.metrics"):  # imported when needed; not timed
        importlib.import_module(name)
    if arguments.only in ("", "search"):
        search()
    if arguments.only in ("", "small"):
        names = [f"conv{i}" for i in range(1, 6)]
        neurons("small", small(), WIDTH, names, arguments.neurons)
    if arguments.only in ("", "basset"):
        model = calibrated(Basset(600), 600)
        neurons("basset", model, 600, ["conv1", "conv2", "conv3"], arguments.neurons)
    if arguments.only == "memory":
        memory()


if __name__ == "__main__":
    main()
