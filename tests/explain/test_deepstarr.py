"""A network that nobody here made: the published DeepSTARR, converted from its Keras file."""

import pytest
import torch

pytest.importorskip("h5py", reason="the authors' weights are an h5 file; install cisgram[modisco]")

import deepstarr
from cisgram import explain, motifs
from cisgram.steps.demix_matches import matched

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def model(data_dir):
    return deepstarr.load(data_dir / "models" / "deepstarr.model.h5")


def test_the_converted_network_predicts_as_the_published_one(model, data_dir):
    """The figures are those of the data set's README, from the authors' weights in NumPy."""
    found = deepstarr.correlations(model, data_dir)
    assert [round(r.item(), 3) for r in found["train"]] == [0.696, 0.764]
    assert [round(r.item(), 3) for r in found["val"]] == [0.727, 0.786]


def test_methods_agree_on_the_strongest_enhancers(model, data_dir):
    x, activity = deepstarr.strongest(data_dir, 0, 8)
    assert activity.min() > 5
    lift = explain.deep_lift(model, x, target=0)
    assert (lift.delta.abs() < 1e-5 * lift.per_position.abs().sum(1)).all()
    ism = explain.ism(model, x, target=0).per_position
    for a, b in zip(ism, lift.per_position, strict=True):
        assert torch.corrcoef(torch.stack([a, b]))[0, 1] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("output", [0, 1], ids=deepstarr.OUTPUTS)
def test_the_motifs_of_the_cells_enhancers_are_among_the_patterns(model, data_dir, output):
    x, _ = deepstarr.strongest(data_dir, output, 200)
    _, found, matches = deepstarr.found_patterns(model, x, output)
    sure = matches[matches["q"] < 0.05]
    raising = {p.motif.name for p in found if p.sign == "+"}
    for family, names in deepstarr.KNOWN[output].items():
        mine = sure[sure["target_name"].isin(names)]
        assert set(mine["motif"]) & raising, family


@pytest.mark.slow
def test_random_weights_have_no_such_motifs(data_dir):
    torch.manual_seed(0)
    x, _ = deepstarr.strongest(data_dir, 0, 100)
    _, _, matches = deepstarr.found_patterns(deepstarr.untrained(), x, 0)
    names = set.union(*deepstarr.KNOWN[0].values())
    assert not (matches["target_name"].isin(names) & (matches["q"] < 0.05)).any()


def demixed_names(model, neuron):
    """Known motifs of a neuron of the last convolution, and of its motifs' columns shuffled."""
    found = explain.demix(model, layer="conv4", neuron=neuron, length=249)
    matches = matched(found, motifs.jaspar("insects"))
    sure = [m for m in matches if m.is_specific]
    return {m.name for m in sure if m.q < 1e-3}, [m for m in sure if m.control_q < 1e-3]


def test_a_deep_neuron_is_read_as_two_motifs_of_the_cells_enhancers(model):
    """AP-1 of developmental, Ohler 1 of housekeeping enhancers; none by chance."""
    names, by_chance = demixed_names(model, 44)
    assert names & deepstarr.KNOWN[0]["AP-1"]
    assert names & deepstarr.KNOWN[1]["Ohler 1"]
    assert not by_chance
    torch.manual_seed(0)
    untrained, _ = demixed_names(deepstarr.untrained(), 44)
    assert not untrained & set.union(*(n for known in deepstarr.KNOWN for n in known.values()))
