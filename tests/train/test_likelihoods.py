"""Log likelihoods against SciPy, the divergence against torch and with a pencil."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, norm

from cisgram.train.likelihoods import (
    charged,
    divergence,
    gaussian,
    negative_binomial,
    zero_inflated,
)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), dispersion=st.floats(0.01, 10))
def test_counts_have_the_likelihood_of_scipy(seed, dispersion):
    random = np.random.default_rng(seed)
    y, log_mean = random.integers(0, 60, (7, 3)), random.normal(1, 1, (7, 3))
    mean, size = np.exp(log_mean), 1 / dispersion
    expected = nbinom.logpmf(y, size, size / (size + mean))
    found = negative_binomial(torch.tensor(y).double(), torch.tensor(log_mean), dispersion)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-7, atol=1e-9)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), dispersion=st.floats(0.01, 10))
def test_zero_inflated_counts_have_the_likelihood_of_a_mixture(seed, dispersion):
    random = np.random.default_rng(seed)
    y, log_mean = random.integers(0, 4, (7, 3)), random.normal(0, 1, (7, 3))
    logit = random.normal(0, 2, (7, 3))
    zero, size = 1 / (1 + np.exp(-logit)), 1 / dispersion
    counted = nbinom.pmf(y, size, size / (size + np.exp(log_mean)))
    expected = np.log(zero * (y == 0) + (1 - zero) * counted)
    found = zero_inflated(
        torch.tensor(y).double(), torch.tensor(log_mean), dispersion, torch.tensor(logit)
    )
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-7, atol=1e-9)


def test_probabilities_of_all_counts_sum_to_one():
    y, flat = torch.arange(400).double(), torch.full((400,), 1.0, dtype=torch.float64)
    assert negative_binomial(y, flat, 0.7).exp().sum().item() == pytest.approx(1, abs=1e-9)
    assert zero_inflated(y, flat, 0.7, 0.3 * flat).exp().sum().item() == pytest.approx(1, abs=1e-9)


def test_numbers_have_the_density_of_scipy():
    y, mean, log_sd = (torch.randn(3, 50, dtype=torch.float64) for _ in range(3))
    expected = norm.logpdf(y, mean, log_sd.exp())
    np.testing.assert_allclose(gaussian(y, mean, log_sd).numpy(), expected, rtol=1e-9)


def test_the_divergence_is_that_of_torch_and_zero_only_for_the_prior():
    mean, log_variance = (torch.randn(5, 4, dtype=torch.float64) for _ in range(2))
    drawn = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(drawn, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(divergence(mean, log_variance), expected)
    assert divergence(torch.zeros(1), torch.zeros(1)).item() == 0


def test_free_nats_leave_no_slope_where_little_is_said():
    mean = torch.tensor([[0.1, 2.0]], requires_grad=True)  # 0.005 and 2 nats
    charged(divergence(mean, torch.zeros(1, 2)), 0.05).backward()
    assert mean.grad.tolist() == [[0.0, 2.0]]
