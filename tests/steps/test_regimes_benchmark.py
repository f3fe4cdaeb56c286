import gzip

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import planted
from cisgram.core import files
from cisgram.core.registry import UnknownName
from cisgram.seq import from_codes
from cisgram.steps.arms import mean_of_seeds
from cisgram.steps.confounded_benchmark import (
    ADAPTER,
    ARMS,
    SETS,
    Confounding,
    _tables,
    benchmark_confounded,
)
from cisgram.steps.joined_sets import JOINED, Joining
from cisgram.steps.regimes_benchmark import (
    Size,
    _own_labels,
    _with_missing,
    benchmark_regimes,
)

SMALL = Size(
    many=Joining(positives=20, length=168),
    few=Joining(positives=48, length=168),
    seeds=(2, 2),
    source=Joining(positives=20, length=168),
    epochs=(1, 1, 1),
    held_out=("ELK1",),
)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Every factor's files in the form of the data, a few sequences each."""
    home = tmp_path_factory.mktemp("data")
    for number, (folder, factors) in enumerate(JOINED.items()):
        for i, factor in enumerate(factors):
            for part in ("AC", "B"):
                codes = planted.codes(60, 101, seed=1000 * number + 10 * i + (part == "B"))
                rows = enumerate(from_codes(codes))
                text = "".join(f"A\tseq_{r:05d}_peak\t{s}\t{r % 2}\n" for r, s in rows)
                path = home / folder / f"{factor}_K562_{factor}_{part}.seq.gz"
                path.parent.mkdir(exist_ok=True)
                with gzip.open(path, "wt") as out:
                    out.write("FoldID\tEventID\tseq\tBound\n" + text)
    return home


@pytest.mark.slow
def test_the_page_says_what_missing_labels_cost_and_what_transfer_gains(sets, tmp_path):
    page = benchmark_regimes(sets, tmp_path, size=SMALL, device="cpu")
    runs = tmp_path / "regimes"
    whole, missing = (
        np.mean([files.read_json(runs / f"many-{n}-{s}" / "metrics.json")["test"]["auroc"]
                 for s in (0, 1)])
        for n in ("whole", "missing")
    )  # fmt: skip
    assert f"| 0 % | 2 | {whole:.3f} (" in page
    assert f"| 30 % | 2 | {missing:.3f} (" in page
    assert f"cost: {whole - missing:+.3f} (" in page
    assert "| ELK1 | 2 |" in page
    start = (runs / "ELK1-frozen-0" / "model" / "start.tsv").read_text()
    assert start.count("\tloaded\tno\t") == start.count("\tloaded\t") > 0
    drawn, motifs = (
        np.array([files.read_json(runs / f"ELK1-filters-{n}-{s}" / "metrics.json")["test"]["auroc"]
                  for s in (0, 1)])
        for n in ("drawn", "motifs")
    )  # fmt: skip
    assert f"| ELK1 | motifs | 2 | {motifs.mean():.3f} (" in page
    assert f"| {(motifs - drawn).mean():+.3f} (" in page
    assert "| ELK1 | drawn | 2 |" in page
    assert "|  | 1.0 |" in page  # one epoch: it is as good as ever after the first
    again = benchmark_regimes(sets, tmp_path, only="", size=SMALL)
    assert again == page
    with pytest.raises(UnknownName, match="transfer"):
        benchmark_regimes(sets, tmp_path, only="transfers", size=SMALL)


def test_three_of_ten_labels_are_left_empty_and_no_other_cell_changes(tmp_path):
    rows = [f"s{i}\tACGT\t" + "\t".join(str((i + j) % 2) for j in range(10)) for i in range(400)]
    whole = tmp_path / "a.tsv"
    whole.write_text("\n".join(["name\tsequence\t" + "\t".join("abcdefghij"), *rows]) + "\n")
    _with_missing(whole, tmp_path / "b.tsv")
    before, after = (
        [line.split("\t") for line in (tmp_path / name).read_text().splitlines()]
        for name in ("a.tsv", "b.tsv")
    )
    assert [r[:2] for r in before] == [r[:2] for r in after]
    pairs = [(a, b) for x, y in zip(before[1:], after[1:], strict=True)
             for a, b in zip(x[2:], y[2:], strict=True)]  # fmt: skip
    gone = [b == "" for _, b in pairs]
    assert np.mean(gone) == pytest.approx(0.3, abs=0.02)
    assert all(a == b for (a, b), g in zip(pairs, gone, strict=True) if not g)


def test_a_row_keeps_the_label_of_its_own_factor_and_no_other(tmp_path):
    rows = ["train_SP1_0\tACGT\t1\t0", "train_SP1_1\tCCGT\t0\t0", "train_MYC_0\tAGGT\t0\t1"]
    whole = tmp_path / "a.tsv"
    whole.write_text("\n".join(["name\tsequence\tSP1\tMYC", *rows]) + "\n")
    _own_labels(whole, tmp_path / "b.tsv")
    found = [line.split("\t")[2:] for line in (tmp_path / "b.tsv").read_text().splitlines()[1:]]
    assert found == [["1", ""], ["0", ""], ["", "1"]]


def test_the_interval_over_seeds_is_students():
    from scipy.stats import ttest_1samp

    values = [0.91, 0.93, 0.9, 0.95]
    low, high = ttest_1samp(values, 0).confidence_interval()
    assert mean_of_seeds(values) == pytest.approx((np.mean(values), low, high))
    assert np.isnan(mean_of_seeds([0.9])[1])


def test_the_confounded_page_reads_label_and_batch_from_the_predictions(sets, tmp_path):
    size = Confounding(positives=60, seeds=1, epochs=1)
    page = benchmark_confounded(sets, tmp_path, size=size, device="cpu")
    assert page.count("\n| ") == len(SETS) * len(ARMS)
    run = tmp_path / "confounded" / "SP1-adapter" / "plain-0"
    table = read_table(run / "predictions.tsv")
    test = table[table["set"] == "test"]
    is_a = test["name"].str.endswith("_a")
    both = [roc_auc_score(is_a[test["label"] == y], test["score"][test["label"] == y])
            for y in (0, 1)]  # fmt: skip
    row = f"| {roc_auc_score(test['label'], test['score']):.3f} | {np.mean(both):.3f} |"
    assert f"| SP1, adapter | plain | 1 {row}" in page


def test_the_trace_lies_in_batch_a_alone_which_goes_with_the_label_in_training(sets, tmp_path):
    home = tmp_path / "x"
    _tables(sets, home, "SP1", "adapter", Confounding(positives=60, share=0.9))
    train, test = (read_table(home / f"{name}.tsv") for name in ("train", "test"))
    for table in (train, test):
        assert (table["sequence"].str.startswith(ADAPTER) == (table["batch"] == "a")).all()
        assert table["sequence"].str.len().unique().tolist() == [101]
    agree = ((train["batch"] == "a") == (train["bound"] == 1)).mean()
    assert agree > 0.8
    assert ((test["batch"] == "a") == (test["bound"] == 1)).mean() == pytest.approx(0.5, abs=0.25)


def read_table(path):
    return pd.read_csv(path, sep="\t")
