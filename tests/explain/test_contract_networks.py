"""Every attribution method on every network: those of the zoo, and those of every other make.

Both are walked through their registries, so that a new method or network is asked by being there.
"""

import inspect

import pytest
import torch

from cisgram import explain
from cisgram.core.errors import InputError
from cisgram.models import MODELS, BothStrands
from cisgram.seq import encode
from networks import LETTERS, NETWORKS, fitting, made, small
from toys import state_of

METHODS = {n: e for n, e in explain.METHODS.items() if e.facts["gives"] == "attribution"}
ZOO = {name: lambda name=name: made(lambda: small(name, n_outputs=2), gain=1.5) for name in LETTERS}
BUILD = {**NETWORKS, **ZOO}
# as little work as still shows what a method does
CHEAP = {"n_references": 2, "samples": 4, "steps": 16, "tolerance": 0.05}
TEXT = ["GATTACATGCACGGTCATTGCACCTGATCCAG", "TTGACGGCATCANNTACGATTGCTTAACGCTA"]


@pytest.fixture(scope="module", params=sorted(BUILD))
def network(request):
    return BUILD[request.param](), given(request.param)


def given(name):
    length = fitting(name, 32) if name in MODELS else 32
    return encode([(text * (-(-length // 32)))[:length] for text in TEXT])


def run(name, model, x, **options):
    known = inspect.signature(METHODS[name].fn).parameters
    options = {k: v for k, v in {**CHEAP, **options}.items() if k in known}
    return METHODS[name].fn(model, x, target=1, **options)


@pytest.mark.parametrize("name", METHODS)
def test_any_network_is_explained_and_left_as_it_was(network, name):
    model, x = network
    before = state_of(model)
    a = run(name, model, x)
    assert state_of(model) == before
    assert a.values.shape == x.shape
    assert torch.isfinite(a.values).all()
    assert a.per_position.abs().sum() > 0
    assert (a.per_position[x.sum(1) == 0] == 0).all()
    alone = run(name, model, x[1:], batch_size=3)  # in other company, in other batches
    with torch.no_grad():  # effects are differences of outputs, rounded as these are
        room = 1e-4 * a.values.abs().max() + 1e-5 * model(x)[:, 1].abs().max()
    torch.testing.assert_close(alone.values, a.values[1:], atol=float(room), rtol=1e-4)


@pytest.mark.parametrize("name", [n for n, e in METHODS.items() if e.facts["complete"]])
def test_complete_methods_add_up_on_any_network(network, name):
    """The gap that is told is the gap that there is, and small."""
    model, x = network
    a = run(name, model, x, reference="uniform")
    with torch.no_grad():
        known = x.sum(1, keepdim=True)
        difference = (model(x) - model(0.25 * known.expand(-1, 4, -1)))[:, 1]
    size = a.per_position.abs().sum(1)
    gap = a.per_position.sum(1) - difference
    torch.testing.assert_close(a.delta / size, gap / size, atol=2e-5, rtol=0)
    known_as = inspect.signature(METHODS[name].fn).parameters
    assert (a.delta.abs() <= (CHEAP["tolerance"] if "tolerance" in known_as else 1e-5) * size).all()


@pytest.mark.parametrize("zoo", sorted(ZOO))
@pytest.mark.parametrize("name", METHODS)
def test_a_two_strand_mean_has_mirrored_scores(zoo, name):
    model, x = BothStrands(ZOO[zoo]()), given(zoo)
    a, b = (run(name, model, s, reference="uniform").values for s in (x, x.flip(1, 2)))
    with torch.no_grad():
        room = 1e-4 * a.abs().max() + 1e-5 * model(x)[:, 1].abs().max()
    torch.testing.assert_close(b.flip(1, 2), a, atol=float(room), rtol=1e-4)


TRACKS = [n for n, e in explain.METHODS.items() if e.facts["gives"] == "tracks"]


def refusal(name, model, x):
    """What a method that gives tracks says of a network that has none; else None."""
    try:
        explain.METHODS[name].fn(model, x[:1], target=1)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", TRACKS)
def test_tracks_run_along_the_sequences_of_a_network_that_has_them(name):
    """Other networks are refused in one paragraph."""
    refused = 0
    for build in ("demo-cnn", "demo-cnn-rnn", "transformer"):
        model, x = ZOO[build](), given(build)
        before = state_of(model)
        said = refusal(name, model, x)
        assert state_of(model) == before
        if said is not None:
            assert said.endswith(".")
            assert "\n" not in said
            refused += 1
            continue
        a = explain.METHODS[name].fn(model, x, target=1)
        assert a.values.shape == (len(x), len(a.names), x.shape[2])
        assert torch.isfinite(a.values).all()
        assert a.method == name
        assert a.sequences is x
        alone = explain.METHODS[name].fn(model, x[1:], target=1, batch_size=1)
        torch.testing.assert_close(alone.values, a.values[1:], atol=1e-5, rtol=1e-4)
        assert state_of(model) == before
    assert refused < 3
