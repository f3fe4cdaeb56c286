"""BPNet's profiles, ChromBPNet's bias and multi-view networks, as a user asks for them."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

import footprints
from cisgram.core import files
from cisgram.models import read_card
from cli.running import cisgram

SMALL = "model.options={maps=8,width=11,layers=2}"


def ask(*arguments):
    done = cisgram(*map(str, arguments))
    assert done.status == 0, done.err
    return done.out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("pybigtools")
    made = tmp_path_factory.mktemp("footprints")
    footprints.write(made, peaks=60)
    return made


def windows(folder, *more):
    return (
        *("--genome", folder / "g.fa", "--length", "300", "--device", "cpu"),
        *("--test-chromosomes", "chr3", "--valid-chromosomes", "chr2", *more),
    )


def train(folder, name, *more, epochs=2, minimum=512):
    ask("train", *windows(folder, *more), "--epochs", epochs, "--set",
        f"train.min_rows={minimum}", "-o", folder / name)  # fmt: skip


def labels(folder):
    return ("--profiles", folder / "cuts.bw", "--set", "data.profile_width=200")


@pytest.fixture(scope="module")
def bias(folder):
    more = ("--positives", folder / "background.bed", "--model", "bpnet-profile", "--set", SMALL)
    train(folder, "BIAS", *more, *labels(folder))
    return folder / "BIAS"


@pytest.fixture(scope="module")
def corrected(folder, bias):
    more = ("--positives", folder / "peaks.bed", "--model", "chrombpnet", "--bias", bias)
    train(folder, "CHROM", *more, "--set", SMALL, *labels(folder))
    return folder / "CHROM"


def test_the_bias_stays_as_it_was_trained_and_the_rest_does_not(bias, corrected):
    before = load_file(bias / "model" / "weights.safetensors")
    after = load_file(corrected / "model" / "weights.safetensors")
    for name, weight in before.items():
        assert (after[name.replace("network.", "bias.")] == weight).all()
    card = read_card(corrected / "model")
    assert card.profile == (1, 200)
    assert card.options["bias_maps"] == 8
    assert card.task == "profile"


def test_scores_of_the_whole_of_the_bias_and_of_the_rest_are_told(corrected):
    found = files.read_json(corrected / "metrics.json")["test"]
    assert [o["output"] for o in found["per_output"]] == [
        f"{part}{head}" for part in ("", "bias_", "corrected_") for head in ("profile", "counts")
    ]
    whole, bias = found["per_output"][0], found["per_output"][2]
    assert found["jsd"] == whole["jsd"] < bias["jsd"]
    assert whole["jsd_average"] == bias["jsd_average"]
    line = ask("evaluate", corrected).splitlines()[-1]
    assert f"jsd {found['jsd']:.3f}" in line
    assert "jsd_average" in line


def test_windows_of_a_file_are_predicted_scored_and_explained(folder, corrected):
    held = [r for r in (folder / "peaks.bed").read_text().splitlines(True) if "chr3" in r]
    (folder / "held.bed").write_text("".join(held))
    given = ("--sequences", folder / "held.bed", "--genome", folder / "g.fa")
    ask("predict", corrected, *given, "-o", folder / "p.tsv")
    table = pd.read_csv(folder / "p.tsv", sep="\t").pivot(index="name", columns="output")
    run = pd.read_csv(corrected / "predictions.tsv", sep="\t").query("set == 'test'")
    run = run.pivot(index="name", columns="output")
    for output in ("profile", "counts", "bias_profile", "bias_counts"):
        got = table["score"][output].loc[run.index]
        np.testing.assert_allclose(got, run["score"][output], atol=1e-4)
    assert "jsd" in ask("evaluate", corrected, *given)
    for target in ("profile", "counts", "bias_profile"):
        ask("explain", "gradient_x_input", corrected, "--target", target, *given, "--most", "5",
            "-o", folder / target)  # fmt: skip
    values = [load_file(folder / t / "values.safetensors")["values"] for t in ("profile", "counts")]
    assert values[0].shape == (5, 4, 300)
    assert np.abs(values[0] - values[1]).max() > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_corrected_network_does_not_attribute_to_the_enzyme_and_a_plain_one_does(folder):
    """The motif opens the genome, the enzyme's word does not; both change the profile."""
    footprints.write(folder, peaks=250, seed=1)
    both = folder / "both.bed"
    both.write_text("".join((folder / f"{k}.bed").read_text() for k in ("peaks", "background")))
    size, rate = "model.options={maps=16,width=11,layers=4}", "train.learning_rate=0.01"
    back = ("--positives", folder / "background.bed", "--model", "bpnet-profile")
    how = {"minimum": 1000, "epochs": 12}
    train(folder, "B", *back, "--set", SMALL.replace("8", "16"), *labels(folder), **how)
    for name, more in (("P", ["--model", "bpnet-profile"]),
                       ("C", ["--model", "chrombpnet", "--bias", folder / "B"])):  # fmt: skip
        train(folder, name, "--positives", both, *more, "--set", size, "--set", rate,
              *labels(folder), **how)  # fmt: skip
    seen = {}
    for name in "PC":
        ask("explain", "gradient_x_input", folder / name, "--target", "profile", "--most", "80",
            "--sequences", folder / "peaks.bed", "--genome", folder / "g.fa",
            "-o", folder / f"ex-{name}")  # fmt: skip
        tensors = load_file(folder / f"ex-{name}" / "values.safetensors")
        seen[name] = {
            w: footprints.share(tensors, w) for w in (footprints.MOTIF, footprints.ENZYME)
        }
    assert min(seen[n][footprints.MOTIF] for n in "PC") > 5
    assert seen["P"][footprints.ENZYME] > 5
    assert seen["C"][footprints.ENZYME] < 2


@pytest.mark.parametrize("fusion", ["early", "late", "ensemble"])
def test_a_track_beside_the_letters_is_read_with_every_window(folder, fusion):
    """The labels are peaks against windows without: the track alone nearly tells them."""
    options = f'model.options={{fusion="{fusion}",maps=8}}'
    more = ("--positives", folder / "peaks.bed", "--inputs", folder / "cuts.bw")
    name = f"VIEW-{fusion}"
    train(folder, name, *more, "--model", "multi-view", "--set", options, epochs=3)
    assert files.read_json(folder / name / "metrics.json")["test"]["auroc"] > 0.8
    assert read_card(folder / name / "model").fields["tracks"].shape == (1, 300)
    ask("explain", "integrated_gradients", folder / name, "--most", "4", "-O", "tolerance=0.1")
    scored = load_file(folder / name / "explain" / "integrated_gradients" / "fields.safetensors")
    assert scored["tracks"].shape == (4, 1, 300)
    assert np.abs(scored["tracks"]).sum() > 0
    assert (scored["tracks"][scored["tracks.input"] == 0] == 0).all()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--model", "demo-cnn", "--profiles", "cuts.bw"], "demo-cnn predicts no profile"),
        (["--model", "bpnet-profile"], "predicts counts along windows: give --profiles"),
        (["--model", "chrombpnet", "--profiles", "cuts.bw"], "needs the network of the bias"),
        (["--model", "bpnet-profile", "--profiles", "cuts.bw", "--bias", "BIAS"],
         "bpnet-profile has no bias network"),
        (["--model", "bpnet-profile", "--profiles", "cuts.bw,cuts.bw,cuts.bw"], "has 3 files"),
        (["--model", "bpnet-profile", "--profiles", "cuts.bw", "--set", "data.profile_width=301"],
         "more than the 300 bp"),
        (["--model", "demo-cnn", "--inputs", "cuts.bw"], "demo-cnn reads no tracks"),
        (["--model", "multi-view"], "reads more than letters: give tracks"),
        (["--model", "multi-view", "--inputs", "cuts.bw", "--tracks", "cuts.bw", "--profiles",
          "cuts.bw"], "are all labels of the windows"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_said(folder, bias, monkeypatch, more, message):
    monkeypatch.chdir(folder)
    done = cisgram(*map(str, ("train", "--positives", "peaks.bed", *windows(folder, *more),
                              "-o", "none")))  # fmt: skip
    assert done.status == 2
    assert message in " ".join(done.err.split())
    assert not (folder / "none").exists()
