"""Which command makes a damaged file of a run anew, found in the message that names the file."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from cisgram.core import config, files
from cisgram.core.errors import InputError
from cisgram.core.remedies import DEMIXED_BY, SOURCES, remedied, remedy_of, with_remedy
from cisgram.steps import demix_run, motifs

COMMANDS = {
    "motifs/filters.meme": "motifs RUN --source filters",
    "motifs/units.pairs.tsv": "motifs RUN --source filters",
    "demix/comparison.json": "demix RUN --compare RUN2",
    "grammar/rules.json": "grammar RUN",
    "grammar/check.tsv": "grammar RUN --check RUN2",
    "interactions/dfim.tsv": "interact RUN",
    "page/curves.tsv": "report RUN",
    "metrics.json": "evaluate RUN",
    "baselines.tsv": "evaluate RUN --baselines",
    "demo.json": "demo -o RUN",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_that_is_written_over_has_a_command(name):
    assert remedy_of(Path("RUN"), Path("RUN") / name) == (
        f"This makes it anew: cisgram {COMMANDS[name]}"
    )


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("demix/conv3/17.json", "demix RUN --layer conv3 --neuron 17"),
        ("trust/shortcuts.json", "trust RUN"),
    ],
)
def test_a_file_that_its_command_reads_is_deleted_first(name, command):
    said = remedy_of(Path("RUN"), Path("RUN") / name)
    assert said == f"Delete it; this makes it anew: cisgram {command}"


def test_what_is_explained_anew_is_as_it_was(tmp_path):
    how = {"method": "ism", "target": 2, "most": 50, "options": {"path": "edits"}}
    for name in ("ism", "my-run"):
        config.write_toml(tmp_path / "explain" / name / "options.toml", how)
    command = f"this makes it anew: cisgram explain ism {tmp_path} --target 2 --most 50"
    said = remedy_of(tmp_path, tmp_path / "explain/ism/names.tsv")
    assert said.startswith("With those options (-O)")
    assert said.endswith(command)
    said = remedy_of(tmp_path, tmp_path / "explain/my-run/values.safetensors")
    assert said.endswith(f"{command} -o {tmp_path}/explain/my-run")


@pytest.mark.parametrize("content", [None, "method = ", "", 'method = "a; rm x"', "method = 3"])
def test_where_nothing_says_how_it_was_explained_that_is_said(tmp_path, content):
    if content is not None:
        files.write_text(tmp_path / "explain/mine/options.toml", content)
    said = remedy_of(tmp_path, tmp_path / "explain/mine/names.tsv")
    assert said.startswith("With --target, --most and -O as they were (and where mine is no")
    assert f"with its method instead, and -o {tmp_path}/explain/mine)" in said
    assert said.endswith(f"this makes it anew: cisgram explain mine {tmp_path}")
    assert "rm x" not in said


@pytest.mark.parametrize("name", ["summary.json", "neurons.tsv"])
def test_tables_of_neurons_are_made_anew_from_one_that_is_demixed_already(tmp_path, name):
    path = tmp_path / "demix" / name
    assert remedy_of(tmp_path, path) == "No neuron of this run is demixed: delete the file."
    asked = {"by": "published", "parts": 2, "start": "random", "seed": "1; rm x"}
    files.write_json(tmp_path / "demix/conv1/0.json", "damaged")
    files.write_json(tmp_path / "demix/conv1/x;y.json", {"options": asked})
    files.write_json(tmp_path / "demix/conv3/7.json", {"options": asked})
    assert remedy_of(tmp_path, path) == (
        f"This makes it anew: cisgram demix {tmp_path} --layer conv3 --neuron 7 "
        "--by published --parts 2"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("run.toml", "bring it back from a copy"),
        ("model/model.toml", "Only training writes it"),
        ("model-2/weights.safetensors", "Only training writes it"),
        ("history-2.tsv", "Only training writes it"),
        ("data/leaks.tsv", "and trains nothing"),
    ],
)
def test_of_what_training_writes_it_is_said_so(name, said):
    assert said in remedy_of(Path("RUN"), Path("RUN") / name)


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "motifs/mine.meme",
        "explain/ism",
        "explain/a;b/names.tsv",
        "explain/$(x)/names.tsv",
        "explain/--out/names.tsv",
        "explain/a b/names.tsv",
        "demix/`x`/1.json",
        "demix/conv1/١.json",
    ],
)
def test_what_no_step_wrote_has_no_command_that_could_be_pasted(name):
    assert remedy_of(Path("RUN"), Path("RUN") / name) == ""


def test_the_file_is_found_before_a_text_that_is_longer_than_any_name(tmp_path):
    (tmp_path / "metrics.json").touch()
    said = with_remedy(f"{tmp_path}/metrics.json: no model; known: {'name, ' * 500}", tmp_path)
    assert said.endswith(f"cisgram evaluate {tmp_path}")


def test_the_file_is_found_in_the_message(tmp_path):
    folder = tmp_path / "my run; x"
    for name in ("metrics.json", "motifs/filters.matches.tsv", "motifs/filters.matches"):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).touch()
    quoted = f"'{folder}'"
    said = with_remedy(f"{folder}/metrics.json is not JSON: broken. Write it again.", folder)
    assert said.endswith(f"broken. Write it again. This makes it anew: cisgram evaluate {quoted}")
    said = with_remedy(f"Look at {folder}/motifs/filters.matches.tsv.", folder)
    assert said.endswith(f"cisgram motifs {quoted} --source filters")


def test_a_path_is_found_whole_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "ba", "x/a", "b-a"):
        files.write_json(Path(folder) / "metrics.json", {})
    for folder in ("ba", "x/a", "b-a"):
        text = f"{folder}/metrics.json is not JSON."
        assert with_remedy(text, Path("a")) == text
        assert with_remedy(text, Path("a"), Path(folder)) == (
            f"{text} This makes it anew: cisgram evaluate {folder}"
        )
    said = with_remedy("'a/metrics.json' is no 'cisgram evaluate ba'.", Path("a"))
    assert said.endswith("This makes it anew: cisgram evaluate a")


def test_one_remedy_is_enough(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        for name in ("metrics.json", "run.toml"):
            files.write_text(folder / name, "")
    both = f"{first}/metrics.json differs from {second}/metrics.json."
    said = with_remedy(both, first, second)
    assert said == f"{both} This makes it anew: cisgram evaluate {first}"
    assert with_remedy(said, first, second) == said
    said = with_remedy(f"{second}/run.toml is no TOML.", first, second)
    assert said.count("bring it back from a copy") == 1
    assert with_remedy(said, second) == said


@pytest.mark.parametrize(
    "text",
    [
        "Cannot write {run}/metrics.json: Permission denied. Choose a folder that can be written.",
        "No room left on the disk while writing {run}/metrics.json. Make room.",
        "The model is broken.",
        "{run} is no run.",
        "{run}/absent.tsv is absent.",
        "{run}/metrics.json is old. Write it again with 'cisgram evaluate {run}'.",
        "{run}-2/metrics.json is not JSON.",
        "{run}/",
        "{run}/" + "x" * 5000 + ": known are " + "a, " * 5000,
        "{run}/a\0b",
        "",
    ],
)
def test_other_messages_stay_as_they_are(tmp_path, text):
    (tmp_path / "metrics.json").touch()
    text = text.format(run=tmp_path)
    assert with_remedy(text, tmp_path) == text


def test_what_is_refused_in_a_block_says_its_remedy(tmp_path):
    path = tmp_path / "metrics.json"
    path.touch()
    anew = pytest.raises(InputError, match="This makes it anew: cisgram evaluate")
    with anew as said, remedied(tmp_path / "other", tmp_path):
        raise InputError(f"{path} is not JSON.")
    assert str(said.value.__cause__) == f"{path} is not JSON."
    with pytest.raises(KeyError), remedied(tmp_path):
        raise KeyError("a bug")


def test_sources_and_options_are_those_of_the_steps():
    assert SOURCES.split("|") == sorted(motifs.SOURCES)
    options = inspect.signature(demix_run).parameters
    assert {name: options[name].default for name in DEMIXED_BY} == DEMIXED_BY
