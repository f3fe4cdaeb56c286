"""ExplaiNN: units alone, a head that adds up, and what two units do together."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cisgram import models
from cisgram.models.layers import Conv1d
from cisgram.models.units import LinearUnits
from cisgram.seq import encode
from networks import made, small


def sequences(n=5, length=39, seed=0):
    g = torch.Generator().manual_seed(seed)
    return F.one_hot(torch.randint(0, 4, (n, length), generator=g), 4).transpose(1, 2).float()


def test_linear_layers_of_units_are_convolutions_with_a_group_for_each():
    torch.manual_seed(0)
    units, conv = LinearUnits(3, 4, 5), nn.Conv1d(12, 15, 1, groups=3)
    with torch.no_grad():
        conv.weight.copy_(units.weight.transpose(1, 2).reshape(15, 4, 1))
        conv.bias.copy_(units.bias.flatten())
    x = torch.randn(7, 12)
    torch.testing.assert_close(units(x), conv(x[:, :, None])[:, :, 0])


@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_a_unit_reads_its_own_filter_and_no_other(layers):
    model = made(lambda: small("explainn", layers=layers))
    x = sequences()
    before = model.unit_outputs(x)
    with torch.no_grad():
        model.features[0].weight[2] *= -1
    changed = (model.unit_outputs(x) != before).any(0)
    assert changed.nonzero().flatten().tolist() == [2]


def test_the_logit_is_the_weighted_sum_of_the_units():
    model, x = made(lambda: small("explainn", n_outputs=2)), sequences()
    a, head = model.unit_outputs(x), model.unit_head
    assert (a >= 0).all()
    torch.testing.assert_close(model(x), a @ head.weights.T + head.main.bias)


def test_the_filters_stand_in_one_convolution_behind_norm_and_exponential():
    model = models.create("explainn", units=6, length=101)
    names = [type(m).__name__ for m in model.features][:4]
    assert names == ["Conv1d", "BatchNorm1d", "Exponential", "MaxPool1d"]
    assert isinstance(model.features[0], Conv1d)
    assert model.features[4](model.features[3](torch.zeros(1, 6, 83))).shape == (1, 66)
    relu = models.create("explainn", first="relu", length=101)
    assert isinstance(relu.features[2], nn.ReLU)


def test_without_dense_layers_a_unit_is_its_best_site():
    """By hand: one filter that counts matches to GATTACA, exp of the most matches."""
    model = models.create("explainn", units=1, width=7, layers=0, length=12).eval()
    with torch.no_grad():
        model.features[0].weight.copy_(encode(["GATTACA"]))
        model.features[0].bias.zero_()
        model.features[1].eps = 0.0
    x = encode(["CCGATTACACCC", "CCGATTCCACCC"])
    torch.testing.assert_close(model.unit_outputs(x)[:, 0].log(), torch.tensor([7.0, 6.0]))


def test_weights_that_must_not_be_negative_never_are():
    model = made(lambda: small("explainn", positive=True, n_outputs=3), gain=5.0)
    head = model.unit_head
    assert (head.main.weight < 0).any()
    assert (head.weights >= 0).all()
    x = sequences()
    expected = model.unit_outputs(x) @ head.weights.T + head.main.bias
    torch.testing.assert_close(model(x), expected)


def test_pairs_add_weighted_products_of_standardized_units():
    model, x = made(lambda: small("explainn", pairs=True, n_outputs=2)), sequences()
    head = model.unit_head
    with torch.no_grad():
        alone = model(x)
        head.pairs.weight[1, 3] = (
            2.0 * 21**0.5
        )  # of seven units: pairs (0, 1), (0, 2), (0, 3), (0, 4)
    a = model.unit_outputs(x)
    z = (a - head.pairs.norm.running_mean) / (head.pairs.norm.running_var + 1e-5).sqrt()
    torch.testing.assert_close(model(x)[:, 0], alone[:, 0])
    torch.testing.assert_close(model(x)[:, 1], alone[:, 1] + 2 * z[:, 0] * z[:, 4])


def test_pairs_begin_at_nothing():
    with_pairs = models.create("explainn", units=5, pairs=True)
    assert not with_pairs.unit_head.pairs.weight.any()
    assert with_pairs.unit_head.pairs.weight.shape == (1, 10)


def test_raw_pair_weights_multiply_the_outputs_themselves():
    """What two units add beyond each alone is raw weight x output x output."""
    model = made(lambda: small("explainn", pairs=True), seed=3)
    pairs = model.unit_head.pairs
    torch.manual_seed(1)
    with torch.no_grad():
        pairs.weight.normal_()
    a = torch.rand(1, 7)
    u, v = pairs.first[9].item(), pairs.second[9].item()

    def said(*on):
        part = torch.zeros(1, 7)
        part[:, on] = a[:, on]
        return model.unit_head(part)

    together = said(u, v) - said(u) - said(v) + said()
    torch.testing.assert_close(together[0], pairs.raw_weights[:, 9] * a[0, u] * a[0, v])
