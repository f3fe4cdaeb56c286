"""Removal curves, sensitivity-n and random weights on models solved with a pencil."""

import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.trust import (
    area,
    backgrounds,
    deletion,
    insertion,
    likeness,
    losses,
    random_deletion,
    rank_agreement,
    sensitivity,
    subsets,
)
from cisgram.trust.removal import ORDERS

N, LENGTH = 40, 20


@pytest.fixture
def linear():
    """A linear model, sequences, backgrounds, and each position's exact contribution."""
    random = np.random.default_rng(0)
    weight = random.normal(0, 1, (4, LENGTH))
    codes = random.integers(0, 4, (N, LENGTH)).astype(np.uint8)
    lent = backgrounds(codes, n=3, seed=1)

    def output(x):
        return weight[x, np.arange(LENGTH)].sum(1)

    lost = weight[codes, np.arange(LENGTH)] - weight[lent, np.arange(LENGTH)].mean(1)
    return output, codes, lent, lost


def test_the_deletion_curve_of_a_linear_model_is_its_sorted_contributions(linear):
    output, codes, lent, lost = linear
    curve = deletion(output, codes, lost, lent, steps=LENGTH)
    fallen = np.cumsum(-np.sort(-lost, 1), 1)
    exact = output(codes)[:, None] - np.c_[np.zeros(N), fallen]
    assert np.allclose(curve, exact, atol=1e-9)
    back = insertion(output, codes, lost, lent, steps=LENGTH)
    risen = np.c_[np.zeros(N), fallen]
    assert np.allclose(back, exact[:, -1:] + risen, atol=1e-9)


def test_perfect_attributions_have_the_exact_area_and_random_ones_none(linear):
    output, codes, lent, lost = linear
    perfect = area(deletion(output, codes, lost, lent, steps=LENGTH))
    control = area(random_deletion(output, codes, lent, steps=LENGTH, orders=60))
    straight = output(codes) - lost.sum(1) / 2  # mean over all orders: a straight line
    assert control.mean() == pytest.approx(straight.mean(), abs=0.1)  # 3 errors
    place = np.arange(1, LENGTH + 1)
    weights = (LENGTH - place + 0.5) / LENGTH  # of the trapezoid rule
    exact = output(codes) - (-np.sort(-lost, 1) * weights).sum(1)
    assert np.allclose(perfect, exact, atol=1e-9)
    random = np.random.default_rng(5).random((N, LENGTH))
    nothing = straight - area(deletion(output, codes, random, lent, steps=LENGTH))
    assert abs(nothing.mean()) < 3 * nothing.std() / np.sqrt(N)
    worst = area(deletion(output, codes, -lost, lent, steps=LENGTH))
    assert (worst >= perfect).all()


def test_curves_do_not_depend_on_the_order_or_the_number_of_the_sequences(linear):
    output, codes, lent, lost = linear
    flat = np.zeros_like(lost)  # ties are broken at random
    whole = deletion(output, codes, flat, lent, seed=3)
    part = deletion(output, codes[[7, 2]], flat[[7, 2]], lent[[7, 2]], seed=3)
    assert np.array_equal(part, whole[[7, 2]])
    assert not np.array_equal(whole, deletion(output, codes, flat, lent, seed=4))
    control = random_deletion(output, codes, lent, seed=3)
    assert np.array_equal(random_deletion(output, codes[[7]], lent[[7]], seed=3), control[[7]])
    assert ORDERS > 1


def test_the_ends_of_a_curve_are_the_sequence_and_its_backgrounds(linear):
    output, codes, lent, lost = linear
    curve = deletion(output, codes, lost, lent, steps=7)
    assert curve.shape == (N, 8)
    assert np.allclose(curve[:, 0], output(codes))
    each = output(lent.reshape(-1, LENGTH)).reshape(N, -1)
    assert np.allclose(curve[:, -1], each.mean(1))


def test_what_does_not_fit_is_refused(linear):
    output, codes, lent, lost = linear
    with pytest.raises(InputError, match="need a ranking"):
        deletion(output, codes, lost[:, 1:], lent)
    with pytest.raises(InputError, match="not finite"):
        deletion(output, codes, lost * np.nan, lent)
    with pytest.raises(InputError, match="size must be 1 to 20"):
        subsets(codes, 21)
    with pytest.raises(InputError, match="must share"):
        rank_agreement(lost, lost[1:])


def test_sensitivity_of_exact_contributions_is_one_at_every_size(linear):
    output, codes, lent, lost = linear
    for size in (1, 4, 10):
        chosen = subsets(codes, size, seed=2)
        assert (chosen.sum(2) == size).all()
        fell = losses(output, codes, chosen, lent)
        assert np.allclose(fell, (chosen * lost[:, None]).sum(2), atol=1e-9)
        assert sensitivity(lost, chosen, fell) == pytest.approx(np.ones(N))
        assert sensitivity(-lost, chosen, fell) == pytest.approx(-np.ones(N))
    random = np.random.default_rng(0).random((N, LENGTH))
    assert abs(np.nanmean(sensitivity(random, chosen, fell))) < 0.15
    assert np.isnan(sensitivity(np.zeros_like(lost), chosen, fell)).all()


def test_sets_depend_on_seed_and_letters_alone(linear):
    _, codes, *_ = linear
    assert np.array_equal(subsets(codes, 5)[[3]], subsets(codes[[3]], 5))
    assert not np.array_equal(subsets(codes, 5), subsets(codes, 5, seed=1))


def test_attributions_that_ignore_the_weights_are_alike_and_others_are_not():
    random = np.random.default_rng(0)
    x = random.random((50, 100))
    assert likeness(x, -2 * x) == pytest.approx(np.ones(50))
    assert rank_agreement(x, -2 * x) == pytest.approx(-np.ones(50))
    assert abs(likeness(x, random.random((50, 100))).mean()) < 0.05
    assert np.isnan(likeness(x, np.zeros_like(x))).all()
