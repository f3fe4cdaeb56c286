import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cisgram.core.errors import InputError
from cisgram.train import loss_function

NAN = math.nan


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 20), t=st.integers(1, 4))
def test_without_missing_labels_the_losses_are_those_of_torch(seed, n, t):
    g = torch.Generator().manual_seed(seed)
    out, y = torch.randn(n, t, generator=g), torch.randint(0, 2, (n, t), generator=g).float()
    weight = torch.rand(t, generator=g) + 0.5
    expected = {
        "bce": F.binary_cross_entropy_with_logits(out, y),
        "mse": F.mse_loss(out, y),
        "poisson": F.poisson_nll_loss(out, y),
    }
    for name, value in expected.items():
        torch.testing.assert_close(loss_function(name)(out, y), value)
    torch.testing.assert_close(
        loss_function("bce", positive_weight=weight)(out, y),
        F.binary_cross_entropy_with_logits(out, y, pos_weight=weight),
    )


@pytest.mark.parametrize("name", ["bce", "mse", "poisson"])
def test_a_missing_label_changes_neither_loss_nor_gradient(name):
    out = torch.tensor([[0.3, -2.0], [1.5, 40.0]], requires_grad=True)
    y = torch.tensor([[1.0, NAN], [0.0, NAN]])
    loss = loss_function(name)
    value = loss(out, y)
    value.backward()
    alone = out.detach()[:, :1].clone().requires_grad_()
    expected = loss(alone, y[:, :1])
    expected.backward()
    assert value.item() == expected.item()
    assert out.grad.tolist() == torch.cat([alone.grad, torch.zeros(2, 1)], 1).tolist()


def test_a_batch_without_labels_has_no_loss():
    assert loss_function("bce")(torch.ones(2, 1), torch.full((2, 1), NAN)).item() == 0.0


def test_a_positive_weight_of_three_counts_positives_thrice():
    loss = loss_function("bce", positive_weight=torch.tensor([3.0]))
    out, y = torch.zeros(2, 1), torch.tensor([[1.0], [0.0]])
    assert loss(out, y).item() == pytest.approx((3 + 1) / 2 * math.log(2))


def test_outputs_of_another_shape_are_refused_with_the_remedy():
    with pytest.raises(InputError, match=r"\(5, 1\) for labels of shape \(5, 3\).*n_outputs=3"):
        loss_function("bce")(torch.zeros(5, 1), torch.zeros(5, 3))


def test_weights_of_positives_follow_the_outputs_to_their_device():
    loss = loss_function("bce", positive_weight=torch.tensor([3.0]))
    meta = torch.device("meta")  # a device that every machine has
    assert loss(torch.zeros(2, 1, device=meta), torch.ones(2, 1, device=meta)).device == meta
