"""The interaction step of a run: which of its motifs the model reads together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from cisgram import explain
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.core.work import noted
from cisgram.data import Dataset, Prepared, is_labeled
from cisgram.models import Card, load, predict, read_card
from cisgram.report.text import plural
from cisgram.seq.alphabet import one_hot
from cisgram.steps.explain import output_column
from cisgram.steps.method_options import INTERACTIONS
from cisgram.steps.motif_choice import chosen_motifs
from cisgram.steps.settings import settings_of
from cisgram.steps.train import chosen_device, data_of

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "interactions"
METHODS = INTERACTIONS


@dataclass(frozen=True, slots=True)
class InteractOptions:
    """How interactions are asked for.

    Attributes
    ----------
    methods
        Of ``epistasis`` and ``dfim``.
    source
        Whose motifs: a source of the run, or a motif file; None: the first of ``PREFERRED`` that
        the run has two specific motifs of.
    target
        Output, by number or name; default the run's setting, or the only one.
    most
        Sequences, at most; None: the run's own setting ``explain.most``.
    n_motifs
        Motifs of the run, at most: those with the most sites of the specific ones.
    p
        Largest p-value of a site.
    least, fdr
        A pair interacts when at this rate at least this share of its sequences show it.
    seed
        Of letters, places and shuffles.
    """

    methods: Sequence[str] = METHODS
    source: str | None = None
    target: int | str | None = None
    most: int | None = None
    n_motifs: int = 8
    p: float = 1e-4
    least: float = 0.5
    fdr: float = 0.05
    seed: int = 0


@noted("looking for interactions")
def interact_run(
    run: Run,
    options: InteractOptions | None = None,
    *,
    device: str = "auto",
    prepared: Prepared | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, pd.DataFrame]:
    """Which motifs a run's model reads together, in its held-out positives.

    Writes ``interactions/METHOD.tsv`` (one row a pair of motifs of a sequence, whose name is in
    ``sequence``), ``interactions/METHOD.pairs.tsv`` (one row a pair: `explain.interacting`, whether
    it ``interacts``, and the known motifs that the two match) and ``interactions/summary.json``.

    Parameters
    ----------
    run
        A trained run.
    options
        What is asked.
    device
        ``auto``, ``cpu`` or ``cuda``.
    prepared
        The run's data, where they were prepared already.
    progress
        Called with a word on what is being done.

    Returns
    -------
    dict
        The pairs, by method.

    Raises
    ------
    InputError
        When the run holds no model or no motifs, none of its held-out positives is called
        positive, no sequence holds two motifs, or an option does not fit.
    """
    say, how = progress or (lambda _: None), options or InteractOptions()
    _check(how)
    settings, card = settings_of(run), read_card(run.member(0))
    if how.target is None and settings.explain.target is None and len(card.outputs) > 1:
        msg = f"The model has the outputs {', '.join(card.outputs)}. Say which with --target."
        raise InputError(msg)
    column = output_column(card, settings.explain.target if how.target is None else how.target)
    source, wanted, names = chosen_motifs(
        run, how.source, most=how.n_motifs, max_q=settings.motifs.max_q
    )
    model = load(run).to(chosen_device(device))
    data = prepared or data_of(run)
    chosen = _sequences(model, card, data, column, how.most or settings.explain.most)
    x = one_hot(np.asarray(chosen.codes))
    found: dict[str, pd.DataFrame] = {}
    tables = {}
    for method in how.methods:
        say(f"{method} of {plural(len(wanted), 'motif')} in {plural(len(chosen), 'sequence')}")
        fn = explain.METHODS[method].fn
        table = fn(model, x, wanted, target=column, p=how.p, seed=how.seed)
        if len(table) == 0:
            msg = (
                f"None of {plural(len(chosen), 'sequence')} holds two of the motifs "
                f"{', '.join(m.name for m in wanted)} at p <= {how.p:g} apart from each other. "
                "Raise --p, or give other motifs with --source."
            )
            raise InputError(msg)
        pairs = explain.interacting(table, least=how.least, level=how.fdr)
        pairs["interacts"] = (pairs["q"] <= how.fdr).astype(int)
        for side in ("a", "b"):
            pairs[f"{side}_match"] = [names.get(m, "") for m in pairs[side]]
        rows = np.array(chosen.names, dtype=object)[table["sequence"].to_numpy(dtype=np.int64)]
        tables[method], found[method] = table.assign(sequence=rows), pairs
    for method, table in tables.items():
        run.write_table(f"{FOLDER}/{method}.tsv", table)
        run.write_table(f"{FOLDER}/{method}.pairs.tsv", found[method])
    _write_summary(run, how, source, card.outputs[column], len(chosen), found)
    return found


def _check(how: InteractOptions) -> None:
    for method in how.methods:
        if method not in METHODS:
            what = "method of interactions"
            raise unknown(what, method, METHODS)
    for name in ("p", "least", "fdr"):
        if not 0 < getattr(how, name) <= 1:
            msg = f"{name} must lie above 0 and at most at 1; got {getattr(how, name)!r}."
            raise InputError(msg)


def _sequences(model: nn.Module, card: Card, data: Prepared, column: int, most: int) -> Dataset:
    """Held-out positives that the model calls positive; of measured values the highest half."""
    part = data.test if data.test is not None else data.valid
    score = predict(model, part.codes).numpy()[:, column]
    if is_labeled(card.task):
        kept = np.flatnonzero((part.y[:, column] == 1) & (score > 0))
        if len(kept) == 0:
            msg = (
                f"The model calls none of the {int((part.y[:, column] == 1).sum())} held-out "
                "positives positive (probability above 0.5), so there is nothing to explain. Train "
                "it longer, or hold out more sequences."
            )
            raise InputError(msg)
    else:
        kept = np.flatnonzero(score >= np.median(score))
    return part.take(kept[:most])


def _write_summary(
    run: Run,
    how: InteractOptions,
    source: str,
    output: str,
    n_sequences: int,
    found: dict[str, pd.DataFrame],
) -> None:
    own = {**asdict(how), "methods": list(how.methods), "source": source, "target": output}
    pairs = {
        method: table.astype(object).where(table.notna(), None).to_dict("records")
        for method, table in found.items()
    }
    summary = {"options": own, "sequences": n_sequences, "pairs": pairs}
    files.write_json(run.path / FOLDER / "summary.json", summary)
