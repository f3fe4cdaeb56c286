"""Designs in the files of demixed neurons, and as FASTA."""

import json
import shutil

import numpy as np
import pytest
import torch

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.io.fasta import read_fasta
from cisgram.models import load
from cisgram.seq import encode
from cisgram.steps import demix_run
from steps.wired_run import WORD, wired_run

FULL = 3.5  # what the first detector of the wired run says of its word


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    run = wired_run(tmp_path_factory.mktemp("designs"))
    demix_run(run, layer="conv1")
    return run


@pytest.fixture
def copy(done, tmp_path):
    shutil.copytree(done.path, tmp_path / "RUN")
    return Run(tmp_path / "RUN")


def neuron(run, k):
    return files.read_json(run.path / "demix" / "conv1" / f"{k}.json")


def fasta(run, k):
    return run.path / "demix" / "conv1" / f"{k}.designed.fa"


def test_a_neuron_has_a_design_that_reaches_its_highest_value(done):
    d = neuron(done, 0)["design"]
    assert d["letters"] == [WORD]
    assert d["places"] == [[[0], neuron(done, 0)["n_kept"]]]
    assert d["share"] == 1
    assert d["neuron"]["designed"] == d["neuron"]["search"][:1] * 3 == [FULL] * 3
    assert d["neuron"]["background"][2] < 0
    assert "gaps" not in d["neuron"], "a window as wide as the word has no other start"
    assert d["beaten"] == ["background", "strand"]


def test_the_output_is_read_beside_the_neuron_and_beside_its_own_search(done):
    """The output adds the detectors' maxima, so the word raises it by what it gives to two."""
    d = neuron(done, 0)["design"]["output"]
    assert d["designed"][0] > d["background"][0] + FULL
    assert d["output_search"][0] >= d["designed"][0] - 1e-6


@pytest.mark.parametrize("k", [2, 3])
def test_a_neuron_without_a_motif_has_no_design(done, k):
    assert neuron(done, k)["design"] is None


def test_designed_sequences_hold_the_word_and_say_what_they_do(copy):
    before = neuron(copy, 0)
    demix_run(copy, layer="conv1", designs=5)
    assert neuron(copy, 0) == before
    found = read_fasta(fasta(copy, 0))
    assert len(found.names) == 5
    assert found.lengths.tolist() == [60] * 5
    model = load(copy)
    with torch.no_grad():
        outputs = model(encode(found.letters))[:, 0].tolist()
    headers = fasta(copy, 0).read_text().splitlines()[::2]
    assert found.names == [f"conv1.0.design{i}" for i in range(1, 6)]
    for header, letters, y in zip(headers, found.letters, outputs, strict=True):
        _, value, output, place = header.split()
        assert value == f"neuron={FULL}"
        assert float(output.removeprefix("output=")) == pytest.approx(y, rel=1e-5)
        start = int(place.rpartition(":")[2])
        assert letters[start : start + 8] == WORD
    assert len(set(found.letters)) == 5
    assert not fasta(copy, 2).exists()


def test_sequences_are_the_same_in_one_go_and_later_and_of_any_number(copy, tmp_path):
    demix_run(copy, layer="conv1", neuron=0, designs=4)
    later = fasta(copy, 0).read_text()
    (tmp_path / "again").mkdir()
    run = wired_run(tmp_path / "again")
    demix_run(run, layer="conv1", neuron=0, designs=4)
    assert fasta(run, 0).read_text() == later
    assert (run.path / "demix/conv1/0.json").read_bytes() == (
        copy.path / "demix/conv1/0.json"
    ).read_bytes()
    demix_run(copy, layer="conv1", neuron=0, designs=9)
    assert fasta(copy, 0).read_text().startswith(later)


def test_sequences_of_other_options_are_not_left_behind(copy):
    demix_run(copy, layer="conv1", neuron=0, designs=4)
    demix_run(copy, layer="conv1", neuron=0)
    assert fasta(copy, 0).is_file()
    demix_run(copy, layer="conv1", neuron=0, seed=1)
    assert not fasta(copy, 0).exists()


def test_a_file_of_before_there_were_designs_is_made_again(copy, done):
    path = copy.path / "demix" / "conv1" / "0.json"
    old = neuron(copy, 0)
    del old["design"]
    files.write_text(path, json.dumps(old))
    demix_run(copy, layer="conv1", neuron=0)
    assert neuron(copy, 0) == neuron(done, 0)


@pytest.mark.parametrize("bad", [{}, {"slots": [["other", "+"]]}, {"letters": ["xyz"]}, 3])
def test_a_damaged_design_is_named(copy, bad):
    path = copy.path / "demix" / "conv1" / "0.json"
    d = neuron(copy, 0)
    d["design"] = d["design"] | bad if bad and isinstance(bad, dict) else bad
    files.write_text(path, json.dumps(d))
    with pytest.raises(InputError, match=r"0\.json: its design cannot be read. Delete it"):
        demix_run(copy, layer="conv1", neuron=0, designs=2)


def test_the_number_of_designs_is_positive(copy):
    with pytest.raises(InputError, match="designs"):
        demix_run(copy, layer="conv1", neuron=0, designs=0)
    assert np.array_equal([fasta(copy, k).exists() for k in range(4)], [False] * 4)
