"""Regions, splits, negatives, datasets, augmentation and the leak guard."""

from cisgram.data.dataset import Batch, Dataset, TrainingData, joined, shuffled_negatives
from cisgram.data.given import Given, read_dataset, told
from cisgram.data.leaks import Leaks, find_leaks
from cisgram.data.options import DataOptions
from cisgram.data.prepare import Prepared, prepare
from cisgram.data.splits import (
    folds_of,
    split_by_blocks,
    split_by_chromosome,
    split_by_fraction,
    split_given,
)
from cisgram.data.tracks import track_name, with_tracks
from cisgram.data.windows import Taken, genomic_negatives

__all__ = [
    "Batch",
    "DataOptions",
    "Dataset",
    "Given",
    "Leaks",
    "Prepared",
    "Taken",
    "TrainingData",
    "find_leaks",
    "folds_of",
    "genomic_negatives",
    "joined",
    "prepare",
    "read_dataset",
    "shuffled_negatives",
    "split_by_blocks",
    "split_by_chromosome",
    "split_by_fraction",
    "split_given",
    "told",
    "track_name",
    "with_tracks",
]
