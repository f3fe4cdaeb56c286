"""Sites in given sequences, and copies in which they are gone, kept, or exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.explain.overwrite import likeness, sites_of
from cisgram.motifs.motif import Motif
from cisgram.seq.alphabet import N

if TYPE_CHECKING:
    import pandas as pd

Codes: TypeAlias = NDArray[np.uint8]
Site: TypeAlias = tuple[int, int, str]  # start, end, strand
Sites: TypeAlias = "Motif | tuple[int, int] | pd.DataFrame"
_COLUMNS = ("sequence", "start", "end")
_TRIES = 100


@dataclass(frozen=True, eq=False)
class Found:
    """Sites of one kind in each sequence.

    Attributes
    ----------
    name
        Of the motif; ``site`` for windows without one.
    sites
        For each sequence its sites, by start.
    motif
        What new letters must not match, if known.
    """

    name: str
    sites: tuple[tuple[Site, ...], ...]
    motif: Motif | None = None

    def kept(self, rows: NDArray[np.int64]) -> Found:
        """The same for some of the sequences."""
        return Found(self.name, tuple(self.sites[i] for i in rows), self.motif)


def find(codes: Codes, sites: Sites, *, p: float = 1e-3, name: str = "site") -> Found:
    """Sites of a motif, one window for all sequences, or those of a table.

    Parameters
    ----------
    codes
        (n, length) sequences.
    sites
        A motif, which is scanned for on both strands; ``(start, end)``; or a table with
        ``sequence`` (row), ``start``, ``end`` and perhaps ``strand``, as `motifs.scan`,
        `explain.hits` and `explain.motif_mutation` give.
    p
        Largest p-value of a site of a motif.
    name
        For windows that have no motif.

    Raises
    ------
    InputError
        When a window does not lie inside its sequence or the table lacks a column.
    """
    if isinstance(sites, Motif):
        name, table = sites.name, sites_of(codes, sites, p)
    elif isinstance(sites, tuple):
        return Found(name, ((_window(sites, codes.shape[1]),),) * len(codes))
    else:
        table = sites
        missing = [c for c in _COLUMNS if c not in getattr(table, "columns", ())]
        if missing:
            msg = (
                "sites must be a Motif, a window (start, end), or a table with the columns "
                f"sequence, start, end; got {type(sites).__name__} without {', '.join(missing)}."
            )
            raise InputError(msg)
    found: list[list[Site]] = [[] for _ in codes]
    strands = table["strand"] if "strand" in table.columns else ["+"] * len(table)
    for row, start, end, strand in zip(*(table[c] for c in _COLUMNS), strands, strict=True):
        if not 0 <= row < len(codes):
            msg = f"sites name sequence {row}, but there are {len(codes)}, counted from 0."
            raise InputError(msg)
        site = _window((int(start), int(end)), codes.shape[1], str(strand))
        found[int(row)].append(site)
    motif = sites if isinstance(sites, Motif) else None
    return Found(name, tuple(tuple(sorted(f)) for f in found), motif)


def having(codes: Codes, kinds: Sequence[Found]) -> tuple[NDArray[np.int64], list[Found]]:
    """Rows of the sequences that have every kind of site, and the sites of these.

    Sequences in which sites of two kinds lie over each other are left out: what is done to one
    would be done to the other.

    Raises
    ------
    InputError
        When fewer than two remain.
    """
    rows = np.array([i for i in range(len(codes)) if _has_all(kinds, i)], dtype=np.int64)
    if len(rows) < 2:
        names = " and ".join(kind.name for kind in kinds)
        msg = (
            f"{len(rows)} of {len(codes)} sequences have sites of {names} that do not lie over "
            "each other; the experiment needs at least two. Raise p, the largest p-value of a "
            "site, or give other sequences."
        )
        raise InputError(msg)
    return rows, [kind.kept(rows) for kind in kinds]


def without(codes: Codes, kinds: Sequence[Found], *, draws: int, seed: int) -> Codes:
    """(n, draws, length) copies with new letters in all sites of these kinds.

    The letters are drawn from the composition of the sequence, for a motif until they are half as
    much like it as what stood there. A copy that lacks two kinds has, in each, the letters of the
    copies that lack one.
    """
    out = np.repeat(codes[:, None], draws, axis=1)
    for kind in kinds:
        for i, sites in enumerate(kind.sites):
            for r in range(draws):
                rng = _random(codes[i], kind.name, r, seed)
                _redraw(out[i, r], codes[i], sites, rng, kind.motif)
    return out


def elsewhere(codes: Codes, kind: Found, *, taken: Sequence[Found], seed: int) -> Found:
    """As many windows of the same widths, at random places off all sites: a control.

    Where the sites leave no such place, those that touch them least are taken.
    """
    found = []
    for i, sites in enumerate(kind.sites):
        rng = _random(codes[i], f"elsewhere {kind.name}", 0, seed)
        is_taken = np.zeros(codes.shape[1], dtype=np.int64)
        for other in taken:
            for start, end, _ in other.sites[i]:
                is_taken[start:end] = 1
        own: list[Site] = []
        for start, end, strand in sites:
            under = np.convolve(is_taken, np.ones(end - start, dtype=np.int64), mode="valid")
            at = int(rng.choice(np.flatnonzero(under == under.min())))
            is_taken[at : at + end - start] = 1
            own.append((at, at + end - start, strand))
        found.append(tuple(sorted(own)))
    return Found(f"control {kind.name}", tuple(found))


def restored(copies: Codes, codes: Codes, kind: Found) -> Codes:
    """(n, draws, length) copies with the sequences' own letters put back into the sites."""
    out = copies.copy()
    for i, sites in enumerate(kind.sites):
        for start, end, _ in sites:
            out[i, :, start:end] = codes[i, start:end]
    return out


def _has_all(kinds: Sequence[Found], i: int) -> bool:
    covered = [{at for s in kind.sites[i] for at in range(s[0], s[1])} for kind in kinds]
    return all(covered) and len(set().union(*covered)) == sum(map(len, covered))


def _redraw(
    row: Codes, was: Codes, sites: Sequence[Site], rng: np.random.Generator, motif: Motif | None
) -> None:
    known = was[was < N]
    share = np.bincount(known, minlength=4) / max(len(known), 1)
    bounds = share.cumsum()[:3]
    for start, end, _ in sites:
        there = was[start:end]
        fits = motif is not None and motif.width == end - start
        most = 0.5 * max(likeness(motif, there), 0.0) if motif is not None and fits else np.inf
        best, least = there, np.inf
        for _ in range(_TRIES):
            word = (rng.random(end - start)[:, None] >= bounds).sum(1).astype(np.uint8)
            alike = likeness(motif, word) if motif is not None and fits else 0.0
            if alike < least:
                best, least = word, alike
            if alike <= most:
                break
        row[start:end] = np.where(there < N, best, there)


def _random(row: Codes, purpose: str, draw: int, seed: int) -> np.random.Generator:
    """By the sequence's own letters: neither its place nor its company changes what is drawn."""
    return generator(seed, "sites", purpose, row.tobytes().hex(), draw)


def _window(window: tuple[int, int], length: int, strand: str = "+") -> Site:
    whole = len(window) == 2 and all(isinstance(v, int | np.integer) for v in window)
    if not whole or not 0 <= window[0] < window[1] <= length:
        msg = (
            f"A site must be a window (start, end) inside the sequences, 0 to {length}, of at "
            f"least one base; got {window!r}."
        )
        raise InputError(msg)
    return int(window[0]), int(window[1]), strand
