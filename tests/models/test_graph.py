"""The graph of a forward pass: every operation, with its values, and the model left alone."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cisgram.core.errors import InputError
from cisgram.models.graph import INPUT, Value, mapped, record
from cisgram.seq import one_hot
from networks import NETWORKS

every = pytest.mark.parametrize("name", sorted(NETWORKS))


@pytest.fixture
def x():
    codes = torch.randint(0, 4, (3, 30), generator=torch.Generator().manual_seed(1))
    return one_hot(codes.numpy().astype("uint8")).float()


def replayed(graph, x):
    """The result of running the noted operations again on other sequences."""
    values = {INPUT: x}
    for at, operation in enumerate(graph.operations):
        for i, out in enumerate(operation.run(values)):
            values[Value(at, i)] = out
    return values[graph.result]


@every
@pytest.mark.parametrize("whole_layers", [False, True])
def test_the_operations_are_the_model(name, whole_layers, x):
    """They give its output again, on the same sequences and on others."""
    model = NETWORKS[name]()
    graph = record(model, x, whole_layers=whole_layers)
    with torch.no_grad():
        torch.testing.assert_close(graph.tensor(graph.result), model(x), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(replayed(graph, x), model(x), atol=1e-5, rtol=1e-4)
        other = x.flip(2)
        torch.testing.assert_close(replayed(graph, other), model(other), atol=1e-5, rtol=1e-4)


@every
def test_no_operation_changes_its_arguments(name, x):
    graph = record(NETWORKS[name](), x)
    assert not any(o.op._schema.is_mutable for o in graph.operations)


@every
def test_each_operation_reads_only_earlier_ones(name, x):
    graph = record(NETWORKS[name](), x)
    for at, operation in enumerate(graph.operations):
        assert operation.inputs
        assert all(v.operation < at for v in operation.inputs)


def test_operations_carry_the_module_that_ran_them(x):
    model = NETWORKS["BiLSTM"]()
    graph = record(model, x, model=model, whole_layers=True)
    at = {o.name: o.module for o in graph.operations}
    assert at["convolution"] == "conv"
    assert at["lstm_layer"] == "recurrent"
    assert at["relu"] == ""


@pytest.mark.parametrize(("name", "each"), [("BiLSTM", "lstm_layer"), ("BiGRU", "gru_layer")])
def test_whole_layers_are_one_operation_a_layer_and_direction(name, each, x):
    graph = record(NETWORKS[name](), x, whole_layers=True)
    names = [o.name for o in graph.operations]
    assert names.count(each) == 4
    steps = record(NETWORKS[name](), x)
    assert each not in [o.name for o in steps.operations]
    assert len(steps.operations) > 10 * len(graph.operations)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_packed_sequence_is_noted_step_by_step(kind, x):
    """Rows of several lengths have no whole layer."""
    layer = kind(4, 3, batch_first=True).requires_grad_(False)

    def f(x):
        lengths = torch.tensor([30, 20, 10])
        packed = nn.utils.rnn.pack_padded_sequence(x.transpose(1, 2), lengths, batch_first=True)
        return layer(packed)[1][0].sum((0, -1) if kind is nn.LSTM else -1)

    graph = record(f, x, whole_layers=True)
    torch.testing.assert_close(graph.tensor(graph.result), f(x))
    assert not any("layer" in o.name for o in graph.operations)


def test_settings_of_torch_are_put_back_even_after_an_exception(x):
    def settings():
        return (
            torch._C._get_mkldnn_enabled(),
            torch.backends.mha.get_fastpath_enabled(),
            torch.backends.cudnn.enabled,
            torch.backends.cuda.flash_sdp_enabled(),
        )

    def fails(x):
        nn.LSTM(4, 2)(x.permute(2, 0, 1))
        msg = "broken on purpose"
        raise RuntimeError(msg)

    before = settings()
    with pytest.raises(RuntimeError, match="broken on purpose"):
        record(fails, x)
    assert settings() == before


def test_convolutions_keep_their_quick_kernel(x):
    """Only recurrent layers lose oneDNN: the setting holds while a convolution runs."""
    seen = []
    conv = nn.Conv1d(4, 2, 3)

    def f(x):
        seen.append(torch._C._get_mkldnn_enabled())
        return conv(x)

    record(f, x)
    assert seen == [torch._C._get_mkldnn_enabled()]


@pytest.mark.parametrize(
    ("f", "message"),
    [(lambda x: 3.0, "no tensor"), (lambda x: torch.zeros(3), "ignores its input")],
)
def test_refuses_what_gives_nothing_to_explain(f, message, x):
    with pytest.raises(InputError, match=message):
        record(f, x)


def test_kernels_run_in_place_of_operations(x):
    """The operation that is noted stays the same; only the way it runs is another."""
    calls = []

    def quick(a):
        calls.append(a.shape)
        return a.clamp(min=0)

    graph = record(torch.relu, x - 0.5, kernels={torch.ops.aten.relu.default: quick})
    assert calls == [x.shape]
    assert [o.name for o in graph.operations] == ["relu"]


@pytest.mark.parametrize("pad", [(2, 3), (0, 1), (30, 30)])
def test_circular_padding_is_noted_as_pieces(x, pad):
    """Torch writes it into views of an empty tensor, which no graph can follow."""

    def f(x):
        return F.pad(x, pad, mode="circular").cumsum(2)

    graph = record(f, x)
    assert torch.equal(graph.tensor(graph.result), f(x))
    assert torch.equal(replayed(graph, x.flip(2)), f(x.flip(2)))


def test_mapped_goes_into_what_holds_arguments():
    v = Value(3)
    assert mapped(lambda a: (a,), [v, (1,), {"k": None}]) == [(v,), ((1,),), {"k": (None,)}]
