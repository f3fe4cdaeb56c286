"""Predictions at places of which no label is known, and letters that are not there."""

import numpy as np
import pandas as pd
import pytest

import footprints
import methylome
from cisgram.io import read_sequences
from cli.running import cisgram

HELD = ("--test-chromosomes", "chr2", "--valid-chromosomes", "chr1", "--device", "cpu")
QUICK = ("--epochs", "1", "--set", "train.min_rows=64")
SIZES = {"deepcpg-cpg": "{hidden=4}", "deepcpg-dna": "{maps=[4,4],hidden=4}"}


def ask(*arguments):
    done = cisgram(*map(str, arguments))
    assert done.status == 0, done.err
    return done.out


def refused(*arguments):
    done = cisgram(*map(str, arguments))
    assert done.status == 2
    return " ".join(done.err.split())


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """Two runs of a small methylome, and a FASTA and a BED of places that no cell knows."""
    made = tmp_path_factory.mktemp("sites")
    methylome.write(made, contigs=3, sites=60)
    genome = ("--genome", made / "g.fa", "--length", "61")
    for name, more in (("deepcpg-cpg", ()), ("deepcpg-dna", genome)):
        how = ("--model", name, "--set", f"model.options={SIZES[name]}", *more)
        cells = f"{made}/cell1.bed,{made}/cell2.bed"
        ask("train", "--methylation", cells, *how, *HELD, *QUICK, "-o", made / name)
    (made / "s.bed").write_text("".join(f"chr2\t{p}\t{p + 1}\n" for p in (551, 1333)))
    (made / "s.fa").write_text(f">a\n{'ACGTG' * 12}\n>b\n{'CCGTA' * 12}\n")
    return made


@pytest.mark.parametrize("name", SIZES)
def test_sites_that_no_cell_knows_are_predicted(sites, name):
    genome = () if name == "deepcpg-cpg" else ("--genome", sites / "g.fa")
    out = sites / "p.tsv"
    ask("predict", sites / name, "--sequences", sites / "s.bed", *genome, "-o", out)
    table = pd.read_csv(out, sep="\t")
    assert table["output"].tolist() == ["cell1", "cell1", "cell2", "cell2"]
    assert np.isfinite(table["score"]).all()
    assert table["label"].isna().all()
    message = refused("evaluate", sites / name, "--sequences", sites / "s.bed", *genome)
    assert "none of the 2 sites is known" in message


def test_a_model_of_letters_alone_predicts_and_explains_fasta(sites):
    given = (sites / "deepcpg-dna", "--sequences", sites / "s.fa")
    ask("predict", *given, "-o", sites / "f.tsv")
    assert np.isfinite(pd.read_csv(sites / "f.tsv", sep="\t")["score"]).sum() == 4
    ask("explain", "gradient_x_input", *given, "--target", "cell1", "-o", sites / "ex")
    assert "windows of a genome" in refused(
        "predict", sites / "deepcpg-cpg", "--sequences", sites / "s.fa"
    )


def test_letters_that_are_not_there_are_asked_for(sites):
    assert "holds places: give --genome" in refused(
        "predict", sites / "deepcpg-dna", "--sequences", sites / "s.bed"
    )
    cells = f"{sites}/cell1.bed,{sites}/cell2.bed"
    for name in ("deepbind", "deepcpg"):
        ask_for = ("train", "--methylation", cells, "--model", name, *HELD, "-o", sites / "none")
        message = refused(*ask_for)
        assert f"{name} reads the letters around each site" in message
        assert "neighbors alone: deepcpg-cpg." in message
        assert not (sites / "none").exists()


def test_windows_without_counts_and_fasta_get_profiles(tmp_path):
    pytest.importorskip("pybigtools")
    footprints.write(tmp_path, contigs=3, peaks=20)
    windows = ("--positives", tmp_path / "peaks.bed", "--genome", tmp_path / "g.fa")
    labels = ("--length", "100", "--profiles", tmp_path / "cuts.bw")
    how = ("--model", "bpnet-profile", "--set", "model.options={maps=4,width=5,layers=1}")
    ask("train", *windows, *labels, *how, *HELD, *QUICK, "-o", tmp_path / "RUN")
    (tmp_path / "new.fa").write_text((tmp_path / "g.fa").read_text().replace(">chr", ">new"))
    (tmp_path / "new.bed").write_text("new1\t500\t501\nnew2\t900\t901\n")
    letters = read_sequences(tmp_path / "new.fa").letters
    cut = [letters[1][450:550], letters[2][850:950]]
    (tmp_path / "s.fa").write_text("".join(f">s{i}\n{s}\n" for i, s in enumerate(cut)))
    given = ["--sequences", tmp_path / "new.bed", "--genome", tmp_path / "new.fa"]
    scores = []
    for i, how in enumerate((given, ["--sequences", tmp_path / "s.fa"])):
        ask("predict", tmp_path / "RUN", *how, "-o", tmp_path / f"{i}.tsv")
        scores.append(pd.read_csv(tmp_path / f"{i}.tsv", sep="\t")["score"])
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)
    assert len(scores[0]) == 4
    assert "windows of a genome" in refused(
        "evaluate", tmp_path / "RUN", "--sequences", tmp_path / "s.fa"
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [((), "the same label; give sites of both states"), (("--negatives", "genome"),
     "methylation says the state of every site; give no negatives")],
)  # fmt: skip
def test_sites_of_one_state_need_sites_of_the_other_and_no_negatives(tmp_path, more, message):
    at = range(10, 2000, 20)
    (tmp_path / "c.tsv").write_text("".join(f"chr{p % 3}\t{p}\t1\n" for p in at))
    how = ("train", "--methylation", tmp_path / "c.tsv", "--model", "deepcpg-cpg", *HELD)
    assert message in refused(*how, *more, "-o", tmp_path / "RUN")
