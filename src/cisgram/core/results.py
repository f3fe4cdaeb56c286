"""What the methods give back: small frozen records, arrays plus how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from cisgram.core.types import OneHot, PerBase, Scalar


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """Importance of every base at every position, in units of the target.

    Attributes
    ----------
    values
        (n, 4, length). Score of *having* base b at position i, observed or not.
    sequences
        (n, 4, length) one-hot input that the values explain.
    method
        Registry name of the method.
    options
        Arguments that it ran with, enough to run it again.
    delta
        (n,) completeness gap: sum of observed scores minus (f(x) - f(reference)).
        ``None`` where the method promises no completeness.
    substitutions
        True when values are changes of the output by putting another base there, as those of
        mutagenesis: the base that is there then scores 0 in ``values``, and its importance is
        minus the mean of the other three.
    """

    values: PerBase
    sequences: OneHot
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    delta: Scalar | None = None
    substitutions: bool = False

    @property
    def observed(self) -> PerBase:
        """(n, 4, length): the score of the base that is there, 0 elsewhere and at N."""
        x = self.sequences.to(self.values)
        if self.substitutions:
            return -self.values.sum(1, keepdim=True) / 3 * x
        return self.values * x

    @property
    def per_position(self) -> Tensor:
        """(n, length): the score of the base that is there, 0 at N."""
        return self.observed.sum(1)


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Scores of positions that do not belong to letters: attention, temporal output scores.

    Attributes
    ----------
    values
        (n, k, length): k tracks along each sequence.
    names
        What each of the k tracks is, for example ``forward`` and ``backward``.
    sequences
        (n, 4, length) one-hot input that the tracks run along.
    method, options
        As in `Attribution`.
    """

    values: Tensor
    names: tuple[str, ...]
    sequences: OneHot
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Interaction:
    """How much two features of one sequence say together beyond what each says alone.

    Attributes
    ----------
    values
        (n, p, q), in units of the target.
    rows, columns
        Names of the p and q features.
    method, options
        As in `Attribution`.
    """

    values: Tensor
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Output before and after an edit of the sequence.

    Attributes
    ----------
    before
        (n,) target of the sequences as given.
    after
        (n, edits) target of each edited copy.
    edits
        What was done, one entry an edit.
    """

    before: Scalar
    after: Tensor
    edits: tuple[str, ...]

    @property
    def change(self) -> Tensor:
        """(n, edits): ``after - before``."""
        return self.after - self.before[:, None]
