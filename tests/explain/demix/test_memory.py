"""Memory of demixing: bounded for deep neurons, and not growing over many of them."""

import subprocess
import sys

import pytest

pytest.importorskip("resource", reason="memory is read by getrusage")

# BD-10: the ten convolutions, every second one pooled by 2; an eighth of their filters, because
# what is held of a window is its letters and 128 numbers a level, however many filters there are
DEEP = """
import resource
import numpy as np
import torch
from torch import nn
from cisgram.explain.demix import SampleOptions, layers
from cisgram.explain.demix.demix import _demixed
from cisgram.explain.demix.reader import reader
from cisgram.explain.demix.sample import Sample

torch.set_num_threads(1)
torch.manual_seed(0)
steps, before = [], 4
widths = [7, 3, 3, 3, 3, 3, 3, 3, 3, 3]
for i, (filters, width) in enumerate(zip([16, 16, 20, 20, 32, 32, 48, 48, 64, 64], widths), 1):
    steps += [nn.Conv1d(before, filters, width), nn.BatchNorm1d(filters), nn.ReLU()]
    steps += [nn.MaxPool1d(2)] if i in (2, 4, 6, 8) else []
    before = filters
model = nn.Sequential(*steps, nn.Flatten(), nn.LazyLinear(1))
with torch.no_grad():
    for _ in range(3):
        model.train()(torch.eye(4)[torch.randint(0, 4, (32, 200))].transpose(1, 2))
layer = layers(model.eval(), length=200)[9]
assert layer.width == 144, layer.width
read = reader(layer.window)
codes = np.random.default_rng(0).integers(0, 4, (200_000, 144), dtype=np.uint8)
value = read.values(codes, [0])[:, 0]
kept = np.argsort(-value)[:100_000]
value = value[kept] - value[kept].min() + np.float32(0.01)
found = Sample(codes[kept], value, 0.0, is_complete=False)
d = _demixed(layer, read, 0, found, by="BY", parts=2, how=SampleOptions(), seed=0)
assert d.n_kept == 100_000
print(len(d.leaves), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

MANY = """
import resource
from cisgram import models, motifs
from cisgram.cli.memory import keep_large_blocks
from cisgram.explain.base import scalar
from cisgram.explain.demix import (
    SampleOptions, demix_each, designed, layers, plain_design, syntax,
)
from cisgram.explain.demix.reader import reader
from cisgram.explain.demix.record import plain
from cisgram.steps.demix_matches import matched, named
import json
import torch

keep_large_blocks()  # as the command line does
torch.set_num_threads(1)
torch.manual_seed(0)
model = models.create("basset", maps=(16, NEURONS, 8), hidden=16, length=168).eval()
with torch.no_grad():
    for _ in range(3):
        model.train()(torch.eye(4)[torch.randint(0, 4, (64, 168))].transpose(1, 2))
layer = layers(model.eval(), length=168)[1]
targets = list(motifs.jaspar("vertebrates"))
read, how, output = reader(layer.window), SampleOptions(population=100, rounds=6), scalar(model, 0)
n_motifs = 0
for one in demix_each(model, layer, range(NEURONS), options=how, read=read):
    names = named(matched(one, targets), 0.05)
    grammar = syntax(layer, one.neuron, one.leaves, one.motifs, names=names, output=output,
                     read=read)
    design = designed(layer, one.neuron, one, grammar, output=output, read=read)
    json.dumps([plain(one, grammar, names), plain_design(design, names)])
    n_motifs += len(one.motifs)
    if one.neuron in (AFTER, NEURONS - 1):
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
assert n_motifs > NEURONS / 2, n_motifs
"""
UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes


def printed(script: str) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("by", ["rectified", "published"])
def test_a_neuron_of_144_bp_with_100_000_windows_stays_below_2_gb(by):
    leaves, peak = printed(DEEP.replace("BY", by))
    assert leaves > 1
    assert peak * UNIT < 2e9


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_two_hundredth_neuron_needs_no_more_memory_than_the_hundredth():
    """All that the step does for a neuron; the peak may rise by what one needs more than another.

    ``benchmarks/bench_demix.py --only memory`` has a thousand of them.
    """
    before, after = printed(MANY.replace("NEURONS", "200").replace("AFTER", "99"))
    assert (after - before) * UNIT < 16e6
