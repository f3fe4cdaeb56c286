"""What the leaves of a demixing tree say: a profile, its consensus asked back, its blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from cisgram.explain.demix.reader import Codes, Floats, Reader
from cisgram.explain.demix.sample import Sample
from cisgram.motifs import Motif, cluster

Matrix = NDArray[np.float64]
Rows = NDArray[np.int64]

INFORMATIVE = 0.5  # bits of a position that belongs to a block, averaged over three
SHORTEST = 4  # positions of a block
PSEUDOCOUNT = 30  # at most so many uniform sequences join a leaf before its blocks are cut
ALIKE = 0.7  # similarity from which two blocks are the same motif
PIECE = 0.85  # correlation from which a short block is a piece of a longer one
FELT = 0.1  # of a leaf's steepest position: how steep a block's are at least, averaged over three
ASKED = 8  # windows of a leaf in which this is seen
MAIN, MOST = 0.05, 12  # share of the activation, and number, of the motifs that are no tail


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One of the ways to activate a neuron.

    Attributes
    ----------
    ppm
        (4, width) probability of each base over the neuron's window.
    rows
        Rows of the sample that belong to it.
    activation
        The highest value among them.
    consensus_activation
        The neuron's value on the most probable base at every position.
    weight
        Sum of its sequences' activation (above the threshold).
    effect
        (width,) how much the neuron's slope differs between the letters of each position, as a
        share of the steepest one; None where it was not asked.
    """

    ppm: Matrix
    rows: Rows
    activation: float
    consensus_activation: float
    weight: float = math.nan
    effect: Matrix | None = None

    @property
    def n(self) -> int:
        """Number of sequences."""
        return len(self.rows)

    @property
    def ratio(self) -> float:
        """Consensus activation over the highest value; it may exceed 1."""
        return self.consensus_activation / self.activation

    @property
    def information(self) -> float:
        """Bits of the whole profile against a uniform background."""
        return float(_information(self.ppm).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A motif in one place of one leaf.

    Attributes
    ----------
    leaf
        Number of the leaf.
    motif
        Number of the motif in the neuron's dictionary.
    start
        Position of the motif's first column in the neuron's window (bp).
    strand
        ``+`` or ``-`` against the dictionary's motif.
    """

    leaf: int
    motif: int
    start: int
    strand: str


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """A motif of a neuron's dictionary: blocks of leaves that are shifts of each other.

    Attributes
    ----------
    ppm
        (4, k) average over its blocks, weighted by their sequences, where at least half of them
        reach.
    flanked
        The same over all columns that a quarter of them reach: what is compared with known
        motifs.
    offsets
        Positions of the window at which it starts, ascending (bp).
    n
        Sequences of all leaves that hold it.
    blocks
        Where it occurs.
    share
        Of the activation of all leaves, that of those which hold it; NaN where it is not known.
    """

    ppm: Matrix
    flanked: Matrix
    offsets: tuple[int, ...]
    n: int
    blocks: tuple[Block, ...]
    share: float = math.nan

    def motif(self, name: str) -> Motif:
        """As a motif to compare and to write."""
        return Motif(self.flanked, name, n_sites=float(self.n), origin="demixed neuron")


def profile(codes: Codes, value: Floats, *, bins: int) -> Matrix:
    """Base probabilities (4, width) in which every step of activation counts alike.

    With P_j the base frequencies of the sequences in step j of ``bins`` equal steps on
    (0, maximum] and w_j their mean value, the profile is sum_j w_j P_j / sum_j w_j. An empty
    step has the P of the next higher one and its own middle as weight.

    References
    ----------
    Wei et al. 2023, NeuronMotif, as in the authors' code.
    """
    top = float(value.max())
    step = np.clip(np.ceil(value / top * bins).astype(np.int64) - 1, 0, bins - 1)
    width = codes.shape[1]
    place = codes.astype(np.int64) * width + np.arange(width)
    flat = np.bincount(
        (place + step[:, None] * (4 * width)).ravel(), minlength=bins * 4 * width
    ).reshape(bins, 4, width)
    n = np.bincount(step, minlength=bins)
    mean = np.bincount(step, value.astype(np.float64), minlength=bins) / np.maximum(n, 1)
    weight = np.where(n > 0, mean, (np.arange(bins) + 0.5) / bins * top)
    # the highest step is never empty; an empty one looks up to the next that is not
    source = np.minimum.accumulate(np.where(n > 0, np.arange(bins), bins)[::-1])[::-1]
    share = flat[source] / n[source, None, None]
    out: Matrix = np.tensordot(weight, share, 1) / weight.sum()
    return out


def leaves_of(
    sample: Sample,
    groups: Sequence[Rows],
    read: Reader,
    neuron: int,
    *,
    bins: int,
    is_felt: bool = False,
) -> list[Leaf]:
    """A leaf for each group of rows; all consensi are scored at once.

    ``is_felt`` asks for the effect of the positions too.
    """
    profiles = [
        profile(sample.codes[rows], sample.value[rows] - sample.threshold, bins=bins)
        for rows in groups
    ]
    if not profiles:
        return []
    consensi = np.stack([p.argmax(0) for p in profiles]).astype(np.uint8)
    asked = read.values(consensi, [neuron])[:, 0]
    effects = _effects(sample, groups, read, neuron) if is_felt else [None] * len(groups)
    active = sample.value.astype(np.float64) - sample.threshold
    return [
        Leaf(p, rows, float(sample.value[rows].max()), float(v), float(active[rows].sum()), e)
        for p, rows, v, e in zip(profiles, groups, asked.tolist(), effects, strict=True)
    ]


def _effects(
    sample: Sample, groups: Sequence[Rows], read: Reader, neuron: int
) -> list[Matrix | None]:
    """How steep the neuron is at each position, in some windows of each group, weak and strong."""
    chosen = []
    for rows in groups:
        order = rows[np.argsort(sample.value[rows], kind="stable")]
        chosen.append(order[np.unique(np.linspace(0, len(rows) - 1, ASKED).astype(np.int64))])
    slopes = read.slopes(sample.codes[np.concatenate(chosen)], neuron)[1]
    reach = (slopes.max(1) - slopes.min(1)).astype(np.float64)
    mean = [r.mean(0) for r in np.split(reach, np.cumsum([len(c) for c in chosen])[:-1])]
    return [m / m.max() if m.max() > 0 else None for m in mean]


def words(leaves: Sequence[Leaf], *, alike: float = ALIKE) -> list[Word]:
    """The dictionary of a neuron: blocks of all leaves, those that are shifts of each other merged.

    A block is a run of positions of a leaf that are informative and, where the leaf has effects,
    move the neuron: letters that are only handed down in the search move nothing. Blocks are
    clustered by average linkage on their best alignment, the motif of the largest share of the
    activation first.
    """
    cut = [(i, a, b) for i, leaf in enumerate(leaves) for a, b in segments(leaf)]
    if not cut:
        return []
    motifs = [Motif(leaves[i].ppm[:, a:b], f"{i}:{a}-{b}") for i, a, b in cut]
    found = cluster(motifs, threshold=alike)
    out = []
    for label in range(len(found.motifs)):
        members = found.members(label).tolist()
        starts = [_start(cut[m], int(found.offsets[m]), str(found.strands[m])) for m in members]
        out.append(_word(leaves, cut, members, starts, found.strands, label))
    kept = _absorbed(sorted(out, key=lambda word: -word.n), leaves)
    total = sum(leaf.weight for leaf in leaves)
    shared = [
        replace(w, share=sum(leaves[i].weight for i in {b.leaf for b in w.blocks}) / total)
        for w in kept
    ]
    shared.sort(key=lambda word: -word.share)  # of equals the most frequent first, as before
    return [_renumbered(word, new) for new, word in enumerate(shared)]


def divided(found: Sequence[Word]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """The motifs that matter, and the tail: of less than 5 % of the activation, or beyond twelve.

    ``found`` begins with the largest share, which always matters.
    """
    n = min(1, len(found))
    while n < min(len(found), MOST) and not found[n].share < MAIN:
        n += 1
    return tuple(found[:n]), tuple(found[n:])


def segments(leaf: Leaf) -> list[tuple[int, int]]:
    """Start and end of each run of informative positions of a leaf that move the neuron."""
    n = leaf.n
    uniform = min(PSEUDOCOUNT, n / 5)  # a small complete sample is no noise
    smooth = (leaf.ppm * n + uniform / 4) / (n + uniform)
    is_in = _over_three(_information(smooth)) > INFORMATIVE
    if leaf.effect is not None:
        is_in &= _over_three(leaf.effect) > FELT
    marked = np.pad(is_in.astype(np.int8), 1)
    turn = np.flatnonzero(np.diff(marked))
    runs = [
        (max(0, a - 1), min(leaf.ppm.shape[1], b + 1))
        for a, b in zip(turn[::2].tolist(), turn[1::2].tolist(), strict=True)
    ]
    return [(a, b) for a, b in _joined(runs) if b - a >= SHORTEST]


def _over_three(values: Matrix) -> Matrix:
    padded = np.pad(values, 1)
    out: Matrix = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    return out


def _joined(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs that touch or overlap after widening, as one."""
    out: list[tuple[int, int]] = []
    for a, b in runs:
        if out and a <= out[-1][1] - 2:
            out[-1] = (out[-1][0], b)
        else:
            out.append((a, b))
    return out


def _start(cut: tuple[int, int, int], offset: int, strand: str) -> int:
    """Where column 0 of the cluster's representative lies in the window."""
    _, a, b = cut
    return a - offset if strand == "+" else b - 1 + offset


def _word(
    leaves: Sequence[Leaf],
    cut: list[tuple[int, int, int]],
    members: list[int],
    zero: list[int],
    strands: NDArray[np.str_],
    label: int,
) -> Word:
    """The average over blocks, read from the whole leaves so that flanks are not lost."""
    reach = []
    for m, z in zip(members, zero, strict=True):
        _, a, b = cut[m]
        reach.append((a - z, b - z) if strands[m] == "+" else (z - b + 1, z - a + 1))
    weight = np.array([leaves[cut[m][0]].n for m in members], dtype=np.float64)
    low, high = min(r[0] for r in reach), max(r[1] for r in reach)
    cover = np.zeros(high - low)
    total = np.zeros((4, high - low))
    for m, w, (lo, hi) in zip(members, weight, reach, strict=True):
        i, a, b = cut[m]
        piece = leaves[i].ppm[:, a:b]
        piece = piece if strands[m] == "+" else piece[::-1, ::-1]
        total[:, lo - low : hi - low] += w * piece
        cover[lo - low : hi - low] += w
    first, last = _reached(cover, weight.sum() / 2)
    ppm = total[:, first:last] / cover[first:last]
    low_flank, high_flank = _reached(cover, weight.sum() / 4)
    flanked = total[:, low_flank:high_flank] / cover[low_flank:high_flank]
    blocks = []
    for m, z in zip(members, zero, strict=True):
        strand = str(strands[m])
        start = z + low + first if strand == "+" else z - low - last + 1
        blocks.append(Block(cut[m][0], label, start, strand))
    blocks.sort(key=lambda b: (b.leaf, b.start))
    n = sum(leaves[i].n for i in {b.leaf for b in blocks})
    return Word(ppm, flanked, tuple(sorted({b.start for b in blocks})), n, tuple(blocks))


def _reached(cover: Matrix, least: float) -> tuple[int, int]:
    """First and last + 1 column that blocks of at least this weight reach."""
    kept = np.flatnonzero(cover >= least)
    return int(kept[0]), int(kept[-1]) + 1


def _absorbed(found: list[Word], leaves: Sequence[Leaf]) -> list[Word]:
    """Words that are pieces of a wider one, as more blocks of that one.

    Blocks are cut where a leaf's information ends, so that the same motif comes in pieces.
    """
    kept: list[Word] = []
    for word in found:
        for i, whole in enumerate(kept):
            column, similarity, strand = _inside(word.ppm, whole.ppm)
            if similarity >= PIECE:
                kept[i] = _grown(whole, word, column, strand, leaves)
                break
        else:
            kept.append(word)
    return sorted(kept, key=lambda word: -word.n)


def _inside(piece: Matrix, whole: Matrix) -> tuple[int, float, str]:
    """Column of the whole at which a piece lies best, its correlation there, its strand."""
    best = (0, -1.0, "+")
    k = piece.shape[1]
    if k > whole.shape[1]:
        return best
    parts = sliding_window_view(whole - 0.25, k, axis=1)  # (4, columns, k)
    size = np.sqrt((parts**2).sum((0, 2)) * ((piece - 0.25) ** 2).sum())
    for strand, p in (("+", piece), ("-", piece[::-1, ::-1])):
        product = np.einsum("ack,ak->c", parts, p - 0.25)
        value = np.where(size > 0, product / np.where(size > 0, size, 1), 0.0)
        column = int((value > value.max() - 1e-12).argmax())  # the first of equals
        if value[column] > best[1] + 1e-12:
            best = (column, float(value[column]), strand)
    return best


def _grown(whole: Word, piece: Word, column: int, turned: str, leaves: Sequence[Leaf]) -> Word:
    """A word with the blocks of one of its pieces, at the places where it starts itself."""
    width, k = whole.ppm.shape[1], piece.ppm.shape[1]
    taken = {(b.leaf, b.start) for b in whole.blocks}
    blocks = list(whole.blocks)
    for b in piece.blocks:
        strand = "+" if b.strand == turned else "-"
        before = column if strand == "+" else width - column - k
        if (b.leaf, b.start - before) not in taken:
            blocks.append(Block(b.leaf, 0, b.start - before, strand))
    blocks.sort(key=lambda b: (b.leaf, b.start))
    n = sum(leaves[i].n for i in {b.leaf for b in blocks})
    return Word(
        whole.ppm, whole.flanked, tuple(sorted({b.start for b in blocks})), n, tuple(blocks)
    )


def _renumbered(word: Word, number: int) -> Word:
    blocks = tuple(Block(b.leaf, number, b.start, b.strand) for b in word.blocks)
    return replace(word, blocks=blocks)


def _information(ppm: Matrix) -> Matrix:
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = np.where(ppm > 0, ppm * np.log2(ppm * 4), 0.0)
    out: Matrix = bits.sum(0)
    return out
