"""Autoencoders of matrices on planted ones; likelihood, coordinates, resuming, refusals."""

import numpy as np
import pytest
import torch

from cisgram.core.errors import InputError
from cisgram.data.matrix_fills import FILLS, best_fill, both_means, components, shrunken
from cisgram.models.matrix_autoencoder import MatrixAutoencoder
from cisgram.train.imputation import (
    AutoencoderOptions,
    coordinates,
    expected_counts,
    fit_matrix,
    guesses,
    likelihood_of,
    prepare_matrix,
)

QUICK = {"epochs": 30, "hidden": 32, "latent": 4, "members": 1, "learning_rate": 3e-3}


def planted(n=240, d=20, rank=2, seed=0, spread=0.1):
    random = np.random.default_rng(seed)
    return random.normal(0, 1, (n, rank)) @ random.normal(0, 1, (rank, d)) + random.normal(
        0, spread, (n, d)
    )


def split(values, seed=0):
    u = np.random.default_rng(seed).random(values.shape)
    return u < 0.1, (u >= 0.1) & (u < 0.15)


def rmse(a, b, at):
    return np.sqrt(((a - b)[at] ** 2).mean())


def test_components_find_the_hidden_numbers_of_a_matrix_of_low_rank():
    values = planted(spread=0.0)
    test, _ = split(values)
    holed = np.where(test, np.nan, values)
    assert rmse(components(holed, 2), values, test) < 0.01
    assert rmse(both_means(holed), values, test) > 0.5
    assert rmse(shrunken(holed, 0.005), values, test) < 0.2


def test_without_holes_components_are_the_truncated_decomposition():
    values = planted(n=30, d=8)
    center = values.mean(0)
    u, s, v = np.linalg.svd(values - center, full_matrices=False)
    np.testing.assert_allclose(components(values, 3), (u[:, :3] * s[:3]) @ v[:3] + center)


def test_the_rank_is_chosen_by_validation_numbers():
    values = planted(rank=3, spread=0.05)
    test, valid = split(values)
    assert best_fill("PCA", np.where(test, np.nan, values), valid)[1] == 3


def test_a_denoising_autoencoder_finds_a_curved_surface_that_components_do_not():
    values = np.sin(2 * planted(n=400, spread=0.0))  # two coordinates, and no plane
    test, valid = split(values)
    holed = np.where(test, np.nan, values)
    net, state = fit_matrix(holed, AutoencoderOptions(**QUICK), valid=valid)
    found = rmse(guesses(net, holed), values, test)
    assert found < 0.95 * rmse(best_fill("PCA", holed, valid)[0], values, test)
    assert found < 0.95 * rmse(both_means(holed), values, test)
    losses = [row["valid_loss"] for row in state.history]
    assert min(losses) == losses[state.best_epoch - 1]


def test_numbers_that_are_hidden_do_not_reach_the_network():
    values = planted(n=60)
    test, valid = split(values)
    holed = np.where(test, np.nan, values)
    other = np.where(valid, 99.0, holed)
    a, _ = fit_matrix(holed, AutoencoderOptions(**{**QUICK, "epochs": 1}), valid=valid)
    b = prepare_matrix(other, "gaussian", hidden=valid)
    known = prepare_matrix(holed, "gaussian", hidden=valid)
    torch.testing.assert_close(b.x * b.known, known.x * known.known)
    x = torch.randn(4, 20)
    mask = torch.ones(4, 20)
    mask[:, 3] = 0
    one = a(x, mask)[0].location
    x[:, 3] = 50.0
    torch.testing.assert_close(a(x, mask)[0].location, one)


def test_the_path_past_the_coordinates_starts_as_a_ridge_regression_on_the_others():
    random = np.random.default_rng(1)
    x = torch.tensor(random.normal(0, 1, (400, 5)) @ random.normal(0, 1, (5, 5)))
    net = MatrixAutoencoder(5, hidden=4, latent=2, dropout=0.0)
    net.start_past(x, torch.ones_like(x), 1e-9)
    weight = net.past.weight[:, :5].detach().double()
    for j in range(5):
        others = [i for i in range(5) if i != j]
        solved = torch.linalg.lstsq(x[:, others], x[:, j : j + 1]).solution[:, 0]
        torch.testing.assert_close(weight[j, others], solved, rtol=1e-3, atol=1e-3)
        assert weight[j, j] == 0


def planted_counts(n=300, d=40, seed=0):
    random = np.random.default_rng(seed)
    kind = random.integers(0, 3, n)
    profile = random.gamma(1.0, 3.0, (3, d))
    rate = profile[kind] * random.gamma(4.0, 0.25, (n, 1))
    return random.negative_binomial(4, 4 / (4 + rate)).astype(float), kind


@pytest.mark.parametrize("likelihood", ["nb", "zinb"])
def test_a_variational_autoencoder_of_counts_uses_its_coordinates(likelihood):
    values, kind = planted_counts()
    test, valid = split(values)
    holed = np.where(test, np.nan, values)
    options = AutoencoderOptions(
        **QUICK | {"kind": "variational", "likelihood": likelihood, "epochs": 40}
    )
    net, state = fit_matrix(holed, options, valid=valid)
    best = state.history[state.best_epoch - 1]
    assert best["divergence"] > 1
    assert best["active"] >= 2
    mean, log_variance = coordinates(net, holed)
    assert log_variance.shape == mean.shape == (300, 4)
    centers = np.stack([mean[kind == k].mean(0) for k in range(3)])
    nearest = ((mean[:, None] - centers) ** 2).sum(2).argmin(1)
    assert (nearest == kind).mean() > 0.9
    found, plain = guesses(net, holed)[test], expected_counts(holed)[test]
    assert ((found - values[test]) ** 2).mean() < ((plain - values[test]) ** 2).mean()


def test_expected_counts_have_the_margins_of_what_is_known():
    values, _ = planted_counts(n=30, d=8)
    values[3, 4] = np.nan
    expected = expected_counts(values)
    known = ~np.isnan(values)
    np.testing.assert_allclose(np.where(known, expected, 0).sum(1), np.nansum(values, 1), rtol=1e-3)


def test_a_killed_training_ends_with_the_same_bytes(tmp_path):
    values = planted(n=60)
    _, valid = split(values)
    options = AutoencoderOptions(**{**QUICK, "epochs": 6})
    whole, _ = fit_matrix(values, options, valid=valid, seed=3)

    class Killed(Exception):
        pass

    def stop(state):
        if len(state.history) == 3:
            raise Killed

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        fit_matrix(values, options, valid=valid, seed=3, checkpoint=path, progress=stop)
    resumed, state = fit_matrix(values, options, valid=valid, seed=3, checkpoint=path)
    assert len(state.seconds) == 3
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


def test_what_cannot_be_filled_is_refused():
    values = planted(n=10, d=4)
    with pytest.raises(InputError, match="counts, integers"):
        likelihood_of(values, "nb")
    values[2] = np.nan
    with pytest.raises(InputError, match="row 3"):
        prepare_matrix(values, "gaussian")
    with pytest.raises(InputError, match="nothing to learn"):
        prepare_matrix(np.ones((4, 4)), "gaussian")
    assert likelihood_of(np.array([[1.0, 2.0]]), "auto") == "nb"
    assert set(FILLS) >= {"column mean", "PCA"}
