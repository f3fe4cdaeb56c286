import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cisgram import models
from cisgram.core.errors import InputError
from cisgram.models.checkpoint import Mean
from cisgram.models.probe import core, first_convolution, recorded, silenced
from cisgram.seq import encode
from toys import Broken, Conv, Words, hooks_left


class Functional(nn.Module):
    """The nonlinearity is a function, which no hook can see."""

    def __init__(self, function):
        super().__init__()
        self.conv, self.function = nn.Conv1d(4, 3, 5), function

    def forward(self, x):
        return self.function(self.conv(x)).amax(2)


@pytest.mark.parametrize(
    ("layers", "at"),
    [
        ([nn.Conv1d(4, 3, 5)], 0),
        ([nn.Conv1d(4, 3, 5), nn.ReLU()], 1),
        ([nn.Conv1d(4, 3, 5), nn.BatchNorm1d(3), nn.ReLU()], 2),
        ([nn.Conv1d(4, 3, 5), nn.BatchNorm1d(3), nn.GELU(), nn.ReLU()], 2),
        ([nn.Conv1d(4, 3, 5), nn.BatchNorm1d(3), nn.MaxPool1d(2), nn.ReLU()], 1),
        ([nn.Conv1d(4, 3, 5), nn.MaxPool1d(2), nn.ReLU()], 0),
        ([nn.Identity(), nn.Conv1d(4, 4, 5), nn.Sigmoid(), nn.Conv1d(4, 4, 3), nn.ReLU()], 2),
    ],
)
def test_activation_is_what_follows_the_convolution_directly(layers, at):
    model = nn.Sequential(*layers)
    conv, activation = first_convolution(model, length=20)
    assert conv is next(m for m in layers if isinstance(m, nn.Conv1d))
    assert activation is layers[at]
    assert hooks_left(model) == 0


@pytest.mark.parametrize("function", [F.relu, torch.exp])
def test_a_function_as_nonlinearity_leaves_the_convolutions_own_output(function):
    model = Functional(function)
    assert first_convolution(model, length=20) == (model.conv, model.conv)


@pytest.mark.parametrize("name", ["demo-cnn", "demo-cnn-rnn", "deepbind"])
def test_the_zoos_filters_are_found(name):
    conv, activation = first_convolution(models.create(name), length=40)
    assert conv.in_channels == 4
    assert isinstance(activation, nn.ReLU)


@pytest.mark.parametrize("model", [nn.Sequential(nn.Flatten(), nn.Linear(80, 1)), nn.Identity()])
def test_a_model_without_filters_is_told_what_to_do_instead(model):
    with pytest.raises(InputError, match=r"no convolution over the four bases.* ism or saliency"):
        first_convolution(model, length=20)


def test_the_recurrent_network_has_no_filters():
    with pytest.raises(InputError, match="DemoRNN has no convolution"):
        first_convolution(models.create("demo-rnn"), length=20)


def test_no_hook_is_left_when_the_model_fails():
    model = Broken().train()
    with pytest.raises(RuntimeError, match="broken on purpose"):
        first_convolution(model, length=20)
    for look in (recorded(model.conv), silenced(model.conv, model.relu, torch.tensor([0]))):
        with pytest.raises(RuntimeError, match="broken on purpose"), look:
            model(torch.zeros(1, 4, 20))
    assert hooks_left(model) == 0
    assert all(m.training for m in model.modules())


def test_recording_gives_input_and_output_of_every_call():
    model, x = Conv().eval(), encode(["ACGTACGTACGT"])
    with recorded(model.net[0]) as calls:
        model(x)
        model(x)
    assert len(calls) == 2
    assert torch.equal(calls[0][0], x)
    assert torch.equal(calls[0][1], model.net[0](x))


def test_silencing_zeroes_the_channels_and_only_for_a_while():
    model, x = Words("ACG", "GTT"), encode(["ACGTTACGAAACG"])
    assert model(x).item() == 4
    with silenced(model.conv, model.relu, torch.tensor([0])):
        assert model(x).item() == 1
    with silenced(model.conv, model.relu, torch.tensor([0, 1])):
        assert model(x).item() == 0
    assert model(x).item() == 4


def test_a_nonlinearity_used_twice_is_silenced_after_the_convolution_only():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.mix, self.relu = nn.Conv1d(4, 2, 1), nn.Conv1d(2, 2, 1), nn.ReLU()
            with torch.no_grad():
                for p in self.parameters():
                    p.fill_(1.0)

        def forward(self, x):
            return self.relu(self.mix(self.relu(self.conv(x)))).sum((1, 2))[:, None]

    model, x = Shared(), encode(["A"])
    assert model(x).item() == 10  # filters 2 + 2, mixed 5 + 5
    with silenced(model.conv, model.relu, torch.tensor([0])):
        assert model(x).item() == 6  # filters 0 + 2, mixed 3 + 3


def test_core_looks_through_strands_and_ensembles():
    inner = Conv()
    assert core(inner) is inner
    assert core(models.BothStrands(inner)) is inner
    assert core(Mean([models.BothStrands(inner), Conv()])) is inner
