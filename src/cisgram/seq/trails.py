"""Uniform random Eulerian trails, many at once: what a k-let shuffle is made of.

A sequence is a trail: its (k-1)-lets are vertices, its k-lets are edges. Sequences with the
same k-lets and the same ends are the trails over the same edges. A uniform one is drawn by

1. a random tree of *last exits*: for each vertex but the final one, the edge by which the
   trail leaves it for good, with probability proportional to the product of the
   multiplicities;
2. a uniform permutation of the other exits of every vertex;
3. a walk that uses the exits of each vertex in that order.

Runs (r rows) are padded on the right to one width; `Runs.which` says which run each of the
s shuffles belongs to.

References
----------
van Aardenne-Ehrenfest, de Bruijn 1951 (the BEST theorem: step 1 and 2 give each trail once);
Kandel, Matias, Unger, Winkler, Shuffling biological sequences, Discrete Applied Mathematics
71, 1996 (step 1 by a backward walk). Altschul and Erickson 1985 draw step 1 by trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cisgram.seq.streams import U64, child, doubles, words

Codes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Words = NDArray[np.unsignedinteger]

FEW = 40  # up to so many shuffles are walked one after the other
NARROW = 8192  # longest run whose exits are sorted by 32-bit keys
_TREE, _EXITS, _AGAIN = 1, 2, 3  # purposes of the streams


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of known bases to shuffle, and the shuffles asked for.

    Attributes
    ----------
    codes
        (r, width) codes 0-3, each row padded on the right.
    lengths
        (r,) true lengths, at least k.
    which
        (s,) row of each shuffle.
    streams
        (s,) random stream of each shuffle.
    """

    codes: Codes
    lengths: Ints
    which: Ints
    streams: U64


def shuffled(runs: Runs, k: int) -> Codes:
    """(s, width) codes: uniform over the sequences with the same k-lets and ends."""
    if k == 1:
        nowhere = np.zeros(runs.codes.shape, dtype=np.int64)
        return _exits(runs, nowhere, runs.codes, bits=0, last=None).astype(np.uint8)
    width = runs.codes.shape[1]
    vertices = _vertices(runs.codes, k)  # (r, width - k + 2)
    inside = np.arange(width - k + 1) < (runs.lengths - k + 1)[:, None]
    out_degree = _degrees(vertices[:, :-1], inside, 4 ** (k - 1))
    is_small = k == 2 and width <= NARROW
    last = (
        _last_exits_of_four(runs, inside)
        if is_small
        else _last_exits(runs, vertices, inside, out_degree)
    )
    targets = _exits(runs, vertices[:, :-1], runs.codes[:, k - 1 :], bits=2 * (k - 1), last=last)
    first = np.cumsum(out_degree, axis=1) - out_degree  # first exit of every vertex
    if is_small and len(targets) <= FEW:
        return _walk_of_few(targets, first[runs.which], runs.codes[runs.which, 0])
    if is_small:
        return _walk_of_four(targets, first[runs.which], runs.codes[runs.which, 0])
    return _walk(targets, first[runs.which], runs.codes[runs.which, : k - 1])


def _vertices(codes: Codes, k: int) -> Ints:
    """(r, width - k + 2) numbers of the (k-1)-lets, first letter most significant."""
    n = codes.shape[1] - k + 2
    number = np.zeros((len(codes), n), dtype=np.int64)
    for i in range(k - 1):
        number = number * 4 + codes[:, i : i + n]
    return number


def _degrees(ends: Ints, inside: NDArray[np.bool_], size: int) -> Ints:
    """(r, size) how many of the marked edges of each run have that vertex at this end."""
    n = len(ends)
    flat = (ends + np.arange(n)[:, None] * size)[inside]
    return np.bincount(flat, minlength=n * size).reshape(n, size)


# ---- 1. last exits ------------------------------------------------------------------------


def _trees_of_four() -> Ints:
    """(4, 16, 4) for each root the 16 trees on four vertices, as the parent of each vertex."""
    trees: list[list[list[int]]] = []
    for root in range(4):
        found = []
        for parent in product(range(4), repeat=4):
            if parent[root] != root:
                continue
            at = list(range(4))
            for _ in range(3):
                at = [parent[v] for v in at]
            if all(v == root for v in at):
                found.append(list(parent))
        trees.append(found)
    return np.array(trees)


_TREES = _trees_of_four()


def _last_exits_of_four(runs: Runs, inside: NDArray[np.bool_]) -> Ints:
    """(s, 4) position of the last exit of every base, -1 where it has none: all trees weighed."""
    r, letters = len(runs.codes), np.arange(4)
    row = np.broadcast_to(np.arange(r)[:, None], inside.shape)[inside]
    kind = row * 16 + (runs.codes[:, :-1] * np.uint8(4) + runs.codes[:, 1:])[inside]
    count = np.bincount(kind, minlength=r * 16).reshape(r, 4, 4)
    example = np.full(r * 16, -1, dtype=np.int64)  # one edge of each kind: all are alike
    example[kind] = np.broadcast_to(np.arange(inside.shape[1]), inside.shape)[inside]
    root = runs.codes[np.arange(r), runs.lengths - 1].astype(np.int64)
    weight = count.astype(np.float64)
    is_absent = count.sum(2) == 0
    weight[is_absent] = (letters == root[:, None])[:, None, :].repeat(4, 1)[is_absent]
    weight[np.arange(r), root, root] = 1.0
    trees = _TREES[root]  # (r, 16, 4)
    total = weight[np.arange(r)[:, None, None], letters, trees].prod(2).cumsum(1)  # (r, 16)
    u = doubles(child(runs.streams, _TREE), 0) * total[runs.which, -1]
    u = np.minimum(u, np.nextafter(total[runs.which, -1], 0))  # never past the last tree
    chosen = (u[:, None] >= total[runs.which]).sum(1)
    parent = trees[runs.which, chosen]  # (s, 4)
    last: Ints = example.reshape(r, 4, 4)[runs.which[:, None], letters, parent]
    last[letters == root[runs.which, None]] = -1
    return last


def _last_exits(runs: Runs, vertices: Ints, inside: NDArray[np.bool_], out_degree: Ints) -> Ints:
    """(s, vertices) position of every vertex's last exit, -1 where it has none.

    Walk backwards from the final vertex, a uniform entry at a time, over the edges and one
    more edge from the final to the first vertex; the edge by which a vertex is first reached
    is its last exit (Kandel et al. 1996).
    """
    s, r, size = len(runs.which), len(runs.codes), out_degree.shape[1]
    n_edges = runs.lengths - (runs.codes.shape[1] - inside.shape[1])
    final, start = vertices[np.arange(r), n_edges], vertices[:, 0]
    # an edge from a vertex to itself reaches nothing new: without them long poly-A is no trap
    moves = inside & (vertices[:, 1:] != vertices[:, :-1])
    entered = np.where(moves, vertices[:, 1:], size)
    entries = np.argsort(entered, axis=1, kind="stable")  # edges by the vertex they enter
    in_degree = _degrees(vertices[:, 1:], moves, size)
    is_open = start != final  # whether the edge from the final to the first vertex leads away
    first = np.cumsum(in_degree, axis=1) - in_degree
    streams = child(runs.streams, _TREE)

    last = np.full((s, size), -1, dtype=np.int64)
    seen = np.zeros((s, size), dtype=bool)
    active, run, at = np.arange(s), runs.which, final[runs.which]
    seen[active, at] = True
    is_vertex = out_degree > 0
    is_vertex[np.arange(r), final] = True
    left = is_vertex.sum(1)[run] - 1
    step = 0
    while len(active := active[left[active] > 0]):
        run, here = runs.which[active], at[active]
        degree = in_degree[run, here]
        draw = doubles(streams[active], step) * (degree + (is_open[run] & (here == start[run])))
        entry = draw.astype(np.int64)
        edge = entries[run, np.minimum(first[run, here] + entry, entries.shape[1] - 1)]
        source = np.where(entry < degree, vertices[run, edge], final[run])
        is_new = ~seen[active, source]
        fresh, reached = active[is_new], source[is_new]
        last[fresh, reached] = edge[is_new]
        seen[fresh, reached] = True
        left[fresh] -= 1
        at[active] = source
        step += 1
    return last


# ---- 2. the other exits -------------------------------------------------------------------


def _exits(runs: Runs, source: Ints, target: Codes, *, bits: int, last: Ints | None) -> Ints:
    """(s, edges) letters of the exits: grouped by source, in random order, last exits last.

    One sort a shuffle: a key holds the source in its highest bits, then random bits, then the
    letter. Short runs take 32-bit keys, which sort 2.5 times as fast; a row in which two edges
    of one source drew the same key is drawn again with 64-bit keys, so that equal keys never
    favor a letter.
    """
    if bits > 2 or runs.codes.shape[1] > NARROW:
        return (_keys(runs, source, target, bits=bits, last=last, word=64) & np.uint64(3)).view(
            np.int64
        )
    keys = _keys(runs, source, target, bits=bits, last=last, word=32)
    is_tie = (keys[:, 1:] ^ keys[:, :-1]) < 4
    n_edges = runs.lengths - (runs.codes.shape[1] - target.shape[1])
    if int(n_edges.min()) < target.shape[1]:
        is_tie &= np.arange(1, target.shape[1]) < n_edges[runs.which, None]
    tied = np.flatnonzero(is_tie.any(1))
    letters = (keys & np.uint32(3)).astype(np.int64)
    if len(tied):
        again = Runs(runs.codes, runs.lengths, runs.which[tied], child(runs.streams[tied], _AGAIN))
        own = None if last is None else last[tied]
        wide = _keys(again, source, target, bits=bits, last=own, word=64)
        letters[tied] = (wide & np.uint64(3)).view(np.int64)
    return letters


def _keys(
    runs: Runs, source: Ints, target: Codes, *, bits: int, last: Ints | None, word: int
) -> Words:
    """(s, edges) sorted keys: source, random bits, letter; padding sorts last."""
    dtype: type[np.unsignedinteger] = np.uint32 if word == 32 else np.uint64
    n_edges = target.shape[1]
    edge: Words = target.astype(dtype)
    if bits:
        edge |= source.astype(dtype) << (word - bits)
    n_words = -(-n_edges * word // 64)
    random = words(child(runs.streams, _EXITS), n_words).view(dtype)[:, :n_edges]
    between = dtype(2 ** (word - bits) - 4)  # the bits between source and letter
    keys: Words = np.bitwise_and(random, between)
    keys |= edge[runs.which]
    if last is not None:
        row, vertex = np.nonzero(last >= 0)
        keys[row, last[row, vertex]] |= between
    own = runs.lengths - (runs.codes.shape[1] - n_edges)
    if int(own.min()) < n_edges:
        keys[np.arange(n_edges) >= own[runs.which, None]] = dtype(2**word - 1)
    keys.sort(axis=1)
    return keys


# ---- 3. the walk --------------------------------------------------------------------------


def _walk_of_few(targets: Ints, first: Ints, start: Codes) -> Codes:
    """(s, edges + 1) codes: what `_walk_of_four` gives, one shuffle after the other.

    A step of plain Python is a tenth of a step of numpy calls, which pay only for many rows.
    """
    s, n_edges = targets.shape
    out = np.zeros((s, n_edges + 1), dtype=np.uint8)
    for i in range(s):
        bounds = [*first[i].tolist(), n_edges]
        row = targets[i].tolist()
        exits = [row[bounds[b] : bounds[b + 1]][::-1] for b in range(4)]
        at = int(start[i])
        letters = [at]
        try:
            for _ in range(n_edges):
                at = exits[at].pop()
                letters.append(at)
        except IndexError:
            pass  # a row shorter than the width has walked all of its edges
        out[i, : len(letters)] = letters
    return out


def _walk_of_four(targets: Ints, first: Ints, start: Codes) -> Codes:
    """(s, edges + 1) codes: one step of all shuffles at a time.

    The next exit of each of the four bases is a 16-bit field of one word, so that a step is
    shifts and sums and a single gather.
    """
    s, n_edges = targets.shape
    targets <<= 4  # a letter as the shift to its field
    table, row = targets.ravel(), np.arange(s) * n_edges
    fields = (first << np.array([0, 16, 32, 48])).sum(1)
    at = start.astype(np.int64) << 4
    where = np.empty(s, dtype=np.int64)
    out = np.empty((n_edges + 1, s), dtype=np.uint8)
    out[0] = at
    for i in range(1, n_edges + 1):
        np.right_shift(fields, at, out=where)
        np.bitwise_and(where, 0xFFFF, out=where)
        np.add(where, row, out=where)
        np.left_shift(1, at, out=at)
        np.add(fields, at, out=fields)
        # clip: rows shorter than the width walk on into their padding, which nobody reads
        table.take(where, out=at, mode="clip")
        out[i] = at
    codes = np.ascontiguousarray(out.T)
    codes >>= 4
    return codes


def _walk(targets: Ints, first: Ints, start: Codes) -> Codes:
    """(s, edges + k - 1) codes, for any k: the next exits lie in a table (s, vertices)."""
    (s, n_edges), size, lead = targets.shape, first.shape[1], start.shape[1]
    table, row = targets.ravel(), np.arange(s) * n_edges
    following, own = (first + row[:, None]).ravel(), np.arange(s) * size
    at = np.zeros(s, dtype=np.int64)
    for i in range(lead):
        at = at * 4 + start[:, i]
    out = np.empty((n_edges + lead, s), dtype=np.uint8)
    out[:lead] = start.T
    for i in range(lead, n_edges + lead):
        vertex = own + at
        where = following[vertex]
        following[vertex] = where + 1
        letter = table.take(where, mode="clip")  # clip: see _walk_of_four
        out[i] = letter
        at = (at * 4 + letter) & (size - 1)
    return np.ascontiguousarray(out.T)
