"""Which network learns which set, in the regime that a CPU can pay for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cisgram.steps import zoo_sets
from cisgram.steps.zoo_sets import ZooSet

SETS: dict[str, ZooSet] = {
    "chip-h1": ZooSet(
        zoo_sets.chip_h1,
        "classification",
        ("auroc", "auprc"),
        "Nine factors in H1-hESC (ENCODE), one matrix: the 1,000 strongest training peaks and all "
        "test peaks of each, regions of several factors once, a label for every factor from all of "
        "its peaks, missing where a region only touches one. Test: the sets' own test peaks.",
    ),
    "accessibility-tracks": ZooSet(
        zoo_sets.open_windows,
        "classification",
        ("auroc", "auprc"),
        "Ten DNase tracks, 1,024 bp; open: three times the track's mean. The given split by "
        "regions of 131 kb; seven training regions are the validation set.",
    ),
    "accessibility-coverage": ZooSet(
        zoo_sets.coverage,
        "regression",
        ("pearson", "spearman"),
        "The same windows and split, log(1 + coverage) of each track.",
    ),
    "enhancer-drosophila": ZooSet(
        zoo_sets.enhancers,
        "regression",
        ("pearson", "spearman"),
        "STARR-seq of 249 bp with two promoters, the given samples of 1,000 (train) and 1,000 "
        "(test).",
        published=(
            (
                "DeepSTARR, released weights",
                0.7565,
                "README of the set: Dev 0.727, Hk 0.786, on sequences that those were trained on",
            ),
        ),
    ),
    "lentimpra-human": ZooSet(
        zoo_sets.lentimpra,
        "regression",
        ("pearson", "spearman"),
        "lentiMPRA in K562, 200 bp without adapters, the given samples of 1,000 (train) and 1,000 "
        "(test); elements of the test sample left out of training in either orientation.",
    ),
    "yeast-promoters": ZooSet(
        zoo_sets.yeast_promoters,
        "regression",
        ("pearson", "spearman"),
        "DREAM's demonstration set of random promoters (train), Random_complex (test), 80 bp "
        "between constant flanks.",
        strands="given",
        published=(
            (
                "authors' transformer",
                0.978,
                "the set's column Predicted Expression; trained on tens of millions of promoters",
            ),
        ),
    ),
    "splice": ZooSet(
        zoo_sets.splice_sites,
        "multiclass",
        ("auroc", "accuracy"),
        "GUE: acceptor, donor or neither in the middle of 400 nt. Only GUE's development file is "
        "there; 15 % of it, drawn by chance, is the test set.",
        strands="given",
    ),
    "promoters": ZooSet(
        zoo_sets.promoters,
        "classification",
        ("auroc", "auprc"),
        "GUE: human promoters with a TATA box, 300 bp. The given train, dev and test files.",
    ),
    "rbp-clip PUM2": ZooSet(
        partial(zoo_sets.clip_sites, protein="pum2"),
        "classification",
        ("auroc", "auprc"),
        "Sites of PUM2 in RNA, 200 nt. The given train and test files.",
        strands="given",
    ),
    "rbp-clip QKI": ZooSet(
        partial(zoo_sets.clip_sites, protein="qki"),
        "classification",
        ("auroc", "auprc"),
        "Sites of QKI in RNA, 200 nt. The given train and test files.",
        strands="given",
    ),
    "utr5-mrl": ZooSet(
        zoo_sets.ribosome_load,
        "regression",
        ("pearson", "spearman"),
        "Mean ribosome load of random 5' leaders, 50 nt. No split is given; 15 %, drawn by chance, "
        "is the test set.",
        strands="given",
    ),
    "histone-yeast-emp H3K4me3": ZooSet(
        zoo_sets.histones_h3k4me3,
        "classification",
        ("auroc", "auprc"),
        "H3K4me3 in yeast, 500 bp. Only GUE's development file is there; 15 % of it, drawn by "
        "chance, is the test set.",
    ),
    "histone-yeast-emp H3": ZooSet(
        zoo_sets.histones_h3,
        "classification",
        ("auroc", "auprc"),
        "Histone H3 in yeast, 500 bp, split likewise.",
    ),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A network on a set.

    Attributes
    ----------
    set, network
        Names of `SETS` and of the zoo.
    options
        Keywords of the network: what it is made like.
    reduced
        Further ones that make it smaller than published, so that a CPU can train it; not with
        ``--full``.
    train, data
        Settings of the training and of the data.
    word
        Why it is below a baseline, where that was looked into.
    """

    set: str
    network: str
    options: Mapping[str, Any] = field(default_factory=dict)
    reduced: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    word: str = ""


N_PADDED = {"length": 168}  # what Basset and DeepSEA need; the peaks' 101 bp between N

CELLS: tuple[Cell, ...] = (
    Cell("chip-h1", "explainn", train={"epochs": 12}),
    Cell("chip-h1", "danq", train={"epochs": 8, "learning_rate": 1e-3}),
    Cell("chip-h1", "conv-attention", train={"epochs": 12, "learning_rate": 1e-3}),
    Cell("chip-h1", "deepsea", reduced={"maps": [96, 128, 160]}, data=N_PADDED,
         train={"epochs": 12, "learning_rate": 1e-3}),
    Cell("chip-h1", "basset", reduced={"maps": [128, 96, 96]}, data=N_PADDED,
         train={"epochs": 10, "learning_rate": 1e-3}),
    Cell("accessibility-tracks", "basset", reduced={"maps": [64, 48, 48]},
         train={"epochs": 12, "learning_rate": 1e-3}),
    Cell("accessibility-tracks", "conv-attention", train={"epochs": 10, "learning_rate": 1e-3}),
    Cell("accessibility-coverage", "ai-tac", reduced={"maps": [64, 48, 48]},
         train={"epochs": 12, "learning_rate": 1e-3, "loss": "pearson"}),
    Cell("enhancer-drosophila", "deepstarr", train={"epochs": 40, "learning_rate": 2e-3}),
    Cell("enhancer-drosophila", "kmer", train={"epochs": 40}),
    Cell("lentimpra-human", "legnet", reduced={"maps": [64, 32, 32, 16, 16]},
         train={"epochs": 40}),
    Cell("lentimpra-human", "deepstarr", train={"epochs": 40, "learning_rate": 2e-3}),
    Cell("yeast-promoters", "legnet", reduced={"maps": [64, 32, 32, 16, 16]},
         train={"epochs": 15}),
    Cell("yeast-promoters", "danq", train={"epochs": 8, "learning_rate": 1e-3}),
    Cell("splice", "dilated", train={"epochs": 10}),
    Cell("splice", "deepbind", train={"epochs": 20}),
    Cell("splice", "bd-10", reduced={"maps": [32, 32, 32, 32, 48, 48, 64, 64, 96, 96]},
         train={"epochs": 12, "learning_rate": 1e-3}),
    Cell("promoters", "deepsea", reduced={"maps": [64, 64, 96]},
         train={"epochs": 10, "learning_rate": 1e-3}),
    Cell("promoters", "danq", train={"epochs": 5, "learning_rate": 1e-3}),
    Cell("promoters", "transformer", train={"epochs": 10, "learning_rate": 1e-3}),
    Cell("promoters", "demo-cnn-rnn", train={"epochs": 10}),
    Cell("rbp-clip PUM2", "deepbind", train={"epochs": 12}),
    Cell("rbp-clip PUM2", "explainn", train={"epochs": 8}),
    Cell("rbp-clip PUM2", "pwm", train={"epochs": 12}),
    Cell("rbp-clip QKI", "deepbind", train={"epochs": 12}),
    Cell("rbp-clip QKI", "explainn", train={"epochs": 8}),
    Cell("rbp-clip QKI", "demo-cnn", train={"epochs": 12}),
    Cell("utr5-mrl", "legnet", reduced={"maps": [64, 32, 32, 16, 16]}, train={"epochs": 30}),
    Cell("utr5-mrl", "deepstarr", train={"epochs": 30, "learning_rate": 2e-3}),
    Cell("utr5-mrl", "demo-rnn", train={"epochs": 40, "min_rows": 1}),
    Cell("histone-yeast-emp H3K4me3", "conv-attention",
         train={"epochs": 12, "learning_rate": 1e-3}),
    Cell("histone-yeast-emp H3", "kmer-transformer", train={"epochs": 15, "learning_rate": 1e-3}),
)  # fmt: skip
