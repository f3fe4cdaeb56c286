import pytest
import torch
from torch import nn

import planted
from cisgram.core.errors import InputError, UnknownName
from cisgram.data import Augment, TrainingData
from cisgram.models import create
from cisgram.models.parts import head_of, weighted_layers, weights_of
from cisgram.models.transfer import put_part
from cisgram.train import TrainOptions, fit, fit_in_stages
from cisgram.train.freeze import freeze, rate_factors
from train.test_fit import QUICK, deepbind, same, toy


def basset(seed=0, **options):
    torch.manual_seed(seed)
    return create("basset", maps=(6, 5, 4), hidden=8, length=168, **options)


def trained(model, data=None, **options):
    state = fit(
        model,
        data or TrainingData(planted.dataset(64, 168)),
        TrainOptions(**(QUICK | {"epochs": 2} | options)),
        valid=planted.dataset(40, 168, seed=1),
        device="cpu",
    )
    return model, state


def test_layers_are_named_in_the_order_in_which_they_run_not_in_that_of_their_making():
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(3, 1)
            self.norm = nn.BatchNorm1d(3)
            self.begin = nn.Conv1d(4, 3, 5)

        def forward(self, x):
            return self.last(self.norm(self.begin(x)).amax(2))

    assert weighted_layers(Turned(), length=20) == ["begin", "last"]
    assert head_of(Turned(), length=20) == "last"
    assert weights_of(Turned(), "first", length=20) == ["begin.weight", "begin.bias"]
    features = weights_of(Turned(), "features", length=20)
    assert {n.partition(".")[0] for n in features} == {"begin", "norm"}
    assert "norm.running_mean" in features
    with pytest.raises(UnknownName, match="nor"):
        weights_of(Turned(), "nor", length=20)


@pytest.mark.parametrize("part", ["all", "features", "first"])
def test_a_part_is_put_and_all_else_stays(part):
    donor, model = basset(0).state_dict(), basset(1)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    loaded = put_part(model, donor, part, length=168, source="w")
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, donor[name] if name in loaded else before[name])
    weights = {n for n in loaded if n.endswith(".weight") and donor[n].ndim > 1}
    assert len(weights) == {"all": 6, "features": 5, "first": 1}[part]


def test_a_new_head_has_as_many_outputs_as_the_new_task_whatever_the_old_one_had():
    donor = basset(0, n_outputs=7).state_dict()
    model = basset(1, n_outputs=2)
    with pytest.raises(InputError, match="does not fit the model"):
        put_part(model, donor, "all", length=168, source="w")
    put_part(model, donor, "features", length=168, source="w")
    assert model(torch.zeros(3, 4, 168)).shape == (3, 2)


def test_weights_that_do_not_fit_are_refused_in_one_paragraph_and_change_nothing():
    torch.manual_seed(0)
    donor = create("basset", maps=(6, 5, 3), hidden=8, length=168).state_dict()
    model = basset(1)
    wanted = r"features of this model: .* needs .* and \d+ more\."
    with pytest.raises(InputError, match=wanted) as e:
        put_part(model, donor, "features", length=168, source="donor.safetensors")
    assert "weights_match=first" in str(e.value)
    assert "\n" not in str(e.value)
    assert same(model, basset(1))
    assert put_part(model, donor, "first", length=168, source="donor.safetensors")


def test_frozen_weights_and_their_norms_do_not_move_and_all_others_do():
    model = basset()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    names = freeze(model, ["features"], length=168)
    trained(model)
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    head = head_of(model, length=168)
    assert moved == {f"{head}.weight", f"{head}.bias"}
    assert not moved & set(names)


def test_without_freezing_everything_moves_the_statistics_of_norms_too():
    model, before = basset(), basset().state_dict()
    trained(model)
    assert not [k for k, v in model.state_dict().items() if torch.equal(v, before[k])]


def test_factors_of_the_rate_fall_with_depth_and_for_what_was_loaded():
    model = basset()
    loaded = weights_of(model, "first", length=168)
    factors = rate_factors(model, loaded=loaded, loaded_factor=0.1, depth_factor=0.5, length=168)
    layers = weighted_layers(model, length=168)
    found = [factors[f"{layer}.weight"] for layer in layers]
    assert found == pytest.approx([0.1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1])
    assert set(factors) == {n for n, _ in model.named_parameters()}
    nothing = rate_factors(model, loaded=loaded, loaded_factor=1, depth_factor=1, length=168)
    assert nothing == {}


def test_a_weight_moves_by_its_factor_times_the_rate_in_the_first_step():
    """The first step of Adam without decay is the learning rate, up to its epsilon."""
    options = {"epochs": 1, "batch_size": 64, "optimizer": "adam", "weight_decay": 0.0,
               "warmup": 0.0, "schedule": "constant", "clip": None, "select": "last"}  # fmt: skip
    model, before = deepbind(), deepbind().state_dict()
    fit(
        model,
        TrainingData(planted.dataset(64, 40)),
        TrainOptions(**(QUICK | options)),
        valid=planted.dataset(40, 40, seed=1),
        device="cpu",
        factors={"head.0.weight": 0.25},
    )
    moved = {k: (v - before[k]).abs().max().item() for k, v in model.state_dict().items()}
    assert moved["head.0.weight"] == pytest.approx(0.25 * 3e-3, rel=1e-2)
    assert moved["detect.0.weight"] == pytest.approx(3e-3, rel=1e-2)


def test_factors_of_one_change_nothing():
    plain, _ = trained(basset())
    model = basset()
    fit(
        model,
        TrainingData(planted.dataset(64, 168)),
        TrainOptions(**(QUICK | {"epochs": 2})),
        valid=planted.dataset(40, 168, seed=1),
        device="cpu",
        factors={n: 1.0 for n, _ in model.named_parameters()},
    )
    assert same(plain, model)


AUGMENTED = {"epochs": 3, "finetune_epochs": 2}


def staged(checkpoint=None, progress=None, data=None, **options):
    model = deepbind()
    data = data or TrainingData(planted.dataset(64, 40), augment=Augment(("mutation", "noise")))
    state = fit_in_stages(
        model,
        data,
        TrainOptions(**(QUICK | AUGMENTED | options)),
        valid=planted.dataset(40, 40, seed=1),
        device="cpu",
        checkpoint=checkpoint,
        progress=progress,
    )
    return model, state


def test_the_second_stage_begins_at_the_best_epoch_of_the_first_and_sees_plain_sequences():
    model, state = staged()
    assert [row["epoch"] for row in state.history] == [1, 2, 3, 4, 5]
    assert state.best_epoch in (4, 5)
    assert state.history[-1]["learning_rate"] == pytest.approx(3e-4)
    first, _ = staged(finetune_epochs=0)
    plain = TrainingData(planted.dataset(64, 40))
    options = TrainOptions(**(QUICK | {"epochs": 2, "learning_rate": 3e-4, "warmup": 0.0,
                                       "schedule": "constant"}))  # fmt: skip
    from cisgram.core.seeds import derive

    fit(first, plain, options, valid=planted.dataset(40, 40, seed=1), device="cpu",
        seed=derive(0, "finetune"))  # fmt: skip
    assert same(model, first)


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_killed_job_of_two_stages_ends_with_the_same_weights(tmp_path, after):
    class Killed(Exception):
        pass

    def kill(state):
        if len(state.history) == after:
            raise Killed

    checkpoint = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        staged(checkpoint, kill)
    model, state = staged(checkpoint)
    whole, whole_state = staged()
    assert same(model, whole)
    assert state.history == whole_state.history


def test_a_second_stage_without_augmentation_is_refused():
    with pytest.raises(InputError, match=r"data\.augment names no augmentation"):
        staged(data=toy())
