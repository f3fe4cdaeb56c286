"""The page of networks without labels, from runs of a few steps."""

import gzip
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import planted
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.registry import UnknownName
from cisgram.seq import from_codes
from cisgram.steps.impute import ImputeOptions, errors, held_out
from cisgram.steps.unsupervised_benchmark import (
    FACTOR,
    FEW,
    FEW_TEST,
    benchmark_unsupervised,
)
from cisgram.steps.unsupervised_job import Unsupervised
from cisgram.steps.unsupervised_matrices import MATRICES

SMALL = Unsupervised(
    matrices=("tissues", "PBMC counts"),
    seeds=(2, 2),
    matrix={"epochs": 1, "hidden": 8, "members": 1, "latent": 3},
    generator={"epochs": 1, "steps": 2, "batch_size": 16, "channels": 8, "most": None},
    feedback={"epochs": 1, "steps": 2, "samples": 30, "threshold": 0.4},
    analyzer_epochs=1,
    ascents=3,
    labels=48,
    pretrain_epochs=1,
    few_epochs=1,
)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    home = tmp_path_factory.mktemp("data")
    for i, name in enumerate((FACTOR, FEW, FEW_TEST)):
        rows = enumerate(from_codes(planted.codes(160, 101, seed=i)))
        text = "".join(f"A\tseq_{r:05d}_peak\t{s}\t{r % 2}\n" for r, s in rows)
        (home / name).parent.mkdir(exist_ok=True)
        with gzip.open(home / name, "wt") as out:
            out.write("FoldID\tEventID\tseq\tBound\n" + text)
    random = np.random.default_rng(0)
    later = home / "later"
    later.mkdir()
    values = random.normal(0, 1, (40, 1)) * random.normal(0, 1, 6)
    rows = [f"g{i}\t" + "\t".join(f"{v:.4f}" for v in row) for i, row in enumerate(values)]
    with gzip.open(later / "decode_toy_expdata.txt.gz", "wt") as out:
        out.write("\n".join(["Name\ta\tb\tc\td\te\tf", *rows]) + "\n")
    return home


def write_cells(home):
    h5py = pytest.importorskip("h5py")
    random = np.random.default_rng(1)
    counts = random.poisson(random.gamma(1, 2, 30), (12, 30)).astype(float)
    counts[:, 4] = 0  # a gene of no cell
    with h5py.File(home / "later" / "pbmc_10k_protein_v3.h5ad", "w") as file:
        file["X"] = counts
        for side, n in (("obs", 12), ("var", 30)):
            file.create_group(side).create_dataset("index", data=[f"{side}{i}" for i in range(n)])
    return counts


@pytest.mark.slow
def test_the_page_shows_what_the_runs_found(sets, tmp_path):
    counts = write_cells(sets)
    page = benchmark_unsupervised(sets, tmp_path, size=SMALL, device="cpu")
    home = tmp_path / "unsupervised"
    found = [
        files.read_json(home / "matrices" / f"tissues-denoising-{s}" / "metrics.json")
        for s in range(2)
    ]
    ours, mean = (
        np.mean([f["test"][way]["rmse"] for f in found]) for way in ("autoencoder", "PCA")
    )
    assert f"| tissues | 40 x 6 | 2 | {ours:.4f} (" in page
    assert f"{mean:.4f} (" in page
    kept = int(((counts > 0).mean(0) >= 0.1).sum())
    assert f"| PBMC counts | {kept} x 12 | 2 |" in page
    assert "| autoencoder: variational, zinb | 2 |" in page
    assert " of 3, " in page  # coordinates in use
    made = files.read_json(home / "generator" / "metrics.json")
    assert f"| made | {made['spectra']['generator']['3']:.4f} |" in page
    turned = files.read_json(home / "feedback" / "metrics.json")
    assert f"| made after | {100 * turned['above']['after']:.1f} %" in page
    best = pd.read_csv(home / "ascent" / "designed.tsv", sep="\t")
    assert f"(best {best['score'].max():.2f})" in page
    assert "| denoising | 2 |" in page
    assert benchmark_unsupervised(sets, tmp_path, size=SMALL, only="") == page


@pytest.mark.parametrize(
    ("part", "changed", "said"),
    [
        ("matrices", {"matrix": {"epochs": 1, "hidden": 9, "members": 1}}, r"impute\.hidden"),
        ("generator", {"generator": {"epochs": 1, "steps": 3}}, r"generate\.steps"),
    ],
)
def test_numbers_of_other_options_are_not_shown_as_these(
    sets, tmp_path, monkeypatch, part, changed, said
):
    monkeypatch.setattr("cisgram.steps.generate.COMPARED", 20)
    size = replace(SMALL, matrices=("tissues",), seeds=(1, 1))
    page = benchmark_unsupervised(sets, tmp_path, only=part, size=size)
    assert benchmark_unsupervised(sets, tmp_path, only=part, size=size) == page
    other = {key: getattr(size, key) | own for key, own in changed.items()}
    with pytest.raises(InputError, match=said):
        benchmark_unsupervised(sets, tmp_path, only=part, size=replace(size, **other))


def test_a_part_that_is_not_there_and_data_that_are_not_are_refused(tmp_path):
    with pytest.raises(UnknownName, match="generator"):
        benchmark_unsupervised(tmp_path, tmp_path, only="generators")
    with pytest.raises(InputError, match="data sets' folder"):
        benchmark_unsupervised(tmp_path, tmp_path, only="generator", size=SMALL)
    page = benchmark_unsupervised(tmp_path, tmp_path, only="", size=SMALL)
    assert page.count("## ") == 4


def test_numbers_of_test_and_validation_are_known_and_apart():
    values = np.arange(4000.0).reshape(200, 20)
    values[::7, 3] = np.nan
    test, valid = held_out(values, ImputeOptions(seed=1))
    assert not (test & valid).any()
    assert not (test | valid)[np.isnan(values)].any()
    assert test.mean() == pytest.approx(0.1, abs=0.02)
    assert valid.mean() == pytest.approx(0.05, abs=0.02)


def test_the_deviance_of_counts_is_that_of_scikit_learn():
    from sklearn.metrics import mean_poisson_deviance

    random = np.random.default_rng(0)
    truth, guess = random.poisson(2, 50).astype(float), random.gamma(2, 1, 50)
    found = errors(truth, guess, counts=True)
    assert found["deviance"] == pytest.approx(mean_poisson_deviance(truth, guess))
    assert errors(truth, truth, counts=True)["deviance"] == pytest.approx(0, abs=1e-5)


@pytest.mark.data
def test_the_real_matrices_are_read(data_dir):
    pytest.importorskip("h5py")
    sizes = {name: read(data_dir / "later").values.shape for name, (read, _) in MATRICES.items()}
    assert sizes["tissues"] == (2742, 53)
    assert sizes["leukemia"] == (7129, 72)
    assert sizes["blood ATAC"] == (100, 81)
    assert sizes["brain spots"] == (1999, 49)
    assert sizes["PBMC counts"][1] == 200
