"""Rules of a grammar: looked for in sequences and in a model, confirmed by asking the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.explain.base import Target
from cisgram.grammar import in_data, in_model
from cisgram.grammar.backgrounds import Sequences, codes_given
from cisgram.grammar.found import Distances, Rules
from cisgram.grammar.in_data import Data
from cisgram.grammar.materials import (
    SEEN,
    Labels,
    Materials,
    data_of,
    materials_of,
    motifs_of,
    wanted_of,
)
from cisgram.grammar.paired import adjusted
from cisgram.grammar.rule import PAIRS, SINGLES, Rule
from cisgram.grammar.screen import as_seen, copies_of, rules_of, screen
from cisgram.motifs import Motif

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = NDArray[np.float64]
HINTS = 20  # distances of a pair that data may point at


def rules(
    model: nn.Module | None,
    sequences: Sequences,
    motifs: Iterable[Motif] = (),
    *,
    labels: Labels | None = None,
    hits: pd.DataFrame | None = None,
    both_strands: bool = True,
    target: Target | None = None,
    p: float = 1e-4,
    reach: int | None = None,
    n: int = 100,
    fdr: float = 0.05,
    least: float = 0.15,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
) -> Rules:
    """Rules of synergy, spacing, order, orientation, copies and negation of some motifs.

    Candidates come from the sequences (sites that lie to each other as chance would not have it)
    and from the model (arrangements that give more than the sum of their parts, in backgrounds of
    their own). Each is then put to the model in other backgrounds, by the experiments of this
    room. Every rule that could have been asked counts in the false discovery rate.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). ``None``: the sequences alone are asked.
    sequences
        Of one length: strings, one-hot (n, 4, length) or codes (n, length).
    motifs
        With names of their own; of a family, the first stands for all. May be left out where
        there are hits and no model.
    labels
        (n,) 1 for sequences of interest, 0 for those that they are compared with. Where they are
        not given all are of interest, and avoidance cannot be asked of the data.
    hits
        Sites of the motifs, as `motifs.scan` or `explain.hits` give them; by default a scan.
    both_strands
        Whether the two strands of a sequence say the same. ``False`` for sequences that are read
        in one direction.
    target, drawn, batch_size
        As `ask`.
    p
        Largest p-value of a site, where they are scanned for.
    reach
        Largest distance of a pair that the model is asked about, bp; by default 50, or what fits.
    n
        Backgrounds of a test: dinucleotide shuffles of sequences of interest.
    fdr
        Largest false discovery rate of a rule.
    least
        Smallest effect of a rule, as a share of what the mean output of the sequences of interest
        is above that of the backgrounds, or of the others where that is more.
    seed
        Of shuffles, and of words where they are drawn.

    Returns
    -------
    Rules
        Every rule that the model holds, and every one that the data alone speak for.

    Raises
    ------
    InputError
        When two motifs have one name or do not fit, labels or hits do not fit, or an option is
        out of range.

    References
    ----------
    .. [1] Avsec Z et al. (2021). Base-resolution models of transcription-factor binding reveal
       soft motif syntax. Nat Genet 53:354-366.
    .. [2] Whitington T, Frith MC, Johnson J, Bailey TL (2011). Inferring transcription factor
       complexes from ChIP-seq data. Nucleic Acids Res 39:e98. Distances are counted as there;
       what is expected comes from partners in other sequences, not from a flat distribution.
    """
    _check(fdr=fdr, least=least, n=n, reach=reach)
    codes = codes_given(sequences)
    some = [] if model is None and hits is not None and not motifs else motifs_of(motifs)
    wanted = wanted_of(labels, len(codes))
    data = data_of(codes, wanted, some, hits=hits, p=p, both_strands=both_strands)
    of_data, n_tests = in_the_data(data, fdr)
    widths = {m.name: m.width for m in some}
    facts: dict[str, Any] = {
        "sequences": int(wanted.sum()),
        "compared_with": int((~wanted).sum()),
        "motifs": {m: widths.get(m, 0) for m in data.hits.names},
        "absent": [m for m in widths if m not in (*data.hits.names, *data.hits.same)],
        "same_sites": dict(data.hits.same),
        "palindromes": list(data.hits.palindromes),
        "both_strands": both_strands,
        "tests_in_data": n_tests,
        "fdr": fdr,
    }
    speaking = [r for r in of_data if r.data is not None and r.data.holds]
    if model is None:
        return _found(speaking, facts, data)
    if not data.hits.names:
        return Rules((), facts | {"not_asked": "No motif has more sites than chance gives."})
    by_name = {m.name: m for m in some}
    materials = materials_of(
        model,
        codes,
        wanted,
        [by_name[m] for m in data.hits.names],
        reach=reach,
        n=n,
        least=least,
        target=target,
        drawn=drawn,
        batch_size=batch_size,
        seed=seed,
    )
    asker = materials.tested_on
    facts |= {"scale": asker.scale, "least": least, "reach": asker.reach, "backgrounds": n}
    if materials.not_asked:
        return _found(speaking, facts | {"not_asked": materials.not_asked}, data)
    asked = in_the_model(materials, data, speaking, fdr)
    facts["tests_in_model"] = n_possible(len(data.hits.names)) + len(speaking)
    asked = believable(data, data_at(data, asked, n_tests, fdr))
    return _found(_together(asked, speaking), facts, data)


def _found(rules: Sequence[Rule], facts: Mapping[str, Any], data: Data) -> Rules:
    """The rules, with the distances of the pairs of which a spacing is said."""
    pairs = dict.fromkeys(tuple(sorted(r.motifs)) for r in rules if r.kind == "spacing")
    return Rules(tuple(rules), facts, tuple(_distances(data, a, b) for a, b in pairs))


def _distances(data: Data, first: str, second: str) -> Distances:
    seen, by_chance, _ = data.pair(first, second)
    most = int(max(seen.gap.max(initial=0), by_chance.gap.max(initial=0))) + 1
    expected = len(seen.gap) * np.bincount(by_chance.gap, by_chance.weight, minlength=most)
    counts = np.bincount(seen.gap, minlength=most)
    return Distances(first, second, tuple(counts.tolist()), tuple(expected.round(3).tolist()))


def in_the_data(data: Data, fdr: float) -> tuple[list[Rule], int]:
    """Every rule that the data can be asked about, judged over all of them; and their number."""
    found = list(in_data.searched(data))
    p = np.array([r.data.p if r.data else np.nan for r in found])
    judged = [
        replace(r, data=in_data.judged(r, r.data, float(q), fdr=fdr)) if r.data else r
        for r, q in zip(found, adjusted(p), strict=True)
    ]
    return judged, len(found)


def in_the_model(
    materials: Materials, data: Data, speaking: Sequence[Rule], fdr: float
) -> list[Rule]:
    """Rules that the screen or the data point at, each asked in other backgrounds.

    Parameters
    ----------
    materials
        The model.
    data
        Whose motifs are asked about.
    speaking
        Rules that the data speak for.
    fdr
        Largest false discovery rate.
    """
    first, second, names = materials.chosen_on, materials.tested_on, data.hits.names
    hints = {
        frozenset(r.motifs): range(r.low or 0, min(r.high or 0, (r.low or 0) + HINTS) + 1)
        for r in speaking
        if r.kind == "spacing"
    }
    best = screen(first, names, hints, folded=data.folded)
    of_data = {frozenset(r.motifs) for r in speaking if r.kind in PAIRS}
    threshold = first.least * first.scale
    asked: list[Rule] = []
    for pair, found in best.items():
        if found.strength >= threshold or (pair in of_data and found.strength > 0):
            asked += rules_of(first, found)
    for rule in speaking:
        pair = frozenset(rule.motifs)
        if rule.kind in PAIRS and pair in best:
            asked.append(as_seen(rule, best[pair]))
    for name in names:
        several = copies_of(first, name, best.get(frozenset([name])))
        asked += [] if several is None else [several]
        asked.append(Rule("negation", (name,)))
    with_answers = [replace(r, model=in_model.answer(second, r)) for r in dict.fromkeys(asked)]
    answered = [r for r in with_answers if r.model is not None]
    p = np.ones(n_possible(len(names)) + len(speaking))
    p[: len(answered)] = [r.model.p if r.model else 1.0 for r in answered]
    return [
        replace(r, model=in_model.judged(r.model, float(q), fdr=fdr)) if r.model else r
        for r, q in zip(answered, adjusted(p)[: len(answered)], strict=True)
    ]


def n_possible(n: int) -> int:
    """Rules that could be asked about ``n`` motifs; all count in the false discovery rate.

    Examples
    --------
    >>> n_possible(2)  # a pair has 4, each motif with itself 2, and each alone 2
    12
    """
    return len(PAIRS) * n * (n - 1) // 2 + (len(PAIRS) - 2) * n + len(SINGLES) * n


def data_at(data: Data, asked: Sequence[Rule], n_tests: int, fdr: float) -> list[Rule]:
    """The rules with what the data say of them as they stand, judged over all tests in data."""
    found = [in_data.answer(data, r) for r in asked]
    p = np.ones(max(n_tests, len(asked)))
    p[: len(asked)] = [1.0 if e is None else e.p for e in found]
    q = adjusted(p)
    return [
        r if e is None else replace(r, data=in_data.judged(r, e, float(q[i]), fdr=fdr))
        for i, (r, e) in enumerate(zip(asked, found, strict=True))
    ]


def believable(data: Data, asked: Sequence[Rule]) -> list[Rule]:
    """The rules without those that the model alone holds and the data make improbable.

    Where the data do not speak for a rule of a pair, or of copies, its arrangement must at least
    be there in one of twenty sequences, and the pair must give half of what the strongest pair
    with one of its motifs gives. What falls short is what a model makes of arrangements that it
    hardly ever saw, or of a word that is a little like the partner.
    """
    fewest = max(in_data.FEWEST, SEEN * data.n)
    strength: dict[frozenset[str], float] = {}
    for rule in asked:
        if rule.is_known and rule.model and rule.kind != "negation":
            pair = frozenset(rule.motifs)
            strength[pair] = max(strength.get(pair, 0.0), rule.model.effect)
    kept = []
    for rule in asked:
        if rule.verdict == "model only" and rule.kind != "negation":
            pair = frozenset(rule.motifs)
            rivals = [s for other, s in strength.items() if other & pair]
            is_weak = strength[pair] < in_model.LOSS * max(rivals)
            if is_weak or in_data.occurrences(data, rule) < fewest:
                continue
        kept.append(rule)
    return kept


def _together(asked: Sequence[Rule], speaking: Sequence[Rule]) -> list[Rule]:
    """Rules that the model holds, then those of the data alone with what the model answered.

    Of two rules of one kind and the same motifs, that of the model's own range and that of the
    data's, the one that both hold stands for both, then the one of the larger effect.
    """
    known: dict[tuple[str, frozenset[str]], Rule] = {}
    for rule in sorted((r for r in asked if r.is_known), key=_standing):
        known.setdefault(rule.key, rule)
    answers = {(r.key, r.low, r.high): r.model for r in asked}
    others = {r.key: r.model for r in asked}
    rest = [
        replace(r, model=answers.get((r.key, r.low, r.high), others.get(r.key)))
        for r in speaking
        if r.key not in known
    ]
    return [*sorted(known.values(), key=_strength), *sorted(rest, key=_surety)]


def _standing(rule: Rule) -> tuple[bool, float]:
    return rule.verdict != "confirmed", _strength(rule)


def _strength(rule: Rule) -> float:
    return -abs(rule.model.effect) if rule.model else 0.0


def _surety(rule: Rule) -> float:
    return rule.data.p if rule.data else 1.0


def _check(*, fdr: float, least: float, n: int, reach: int | None) -> None:
    for name, value in (("fdr", fdr), ("least", least)):
        if not 0 < value < 1:
            msg = f"{name} must lie between 0 and 1; got {value!r}."
            raise InputError(msg)
    check_positive(n, name="n")
    if n < 6:  # no signed-rank test of fewer reaches 5 %
        msg = f"n must be at least 6, or no test can be sure; got {n}."
        raise InputError(msg)
    if reach is not None and (isinstance(reach, bool) or reach < 0):
        msg = f"reach must be a distance, 0 bp or more; got {reach!r}."
        raise InputError(msg)
