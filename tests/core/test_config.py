from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from cisgram.core import config
from cisgram.core.config import Options
from cisgram.core.errors import InputError


class Train(Options):
    epochs: int = Field(default=20, ge=1)
    rate: float = 1e-3
    loss: Literal["bce", "mse"] = "bce"


class Job(Options):
    name: str
    out: Path | None = None
    chromosomes: tuple[str, ...] = ()
    train: Train = Train()


def job(value):
    return config.validate(Job, value, source="job.toml")


def test_what_is_not_given_keeps_its_default():
    found = job({"name": "a", "train": {"epochs": 5}})
    assert (found.train.epochs, found.train.rate, found.chromosomes) == (5, 1e-3, ())


def test_lists_and_text_of_toml_become_tuples_and_paths():
    found = job({"name": "a", "chromosomes": ["chr1", "chr2"], "out": "some/where"})
    assert (found.chromosomes, found.out) == (("chr1", "chr2"), Path("some/where"))


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(ValidationError, match="frozen"):
        job({"name": "a"}).name = "b"


def test_an_unknown_key_gets_the_nearest_match_and_the_list():
    with pytest.raises(InputError) as caught:
        job({"name": "a", "train": {"epoch": 5}})
    assert str(caught.value) == (
        "job.toml: No setting named 'train.epoch'. Did you mean 'train.epochs'? Known: "
        "chromosomes, name, out, train.epochs, train.loss, train.rate."
    )


def test_every_wrong_key_is_named_at_once():
    with pytest.raises(InputError) as caught:
        job({"train": {"epochs": 0, "rate": "fast", "loss": "hinge"}})
    text = str(caught.value)
    assert text.startswith("job.toml: ")
    for part in ("name: field required", "train.epochs", "got 0", "'fast'", "'hinge'"):
        assert part in text


@pytest.mark.parametrize("value", ["5", 5.5, True, None, [5]])
def test_nothing_is_converted_in_silence(value):
    with pytest.raises(InputError, match=r"train\.epochs: .*got"):
        job({"name": "a", "train": {"epochs": value}})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_are_finite(value):
    with pytest.raises(InputError, match=r"train\.rate: "):
        job({"name": "a", "train": {"rate": value}})


@pytest.mark.parametrize("value", [3, "text", ["a"]])
def test_a_value_in_the_place_of_a_group_is_refused(value):
    with pytest.raises(InputError, match=r"job\.toml: "):
        config.validate(Job, value, source="job.toml")
    with pytest.raises(InputError, match=r"job\.toml: train"):
        job({"name": "a", "train": value})


def test_a_setting_is_read_as_toml_and_else_as_text():
    found = config.override(
        {}, ["a.b=1e-3", "a.c=true", "a.d=[1, 2]", 'e="3"', "f=demo-cnn", "g=x=y", "h="]
    )
    assert found == {
        "a": {"b": 1e-3, "c": True, "d": [1, 2]},
        "e": "3",
        "f": "demo-cnn",
        "g": "x=y",
        "h": "",
    }


def test_the_last_setting_counts_and_the_given_groups_stay_as_they_were():
    before = {"model": {"options": {"size": "small"}}}
    after = config.override(before, ["model.options.size=large", "model.options.size=medium"])
    assert after == {"model": {"options": {"size": "medium"}}}
    assert before == {"model": {"options": {"size": "small"}}}


@pytest.mark.parametrize("text", ["epochs", "=3", " =3"])
def test_a_setting_needs_a_name_and_a_value(text):
    with pytest.raises(InputError, match=r"looks like group\.name=value"):
        config.override({}, [text])


def test_a_value_is_no_group_of_settings():
    with pytest.raises(InputError, match="'name' is a value, not a group"):
        config.override({"name": "a"}, ["name.first=b"])


def test_toml_comes_back_as_it_was_written_without_what_was_not_given(tmp_path):
    path = tmp_path / "new" / "job.toml"
    config.write_toml(path, {"a": None, "b": {"c": None, "d": (1, 2), "e": Path("x/y")}})
    assert config.read_toml(path) == {"b": {"d": [1, 2], "e": "x/y"}}


names = st.text(alphabet="abcdefgh_", min_size=1, max_size=6)
plain = st.one_of(
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20),
)


@given(st.dictionaries(names, st.one_of(plain, st.dictionaries(names, plain, max_size=3))))
def test_any_settings_survive_a_round_trip_through_toml(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("toml") / "job.toml"
    config.write_toml(path, value)
    assert config.read_toml(path) == value


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"a = 1\nb = = 2\n", "at line 2, column 5"),
        (b"a = [1,\n", "not TOML"),
        (b"\xff\xfe", "not TOML"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_its_place(tmp_path, content, place):
    path = tmp_path / "job.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=place) as caught:
        config.read_toml(path)
    assert str(path) in str(caught.value)


def test_a_folder_or_nothing_in_the_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="Cannot read"):
        config.read_toml(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        config.read_toml(tmp_path / "none.toml")
