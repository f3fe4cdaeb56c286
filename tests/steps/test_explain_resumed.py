"""kill -9 in an explanation: the same command goes on from there and ends with the same bytes."""

import hashlib
import subprocess
import sys
import time

import numpy as np
import pytest
from safetensors.numpy import load_file

from cisgram.core import config
from cisgram.core.errors import InputError
from cisgram.core.lock import only_one
from cisgram.data import Dataset
from cisgram.seq.alphabet import to_codes
from cisgram.steps import explain_parts, explain_run
from cisgram.steps.explain_parts import PARTS, job_digest
from steps.jobs import settings
from steps.wired_run import wired_run

METHOD = "integrated_gradients"
NAMES = ["names.tsv", "options.toml", "values.safetensors"]


@pytest.fixture
def run(tmp_path):
    return wired_run(tmp_path)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr("cisgram.steps.scored.CHUNK", 4)
    monkeypatch.setattr("cisgram.steps.explain.CHUNK", 4)


def digests(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


class Stop(BaseException):
    """As an interrupt between two chunks."""


def stopped_after(n):
    def progress(done, _total):
        if done >= n:
            raise Stop

    return progress


@pytest.mark.parametrize("method", [METHOD, "deep_lift", "saliency"])
def test_an_interrupted_explanation_ends_with_the_same_bytes(run, tmp_path, method, monkeypatch):
    whole = explain_run(run, method, out=tmp_path / "whole", most=16)
    with pytest.raises(Stop):
        explain_run(run, method, out=tmp_path / "cut", most=16, progress=stopped_after(8))
    assert len(list((tmp_path / "cut" / PARTS).glob("*.safetensors"))) == 2
    written = []
    write = explain_parts.write_part
    monkeypatch.setattr(
        "cisgram.steps.scored.write_part",
        lambda folder, start, result: (written.append(start), write(folder, start, result)),
    )
    assert digests(explain_run(run, method, out=tmp_path / "cut", most=16)) == digests(whole)
    assert written == [8, 12]  # the first two were not computed again
    assert sorted(digests(whole)) == NAMES  # nothing is left beside them


def test_parts_of_another_job_are_not_taken(run, tmp_path):
    with pytest.raises(Stop):
        explain_run(run, "saliency", out=tmp_path / "a", most=16, progress=stopped_after(8))
    options = {"of": "probability"}
    found = explain_run(run, "saliency", out=tmp_path / "a", most=16, options=options)
    whole = explain_run(run, "saliency", out=tmp_path / "b", most=16, options=options)
    assert digests(found) == digests(whole)


def test_two_processes_do_not_write_one_explanation(run, tmp_path):
    with (
        only_one(tmp_path / "a" / PARTS),
        pytest.raises(InputError, match="Another process is at work"),
    ):
        explain_run(run, "saliency", out=tmp_path / "a", most=16)


@pytest.mark.slow
def test_a_killed_explanation_goes_on(run, tmp_path):
    """The real command, killed while parts lie there; CHUNK is as it comes, 50."""
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "cisgram", "explain", METHOD, str(run.path), "-o", str(out)]
    command += [
        "--sequences",
        str(tmp_path / "a.tsv"),
        "-O",
        "n_references=8",
        "--device",
        "cpu",
        "--most",
        "60",
    ]
    with subprocess.Popen(command, env=settings(), stderr=subprocess.DEVNULL) as process:
        while not list((out / PARTS).glob("*.safetensors")):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    assert not (out / "values.safetensors").exists()
    subprocess.run(command, env=settings(), check=True, stderr=subprocess.DEVNULL)
    assert len(load_file(out / "values.safetensors")["x"]) == 60
    killed = digests(out)
    command[command.index(str(out))] = str(tmp_path / "whole")
    subprocess.run(command, env=settings(), check=True, stderr=subprocess.DEVNULL)
    assert killed == digests(tmp_path / "whole")


def test_another_card_of_the_same_weights_is_another_job(run):
    """Strands change the scores, and stand in the card alone."""
    chosen = Dataset(["a"], to_codes(["ACGT" * 15]), np.zeros((1, 1), np.float32), ("bound",))
    before = job_digest(run, chosen, {})
    assert job_digest(run, chosen, {}) == before
    card = config.read_toml(run.member(0) / "model.toml")
    config.write_toml(run.member(0) / "model.toml", {**card, "strands": "both"})
    assert job_digest(run, chosen, {}) != before
