"""Searches of a run that start from what the layer below has learned."""

import json

import numpy as np
import pytest
import torch

import planted
from cisgram.core.errors import InputError
from cisgram.core.run import Run, job_of
from cisgram.explain.demix import find_layer, layers
from cisgram.explain.demix.search import population
from cisgram.models import MODELS, Card, load, save
from cisgram.seq.alphabet import from_codes
from cisgram.steps import demix_run, resolve
from cisgram.steps.demix_starts import lower_start
from cisgram.steps.train import input_files
from steps.wired_run import wired_run

WORD = "CACGTGACC"
FILTERS = 64


@pytest.fixture
def deep(tmp_path):
    """A run of three convolutions whose second reads channel 3 of the first at position 2."""
    planted.write_tsv(tmp_path / "a.tsv", 40)
    groups = {"data": {"positives": str(tmp_path / "a.tsv")},
              "model": {"name": "demo-cnn", "options": {"size": "medium"}}}  # fmt: skip
    settings = resolve(groups)
    run = Run(tmp_path / "RUN")
    run.record(job_of(settings.model_dump(mode="json"), inputs=input_files(settings)))
    model = MODELS["demo-cnn"].fn(size="medium", n_outputs=1)
    second = next(m for m in model.modules() if getattr(m, "in_channels", 0) == FILTERS)
    with torch.no_grad():
        second.weight[0] = 0
        second.weight[0, 3, 2] = 1
    save(run.member(0), model, Card("demo-cnn", {"size": "medium"}, length=60))
    return run


def put_below(run, neurons, word=WORD):
    """Files of the first layer's neurons, in each of which one word was found."""
    ppm = [[970 if b == letter else 10 for b in word] for letter in "ACGT"]
    folder = run.path / "demix" / "conv1"
    folder.mkdir(parents=True, exist_ok=True)
    leaf = {"ppm": ppm, "activation": 2.0, "consensus_activation": 2.0}
    for k in neurons:
        known = {"layer": "conv1", "neuron": k, "width": 9, "n_kept": 1, "parts": 1,
                 "diagnosis": "read", "kind": "read", "motifs": [], "leaves": [leaf],
                 "levels": [], "tree": {}, "fidelity": None, "grammar": None}  # fmt: skip
        (folder / f"{k}.json").write_text(json.dumps(known))


def test_its_windows_hold_what_the_layer_below_has_learned(deep):
    put_below(deep, range(FILTERS))
    found = layers(load(deep), length=60)
    layer = find_layer(found, "conv2")
    windows = lower_start(deep, found, layer)(0)
    assert windows.shape == (population(layer.window), layer.width)
    pool = layer.stride
    places = {row.find(WORD) for row in from_codes(windows)}
    assert places == set(range(2 * pool, 3 * pool))


def test_a_layer_below_that_is_not_demixed_is_named(deep):
    put_below(deep, range(FILTERS - 1))
    with pytest.raises(InputError, match=r"all 64 neurons of conv1 .* 63 are.*--layer conv1"):
        demix_run(deep, layer="conv2", neuron=0, start="lower")


def test_the_first_layer_and_the_output_have_nothing_below(tmp_path):
    run = wired_run(tmp_path)
    for layer, says in (("conv1", "reads the letters"), ("output", "no convolution")):
        with pytest.raises(InputError, match=says):
            demix_run(run, layer=layer, start="lower")
    assert not (run.path / "demix").exists()


def test_other_neurons_below_are_another_start(deep, monkeypatch):
    class Stopped(Exception):
        pass

    def search(*_args, start, **_options):
        raise Stopped(start)

    monkeypatch.setattr("cisgram.steps.demix.demix_each", search)
    digests, windows = [], []
    for word in (WORD, WORD[::-1], WORD):
        put_below(deep, range(FILTERS), word)
        with pytest.raises(Stopped) as caught:
            demix_run(deep, layer="conv2", neuron=0, start="lower")
        digests.append(caught.value.args[0].digest)
        windows.append(caught.value.args[0](0))
    assert digests[0] == digests[2] != digests[1]
    np.testing.assert_array_equal(windows[0], windows[2])
