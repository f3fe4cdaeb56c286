import pytest
from pydantic import ValidationError

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.models import MODELS
from cisgram.steps import described, from_file, resolve, settings_of
from cisgram.train import AS_PUBLISHED, TrainOptions

DATA = {"data": {"positives": "a.fa"}}


def test_the_published_regime_is_that_of_the_authors_code():
    """Lanchantin et al. 2017: Adam 1e-2, halved every 10 of 50 epochs, batch 256, clamped to 5."""
    train = resolve(DATA, as_published=True).train
    assert (train.optimizer, train.learning_rate, train.weight_decay) == ("adam", 1e-2, 0)
    assert (train.epochs, train.batch_size, train.patience) == (50, 256, 50)
    assert (train.schedule, train.halve_every, train.warmup) == ("halve", 10, 0)
    assert (train.clip, train.clip_by) == (5, "value")
    assert (train.shuffle, resolve(DATA).train.shuffle) == (False, True)
    data = resolve(DATA, as_published=True).data
    assert (data.reverse_complement, data.fresh_negatives) == (False, False)
    assert (resolve(DATA).data.reverse_complement, resolve(DATA).data.fresh_negatives) == (
        True,
        True,
    )


def test_what_is_given_goes_before_the_published_regime():
    settings = resolve(DATA | {"train": {"epochs": 3}}, as_published=True)
    assert settings.train.epochs == 3
    settings = resolve(DATA, overrides=["train.epochs=4"], as_published=True)
    assert settings.train.epochs == 4
    assert AS_PUBLISHED["train"]["epochs"] == 50


def test_the_published_regime_is_recorded_and_asked_for_by_a_setting_as_well():
    by_flag = resolve(DATA, as_published=True)
    assert by_flag.train.as_published is True
    assert resolve(DATA | {"train": {"as_published": True}}) == by_flag
    assert resolve(DATA, overrides=["train.as_published=true"]) == by_flag
    assert resolve(DATA).train.as_published is False


def test_a_model_brings_its_own_training_regime_behind_what_is_given():
    regime = MODELS["demo-rnn"].facts["regime"]
    rnn = DATA | {"model": {"name": "demo-rnn"}}
    train = resolve(rnn).train
    assert {k: getattr(train, k) for k in regime} == regime
    assert resolve(rnn, overrides=["train.epochs=3"]).train.epochs == 3
    assert resolve(rnn, as_published=True).train.epochs == AS_PUBLISHED["train"]["epochs"]
    assert resolve(DATA).train == TrainOptions()


def test_a_regime_is_for_fresh_weights():
    weighted = DATA | {"model": {"name": "demo-rnn", "weights": "a/run"}}
    assert resolve(weighted).train == TrainOptions()
    assert resolve(weighted, overrides=["train.epochs=3"]).train.epochs == 3


def test_what_is_not_given_keeps_its_default_and_overrides_come_last():
    groups = {"data": {"positives": "a.fa", "test": None}, "train": {"epochs": 5, "seed": None}}
    settings = resolve(groups, overrides=["train.epochs=7", "model.options.width=11"])
    assert settings.train.epochs == 7
    assert settings.train.seed == 0
    assert settings.model.options == {"width": 11}


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        resolve(DATA).train.epochs = 3


def test_settings_come_back_from_the_run(tmp_path):
    settings = resolve(DATA, overrides=["data.label_columns=['a', 'b']", "train.clip=0.5"])
    run = Run(tmp_path / "RUN")
    run.begin(settings.model_dump(mode="json"), inputs={})
    assert settings_of(run) == settings


@pytest.mark.parametrize("given", [["a", "b"], "a, b"])
def test_a_list_of_names_may_be_a_list_or_a_text_with_commas(given):
    data = resolve({"data": {"positives": "a.fa", "label_columns": given}}).data
    assert data.label_columns == ("a", "b")


def test_settings_come_from_a_file(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('[data]\npositives = "a.fa"\n[train]\nepochs = 3\n')
    assert from_file(path, overrides=["train.seed=4"]) == resolve(
        DATA | {"train": {"epochs": 3, "seed": 4}}
    )


def test_a_group_that_is_no_group_is_refused():
    with pytest.raises(InputError, match="train"):
        resolve(DATA | {"train": 3}, as_published=True)


def test_lists_of_numbers_and_of_names_are_told_apart():
    kinds = {row["name"]: row["kind"] for row in described()}
    assert kinds["train.task_weights"] == "list of numbers"
    assert kinds["train.freeze"] == kinds["data.label_columns"] == "list of names"
