"""Neurons cut out of their networks see just what they see there."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
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


class Forward(nn.Module):
    """A forward pass as a function of its own layers."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.steps = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.steps(self, x)


def inception(self, x):
    h = torch.cat([self.a(x).relu(), self.b(x).relu()], 1)
    return self.out(self.c(F.max_pool1d(h, 2)).relu().amax(2))


def cropped(self, x):
    h = torch.cat([self.a(x).relu()[:, :, 2:-2], self.b(x).relu()], 1)
    return self.out(self.c(h).relu().mean(2))


def upright(self, x):
    h = F.max_pool2d(self.a(x.unsqueeze(3)).relu(), (4, 1))
    return self.out(self.c(h).relu().amax((2, 3)))


def last(self, x):
    return self.out(self.row(self.a(x).transpose(1, 2).relu()).relu().mean(1))


def normed(self, x):
    h = self.row(self.norm(self.a(x).transpose(1, 2)))
    return self.out(self.c(F.gelu(h).transpose(1, 2)).relu().mean(2))


def conv(channels, out, width, **options):
    return nn.Conv1d(channels, out, width, **options)


USERS = {  # a model, and width, stride and channels of each convolution
    "two branches": (
        lambda: Forward(
            inception,
            a=conv(4, 6, 5, padding=2),
            b=conv(4, 6, 9, padding=4),
            c=conv(12, 5, 3),
            out=nn.Linear(5, 2),
        ),
        [(5, 1, 6), (9, 1, 6), (14, 2, 5)],
    ),
    "a branch cut to the other's length": (
        lambda: Forward(
            cropped, a=conv(4, 6, 5), b=conv(4, 6, 9), c=conv(12, 5, 3), out=nn.Linear(5, 2)
        ),
        [(5, 1, 6), (9, 1, 6), (11, 1, 5)],
    ),
    "positions on the third of four axes": (
        lambda: Forward(
            upright, a=nn.Conv2d(4, 6, (7, 1)), c=nn.Conv2d(6, 5, (3, 1)), out=nn.Linear(5, 2)
        ),
        [(7, 1, 6), (18, 4, 5)],
    ),
    "channels last": (
        lambda: Forward(last, a=conv(4, 6, 5), row=nn.Linear(6, 8), out=nn.Linear(8, 2)),
        [(5, 1, 6)],
    ),
    "a norm and a linear layer, channels last": (
        lambda: Forward(
            normed,
            a=conv(4, 6, 5),
            norm=nn.LayerNorm(6),
            row=nn.Linear(6, 8),
            c=conv(8, 4, 3),
            out=nn.Linear(4, 2),
        ),
        [(5, 1, 6), (60, 1, 4)],
    ),
}


@pytest.mark.parametrize("name", USERS)
def test_neurons_of_any_model_are_its_channels(name):
    """Each value is that of the convolution's channel, read from the model itself."""
    torch.manual_seed(0)
    build, expected = USERS[name]
    model = build().eval()
    found = layers(model, length=60)[:-1]
    assert [(layer.width, layer.stride, layer.channels) for layer in found] == expected
    x = torch.nn.functional.one_hot(torch.randint(4, (3, 60)), 4).transpose(1, 2).float()
    maps = {}
    for path, module in model.named_modules():
        module.register_forward_hook(lambda _, __, out, path=path: maps.update({path: out}))
    with torch.no_grad():
        model(x)
        for layer in found:
            start, position = layer.window.start, layer.window.position
            whole = maps[layer.module].reshape(3, layer.channels, -1)[:, :, position]
            cut = layer.window(x[:, :, start : start + layer.width])
            torch.testing.assert_close(cut, whole, atol=1e-5, rtol=1e-5)


def test_positions_of_a_transposed_convolution_lie_closer():
    model = nn.Sequential(
        conv(4, 6, 7, stride=2, padding=3), nn.ReLU(),
        nn.ConvTranspose1d(6, 4, 4, stride=2, padding=1), nn.ReLU(), Ends(),
    )  # fmt: skip
    assert [layer.stride for layer in layers(model, length=60)[:-1]] == [2, 1]
