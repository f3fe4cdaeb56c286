import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import planted
from cisgram.core.errors import InputError
from cisgram.data import Dataset, TrainingData
from cisgram.models import create
from cisgram.train import TrainOptions, fit, make_optimizer, metrics

QUICK = {"epochs": 4, "batch_size": 16, "min_rows": 1}


def deepbind(seed=0, **options):
    torch.manual_seed(seed)
    return create("deepbind", detectors=8, width=10, hidden=0, **options)


def toy(n=96, length=40, seed=0):
    return TrainingData(planted.dataset(n, length, seed=seed))


def fitted(model=None, *, data=None, valid=None, checkpoint=None, progress=None, **options):
    model = model or deepbind()
    state = fit(
        model,
        data or toy(),
        TrainOptions(**(QUICK | options)),
        valid=valid or planted.dataset(40, 40, seed=1),
        device="cpu",
        checkpoint=checkpoint,
        progress=progress,
    )
    return model, state


def same(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_a_planted_word_is_learned():
    model, state = fitted(data=toy(600), epochs=14, learning_rate=2e-2)
    test = planted.dataset(200, 40, seed=2)
    from cisgram.models import predict

    out = predict(model, test.codes).numpy()[:, 0].astype(np.float64)
    assert metrics.auroc(test.y[:, 0], out) > 0.95
    assert state.history[-1]["train_loss"] < 0.5 * state.history[0]["train_loss"]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, state = fitted()
    again, again_state = fitted()
    other, _ = fitted(seed=1)
    assert same(first, again)
    assert state.history == again_state.history
    assert not same(first, other)


def test_dropout_is_a_function_of_the_seed_and_not_of_what_ran_before():
    first, _ = fitted(deepbind(dropout=0.5))
    torch.rand(1234)
    again, _ = fitted(deepbind(dropout=0.5))
    assert same(first, again)


def test_the_model_ends_with_its_best_epoch_on_the_validation_set_or_with_the_last():
    seen = []
    best, state = fitted(
        epochs=6,
        learning_rate=0.1,
        progress=lambda s: seen.append(s.best_epoch),
    )
    scores = [row["valid_auroc"] for row in state.history]
    assert state.best_epoch == 1 + int(np.argmax(scores))
    assert seen[-1] == state.best_epoch
    assert all(torch.equal(v, state.best[k]) for k, v in best.state_dict().items())
    last, last_state = fitted(epochs=6, learning_rate=0.1, select="last")
    assert last_state.history == state.history
    assert same(best, last) == (state.best_epoch == 6)
    assert not best.training


def test_training_stops_after_epochs_without_a_better_validation_score():
    """Labels of the validation set that say nothing of the sequence stop it early."""
    wrong = planted.dataset(40, 40, seed=1)
    wrong = Dataset(wrong.names, wrong.codes, 1 - wrong.y)
    _, state = fitted(data=toy(200), valid=wrong, epochs=30, patience=3, learning_rate=1e-2)
    assert len(state.history) == state.best_epoch + 3 < 30


@pytest.mark.parametrize("stop_on", ["auprc", "loss"])
def test_the_epoch_is_chosen_by_the_score_that_was_asked_for(stop_on):
    _, state = fitted(stop_on=stop_on, epochs=5, learning_rate=0.1)
    values = [row[f"valid_{stop_on}"] for row in state.history]
    best = np.argmin(values) if stop_on == "loss" else np.argmax(values)
    assert state.best_epoch == 1 + best


def test_a_score_that_the_task_has_not_is_refused_before_training():
    seen = []
    with pytest.raises(InputError, match=r"train\.stop_on=pearson does not fit a classification"):
        fitted(stop_on="pearson", progress=seen.append)
    assert not seen


def test_a_validation_set_of_one_kind_cannot_choose_and_is_refused_before_training():
    valid = planted.dataset(40, 40, seed=1)
    positives = valid.take(valid.y[:, 0] == 1)
    with pytest.raises(InputError, match=r"validation set .*one kind.*train\.stop_on=loss"):
        fitted(valid=positives)
    _, state = fitted(valid=positives, stop_on="loss")
    assert len(state.history) == 4
    assert math.isnan(state.history[0]["valid_auroc"])


class Probe(nn.Module):
    """One weight w; the output is w times the share of A, so that its gradient is known."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))
        self.scale = scale

    def forward(self, x):
        return self.scale * self.w * x[:, :1].mean(2)


def all_a(y, n=8):
    """n sequences of A alone with one label."""
    return Dataset(
        [f"s{i}" for i in range(n)], np.zeros((n, 10), np.uint8), np.full((n, 1), y, np.float32)
    )


def one_step(scale, **options):
    """The weight after one step of plain SGD with rate 1 on labels 1: the gradient is -scale/2."""
    model = Probe(scale)
    fit(
        model,
        TrainingData(all_a(1.0), reverse_complement=False),
        TrainOptions(
            epochs=1,
            batch_size=8,
            min_rows=1,
            optimizer="sgd",
            learning_rate=1.0,
            momentum=0.0,
            weight_decay=0.0,
            schedule="constant",
            warmup=0.0,
            stop_on="loss",
            **options,
        ),
        valid=all_a(1.0),
        device="cpu",
    )
    return model.w.item()


def test_gradients_are_clipped_by_norm_by_value_or_not_at_all():
    assert one_step(8.0, clip=None) == pytest.approx(4.0)
    assert one_step(8.0, clip=0.25) == pytest.approx(0.25, rel=1e-4)
    assert one_step(8.0, clip=0.25, clip_by="value") == pytest.approx(0.25)
    assert one_step(0.25, clip=0.25) == pytest.approx(0.125)


def test_clipping_by_norm_keeps_the_direction_and_by_value_does_not():
    class Two(Probe):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(2))

        def forward(self, x):
            return (self.w * torch.tensor([8.0, 2.0])).sum() * x[:, :1].mean(2)

    def step(by):
        model = Two()
        fit(
            model,
            TrainingData(all_a(1.0), reverse_complement=False),
            TrainOptions(
                epochs=1, batch_size=8, min_rows=1, optimizer="sgd", learning_rate=1.0,
                momentum=0.0, weight_decay=0.0, schedule="constant", warmup=0.0,
                stop_on="loss", clip=0.5, clip_by=by,
            ),
            valid=all_a(1.0),
            device="cpu",
        )  # fmt: skip
        return model.w.tolist()

    by_norm = step("norm")
    assert by_norm[0] / by_norm[1] == pytest.approx(4)
    assert math.hypot(*by_norm) == pytest.approx(0.5, rel=1e-4)
    assert step("value") == pytest.approx([0.5, 0.5])


def test_balanced_classes_weigh_the_rare_one_up():
    y = np.array([1.0, 0, 0, 0] * 4, np.float32)[:, None]
    data = TrainingData(
        Dataset([f"s{i}" for i in range(16)], np.zeros((16, 10), np.uint8), y),
        reverse_complement=False,
    )

    def step(**options):
        model = Probe()
        fit(
            model, data,
            TrainOptions(
                epochs=1, batch_size=16, min_rows=1, optimizer="sgd", learning_rate=1.0,
                momentum=0.0, weight_decay=0.0, schedule="constant", warmup=0.0, clip=None,
                stop_on="loss", **options,
            ),
            valid=data.data, device="cpu",
        )  # fmt: skip
        return model.w.item()

    # mean over 16 of weight * (sigmoid(0) - y): 4 of -1/2 and 12 of 1/2, or the 4 thrice
    assert step() == pytest.approx(-(12 - 4) / 32)
    assert step(class_weights="balanced") == pytest.approx(0.0, abs=1e-7)


def test_an_output_without_labels_does_not_spoil_balanced_classes():
    data = planted.dataset(96, 40)
    y = np.concatenate([data.y, np.full_like(data.y, np.nan)], 1)
    valid = planted.dataset(40, 40, seed=1)
    model, state = fitted(
        deepbind(n_outputs=2),
        data=TrainingData(Dataset(data.names, data.codes, y, ("u", "v"))),
        valid=Dataset(valid.names, valid.codes, np.concatenate([valid.y, valid.y], 1), ("u", "v")),
        class_weights="balanced",
    )
    assert all(torch.isfinite(v).all() for v in model.state_dict().values())
    assert math.isfinite(state.history[-1]["train_loss"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)],
)
def test_every_optimizer_learns(name, kind):
    options = TrainOptions(optimizer=name)
    assert type(make_optimizer(deepbind(), options)) is kind
    _, state = fitted(data=toy(200), optimizer=name, learning_rate=1e-2, epochs=5, select="last")
    assert state.history[-1]["train_loss"] < state.history[0]["train_loss"]


def test_a_frozen_model_is_refused():
    with pytest.raises(InputError, match="no weights to train"):
        fitted(deepbind().requires_grad_(False))


def test_half_precision_runs_beside_full_precision_in_one_process():
    full, _ = fitted()
    half, state = fitted(precision="bf16")
    assert math.isfinite(state.history[-1]["train_loss"])
    assert not same(full, half)
    assert half.state_dict()["head.0.weight"].dtype == torch.float32
    assert same(full, fitted()[0])


@pytest.mark.parametrize("rate", [1e30, 1e38])
def test_a_loss_without_end_is_one_clear_sentence(rate):
    with pytest.raises(InputError, match=r"epoch \d.*Lower the learning rate"):
        fitted(learning_rate=rate, optimizer="sgd", clip=None)


def test_a_last_step_into_nothing_is_noticed_too():
    """One step: the loss before it is finite, the weights after it are not."""
    with pytest.raises(InputError, match=r"epoch 1.*Lower the learning rate"):
        fitted(learning_rate=1e38, epochs=1, batch_size=96, warmup=0.0, schedule="constant")


def test_without_shuffling_the_rows_keep_their_order():
    data = TrainingData(planted.dataset(20, 40), reverse_complement=False)
    batches = list(data.batches(0, batch_size=8, seed=0, shuffle=False))
    assert torch.cat([b.y for b in batches])[:, 0].tolist() == [0.0, 1.0] * 10
    ordered, _ = fitted(shuffle=False)
    assert not same(ordered, fitted()[0])


def test_without_shuffling_positives_and_their_shuffles_take_turns():
    rows = planted.dataset(20, 40).take(np.arange(1, 20, 2))
    data = TrainingData(rows, fresh_negatives=2, fixed_negatives=True, reverse_complement=False)
    (batch, *_), (again, *_) = (
        list(data.batches(epoch, batch_size=8, seed=0, shuffle=False)) for epoch in (0, 1)
    )
    assert batch.y[:, 0].tolist() == [1.0, 0.0] * 4
    assert torch.equal(batch.inputs[0], again.inputs[0])  # the negatives are fixed
    assert torch.equal(batch.inputs[0].sum(2)[::2], batch.inputs[0].sum(2)[1::2])  # its shuffle


def test_without_shuffling_a_block_of_positives_and_one_of_negatives_are_mixed_evenly():
    rows = planted.dataset(12, 40).take(np.r_[1:12:2, 0:6:2])
    data = TrainingData(rows, reverse_complement=False)
    _, y = data.epoch(0, seed=0, shuffle=False)
    assert y[:, 0].tolist() == [1.0, 0.0, 1.0] * 3


def test_an_unknown_device_is_refused():
    with pytest.raises(InputError, match="device must be auto, cpu or cuda; got 'tpu'"):
        fit(deepbind(), toy(), TrainOptions(), valid=planted.dataset(8, 40), device="tpu")


class Stop(Exception):
    pass


def stopping_after(epoch):
    def progress(state):
        if len(state.history) == epoch:
            raise Stop

    return progress


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("epoch", [1, 3])
def test_a_resumed_fit_ends_with_the_same_bytes(tmp_path, optimizer, epoch):
    """A network with dropout and batch statistics, stopped after an epoch and begun anew."""
    path = tmp_path / "checkpoint.safetensors"
    whole, whole_state = fitted(deepbind(dropout=0.3), optimizer=optimizer)
    with pytest.raises(Stop):
        fitted(
            deepbind(dropout=0.3),
            optimizer=optimizer,
            checkpoint=path,
            progress=stopping_after(epoch),
        )
    torch.rand(99)
    resumed, state = fitted(deepbind(seed=5, dropout=0.3), optimizer=optimizer, checkpoint=path)
    assert len(state.seconds) == 4 - epoch
    assert same(whole, resumed)
    assert state.history == whole_state.history
    assert (state.best_epoch, state.best_score) == (whole_state.best_epoch, whole_state.best_score)


def test_a_fit_that_ended_is_not_trained_again(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    whole, _ = fitted(checkpoint=path)
    before = path.read_bytes()
    again, state = fitted(deepbind(seed=7), checkpoint=path)
    assert state.seconds == []
    assert same(whole, again)
    assert path.read_bytes() == before


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Stop):
        fitted(checkpoint=path, progress=stopping_after(2))
    return path


def test_a_checkpoint_of_another_model_is_refused_in_one_line(checkpoint):
    with pytest.raises(InputError, match=r"checkpoint.*model.*Delete it to begin again") as caught:
        fitted(create("deepbind", detectors=4, width=10, hidden=0), checkpoint=checkpoint)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_optimizer_is_refused(checkpoint):
    with pytest.raises(InputError, match=r"Delete it to begin again"):
        fitted(optimizer="sgd", checkpoint=checkpoint)


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_cut_checkpoint_is_refused_with_the_remedy(checkpoint, keep):
    checkpoint.write_bytes(checkpoint.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"checkpoint\.safetensors.*Delete it to begin again"):
        fitted(checkpoint=checkpoint)


@pytest.mark.parametrize(
    "damage",
    [
        lambda t, m: (t, None),
        lambda t, m: (t, {"state": "{"}),
        lambda t, m: (t, {"state": "[]"}),
        lambda t, m: (t, {"state": '{"history": []}'}),
        lambda t, m: ({k: v for k, v in t.items() if not k.startswith("best/")}, m),
        lambda t, m: ({k: v for k, v in t.items() if k != "optimizer/0/exp_avg"}, m),
        lambda t, m: (t | {"optimizer/99/step": torch.ones(())}, m),
        lambda t, m: (t | {"optimizer/x/step": torch.ones(1)}, m),
        lambda t, m: (t | {"other/x": torch.ones(1)}, m),
        lambda t, m: (t | {"optimizer/0/exp_avg": torch.ones(3)}, m),
    ],
)
def test_a_checkpoint_with_other_content_is_refused_with_the_remedy(checkpoint, damage):
    from safetensors import safe_open

    with safe_open(checkpoint, framework="pt") as opened:
        metadata = opened.metadata()
    tensors, metadata = damage(load_file(checkpoint), metadata)
    save_file(tensors, checkpoint, metadata)
    with pytest.raises(InputError, match=r"checkpoint\.safetensors.*Delete it to begin again"):
        fitted(checkpoint=checkpoint)
