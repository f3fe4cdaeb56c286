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
                "the set's column Predicted Expression",
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
        "GUE: human promoters with a TATA box, 300 bp, in the direction of their gene. The given "
        "train, dev and test files.",
        strands="given",
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
    reduced
        Keywords that make the network smaller than published, so that a CPU can train it; not
        with ``--full``.
    train, data
        Settings of the training and of the data.
    word
        Why it is below a baseline, where that was looked into.
    """

    set: str
    network: str
    reduced: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    word: str = ""


N_PADDED = {"length": 168}  # what Basset and DeepSEA need; the peaks' 101 bp between N

EVOAUG = {"augment": ["mutation", "insertion", "deletion", "translocation", "inversion"]}
FEW_ROWS: dict[str, Any] = {  # of a thousand sequences, chosen on the validation set
    "epochs": 60,
    "learning_rate": 3e-3,
    "weight_decay": 0.1,
    "batch_size": 64,
}
STARR_SMALL = {"maps": [48, 32, 32, 32], "hidden": 64}
LEGNET_SMALL = {"maps": [24, 16, 16]}
SMALL = {"maps": 32}
SLOW = {"learning_rate": 1e-3}

CELLS: tuple[Cell, ...] = (
    Cell("chip-h1", "explainn", train={"epochs": 12}),
    Cell("chip-h1", "danq", train={"epochs": 8, **SLOW},
         word="validation AUROC rose in each of the 8 epochs (0.658 to 0.867), and the training "
              "loss ends at 0.30, where explainn's is at 0.23: it was not trained to its end."),
    Cell("chip-h1", "conv-attention", train={"epochs": 12, **SLOW},
         word="validation AUROC stands at 0.866 from epoch 8 on while the training loss falls on "
              "(0.270 to 0.252): it over-fits."),
    Cell("chip-h1", "deepsea", reduced={"maps": [96, 128, 160]}, data=N_PADDED,
         train={"epochs": 12},
         word="validation AUROC rose in each of the 12 epochs (0.571 to 0.872) and loss falls on "
              "training and validation sets alike: the decay of the rate ended it, not the data."),
    Cell("chip-h1", "basset", reduced={"maps": [128, 96, 96]}, data=N_PADDED,
         train={"epochs": 10, **SLOW},
         word="validation AUROC is best at epoch 5 (0.856) and falls while the training loss "
              "halves (0.233 to 0.125): it over-fits."),
    Cell("accessibility-tracks", "basset", reduced={"maps": [64, 48, 48]},
         train={"epochs": 12, **SLOW},
         word="validation AUROC is best at epoch 2 (0.771; 0.749 at epoch 8) while the training "
              "loss falls from 0.165 to 0.044: it over-fits 2,424 windows, of which one in twenty"
              " is open."),
    Cell("accessibility-tracks", "conv-attention", reduced=SMALL,
         train={"epochs": 6, "learning_rate": 2e-3},
         word="validation AUROC rose to epoch 5 (0.629 to 0.730) and losses of training (0.166) and"
              " validation set (0.195) stand near each other: six epochs are few."),
    Cell("accessibility-coverage", "ai-tac", reduced={"maps": [48, 32, 32]},
         train={"epochs": 6, "learning_rate": 2e-3, "loss": "pearson"},
         word="its loss is AI-TAC's, the correlation of the ten tracks within a window (0.54 on the"
              " validation set, where this score stays at 0): it says nothing of how open a window "
              "is, and the score is over windows."),
    Cell("enhancer-drosophila", "deepstarr", reduced=STARR_SMALL, train=FEW_ROWS, data=EVOAUG,
         word="800 rows. At full width without augmentation validation Pearson was 0.19; as here "
              "it is 0.38 and still rises at the end (0.36 at epoch 37)."),
    Cell("enhancer-drosophila", "kmer", train={"epochs": 10},
         word="it has words of six letters alone, the baseline the shorter ones, too; lower rates"
              " and more decay have a lower validation Pearson (0.27, 0.31; here 0.32)."),
    Cell("lentimpra-human", "deepstarr", reduced=STARR_SMALL, train=FEW_ROWS, data=EVOAUG),
    Cell("lentimpra-human", "legnet", reduced=LEGNET_SMALL, train=FEW_ROWS | {"epochs": 15},
         data=EVOAUG),
    Cell("yeast-promoters", "legnet", reduced=LEGNET_SMALL,
         train={"epochs": 6, "weight_decay": 0.1, "batch_size": 64}),
    Cell("yeast-promoters", "danq", train={"epochs": 5, "learning_rate": 2e-3}),
    Cell("splice", "deepsea", reduced={"maps": [64, 64, 96]}, train={"epochs": 10}),
    Cell("splice", "deepbind", train={"epochs": 20},
         word="it takes a maximum over positions, and a site counts in the middle alone: of the "
              "middle 60 nt its test AUROC is 0.673."),
    Cell("splice", "dilated", reduced={"maps": 32, "layers": 4}, train={"epochs": 8},
         word="it takes the mean over 400 positions, of which the middle counts alone, and "
              "learned nothing: the training loss stands at 1.01 from epoch 2 on."),
    Cell("splice", "bd-10", reduced={"maps": [24, 24, 24, 24, 32, 32, 48, 48, 64, 64]},
         train={"epochs": 6, **SLOW}),
    Cell("promoters", "deepsea", reduced={"maps": [64, 64, 96]}, train={"epochs": 10}),
    Cell("promoters", "danq", train={"epochs": 3, "learning_rate": 2e-3}),
    Cell("promoters", "transformer", reduced=SMALL, train={"epochs": 6}),
    Cell("rbp-clip PUM2", "deepbind", train={"epochs": 12}),
    Cell("rbp-clip PUM2", "explainn", train={"epochs": 8}),
    Cell("rbp-clip PUM2", "pwm", train={"epochs": 12}),
    Cell("rbp-clip QKI", "deepbind", train={"epochs": 12}),
    Cell("rbp-clip QKI", "explainn", train={"epochs": 8}),
    Cell("rbp-clip QKI", "demo-cnn", train={"epochs": 12}),
    Cell("utr5-mrl", "legnet", reduced=LEGNET_SMALL, train={"epochs": 12}),
    Cell("utr5-mrl", "deepstarr", reduced=STARR_SMALL, train={"epochs": 25}),
    Cell("utr5-mrl", "demo-cnn-rnn", reduced={"size": "small"}, train={"epochs": 25}),
    Cell("utr5-mrl", "demo-rnn", train={"epochs": 25, "min_rows": 1}),
    Cell("histone-yeast-emp H3K4me3", "conv-attention", reduced=SMALL,
         train={"epochs": 6, "learning_rate": 2e-3},
         word="validation AUROC still rises at the last of 6 epochs (0.565 to 0.597): it was not "
              "trained to its end."),
    Cell("histone-yeast-emp H3", "kmer-transformer", reduced={"maps": 32, "stride": 4},
         train={"epochs": 8, "learning_rate": 2e-3},
         word="the training loss hardly moved in 8 epochs of nine steps (0.706 to 0.664): it was "
              "not trained to its end."),
)  # fmt: skip
