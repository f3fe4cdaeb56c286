"""How a neuron's motifs stand together: order, gaps, strands, and what the neuron says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram.core.grammar_tree import Either, GrammarTree, Join, Site
from cisgram.explain.demix.asking import Asker, Edge, Profile, effort, ordered
from cisgram.explain.demix.leaves import Block, Leaf, Word
from cisgram.explain.demix.neurons import Layer
from cisgram.explain.demix.reader import Reader, reader

Floats = NDArray[np.float64]

RARE = 0.02  # combinations with a smaller share of the sequences are left out
LONGEST = 6  # motifs of one combination


@dataclass(frozen=True, slots=True, eq=False)
class Combination:
    """Motifs in an order that leaves of the neuron have.

    Attributes
    ----------
    slots
        (motif number, strand) from left to right.
    n
        Sequences of the leaves that hold it or a part of it.
    present
        Which slots are there (``TF`` = the first of two) -> sequences.
    starts
        For each slot, position in the window -> sequences.
    places
        Positions of all slots together, None where a slot is absent -> sequences.
    edges
        Neighboring slots; for a single slot none.
    single
        For a combination of one motif, its profile over the places where it fits, where it was
        asked (`asking.Effort.questions`).
    tree
        The slots joined, the stiffest neighbors first; gaps from end to start in bp.
    """

    slots: tuple[tuple[int, str], ...]
    n: int
    present: Mapping[str, int]
    starts: tuple[Mapping[int, int], ...]
    places: Mapping[tuple[int | None, ...], int]
    edges: tuple[Edge, ...]
    single: Profile | None
    tree: GrammarTree


@dataclass(frozen=True, slots=True, eq=False)
class Syntax:
    """All combinations of a neuron, the most frequent first, and one tree of them."""

    combinations: tuple[Combination, ...]

    @property
    def tree(self) -> GrammarTree | None:
        """The combinations as alternatives; None where the neuron has no motif."""
        trees = tuple(dict.fromkeys(c.tree for c in self.combinations))
        if not trees:
            return None
        return trees[0] if len(trees) == 1 else Either(trees)


def syntax(
    layer: Layer,
    neuron: int,
    leaves: Sequence[Leaf],
    words: Sequence[Word],
    *,
    names: Sequence[str] | None = None,
    output: Callable[[torch.Tensor], torch.Tensor] | None = None,
    backgrounds: int | None = None,
    read: Reader | None = None,
    seed: int = 0,
) -> Syntax:
    """Combinations of a neuron's motifs, each edge asked back.

    Parameters
    ----------
    layer, neuron
        Which neuron.
    leaves, words
        Its leaves and dictionary (`DemixedNeuron.leaves`, ``.motifs``).
    names
        Of the words, for the tree; default ``m1``, ``m2``, ...
    output
        The model's output, (n, 4, length) -> (n,): read beside the neuron with the window in its
        place in random sequences.
    backgrounds
        Random backgrounds for each placement; default 100, and fewer, as of everything that is
        asked, where a neuron is dear (`asking.effort`).
    read
        How to read the neurons; default `reader` of the layer's window.
    seed
        Of the backgrounds.
    """
    lists = _lists(leaves, words)
    total = sum(leaves[i].n for i in lists)
    called = list(names) if names is not None else [f"m{k + 1}" for k in range(len(words))]
    common = [
        (slots, members)
        for slots, members in _combinations(lists, leaves)
        if sum(leaves[i].n for i in members) >= RARE * total
    ]
    how = effort(layer, output, questions=sum(max(len(s) - 1, 1) for s, _ in common))
    if backgrounds is not None:
        how = replace(how, backgrounds=backgrounds, outputs=backgrounds)
    common.sort(key=lambda c: -sum(leaves[i].n for i in c[1]))  # what is asked first
    asker = Asker(layer, neuron, words, called, output, how, seed, read or reader(layer.window))
    found = [_combination(s, members, lists, leaves, asker) for s, members in common]
    found.sort(key=lambda c: -c.n)
    return Syntax(tuple(found))


Slots = tuple[tuple[int, str], ...]


def _lists(leaves: Sequence[Leaf], words: Sequence[Word]) -> dict[int, list[Block]]:
    """For each leaf its blocks from left to right, overlapping pieces of one motif dropped."""
    by_leaf: dict[int, list[Block]] = {}
    for word in words:
        for block in word.blocks:
            by_leaf.setdefault(block.leaf, []).append(block)
    out = {}
    for leaf in range(len(leaves)):
        kept: list[Block] = []
        for block in sorted(by_leaf.get(leaf, ()), key=lambda b: (b.start, b.motif)):
            width = words[block.motif].ppm.shape[1]
            if kept and block.start < kept[-1].start + words[kept[-1].motif].ppm.shape[1] // 2:
                if words[kept[-1].motif].n < words[block.motif].n and width >= SHORT:
                    kept[-1] = block
                continue
            kept.append(block)
        if kept:
            out[leaf] = kept[:LONGEST]
    return out


SHORT = 4


def _combinations(
    lists: Mapping[int, Sequence[Block]], leaves: Sequence[Leaf]
) -> list[tuple[Slots, list[int]]]:
    """Lists of motifs that are part of no longer one, and the leaves that hold them or a part."""
    weight: Counter[Slots] = Counter()
    for leaf, blocks in lists.items():
        weight[tuple((b.motif, b.strand) for b in blocks)] += leaves[leaf].n
    total = sum(weight.values())
    order = sorted(weight, key=lambda s: (-len(s), -weight[s], s))
    founders: list[Slots] = []
    for slots in order:
        common = weight[slots] >= RARE * total
        if common and not any(_part(slots, f) is not None for f in founders):
            founders.append(slots)
    members: dict[Slots, list[int]] = {f: [] for f in founders}
    for leaf, blocks in lists.items():
        slots = tuple((b.motif, b.strand) for b in blocks)
        fits = [f for f in founders if _part(slots, f) is not None]
        if fits:
            members[max(fits, key=lambda f: (weight[f], -len(f)))].append(leaf)
    return [(f, m) for f, m in members.items() if m]


def _part(part: Slots, whole: Slots) -> list[int] | None:
    """Slots of the whole that a list takes in order, the leftmost ones; None where it does not."""
    out, at = [], 0
    for slot in part:
        while at < len(whole) and whole[at] != slot:
            at += 1
        if at == len(whole):
            return None
        out.append(at)
        at += 1
    return out


def _aligned(blocks: Sequence[Block], slots: Slots, mean: Floats) -> list[int]:
    """Slot of each block: in order, same motif and strand, least squared distance to the mean.

    Dynamic programming over (block, slot): take the slot or skip it.
    """
    b, s = len(blocks), len(slots)
    cost = np.full((b + 1, s + 1), np.inf)
    cost[0] = 0
    took = np.zeros((b + 1, s + 1), dtype=bool)
    for i in range(1, b + 1):
        for j in range(1, s + 1):
            block = blocks[i - 1]
            cost[i, j] = cost[i, j - 1]
            if (block.motif, block.strand) == slots[j - 1]:
                distance = 0.0 if np.isnan(mean[j - 1]) else (block.start - mean[j - 1]) ** 2
                if cost[i - 1, j - 1] + distance < cost[i, j]:
                    cost[i, j], took[i, j] = cost[i - 1, j - 1] + distance, True
    out, j = [], s
    for i in range(b, 0, -1):
        while not took[i, j]:
            j -= 1
        out.append(j - 1)
        j -= 1
    return out[::-1]


def _combination(
    slots: Slots,
    members: Sequence[int],
    lists: Mapping[int, Sequence[Block]],
    leaves: Sequence[Leaf],
    asker: Asker,
) -> Combination:
    starts: list[Counter[int]] = [Counter() for _ in slots]
    gaps: list[Counter[int]] = [Counter() for _ in slots[1:]]
    present: Counter[str] = Counter()
    places: Counter[tuple[int | None, ...]] = Counter()
    for leaf in members:
        if len(lists[leaf]) == len(slots):
            for j, block in enumerate(lists[leaf]):
                starts[j][block.start] += leaves[leaf].n
    mean = np.array([_mean(c) for c in starts])
    for leaf in members:
        blocks, n = lists[leaf], leaves[leaf].n
        taken = _aligned(blocks, slots, mean)
        present["".join("FT"[j in taken] for j in range(len(slots)))] += n
        place = dict(zip(taken, blocks, strict=True))
        places[tuple(place[j].start if j in place else None for j in range(len(slots)))] += n
        if len(blocks) < len(slots):
            for j, block in place.items():
                starts[j][block.start] += n
        for j in range(len(slots) - 1):
            if j in place and j + 1 in place:
                gaps[j][place[j + 1].start - place[j].start] += n
    edges = tuple(
        asker.edge(j, slots, gaps[j], (starts[j], starts[j + 1])) for j in range(len(slots) - 1)
    )
    single = asker.single(slots[0], starts[0]) if len(slots) == 1 else None
    n = sum(leaves[i].n for i in members)
    tree = _tree(slots, gaps, asker)
    return Combination(
        slots=slots,
        n=n,
        present=dict(present.most_common()),
        starts=tuple(map(ordered, starts)),
        places=dict(places),
        edges=edges,
        single=single,
        tree=tree,
    )


def _mean(counts: Mapping[int, int]) -> float:
    n = sum(counts.values())
    return sum(k * v for k, v in counts.items()) / n if n else float("nan")


def _range(counts: Mapping[int, int], share: float = 0.025) -> tuple[int, int]:
    """The distances that hold the middle 95 % of the sequences."""
    keys = sorted(counts)
    weight = np.array([counts[k] for k in keys], dtype=np.float64)
    cumulative = np.cumsum(weight) / weight.sum()
    low = keys[int((cumulative < share).sum())]
    high = keys[min(int((cumulative < 1 - share).sum()), len(keys) - 1)]
    return low, high


def _tree(slots: Slots, gaps: Sequence[Mapping[int, int]], asker: Asker) -> GrammarTree:
    """Neighbors joined pairwise, the least spread of distances first, ties by the mean."""
    parts: list[GrammarTree] = [Site(asker.names[m], strand) for m, strand in slots]
    spans = [_range(g) if g else (0, 0) for g in gaps]
    width = [asker.words[m].ppm.shape[1] for m, _ in slots]
    links = [(lo - width[j], hi - width[j]) for j, (lo, hi) in enumerate(spans)]
    while links:
        j = min(range(len(links)), key=lambda i: (links[i][1] - links[i][0], sum(links[i])))
        low, high = links.pop(j)
        parts[j : j + 2] = [Join(parts[j], parts[j + 1], low, high)]
    return parts[0]
