import numpy as np
import pytest
import torch
from torch import nn

from cisgram.core.errors import InputError, StorageError
from cisgram.models import BothStrands, device_of, predict, untouched
from cisgram.seq import encode, reverse_complement
from cisgram.seq.alphabet import to_codes
from toys import Broken, Conv, Linear, state_of

TEXT = ["ACGTACGTACGT", "TTTTGGGGCCCC", "ACGTNNNNACGT", "NNNNNNNNNNNN", "GATTACAGATTA"]


@pytest.fixture
def x():
    return encode(TEXT)


class Tight(Linear):
    """A model on a machine whose memory holds so many sequences."""

    def __init__(self, room, error):
        super().__init__()
        self.room, self.error, self.tried = room, error, []

    def forward(self, x):
        self.tried.append(len(x))
        if len(x) > self.room:
            raise self.error
        return super().forward(x)


def test_output_is_the_models_own(x):
    model = Conv().eval()
    with torch.no_grad():
        torch.testing.assert_close(predict(model, x), model(x))


def test_batch_size_changes_nothing(x):
    whole = predict(Conv(), x)
    for batch_size in (1, 2, 3, 1000):
        torch.testing.assert_close(predict(Conv(), x, batch_size=batch_size), whole)


def test_order_changes_nothing(x):
    torch.testing.assert_close(predict(Conv(), x.flip(0)).flip(0), predict(Conv(), x))


def test_codes_one_hot_and_every_dtype_give_the_same(x):
    whole = predict(Conv(), x)
    assert torch.equal(predict(Conv(), to_codes(TEXT)), whole)
    assert torch.equal(predict(Conv(), x.numpy()), whole)
    for dtype in (torch.int8, torch.bool, torch.float64, torch.uint8):
        assert torch.equal(predict(Conv(), x.to(dtype)), whole)


def test_leaves_the_model_as_it_was(x):
    model = Conv().train()
    model.net[1].eval()
    model.net[0].weight.requires_grad_(False)
    before = state_of(model)
    predict(model, x)
    assert state_of(model) == before


def test_leaves_the_model_as_it_was_when_it_fails(x):
    model = Broken().train()
    before = state_of(model)
    with pytest.raises(RuntimeError, match="broken on purpose"):
        predict(model, x)
    assert state_of(model) == before


def test_goes_back_to_its_device_even_when_it_fails(x):
    class Moved(Broken):
        def to(self, device):
            moves.append(str(device))
            return self

    moves = []
    with pytest.raises((RuntimeError, NotImplementedError)):
        predict(Moved(), x, device="meta")
    assert moves == ["meta", "cpu"]


def test_output_is_free_of_the_graph_and_can_be_trained_on(x):
    y = predict(Conv(), x)
    assert not y.requires_grad
    (y * torch.ones(1, requires_grad=True)).sum().backward()  # no inference tensor


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
    ],
)
def test_batches_are_halved_until_they_fit(x, error):
    model = Tight(2, error)
    torch.testing.assert_close(predict(model, x, batch_size=5), predict(Linear(), x))
    assert model.tried == [5, 2, 2, 1]


def test_one_sequence_too_large_for_memory_is_one_clear_error(x):
    with pytest.raises(StorageError, match="One sequence does not fit") as caught:
        predict(Tight(0, MemoryError()), x)
    assert caught.value.exit_status == 4


def test_other_errors_go_their_way(x):
    model = Tight(2, RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        predict(model, x)
    assert model.tried == [5]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: x.transpose(1, 2), r"transpose\(1, 2\)"),
        (lambda x: x[0], r"unsqueeze\(0\)"),
        (lambda x: x * 0.5, "only 0 and 1"),
        (lambda x: x + 1, "only 0 and 1"),
        (lambda x: torch.where(x == 0, torch.nan, x), "only 0 and 1"),
        (torch.ones_like, "more than one base at position 0"),
        (lambda x: x[:0], "no sequences"),
        (lambda x: x[0].numpy(), "codes"),  # (4, length): one sequence is no table of codes
        (lambda x: to_codes(TEXT) + np.uint8(1), "codes"),
        (lambda x: to_codes(TEXT).astype(np.int64), "codes"),
        (lambda x: TEXT, "encode"),
    ],
)
def test_refuses_what_is_no_sequence(x, wrong, message):
    with pytest.raises(InputError, match=message):
        predict(Conv(), wrong(x))


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True])
def test_refuses_a_batch_of_nothing(x, batch_size):
    with pytest.raises(InputError, match="batch_size"):
        predict(Conv(), x, batch_size=batch_size)


def test_both_strands_is_the_mean_of_the_two(x):
    model = Conv().eval()
    mean = (predict(model, x) + predict(model, reverse_complement(x))) / 2
    torch.testing.assert_close(predict(BothStrands(model), x), mean)
    both = predict(BothStrands(model), reverse_complement(x))
    torch.testing.assert_close(both, mean)


def test_untouched_keeps_modes_that_differ_inside():
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(4)).train()
    model[1].eval()
    with untouched(model):
        assert not any(m.training for m in model.modules())
        assert not any(p.requires_grad for p in model.parameters())
    assert [m.training for m in model] == [True, False]
    assert all(p.requires_grad for p in model.parameters())


def test_device_of_a_model_without_weights_is_the_cpu():
    assert device_of(nn.ReLU()).type == "cpu"
    assert device_of(nn.Linear(2, 2, device="meta")).type == "meta"
