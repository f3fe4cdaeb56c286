"""Sequences with a planted grammar, their labels, and where everything was planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.seeds import derive, generator
from cisgram.seq.alphabet import BASES, one_hot
from cisgram.seq.composition import as_codes, markov, sample_bases
from cisgram.seq.plants import Grammar, Plant
from cisgram.seq.shuffle import shuffle_codes

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from cisgram.core.types import OneHot

Codes = NDArray[np.uint8]
Role = Literal["grammar", "single", "decoy"]
_COLUMNS = ("sequence", "start", "end", "strand", "motif", "role", "word")


@dataclass(frozen=True, eq=False)
class Simulation:
    """What `simulate` made.

    Attributes
    ----------
    codes
        (n, length) uint8: A 0, C 1, G 2, T 3, N 4.
    y
        (n,) labels, 1 where the grammar was planted.
    sites
        The truth, one row a planted site: ``sequence`` (row of codes), ``start`` and ``end``
        (0-based, half-open), ``strand``, ``motif`` (name), ``role`` (grammar, single or
        decoy), ``word`` (the letters planted, as read on the site's strand).
    names
        Names of the sequences.
    """

    codes: Codes
    y: NDArray[np.int64]
    sites: pd.DataFrame
    names: tuple[str, ...]

    @property
    def x(self) -> OneHot:
        """(n, 4, length) float32 one-hot."""
        return one_hot(self.codes)


@dataclass(frozen=True, slots=True)
class _Site:
    """A motif with its letters drawn; ``offset`` counts from the start of its block."""

    offset: int
    strand: str
    motif: str
    role: Role
    word: Codes


def simulate(
    n: int,
    length: int | None = None,
    *,
    grammar: Grammar,
    decoys: Sequence[Plant] = (),
    positives: float = 0.5,
    singles: float = 0.0,
    background: str | ArrayLike = "uniform",
    sequences: Codes | Tensor | None = None,
    seed: int = 0,
) -> Simulation:
    """Sequences, labels and the truth of a planted grammar.

    A positive holds the whole grammar. A negative holds background, or, in a share of them,
    one element of the grammar alone, so that the grammar decides and not one motif. Decoys
    are planted in both classes alike. Sites never overlap, and nothing is planted between the
    elements of a grammar; all places that are left are equally probable. Sites that arise in
    the background by chance are neither removed nor listed.

    Parameters
    ----------
    n
        Number of sequences.
    length
        Their length, bp; left out where ``sequences`` give it.
    grammar
        What a positive holds.
    decoys
        Motifs that say nothing about the label.
    positives
        Share of positives; they are spread evenly over the rows, so that any stretch of rows
        holds this share to within one.
    singles
        Probability that a negative holds one element of the grammar, each as often.
    background
        ``"uniform"``; four shares of A C G T; ``"dinucleotide"``: a first-order Markov chain
        fitted to ``sequences``; ``"shuffled"``: exact dinucleotide shuffles of them, used in
        turn; ``"given"``: themselves, row by row, each once.
    sequences
        Codes (m, length) or one-hot (m, 4, length) for the last three backgrounds.
    seed
        Row i depends on this, on i and on the other arguments, but not on ``n``.

    Raises
    ------
    InputError
        When something does not fit: motifs into the length, sequences to the background, a
        share into 0 to 1.

    Examples
    --------
    >>> from cisgram.seq import decode
    >>> pair = Grammar([Plant("GATAA", "GATA"), Plant("CACGTG", "E-box")], spacing=(3, 3))
    >>> s = simulate(4, 20, grammar=pair, seed=1)
    >>> s.y.tolist()
    [1, 0, 1, 0]
    >>> s.sites[["sequence", "motif", "word"]].to_numpy().tolist()
    [[0, 'GATA', 'GATAA'], [0, 'E-box', 'CACGTG'], [2, 'GATA', 'GATAA'], [2, 'E-box', 'CACGTG']]
    """
    import pandas as pd

    _check(n, grammar, decoys, positives, singles)
    codes = _backgrounds(n, length, background, sequences, seed)
    _check_room(codes.shape[1], grammar, decoys)
    index = np.arange(n + 1)
    y = np.diff(np.floor(index * positives + 0.5).astype(np.int64))
    rows: list[tuple[object, ...]] = []
    for i in range(n):
        rng = generator(seed, "simulate", i)
        blocks = _draw(grammar, decoys, is_positive=bool(y[i]), singles=singles, rng=rng)
        for site, start in _place(blocks, codes.shape[1], rng):
            end = start + len(site.word)
            codes[i, start:end] = _on_strand(site.word, site.strand)
            word = "".join(BASES[b] for b in site.word)
            rows.append((i, start, end, site.strand, site.motif, site.role, word))
    sites = pd.DataFrame(rows, columns=list(_COLUMNS))
    sites = sites.sort_values(["sequence", "start"], ignore_index=True)
    return Simulation(codes, y, sites, tuple(f"simulated-{i}" for i in range(n)))


def _draw(
    grammar: Grammar,
    decoys: Sequence[Plant],
    *,
    is_positive: bool,
    singles: float,
    rng: np.random.Generator,
) -> list[tuple[int, list[_Site]]]:
    """Blocks (width, sites) to be placed: the grammar or one element of it, then decoys."""
    blocks = []
    for decoy in decoys:  # first, so that the label cannot touch what they draw
        blocks += [_alone(decoy, "decoy", rng) for _ in range(decoy.draw_copies(rng))]
    if is_positive:
        blocks.append(_whole(grammar, rng))
    elif rng.random() < singles:
        one = grammar.elements[int(rng.integers(len(grammar.elements)))]
        blocks.append(_alone(one, "single", rng))
    return blocks


def _alone(plant: Plant, role: Role, rng: np.random.Generator) -> tuple[int, list[_Site]]:
    word = plant.draw_word(rng)
    return len(word), [_Site(0, plant.draw_strand(rng), plant.name, role, word)]


def _whole(grammar: Grammar, rng: np.random.Generator) -> tuple[int, list[_Site]]:
    """The elements of a positive in their order, gaps drawn, as one block."""
    elements = list(grammar.elements)
    if grammar.order == "any":
        elements = [elements[i] for i in rng.permutation(len(elements))]
    chain = [e for e in elements for _ in range(e.draw_copies(rng))]
    strands = [e.draw_strand(rng) for e in chain]
    if grammar.strand == "both" and rng.random() < 0.5:  # the block as read on the other strand
        chain.reverse()
        strands = ["-" if s == "+" else "+" for s in reversed(strands)]
    low, high = grammar.spacing
    at, sites = 0, []
    for i, (element, strand) in enumerate(zip(chain, strands, strict=True)):
        at += int(rng.integers(low, high + 1)) if i else 0
        word = element.draw_word(rng)
        sites.append(_Site(at, strand, element.name, "grammar", word))
        at += len(word)
    return at, sites


def _place(
    blocks: list[tuple[int, list[_Site]]], length: int, rng: np.random.Generator
) -> list[tuple[_Site, int]]:
    """Sites and their starts: every order and every share-out of the free bases alike."""
    order = rng.permutation(len(blocks))
    free = length - sum(width for width, _ in blocks)
    # choosing where blocks stand among free bases gives each arrangement once
    slots = np.sort(rng.choice(free + len(blocks), size=len(blocks), replace=False))
    placed, used = [], 0
    for i, (which, slot) in enumerate(zip(order, slots, strict=True)):
        width, sites = blocks[which]
        start = int(slot) - i + used
        placed += [(site, start + site.offset) for site in sites]
        used += width
    return placed


def _on_strand(word: Codes, strand: str) -> Codes:
    return word if strand == "+" else (3 - word[::-1]).astype(np.uint8)


def _backgrounds(
    n: int,
    length: int | None,
    background: str | ArrayLike,
    sequences: Codes | Tensor | None,
    seed: int,
) -> Codes:
    """Codes (n, length), a fresh array."""
    own = derive(seed, "background")
    known = ("uniform", "dinucleotide", "shuffled", "given")
    if isinstance(background, str) and background not in known:
        msg = f"background must be one of {', '.join(known)} or four shares; got {background!r}."
        raise InputError(msg)
    if not isinstance(background, str) or background == "uniform":
        if length is None or sequences is not None:
            msg = (
                f"background {background!r} needs a length and takes no sequences. To plant into "
                'your own, say background="given", "shuffled" or "dinucleotide".'
            )
            raise InputError(msg)
        check_positive(length, name="length")
        flat = (1, 1, 1, 1) if isinstance(background, str) else background
        return sample_bases(flat, n, length, seed=own)
    if sequences is None:
        msg = f"background {background!r} needs sequences to go by; give sequences=."
        raise InputError(msg)
    given = as_codes(sequences)
    if background == "dinucleotide":
        return markov(given).sample(n, length or given.shape[1], seed=own)
    if length not in (None, given.shape[1]) or not len(given):
        msg = (
            f"background {background!r} keeps the length of its sequences, {given.shape[1]}; got "
            f'length={length} and {len(given)} sequences. background="dinucleotide" is free.'
        )
        raise InputError(msg)
    if background == "shuffled":
        rows = np.arange(n)
        return shuffle_codes(given[rows % len(given)], k=2, n=1, seed=own, ids=rows)[:, 0]
    if n > len(given):
        msg = (
            f"background 'given' uses every sequence once: {n} were asked for, {len(given)} given."
        )
        raise InputError(msg)
    return given[:n].copy()


def _check(
    n: int, grammar: Grammar, decoys: Sequence[Plant], positives: float, singles: float
) -> None:
    check_positive(n, name="n")
    if not isinstance(grammar, Grammar):
        msg = f"grammar must be a Grammar; got {type(grammar).__name__}. Wrap it: Grammar([...])."
        raise InputError(msg)
    if isinstance(decoys, Plant) or not all(isinstance(d, Plant) for d in decoys):
        msg = "decoys must be a list of Plant."
        raise InputError(msg)
    for name, share in (("positives", positives), ("singles", singles)):
        if not 0 <= share <= 1:
            msg = f"{name} must be a share between 0 and 1; got {share!r}."
            raise InputError(msg)
    if singles > 0 and len(grammar.elements) == 1 and grammar.elements[0].copies[0] == 1:
        msg = (
            "singles plants one element of the grammar in negatives; this grammar has only one, "
            "so that positives and negatives would be alike. Set singles=0 or add an element."
        )
        raise InputError(msg)


def _check_room(length: int, grammar: Grammar, decoys: Sequence[Plant]) -> None:
    widest = grammar.max_width + sum(d.width * d.copies[1] for d in decoys)
    if widest > length:
        msg = (
            f"The grammar (up to {grammar.max_width} bp) and the decoys (up to "
            f"{widest - grammar.max_width} bp) do not fit into sequences of {length} bp. Make the "
            "sequences longer, the spacing narrower or the copies fewer."
        )
        raise InputError(msg)
