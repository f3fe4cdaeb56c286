"""A motif and a set of motifs: what every tool of this room takes and gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown

UNIFORM = (0.25, 0.25, 0.25, 0.25)
CORE = 8  # positions
SPECIFIC = 5.0  # bits in the core


@dataclass(frozen=True, eq=False)
class Motif:
    """Base probabilities of the positions of a binding site; immutable.

    Attributes
    ----------
    ppm
        (4, k) float64, rows A C G T, every column sums to 1; read-only.
    name
        What people call it, for example ``CTCF``.
    id
        Accession, for example ``MA0139.2``; the name where there is none.
    n_sites
        Sites that it was counted from; ``None`` when unknown.
    background
        Base composition A C G T that information is measured against.
    origin
        Where it comes from: a file, a database release, ``filters of RUN``.
    """

    ppm: NDArray[np.float64]
    name: str
    id: str = ""
    n_sites: float | None = None
    background: tuple[float, float, float, float] = UNIFORM
    origin: str = ""

    def __post_init__(self) -> None:
        ppm = np.array(self.ppm, dtype=np.float64)
        if ppm.ndim != 2 or ppm.shape[0] != 4 or ppm.shape[1] < 1:
            hint = " Transpose it." if ppm.ndim == 2 and ppm.shape[-1] == 4 else ""
            msg = f"motif {self.name!r}: ppm must have shape (4, k); got {ppm.shape}.{hint}"
            raise InputError(msg)
        if not np.isfinite(ppm).all() or (ppm < 0).any():
            msg = f"motif {self.name!r}: probabilities must be finite and not negative."
            raise InputError(msg)
        sums = ppm.sum(0)
        if (np.abs(sums - 1) > 0.02).any():
            i = int(np.abs(sums - 1).argmax())
            msg = (
                f"motif {self.name!r}: probabilities of position {i} sum to {sums[i]:g}, not 1. "
                "Build a motif from counts with Motif.from_counts."
            )
            raise InputError(msg)
        ppm /= sums
        ppm.flags.writeable = False
        background = np.asarray(self.background, dtype=np.float64)
        if background.shape != (4,) or not (background > 0).all():
            msg = f"motif {self.name!r}: background must be four positive shares of A C G T."
            raise InputError(msg)
        object.__setattr__(self, "ppm", ppm)
        object.__setattr__(self, "background", tuple((background / background.sum()).tolist()))
        object.__setattr__(self, "id", self.id or self.name)

    @classmethod
    def from_counts(
        cls,
        counts: ArrayLike,
        *,
        name: str,
        id: str = "",  # noqa: A002 the field has this name
        pseudocount: float = 0.0,
        origin: str = "",
    ) -> Motif:
        """Motif of a count matrix (4, k); columns without a count become uniform.

        Parameters
        ----------
        counts
            (4, k), rows A C G T.
        name, id, origin
            As the attributes.
        pseudocount
            Added to each of the four counts of every column.
        """
        c = np.asarray(counts, dtype=np.float64) + pseudocount
        if c.ndim != 2 or c.shape[0] != 4 or not np.isfinite(c).all() or (c < 0).any():
            msg = f"motif {name!r}: counts must be (4, k), finite and not negative; got {c.shape}."
            raise InputError(msg)
        total = c.sum(0)
        ppm = np.where(total > 0, c / np.where(total > 0, total, 1), 0.25)
        return cls(ppm, name, id, n_sites=float(total.max(initial=0.0)), origin=origin)

    @property
    def width(self) -> int:
        """Positions, k."""
        return int(self.ppm.shape[1])

    @property
    def information(self) -> NDArray[np.float64]:
        """(k,) information of each position in bits against the background."""
        b = np.asarray(self.background)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            bits = np.where(self.ppm > 0, self.ppm * np.log2(self.ppm / b), 0.0)
        return np.asarray(bits.sum(0))

    @property
    def core_information(self) -> float:
        """The most information, in bits, that any eight neighboring positions hold."""
        window = np.ones(min(CORE, self.width))
        return float(np.convolve(self.information, window, mode="valid").max())

    @property
    def is_specific(self) -> bool:
        """True when the core holds at least 5 bits: enough to compare with known motifs.

        Flat columns come in runs in the known motifs too, so that a flat motif lies closer to
        some of them than columns drawn one by one would: its q-values are too small. Of the
        filters of untrained networks on random sequences, a quarter had q < 0.05 by their total
        information alone, and none of these reaches 5 bits in eight positions.
        """
        return self.core_information >= SPECIFIC

    @property
    def consensus(self) -> str:
        """Most probable letters; lower case where no base reaches one half.

        Examples
        --------
        >>> Motif([[.9, .4], [.1, .3], [0, .2], [0, .1]], "m").consensus
        'Aa'
        """
        best = self.ppm.argmax(0)
        return "".join(
            "ACGT"[b] if self.ppm[b, i] >= 0.5 else "acgt"[b] for i, b in enumerate(best)
        )

    def reverse_complement(self) -> Motif:
        """The same motif read from the other strand."""
        b = self.background
        return replace(self, ppm=self.ppm[::-1, ::-1], background=(b[3], b[2], b[1], b[0]))

    def trimmed(self, *, min_information: float = 0.25) -> Motif:
        """Without the flanks whose information stays below ``min_information`` bits.

        A motif without one informative position is given back as it is.
        """
        kept = np.flatnonzero(self.information >= min_information)
        if len(kept) == 0:
            return self
        return replace(self, ppm=self.ppm[:, kept[0] : kept[-1] + 1])


@dataclass(frozen=True, eq=False)
class MotifSet(Sequence[Motif]):
    """Motifs in a fixed order, found by number, by id or by name.

    Attributes
    ----------
    motifs
        The motifs.
    origin
        File or database release.
    skipped
        What a reader left out, one sentence each.
    """

    motifs: tuple[Motif, ...]
    origin: str = ""
    skipped: tuple[str, ...] = field(default=())

    def __init__(
        self, motifs: Iterable[Motif], origin: str = "", skipped: Iterable[str] = ()
    ) -> None:
        object.__setattr__(self, "motifs", tuple(motifs))
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "skipped", tuple(skipped))

    def __len__(self) -> int:
        return len(self.motifs)

    def __iter__(self) -> Iterator[Motif]:
        return iter(self.motifs)

    @overload
    def __getitem__(self, key: int | str) -> Motif: ...
    @overload
    def __getitem__(self, key: slice) -> MotifSet: ...
    def __getitem__(self, key: int | str | slice) -> Motif | MotifSet:
        if isinstance(key, slice):
            return MotifSet(self.motifs[key], self.origin)
        if isinstance(key, str):
            for motif in self.motifs:
                if key in (motif.id, motif.name):
                    return motif
            what = "motif"
            raise unknown(what, key, [m.name for m in self.motifs][:200])
        return self.motifs[key]

    @property
    def names(self) -> list[str]:
        """Names in order."""
        return [m.name for m in self.motifs]
