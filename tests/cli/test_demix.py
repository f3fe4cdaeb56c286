"""``cisgram demix``."""

import json
import shutil
import subprocess
import sys

import pytest

from cisgram.core import files
from cisgram.core.run import Run
from cisgram.models import MODELS, Card, save
from cli.running import cisgram
from steps.wired_run import wired_run


@pytest.fixture(scope="module")
def wired(tmp_path_factory):
    """A run of four detectors wired by hand."""
    return wired_run(tmp_path_factory.mktemp("wired")).path


@pytest.fixture
def here(tmp_path, monkeypatch, wired):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(wired, "RUN")
    return tmp_path


def test_grammars_diagnoses_and_shares_are_printed(here):
    done = cisgram("demix", "RUN", "--layer", "conv1")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[1].endswith("(duplicate of 0)")
    assert lines[2] == "conv1 2: no motif  (dead)"
    assert lines[4] == "conv1: 4 demixed: 25 % read, 25 % no motif, 25 % duplicate, 25 % dead"
    assert "% of 2 motifs match jaspar:vertebrates at q < 0.05, 0 % with their columns" in lines[6]
    assert (here / "RUN" / "motifs" / "demix.meme").is_file()


def test_json_has_rows_and_summary(here):
    done = cisgram("demix", "RUN", "--layer", "conv1", "--neuron", "2", "--json")
    assert done.status == 0, done.err
    found = json.loads(done.out)
    (row,) = found["neurons"]
    assert (row["neuron"], row["n_kept"], row["diagnosis"]) == (2, 0, "dead")
    assert row["r2"] is None
    assert found["summary"]["layers"]["conv1"]["kinds"]["dead"] == 1


def test_a_run_without_any_motif_is_no_error(here):
    done = cisgram("demix", "RUN", "--layer", "conv1", "--neuron", "2")
    assert done.status == 0, done.err
    assert "No neuron has a motif" in done.err


def test_other_options_are_done_again(here):
    path = here / "RUN" / "demix" / "conv1" / "0.json"
    one = ("demix", "RUN", "--layer", "conv1", "--neuron", "0")
    assert cisgram(*one).status == 0
    assert cisgram(*one, "--start", "real", "--by", "published", "--parts", "2").status == 0
    asked = {"by": "published", "parts": 2, "start": "real", "seed": 0}
    assert files.read_json(path)["options"] == asked


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("RUN --layer conv11", r"No layer named 'conv11'. Did you mean 'conv1'"),
        ("RUN --layer conv1 --neuron 4", "conv1 has the neurons 0 to 3; got 4"),
        ("RUN --layer conv1 --neuron first", "a channel from 0, or all; got 'first'"),
        ("RUN --layer conv1 --neuron ²", "a channel from 0, or all; got '²'"),
        ("RUN --layer conv1 --by theirs", "No variant of demixing named 'theirs'"),
        ("RUN --start here", "'here' is not one of 'random', 'real'"),
        ("RUN --parts 0", "0 is not in the range"),
        (". --layer conv1", "is not a run"),
        ("nowhere", "nowhere"),
    ],
)
def test_what_is_wrong_is_said(here, options, says):
    done = cisgram("demix", *options.split())
    assert done.status == 2
    assert says in " ".join(done.err.split())
    assert not (here / "RUN" / "demix" / "neurons.tsv").exists()


def test_a_model_without_convolutions_has_no_neurons_to_demix(here):
    model = MODELS["demo-rnn"].fn(n_outputs=1)
    save(Run(here / "RUN").member(0), model, Card("demo-rnn", {}, length=60))
    done = cisgram("demix", "RUN")
    assert done.status == 2
    assert "runs no convolution" in done.err


def test_a_damaged_file_is_named(here):
    assert cisgram("demix", "RUN", "--layer", "conv1", "--neuron", "0").status == 0
    (here / "RUN" / "demix" / "conv1" / "0.json").write_text('{"layer": ')
    for command in (("demix", "RUN", "--layer", "conv1"), ("report", "RUN")):
        done = cisgram(*command)
        assert done.status == 2
        assert "0.json is not JSON" in " ".join(done.err.split())


def test_the_command_runs_as_a_process_and_its_page_is_drawn(here):
    start = [sys.executable, "-c", "from cisgram.cli import main; main()"]
    command = [*start, "demix", "RUN", "--layer", "conv1", "--neuron", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert cisgram("report", "RUN").status == 0
    assert 'id="neuron-conv1-0"' in (here / "RUN" / "report.html").read_text()
