import gzip
import subprocess

import numpy as np
import pytest

import planted
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.registry import UnknownName
from cisgram.models import MODELS
from cisgram.seq import from_codes
from cisgram.steps import zoo_benchmark, zoo_sets
from cisgram.steps.zoo_benchmark import benchmark_zoo, settings_of_cell, whole
from cisgram.steps.zoo_cells import CELLS, SETS, Cell
from cisgram.steps.zoo_sets import H1, chip_h1, write_set

TINY = (
    Cell(
        "promoters", "deepbind", reduced={"detectors": 4}, train={"epochs": 2}, word="It is tiny."
    ),
    Cell("promoters", "demo-cnn", train={"epochs": 1}),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Promoters in the form of the data, a few dozen of 40 bp."""
    home = tmp_path_factory.mktemp("data")
    (home / "promoters").mkdir()
    for i, (part, n) in enumerate((("train", 60), ("dev", 20), ("test", 30))):
        rows = "".join(f"{s},{r % 2}\n" for r, s in enumerate(planted.letters(n, 40, seed=i)))
        with gzip.open(home / "promoters" / f"gue_prom300_tata_{part}.csv.gz", "wt") as out:
            out.write("sequence,label\n" + rows)
    return home


@pytest.mark.slow
def test_the_page_reads_the_runs_and_what_is_finished_is_not_trained_again(
    data, tmp_path, monkeypatch
):
    started = []
    popen = subprocess.Popen

    def counted(command, **how):
        started.append(command[command.index("-o") + 1])
        return popen(command, **how)

    monkeypatch.setattr(zoo_benchmark.subprocess, "Popen", counted)
    page = benchmark_zoo(data, tmp_path, cells=TINY, device="cpu")
    home = tmp_path / "zoo" / "promoters"
    assert started == [str(home / "deepbind"), str(home / "demo-cnn")]
    base = files.read_json(home / "baselines.json")
    for name in ("deepbind", "demo-cnn"):
        test = files.read_json(home / name / "metrics.json")["test"]
        cost = files.read_json(home / name / "cost.json")
        assert cost["cpu_s"] > 0
        assert cost["memory"] > 50e6
        low, high = test["auroc_interval"]
        assert f" | {test['auroc']:.3f} ({low:.3f} to {high:.3f}) | " in page
        assert f" | {cost['cpu_s']:.0f} | {cost['memory'] / 1e6:,.0f} |" in page
    for found in base.values():
        assert f" | {found['scores']['auroc']:.3f} (" in page
    assert "| deepbind (detectors=4) |" in page
    assert " | 60 | 2 (" in page  # training rows, epochs

    assert benchmark_zoo(data, tmp_path, cells=TINY) == page  # every set and network asked for
    assert len(started) == 2
    (home / "demo-cnn" / "metrics.json").unlink()
    assert benchmark_zoo(data, tmp_path, cells=TINY, only="", device="cpu") != page
    again = benchmark_zoo(data, tmp_path, cells=TINY, only="demo-cnn", device="cpu")
    assert started[2:] == [str(home / "demo-cnn")]
    assert "(resumed)" in again

    best = max(found["scores"]["auroc"] for found in base.values())
    for value, said in ((best - 0.01, True), (best, False)):
        path = home / "deepbind" / "metrics.json"
        files.write_json(path, {"test": {"auroc": value, "auprc": 0.5}})
        page = benchmark_zoo(data, tmp_path, cells=TINY, only="")
        assert ("*deepbind* is below a baseline: It is tiny." in page) == said
    files.write_json(home / "demo-cnn" / "metrics.json", {"test": {"auroc": 0.0, "auprc": 0.5}})
    page = benchmark_zoo(data, tmp_path, cells=TINY, only="")
    assert "*demo-cnn* is below a baseline: **nobody has looked why.**" in page
    assert " | 1 of 2 |" in page


def test_a_set_a_network_or_both_can_be_asked_for_and_others_are_refused(data, tmp_path):
    with pytest.raises(UnknownName, match="demo-cnn"):
        benchmark_zoo(data, tmp_path, cells=TINY, only="demo-cn")
    assert "promoters" not in benchmark_zoo(data, tmp_path, cells=TINY, only="")
    with pytest.raises(InputError, match="give the folder of the data sets with --data"):
        benchmark_zoo(tmp_path, tmp_path, cells=TINY, only="promoters/demo-cnn")


@pytest.mark.slow
def test_a_run_of_other_settings_is_not_shown_and_not_overwritten(data, tmp_path):
    cell = Cell("promoters", "demo-cnn", train={"epochs": 1})
    benchmark_zoo(data, tmp_path, cells=(cell,), device="cpu")
    other = Cell("promoters", "demo-cnn", train={"epochs": 2})
    assert "demo-cnn" not in benchmark_zoo(data, tmp_path, cells=(other,), only="")
    with pytest.raises(InputError, match="holds another run"):
        benchmark_zoo(data, tmp_path, cells=(other,), device="cpu")


def test_a_training_that_fails_is_told(data, tmp_path):
    cell = Cell("promoters", "basset", train={"epochs": 1})  # 40 bp are too short for it
    with pytest.raises(InputError, match="ended with 2"):
        benchmark_zoo(data, tmp_path, cells=(cell,), device="cpu")


def test_the_full_benchmark_has_networks_as_published(data, tmp_path):
    tables = write_set(SETS["promoters"], data, tmp_path)
    small, full = (settings_of_cell(cell, tables) for cell in (TINY[0], whole(TINY[0])))
    assert small.model.options == {"detectors": 4}
    assert full.model.options == {}
    assert (small.train.epochs, full.train.epochs) == (2, 100)
    assert full.data == small.data
    assert whole(TINY[0]).word == ""  # it was of the short training


def test_every_network_of_letters_and_every_set_occurs():
    of_zoo = {name for name in MODELS if MODELS[name].fn.__module__.startswith("cisgram.")}
    others = {name for name in of_zoo if "sizes" in MODELS[name].facts}  # tracks, cells, profiles
    assert {cell.network for cell in CELLS} == of_zoo - others - {"deepcpg-dna"}  # of cells as well
    assert {cell.set for cell in CELLS} == set(SETS)
    assert len({(cell.set, cell.network) for cell in CELLS}) == len(CELLS)


@pytest.fixture
def h1(tmp_path):
    """Nine factors of which the first two share regions; all other sequences are unrelated."""
    genome = planted.codes(1, 2000, seed=9, planted=False)[0]
    cut = {("SRF", "AC"): [100, 400, 700], ("SUZ12", "AC"): [120, 470, 1000], ("SUZ12", "B"): [710]}
    for i, factor in enumerate(H1):
        for part in ("AC", "B"):
            at = cut.get((factor, part), [])
            far = planted.codes(2, 101, seed=100 + 2 * i + (part == "B"), planted=False)
            rows = from_codes(np.stack([genome[a : a + 101] for a in at] + list(far)))
            if factor == "SUZ12" and part == "AC":  # the other strand is the same region
                rows[0] = reverse_complement_of(rows[0])
            text = "".join(f"A\tseq_{r:05d}_peak\t{s}\t1\n" for r, s in enumerate(rows))
            path = tmp_path / "tf-chipseq-h1" / f"{factor}_H1_{factor}_{part}.seq.gz"
            path.parent.mkdir(exist_ok=True)
            with gzip.open(path, "wt") as out:
                out.write("FoldID\tEventID\tseq\tBound\n" + text)
    return tmp_path, from_codes(np.stack([genome[a : a + 101] for a in (100, 400, 700, 710, 1000)]))


def reverse_complement_of(letters):
    return letters[::-1].translate(str.maketrans("ACGT", "TGCA"))


def test_a_region_of_two_factors_is_one_row_with_both_labels_and_one_that_touches_is_missing(h1):
    home, (shared, touching, trained, tested, alone) = h1
    table = chip_h1(home).set_index("sequence")
    assert table.loc[shared, ["SRF", "SUZ12", "TAF1"]].tolist() == [1, 1, 0]
    assert table.loc[touching, "SRF"] == 1
    assert np.isnan(table.loc[touching, "SUZ12"])  # 31 of 101 bp are the other's
    assert table.loc[alone, ["SRF", "SUZ12"]].tolist() == [0, 1]
    assert trained not in table.index  # the test set has this region
    assert table.loc[tested, ["set", "SRF", "SUZ12"]].tolist() == ["test", 1, 1]
    assert len(table) == 4 + 1 + 2 * 2 * len(H1)  # 470 is a row of its own


def test_only_the_strongest_peaks_are_rows_and_all_peaks_are_labels(h1):
    home, (shared, *_) = h1
    table = chip_h1(home, strongest=1)
    assert (table["set"] != "test").sum() == len(H1) - 1
    assert table.set_index("sequence").loc[shared, "SUZ12"] == 1


@pytest.mark.data
def test_the_given_splits_are_kept(data_dir):
    promoters = zoo_sets.promoters(data_dir)
    assert promoters["set"].value_counts().to_dict() == {"train": 4904, "valid": 613, "test": 613}
    sites = zoo_sets.clip_sites(data_dir, "pum2")
    assert (sites["set"] == "test").sum() == 2 * 1296
    windows = zoo_sets.open_windows(data_dir)
    assert (windows["set"] == "test").sum() == 640
    assert 0.04 < windows.filter(like="dnase").to_numpy().mean() < 0.05
    of = zoo_sets.lentimpra(data_dir).groupby("set")["sequence"].apply(set)
    assert len(of["test"]) == 1000
    assert not of["train"] & of["test"]
    assert zoo_sets.yeast_promoters(data_dir)["set"].eq("test").sum() == 2954
    enhancers = zoo_sets.enhancers(data_dir)
    assert (enhancers["set"] == "test").sum() == 1000
    known = enhancers.loc[enhancers["set"] == "train", ["Dev", "Hk"]]
    assert known.mean().to_numpy() == pytest.approx([0, 0], abs=1e-6)
    assert known.std().to_numpy() == pytest.approx([1, 1], abs=1e-6)
    middle = zoo_sets.splice_sites(data_dir).set_index("label")["sequence"].str[198:202]
    assert middle.loc[0].str.startswith("AG").mean() > 0.98
    assert middle.loc[1].str.endswith("GT").mean() > 0.98
