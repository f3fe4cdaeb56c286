"""Ascent through a generator that one can follow with a pencil."""

import numpy as np
import pytest
import torch

from cisgram.core.errors import InputError
from cisgram.design import maximize
from cisgram.models.generator import Generator, GeneratorCard

CARD = GeneratorCard(length=4, latent=4, channels=4, blocks=0, width=1)


@pytest.fixture
def generator():
    """Position i is T where z_i > 0, else A: letters' logits are -5 z, 0, 0, 5 z."""
    model = Generator(CARD)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        for i in range(4):
            model.dense.weight[i, i] = 1.0  # channel 0, position i
        model.letters.weight[0, 0, 0], model.letters.weight[3, 0, 0] = -5.0, 5.0
    return model


def count_t(x):
    return x[:, 3].sum(1)


def test_every_ascent_ends_at_the_best_sequence(generator):
    found = maximize(generator, count_t, 6, steps=300, rate=0.1)
    assert (found.codes == 3).all()
    assert found.scores.tolist() == [4.0] * 6
    assert found.start_scores.tolist() == (found.start_codes == 3).sum(1).tolist()
    assert (found.step[found.start_scores < 4] > 0).all()
    assert set(np.unique(found.start_codes)) == {0, 3}


def test_a_score_is_never_worse_than_the_start(generator):
    worst = maximize(generator, lambda x: -0.0 * count_t(x), 5, steps=20)
    assert np.array_equal(worst.codes, worst.start_codes)
    assert (worst.step == 0).all()


def test_of_two_scores_their_mean_is_climbed(generator):
    def both(x):
        return torch.stack([count_t(x), -x[:, 3, 0] * 9]).mean(0)  # but no T at the first

    found = maximize(generator, both, 6, steps=300)
    assert found.codes.tolist() == [[0, 3, 3, 3]] * 6


def test_the_prior_holds_points_where_they_were_trained(generator):
    with torch.no_grad():
        generator.dense.bias[:4] = -2.0  # T only where z_i > 2: far from the origin
        generator.letters.weight.mul_(0.1)
    free, held = (maximize(generator, count_t, 20, steps=300, prior=p) for p in (0.0, 1.0))
    assert (free.scores == 4).all()
    assert held.scores.mean() < 1


def test_the_generator_is_left_as_it_was_and_the_seed_decides(generator):
    before = {k: v.clone() for k, v in generator.state_dict().items()}
    one, two = (maximize(generator, count_t, 3, steps=5, seed=1) for _ in range(2))
    assert np.array_equal(one.codes, two.codes)
    assert all(torch.equal(v, generator.state_dict()[k]) for k, v in before.items())
    assert all(p.requires_grad for p in generator.parameters())


def test_a_score_that_is_no_number_a_sequence_is_refused(generator):
    with pytest.raises(InputError, match="one finite number a sequence"):
        maximize(generator, lambda x: x.sum(2), 3)
