"""Which bias networks a ChromBPNet takes, and what its own outputs are called."""

import shutil

import pytest

import footprints
from cisgram.core.config import read_toml
from cli.running import cisgram

SIZES = "model.options={maps=4,width=5,layers=1}"
HELD = ("--test-chromosomes", "chr2", "--valid-chromosomes", "chr1", "--device", "cpu")
QUICK = ("--set", SIZES, "--epochs", "1", "--set", "train.min_rows=64")


def job(verb, folder, name, *more, length=100, model="chrombpnet"):
    windows = ("--positives", folder / "peaks.bed", "--genome", folder / "g.fa")
    labels = ("--length", length, "--profiles", folder / "cuts.bw", "--model", model)
    return cisgram(*map(str, (verb, *windows, *labels, *HELD, *QUICK, *more, "-o", folder / name)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small genome and the run BIAS; BIASES holds two of its networks."""
    pytest.importorskip("pybigtools")
    made = tmp_path_factory.mktemp("bias")
    footprints.write(made, contigs=3, peaks=20)
    done = job("train", made, "BIAS", model="bpnet-profile")
    assert done.status == 0, done.err
    shutil.copytree(made / "BIAS", made / "BIASES")
    shutil.copytree(made / "BIAS" / "model", made / "BIASES" / "model-2")
    return made


@pytest.mark.parametrize(
    ("bias", "more", "length", "message"),
    [
        ("BIAS", (), 120, "was trained on windows of 100 bp and profiles of 1 x 50"),
        ("BIAS", ("--set", "data.profile_width=40"), 100, "this run has windows of 100 bp and"),
        ("BIASES", (), 100, "holds 2 networks, and there is room for one"),
    ],
)
def test_a_bias_of_other_windows_or_of_several_networks_is_refused(
    folder, bias, more, length, message
):
    done = job("train", folder, "none", "--bias", folder / bias, *more, length=length)
    assert done.status == 2
    assert message in " ".join(done.err.split())
    assert not (folder / "none").exists()


def test_the_whole_job_explains_an_output_of_the_bias(folder):
    how = ("--set", "explain.target=bias_profile", "--set", "explain.methods=['saliency']")
    done = job("run", folder, "RUN", "--bias", folder / "BIAS", *how, "--set", "explain.most=2")
    assert done.status == 0, done.err
    found = read_toml(folder / "RUN" / "explain" / "saliency" / "options.toml")
    assert found["output"] == "bias_profile"


def test_files_of_one_name_in_two_folders_are_both_recorded(folder):
    for place in "xy":
        (folder / place).mkdir()
        shutil.copy(folder / "cuts.bw", folder / place / "cuts.bw")
    both = f"{folder}/x/cuts.bw,{folder}/y/cuts.bw"
    done = job("train", folder, "TWO", "--profiles", both, model="bpnet-profile")
    assert done.status == 0, done.err
    inputs = read_toml(folder / "TWO" / "run.toml")["inputs"]
    paths = [inputs[role]["path"] for role in ("profile cuts.bw", "profile cuts.bw (2)")]
    assert ",".join(paths) == both
    (folder / "y" / "cuts.bw").write_bytes((folder / "cuts.bw").read_bytes() + b"\0")
    done = cisgram("evaluate", str(folder / "TWO"))
    assert done.status == 2
    assert "the bytes of profile cuts.bw (2) differ" in " ".join(done.err.split())
