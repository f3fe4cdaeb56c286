"""The quick layers against torch's own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from torch import nn

from cisgram.core.errors import UnknownName
from cisgram.models import layers
from cisgram.models.layers import Dropout, Exponential, convolved, keep_mask, with_its_layout


def same(ours, plain, x):
    """Values and all gradients of two modules agree within rounding."""
    ours.load_state_dict(plain.state_dict())
    results = []
    for module in (ours, plain):
        point = x.clone().requires_grad_()
        out = module(point)
        weight = torch.linspace(-1, 1, out.numel()).view(out.shape)
        grads = torch.autograd.grad((out * weight).sum(), [point, *module.parameters()])
        results.append((out.detach(), *grads))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@given(
    width=st.integers(1, 7),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    padding=st.one_of(st.integers(0, 4), st.sampled_from(["same", "valid"])),
    groups=st.sampled_from([1, 2, 4]),
    bias=st.booleans(),
    mode=st.sampled_from(["zeros", "zeros", "circular"]),
    layout=st.sampled_from(["plain", "transposed"]),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_convolution_equals_torch(width, stride, dilation, padding, groups, bias, mode, layout):
    if padding == "same":
        stride = 1  # torch allows no other
        width |= 1  # and warns, once a process, where both sides cannot be padded alike
    torch.manual_seed(0)
    options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "bias": bias,
        "padding_mode": mode,
    }
    x = torch.randn(2, 4, 23, generator=torch.Generator().manual_seed(0))
    if layout == "transposed":
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
    same(layers.Conv1d(4, 8, width, **options), nn.Conv1d(4, 8, width, **options), x)


@given(
    kernel=st.integers(1, 5),
    stride=st.one_of(st.none(), st.integers(1, 4)),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    ceil_mode=st.booleans(),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_pooling_equals_torch(kernel, stride, padding, dilation, ceil_mode):
    padding = min(padding, kernel // 2)
    options = {"padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    x = torch.randn(2, 3, 23, generator=torch.Generator().manual_seed(0))
    same(layers.MaxPool1d(kernel, stride, **options), nn.MaxPool1d(kernel, stride, **options), x)


def test_pooling_gives_indices_when_asked():
    x = torch.randn(2, 3, 10)
    ours, plain = (m.MaxPool1d(2, return_indices=True)(x) for m in (layers, nn))
    assert all(torch.equal(a, b) for a, b in zip(ours, plain, strict=True))


def test_one_sequence_without_a_batch_axis_goes_through():
    conv, x = layers.Conv1d(4, 3, 5), torch.randn(4, 20)
    torch.testing.assert_close(conv(x), conv(x[None])[0])
    assert layers.MaxPool1d(2)(x).shape == (4, 10)


@pytest.mark.parametrize("p", [0.5, 0.25, 0.1, 0.37, 0.9])
def test_dropout_keeps_the_share_that_it_says(p):
    torch.manual_seed(0)
    mask = keep_mask(torch.empty(400, 500), p)
    kept = round(256 * (1 - p)) / 256
    n = int((mask > 0).sum())
    assert binomtest(n, mask.numel(), kept).pvalue > 1e-4
    assert set(mask.unique().tolist()) == {0.0, mask.max().item()}
    assert mask.max().item() == pytest.approx(1 / kept)  # so the mean is preserved
    assert abs(kept - (1 - p)) <= 1 / 512


def test_dropout_preserves_the_mean():
    torch.manual_seed(0)
    x = torch.rand(300, 400) + 1
    assert Dropout(0.3)(x).mean().item() == pytest.approx(x.mean().item(), rel=0.01)


def test_dropout_is_repeatable_and_never_twice_the_same():
    x = torch.ones(7, 9)
    torch.manual_seed(4)
    a, b = Dropout(0.5)(x), Dropout(0.5)(x)
    torch.manual_seed(4)
    assert torch.equal(Dropout(0.5)(x), a)
    assert not torch.equal(a, b)


def test_dropout_does_nothing_in_eval_mode_or_without_a_share():
    x = torch.randn(3, 4)
    assert Dropout(0.5).eval()(x) is x
    assert torch.equal(Dropout(0.0)(x), x)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1)])
def test_mask_lies_in_memory_as_its_input_does(order):
    """One draw, laid out as the input: elements and strides, whatever the memory layout."""
    x = torch.randn(3, 4, 5).permute(order)
    mask = keep_mask(x, 0.5)
    assert mask.shape == x.shape
    assert mask.stride() == x.stride()
    torch.manual_seed(1)
    laid = keep_mask(x, 0.3)
    torch.manual_seed(1)
    flat = keep_mask(torch.empty(60), 0.3)
    back = laid.permute([order.index(d) for d in range(3)])
    assert torch.equal(back.flatten(), flat)


@pytest.mark.parametrize("shape", [(0, 3), (), (1,), (3, 0, 2)])
def test_dropout_takes_any_shape(shape):
    assert Dropout(0.5)(torch.ones(shape)).shape == shape


def test_dropout_of_everything_gives_zeros():
    assert Dropout(1.0)(torch.ones(5)).tolist() == [0.0] * 5


def test_gradient_of_dropout_is_its_mask():
    torch.manual_seed(0)
    x = torch.randn(4, 50, requires_grad=True)
    out = Dropout(0.5)(x)
    (g,) = torch.autograd.grad(out.sum(), x)
    torch.testing.assert_close(g * x.detach(), out.detach())


def test_an_exponential_first_layer_starts_with_the_same_filters_a_tenth_the_size():
    made = {}
    for first in ("relu", "exponential"):
        torch.manual_seed(0)
        made[first] = convolved((8, 6), [(7, 2), (3, 1)], 20, first=first)
    (plain, left), (other, also_left) = made["relu"], made["exponential"]
    assert left == also_left
    assert [type(m) for m in plain[3:]] == [type(m) for m in other[3:]]
    assert isinstance(other[2], Exponential)
    torch.testing.assert_close(other[0].weight, plain[0].weight / 10)
    torch.testing.assert_close(other[4].weight, plain[4].weight)
    x = torch.tensor([[-1.0, 0.0, 2.0]])
    torch.testing.assert_close(other[2](x), torch.exp(x))
    # behind the norm their size is not seen
    codes = torch.eye(4)[torch.randint(0, 4, (64, 20))].transpose(1, 2)
    ours, theirs = (m[1].train()(m[0](codes)) for m in (other, plain))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=5e-2)


def test_another_first_nonlinearity_is_refused_with_those_there_are():
    with pytest.raises(UnknownName, match="exponential"):
        convolved((8,), [(7, 2)], 20, first="exponentail")


@pytest.mark.parametrize("training", [True, False])
def test_norm_equals_torch(training):
    x = torch.randn(5, 6, 11, generator=torch.Generator().manual_seed(0))
    ours, plain = (m(6).train(training) for m in (layers.BatchNorm1d, nn.BatchNorm1d))
    same(ours, plain, x.transpose(1, 2).contiguous().transpose(1, 2))
    torch.testing.assert_close(ours.running_var, plain.running_var)
    torch.testing.assert_close(ours(x[:, :, 0]), plain(x[:, :, 0]))  # behind a dense layer


@pytest.mark.parametrize("reduce", [lambda x: x.max(-1).values, lambda x: x.mean(2)])
def test_gradient_in_the_layout_of_a_tensor_is_the_same_gradient(reduce):
    x = torch.randn(3, 4, 7, generator=torch.Generator().manual_seed(0))
    laid = x.transpose(1, 2).contiguous().transpose(1, 2)
    found = []
    for point in (x, laid):
        middle = with_its_layout(point.requires_grad_() * 1)
        middle.register_hook(found.append)
        reduce(middle).square().sum().backward()
    torch.testing.assert_close(found[0], found[1])
    assert found[1].stride() == laid.stride() != found[0].stride()
