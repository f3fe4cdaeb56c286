"""Generator against critic: the penalty with a pencil, what is learned, feedback, resuming."""

import numpy as np
import pytest
import torch
from torch import nn

from cisgram.core.errors import InputError
from cisgram.models.generator import (
    Generator,
    GeneratorCard,
    load_generator,
    sample,
    save_generator,
)
from cisgram.seq import to_codes
from cisgram.seq.spectra import jensen_shannon, spectrum
from cisgram.train.adversarial import AdversarialOptions, fit_adversarial, gradient_penalty
from cisgram.train.feedback import Feedback, exchange

CARD = GeneratorCard(length=10, latent=8, channels=8, blocks=1, first=5)
QUICK = {"epochs": 4, "steps": 5, "batch_size": 16}


def sequences(n=200, seed=0):
    """AT-rich letters around a CGCG in the middle."""
    random = np.random.default_rng(seed)
    codes = random.choice([0, 3], (n, 10)).astype(np.uint8)
    codes[:, 3:7] = [1, 2, 1, 2]
    return codes


class Linear(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x):
        return (x * self.weight).sum((1, 2))


def test_the_penalty_of_a_linear_critic_is_that_of_its_length():
    weight = torch.zeros(4, 3)
    weight[0, 0], weight[1, 2] = 3.0, 4.0  # length 5: (5 - 1)^2
    critic = Linear(weight)
    real, made = torch.rand(6, 4, 3), torch.rand(6, 4, 3)
    penalty = gradient_penalty(critic, real, made, torch.rand(6, 1, 1))
    assert penalty.item() == pytest.approx(16.0)
    penalty.backward()  # d (|w| - 1)^2 / dw = 2 (|w| - 1) w / |w|
    assert critic.weight.grad[0, 0].item() == pytest.approx(2 * 4 * 3 / 5)
    assert critic.weight.grad[1, 2].item() == pytest.approx(2 * 4 * 4 / 5)


def test_the_penalty_is_taken_between_real_and_made_sequences():
    class Square(nn.Module):
        def forward(self, x):
            return (x**2).sum((1, 2)) / 2  # its slope is x

    real, made = torch.zeros(1, 4, 1), torch.zeros(1, 4, 1)
    real[0, 0], made[0, 0] = 4.0, 2.0
    for share, length in ((1.0, 4.0), (0.0, 2.0), (0.25, 2.5)):
        penalty = gradient_penalty(Square(), real, made, torch.full((1, 1, 1), share))
        assert penalty.item() == pytest.approx((length - 1) ** 2)


def test_a_generator_comes_to_make_sequences_like_those_given():
    train = sequences()
    options = AdversarialOptions(epochs=5, steps=60, batch_size=32, learning_rate=3e-3)
    pair, state = fit_adversarial(train, CARD, options)
    made = sample(pair.generator, 400)
    torch.manual_seed(0)
    before = sample(Generator(CARD), 400)
    held = spectrum(sequences(seed=1), 3)
    far = jensen_shannon(held, spectrum(before, 3))
    assert jensen_shannon(held, spectrum(made, 3)) < far / 4
    assert (made[:, 3:7] == [1, 2, 1, 2]).mean() > 0.95
    assert len(np.unique(made, axis=0)) > 20
    assert state.history[-1]["distance"] < state.history[0]["distance"]


def test_samples_are_a_function_of_the_seed_and_leave_the_generator_alone():
    torch.manual_seed(0)
    model = Generator(CARD).train()
    one = sample(model, 5, seed=1)
    assert np.array_equal(one, sample(model, 5, seed=1))
    assert not np.array_equal(one, sample(model, 5, seed=2))
    assert model.training


def test_a_killed_training_ends_with_the_same_bytes(tmp_path):
    rule = Feedback(lambda codes: (codes == 0).mean(1), 0.3, samples=20)
    options = AdversarialOptions(**QUICK)
    whole, _ = fit_adversarial(sequences(), CARD, options, refresh=rule)

    class Killed(Exception):
        pass

    def stop(state):
        if len(state.history) == 2:
            raise Killed

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        fit_adversarial(sequences(), CARD, options, refresh=rule, checkpoint=path, progress=stop)
    resumed, state = fit_adversarial(sequences(), CARD, options, refresh=rule, checkpoint=path)
    assert len(state.seconds) == 2
    assert int((whole.born >= 0).sum()) > 0
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_the_oldest_sequences_are_replaced_by_new_ones_once_each():
    codes = to_codes(["AAAA", "CCCC", "GGGG"])
    codes, born = codes.copy(), np.array([0, -1, 1])
    made = to_codes(["TTTT", "TTTT", "GGGG", "ACGT"])
    assert exchange(codes, born, made, 5) == 2
    assert codes.tolist() == to_codes(["ACGT", "TTTT", "GGGG"]).tolist()
    assert born.tolist() == [5, 5, 1]


def test_feedback_lets_in_what_scores_above_and_nothing_else():
    codes, born = sequences(20), np.full(20, -1)
    torch.manual_seed(0)
    model = Generator(CARD)
    rule = Feedback(lambda c: (c == 2).mean(1), 0.3, samples=50)
    row = rule(model, codes, born, 7)
    new = codes[born == 7]
    assert len(new) == row["entered"]
    assert ((new == 2).mean(1) > 0.3).all()
    assert row["made_share"] == len(new) / 20
    never = Feedback(lambda c: np.zeros(len(c)), 0.5, samples=50)
    assert never(model, codes, born, 8)["entered"] == 0


@pytest.mark.slow
def test_feedback_raises_the_share_above_the_threshold():
    def analyzer(codes):
        return (codes[:, [0, 1, 2, 7, 8, 9]] == 0).mean(1)  # A around the middle

    start, _ = fit_adversarial(
        sequences(), CARD, AdversarialOptions(epochs=3, steps=50, batch_size=32, learning_rate=3e-3)
    )
    rule = Feedback(analyzer, 0.6, samples=200)
    turned, state = fit_adversarial(
        sequences(),
        CARD,
        AdversarialOptions(epochs=12, steps=30, batch_size=32, learning_rate=2e-3),
        start=(start.generator, start.critic),
        refresh=rule,
    )
    before, after = ((analyzer(sample(p.generator, 500)) > 0.6).mean() for p in (start, turned))
    assert after > before + 0.1
    assert state.history[-1]["above"] > state.history[0]["above"]


def test_a_generator_is_read_back_as_it_was(tmp_path):
    pair, _ = fit_adversarial(sequences(), CARD, AdversarialOptions(**QUICK | {"epochs": 1}))
    save_generator(tmp_path, pair.generator, pair.critic, CARD)
    model, critic = load_generator(tmp_path)
    assert np.array_equal(sample(model, 9), sample(pair.generator, 9))
    x = torch.rand(2, 4, 10)
    torch.testing.assert_close(critic(x), pair.critic(x))
    with pytest.raises(InputError, match=r"generator\.toml"):
        load_generator(tmp_path / "elsewhere")


def test_sequences_that_do_not_fit_are_refused():
    options = AdversarialOptions(**QUICK)
    with pytest.raises(InputError, match="without N"):
        fit_adversarial(np.full((40, 10), 4, dtype=np.uint8), CARD, options)
    with pytest.raises(InputError, match="of 10 bp"):
        fit_adversarial(sequences()[:, :8], CARD, options)
    with pytest.raises(InputError, match="batch of 16"):
        fit_adversarial(sequences(8), CARD, options)
