"""A search over settings: what it proposes, how it goes on, and that only the validation counts."""

import json

import pytest

import planted
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.steps import from_file, resolve, space_of, train_run, tune, tune_run
from cisgram.steps.search_space import Choice, Span

MODEL = {"name": "deepbind", "options": {"detectors": 4, "width": 10, "hidden": 0}}
SPACE = ("train.learning_rate=1e-5:1e-1:log", "train.batch_size=16,64")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return planted.write_tsv(tmp_path_factory.mktemp("table") / "a.tsv", 160)


@pytest.fixture
def settings(table):
    train = {"epochs": 3, "min_rows": 1, "patience": 3}
    return resolve({"data": {"positives": str(table)}, "model": MODEL, "train": train})


@pytest.fixture(scope="module")
def done(table, tmp_path_factory):
    """A search of six trials, and its folder."""
    train = {"epochs": 3, "min_rows": 1, "patience": 3}
    settings = resolve({"data": {"positives": str(table)}, "model": MODEL, "train": train})
    folder = tmp_path_factory.mktemp("search") / "S"
    return folder, tune_run(folder, settings, space_of(settings, SPACE), trials=6, device="cpu")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("train.learning_rate=1e-4:1e-2:log", Span(1e-4, 1e-2, log=True)),
        ("train.batch_size=16:64", Span(16, 64)),
        ("model.options.first=relu,exponential", Choice(("relu", "exponential"))),
        ("train.as_published=true,false", Choice((True, False))),
    ],
)
def test_ranges_as_they_are_written(settings, text, span):
    assert space_of(settings, [text]) == {text.partition("=")[0]: span}


def test_usual_ranges_know_the_network(settings):
    words = resolve({"data": {"positives": "a.tsv"}, "model": {"name": "kmer"}})
    assert "model.options.dropout" in space_of(settings, [])
    assert "model.options.dropout" not in space_of(words, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rate=1:2", "wants train.NAME="),
        ("train.seed=1:5", "cannot be searched"),
        ("train.stop_on=auto,loss", "cannot be searched"),
        ("train.learning_rate=0:1:log", "above 0"),
        ("train.learning_rate=2:1", "below HIGH"),
        ("train.learning_rate=1e-3", "is no range"),
        ("train.batch_size=8,8", "two different values"),
    ],
)
def test_what_is_no_range_is_refused(settings, text, message):
    with pytest.raises(InputError, match=message):
        space_of(settings, [text])


def test_the_best_trial_has_the_best_score_on_the_validation_set(done):
    folder, found = done
    finished = found.trials[found.trials["state"] == "finished"]
    assert len(found.trials) == 6
    assert found.best == finished["score"].idxmax()
    history = Run(found.run).read_table("history.tsv")
    assert history["valid_auroc"].max() == pytest.approx(found.trials["score"][found.best])
    assert finished["score"].max() > finished["score"].min()  # rates of 1e-5 learn nothing
    assert (folder / tune.TABLE).is_file()


def test_stopped_trials_leave_no_run(done):
    folder, found = done
    runs = {int(p.name) for p in (folder / "trials").iterdir()}
    assert runs == set(found.trials.index[found.trials["state"] == "finished"])


def test_best_settings_are_a_configuration(done, tmp_path):
    _, found = done
    again = train_run(Run(tmp_path / "RUN"), from_file(found.config), device="cpu")
    metrics = json.loads((found.run / "metrics.json").read_text())
    assert again["test"]["auroc"] == metrics["test"]["auroc"]


def test_a_killed_search_ends_as_one_that_was_not(done, settings, tmp_path):
    folder, _ = done
    seen = []

    def interrupted(trial, state):
        seen.append(trial)
        if trial == 2 and len(state.history) == 2:
            raise KeyboardInterrupt

    space = space_of(settings, SPACE)
    with pytest.raises(KeyboardInterrupt):
        tune_run(tmp_path / "S", settings, space, trials=6, device="cpu", progress=interrupted)
    tune_run(tmp_path / "S", settings, space, trials=6, device="cpu")
    for name in (tune.TRIALS, tune.TABLE, tune.BEST):
        assert (tmp_path / "S" / name).read_bytes() == (folder / name).read_bytes()


def test_another_search_is_refused_in_the_folder(done, settings):
    folder, _ = done
    with pytest.raises(InputError, match="other settings, ranges or files"):
        tune_run(folder, settings, space_of(settings, []), trials=1, device="cpu")


def test_a_run_is_no_search(settings, tmp_path):
    (tmp_path / "run.toml").write_text("")
    with pytest.raises(InputError, match="something else than a search"):
        tune_run(tmp_path, settings, space_of(settings, SPACE), trials=1, device="cpu")


def test_a_setting_that_no_network_has_ends_the_search(settings, tmp_path):
    space = space_of(settings, ["model.options.maps=4,8"])
    with pytest.raises(InputError, match="None of 4 trials"):
        tune_run(tmp_path / "S", settings, space, trials=20, device="cpu")


@pytest.mark.parametrize(
    "text", ["train.optimizer=adam,foo", "train.batch_size=16.5:64.5", "train.learn=1:2"]
)
def test_a_value_that_no_setting_has_is_refused_before_the_first_trial(settings, tmp_path, text):
    with pytest.raises(InputError, match=text.partition("=")[0].partition(".")[2]):
        tune_run(tmp_path / "S", settings, space_of(settings, [text]), trials=2, device="cpu")
    assert not (tmp_path / "S" / tune.TRIALS).exists()


def test_what_the_loss_counts_is_not_searched_where_the_loss_chooses(settings, tmp_path):
    by_loss = settings.model_copy(
        update={"train": settings.train.model_copy(update={"stop_on": "loss"})}
    )
    space = space_of(settings, ["train.focal_gamma=0:4"])
    with pytest.raises(InputError, match=r"train\.focal_gamma cannot be searched where"):
        tune_run(tmp_path / "S", by_loss, space, trials=2, device="cpu")


def test_other_files_are_another_search(settings, tmp_path):
    table = planted.write_tsv(tmp_path / "b.tsv", 60)
    own = settings.model_copy(
        update={"data": settings.data.model_copy(update={"positives": str(table)})}
    )
    space = space_of(own, ["train.batch_size=16,32"])
    tune_run(tmp_path / "S", own, space, trials=1, device="cpu")
    table.write_text(table.read_text().rsplit("\n", 2)[0] + "\n")
    with pytest.raises(InputError, match="ranges or files"):
        tune_run(tmp_path / "S", own, space, trials=2, device="cpu")


def test_trials_that_tie_and_are_of_one_epoch(table, tmp_path):
    train = {"epochs": 1, "min_rows": 1, "learning_rate": 1e-9}
    still = resolve({"data": {"positives": str(table)}, "model": MODEL, "train": train})
    space = space_of(still, ["train.clip=1.0,2.0"])
    found = tune_run(tmp_path / "S", still, space, trials=6, device="cpu")
    assert found.importance == {}  # nothing has a share of no spread
    assert set(found.trials["state"]) == {"finished"}  # none is stopped when it is done anyway


def test_an_ensemble_is_refused(settings, tmp_path):
    several = settings.model_copy(update={"train": settings.train.model_copy(update={"seeds": 2})})
    with pytest.raises(InputError, match="one network a trial"):
        tune_run(tmp_path / "S", several, space_of(settings, SPACE), trials=2, device="cpu")
