"""The loss and the scores of profiles, against SciPy and by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.stats import multinomial

import planted
from cisgram.core.errors import InputError
from cisgram.data import Dataset, Field, TrainingData
from cisgram.models import BothStrands, create
from cisgram.train import TrainOptions, check_regime, fit
from cisgram.train.profiles import (
    ProfileLoss,
    average_profile,
    evaluate_profiles,
    heads_of,
    multinomial_nll,
    probabilities,
    profile_distances,
    profile_objective,
    start_counts,
    validate_profiles,
)

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(2.0, (5, 2, 7)).astype(np.float32)
LOGITS = torch.from_numpy(RNG.normal(size=(5, 2, 7)).astype(np.float32))


def windows(n, *, width=12, strands=2, length=30, seed=0):
    data = planted.dataset(n, length, seed=seed)
    counts = np.random.default_rng(seed).poisson(3.0, (n, strands, width)).astype(np.float32)
    total = np.log1p(counts.sum((1, 2)))
    y = np.stack([np.full(n, np.nan), total], 1).astype(np.float32)
    profile = Field(counts, mirror=(-2, -1))
    return Dataset(data.names, data.codes, y, ("profile", "counts"), profile=profile)


def test_the_likelihood_is_scipys_summed_over_strands():
    shares = probabilities(LOGITS)
    truth = [
        -sum(multinomial.logpmf(COUNTS[i, s], COUNTS[i, s].sum(), shares[i, s]) for s in (0, 1))
        for i in range(5)
    ]
    found = multinomial_nll(LOGITS, torch.from_numpy(COUNTS))
    np.testing.assert_allclose(found.numpy(), truth, rtol=1e-5)


def test_the_loss_weighs_the_counts():
    y = torch.tensor([[float("nan"), 2.0]] * 5)
    heads = LOGITS, torch.full((5, 1), 5.0)
    losses = [ProfileLoss(w)(heads, torch.from_numpy(COUNTS), y).item() for w in (0.0, 2.0)]
    assert losses[1] - losses[0] == pytest.approx(2 * 9, rel=1e-4)
    with pytest.raises(InputError, match="profiles of shape"):
        ProfileLoss(1.0)(heads, torch.from_numpy(COUNTS[:, :1]), y)


def test_the_distance_is_scipys_and_windows_without_counts_have_none():
    counts = COUNTS.copy()
    counts[1, 0], counts[2] = 0, 0
    shares = probabilities(LOGITS)
    found = profile_distances(counts, shares)
    each = [[jensenshannon(counts[i, s], shares[i, s], base=2) for s in (0, 1)] for i in (0, 3)]
    np.testing.assert_allclose(found[[0, 3]], np.mean(each, 1), rtol=1e-6)
    assert found[1] == pytest.approx(jensenshannon(counts[1, 1], shares[1, 1], base=2))
    assert np.isnan(found[2])


def test_the_weight_of_the_counts_is_a_tenth_of_their_median_or_as_given():
    data = TrainingData(windows(9))
    median = np.median(data.data.profile[:].sum((1, 2)))
    assert profile_objective(TrainOptions(), data).weight == pytest.approx(median / 10, rel=1e-5)
    assert profile_objective(TrainOptions(count_weight=0.0), data).weight == 0
    assert profile_objective(TrainOptions(count_weight=3.0), data).weight == 3


@pytest.mark.parametrize(
    "options", [{"loss": "mse"}, {"task_weights": (1.0, 2.0)}, {"class_weights": "balanced"},
                {"adversary": 1.0}],
)  # fmt: skip
def test_what_a_profile_has_not_is_refused(options):
    (name,) = options
    data = windows(20)
    with pytest.raises(InputError, match=f"train.{name} does not go with a profile"):
        check_regime(TrainOptions(**options), TrainingData(data), valid=data, task="profile")


def model_of(data):
    torch.manual_seed(0)
    strands, width = data.profile.shape
    return create("bpnet-profile", maps=6, width=5, layers=2, strands=strands, profile_width=width)


def test_both_strands_give_mirrored_profiles_and_equal_counts():
    data = windows(4)
    both = BothStrands(model_of(data)).eval()
    x = torch.eye(4)[torch.from_numpy(data.codes.astype(int))].mT.contiguous()
    with torch.no_grad():
        (a, ca), (b, cb) = both(x, heads="whole"), both(x.flip(1, 2), heads="whole")
    torch.testing.assert_close(a, b.flip(1, 2))
    torch.testing.assert_close(ca, cb)


def test_profile_labels_turn_with_their_sequences():
    data = windows(40)
    plain = TrainingData(data, reverse_complement=False)
    (as_given,) = plain.batches(0, batch_size=40, seed=1)
    (turned,) = TrainingData(data).batches(0, batch_size=40, seed=1)
    back = ~torch.isclose(as_given.inputs[0], turned.inputs[0]).flatten(1).all(1)
    assert 0 < back.sum() < 40
    assert torch.equal(turned.profile[~back], as_given.profile[~back])
    assert torch.equal(turned.profile[back], as_given.profile[back].flip(1, 2))


def test_training_lowers_the_loss_and_the_history_tells_both_heads():
    data = windows(64)
    shares = np.ones(12)
    shares[3] = 30.0  # all windows have a peak in the same place
    counts = np.random.default_rng(1).poisson(shares, (64, 2, 12)).astype(np.float32)
    data = Dataset(data.names, data.codes, data.y, data.outputs, profile=Field(counts))
    model = model_of(data)
    start_counts(model, TrainingData(data))
    assert model.network.counts.bias.item() == pytest.approx(data.y[:, 1].mean())
    plain = TrainingData(data, reverse_complement=False)
    options = TrainOptions(epochs=8, min_rows=640, batch_size=32, learning_rate=0.02)
    state = fit(model, plain, options, valid=data, task="profile", device="cpu")
    assert state.history[-1]["train_loss"] < 0.8 * state.history[0]["train_loss"]
    assert state.history[-1]["valid_jsd"] < state.history[0]["valid_jsd"]
    assert state.best_score == max(-row["valid_loss"] for row in state.history)


def test_scores_name_each_part_and_compare_with_the_average_profile():
    data = windows(30)
    logits = torch.from_numpy(np.log(data.profile[:] + 1e-3))
    right = logits, torch.from_numpy(data.y[:, 1:])
    flat = torch.zeros_like(logits), torch.zeros(30, 1)
    found = evaluate_profiles(
        data, {"whole": right, "bias": flat}, average=average_profile(data), seed=0
    )
    assert found["jsd"] < 0.05 < found["jsd_average"]
    assert found["pearson"] == pytest.approx(1)
    assert [o["output"] for o in found["per_output"]] == [
        "profile", "counts", "bias_profile", "bias_counts",
    ]  # fmt: skip
    of_bias = found["per_output"][2]
    assert of_bias["jsd_lead"] == pytest.approx(of_bias["jsd_average"] - of_bias["jsd"])
    assert of_bias["jsd_interval"][0] < of_bias["jsd"] < of_bias["jsd_interval"][1]
    assert found["per_output"][3]["pearson"] is None


def test_the_parts_of_a_chrombpnet_add_up():
    torch.manual_seed(0)
    sizes = {"maps": 5, "width": 5, "layers": 2, "bias_maps": 4, "bias_layers": 1}
    model = create("chrombpnet", **sizes, bias_width=5, profile_width=12).eval()
    data = windows(3, strands=1)
    part = {p: heads_of(model, data, part=p) for p in ("whole", "bias", "corrected")}
    torch.testing.assert_close(part["whole"][0], part["bias"][0] + part["corrected"][0])
    counts = part["bias"][1].exp() + part["corrected"][1].exp()
    torch.testing.assert_close(part["whole"][1].exp(), counts)
    assert not any(p.requires_grad for p in model.bias.parameters())
    assert all(p.requires_grad for p in model.network.parameters())


def test_validation_windows_without_counts_have_no_distance_and_no_warning():
    data = windows(8)
    empty = replace(data, profile=Field(np.zeros_like(data.profile[:])), y=0 * data.y)
    found = validate_profiles(heads_of(model_of(data), empty), empty, ProfileLoss(1.0))
    assert np.isnan(found["valid_jsd"])
    assert np.isfinite(found["valid_loss"])


class Overflowing(torch.nn.Module):
    """Infinite counts of sequences that begin with A, once it no longer trains."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, heads=None):
        logits, counts = self.model(x, heads=heads)
        far = torch.where(x[:, 0, 0] > 0, float("inf"), 0.0)[:, None]
        return logits, counts if self.training else counts + far


def test_infinite_outputs_of_a_profile_end_the_training():
    data = windows(40)
    options = TrainOptions(epochs=1, min_rows=1)
    with pytest.raises(InputError, match="outputs became infinite in epoch 1"):
        fit(Overflowing(model_of(data)), TrainingData(data), options, valid=data, task="profile",
            device="cpu")  # fmt: skip
