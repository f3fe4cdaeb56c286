"""The filters of a run's network as motifs."""

from __future__ import annotations

from cisgram import explain
from cisgram.core.errors import NoFiltersError
from cisgram.models.probe import core
from cisgram.motifs import MotifSet
from cisgram.seq.alphabet import one_hot
from cisgram.steps.explain import choose
from cisgram.steps.motif_job import Found, MotifJob

READ = 5000  # sequences that filters are read from
ASKED = 200  # sequences that influences are measured on


def filters(job: MotifJob) -> Found:
    """Motif of each filter, trimmed, and what the model loses without it."""
    job.say("reading filters")
    x = one_hot(job.positives(job.data.train.data).codes[:READ])
    found = explain.filter_motifs(core(job.model), x, convention=job.options.convention)
    found = MotifSet(
        [m.trimmed() for m in found if m.information.max() >= 0.25], found.origin, found.skipped
    )
    if not found:
        msg = "Every filter is silent or flat on the positives: the network learned no motif."
        raise NoFiltersError(msg)
    job.say("silencing filters")
    asked = one_hot(choose(job.positives(job.held_out), ASKED, job.column).codes)
    return found, explain.filter_influence(job.model, asked, target=job.column)
