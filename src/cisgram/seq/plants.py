"""What is planted: motifs with strand, copies and probability, and grammars of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.seq.alphabet import BASES

Strand = Literal["+", "-", "both"]

_MEANS = {
    "A": "A", "C": "C", "G": "G", "T": "T", "U": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT",
    "K": "GT", "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip


@runtime_checkable
class HasPpm(Protocol):
    """Anything like a motif: base probabilities (4, k) and a name."""

    @property
    def ppm(self) -> NDArray[np.float64]:
        """(4, k) probabilities, rows A C G T."""

    @property
    def name(self) -> str:
        """What people call it."""


@dataclass(frozen=True, eq=False)
class Plant:
    """A motif and how it is planted.

    Attributes
    ----------
    motif
        Base probabilities (4, k), a consensus in IUPAC letters (each meaning of a letter alike),
        or anything with ``.ppm`` and ``.name``. Kept as (4, k) probabilities.
    name
        What the truth calls it; default the motif's own name or its consensus.
    strand
        ``+``, ``-``, or ``both``: each with probability one half.
    copies
        Fewest and most copies in a sequence that has any, each number alike.
    probability
        Of having any.

    Examples
    --------
    >>> Plant("CANNTG", copies=(1, 3)).width
    6
    """

    motif: Any
    name: str = ""
    strand: Strand = "+"
    copies: tuple[int, int] = (1, 1)
    probability: float = 1.0

    def __post_init__(self) -> None:
        name = self.name
        if isinstance(self.motif, str):
            ppm, name = _of_consensus(self.motif), name or self.motif.upper()
        elif isinstance(self.motif, HasPpm):
            ppm, name = np.array(self.motif.ppm, dtype=np.float64), name or self.motif.name
        else:
            ppm = np.array(self.motif, dtype=np.float64)
        if not name:
            msg = "A Plant of bare probabilities needs a name: Plant(ppm, 'CTCF')."
            raise InputError(msg)
        if ppm.ndim != 2 or ppm.shape[0] != 4 or ppm.shape[1] < 1:
            msg = f"Plant {name!r}: the motif must be (4, k) probabilities; got {ppm.shape}."
            raise InputError(msg)
        if not np.isfinite(ppm).all() or (ppm < 0).any() or (np.abs(ppm.sum(0) - 1) > 0.02).any():
            msg = f"Plant {name!r}: every column must hold four probabilities that sum to 1."
            raise InputError(msg)
        if self.strand not in ("+", "-", "both"):
            msg = f"Plant {name!r}: strand must be '+', '-' or 'both'; got {self.strand!r}."
            raise InputError(msg)
        if not 0 <= self.probability <= 1:
            msg = f"Plant {name!r}: probability must lie in 0 to 1; got {self.probability!r}."
            raise InputError(msg)
        object.__setattr__(self, "copies", _range(self.copies, 1, f"Plant {name!r}: copies"))
        ppm /= ppm.sum(0)
        ppm.flags.writeable = False
        object.__setattr__(self, "motif", ppm)
        object.__setattr__(self, "name", name)

    @property
    def width(self) -> int:
        """Positions, bp."""
        return int(self.motif.shape[1])

    def draw_word(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """(width,) codes of one site, each base drawn from its column."""
        bounds = self.motif.cumsum(0)[:3]
        return np.asarray((rng.random(self.width) >= bounds).sum(0), dtype=np.uint8)

    def draw_strand(self, rng: np.random.Generator) -> str:
        """``+`` or ``-``."""
        return str(rng.choice(["+", "-"])) if self.strand == "both" else self.strand

    def draw_copies(self, rng: np.random.Generator) -> int:
        """How many sites one sequence gets."""
        has_any = bool(rng.random() < self.probability)
        copies = int(rng.integers(self.copies[0], self.copies[1] + 1))
        return copies if has_any else 0


@dataclass(frozen=True, eq=False)
class Grammar:
    """Elements that belong together, in an order and at distances.

    Attributes
    ----------
    elements
        The motifs; copies of one stand side by side. One whose probability is below 1 may be
        missing.
    order
        ``fixed``: as listed, left to right; ``any``: every order alike.
    spacing
        Fewest and most bases between the end of one site and the start of the next, each number
        alike.
    strand
        ``both`` turns the whole arrangement to the other strand in half of the sequences.
    """

    elements: Sequence[Plant]
    order: Literal["fixed", "any"] = "fixed"
    spacing: tuple[int, int] = (0, 20)
    strand: Literal["+", "both"] = "+"

    def __post_init__(self) -> None:
        if isinstance(self.elements, Plant):
            msg = "Grammar: elements must be a list of Plant; got one. Wrap it: Grammar([plant])."
            raise InputError(msg)
        elements = tuple(self.elements)
        if not all(isinstance(e, Plant) for e in elements):
            msg = "Grammar: elements must be Plant; wrap motifs: Grammar([Plant(m) for m in ...])."
            raise InputError(msg)
        if not any(e.probability == 1 for e in elements):
            msg = "Grammar: at least one element must be certain (probability 1)."
            raise InputError(msg)
        if self.order not in ("fixed", "any"):
            msg = f"Grammar: order must be 'fixed' or 'any'; got {self.order!r}."
            raise InputError(msg)
        if self.strand not in ("+", "both"):
            msg = f"Grammar: strand must be '+' or 'both'; got {self.strand!r}."
            raise InputError(msg)
        object.__setattr__(self, "elements", elements)
        object.__setattr__(self, "spacing", _range(self.spacing, 0, "Grammar: spacing"))

    @property
    def max_width(self) -> int:
        """Most bases that it can take up."""
        sites = sum(e.copies[1] for e in self.elements)
        return sum(e.width * e.copies[1] for e in self.elements) + (sites - 1) * self.spacing[1]


def _of_consensus(consensus: str) -> NDArray[np.float64]:
    wrong = sorted(set(consensus.upper()) - set(_MEANS))
    if wrong or not consensus:
        msg = (
            f"A consensus is made of IUPAC letters; {consensus!r} has {', '.join(wrong) or 'none'}."
        )
        raise InputError(msg)
    ppm = np.array([[b in _MEANS[c] for c in consensus.upper()] for b in BASES], dtype=np.float64)
    return np.asarray(ppm / ppm.sum(0))


def _range(value: tuple[int, int], least: int, what: str) -> tuple[int, int]:
    """A pair (low, high) of integers of at least ``least``."""
    pair = tuple(value) if isinstance(value, Sequence) else ()
    is_whole = all(isinstance(v, int | np.integer) and not isinstance(v, bool) for v in pair)
    if len(pair) != 2 or not is_whole or not least <= pair[0] <= pair[1]:
        msg = (
            f"{what} must be a pair (low, high) of integers, {least} <= low <= high; got {value!r}."
        )
        raise InputError(msg)
    return int(pair[0]), int(pair[1])
