"""DeepCpG from profiles to scores, as a user asks for it, on a methylome whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

import methylome
from cisgram.core import files
from cisgram.models import read_card
from cli.running import cisgram

SMALL = "model.options={maps=[16,16],hidden=16,hidden_cpg=16,hidden_joint=16}"
ALONE = {"deepcpg-dna": "model.options={maps=[16,16],hidden=16}",
         "deepcpg-cpg": "model.options={hidden=16}", "deepcpg": SMALL}  # fmt: skip


def ask(*arguments):
    done = cisgram(*map(str, arguments))
    assert done.status == 0, done.err
    return done.out


def train(folder, name, *more):
    profiles = f"{folder}/cell1.bed,{folder}/cell2.bed"
    ask(
        *("train", "--methylation", profiles, "--model", name, "--set", ALONE[name]),
        *("--set", "data.neighbors=6", "--test-chromosomes", "chr3", "--valid-chromosomes", "chr2"),
        *("--epochs", "10", "--device", "cpu", "-o", folder / name, *more),
    )
    return files.read_json(folder / name / "metrics.json")["test"]["auroc"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("methylome")
    methylome.write(made, contigs=4, sites=1500)
    return made


@pytest.fixture(scope="module")
def scores(folder):
    genome = ("--genome", folder / "g.fa", "--length", "61")
    return {name: train(folder, name, *genome) for name in ("deepcpg-dna", "deepcpg")} | {
        "deepcpg-cpg": train(folder, "deepcpg-cpg")  # it needs no genome
    }


def test_both_branches_together_tell_more_than_either(scores):
    assert scores["deepcpg"] > max(scores["deepcpg-dna"], scores["deepcpg-cpg"]) + 0.02
    assert min(scores.values()) > 0.6


def test_the_same_command_gives_the_same_bytes(folder, scores):
    again = folder / "again"
    again.mkdir()
    methylome.write(again, contigs=4, sites=1500)
    train(again, "deepcpg-cpg")
    for name in ("model/weights.safetensors", "metrics.json", "predictions.tsv"):
        assert (again / "deepcpg-cpg" / name).read_bytes() == (
            folder / "deepcpg-cpg" / name
        ).read_bytes()


def test_sites_of_a_file_are_predicted_and_scored_as_in_the_run(folder, scores):
    run = folder / "deepcpg"
    held = pd.read_csv(run / "predictions.tsv", sep="\t").query("set == 'test'")
    places = held["name"].drop_duplicates().str.extract(r"(\w+):(\d+)-(\d+)")
    places.to_csv(folder / "s.bed", sep="\t", header=False, index=False)
    out = folder / "p.tsv"
    genome = ("--genome", folder / "g.fa")
    ask("predict", run, "--sequences", folder / "s.bed", *genome, "-o", out)
    both = pd.read_csv(out, sep="\t").merge(held, on=["name", "output"])
    assert len(both) == len(held)
    np.testing.assert_allclose(both["score_x"], both["score_y"], atol=1e-4)
    assert "auroc" in ask("evaluate", run, "--sequences", folder / "s.bed", *genome)
    assert f"{scores['deepcpg']:.3f}" in ask("evaluate", run)


def test_letters_and_neighbors_are_explained(folder, scores):
    run = folder / "deepcpg"
    assert dict(read_card(run / "model").fields["neighbors"].model_dump()) == {
        "shape": (2, 2, 12),
        "mirror": (-1,),
    }
    for method, option in (("integrated_gradients", "tolerance=0.05"), ("ism", "batch_size=64")):
        ask("explain", method, run, "--target", "cell1", "--most", "12", "-O", option)
    values = load_file(run / "explain" / "ism" / "values.safetensors")["values"]
    near, far = np.abs(values[:, :, 10:51]).mean(), np.abs(values[:, :, [0, 1, 59, 60]]).mean()
    assert values.shape == (12, 4, 61)
    assert near > 3 * far
    assert not (run / "explain" / "ism" / "fields.safetensors").exists()
    scored = load_file(run / "explain" / "integrated_gradients" / "fields.safetensors")
    assert scored["neighbors"].shape == scored["neighbors.input"].shape == (12, 2, 2, 12)
    assert np.abs(scored["neighbors"]).sum() > 0


def test_neighbors_have_baselines(folder, scores):
    ask("evaluate", folder / "deepcpg", "--baselines")
    table = pd.read_csv(folder / "deepcpg" / "baselines.tsv", sep="\t")
    assert table.groupby("output").size().to_dict() == {"cell1": 6, "cell2": 6}
    lead = table.query("predictor != 'network'")["lead_low"]
    assert (lead > 0).all()
    assert table.query("predictor == 'linear model'")["auroc"].min() > 0.6


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--positives", "s.bed", "--model", "deepcpg"], "reads more than letters: give neighbors"),
        (
            ["--positives", "s.bed", "--model", "demo-cnn", "--inputs", "x.bw"],
            "x.bw does not exist",
        ),
        (["--model", "demo-cnn"], "Missing option --positives"),
    ],
)
def test_what_is_missing_is_said(folder, scores, monkeypatch, more, message):
    monkeypatch.chdir(folder)
    (folder / "s.bed").write_text("".join(f"chr0\t{p}\t{p + 1}\n" for p in range(200, 6000, 100)))
    done = cisgram("train", *more, "--genome", "g.fa", "--length", "61", "-o", "none")
    assert done.status == 2
    assert message in " ".join(done.err.split())
    assert not (folder / "none").exists()


def test_trust_judges_no_model_that_reads_more_than_letters(folder, scores):
    done = cisgram("trust", str(folder / "deepcpg"), "--target", "cell1")
    assert done.status == 2
    assert "reads neighbors beside the letters" in done.err


def test_letters_that_are_not_read_are_not_scored(folder, scores):
    done = cisgram("explain", "deep_lift", str(folder / "deepcpg-cpg"), "--target", "0")
    assert done.status == 2
    assert "deepcpg-cpg reads no letters, so deep_lift has nothing to score" in done.err
