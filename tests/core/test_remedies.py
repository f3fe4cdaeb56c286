"""Which command makes a damaged file of a run anew, found in the message that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cisgram.core.remedies import remedy_of, with_remedy

COMMANDS = {
    "explain/deep_lift/values.safetensors": "explain deep_lift RUN",
    "motifs/filters.meme": "motifs RUN --source filters",
    "motifs/units.pairs.tsv": "motifs RUN --source filters",
    "demix/comparison.json": "demix RUN --compare RUN2",
    "demix/summary.json": "demix RUN",
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


@pytest.mark.parametrize(
    "text",
    [
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
