"""What models without a network reach on the test set of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.core.run import Run
from cisgram.core.work import noted
from cisgram.data import Dataset, Prepared
from cisgram.models import Card, read_card
from cisgram.motifs import Motif, database
from cisgram.steps.explain import output_column
from cisgram.steps.settings import check_predictor, settings_of
from cisgram.steps.train import data_of, member_outputs
from cisgram.steps.trust_job import open_job
from cisgram.trust import (
    Baseline,
    Labeled,
    compare,
    composition_baselines,
    motif_baseline,
    neighbor_baselines,
    word_baseline,
)

if TYPE_CHECKING:
    import pandas as pd

WORD = 6  # letters of the longest word of the k-mer baseline
GAPPED = (4, 8)  # known letters of a word with gaps, in at most so many bp


def sequence_baselines(
    labeled: dict[str, Labeled],
    motifs: Iterable[Motif],
    *,
    task: str,
    seed: int = 0,
    gapped: bool = False,
    strands: str = "both",
    say: Callable[[str], None] = lambda _: None,
) -> list[Baseline]:
    """Composition, dinucleotides, words of up to 6 letters and the best single motif.

    Parameters
    ----------
    labeled
        ``train``, ``valid`` (chooses strengths), ``test`` (is scored).
    motifs
        Of which the best is taken.
    task
        ``classification`` or ``regression``.
    seed
        Of the training sequences that are drawn where there are many.
    gapped
        Also words of 4 letters with gaps, in up to 8 bp (8,960 on one strand).
    strands
        ``both``, or ``given`` where the network reads the strand as given (RNA): so do words and
        motifs then.
    say
        Called with a word on what is being done.

    Raises
    ------
    InputError
        When the training sequences are all of one label, or no motif is as short as they are.
    """
    train, valid, test = (labeled[name] for name in ("train", "valid", "test"))
    say("composition alone")
    found = composition_baselines(train, test, task=task)
    words: dict[str, tuple[int, int | None]] = {"dinucleotides": (2, None), "k-mers": (WORD, None)}
    if gapped:
        words["gapped k-mers"] = GAPPED
    for name, (k, width) in words.items():
        say(f"words of {k} letters" + ("" if width is None else f" in up to {width} bp"))
        found.append(
            word_baseline(
                *(train, valid, test),
                k=k,
                width=width,
                task=task,
                name=name,
                strands=strands,
                seed=seed,
            )
        )
    say("the best motif")
    return [*found, motif_baseline(train, test, motifs, task=task, strands=strands, seed=seed)]


@noted("comparing with baselines")
def baselines_run(
    run: Run,
    *,
    target: int | str | None = None,
    seed: int = 0,
    device: str = "cpu",
    say: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """The run's network and baselines on its test set, for either task; ``RUN/baselines.tsv``.

    Parameters
    ----------
    run
        A trained run with a test set.
    target
        Output, by number or name; default the run's setting, or the only one.
    seed
        Of bootstraps and draws.
    device
        ``auto``, ``cpu`` or ``cuda``.
    say
        Called with a word on what is being done.

    Returns
    -------
    DataFrame
        Of a run that reads neighbors the baselines are theirs (`trust.neighbor_baselines`), for
        every cell. As of `trust.compare`: ``predictor``, AUROC and AUPRC or Pearson and Spearman
        with intervals, the network's ``lead`` over each, and ``about`` how it was fitted. The
        motif is the best one of ``motifs.database``.

    Raises
    ------
    InputError
        When the run holds no model or no test set, or labels are all alike.

    References
    ----------
    Ghandi et al. 2014 (words with gaps); Alipanahi et al. 2015 (one motif).
    """
    check_predictor(run)
    card = read_card(run.member(0))
    if "neighbors" in card.fields:
        return _of_neighbors(run, card, target=target, seed=seed, device=device)
    job = open_job(run, target=target, seed=seed, device=device, say=say)
    baselines = sequence_baselines(
        job.labeled,
        database(job.settings.motifs.database),
        task=job.task,
        seed=seed,
        gapped=True,
        strands=job.card.strands,
        say=job.say,
    )
    table = compare(job.labeled["test"], job.outputs["test"], baselines, task=job.task, seed=seed)
    run.write_table("baselines.tsv", table)
    return table


def _of_neighbors(
    run: Run, card: Card, *, target: int | str | None, seed: int, device: str
) -> pd.DataFrame:
    """A row a cell and predictor."""
    import pandas as pd

    data = data_of(run)
    asked = settings_of(run).explain.target if target is None else target
    cells = range(len(card.outputs)) if asked is None else [output_column(card, asked)]
    out = member_outputs(run, _held_out(data), device=device).mean(0)
    tables = [_of_cell(data, out[:, cell], cell, seed=seed) for cell in cells]
    for cell, table in zip(cells, tables, strict=True):
        table.insert(0, "output", card.outputs[cell])
    whole = pd.concat(tables, ignore_index=True)
    run.write_table("baselines.tsv", whole)
    return whole


def _of_cell(data: Prepared, out: NDArray[np.float64], cell: int, *, seed: int) -> pd.DataFrame:
    train, test = data.train.data, _held_out(data)
    fitted, asked = (np.flatnonzero(~np.isnan(part.y[:, cell])) for part in (train, test))
    baselines = neighbor_baselines(
        train.fields["neighbors"][fitted],
        train.y[fitted, cell].astype(np.float64),
        test.fields["neighbors"][asked],
        cell=cell,
    )
    judged = Labeled(test.codes[asked], test.y[asked, cell].astype(np.float64))
    return compare(judged, out[asked], baselines, task="classification", seed=seed)


def _held_out(data: Prepared) -> Dataset:
    """The test set; the validation set, by which the epoch was chosen, where there is none."""
    return data.valid if data.test is None else data.test
