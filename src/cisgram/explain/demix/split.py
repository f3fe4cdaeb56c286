"""Take a neuron's sample apart, level by level from deep to shallow."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.explain.demix.levels import Level
from cisgram.explain.demix.means import means, nearest
from cisgram.explain.demix.reader import Codes, Floats, Reader
from cisgram.explain.demix.sample import Sample

Rows = NDArray[np.int64]
VARIANTS = ("rectified", "published")

LEAST = 50  # nodes with fewer sequences are leaves
ENOUGH = 100  # sequences of a leaf on average, for two parts to be asked
HALVES = 2  # a split is judged on the half that did not make it


@dataclass(slots=True, eq=False)
class Node:
    """Some of a neuron's sequences, and how they were split further.

    Attributes
    ----------
    rows
        Rows of the sample.
    level
        Number of the level (0 is the deepest) by whose map it was split; None for a leaf.
    gain
        Bits a sequence by which the split describes held-out sequences better than a permuted
        split of the same sizes; NaN where it was not asked.
    children
        What it was split into.
    """

    rows: Rows
    level: int | None = None
    gain: float = math.nan
    children: list[Node] = field(default_factory=list)

    def leaves(self) -> Iterator[Node]:
        """The leaves below, from left to right."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


def split(
    sample: Sample,
    levels: Sequence[Level],
    maps: Sequence[Floats],
    *,
    by: str = "rectified",
    parts: int = 1,
    seed: int = 0,
) -> Node:
    """The demixing tree of a neuron's sample.

    At each level, from the deepest up, every node is split by weighted k-means on the map that
    enters the level, into at most ``choices ** parts`` children.

    Parameters
    ----------
    sample
        Windows that activate the neuron, weighted by its value.
    levels
        What makes it choice- or shift-invariant, deepest first.
    maps
        (n, d) of each level, from `maps_of`.
    by
        ``rectified``: a split stands only when it describes held-out sequences better than a
        permuted one; ``published``: always split, as NeuronMotif does.
    parts
        Number of parts of the motif that shift on their own (NeuronMotif's m).
    seed
        Of k-means and of the halves.
    """
    root = Node(np.arange(len(sample.value)))
    nodes = [root]
    for number, (level, m) in enumerate(zip(levels, maps, strict=True)):
        k = level.choices**parts
        asked = [n for n in nodes if len(n.rows) >= max(k, LEAST)]
        for at, node in enumerate(asked):
            rng = generator(seed, f"level {number} node {at}")
            label: Rows | None
            if by == "published":
                label, gain = _published(m[node.rows], sample, node.rows, k, seed), math.nan
            else:
                label, gain = _clusters(m[node.rows], sample, node.rows, k, rng)
            if label is None:
                continue
            node.level, node.gain = number, gain
            node.children = [Node(node.rows[label == c]) for c in np.unique(label)]
        nodes = list(root.leaves())
    return root


ASKED = 20_000  # sequences on which the number of parts is chosen


def parts_of(sample: Sample, levels: Sequence[Level], deepest: Floats, *, seed: int = 0) -> int:
    """How many parts of the motif shift on their own: 1 or 2.

    A second part squares the choices of every level. It is believed when, at the deepest level,
    it brings at least half as many bits a held-out sequence as the first did, and asked only
    where all the leaves that it makes possible would have 100 sequences on average.

    Parameters
    ----------
    sample, levels
        As in `split`.
    deepest
        (n, d) rectified maps of the first level.
    seed
        Of the sequences asked and of k-means.
    """
    rng = generator(seed, "parts")
    rows = np.sort(rng.permutation(len(sample.value))[:ASKED])
    leaves = math.prod(level.choices for level in levels) ** 2
    for level in levels[:1]:
        if len(sample.value) < ENOUGH * leaves or len(rows) < LEAST * level.choices**2:
            break
        maps = deepest[rows]
        _, one = _clusters(maps, sample, rows, level.choices, rng)
        _, two = _clusters(maps, sample, rows, level.choices**2, rng)
        if one > 0 and two - one >= one / 2:
            return 2
    return 1


def maps_of(
    sample: Sample, levels: Sequence[Level], read: Reader, *, by: str = "rectified", seed: int = 0
) -> list[Floats]:
    """(n, d) maps of every level, from one pass; d at most 128, by a random projection.

    ``rectified``: after the nonlinearity; ``published``: before it, as NeuronMotif does.
    """
    wanted = [level.raw if by == "published" else level.entering for level in levels]
    return read.maps(sample.codes, wanted, seed=seed) if wanted else []


def _clusters(
    maps: Floats, sample: Sample, rows: Rows, k: int, rng: np.random.Generator
) -> tuple[Rows | None, float]:
    """Labels (n,) of the sequences of a node, and the gain; None where they stay together."""
    weight = sample.value[rows] - sample.threshold
    codes = sample.codes[rows]
    half = rng.permutation(len(rows)) % HALVES == 0
    centers = means(maps[half], weight[half], k, rng)
    label = nearest(maps, centers)
    gain = _gain(codes, label, half, k) - _gain(codes, rng.permutation(label), half, k)
    if gain <= 0:
        return None, gain
    return nearest(maps, means(maps, weight, k, rng, start=centers)), gain


def _published(maps: Floats, sample: Sample, rows: Rows, k: int, seed: int) -> Rows:
    """Labels as NeuronMotif has them: mini-batches of 100, best of three starts, fixed seed."""
    from sklearn.cluster import MiniBatchKMeans

    weight = sample.value[rows] - sample.threshold
    with _few_distinct_maps():
        model = MiniBatchKMeans(k, batch_size=100, n_init=3, random_state=seed)
        labels: Rows = model.fit(maps, sample_weight=weight).labels_.astype(np.int64)
    return labels


@contextmanager
def _few_distinct_maps() -> Iterator[None]:
    """Where a node has fewer distinct maps than clusters, some clusters stay empty."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _gain(codes: Codes, label: Rows, half: NDArray[np.bool_], k: int) -> float:
    """Bits a sequence by which one profile a cluster beats one profile, on the other half."""
    width = codes.shape[1]
    place = codes.astype(np.int64) + 4 * np.arange(width)
    counts = np.zeros((k, 4 * width))
    for c in range(k):
        counts[c] = np.bincount(place[half & (label == c)].ravel(), minlength=4 * width)
    own = _bits(counts + 0.25)
    single = _bits(counts.sum(0, keepdims=True) + 0.25)
    rest = ~half
    ours = own[label[rest, None], place[rest]].sum(1)
    theirs = single[0, place[rest]].sum(1)
    return float((ours - theirs).mean())


def _bits(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    c = counts.reshape(len(counts), -1, 4)
    out: NDArray[np.float64] = np.log2(c / c.sum(2, keepdims=True)).reshape(len(counts), -1)
    return out
