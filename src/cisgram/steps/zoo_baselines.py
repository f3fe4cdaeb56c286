"""What words and the best single motif reach on a set of outputs, scored as networks are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.data import Prepared, is_labeled
from cisgram.motifs import Motif
from cisgram.steps.baselines import WORD
from cisgram.train import metrics
from cisgram.trust import (
    Baseline,
    Labeled,
    best_sites,
    chosen_motif,
    short_enough,
    word_baseline,
)

WORDS, MOTIF = "k-mers", "one motif"
CHOOSING = 2_000  # training sequences that choose the motif
Codes: TypeAlias = NDArray[np.uint8]
Parts: TypeAlias = dict[str, tuple[Codes, NDArray[np.float32]]]
Each: TypeAlias = list[Baseline]


def set_baselines(
    data: Prepared, motifs: Sequence[Motif], *, strands: str, say: Callable[[str], None]
) -> dict[str, Any]:
    """Scores of the two baselines on the test set, fitted to each output (class) by itself.

    Parameters
    ----------
    data
        Of a run, with a test set; rows without a label are left out, output by output.
    motifs
        Of which the best is taken for each output.
    strands
        ``both``, or ``given`` for RNA.
    say
        Called with a word on what is being done.

    Returns
    -------
    dict
        By name of the baseline: ``scores`` as of ``metrics.json``, ``about`` (of the first three
        outputs), ``cpu_s``.
    """
    assert data.test is not None
    task = "classification" if is_labeled(data.task) else "regression"
    parts: Parts = {"train": data.train.as_given.epoch(0, seed=0, shuffle=False)}
    for part, held in (("valid", data.valid), ("test", data.test)):
        parts[part] = (np.asarray(held.codes), held.y)
    fits: dict[str, Callable[[], Each]] = {
        WORDS: lambda: _words(parts, task, strands),
        MOTIF: lambda: _motifs(parts, motifs, task, strands),
    }
    found: dict[str, Any] = {}
    for name, fit in fits.items():
        say(f"baseline: {name}")
        began = time.process_time()
        each = fit()
        scores = metrics.evaluate(
            data.test.y.astype(np.float64),
            np.stack([b.score for b in each], axis=1),
            outputs=data.test.outputs,
            task=data.task,
        )
        about = "; ".join(b.about for b in each[:3])
        seconds = round(time.process_time() - began, 1)
        found[name] = {"scores": scores, "about": about, "cpu_s": seconds}
    return found


def _words(parts: Parts, task: str, strands: str) -> Each:
    """A linear model of the counts of words of up to 6 letters, for each output."""
    found = []
    for i in range(parts["train"][1].shape[1]):
        train, valid = (_known(parts[name], i) for name in ("train", "valid"))
        codes, y = parts["test"]
        test = Labeled(codes, y[:, i].astype(np.float64))
        found.append(
            word_baseline(train, valid, test, k=WORD, task=task, strands=strands, name=WORDS)
        )
    return found


def _motifs(parts: Parts, motifs: Sequence[Motif], task: str, strands: str) -> Each:
    """The best motif for each output; the sequences are scanned once for all."""
    codes, y = parts["train"]
    rows = np.sort(generator(0, "zoo motif").permutation(len(codes))[:CHOOSING])
    codes, y = codes[rows], y[rows]
    fitting = short_enough(motifs, codes.shape[1])
    sites = best_sites(codes, fitting, strands=strands)
    found = []
    for labels in y.T:
        known = ~np.isnan(labels)
        found.append(
            chosen_motif(
                fitting,
                sites[known],
                labels[known].astype(np.float64),
                test=parts["test"][0],
                task=task,
                strands=strands,
            )
        )
    return found


def _known(part: tuple[Codes, NDArray[np.float32]], column: int) -> Labeled:
    codes, y = part
    known = ~np.isnan(y[:, column])
    return Labeled(codes[known], y[known, column].astype(np.float64))
