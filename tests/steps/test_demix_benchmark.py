"""Sets joined to many tasks, and the table of demixed layers on a small stand-in."""

import gzip
from itertools import pairwise

import numpy as np
import pytest

from cisgram.core import files
from cisgram.core.errors import InputError, UnknownName
from cisgram.io import read_table
from cisgram.seq import from_codes, kmer_counts, to_codes
from cisgram.steps.demix_benchmark import Scale, benchmark_demix
from cisgram.steps.demix_page import layer_row, page_of
from cisgram.steps.joined_sets import Joining, write_joined

SETS = {"tf-chipseq-deepbind": ("CTCFL", "ELK1")}
WORDS = {"CTCFL": "CCACCAGGGGGCGC", "ELK1": "ACCGGAAGT"}
SMALLEST = {
    "basset": {"maps": [3, 2, 2], "hidden": 8},
    "bd-10": {"maps": [12] + [4] * 9, "hidden": 8},
}


def peaks(factor, n, seed):
    """Random sequences of 101 bp with the factor's word in their middle."""
    codes = np.random.default_rng(seed).integers(0, 4, (n, 101)).astype(np.uint8)
    word = to_codes([WORDS[factor]])[0]
    codes[:, 44 : 44 + len(word)] = word
    return codes


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder as that of the data sets, with two small ones."""
    folder = tmp_path_factory.mktemp("data")
    home = folder / "tf-chipseq-deepbind"
    home.mkdir()
    random = np.random.default_rng(9)
    for seed, factor in enumerate(WORDS):
        plain = random.integers(0, 4, (20, 101)).astype(np.uint8)
        test = np.concatenate([peaks(factor, 20, 10 + seed), plain])
        for part, codes in (("AC", peaks(factor, 60, seed)), ("B", test)):
            rows = [
                f"A\tseq_{i}\t{s}\t{int(part == 'AC' or i < 20)}\n"
                for i, s in enumerate(from_codes(codes))
            ]
            with gzip.open(home / f"{factor}_X_{part}.seq.gz", "wt") as handle:
                handle.write("FoldID\tEventID\tseq\tBound\n" + "".join(rows))
    return folder


def joined(data, folder, **options):
    write_joined(data, folder, Joining(**options), sets=SETS)
    return {n: read_table(folder / f"{n}.tsv", labels=list(WORDS)) for n in ("train", "test")}


def test_rows_are_peaks_of_one_factor_and_shuffles_that_are_of_none(data, tmp_path):
    table = joined(data, tmp_path, positives=50, length=101)["train"]
    y, codes = np.asarray(table.labels), table.codes()
    assert y.tolist() == [[1, 0]] * 50 + [[0, 0]] * 25 + [[0, 1]] * 50 + [[0, 0]] * 25
    for t, factor in enumerate(WORDS):
        real, other = np.split(codes[75 * t :][:75], [50])
        np.testing.assert_array_equal(real, peaks(factor, 50, t))
        np.testing.assert_array_equal(kmer_counts(real[::2], k=2), kmer_counts(other, k=2))
        assert (real[::2] != other).any(1).all()


def test_peaks_lie_whole_at_many_places_between_flanks(data, tmp_path):
    tables = joined(data, tmp_path, positives=50, length=168)
    letters = from_codes(tables["train"].codes())
    assert {len(s) for s in letters} == {168}
    at = [s.find(p) for s, p in zip(letters, from_codes(peaks("CTCFL", 50, 0)), strict=False)]
    assert min(at) >= 0
    assert len({*at}) > 20
    for s, start in zip(letters, at, strict=False):
        core, flanks = s[start : start + 101], (s[:start], s[start + 101 :])
        for flank in flanks:  # a piece of a shuffle has no pair of letters that the core has not
            assert {a + b for a, b in pairwise(flank)} <= {a + b for a, b in pairwise(core)}
            assert len(flank) < 10 or flank not in core
    y = np.asarray(tables["test"].labels)
    assert (np.nansum(y, 0) == 20).all()
    assert (np.isnan(y).sum(0) == 40).all()


@pytest.mark.parametrize("length", [100, 203])
def test_lengths_that_peaks_and_flanks_cannot_make_are_refused(data, tmp_path, length):
    with pytest.raises(InputError, match="from 101 bp"):
        joined(data, tmp_path, length=length)


def test_a_set_that_is_not_there_is_named(data, tmp_path):
    with pytest.raises(InputError, match="holds no GATA1_"):
        write_joined(data, tmp_path, Joining(), sets={"tf-chipseq-deepbind": ("GATA1",)})


@pytest.mark.slow
def test_a_layer_that_was_stopped_goes_on_and_is_counted(data, tmp_path):
    scale = Scale(Joining(positives=40, length=168), 1, SMALLEST, SETS)
    folder = tmp_path / "demix" / "joined-sets" / "bd-10" / "demix" / "conv1"

    def stop(line):
        if line.strip() == "10 of 12":
            raise KeyboardInterrupt

    def run(say=None):
        return benchmark_demix(data, tmp_path, only="bd-10.conv1", scale=scale, say=say)

    with pytest.raises(KeyboardInterrupt):
        run(stop)
    before = {p.name: p.stat().st_mtime_ns for p in folder.glob("*.json")}
    assert len(before) == 10
    assert sorted(before) != sorted(f"{k}.json" for k in range(10))  # a sample, not the first
    page = run()
    after = {p.name: p.stat().st_mtime_ns for p in folder.glob("*.json")}
    assert len(after) == 12
    assert before.items() <= after.items()
    assert "| bd-10 | conv1 | 7 | 12 of 12 |" in page
    assert "| bd-10 | joined sets |" in page
    assert "| CTCFL | " in page
    assert "basset" not in page
    cost = files.read_json(tmp_path / "demix" / "costs" / "bd-10.conv1.json")
    assert cost["neurons"] == 12
    assert len(cost["seconds"]) == 9 + 1  # the first of a sitting waits for the network
    assert all(s > 0 for s in cost["seconds"])
    assert run() == page
    assert benchmark_demix(data, tmp_path, only="", scale=scale) == page


def test_an_unknown_layer_is_refused_with_the_nearest(data, tmp_path):
    scale = Scale(Joining(positives=40, length=168), 1, SMALLEST, SETS)
    with pytest.raises(UnknownName, match=r"Did you mean 'basset\.conv2'"):
        benchmark_demix(data, tmp_path, only="basset.conv22", scale=scale)


def neuron(kind, motifs, *, r2=0.5, ratio=0.9, holds=(), leaves=2, share=0.5, tail=0):
    """A neuron's file; a motif is (name, q, control q, is specific)."""
    keys = ("target_name", "q", "control_q", "is_specific", "share")
    edges = [{"holds": h} for h in holds]
    return {
        "layer": "conv1", "width": 19, "kind": kind, "ratio": ratio, "control_ratio": 0.2,
        "fidelity": None if r2 is None else {"r2": r2, "control_r2": r2 / 2},
        "motifs": [dict(zip(keys, (*m, share), strict=True)) for m in motifs],
        "leaves": [{}] * leaves, "n_tail": tail,
        "grammar": {"combinations": [{"edges": edges}]} if motifs else None,
    }  # fmt: skip


def test_a_layers_figures_are_those_of_its_neurons():
    found = [
        neuron("read", [("CTCF", 0.01, 0.9, True), ("CTCF", 0.02, 0.03, True)], holds=(True, None)),
        neuron(
            "read",
            [("ELK1", 0.01, 0.01, False), ("SRF", 1e-4, 1, True)],
            r2=0.7,
            ratio=0.5,
            holds=(False,),
            leaves=4,
            share=0.9,
            tail=6,
        ),
        neuron("no motif", [], r2=0.1, ratio=0.7),
        neuron("dead", [], r2=None, ratio=None, leaves=0),
    ]
    row = layer_row(
        "basset", found, {"neurons": 8, "seconds": [1, 2, 9], "peak": 2**30}, max_q=0.05
    )
    assert row["matched"] == [2, 1]
    assert row["strict"] == [1, 0]
    assert row["names"] == [
        ("CTCF", 1),
        ("SRF", 1),
    ]  # neurons, not motifs; what says little has no name
    assert row["r2"] == [0.3, 0.5, 0.6]
    assert row["ratio"] == [0.6, 0.7, 0.8]
    assert (row["held"], row["asked"]) == (1, 2)
    page = page_of([], [row])
    line = (
        "| basset | conv1 | 19 | 4 of 8 | **50 %** (15-85) | 25 % (5-70) | 25 % (5-70) | "
        "0 % (0-49) | 64 % | 0.50 (0.30-0.60) | 0.25 (0.15-0.30) | 0.70 (0.60-0.80) | "
        "0.20 (0.20-0.20) |"
    )
    assert line in page
    line = (
        "| basset | conv1 | 2 | 0 | 1 | 0 | 1 | 2 | 1.0 | 1.5 | 0.70 (0.60-0.80) | 1 of 2 | "
        "2.0, at most 9 | 1.0 GiB |"
    )
    assert line in page
    whole = page_of([], [layer_row("basset", found, {"neurons": 4}, max_q=0.05)])
    assert "| 4 of 4 | **50 %** | 25 % |" in whole  # all of the layer: nothing was drawn
    assert "| basset | conv1 | 2 | CTCF (1), SRF (1) |" in page
