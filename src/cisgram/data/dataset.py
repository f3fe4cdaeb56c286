"""Sequences with labels at rest, and the batches that a model sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive, generator
from cisgram.data.augment import Augment
from cisgram.data.fields import Field, Fields, check_rows, joined_fields
from cisgram.data.sampling import even_order, kinds_of
from cisgram.io import Codes, genome_codes
from cisgram.seq.alphabet import complement_codes, one_hot
from cisgram.seq.shuffle import shuffle_codes

if TYPE_CHECKING:
    from torch import Tensor

AT_ONCE = 1 << 24  # bases of an epoch that are read together


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
    origins
        Batch or donor of each sequence, where known.
    fields
        Further inputs of the model by name, a row a sequence.
    profile
        Labels along the sequence: (n, strands, width) counts, where they were asked for.
    """

    names: list[str]
    codes: Codes
    y: NDArray[np.float32]
    outputs: tuple[str, ...] = ("bound",)
    groups: list[str] | None = None
    starts: NDArray[np.int64] | None = None
    origins: list[str] | None = None
    fields: Fields = field(default_factory=dict)
    profile: Field | None = None

    def __post_init__(self) -> None:
        n = len(self.names)
        if self.codes.ndim != 2 or len(self.codes) != n or self.y.shape != (n, len(self.outputs)):
            msg = (
                f"a dataset of {n} names and {len(self.outputs)} outputs needs codes ({n}, length) "
                f"and y ({n}, {len(self.outputs)}); got {self.codes.shape} and {self.y.shape}."
            )
            raise InputError(msg)
        check_rows(self.fields, n)

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
            origins=None if self.origins is None else [self.origins[i] for i in index],
            fields={name: given.take(index) for name, given in self.fields.items()},
            profile=None if self.profile is None else self.profile.take(index),
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
    groups, origins = None, None
    if all(p.groups is not None for p in parts):
        groups = [g for p in parts for g in p.groups or ()]
    if all(p.origins is not None for p in parts):
        origins = [o for p in parts for o in p.origins or ()]
    starts = [p.starts for p in parts if p.starts is not None]
    return replace(
        first,
        names=[name for p in parts for name in p.names],
        codes=genome_codes.joined([p.codes for p in parts]),
        y=np.concatenate([p.y for p in parts]),
        groups=groups,
        starts=np.concatenate(starts) if len(starts) == len(parts) else None,
        origins=origins,
        fields=joined_fields([p.fields for p in parts]),
        profile=_joined_profiles(parts),
    )


def _joined_profiles(parts: Sequence[Dataset]) -> Field | None:
    every = [{} if p.profile is None else {"profile": p.profile} for p in parts]
    return joined_fields(every).get("profile")


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
        origins=positives.origins,
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """What one training step sees.

    Attributes
    ----------
    inputs
        Arguments of the model's ``forward`` by place: DNA, (n, 4, length) float32.
    y
        (n, t) labels, NaN where one is missing.
    origin
        (n,) number of the batch or donor among `TrainingData.origins`, where they are known.
    fields
        Further arguments of ``forward`` by name, (n, ...) float32 each.
    profile
        (n, strands, width) counts along the sequences, where they are labels.
    """

    inputs: tuple[Tensor, ...]
    y: Tensor
    origin: Tensor | None = None
    fields: Mapping[str, Tensor] = field(default_factory=dict)
    profile: Tensor | None = None


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
    augment
        Further changes of the sequences of an epoch.
    classes
        The outputs are the classes of one label.
    """

    data: Dataset
    fresh_negatives: int = 0
    fixed_negatives: bool = False
    reverse_complement: bool = True
    max_shift: int = 0
    augment: Augment | None = None
    classes: bool = False

    def __post_init__(self) -> None:
        if self.fresh_negatives and (self.data.fields or self.data.profile is not None):
            msg = (
                f"shuffles have no {', '.join(self.data.fields) or 'profile'}: give negatives of "
                "their own where a model reads more than letters."
            )
            raise InputError(msg)

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

    @property
    def origins(self) -> list[str]:
        """Names of the batches or donors, sorted; empty where they are not known."""
        return sorted(set(self.data.origins or ()))

    @property
    def as_given(self) -> TrainingData:
        """The same without anything that changes a sequence: strands, shifts, augmentation."""
        return replace(self, reverse_complement=False, max_shift=0, augment=None)

    def epoch(
        self, epoch: int, *, seed: int, shuffle: bool = True, sampling: str = "all"
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Codes and labels of an epoch, in the order in which they are shown.

        Without ``shuffle`` that is the order of the data; where all positives come first, they
        take turns with the rest, so that no batch is of one kind. With ``sampling`` ``balanced``
        the kinds of labels take turns, with ``blocked`` those of every batch label
        (`sampling.even_order`).
        """
        shown = self._shown(epoch, seed=seed, shuffle=shuffle, sampling=sampling)
        whole = [(0, len(shown.rows))]
        return next(self._read(shown, whole, epoch, seed=seed)), shown.y

    def _shown(self, epoch: int, *, seed: int, shuffle: bool, sampling: str) -> _Shown:
        """What an epoch shows, in its order."""
        y, origins = self.data.y, self.data.origins
        if self.fresh_negatives:
            y = np.concatenate([y, np.zeros_like(y)])
            origins = None if origins is None else [*origins, *origins]
        random = generator(seed, "order", epoch)
        if sampling != "all":
            kinds = kinds_of(y, origins, classes=self.classes, blocked=sampling == "blocked")
            rows = even_order(kinds, random)
        elif shuffle:
            rows = random.permutation(len(y))
        else:
            rows = _in_turn((y == 1).any(1))
        own = None
        if origins is not None:
            own = np.searchsorted(self.origins, np.array(origins)[rows])
        turned = None
        if self.reverse_complement:
            turned = generator(seed, "strand", epoch).random(len(rows)) < 0.5
        return _Shown(rows, y[rows], own, turned)

    def _read(
        self, shown: _Shown, spans: Iterable[tuple[int, int]], epoch: int, *, seed: int
    ) -> Iterator[NDArray[np.uint8]]:
        """Codes of spans of what is shown, one after the other, as this epoch reads them.

        Augmented, shifted, from either strand; what is drawn does not depend on the spans.
        """
        n = len(shown.rows)
        augment = generator(seed, "augment", epoch)
        shift = generator(seed, "shift", epoch).integers(0, 2 * self.max_shift + 1, n)
        for start, end in spans:
            codes = self._codes(shown.rows[start:end], epoch, seed=seed)
            if self.augment is not None:
                codes = self.augment.changed(codes, augment)
            if self.max_shift:
                codes = _shifted(codes, self.max_shift, shift[start:end])
            if shown.turned is not None:
                back = shown.turned[start:end]
                codes[back] = complement_codes(codes[back, ::-1])
            yield codes

    def _codes(self, rows: NDArray[np.int64], epoch: int, *, seed: int) -> NDArray[np.uint8]:
        """Codes of rows, those of the epoch's shuffles among them; a new array."""
        n = len(self.data)
        if not self.fresh_negatives:
            return self.data.codes[rows]
        is_shuffle = rows >= n
        codes = self.data.codes[rows % n]
        of = 0 if self.fixed_negatives else epoch
        own = derive(seed, "negatives", of)
        given = codes[is_shuffle]
        codes[is_shuffle] = shuffle_codes(given, k=self.fresh_negatives, n=1, seed=own)[:, 0]
        return codes

    def batches(
        self,
        epoch: int,
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        shuffle: bool = True,
        sampling: str = "all",
    ) -> Iterator[Batch]:
        """Batches of one epoch; of ``world`` processes, each takes its own part of every batch.

        A rest that is smaller than half a batch joins the last full one, so that no step sees a
        handful of sequences.
        """
        import torch

        shown = self._shown(epoch, seed=seed, shuffle=shuffle, sampling=sampling)
        noise = generator(seed, "noise", epoch)
        parts = _together(steps(len(shown.rows), batch_size), max(1, AT_ONCE // self.data.length))
        spans = [(part[0][0], part[-1][1]) for part in parts]
        for part, codes in zip(parts, self._read(shown, spans, epoch, seed=seed), strict=True):
            for start, end in part:
                mine = slice(start + rank, end, world)
                x = one_hot(codes[start - part[0][0] : end - part[0][0]][rank::world])
                if self.augment is not None and self.augment.noise:
                    drawn = self.augment.noise_of(noise, end - start, codes.shape[1])
                    x = x + torch.from_numpy(drawn[rank::world])
                origin = None if shown.origin is None else torch.from_numpy(shown.origin[mine])
                yield Batch(
                    (x,),
                    torch.from_numpy(shown.y[mine]),
                    origin,
                    {name: shown.of(given, mine) for name, given in self.data.fields.items()},
                    None if self.data.profile is None else shown.of(self.data.profile, mine),
                )


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """Rows of the data in the order of an epoch, with labels and origins.

    From the number of the data's rows on, a row is the shuffle of the one so many before it.
    """

    rows: NDArray[np.int64]
    y: NDArray[np.float32]
    origin: NDArray[np.int64] | None
    turned: NDArray[np.bool_] | None  # read from the other strand

    def of(self, given: Field, part: slice) -> Tensor:
        """A field of some of what is shown, turned with its sequences."""
        import torch

        turned = None if self.turned is None else self.turned[part]
        return torch.from_numpy(given.read(self.rows[part], turned))


def _together(bounds: Sequence[tuple[int, int]], rows: int) -> list[list[tuple[int, int]]]:
    """Batches that are read at once: of at most so many rows, or one."""
    found: list[list[tuple[int, int]]] = []
    for start, end in bounds:
        if not found or end - found[-1][0][0] > rows:
            found.append([])
        found[-1].append((start, end))
    return found


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


def _shifted(codes: NDArray[np.uint8], most: int, start: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Each row from its start on, of the row with ``most`` N before and behind it."""
    length = codes.shape[1]
    padded = np.pad(codes, ((0, 0), (most, most)), constant_values=4)
    return np.take_along_axis(padded, start[:, None] + np.arange(length), 1)
