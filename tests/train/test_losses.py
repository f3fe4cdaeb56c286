import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, pearsonr, poisson

from cisgram.core.errors import InputError
from cisgram.train import loss_function

NAN = math.nan


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 20), t=st.integers(1, 4))
def test_without_missing_labels_the_losses_are_the_plain_means_to_the_last_bit(seed, n, t):
    g = torch.Generator().manual_seed(seed)
    out, y = torch.randn(n, t, generator=g), torch.randint(0, 2, (n, t), generator=g).float()
    weight = torch.rand(t, generator=g) + 0.5
    expected = {
        "bce": F.binary_cross_entropy_with_logits(out, y),
        "mse": F.mse_loss(out, y),
        "poisson": F.poisson_nll_loss(out, y),
    }
    for name, value in expected.items():
        assert loss_function(name)(out, y).item() == value.item()
    weighted = F.binary_cross_entropy_with_logits(out, y, pos_weight=weight)
    assert loss_function("bce", positive_weight=weight)(out, y).item() == weighted.item()
    missed = -torch.expm1(-F.binary_cross_entropy_with_logits(out, y, reduction="none"))
    focal = missed**2 * F.binary_cross_entropy_with_logits(out, y, reduction="none")
    assert loss_function("focal")(out, y).item() == pytest.approx(focal.mean().item(), rel=1e-5)
    truth = torch.randint(0, t, (n,), generator=g)
    each = F.cross_entropy(out, truth, reduction="none")
    assert loss_function("cross_entropy")(out, F.one_hot(truth, t).float()).item() == each.mean()


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 20), t=st.integers(3, 9))
def test_pearson_is_one_minus_the_correlation_of_a_sequence_over_its_outputs(seed, n, t):
    g = torch.Generator().manual_seed(seed)
    out, y = torch.randn(n, t, generator=g), torch.randn(n, t, generator=g)
    expected = np.mean([1 - pearsonr(a, b).statistic for a, b in zip(out, y, strict=True)])
    loss = loss_function("pearson")
    assert loss(out, y).item() == pytest.approx(expected, abs=1e-5)
    assert loss(3 * out + 7, y).item() == pytest.approx(loss(out, y).item(), abs=1e-4)
    a, b = (v - v.mean(1, keepdim=True) for v in (out, y))
    plain = (1 - (a * b).sum(1) / ((a**2).sum(1) * (b**2).sum(1)).sqrt()).mean()
    assert loss(out, y).item() == plain.item()
    # two more outputs without labels change nothing
    more = torch.cat([out, torch.randn(n, 2, generator=g)], 1)
    missing = torch.cat([y, torch.full((n, 2), NAN)], 1)
    assert loss(more, missing).item() == pytest.approx(loss(out, y).item(), abs=1e-6)


def test_pearson_leaves_out_sequences_whose_labels_do_not_vary():
    y = torch.tensor([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0], [5.0, NAN, NAN]])
    out = torch.tensor([[2.0, 4.0, 6.0], [1.0, 0.0, 9.0], [1.0, 0.0, 9.0]], requires_grad=True)
    value = loss_function("pearson")(out, y)
    value.backward()
    assert value.item() == pytest.approx(0.0, abs=1e-6)
    assert torch.isfinite(out.grad).all()
    assert out.grad[1:].abs().max() == 0


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), dispersion=st.floats(0.01, 10))
def test_negative_binomial_is_the_likelihood_of_scipy(seed, dispersion):
    random = np.random.default_rng(seed)
    y, log_mean = random.integers(0, 60, (7, 3)).astype(float), random.normal(1, 1, (7, 3))
    mean, size = np.exp(log_mean), 1 / dispersion
    expected = -nbinom.logpmf(y, size, size / (size + mean)).mean()
    loss = loss_function("negative_binomial", dispersion=dispersion)
    found = loss(torch.tensor(log_mean, dtype=torch.float32), torch.tensor(y).float())
    assert found.item() == pytest.approx(expected, rel=2e-3, abs=2e-3)


def test_a_negative_binomial_of_little_dispersion_is_a_poisson_distribution():
    y, out = torch.tensor([[0.0, 3.0, 9.0]]), torch.tensor([[0.1, 1.0, 2.0]])
    near = loss_function("negative_binomial", dispersion=1e-3)(out, y).item()
    assert near == pytest.approx(-poisson.logpmf(y, out.exp()).mean(), abs=0.02)


def test_focal_loss_without_gamma_is_bce_and_with_it_weighs_what_is_missed():
    out, y = torch.tensor([[0.0, 3.0]]), torch.tensor([[1.0, 1.0]])
    bce = F.binary_cross_entropy_with_logits(out, y, reduction="none")
    assert loss_function("focal", gamma=0.0)(out, y).item() == pytest.approx(bce.mean().item())
    missed = 1 - torch.sigmoid(out)
    expected = (missed**2 * bce).mean().item()
    assert loss_function("focal", gamma=2.0)(out, y).item() == pytest.approx(expected)


def test_weights_of_outputs_are_relative_and_one_of_zero_leaves_its_output_out():
    out, y = torch.tensor([[0.3, -2.0], [1.5, 0.1]]), torch.tensor([[1.0, 0.0], [0.0, NAN]])
    plain = loss_function("mse")(out, y).item()
    even = loss_function("mse", task_weights=torch.tensor([2.0, 2.0]))(out, y).item()
    assert even == pytest.approx(plain)
    first = loss_function("mse", task_weights=torch.tensor([5.0, 0.0]))(out, y).item()
    assert first == pytest.approx(((0.3 - 1) ** 2 + 1.5**2) / 2)


def test_a_class_that_weighs_double_counts_double_as_in_torch():
    out = torch.tensor([[0.3, -2.0, 0.0], [1.5, 0.1, 1.0], [0.0, 0.0, 2.0]])
    truth, weight = torch.tensor([0, 1, 0]), torch.tensor([1.0, 2.0, 1.0])
    found = loss_function("cross_entropy", positive_weight=weight)(out, F.one_hot(truth, 3).float())
    assert found.item() == pytest.approx(F.cross_entropy(out, truth, weight=weight).item())
    with_missing = torch.cat([F.one_hot(truth, 3).float(), torch.full((1, 3), NAN)])
    more = loss_function("cross_entropy", positive_weight=weight)(
        torch.cat([out, out[:1]]), with_missing
    )
    assert more.item() == found.item()


def test_an_unknown_loss_and_idle_weights_are_refused():
    with pytest.raises(InputError, match=r"poison.*poisson"):
        loss_function("poison")
    with pytest.raises(InputError, match="one number a sequence"):
        loss_function("pearson", task_weights=torch.ones(3))


@pytest.mark.parametrize("name", ["bce", "focal", "mse", "poisson", "negative_binomial"])
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
