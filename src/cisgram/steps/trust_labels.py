"""The part of the trust step that is run when asked for: a network fitted to mixed labels."""

from __future__ import annotations

from dataclasses import replace

import torch

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive, generator
from cisgram.data import Dataset
from cisgram.models import build
from cisgram.steps.first_filters import start_filters
from cisgram.steps.trust_explanations import (
    FEW,
    alike,
    alike_flag,
    alike_table,
    as_asked,
    attribution,
    methods_of,
)
from cisgram.steps.trust_job import Judged, TrustJob
from cisgram.train import fit
from cisgram.train.metrics import auroc, pearson

AT_ALL = {"sampling": "all", "adversary": 0.0}  # labels in random order are of no batch


def random_labels(job: TrustJob) -> Judged:
    """Scores of a network trained as the run was, on its labels in random order.

    The last epoch counts: on labels that mean nothing there is no best one.
    """
    model, worth = _fitted(job)
    rows = []
    for method in methods_of(job):
        job.say(f"{method} on random labels")
        try:
            own = attribution(job, method, job.model, FEW)
            other = attribution(job, method, model, FEW)
        except InputError:
            continue  # faithfulness says why
        rows.append({"method": method, **alike(own, [other], seed=job.seed)})
    table = alike_table(rows)
    networks = "a network trained on labels in random order"
    flags = [
        alike_flag(row, what="labels", networks=networks, table="random-labels")
        for row in table.to_dict("records")
    ]
    return Judged({"random-labels": table}, flags, {"test_score_of_random_labels": worth})


def _fitted(job: TrustJob) -> tuple[torch.nn.Module, float]:
    """The network, and its test score (AUROC or Pearson).

    Over seeds that score is chance in the mean; where one thing alone varies between sequences
    (GC, say), a single network may know it with either sign.
    """
    codes, y = job.epoch
    order = generator(job.seed, "random labels").permutation(len(y))
    outputs = job.data.valid.outputs
    mixed = Dataset([str(i) for i in range(len(y))], codes, y[order], outputs)
    data = replace(job.data.train, data=mixed, fresh_negatives=0)
    seed = derive(job.seed, "random labels")
    torch.manual_seed(derive(seed, "weights"))
    model = build(job.card)
    start_filters(model, job.settings.model, seed=job.settings.train.seed)
    options = job.settings.train
    last = {"select": "last", "patience": max(1, options.epochs)}
    options = options.model_copy(update=last | AT_ALL)
    job.say("training on labels in random order")
    fit(
        model,
        data,
        options,
        valid=job.data.valid,
        task=job.data.task,
        seed=seed,
        device=job.device.type,
        progress=lambda s: job.say(f"  epoch {len(s.history)} of {options.epochs}"),
    )
    ready = as_asked(job, model)
    test = job.labeled["test"]
    score = auroc if job.task == "classification" else pearson
    return ready, float(score(test.y, job.output_of(ready, test.codes)))
