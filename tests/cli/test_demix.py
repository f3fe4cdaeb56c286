"""``cisgram demix``."""

import json
import shutil
import subprocess
import sys

import pytest

from cisgram.core import files
from cisgram.core.run import Run
from cisgram.models import MODELS, Card, save
from cisgram.steps import demix_run
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


def test_several_neurons_are_named_by_a_list(here):
    done = cisgram("demix", "RUN", "--layer", "conv1", "--neuron", "3,0-1", "--json")
    assert done.status == 0, done.err
    assert sorted(row["neuron"] for row in json.loads(done.out)["neurons"]) == [0, 1, 3]
    assert {p.stem for p in (here / "RUN/demix/conv1").glob("*.json")} == {"0", "1", "3"}


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


def test_designed_sequences_are_written_and_counted(here):
    one = ("demix", "RUN", "--layer", "conv1", "--neuron")
    done = cisgram(*one, "0", "--design", "3")
    assert done.status == 0, done.err
    lines = (here / "RUN/demix/conv1/0.designed.fa").read_text().splitlines()
    assert len(lines) == 6
    assert lines[0].startswith(">conv1.0.design1 neuron=3.5 output=")
    assert "3 sequences designed from each of 1 of 1 neurons lie in" in done.err
    done = cisgram("demix", "RUN", "--layer", "conv1", "--design", "2")
    assert "2 sequences designed from each of 2 of 4 neurons" in done.err
    assert len((here / "RUN/demix/conv1/0.designed.fa").read_text().splitlines()) == 4


@pytest.fixture(scope="module")
def demixed(tmp_path_factory):
    """The wired run, demixed."""
    run = wired_run(tmp_path_factory.mktemp("demixed"))
    demix_run(run, layer="conv1")
    return run.path


@pytest.fixture
def two(tmp_path, monkeypatch, demixed):
    """A demixed run and a copy of it."""
    monkeypatch.chdir(tmp_path)
    for name in ("RUN", "OTHER"):
        shutil.copytree(demixed, name)
    return tmp_path


def test_networks_are_put_side_by_side(two):
    done = cisgram("demix", "RUN", "--compare", "OTHER")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("RUN: deepbind detectors=4 hidden=0 width=8, 1 convolution, 137 ")
    assert lines[1].startswith("  conv1 (8 bp, 4 of 4 neurons): 25 % read, 25 % no motif, ")
    assert lines[1].endswith("<- compared")
    assert (
        "share dead: the intervals overlap; RUN 0.25 (0.05 to 0.70), OTHER 0.25 (0.05 to 0.70)"
        in lines
    )
    assert "another training seed" in done.err
    assert (two / "RUN/demix/comparison.tsv").is_file()
    assert cisgram("report", "RUN").status == 0
    assert "Beside other networks" in (two / "RUN/report.html").read_text()


def test_a_comparison_is_json(two):
    done = cisgram("demix", "RUN", "--compare", "OTHER", "--layer", "conv1", "--json")
    assert done.status == 0, done.err
    said = json.loads(done.out)
    assert [n["network"] for n in said["networks"]] == ["RUN", "OTHER"]
    assert said == files.read_json(two / "RUN/demix/comparison.json")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--compare nowhere", "nowhere is not a run"),
        ("--compare RUN", "RUN is given twice"),
        ("--compare OTHER --layer output", "No neuron of output of RUN was demixed"),
        ("--compare OTHER --neuron 0 --start real", "--neuron, --start belong to demixing"),
        ("--compare OTHER --design 2", "--design belongs to demixing"),
        ("--other-data", "--other-data belongs to --compare RUN2"),
        ("--design 0", "0 is not in the range"),
    ],
)
def test_what_a_comparison_cannot_honor_is_refused(two, options, says):
    done = cisgram("demix", "RUN", *options.split())
    assert done.status == 2
    assert says in " ".join(done.err.split())
    assert not (two / "RUN/demix/comparison.json").exists()


def test_runs_of_different_data_need_a_flag(two):
    path = two / "OTHER" / "run.toml"
    text = path.read_text()
    digest = text.partition('sha256 = "')[2][:64]
    path.write_text(text.replace(digest, "0" * 64))
    done = cisgram("demix", "RUN", "--compare", "OTHER")
    assert done.status == 2
    assert "different data (the bytes of positives differ)" in " ".join(done.err.split())
    done = cisgram("demix", "RUN", "--compare", "OTHER", "--other-data")
    assert done.status == 0, done.err
    assert "may come from the data" in done.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("RUN --layer conv11", r"No layer named 'conv11'. Did you mean 'conv1'"),
        ("RUN --layer conv1 --neuron 4", "conv1 has the neurons 0 to 3; got 4"),
        ("RUN --layer conv1 --neuron 0,2-9", "conv1 has the neurons 0 to 3; got 4"),
        ("RUN --layer conv1 --neuron first", "0,3,10-20, or all; got 'first'"),
        ("RUN --layer conv1 --neuron ²", "0,3,10-20, or all; got '²'"),
        ("RUN --layer conv1 --neuron 0,,1", "channels from 0, such as 5"),
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
