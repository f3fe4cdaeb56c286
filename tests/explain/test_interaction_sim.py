"""The DFIM paper's simulation: of six pairs of motifs one interacts, and only where both are.

60,000 sequences with two words that make a positive together (SIX5, ELF1) and two decoys (TAL1,
AP1). The data set's README has the first two classes the other way round: cls1 holds ELF1 in every
sequence, cls2 SIX5, cls3 both.
"""

import numpy as np
import pytest
import torch

from cisgram import explain, motifs
from cisgram.data import Dataset, TrainingData
from cisgram.io import read_fasta
from cisgram.models import predict
from cisgram.motifs import Motif
from cisgram.seq import encode, from_codes, one_hot
from cisgram.train import TrainOptions, fit
from cisgram.train.metrics import auroc
from published import INTERACTION_SIM, interaction_sim, interaction_sim_network

pytestmark = pytest.mark.data

WORDS = [
    Motif.from_counts(100 * encode([w])[0].numpy(), name=n) for n, w in INTERACTION_SIM.items()
]
PAIR = {"SIX5", "ELF1"}
CLASSES = ("cls1", "cls2", "cls3")


@pytest.fixture(scope="module")
def model(data_dir):
    return interaction_sim(data_dir)


@pytest.fixture(scope="module")
def given(data_dir):
    """Letters of every class."""
    path = data_dir / "interaction-sim" / "sequences.fa.gz"
    if not path.is_file():
        pytest.skip("interaction-sim is not there")
    found = read_fasta(path)
    kinds = np.array([name.partition("_")[0] for name in found.names])
    return {kind: found.codes()[kinds == kind] for kind in CLASSES}


@pytest.fixture(scope="module")
def trained(given):
    """The same architecture, trained here on 24,000 sequences; the last of each class are kept."""

    def some(low, high):
        codes = np.concatenate([given[kind][low:high] for kind in CLASSES])
        y = np.repeat([[0.0], [0.0], [1.0]], high - low, axis=0).astype(np.float32)
        return Dataset([f"s{i}" for i in range(len(y))], codes, y)

    torch.manual_seed(0)
    net = interaction_sim_network()
    options = TrainOptions(epochs=8, learning_rate=1e-3, weight_decay=0.0, schedule="constant")
    data = TrainingData(some(0, 8000), reverse_complement=False)
    fit(net, data, options, valid=some(8000, 9000), device="cpu")
    return net.eval()


def interacting(table):
    """Unordered pairs at FDR 5 %."""
    found = explain.interacting(table)
    return {frozenset(p) for p in found.loc[found["q"] <= 0.05, ["a", "b"]].values.tolist()}


def pairs_in(table):
    return {frozenset(p) for p in table[["a", "b"]].values.tolist()}


def test_the_classes_hold_what_they_are_said_to_hold(given):
    for kind, words in (("cls1", {"ELF1"}), ("cls2", {"SIX5"}), ("cls3", PAIR)):
        letters = from_codes(given[kind][:500])
        for name in PAIR:
            assert all((INTERACTION_SIM[name] in s) == (name in words) for s in letters)
        for name in ("TAL1", "AP1"):
            assert 0.4 < np.mean([INTERACTION_SIM[name] in s for s in letters]) < 0.6


def test_the_converted_network_tells_both_from_one(model, given):
    codes = np.concatenate([given[kind][:1000] for kind in CLASSES])
    out = predict(model, one_hot(codes))[:, 0].numpy()
    y = np.repeat([0, 0, 1], 1000)
    assert auroc(y, out) > 0.999
    assert np.mean((out > 0) == y) > 0.98


@pytest.mark.slow
def test_the_network_trained_here_tells_both_from_one(trained, given):
    codes = np.concatenate([given[kind][-1000:] for kind in CLASSES])
    assert auroc(np.repeat([0, 0, 1], 1000), predict(trained, one_hot(codes))[:, 0].numpy()) > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("method", ["dfim", "epistasis"])
@pytest.mark.parametrize("network", ["model", "trained"])
def test_only_six5_and_elf1_interact_and_only_where_both_are(network, given, method, request):
    network = request.getfixturevalue(network)
    table = getattr(explain, method)(network, one_hot(given["cls3"][-100:]), WORDS, p=1e-5)
    assert len(pairs_in(table)) == 6
    assert interacting(table) == {frozenset(PAIR)}
    for kind in ("cls1", "cls2"):
        table = getattr(explain, method)(network, one_hot(given[kind][-100:]), WORDS, p=1e-5)
        assert len(pairs_in(table)) == 3
        assert interacting(table) == set()
        assert not (table["q"] <= 0.05).any()


@pytest.mark.slow
def test_other_scores_say_the_same(model, given):
    x = one_hot(given["cls3"][:100])
    for options in (
        {"score": "gradient_x_input"},
        {"fill": "N"},
        {"reduce": "sum"},
    ):
        assert interacting(explain.dfim(model, x, WORDS, p=1e-5, **options)) == {frozenset(PAIR)}


@pytest.mark.slow
def test_what_the_pair_gives_is_shared_and_the_decoys_give_nothing(model, given):
    found = explain.shapley(model, one_hot(given["cls3"][:40]), WORDS, p=1e-5, copies=4)
    mean = found.groupby("feature")["value"].mean()
    assert mean[["SIX5", "ELF1"]].min() > 5
    assert mean[["TAL1", "AP1"]].abs().max() < 0.5
    total = found.groupby("sequence")["value"].sum()
    change = found.groupby("sequence")[["output", "empty"]].first()
    assert np.allclose(total, change["output"] - change["empty"], atol=1e-4)


@pytest.mark.slow
def test_known_matrices_find_what_jaspar_has_of_it(model, given):
    """SIX5's word is no motif of JASPAR; ELF1 with the two decoys has nothing to interact with."""
    database = motifs.jaspar("vertebrates")
    known = [database[n] for n in ("MA0473.4", "MA0091.2", "MA0099.4")]  # ELF1, TAL1, AP-1
    six5 = next(m for m in WORDS if m.name == "SIX5")
    table = explain.epistasis(model, one_hot(given["cls3"][:120]), [six5, *known], p=2e-4)
    assert interacting(table) == {frozenset(("SIX5", "ELF1"))}
