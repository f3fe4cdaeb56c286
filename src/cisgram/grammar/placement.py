"""A motif at a place of a sequence, and the letters that are written there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.motifs.motif import Motif
from cisgram.seq import streams as random
from cisgram.seq.alphabet import N, complement_codes, to_codes

Codes: TypeAlias = NDArray[np.uint8]
Word: TypeAlias = Motif | str
STRANDS = ("+", "-")


@dataclass(frozen=True, slots=True)
class Placement:
    """A motif written over what stands at a place.

    Attributes
    ----------
    motif
        A motif, or letters A C G T as they are; N leaves the base that is there.
    start
        Its first base, 0-based.
    strand
        ``-`` writes the reverse complement.
    copy
        Number of the copy: where words are drawn from a motif, copies have words of their own.

    Examples
    --------
    >>> Placement("GATAAG", 10).end
    16
    """

    motif: Word
    start: int
    strand: str = "+"
    copy: int = 0

    def __post_init__(self) -> None:
        check_word(self.motif)
        if self.strand not in STRANDS:
            msg = f"strand must be '+' or '-'; got {self.strand!r}."
            raise InputError(msg)
        if isinstance(self.start, bool) or not isinstance(self.start, int | np.integer):
            msg = f"start must be a position, an integer; got {self.start!r}."
            raise InputError(msg)

    @property
    def width(self) -> int:
        """Bases that it reaches over."""
        return width_of(self.motif)

    @property
    def end(self) -> int:
        """The position behind its last base."""
        return self.start + self.width

    @property
    def name(self) -> str:
        """What the motif is called; letters are their own name."""
        return name_of(self.motif)

    @property
    def covered(self) -> set[int]:
        """Positions that it writes: all but those under an N."""
        if isinstance(self.motif, Motif):
            return set(range(self.start, self.end))
        word = self.motif.upper()[:: 1 if self.strand == "+" else -1]
        return {self.start + i for i, letter in enumerate(word) if letter != "N"}


def check_word(motif: Word) -> None:
    """Refuse what is neither a motif nor letters.

    Raises
    ------
    InputError
        When it is something else, or letters other than A C G T N.
    """
    if isinstance(motif, Motif):
        return
    if not isinstance(motif, str) or not motif or set(motif.upper()) - set("ACGTN"):
        msg = (
            "A motif must be a Motif (motifs.read_meme, motifs.jaspar) or letters A C G T, where N "
            f"leaves the base that is there; got {motif!r}. Ambiguous letters such as R are "
            "probabilities: make a Motif of them, and draw its words (drawn=True)."
        )
        raise InputError(msg)


def width_of(motif: Word) -> int:
    """Bases of a motif or of letters."""
    return motif.width if isinstance(motif, Motif) else len(motif)


def name_of(motif: Word) -> str:
    """Name of a motif; letters are their own."""
    return motif.name if isinstance(motif, Motif) else motif.upper()


def named(motifs: Word | Iterable[Word]) -> list[Word]:
    """One motif or several, as a list with names that tell them apart.

    Raises
    ------
    InputError
        When there is none, one is no motif, or two have the same name.
    """
    given: list[Word] = [motifs] if isinstance(motifs, Motif | str) else list(motifs)
    if not given:
        msg = "No motif was given; read some with motifs.read_meme or motifs.jaspar."
        raise InputError(msg)
    for motif in given:
        check_word(motif)
    names = [name_of(m) for m in given]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        msg = f"Each motif needs a name of its own; {', '.join(twice)} came more than once."
        raise InputError(msg)
    return given


def pair_of(motifs: Sequence[Word]) -> tuple[Word, Word]:
    """Two motifs.

    Raises
    ------
    InputError
        When there are not two, or one is no motif.
    """
    if isinstance(motifs, Motif | str) or len(motifs) != 2:
        came = "one" if isinstance(motifs, Motif | str) else len(motifs)
        msg = f"This experiment is about a pair: give two motifs, [first, second]; got {came}."
        raise InputError(msg)
    first, second = motifs
    check_word(first)
    check_word(second)
    return first, second


def letters_of(placement: Placement, codes: Codes, *, drawn: bool, seed: int) -> Codes:
    """(n, width) codes that are written into each of the sequences, 4 where the base stays.

    Parameters
    ----------
    placement
        What is written; its start does not matter here.
    codes
        (n, length) sequences.
    drawn
        Draw every sequence its own word from the motif's probabilities, instead of the most
        probable letters for all. It follows from the seed, the motif's name, the copy and the
        sequence's letters alone.
    seed
        Of the words.
    """
    motif = placement.motif
    if isinstance(motif, str):
        word = np.repeat(to_codes([motif]), len(codes), axis=0)
    elif drawn:
        purpose = f"word {motif.name} {placement.copy}"
        streams = random.of_sequences(codes, ids=None, seed=seed, purpose=purpose)
        u = random.fractions(streams, motif.width)  # (n, k)
        bounds = motif.ppm.cumsum(0)[:3]
        word = (u[:, None] >= bounds).sum(1).astype(np.uint8)
    else:
        best = motif.ppm.argmax(0).astype(np.uint8)
        word = np.repeat(best[None], len(codes), axis=0)
    return word if placement.strand == "+" else complement_codes(word)[:, ::-1]


def write(codes: Codes, word: Codes, start: int) -> Codes:
    """The sequences with their words written at ``start``; the base stays under a 4."""
    out = codes.copy()
    window = out[:, start : start + word.shape[1]]
    window[:] = np.where(word == N, window, word)
    return out
