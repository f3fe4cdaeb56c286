import math

import pytest
import torch

from cisgram import models
from cisgram.data import TrainingData
from cisgram.train import TrainOptions, fit, learning_rate, weight_decay
from cisgram.train.loop import passes_of
from planted import dataset


def rates(per_epoch, **options):
    options = TrainOptions(**options)
    return [learning_rate(options, s, per_epoch) for s in range(options.epochs * per_epoch)]


def test_the_rate_warms_up_in_a_line_and_falls_along_a_cosine():
    found = rates(5, epochs=4, learning_rate=1.0, warmup=0.2)  # 20 steps, 4 of them warm
    assert found[:4] == [0.25, 0.5, 0.75, 1.0]
    assert found[4] == 1.0
    assert found[12] == pytest.approx(0.01 + 0.99 / 2)  # half way down
    assert found[19] == pytest.approx(0.01 + 0.99 * (1 + math.cos(math.pi * 15 / 16)) / 2)
    assert found[4:] == sorted(found[4:], reverse=True)


def test_the_rate_halves_every_so_many_epochs():
    found = rates(3, epochs=5, learning_rate=8.0, warmup=0.0, schedule="halve", halve_every=2)
    assert found == [8.0] * 6 + [4.0] * 6 + [2.0] * 3


def test_a_constant_rate_stays():
    assert set(rates(2, epochs=3, learning_rate=0.5, warmup=0.0, schedule="constant")) == {0.5}


def test_no_warmup_begins_at_the_full_rate():
    assert rates(2, epochs=3, learning_rate=0.5, warmup=0.0)[0] == 0.5


def test_few_rows_are_passed_over_several_times_an_epoch():
    data = TrainingData(dataset(30))
    assert passes_of(data, TrainOptions(min_rows=1)) == 1
    assert passes_of(data, TrainOptions(min_rows=30)) == 1
    assert passes_of(data, TrainOptions(min_rows=31)) == 2


def decays(per_epoch, **options):
    options = TrainOptions(**options, learning_rate=2.0, warmup=0.25, weight_decay=0.1)
    return [weight_decay(options, s, per_epoch) for s in range(options.epochs * per_epoch)]


def test_a_late_decay_sets_in_as_the_rate_falls():
    assert set(decays(5, epochs=4)) == {0.1}
    found = decays(5, epochs=4, decay="late")
    assert found[:6] == [0.0] * 6  # the warm-up, and the full rate after it
    assert found[6:] == sorted(found[6:])
    assert found[-1] == pytest.approx(0.1, rel=0.05)
    assert set(decays(5, epochs=4, decay="late", schedule="constant")) == {0.0}


@pytest.mark.parametrize(("decay", "is_smaller"), [("constant", True), ("late", False)])
def test_the_decay_of_the_options_shrinks_the_weights(decay, is_smaller):
    """At a constant rate a late decay never sets in, and the other one does."""

    def size(strength):
        options = {"epochs": 3, "schedule": "constant", "weight_decay": strength, "decay": decay}
        torch.manual_seed(0)
        model = models.create("deepbind")
        how = TrainOptions(**options, min_rows=1, warmup=0.0, select="last")
        fit(model, TrainingData(dataset(60)), how, valid=dataset(20, seed=1), device="cpu")
        return sum(float(p.detach().square().sum()) for p in model.parameters())

    assert (size(30.0) < 0.9 * size(0.0)) is is_smaller
