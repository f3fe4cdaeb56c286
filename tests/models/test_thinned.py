import pytest
import torch
from torch import nn

import planted
from cisgram.core.errors import InputError
from cisgram.models import create, predict, predict_samples
from cisgram.seq import one_hot


class Pencil(nn.Module):
    """Sixteen ones behind dropout, added up: 16 at rest."""

    def __init__(self, p):
        super().__init__()
        self.drop = nn.Dropout(p)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        self.norm(x)
        return self.drop(x.new_ones(len(x), 16)).sum(1, keepdim=True)


def test_mean_and_spread_are_those_of_the_binomial_distribution():
    out = predict_samples(Pencil(0.25), torch.zeros(2, 4, 5), samples=4000)
    assert out.shape == (4000, 2, 1)
    assert torch.equal(out[:, 0], out[:, 1])  # one network for all sequences
    assert out.mean().item() == pytest.approx(16, abs=0.15)
    assert out.std().item() == pytest.approx((16 * 0.25 / 0.75) ** 0.5, rel=0.05)


def test_samples_do_not_depend_on_batch_size_order_or_number_and_the_seed_repeats_them():
    torch.manual_seed(0)
    model, x = create("demo-cnn", size="small"), planted.codes(7)
    found = predict_samples(model, x, samples=3, seed=1)
    torch.testing.assert_close(found, predict_samples(model, x, samples=3, batch_size=2, seed=1))
    torch.testing.assert_close(
        found.flip(1), predict_samples(model, x[::-1].copy(), samples=3, seed=1)
    )
    torch.testing.assert_close(found[:2], predict_samples(model, x, samples=2, seed=1))
    assert not torch.allclose(found, predict_samples(model, x, samples=3, seed=2))
    assert found.std(0).min() > 0


def test_the_model_is_left_as_it_was_and_norms_keep_their_statistics():
    model = Pencil(0.5).train()
    before = model.norm.running_mean.clone()
    predict_samples(model, one_hot(planted.codes(3, 8)), samples=2)
    assert model.training
    assert model.drop.training
    assert torch.equal(model.norm.running_mean, before)
    assert predict(model, torch.zeros(1, 4, 5)).item() == 16


def test_a_model_without_dropout_is_refused():
    with pytest.raises(InputError, match="no dropout layer"):
        predict_samples(create("deepbind"), torch.zeros(1, 4, 60), samples=2)
    with pytest.raises(InputError, match="no dropout layer"):
        predict_samples(create("demo-cnn", dropout=0.0), torch.zeros(1, 4, 60), samples=2)
