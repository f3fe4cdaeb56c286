"""What models without a network reach on the test set of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cisgram.core.run import Run
from cisgram.motifs import Motif, database
from cisgram.steps.trust_job import open_job
from cisgram.trust import (
    Baseline,
    Labeled,
    compare,
    composition_baselines,
    motif_baseline,
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
        As of `trust.compare`: ``predictor``, AUROC and AUPRC or Pearson and Spearman with
        intervals, the network's ``lead`` over each, and ``about`` how it was fitted. The motif is
        the best one of ``motifs.database``.

    Raises
    ------
    InputError
        When the run holds no model or no test set, or labels are all alike.

    References
    ----------
    Ghandi et al. 2014 (words with gaps); Alipanahi et al. 2015 (one motif).
    """
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
