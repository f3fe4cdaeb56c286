import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cisgram.core.checks import _is_onehot, check_onehot, check_positive
from cisgram.core.errors import InputError

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
INTEGERS = [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64]


def onehot(n=3, length=7, dtype=torch.float32):
    codes = torch.randint(0, 5, (n, length), generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.one_hot(codes, 5)[..., :4].transpose(1, 2).to(dtype)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, torch.bool])
def test_one_hot_of_every_dtype_is_taken(dtype):
    x = onehot(dtype=dtype)
    check_onehot(x)
    check_onehot(x.contiguous())
    check_onehot(x.flip(1, 2))
    check_onehot(x[:0])
    check_onehot(x[..., :0])
    check_onehot(torch.zeros_like(x))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("wrong", ["nan", "inf", "-inf", "-1", "0.5", "2", "1e-7", "tiny", "near"])
def test_one_other_number_is_found_wherever_it_is(dtype, wrong):
    facts = torch.finfo(dtype)
    value = {"tiny": facts.smallest_normal, "near": 1 + facts.eps}.get(wrong)
    x = onehot(40, 501, dtype)  # several of the pieces that are looked at one by one
    x[-1, 2, 3] = float(wrong) if value is None else value
    with pytest.raises(InputError, match="only 0 and 1"):
        check_onehot(x)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8])
def test_every_byte_but_0_and_1_is_refused(dtype):
    """16 * 16 is 0 in eight bits: no wrong byte may hide behind its own overflow."""
    for value in range(256):
        x = onehot(dtype=torch.uint8)
        x[1, 0, 0] = value
        x[1, 1:, 0] = 0
        assert _is_onehot(x.view(dtype)) == (value in (0, 1))


@given(st.lists(st.sampled_from([0.0, 1.0, -0.0, 2.0, -1.0, 1e-20, 0.25]), min_size=8, max_size=8))
@settings(deadline=None, derandomize=True)
def test_the_quick_answer_is_the_plain_one(values):
    x = torch.tensor(values).view(1, 4, 2)
    plain = bool(((x == 0) | (x == 1)).all()) and not bool((x.sum(1) > 1).any())
    assert _is_onehot(x) == plain


@pytest.mark.parametrize("dtype", [torch.float32, torch.int8, torch.bool])
def test_two_bases_at_a_position_are_named(dtype):
    x = torch.zeros(300, 4, 501, dtype=dtype)
    x[299, 1, 400] = x[299, 2, 400] = 1
    with pytest.raises(InputError, match=r"x\[299\] has more than one base at position 400 \(1 s"):
        check_onehot(x)


def test_the_check_leaves_no_trace():
    x = onehot().requires_grad_()
    before = x.detach().clone()
    check_onehot(x)
    assert torch.equal(x, before)
    assert x.grad_fn is None
    with torch.inference_mode():
        check_onehot(onehot())


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "1", None])
def test_counts_start_at_one(value):
    with pytest.raises(InputError, match="n must be an integer of at least 1"):
        check_positive(value, name="n")
