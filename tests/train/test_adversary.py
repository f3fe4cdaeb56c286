import numpy as np
import pytest
import torch

import planted
from cisgram.core.errors import InputError
from cisgram.data import Dataset, TrainingData
from cisgram.models import predict
from cisgram.train import TrainOptions, fit, metrics
from cisgram.train.adversary import WithAdversary, with_adversary
from train.test_fit import QUICK, deepbind, same

ADAPTER = (3, 3, 0, 2, 3, 3, 0, 2)  # a word that only batch a carries


def confounded(n=400, *, seed=0, share=0.9):
    """The planted word, and an adapter whose batch goes with the label in ``share`` of the rows."""
    data = planted.dataset(n, 40, seed=seed)
    random = np.random.default_rng(seed)
    is_a = np.where(random.random(n) < share, data.y[:, 0] == 1, data.y[:, 0] == 0)
    data.codes[is_a, : len(ADAPTER)] = ADAPTER
    origins = ["a" if a else "b" for a in is_a]
    return Dataset(data.names, data.codes, data.y, origins=origins)


def fitted(checkpoint=None, progress=None, data=None, **options):
    model = deepbind()
    state = fit(
        model,
        TrainingData(data or confounded(), reverse_complement=False),
        TrainOptions(**(QUICK | options)),
        valid=confounded(400, seed=1),
        device="cpu",
        checkpoint=checkpoint,
        progress=progress,
    )
    return model, state


def test_the_features_get_minus_strength_times_the_gradient_of_the_guess():
    model = deepbind()
    data = TrainingData(confounded())
    whole = with_adversary(model, data, TrainOptions(adversary=3.0), seed=0)
    x = next(data.batches(0, batch_size=16, seed=0)).inputs[0]

    def gradients(strength):
        whole.strength = strength
        whole.zero_grad()
        whole(x)[1].square().sum().backward()
        features = model.detect[0].weight.grad.clone()
        return features, whole.guesser[0].weight.grad.clone()

    (features, guesser), (plain, same_guesser) = gradients(3.0), gradients(-1.0)
    torch.testing.assert_close(features, -3 * plain)
    torch.testing.assert_close(guesser, same_guesser)


def test_the_outputs_are_those_of_the_network_and_the_network_is_the_same_module():
    model = deepbind().eval()
    whole = with_adversary(model, TrainingData(confounded()), TrainOptions(adversary=1.0), seed=0)
    assert isinstance(whole, WithAdversary)
    x = torch.randn(3, 4, 40)
    assert torch.equal(whole.eval()(x)[0], model(x))
    assert whole(x)[1].shape == (3, 2)
    assert with_adversary(model, TrainingData(confounded()), TrainOptions(), seed=0) is model


def test_a_killed_adversarial_job_ends_with_the_same_weights(tmp_path):
    class Killed(Exception):
        pass

    def kill(state):
        if len(state.history) == 2:
            raise Killed

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        fitted(path, kill, adversary=0.5)
    resumed, _ = fitted(path, adversary=0.5)
    whole, _ = fitted(adversary=0.5)
    plain, _ = fitted()
    assert same(resumed, whole)
    assert not same(whole, plain)


def told(model):
    """AUROC of the score for the label where the batch is a coin, and for the batch alone."""
    test = confounded(1000, seed=6, share=0.5)
    out = predict(model, test.codes).numpy()[:, 0].astype(np.float64)
    is_a = np.array([o == "a" for o in test.origins], dtype=float)
    labels = test.y[:, 0]
    batch = np.mean([metrics.auroc(is_a[labels == y], out[labels == y]) for y in (0, 1)])
    return metrics.auroc(labels, out), batch


@pytest.mark.slow
def test_plain_training_uses_the_batch_and_the_handled_one_less_or_not_at_all():
    how = {"epochs": 24, "patience": 24, "learning_rate": 1e-2, "batch_size": 32}
    data = confounded(1600)
    plain, by_batch = told(fitted(data=data, **how)[0])
    assert by_batch > 0.7
    for handled in ({"sampling": "blocked"}, {"adversary": 1.0}):
        label, batch = told(fitted(data=data, **how, **handled)[0])
        assert abs(batch - 0.5) < (by_batch - 0.5) / 2
        assert label > plain - 0.02


def test_without_batch_labels_an_adversary_is_refused():
    with pytest.raises(InputError, match=r"have none; .*data\.batch_column"):
        fitted(data=planted.dataset(60, 40), adversary=1.0)
