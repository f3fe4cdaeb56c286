"""Sequences with labels at rest, and the batches that a model sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive, generator
from cisgram.io import Codes, genome_codes
from cisgram.seq.alphabet import complement_codes, one_hot
from cisgram.seq.shuffle import shuffle_codes

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Dataset:
    """Named sequences of one length with their labels; one byte a base.

    Attributes
    ----------
    names
        n names.
    codes
        (n, length) uint8: A 0, C 1, G 2, T 3, unknown 4; windows of a genome stay on disk until
        they are indexed by rows (`cisgram.io.GenomeCodes`).
    y
        (n, t) float32 labels, NaN where one is missing.
    outputs
        Names of the t labels.
    groups
        Contig of each sequence, where known.
    starts
        (n,) int64 bp of each sequence's left end on its contig, where known.
    """

    names: list[str]
    codes: Codes
    y: NDArray[np.float32]
    outputs: tuple[str, ...] = ("bound",)
    groups: list[str] | None = None
    starts: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n = len(self.names)
        if self.codes.ndim != 2 or len(self.codes) != n or self.y.shape != (n, len(self.outputs)):
            msg = (
                f"a dataset of {n} names and {len(self.outputs)} outputs needs codes ({n}, length) "
                f"and y ({n}, {len(self.outputs)}); got {self.codes.shape} and {self.y.shape}."
            )
            raise InputError(msg)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def length(self) -> int:
        """Positions of every sequence."""
        return int(self.codes.shape[1])

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Dataset:
        """The given rows, in their order; a mask works too."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(
            self,
            names=[self.names[i] for i in index],
            codes=genome_codes.take(self.codes, index),
            y=self.y[index],
            groups=None if self.groups is None else [self.groups[i] for i in index],
            starts=None if self.starts is None else self.starts[index],
        )


def joined(parts: Sequence[Dataset]) -> Dataset:
    """Datasets of one length and the same outputs, one after the other."""
    first = parts[0]
    for part in parts[1:]:
        if part.length != first.length or part.outputs != first.outputs:
            msg = (
                f"datasets to join must share length and outputs; got {first.length} bp "
                f"{first.outputs} and {part.length} bp {part.outputs}."
            )
            raise InputError(msg)
    groups = None
    if all(p.groups is not None for p in parts):
        groups = [g for p in parts for g in p.groups or ()]
    starts = [p.starts for p in parts if p.starts is not None]
    return replace(
        first,
        names=[name for p in parts for name in p.names],
        codes=genome_codes.joined([p.codes for p in parts]),
        y=np.concatenate([p.y for p in parts]),
        groups=groups,
        starts=np.concatenate(starts) if len(starts) == len(parts) else None,
    )


def shuffled_negatives(positives: Dataset, *, k: int, seed: int) -> Dataset:
    """One k-let shuffle of each sequence, labeled 0: DeepBind's negatives.

    The shuffle of a sequence depends on the seed and on the sequence alone.
    """
    return Dataset(
        names=[f"{name}_shuffled" for name in positives.names],
        codes=shuffle_codes(np.asarray(positives.codes), k=k, n=1, seed=seed)[:, 0],
        y=np.zeros_like(positives.y),
        outputs=positives.outputs,
        groups=positives.groups,
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """What one training step sees.

    Attributes
    ----------
    inputs
        Arguments of the model's ``forward``; the first is DNA, (n, 4, length) float32.
    y
        (n, t) labels, NaN where one is missing.
    """

    inputs: tuple[Tensor, ...]
    y: Tensor


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a model is fitted to; every epoch is a pure function of (seed, epoch).

    Attributes
    ----------
    data
        Sequences with labels. With ``fresh_negatives``, the positives alone.
    fresh_negatives
        0, or k: every epoch adds one new k-let shuffle of each sequence, labeled 0.
    fixed_negatives
        Every epoch adds the shuffles of the first.
    reverse_complement
        Each epoch reads a random half of the sequences from the other strand.
    max_shift
        Each epoch moves every sequence by up to this many bp; what enters is N.
    """

    data: Dataset
    fresh_negatives: int = 0
    fixed_negatives: bool = False
    reverse_complement: bool = True
    max_shift: int = 0

    def __len__(self) -> int:
        return len(self.data) * (2 if self.fresh_negatives else 1)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> TrainingData:
        """The same with some of the sequences."""
        return replace(self, data=self.data.take(rows))

    @property
    def positive_share(self) -> NDArray[np.float64]:
        """(t,) share of labels that are 1, missing ones left out; 1/2 where all are missing."""
        known = (~np.isnan(self.data.y)).sum(0)
        total = np.nansum(self.data.y.astype(np.float64), 0)
        share = np.where(known, total / np.maximum(known, 1), 0.5)
        return share / 2 if self.fresh_negatives else share

    def epoch(
        self, epoch: int, *, seed: int, shuffle: bool = True
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Codes and labels of an epoch, in the order in which they are shown.

        Without ``shuffle`` that is the order of the data; where all positives come first, they
        take turns with the rest, so that no batch is of one kind.
        """
        data = self.data
        if self.fresh_negatives:
            of = 0 if self.fixed_negatives else epoch
            negatives = shuffled_negatives(
                data, k=self.fresh_negatives, seed=derive(seed, "negatives", of)
            )
            data = joined([data, negatives])
        if shuffle:
            order = generator(seed, "order", epoch).permutation(len(data))
        else:
            order = _in_turn((data.y == 1).any(1))
        codes, y = data.codes[order], data.y[order]
        if self.max_shift:
            codes = _shifted(codes, self.max_shift, generator(seed, "shift", epoch))
        if self.reverse_complement:
            turned = generator(seed, "strand", epoch).random(len(data)) < 0.5
            codes[turned] = complement_codes(codes[turned, ::-1])
        return codes, y

    def batches(
        self,
        epoch: int,
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        shuffle: bool = True,
    ) -> Iterator[Batch]:
        """Batches of one epoch; of ``world`` processes, each takes its own part of every batch.

        A rest that is smaller than half a batch joins the last full one, so that no step sees a
        handful of sequences.
        """
        import torch

        codes, y = self.epoch(epoch, seed=seed, shuffle=shuffle)
        for start, end in steps(len(codes), batch_size):
            part = slice(start + rank, end, world)
            yield Batch((one_hot(codes[part]),), torch.from_numpy(y[part]))


def steps(n: int, batch_size: int) -> list[tuple[int, int]]:
    """Bounds of the batches of n sequences."""
    starts = list(range(0, n, batch_size))
    if len(starts) > 1 and n - starts[-1] < batch_size / 2:
        starts.pop()
    return list(zip(starts, [*starts[1:], n], strict=True))


def _in_turn(positive: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Order of the rows: as given, or evenly mixed where all positives come before the rest."""
    n = int(positive.sum())
    if not (0 < n < len(positive) and positive[:n].all()):
        return np.arange(len(positive))
    place = np.r_[
        (np.arange(n) + 0.5) / n, (np.arange(len(positive) - n) + 0.5) / (len(positive) - n)
    ]
    return np.argsort(place, kind="stable")


def _shifted(codes: NDArray[np.uint8], most: int, random: np.random.Generator) -> NDArray[np.uint8]:
    n, length = codes.shape
    padded = np.pad(codes, ((0, 0), (most, most)), constant_values=4)
    start = np.asarray(random.integers(0, 2 * most + 1, n))
    return np.take_along_axis(padded, start[:, None] + np.arange(length), 1)
