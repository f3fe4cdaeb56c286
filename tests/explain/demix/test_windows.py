"""Neurons cut out of their networks see just what they see there."""

import numpy as np
import pytest
import torch
from torch import nn

from cisgram import models
from cisgram.core.errors import InputError, NoFiltersError, UnknownName
from cisgram.explain.demix import demix, find_layer, layers, neurons
from explain.demix.wired import A, Ends, detector, network
from toys import Linear, hooks_left, state_of


class Residual(nn.Module):
    def __init__(self, dilation):
        super().__init__()
        self.conv = nn.Conv1d(6, 6, 3, dilation=dilation, padding=dilation)

    def forward(self, x):
        return torch.relu(x + self.conv(x))


class Swapped(nn.Module):
    """Channels last and back, with a norm over channels."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(6)

    def forward(self, x):
        return nn.functional.gelu(self.norm(x.transpose(1, 2)).transpose(1, 2))


def first(**options):
    return nn.Conv1d(4, 6, 5, **options)


CASES = {
    "padded": ([first(padding="same"), nn.ReLU(), nn.Conv1d(6, 3, 3, padding=1)], [5, 7], [1, 1]),
    "strided": ([first(stride=2), nn.ReLU(), nn.Conv1d(6, 3, 3, stride=3)], [5, 9], [2, 6]),
    "max pool": ([first(), nn.ReLU(), nn.MaxPool1d(3), nn.Conv1d(6, 3, 2)], [5, 10], [1, 3]),
    "overlapping pool": (
        [first(padding=2), nn.ReLU(), nn.MaxPool1d(4, 2, padding=1), nn.Conv1d(6, 3, 2)],
        [5, 10],
        [1, 2],
    ),
    "mean pool": ([first(), nn.ELU(), nn.AvgPool1d(2), nn.Conv1d(6, 3, 2)], [5, 8], [1, 2]),
    "norm": ([first(), nn.BatchNorm1d(6), nn.SiLU(), nn.Conv1d(6, 3, 2)], [5, 6], [1, 1]),
    "dilated residual": (
        [first(padding=2), nn.ReLU(), Residual(2), Residual(4), nn.Conv1d(6, 3, 1)],
        [5, 9, 17, 17],
        [1, 1, 1, 1],
    ),
    "norm over channels": ([first(), Swapped(), nn.Conv1d(6, 3, 2)], [5, 6], [1, 1]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_neuron_sees_what_the_pencil_says(case):
    torch.manual_seed(0)
    parts, widths, strides = CASES[case]
    model = nn.Sequential(*parts, Ends()).eval()
    found = layers(model, length=60)
    assert [layer.why_whole for layer in found[:-1]] == [""] * len(widths)
    assert [layer.width for layer in found[:-1]] == widths
    assert [layer.stride for layer in found[:-1]] == strides


@pytest.mark.parametrize("case", CASES)
def test_padding_never_reaches_a_neuron(case):
    """Its value is that of the map in the middle of any longer sequence."""
    torch.manual_seed(1)
    parts, *_ = CASES[case]
    model = nn.Sequential(*parts, Ends()).eval()
    layer = layers(model, length=60)[-2]
    x = torch.nn.functional.one_hot(torch.randint(4, (3, 60)), 4).transpose(1, 2).float()
    position, start = layer.window.position, layer.window.start
    with torch.no_grad():
        whole = model[:-1](x)[:, :, position]
        cut = layer.window(x[:, :, start : start + layer.width])
    torch.testing.assert_close(cut, whole, atol=1e-5, rtol=1e-5)


def test_levels_are_what_makes_a_neuron_blind():
    parts, *_ = CASES["dilated residual"]
    found = layers(nn.Sequential(*parts, Ends()), length=60)[-2]
    assert [level.kind for level in found.levels] == ["sum", "sum"]
    pooled = nn.Sequential(
        first(), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 6, 3, stride=2), nn.ReLU(),
        nn.AvgPool1d(3), nn.Conv1d(6, 1, 2), Ends(),
    )  # fmt: skip
    levels = layers(pooled, length=80)[-2].levels
    assert [(v.kind, v.choices) for v in levels] == [
        ("mean_pool", 3),
        ("stride", 2),
        ("max_pool", 2),
    ]


def test_where_positions_mix_the_whole_sequence_is_the_window():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.last = first(), nn.LayerNorm(56), nn.Conv1d(6, 2, 3)

        def forward(self, x):
            return self.last(torch.relu(self.norm(self.conv(x)))).mean(2)

    torch.manual_seed(0)
    found = layers(Mixed(), length=60)
    assert found[1].width == 60
    assert found[1].why_whole


def test_recurrent_heads_leave_the_convolution_readable():
    torch.manual_seed(0)
    found = layers(models.create("demo-cnn-rnn"), length=101)
    assert [(layer.name, layer.width) for layer in found] == [("conv1", 9), ("output", 101)]


def test_both_strands_of_deepbind_are_layers():
    torch.manual_seed(0)
    found = layers(models.create("deepbind"), length=101)
    assert [layer.width for layer in found[:2]] == [24, 24]


def test_the_table_of_neurons_names_the_dead_and_the_twins():
    conv = detector(A, A, A)
    with torch.no_grad():
        conv.weight[2] = -1
    table = neurons(network(conv, nn.ReLU()), length=30, n=20_000)
    own = table[table["layer"] == "conv1"]
    assert own["is_dead"].tolist() == [False, False, True]
    assert own["twin"].tolist() == [-1, 0, -1]
    # a full match or one mismatch: 1 + 18 of 4,096 words
    assert own["active"].iloc[0] == pytest.approx(19 / 4096, abs=0.002)


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(first(), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 1, 2), Ends()).train()
    before = state_of(model)
    demix(model, layer="conv1", neuron=1, length=30)
    assert state_of(model) == before
    assert hooks_left(model) == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layer": "conv7"}, UnknownName, "layer"),
        ({"neuron": 6, "layer": "conv1"}, InputError, "0 to 5; got 6"),
        ({"neuron": True, "layer": "conv1"}, InputError, "got True"),
        ({"by": "publshed"}, UnknownName, "published"),
        ({"parts": 0}, InputError, "parts"),
        ({"length": 0}, InputError, "length"),
        ({"start": np.zeros((3, 2), np.uint8)}, InputError, "shape"),
    ],
)
def test_wrong_arguments_are_named(options, error, message):
    model = nn.Sequential(first(), nn.ReLU(), nn.Conv1d(6, 1, 2), Ends())
    with pytest.raises(error, match=message):
        demix(model, **{"length": 30, **options})


def test_a_model_without_convolutions_has_no_neurons():
    with pytest.raises(NoFiltersError, match="no convolution"):
        find_layer(layers(Linear(), length=12), None)
