"""Pairwise mutagenesis: exact on models solved with a pencil, and equal to every copy."""

import itertools

import pytest
import torch

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.models import create
from cisgram.seq import encode
from networks import NETWORKS
from toys import Conv, Linear, Product, Words, state_of

X = ["GATTACATGCAC", "TTACGGCCATCA", "AGCANNNCTCGT"]


@pytest.fixture
def x():
    return encode(X)


def naive(model, x, at, target=0):
    """f(both) - f(one) - f(other) + f(x), every copy through the network: (n, 4p, 4p)."""
    places = [(i, letter) for i in at for letter in range(4)]
    out = torch.zeros(len(x), len(places), len(places))
    pairs = [p for p in itertools.permutations(range(len(places)), 2) if p[0] // 4 != p[1] // 4]
    for row, one in enumerate(x):
        edits = [(), *((p,) for p in places), *((places[k], places[m]) for k, m in pairs)]
        copies = one.repeat(len(edits), 1, 1)
        for copy, edit in zip(copies, edits, strict=True):
            for i, letter in edit:
                copy[:, i] = torch.eye(4)[letter]
        with torch.no_grad():
            f = torch.cat([model.eval()(part)[:, target] for part in copies.split(256)]).double()
        for both, (k, m) in zip(f[1 + len(places) :], pairs, strict=True):
            is_tried = all(one[letter, i] == 0 for i, letter in (places[k], places[m]))
            out[row, k, m] = (both - f[1 + k] - f[1 + m] + f[0]) * is_tried
    return out


def test_a_sum_over_positions_has_no_interaction(x):
    for letters in ("largest", "mean", "every"):
        found = explain.pairwise_ism(Linear(), x, target=1, letters=letters).values
        assert found.abs().max() < 1e-5


def test_a_product_has_its_one_cell():
    """f = (A at 2) (C at 7): -(-1) where both are there, +1 where neither is, -1 for one."""
    there, neither, one = encode(["GGAGGGGCGGGG", "GGGGGGGGGGGG", "GGAGGGGGGGGG"])
    found = explain.pairwise_ism(Product(), torch.stack([there, neither, one])).values
    wanted = torch.zeros(3, 12, 12)
    wanted[:, 2, 7] = wanted[:, 7, 2] = torch.tensor([1.0, 1.0, -1.0])
    assert torch.equal(found, wanted)


def test_letters_are_told_apart_on_request():
    found = explain.pairwise_ism(Product(), encode(["GGGGGGGGGGGG"]), letters="every")
    assert found.rows[:5] == ("0A", "0C", "0G", "0T", "1A")
    cells = found.values.nonzero().tolist()
    named = {(found.rows[i], found.columns[j]) for _, i, j in cells}
    assert named == {("2A", "7C"), ("7C", "2A")}


def test_the_mean_is_over_the_letters_that_are_tried():
    """One of 9 pairs of letters completes the product; at N, one of 3 * 4."""
    found = explain.pairwise_ism(
        Product(), encode(["GGGGGGGGGGGG", "GGNGGGGGGGGG"]), letters="mean"
    )
    torch.testing.assert_close(found.values[:, 2, 7], torch.tensor([1 / 9, 1 / 12]))


@pytest.mark.parametrize("at", [None, [11, 0, 5, 6]])
def test_equals_every_copy_through_the_network(x, at):
    model, places = Conv(), sorted(at) if at else list(range(12))
    found = explain.pairwise_ism(model, x, target=1, positions=at, letters="every")
    torch.testing.assert_close(found.values, naive(model, x, places, 1), atol=2e-6, rtol=0)
    largest = explain.pairwise_ism(model, x, target=1, positions=at)
    assert largest.rows == tuple(map(str, places))
    sizes = found.values.abs().view(3, len(places), 4, len(places), 4).amax((2, 4))
    torch.testing.assert_close(largest.values.abs(), sizes)


def test_the_quick_path_gives_what_the_plain_one_gives():
    torch.manual_seed(0)
    x = torch.eye(4)[torch.randint(0, 4, (1, 400))].transpose(1, 2).contiguous()
    model = torch.nn.Sequential(
        torch.nn.Conv1d(4, 96, 9),
        torch.nn.ReLU(),
        torch.nn.MaxPool1d(4),
        torch.nn.Conv1d(96, 64, 5),
        torch.nn.ReLU(),
        torch.nn.AdaptiveMaxPool1d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(64, 1),
    )
    at = [0, 1, 2, 99, 100, 104, 105, 200, 201, 396, 398, 399]
    found = explain.pairwise_ism(model, x, positions=at, letters="every")
    assert found.options["path"] == "windows", found.options["why"]
    scale = float(model(x).detach().abs().max())
    truth = naive(model, x, at)
    assert truth.abs().max() > 1e-3 * scale
    torch.testing.assert_close(found.values, truth, atol=4e-5 * scale, rtol=0)


@pytest.mark.parametrize("name", sorted(NETWORKS)[::6])
def test_any_network_is_asked(name):
    model, x = NETWORKS[name](), encode(["GATTACATGCACGGTCATTGCACCTGATCCAG"])
    found = explain.pairwise_ism(model, x, target=1, positions=[3, 17, 18], letters="every")
    scale = float(model.eval()(x).detach().abs().max())
    truth = naive(model, x, [3, 17, 18], 1)
    torch.testing.assert_close(found.values, truth, atol=1e-4 * scale + 1e-6, rtol=0)


def test_neither_order_nor_company_nor_batches_change_anything(x):
    whole = explain.pairwise_ism(Conv(), x, target=0).values
    for again in (
        explain.pairwise_ism(Conv(), x.flip(0), target=0).values.flip(0),
        explain.pairwise_ism(Conv(), x, target=0, batch_size=1).values,
        torch.cat([explain.pairwise_ism(Conv(), one[None], target=0).values for one in x]),
    ):
        torch.testing.assert_close(again, whole, atol=1e-6, rtol=1e-5)
    assert torch.equal(whole, whole.transpose(1, 2))


def test_a_sequence_of_n_and_one_candidate_go_through():
    assert explain.pairwise_ism(Conv(), encode(["NNNNNN"]), target=0).values.isfinite().all()
    one = explain.pairwise_ism(Conv(), encode(["ACGTAC"]), target=0, positions=[2])
    assert one.values.tolist() == [[[0.0]]]


def test_the_model_is_left_as_it_was(x):
    model = create("demo-cnn").train()
    before = state_of(model)
    explain.pairwise_ism(model, encode(["ACGTTGCANACGTTGCATTGACCATGACCA"]), positions=[1, 2])
    assert state_of(model) == before


def test_two_sites_that_stand_in_for_each_other_interact_where_single_changes_see_nothing():
    model = Words("GAT", pad=0)
    two = encode(["GATCCCGAT"])

    def satisfied(y):
        return y[:, 0].clamp(max=1)

    assert explain.ism(model, two, target=satisfied).values.abs().max() == 0
    found = explain.pairwise_ism(model, two, target=satisfied).values[0]
    assert (found[:3, 6:] == -1).all()
    assert found.abs().sum() == 18  # and nothing else


@pytest.mark.parametrize("positions", [[0, 12], [-1, 2], [1, 1], [], [0.5, 1], "12"])
def test_positions_that_are_none_are_refused(x, positions):
    with pytest.raises(InputError, match="different whole numbers from 0 to 11"):
        explain.pairwise_ism(Conv(), x, target=0, positions=positions)


def test_an_unknown_choice_of_letters_is_refused(x):
    with pytest.raises(UnknownName, match="Did you mean 'largest'"):
        explain.pairwise_ism(Conv(), x, target=0, letters="large")


def test_asks_which_output(x):
    with pytest.raises(InputError, match="2 outputs; say which"):
        explain.pairwise_ism(Conv(), x)
