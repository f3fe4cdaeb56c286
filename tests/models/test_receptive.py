"""Receptive fields against those that a pencil gives."""

import pytest
import torch
from torch import nn

from cisgram import models
from cisgram.core.errors import InputError
from cisgram.models.probe import find_layer
from cisgram.models.receptive import receptive_field
from toys import Broken, hooks_left, state_of


def field(model, name, length=60):
    found = receptive_field(model, find_layer(model, name, length=length), length=length)
    return found.offset, found.stride, found.width


class Residual(nn.Module):
    """A dilated residual stack of functional calls on two modules."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(4, 3, 5, padding=2)
        self.second = nn.Conv1d(3, 3, 3, padding=4, dilation=4)
        self.out = nn.Identity()

    def forward(self, x):
        h = torch.relu(self.first(x))
        return self.out(h + torch.tanh(self.second(h))).mean(2)


class Turned(nn.Module):
    """Channels last inside, as recurrent networks and transformers have them."""

    def __init__(self):
        super().__init__()
        self.conv, self.mix, self.lstm = (
            nn.Conv1d(4, 6, 4, stride=2),
            nn.Linear(6, 6),
            nn.LSTM(6, 5),
        )

    def forward(self, x):
        h = self.mix(self.conv(x).transpose(1, 2))  # (n, t, 6)
        return self.lstm(h.flip(1))[0].mean(1)


CONV = nn.Conv1d(4, 2, 5)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([CONV], (0, 1, 5)),
        ([nn.Conv1d(4, 2, 5, stride=3)], (0, 3, 5)),
        ([nn.Conv1d(4, 2, 3, dilation=4, padding=4)], (-4, 1, 9)),
        ([CONV, nn.ReLU(), nn.MaxPool1d(3)], (0, 3, 7)),
        ([CONV, nn.MaxPool1d(3), nn.Conv1d(2, 2, 2)], (0, 3, 10)),
        ([CONV, nn.MaxPool1d(3), nn.Conv1d(2, 2, 3, padding=1)], (-3, 3, 13)),
        ([CONV, nn.AvgPool1d(4, 2), nn.BatchNorm1d(2), nn.Conv1d(2, 2, 3, padding="same")],
         (-2, 2, 12)),
        ([nn.ConstantPad1d((6, 0), 0.25), CONV], (-6, 1, 5)),
        ([models.layers.Conv1d(4, 2, 3), models.layers.MaxPool1d(2, 2)], (0, 2, 4)),
    ],
)  # fmt: skip
def test_fields_are_what_a_pencil_gives(layers, expected):
    model = nn.Sequential(*layers)
    assert field(model, str(len(layers) - 1)) == expected


@pytest.mark.parametrize("length", [58, 59, 60, 61])
def test_letters_that_a_pooling_drops_at_the_end_change_nothing(length):
    model = nn.Sequential(CONV, nn.MaxPool1d(4), nn.Conv1d(2, 2, 3, padding=1))
    assert field(model, "2", length) == (-4, 4, 16)


def test_residual_paths_and_dilations_read_what_their_widest_path_reads():
    assert field(Residual(), "first") == (-2, 1, 5)
    assert field(Residual(), "out") == (-6, 1, 13)


def test_fields_wider_than_half_the_sequence_are_seen_whole():
    model = nn.Sequential(nn.Conv1d(4, 2, 31, padding=15), nn.Conv1d(2, 2, 21, padding=10))
    assert field(model, "1") == (-25, 1, 51)


def test_units_may_lie_on_the_last_axis():
    model = Turned()
    found = receptive_field(model, find_layer(model, "mix", length=60), length=60)
    assert (found.axis, found.offset, found.stride, found.width) == (1, 0, 2, 4)
    assert found.starts()[:3].tolist() == [0, 2, 4]


def test_a_single_position_has_a_field():
    assert field(nn.Sequential(nn.Conv1d(4, 2, 5)), "0", length=5) == (0, 1, 5)


@pytest.mark.parametrize(
    ("model", "name", "message"),
    [
        (nn.Sequential(CONV, nn.AdaptiveAvgPool1d(9)), "1", "equally spaced"),
        (nn.Sequential(CONV, nn.Flatten(), nn.Linear(112, 3)), "2", "reads the whole sequence"),
        (Turned(), "lstm", "equally spaced"),
        (nn.Sequential(nn.Identity(), CONV), "1.weight", "No layer"),
        (Residual(), "frist", "Did you mean 'first'"),
    ],
)
def test_layers_without_fields_of_their_own_are_refused(model, name, message):
    with pytest.raises(InputError, match=message):
        field(model, name)


def test_a_layer_with_the_sequences_on_its_second_axis_is_refused():
    class Second(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(4, 5)

        def forward(self, x):
            return self.lstm(x.permute(2, 0, 1))[0].mean(0)

    with pytest.raises(InputError, match=r"\(60, 1, 5\) for one sequence"):
        field(Second(), "lstm")


def test_a_layer_that_does_not_run_is_refused():
    model = Residual()
    model.spare = nn.Conv1d(3, 3, 3)
    with pytest.raises(InputError, match="'spare' gives nothing"):
        field(model, "spare")


def test_leaves_the_model_as_it_was():
    model = Residual().train()
    before = state_of(model)
    field(model, "out")
    assert state_of(model) == before
    broken = Broken()
    with pytest.raises(RuntimeError, match="broken on purpose"):
        field(broken, "conv")
    assert hooks_left(broken) == 0
    assert torch._C._get_mkldnn_enabled()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
def test_the_accelerators_kernels_do_not_blur_fields():
    for width in (3, 5, 11):
        model = nn.Sequential(nn.Conv1d(4, 64, width), nn.Conv1d(64, 64, 3, padding=1)).cuda()
        assert field(model, "1", 200) == (-1, 1, width + 2)
