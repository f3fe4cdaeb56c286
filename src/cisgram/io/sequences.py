"""The record that every reader gives: names, letters, labels, and what was handled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.io.intervals import Intervals
from cisgram.seq.alphabet import to_codes


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences as they came from one file.

    Attributes
    ----------
    names
        n names, all different.
    letters
        n strings of A C G T N, upper case; lengths may differ.
    labels
        (n, t) float64, NaN where a label is missing; ``None`` when the file has none.
    columns
        Names of the t labels.
    chromosomes
        n contig names where the file tells them, else ``None``.
    intervals
        Where the sequences lie, when they were cut from a genome here.
    ranks
        (n,) integers, 1 = strongest; ``None`` when the file tells no order.
    batches
        n names of the batch or donor where the file tells them, else ``None``.
    dropped
        ``(name, reason)`` of each row that was left out.
    counts
        What was handled: ``lower_case`` letters, ``iupac`` letters read as N, ``u_as_t``,
        ``blank_lines``, ``crlf``, ``duplicate_names``, ...
    source
        The file.
    """

    names: list[str]
    letters: list[str]
    labels: NDArray[np.float64] | None = None
    columns: tuple[str, ...] = ()
    chromosomes: list[str] | None = None
    intervals: Intervals | None = None
    ranks: NDArray[np.int64] | None = None
    batches: list[str] | None = None
    dropped: tuple[tuple[str, str], ...] = ()
    counts: Mapping[str, int] = field(default_factory=Counter)
    source: str = ""

    def __post_init__(self) -> None:
        n = len(self.names)
        for what in ("letters", "labels", "chromosomes", "intervals", "ranks", "batches"):
            value = getattr(self, what)
            if value is not None and len(value) != n:
                msg = f"{what} must have one entry a name ({n}); got {len(value)}."
                raise InputError(msg)
        if self.labels is not None and self.labels.shape != (n, len(self.columns)):
            msg = f"labels must be ({n}, {len(self.columns)}); got {self.labels.shape}."
            raise InputError(msg)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(n,) lengths in bp."""
        return np.fromiter(map(len, self.letters), dtype=np.int64, count=len(self.letters))

    @property
    def length(self) -> int:
        """The one length of all sequences.

        Raises
        ------
        InputError
            When there is none, or when they differ.
        """
        lengths = np.unique(self.lengths)
        if len(lengths) != 1:
            came = f"from {lengths[0]} to {lengths[-1]}" if len(lengths) else "no sequence"
            msg = (
                f"{self.source or 'The sequences'}: one common length is needed; got {came}. "
                "Cut or pad them to one length first."
            )
            raise InputError(msg)
        return int(lengths[0])

    def codes(self) -> NDArray[np.uint8]:
        """(n, length) codes A 0, C 1, G 2, T 3, N 4; refuses lengths that differ.

        Examples
        --------
        >>> Sequences(["a", "b"], ["AGN", "TTT"]).codes().tolist()
        [[0, 2, 4], [3, 3, 3]]
        """
        _ = self.length
        return to_codes(self.letters)

    def take(self, rows: ArrayLike) -> Sequences:
        """Some of the sequences in the order of ``rows``: integers, or n booleans.

        Examples
        --------
        >>> Sequences(["a", "b"], ["AGN", "TTT"]).take([1]).names
        ['b']
        """
        chosen = np.asarray(rows)
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                msg = f"rows must be {len(self)} booleans or integers; got shape {chosen.shape}."
                raise InputError(msg)
            chosen = np.flatnonzero(chosen)
        chosen = chosen.astype(np.int64)
        if len(chosen) and (chosen.min() < 0 or chosen.max() >= len(self)):
            msg = f"rows must lie in 0..{len(self) - 1}; got {chosen.min()}..{chosen.max()}."
            raise InputError(msg)
        index = chosen.tolist()
        return replace(
            self,
            names=[self.names[i] for i in index],
            letters=[self.letters[i] for i in index],
            labels=None if self.labels is None else self.labels[chosen],
            chromosomes=self.chromosomes and [self.chromosomes[i] for i in index],
            intervals=None if self.intervals is None else self.intervals.take(chosen),
            ranks=None if self.ranks is None else self.ranks[chosen],
            batches=self.batches and [self.batches[i] for i in index],
        )

    def strongest(self, n: int) -> Sequences:
        """The n strongest by rank, in the order of the file; all when there are fewer.

        Raises
        ------
        InputError
            When the file told no order.

        Examples
        --------
        >>> s = Sequences(["a", "b", "c"], ["A", "C", "G"], ranks=np.array([3, 1, 2]))
        >>> s.strongest(2).names
        ['b', 'c']
        """
        check_positive(n, name="strongest")
        if self.ranks is None:
            msg = (
                f"{self.source or 'The file'} does not say which sequences are strongest: ranks "
                "come from DeepBind EventIDs (seq_00001_peak) or from BED and narrowPeak scores."
            )
            raise InputError(msg)
        return self.take(np.sort(np.argsort(self.ranks, kind="stable")[:n]))
