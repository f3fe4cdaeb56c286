"""How many distinct shuffles a sequence has, exactly."""

from __future__ import annotations

import re
from collections import Counter
from math import factorial, prod

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.seq.alphabet import from_codes, to_codes

Weights = dict[str, Counter[str]]  # multiplicity of the edges out of every vertex


def count_shuffles(sequence: str, k: int = 2) -> int:
    r"""Exact number of distinct sequences that `shuffle` draws from, the original among them.

    For a run of known bases, a trail from s to e, it is (BEST theorem)

    .. math:: t_e \, d_e! \prod_{u \ne e} (d_u - 1)! \; / \prod_{uv} m_{uv}!

    with d the exits of a (k-1)-let, m the count of a k-let and t the number of trees of last
    exits, a determinant in whole numbers. Runs between N multiply. For k = 1 it is the
    multinomial of the base counts.

    Parameters
    ----------
    sequence
        Letters; lower case and IUPAC codes are read as `to_codes` reads them.
    k
        Length of the words whose counts are kept.

    Returns
    -------
    int
        At least 1; it has hundreds of digits for sequences of 1 kb (``math.log10`` takes it).

    Raises
    ------
    InputError
        When k is no positive integer or a letter is no nucleotide.

    References
    ----------
    van Aardenne-Ehrenfest, de Bruijn, Simon Stevin 28, 1951; Bareiss, Math. Comp. 22, 1968
    (the determinant).

    Examples
    --------
    >>> count_shuffles("ACACGTGTACA")
    3
    >>> count_shuffles("ACTGACTGACTG")  # a repeat cannot be shuffled
    1
    >>> count_shuffles("AACGT", k=1)
    60
    """
    check_positive(k, name="k")
    if not isinstance(sequence, str):
        msg = f"sequence must be one string; got {type(sequence).__name__}."
        raise InputError(msg)
    runs = re.findall("[ACGT]+", from_codes(to_codes([sequence]))[0])
    return prod(_count_run(run, k) for run in runs)


def _count_run(run: str, k: int) -> int:
    if k == 1:
        return factorial(len(run)) // prod(map(factorial, Counter(run).values()))
    if len(run) <= k:
        return 1
    exits: Weights = {}
    for i in range(len(run) - k + 1):
        exits.setdefault(run[i : i + k - 1], Counter())[run[i + 1 : i + k]] += 1
    end = run[len(run) - k + 1 :]
    orders = prod(factorial(out.total() - (vertex != end)) for vertex, out in exits.items())
    alike = prod(factorial(m) for out in exits.values() for m in out.values())
    return count_trees(exits, end) * orders // alike


def count_trees(exits: Weights, root: str) -> int:
    """Trees towards the root, edges counted with their multiplicity."""
    out = {u: Counter({v: m for v, m in vs.items() if v != u}) for u, vs in exits.items()}
    out.pop(root, None)
    factor = 1
    # A vertex with one way out has no choice: it multiplies and merges with its target.
    # Long words leave few others, which keeps the determinant small.
    into: dict[str, set[str]] = {}
    for u, vs in out.items():
        for v in vs:
            into.setdefault(v, set()).add(u)
    forced = [u for u, vs in out.items() if len(vs) == 1]
    while forced:
        u = forced.pop()
        ((target, m),) = out.pop(u).items()
        factor *= m
        for w in into.pop(u, set()):
            moved = out[w].pop(u)
            if w != target:  # an edge back to itself is in no tree
                out[w][target] += moved
                into.setdefault(target, set()).add(w)
            if len(out[w]) == 1 and w not in forced:
                forced.append(w)
        into[target].discard(u)
    index = {u: i for i, u in enumerate(out)}
    laplacian = [[0] * len(out) for _ in out]
    for u, i in index.items():
        laplacian[i][i] = out[u].total()
        for v, m in out[u].items():
            if v in index:
                laplacian[i][index[v]] = -m
    return factor * _determinant(laplacian)


def _determinant(rows: list[list[int]]) -> int:
    """Fraction-free elimination (Bareiss); the diagonal of a Laplacian needs no pivoting."""
    n, previous = len(rows), 1
    for i in range(n - 1):
        top = rows[i]
        for j in range(i + 1, n):
            row, lead = rows[j], rows[j][i]
            for m in range(i + 1, n):
                row[m] = (row[m] * top[i] - lead * top[m]) // previous
        previous = top[i]
    return rows[-1][-1] if n else 1
