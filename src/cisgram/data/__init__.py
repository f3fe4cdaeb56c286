"""Regions, splits, negatives, datasets, augmentation and the leak guard."""

from cisgram.data.augment import CHANGES, Augment
from cisgram.data.dataset import Batch, Dataset, TrainingData, joined, shuffled_negatives
from cisgram.data.fields import AtPlaces, Field
from cisgram.data.given import Given, read_dataset, told
from cisgram.data.labels import is_labeled, task_of
from cisgram.data.leaks import Leaks, find_leaks
from cisgram.data.options import DataOptions
from cisgram.data.prepare import Prepared, prepare
from cisgram.data.sampling import even_order
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
    "CHANGES",
    "AtPlaces",
    "Augment",
    "Batch",
    "DataOptions",
    "Dataset",
    "Field",
    "Given",
    "Leaks",
    "Prepared",
    "Taken",
    "TrainingData",
    "even_order",
    "find_leaks",
    "folds_of",
    "genomic_negatives",
    "is_labeled",
    "joined",
    "prepare",
    "read_dataset",
    "shuffled_negatives",
    "split_by_blocks",
    "split_by_chromosome",
    "split_by_fraction",
    "split_given",
    "task_of",
    "told",
    "track_name",
    "with_tracks",
]
