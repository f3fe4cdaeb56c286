"""What stands against the positives: given labels, a file, shuffles, or windows of the genome."""

from __future__ import annotations

import numpy as np

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.data.dataset import Dataset, joined, shuffled_negatives
from cisgram.data.options import DataOptions
from cisgram.data.source import Source
from cisgram.data.windows import Taken, genomic_negatives


def negatives_kind(options: DataOptions, data: Dataset, task: str, source: Source) -> str:
    """``none`` (the file has them), ``file``, ``shuffle`` or ``genome``."""
    asked = options.negatives
    if task != "classification" or source.cells or not only_positives(data):
        if asked is not None and source.cells:
            msg = (
                f"data.methylation says the state of every site; give no negatives ({asked}), and "
                "among the sites ones of both states."
            )
            raise InputError(msg)
        if asked is not None:
            msg = (
                f"{options.positives} holds labels of both kinds; give no negatives, or a file of "
                "positives alone."
            )
            raise InputError(msg)
        return "none"
    if asked is None:
        return "genome" if options.positives in source.peaks else "shuffle"
    if asked == "genome" and options.positives not in source.peaks:
        msg = "negatives=genome needs positives as BED or narrowPeak, with a genome."
        raise InputError(msg)
    return asked if asked in ("shuffle", "genome") else "file"


def only_positives(data: Dataset) -> bool:
    """Whether every label that is known is 1, and some is."""
    known = ~np.isnan(data.y)
    return bool(known.any() and (data.y[known] == 1).all())


def with_negatives(
    parts: dict[str, Dataset], kind: str, options: DataOptions, source: Source, seed: int
) -> dict[str, Dataset]:
    """Negatives for the sets that have none; the training set's shuffles are made each epoch."""
    out = dict(parts)
    taken = None
    if source.genome is not None:
        taken = Taken(source.genome, [peaks for both in source.peaks.values() for peaks in both])
    for name, part in parts.items():
        if not len(part) or not only_positives(part):
            continue
        if kind == "shuffle" and name != "train":
            negatives = shuffled_negatives(
                part, k=options.shuffle_k, seed=derive(seed, "held-out negatives")
            )
            out[name] = joined([part, negatives])
        elif kind == "genome":
            assert taken is not None
            negatives, missed = genomic_negatives(
                part,
                taken=taken,
                per_positive=options.negatives_per_positive if name == "train" else 1,
                seed=derive(seed, "genomic negatives", name),
            )
            source.counts["negatives_not_found"] += missed
            out[name] = joined([part, negatives])
    return out
