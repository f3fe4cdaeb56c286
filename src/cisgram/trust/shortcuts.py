"""Whether the network knows more than GC content, a bag of words, one motif, or copies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.train import metrics
from cisgram.trust.baselines import Baseline, Labeled
from cisgram.trust.features import gc_share
from cisgram.trust.flag import Flag
from cisgram.trust.resample import ends, resampled
from cisgram.trust.strata import gc_strata, n_pairs, partial_pearson, stratified_auroc

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

MOSTLY = 0.8  # of the network's lead over chance: a baseline that reaches it explains the network
REMNANT = 0.2  # of the network's lead over chance: what is left of it in a model that reads GC
MARGIN = 0.01  # of AUROC or r: a smaller advantage is none
LEAKED = 0.01  # of the test sequences
FEW_PAIRS = 100

NETWORK = "network"
COMPOSITION = {
    "GC content": "GC shortcut",
    "length": "length shortcut",
    "low complexity": "repeat shortcut",
    "dinucleotides": "composition shortcut",
}
REACHED = {"k-mers": "k-mer baseline reaches the network", "one motif": "one motif explains it"}


@dataclass(frozen=True, slots=True)
class Measure:
    """The score by which network and baselines are compared.

    Attributes
    ----------
    name, chance
        As on the page, and what guessing reaches.
    of
        (labels, scores) -> number.
    """

    name: str
    chance: float
    of: Callable[[Array, Array], float]


def _auroc(y: Array, score: Array) -> float:
    """`metrics.auroc` by ranks: the same number, without checks that a bootstrap would repeat."""
    return stratified_auroc(y, score, np.zeros(len(y), dtype=np.int64))


MEASURES = {
    "classification": Measure("AUROC", 0.5, _auroc),
    "regression": Measure("Pearson r", 0.0, metrics.pearson),
}
SECOND = {"classification": ("auprc", metrics.auprc), "regression": ("spearman", metrics.spearman)}


def compare(
    test: Labeled, network: Array, baselines: Sequence[Baseline], *, task: str, seed: int = 0
) -> pd.DataFrame:
    """Network and baselines on the test sequences, one row each, the network first.

    Parameters
    ----------
    test
        Sequences and labels.
    network
        (n,) outputs of the network for them.
    baselines
        What models without a network say of them.
    task
        ``classification`` (AUROC; AUPRC beside it) or ``regression`` (Pearson; Spearman).
    seed
        Of the bootstrap: 500 resamples of the sequences, the same ones for all rows.

    Returns
    -------
    DataFrame
        ``predictor``; ``auroc`` or ``pearson``, ``auprc`` or ``spearman``, each with ``_low`` and
        ``_high``; ``lead``, ``lead_low``, ``lead_high``: the network's first score minus this
        one's; ``share``: of the network's distance from chance, what this one reaches; ``about``.

    Raises
    ------
    InputError
        When the test labels are all alike.
    """
    import pandas as pd

    if len(test) < 2 or np.ptp(test.y) == 0:
        msg = f"The {len(test)} test sequences have labels of one kind; nothing can be compared."
        raise InputError(msg)
    measure = MEASURES[task]
    first, (second, other) = {"AUROC": "auroc"}.get(measure.name, "pearson"), SECOND[task]
    every = [Baseline(NETWORK, network, "the run's model"), *baselines]
    statistics = [_on(f, test.y, b.score) for f in (measure.of, other) for b in every]
    values = np.array([s(np.arange(len(test))) for s in statistics]).reshape(2, -1)
    draws = resampled(statistics, len(test), seed=seed).reshape(-1, 2, len(every))
    lift = values[0, 0] - measure.chance
    rows: list[dict[str, Any]] = []
    for i, b in enumerate(every):
        row: dict[str, Any] = {"predictor": b.name}
        for j, name in enumerate((first, second)):
            low, high = ends(draws[:, j, i])
            row |= {name: values[j, i], f"{name}_low": low, f"{name}_high": high}
        low, high = ends(draws[:, 0, 0] - draws[:, 0, i])
        row |= {"lead": values[0, 0] - values[0, i], "lead_low": low, "lead_high": high}
        row["share"] = (values[0, i] - measure.chance) / lift if lift > 0 else math.nan
        rows.append(row | {"about": b.about})
    return pd.DataFrame(rows)


def _on(of: Callable[[Array, Array], float], y: Array, score: Array) -> Any:
    """A score of given rows; NaN where the labels drawn are all alike."""
    return lambda rows: of(y[rows], score[rows]) if np.ptp(y[rows]) > 0 else math.nan


def gc_matched(test: Labeled, network: Array, *, task: str, seed: int = 0) -> pd.DataFrame:
    """The network's score when GC content says nothing, and that of GC itself as a check.

    Classification: `stratified_auroc` over bins of 2 % GC. Regression: `partial_pearson`.

    Returns
    -------
    DataFrame
        ``predictor`` (``network``, ``GC content``), ``score``, ``low``, ``high``, ``pairs`` (of a
        positive and a negative with equal GC; in a regression the sequences).
    """
    import pandas as pd

    share = gc_share(test.codes)
    stratum = gc_strata(share)

    def of(score: Array, rows: NDArray[np.int64]) -> float:
        if task == "classification":
            return stratified_auroc(test.y[rows], score[rows], stratum[rows])
        return partial_pearson(test.y[rows], score[rows], share[rows])

    pairs = n_pairs(test.y, stratum) if task == "classification" else len(test)
    rows = []
    for name, score in ((NETWORK, network), ("GC content", share)):
        draws = resampled([partial(of, score)], len(test), seed=seed)
        low, high = ends(draws[:, 0])
        rows.append((name, of(score, np.arange(len(test))), low, high, pairs))
    return pd.DataFrame(rows, columns=["predictor", "score", "low", "high", "pairs"])


def shortcut_flags(
    table: pd.DataFrame, matched: pd.DataFrame, *, task: str, n_test: int, n_leaked: int
) -> list[Flag]:
    """The verdicts, by the rules that each of them carries.

    Parameters
    ----------
    table, matched
        Of `compare` and `gc_matched`.
    task
        As there.
    n_test, n_leaked
        Test sequences, and those of them with a copy or near copy in the training set.
    """
    measure = MEASURES[task]
    chance = _no_better_than_chance(table, measure)
    flags = [chance]
    rows = {str(r["predictor"]): r for r in table.to_dict("records")}
    for predictor, name in COMPOSITION.items():
        if predictor in rows:
            left = matched.iloc[0].to_dict() if predictor == "GC content" else None
            flags.append(_composition(rows, predictor, name, left, measure, bool(chance.raised)))
    for predictor, name in REACHED.items():
        if predictor in rows:
            flags.append(_reached(rows, predictor, name, measure, bool(chance.raised)))
    return [*flags, _leak(n_test, n_leaked)]


def _no_better_than_chance(table: pd.DataFrame, measure: Measure) -> Flag:
    value, low, high = (float(v) for v in table.iloc[0, 1:4])
    raised = not low > measure.chance
    text = _text(measure, value, low, high)
    said = (
        f"On the test set the network has {text}: it cannot be told from guessing "
        f"({measure.chance:g}), and nothing that explains it is worth reading."
        if raised
        else f"On the test set the network has {text}; guessing has {measure.chance:g}."
    )
    rule = f"raised when the interval of the network's {measure.name} reaches {measure.chance:g}"
    return Flag("no better than chance", raised, said, rule, "baselines", value, low, high)


def _composition(
    rows: dict[str, dict[Any, Any]],
    predictor: str,
    name: str,
    left: dict[Any, Any] | None,
    measure: Measure,
    is_chance: bool,
) -> Flag:
    """A number of the sequence alone that does nearly what the network does."""
    first = list(rows[NETWORK])[1]
    row, network = rows[predictor], rows[NETWORK]
    value, low, high = (float(row[c]) for c in (first, f"{first}_low", f"{first}_high"))
    rule = (
        f"raised when {predictor} alone, by its test {measure.name}, reaches {100 * MOSTLY:.0f} % "
        "of the network's distance from chance"
    )
    text = _text(measure, value, low, high)
    said = f"{_capital(predictor)} alone: {text}; the network: {float(network[first]):.3f}."
    raised = low > measure.chance and float(row["share"]) >= MOSTLY
    if left is not None:
        few = measure.chance == 0.5 and left["pairs"] < FEW_PAIRS
        lift = float(network[first]) - measure.chance
        rest = (float(left["score"]) - measure.chance) / lift if lift > 0 else math.nan
        rule += f", or when, at equal GC, at most {100 * REMNANT:.0f} % of that distance is left"
        if not few and math.isfinite(rest):
            raised = raised or (low > measure.chance and rest <= REMNANT)
            at_equal = _text(measure, *(float(left[c]) for c in ("score", "low", "high")))
            said += f" Among sequences of equal GC the network has {at_equal}."
        else:
            said += " Too few sequences have equal GC to say what is left without it."
    if is_chance:
        return Flag(name, None, said, rule, "baselines", value, low, high)
    if raised:
        said += f" What it learned may be {predictor} and no more."
    return Flag(name, raised, said, rule, "baselines", value, low, high)


def _reached(
    rows: dict[str, dict[Any, Any]], predictor: str, name: str, measure: Measure, is_chance: bool
) -> Flag:
    """A simple model beside which the network has no advantage."""
    row = rows[predictor]
    first = list(row)[1]
    lead, low, high = (float(row[c]) for c in ("lead", "lead_low", "lead_high"))
    rule = (
        f"raised when the network's {measure.name} minus the baseline's is below {MARGIN:g}, or "
        "its interval reaches 0"
    )
    what = "A linear model of word counts" if predictor == "k-mers" else "The best single motif"
    named = "" if predictor == "k-mers" else f", {str(row['about']).partition(':')[0]},"
    interval = f"{low:+.3f} to {high:+.3f}"
    better = f"adds {lead:+.3f} ({interval})"
    worse = f"is below it ({lead:+.3f}; {interval})"
    said = (
        f"{what}{named} has {measure.name} {float(row[first]):.3f}; the network "
        f"{better if lead >= 0 else worse}."
    )
    if is_chance:
        return Flag(name, None, said, rule, "baselines", lead, low, high)
    raised = lead < MARGIN or not low > 0
    if raised and predictor == "k-mers":
        said += " Order, spacing and context of the words are not shown to matter to its score."
    elif raised:
        said += " No more than this motif is needed for its score."
    return Flag(name, raised, said, rule, "baselines", lead, low, high)


def _leak(n_test: int, n_leaked: int) -> Flag:
    share = n_leaked / n_test
    rule = (
        f"raised when at least {100 * LEAKED:.0f} % of the test sequences share half of their "
        "16-letter words with a training sequence"
    )
    said = (
        f"{n_leaked:,} of {n_test:,} test sequences ({100 * share:.1f} %) have a copy or near "
        "copy in the training set."
    )
    raised = share >= LEAKED
    if raised:
        said += " The test score is too good by what was learned by heart."
    return Flag("leak", raised, said, rule, "leaks", share)


def _text(measure: Measure, value: float, low: float, high: float) -> str:
    """A score with its interval."""
    between = f" ({low:.3f} to {high:.3f})" if math.isfinite(low) else ""
    return f"{measure.name} {value:.3f}{between}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
