"""Demixed neurons of a run: what is written, when it is done again, what is refused."""

import hashlib
import math
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cisgram import motifs, report
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.explain.demix import demix, find_layer, layers
from cisgram.models import load
from cisgram.seq.alphabet import from_codes
from cisgram.steps import demix_run, motifs_run
from cisgram.steps.demix import real_windows
from cisgram.steps.demix_matches import matched, summary
from steps import jobs
from steps.wired_run import KINDS, WORD, wired_run


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run whose first layer is demixed."""
    run = wired_run(tmp_path_factory.mktemp("demixed"))
    demix_run(run, layer="conv1")
    return run


@pytest.fixture
def copy(done, tmp_path):
    shutil.copytree(done.path, tmp_path / "RUN")
    return Run(tmp_path / "RUN")


def digests(run):
    paths = [*run.path.glob("demix/**/*.*"), *run.path.glob("motifs/demix.*")]
    return {
        str(p.relative_to(run.path)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in paths
        if p.is_file() and not p.name.startswith(".lock")
    }


def test_each_neuron_is_diagnosed(done):
    table = done.read_table("demix/neurons.tsv")
    assert table["diagnosis"].tolist() == [
        "read", "duplicate of 0", "dead", "driven by sequences that form no motif",
    ]  # fmt: skip
    found = [files.read_json(done.path / "demix" / "conv1" / f"{k}.json") for k in range(4)]
    assert [d["kind"] for d in found] == KINDS


def test_the_summary_has_the_share_of_each_kind(done):
    said = files.read_json(done.path / "demix" / "summary.json")["layers"]["conv1"]
    quarter = dict.fromkeys(KINDS, 0.25)
    assert said["kinds"] == quarter | {"poorly explained": 0.0}
    assert said["neurons"] == 4


def test_the_word_is_read_and_named(done):
    table = done.read_table("demix/neurons.tsv")
    d = files.read_json(done.path / "demix" / "conv1" / "0.json")
    ppm = np.array(d["motifs"][0]["ppm"])
    assert "".join("ACGT"[b] for b in ppm.argmax(0)) == WORD
    assert table["max_activation"].tolist()[:2] == [3.5, 7.0]
    # up to three letters of eight may be wrong
    n = sum(math.comb(8, k) * 3**k for k in range(4))
    assert table["n_kept"].tolist() == [n, n, 0, 4**8]


def test_its_page_shows_it(copy):
    text = report.write(copy).read_text()
    assert "duplicate of 0" in text
    assert 'id="neuron-conv1-0"' in text


def test_its_motifs_are_a_source(copy):
    motifs_run(copy, source="demix")
    facts = copy.read_table("motifs/demix.facts.tsv")
    assert facts["motif"].tolist() == ["conv1.0.1", "conv1.1.1"]
    assert facts["share"].tolist() == [1.0, 1.0]


def test_a_run_whose_neurons_are_all_dead_has_no_motifs(tmp_path):
    run = wired_run(tmp_path)
    with pytest.raises(InputError, match="No neuron of this run was demixed"):
        motifs_run(run, source="demix")
    demix_run(run, layer="conv1", neuron=2)
    with pytest.raises(InputError, match="None of the 1 neurons"):
        motifs_run(run, source="demix")


def test_what_is_done_is_not_done_again_unless_an_option_changes(copy):
    path = copy.path / "demix" / "conv1" / "0.json"
    before, others = path.stat().st_mtime_ns, digests(copy)
    counted = []
    demix_run(copy, layer="conv1", neuron=0, progress=lambda *a: counted.append(a))
    assert path.stat().st_mtime_ns == before
    assert counted == []
    assert digests(copy) == others
    demix_run(copy, layer="conv1", neuron=0, seed=1, progress=lambda *a: counted.append(a))
    assert path.stat().st_mtime_ns > before
    assert counted == [(1, 1)]
    assert files.read_json(path)["options"]["seed"] == 1


def test_a_neuron_does_not_depend_on_its_company(done, tmp_path):
    run = wired_run(tmp_path)
    demix_run(run, layer="conv1", neuron=1)
    name = "demix/conv1/1.json"
    assert (run.path / name).read_bytes() == (done.path / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"layer": "conv9"}, "No layer named 'conv9'"),
        ({"layer": "conv1", "neuron": 4}, "neurons 0 to 3; got 4"),
        ({"layer": "conv1", "by": "publishedx"}, "Did you mean 'published'"),
        ({"layer": "conv1", "start": "rael"}, "Did you mean 'real'"),
        ({"layer": "conv1", "seed": 1, "parts": 0}, "parts"),
    ],
)
def test_options_that_are_wrong_are_refused(copy, options, says):
    before = digests(copy)
    with pytest.raises(InputError, match=says):
        demix_run(copy, **options)
    assert digests(copy) == before


@pytest.mark.parametrize("content", ["{", "[]", '{"options": {}}'])
def test_a_damaged_file_is_named_or_written_again(copy, done, content):
    path = copy.path / "demix" / "conv1" / "0.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"0\.json") as caught:
        demix_run(copy, layer="conv1", neuron=1)
    assert "elete it" in str(caught.value)
    path.unlink()
    demix_run(copy, layer="conv1")
    assert digests(copy) == digests(done)


def test_real_windows_are_cut_from_the_positives_of_the_training_set(done):
    layer = find_layer(layers(load(done), length=60), "conv1")
    windows = real_windows(done, layer)
    assert windows.shape[1] == 8
    assert len(windows) == len(np.unique(windows, axis=0))
    text = (done.path.parent / "a.tsv").read_text().splitlines()[1:]
    bound = [row.split("\t")[1] for row in text if row.endswith("\t1")]
    together = "|".join(bound)
    assert all(w in together for w in from_codes(windows))
    assert sum(w == WORD for w in from_codes(windows)) == 1


def test_windows_as_wide_as_the_sequences_are_the_positives(done):
    layer = find_layer(layers(load(done), length=60), "output")
    text = (done.path.parent / "a.tsv").read_text()
    windows = from_codes(real_windows(done, layer))
    assert len(windows) > 50
    assert all(f"\t{w}\t1\n" in text for w in windows)


def test_the_search_starts_where_it_is_told(copy, monkeypatch):
    class Stopped(Exception):
        pass

    def search(*_args, start, **_options):
        raise Stopped(start)

    monkeypatch.setattr("cisgram.steps.demix.demix_each", search)
    layer = find_layer(layers(load(copy), length=60), "output")
    for start, wanted in (("random", None), ("real", real_windows(copy, layer))):
        with pytest.raises(Stopped) as caught:
            demix_run(copy, layer="output", start=start)
        np.testing.assert_array_equal(caught.value.args[0], wanted)


def test_the_start_is_an_option_of_its_own(copy):
    path = copy.path / "demix" / "conv1" / "0.json"
    before = files.read_json(path)
    demix_run(copy, layer="conv1", neuron=0, start="real")
    after = files.read_json(path)
    assert (before.pop("options")["start"], after.pop("options")["start"]) == ("random", "real")
    assert after == before, "all windows of 8 bp are counted, wherever one starts"


def test_shuffled_columns_are_the_control_of_a_match(done):
    d = demix(load(done), layer="conv1", neuron=0, length=60)
    (match,) = matched(d, motifs.jaspar())
    assert match.q < 0.05 < match.control_q
    assert match.is_specific


def motif(q, control_q, *, sure=True):
    return {"q": q, "control_q": control_q, "is_specific": sure}


def test_shares_of_motifs_and_of_neurons():
    found = [
        {"layer": "conv1", "kind": "read", "fidelity": {"r2": 0.8, "control_r2": 0.1},
         "motifs": [motif(0.01, 0.5), motif(0.5, 0.5), motif(0.01, 0.01, sure=False)]},
        {"layer": "conv1", "kind": "poorly explained", "fidelity": {"r2": 0.2, "control_r2": None},
         "motifs": [motif(0.5, 0.04)]},
        {"layer": "conv1", "kind": "dead", "fidelity": None, "motifs": []},
    ]  # fmt: skip
    said = summary(found, database="d", max_q=0.05)["layers"]["conv1"]
    assert said["motifs"] == {"n": 4, "matched": 0.25, "control": 0.25}
    assert said["neurons_with_motifs"] == {"n": 2, "matched": 0.5, "control": 0.5}
    assert (said["r2"], said["control_r2"]) == (0.5, 0.1)
    assert said["kinds"]["read"] == pytest.approx(1 / 3, abs=1e-6)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_a_killed_command_goes_on_with_the_same_bytes(tmp_path):
    def start(name):
        command = [sys.executable, "-c", "from cisgram.cli import main; main()", "demix"]
        return subprocess.Popen(
            [*command, str(tmp_path / name / "RUN"), "--layer", "conv1"],
            env=jobs.settings(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        wired_run(tmp_path / name)
    whole, killed = (Run(tmp_path / name / "RUN") for name in ("whole", "killed"))
    assert start("whole").wait() == 0
    process = start("killed")
    while not (killed.path / "demix" / "conv1" / "0.json").is_file():
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = sorted(p.name for p in (killed.path / "demix" / "conv1").glob("*.json"))
    assert "3.json" not in left, "it was killed too late to show anything"
    first = (killed.path / "demix" / "conv1" / "0.json").stat().st_mtime_ns
    assert start("killed").wait() == 0
    assert (killed.path / "demix" / "conv1" / "0.json").stat().st_mtime_ns == first
    assert digests(killed) == digests(whole)
    assert not list(killed.path.rglob(".*.tmp"))
