"""The filters of a run's network as motifs, and what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from cisgram import explain
from cisgram.core.errors import NoFiltersError
from cisgram.core.types import OneHot
from cisgram.data import Dataset, is_labeled
from cisgram.models.probe import core
from cisgram.models.zoo.explainn import ExplaiNN
from cisgram.motifs import MotifSet, cluster
from cisgram.seq.alphabet import one_hot
from cisgram.steps.explain import choose
from cisgram.steps.motif_job import Found, MotifJob

if TYPE_CHECKING:
    import pandas as pd

READ = 5000  # sequences that filters are read from
ASKED = 200  # sequences that influences are measured on
COMPARED = 1000  # positives, and as many negatives, that enrichment and positions are measured on


def filters(job: MotifJob) -> Found:
    """Motif of each filter, trimmed, with its influence, enrichment, position and group.

    Writes ``motifs/filters.enrichment.tsv`` and ``motifs/filters.positions.tsv``: all that
    `explain.filter_enrichment` and `explain.filter_positions` give; of an ExplaiNN also
    ``motifs/units.tsv`` and ``motifs/units.pairs.tsv``, what each unit and each pair adds.
    """
    layer, convention = job.options.layer or None, job.options.convention
    model = core(job.model)
    job.say("reading filters")
    x = one_hot(job.positives(job.data.train.data).codes[:READ])
    found = explain.filter_motifs(model, x, layer=layer, convention=convention)
    found = MotifSet(
        [m.trimmed() for m in found if m.information.max() >= 0.25], found.origin, found.skipped
    )
    if not found:
        msg = "Every filter is silent or flat on the positives: the network learned no motif."
        raise NoFiltersError(msg)
    facts = _influences(job, found)
    job.say("where the filters find their sites")
    positives = one_hot(job.positives(job.held_out).codes[:COMPARED])
    places = explain.filter_positions(model, positives, layer=layer, convention=convention)
    job.run.write_table("motifs/filters.positions.tsv", places)
    tables = [places[["motif", "position", "position_q"]]]
    both = _both_classes(job)
    if both is not None:
        labels = torch.from_numpy(both.y[:, job.column] == 1)
        x = one_hot(np.asarray(both.codes))
        enriched = explain.filter_enrichment(model, x, labels, layer=layer, convention=convention)
        job.run.write_table("motifs/filters.enrichment.tsv", enriched)
        columns = ["motif", "in_positives", "in_negatives", "enrichment_q", "auroc"]
        tables.insert(0, enriched[columns])
    if isinstance(model, ExplaiNN) and layer is None:
        tables.append(_units(job, model, one_hot(job.positives(job.held_out).codes[:READ])))
    for table in tables:
        facts = facts.merge(table, on="motif", how="left")
    return found, facts


def _units(job: MotifJob, model: ExplaiNN, x: OneHot) -> pd.DataFrame:
    """What each unit adds to the explained output; all outputs, and pairs, go into files."""
    job.say("what the units add")
    convention = job.options.convention
    every = explain.unit_importances(model, x, convention=convention)
    job.run.write_table("motifs/units.tsv", every)
    if model.unit_head.pairs is not None:
        pairs = explain.unit_pairs(model, x, convention=convention)
        job.run.write_table("motifs/units.pairs.tsv", pairs)
    own = every.loc[every["output"] == job.column, ["unit", "weight", "importance"]]
    return own.set_axis(["motif", "unit_weight", "unit_importance"], axis=1)


def _influences(job: MotifJob, found: MotifSet) -> pd.DataFrame:
    """Influence of each filter and, for those that learned one motif, of all of them together."""
    import pandas as pd

    job.say("silencing filters")
    grouped = cluster(found)
    number = [int(name.removeprefix("filter_")) for name in found.names]
    groups = {
        found[int(chief)].name: [number[i] for i in grouped.members(label)]
        for label, chief in enumerate(grouped.representatives)
    }
    several = {name: units for name, units in groups.items() if len(units) > 1}
    layer = job.options.layer or None
    asked = one_hot(np.asarray(choose(job.positives(job.held_out), ASKED, job.column).codes))
    facts = explain.filter_influence(job.model, asked, target=job.column, layer=layer)
    belongs = pd.DataFrame(
        {
            "motif": found.names,
            "group": [found[int(grouped.representatives[k])].name for k in grouped.labels],
            "group_size": np.bincount(grouped.labels)[grouped.labels],
            "group_strand": grouped.strands,
        }
    )
    facts = facts.merge(belongs, on="motif", how="left")
    if not several:
        return facts
    lost = explain.ablate(job.model, asked, target=job.column, layer=layer, units=several)
    lost = lost[["units", "effect", "interaction"]].set_axis(
        ["group", "group_influence", "group_interaction"], axis=1
    )
    return facts.merge(lost, on="group", how="left")


def _both_classes(job: MotifJob) -> Dataset | None:
    """As many positives as negatives of the held-out sequences; None where a class is missing."""
    part = job.held_out
    label = part.y[:, job.column]
    if not is_labeled(job.data.task):
        return None
    positive, negative = (np.flatnonzero(label == c)[:COMPARED] for c in (1, 0))
    if not len(positive) or not len(negative):
        return None
    return part.take(np.r_[positive, negative])
