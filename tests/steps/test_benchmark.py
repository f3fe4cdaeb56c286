"""A benchmark keeps what is finished, and trusts no result of other settings or inputs."""

import shutil
from dataclasses import replace

import pytest

import planted
from cisgram.core import files
from cisgram.core.errors import UnknownName
from cisgram.steps import benchmark, resolve, tables
from cisgram.steps.benchmark import EXPECTED, Cell, is_expected


def cell(path, test, *overrides):
    groups = {
        "data": {"positives": str(path), "test": str(test)},
        "model": {"name": "deepbind", "options": {"detectors": 6, "width": 10, "hidden": 0}},
        "train": {"epochs": 2, "min_rows": 1, "batch_size": 32},
    }
    return Cell("A", "deepbind", resolve(groups, overrides=overrides), 0.9)


def run_cell(folder, cell):
    return benchmark.run_cell(folder, cell, "cpu", None, lambda _: None)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A finished cell, its folder and its row; tests copy the folder."""
    folder = tmp_path_factory.mktemp("cells")
    table = planted.write_tsv(folder / "a.tsv", 160)
    test = planted.write_tsv(folder / "t.tsv", 60, seed=2, prefix="t")
    done = cell(table, test)
    return folder / "runs", done, run_cell(folder / "runs", done)


@pytest.fixture
def runs(first, tmp_path):
    shutil.copytree(first[0], tmp_path / "runs")
    return tmp_path / "runs"


def cell_file(runs):
    return runs / "A" / "deepbind" / "cell.json"


def test_a_finished_cell_is_kept_and_its_table_tells_positives_and_seconds(first, runs):
    _, done, row = first
    written = cell_file(runs).stat().st_mtime_ns
    assert run_cell(runs, done) == row
    assert cell_file(runs).stat().st_mtime_ns == written
    assert row["seconds"] > 0
    summary = files.read_json(runs / "A" / "deepbind" / "data" / "summary.json")
    assert row["positives"] == summary["sets"]["train"]["positive"] > 50
    assert f"| {row['positives']} |" in tables.score_table([row])[-1]


def test_a_cell_without_a_digest_is_accepted_where_its_run_is_of_the_same_settings(first, runs):
    old = files.read_json(cell_file(runs))
    del old["digest"]
    files.write_json(cell_file(runs), old | {"positives": 1})
    found = benchmark.finished_cell(runs, first[1])
    assert found == {k: v for k, v in first[2].items() if k != "digest"}


def test_a_cell_of_other_settings_is_run_anew_and_the_old_one_set_aside(first, runs):
    other = cell(*(first[1].settings.data.positives, first[1].settings.data.test), "train.seed=1")
    assert benchmark.finished_cell(runs, other) is None
    assert run_cell(runs, other)["digest"] != first[2]["digest"]
    assert (runs / "A" / "deepbind.before-1" / "cell.json").is_file()
    motifs = resolve(other.settings.model_dump(mode="json"), overrides=["motifs.max_q=0.2"])
    assert benchmark.finished_cell(runs, replace(other, settings=motifs)) is not None


def test_a_cell_of_other_bytes_or_of_another_run_is_not_trusted(first, runs, tmp_path):
    row = files.read_json(cell_file(runs))
    files.write_json(cell_file(runs), row | {"digest": "0" * 64})
    assert benchmark.finished_cell(runs, first[1]) is None
    files.write_json(cell_file(runs), row)
    toml = runs / "A" / "deepbind" / "run.toml"
    before = toml.read_text()
    assert benchmark.finished_cell(runs, first[1]) is not None
    del row["digest"]
    files.write_json(cell_file(runs), row)
    sha = files.sha256(tmp_path / first[1].settings.data.positives)
    toml.write_text(before.replace(sha, "0" * 64))
    assert benchmark.finished_cell(runs, first[1]) is None
    toml.unlink()
    assert benchmark.finished_cell(runs, first[1]) is None


def test_a_resumed_cell_tells_no_seconds(first, runs):
    cell_file(runs).unlink()
    row = run_cell(runs, first[1])
    assert row["seconds"] is None
    assert tables.score_table([row])[-1].endswith("| resumed |")


@pytest.mark.parametrize(
    ("name", "only", "near"),
    [("tf-chipseq", "USF1,demo-cn", "demo-cnn"), ("tf-chipseq", "SRF(H1)", r"SRF \(H1\)"),
     ("yeast", "Rap2", "Rap1")],
)  # fmt: skip
def test_an_unknown_name_to_run_is_refused_with_the_nearest(tmp_path, name, only, near):
    with pytest.raises(UnknownName, match=f"No experiment or network.*Did you mean '{near}'"):
        benchmark.benchmark(name, tmp_path, tmp_path / "runs", only=only)


@pytest.mark.parametrize(
    ("of", "name", "is_one"),
    [
        ("USF1", "USF2", True), ("USF1", "MAX::MYC", True), ("USF1", "Arntl", True),
        ("USF1", "ATF3", False), ("USF1", "CREB3L1", False), ("USF1", "XBP1", False),
        ("USF1", "HESX1", False), ("FOXA1", "Foxo3", True), ("FOXA1", "NFOX1", False),
        ("ELK1", "Spi1", True), ("ELK1", "ELK1::HOXA1", True), ("ELK1", "BERG", False),
        ("SP1", "NFYB", True), ("SP1", "NFYAX", False), ("USF1", "MAX(var.2)", True),
    ],
)  # fmt: skip
def test_a_motif_is_of_the_family_by_its_whole_name(of, name, is_one):
    assert is_expected(name, EXPECTED[of]) == is_one
