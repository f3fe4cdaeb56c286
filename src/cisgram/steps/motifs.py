"""The motif step of a run: what it learned, named and weighed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cisgram import explain, motifs
from cisgram.core import config
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.core.work import noted
from cisgram.data import Prepared
from cisgram.models import load, read_card
from cisgram.motifs import MotifSet
from cisgram.report.text import plural
from cisgram.seq.alphabet import one_hot
from cisgram.steps.class_optimization import class_optimization
from cisgram.steps.demix import demix_source
from cisgram.steps.explain import choose, output_column
from cisgram.steps.filters import ASKED, filters
from cisgram.steps.modisco import modisco
from cisgram.steps.motif_job import MotifJob, Source
from cisgram.steps.patterns import patterns
from cisgram.steps.settings import MotifOptions, settings_of
from cisgram.steps.train import data_of

if TYPE_CHECKING:
    import pandas as pd

SOURCES: dict[str, Source] = {
    "class_optimization": class_optimization,
    "demix": demix_source,
    "filters": filters,
    "modisco": modisco,
    "patterns": patterns,
}
"""What reads motifs off a run, by name; each gives the motifs and a table of facts."""
WEIGHED = 12  # motifs whose sites are overwritten: the named ones and the most influential ones


@noted("reading motifs", of="source")
def motifs_run(
    run: Run,
    *,
    source: str = "filters",
    options: MotifOptions | None = None,
    prepared: Prepared | None = None,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Read the motifs of a run, name them, and measure what the model loses without them.

    Writes ``motifs/<source>.meme``, ``<source>.matches.tsv`` (up to five best matches a motif:
    ``motif``, ``target_id``, ``target_name``, ``p``, ``e``, ``q``, ``offset``, ``overlap``,
    ``strand``), ``<source>.targets.meme`` (the matched ones), ``<source>.options.toml`` and
    ``<source>.facts.tsv`` (sites, information, influence, effect; of filters also in how many
    positives and negatives they find a site, where, and which filters learned the same motif).

    Parameters
    ----------
    run
        A trained run.
    source
        A name of ``SOURCES``; ``filters``: the filters of the first convolution; ``patterns``:
        alike seqlets of held-out positives; ``modisco``: TF-MoDISco's of the same scores.
    options
        Database and convention; default: the run's own.
    prepared
        The run's data, where they were prepared already.
    progress
        Called with a word on what is being done.

    Returns
    -------
    DataFrame
        The matches.

    Raises
    ------
    InputError
        When the run holds no model, its model has no filters, or source or database are not known.
    """
    say = progress or (lambda _: None)
    check_source(source)
    settings = settings_of(run)
    how = options or settings.motifs
    for name, says in (("layer", "whose"), ("convention", "how")):
        asked = getattr(how, name)
        if source != "filters" and asked != getattr(settings.motifs, name):
            msg = f"{name}={asked!r} says {says} filters are read; motifs of {source} have none."
            raise InputError(msg)
    targets = motifs.database(how.database)
    data = prepared or data_of(run)
    column = output_column(read_card(run.member(0)), settings.explain.target)
    job = MotifJob(run, load(run), data, settings, how, column, say)
    found, own_facts = SOURCES[source](job)
    say(f"comparing {plural(len(found), 'motif')} with {how.database}")
    matches = motifs.tomtom(found, targets, best=5)
    facts = _facts(found).merge(own_facts, on="motif", how="left")
    weighed = _weighed(facts, set(named_motifs(matches, facts, max_q=how.max_q)["motif"]))
    say(f"overwriting the sites of {plural(len(weighed), 'motif')}")
    effects = explain.site_effects(
        job.model,
        one_hot(np.asarray(choose(job.positives(job.held_out), ASKED, column).codes)),
        [m for m in found if m.name in weighed],
        target=column,
        seed=settings.train.seed,
    )
    facts = facts.merge(effects, on="motif", how="left")
    folder = run.path / "motifs"
    motifs.write_meme(folder / f"{source}.meme", found)
    matched = set(matches["target_id"])
    motifs.write_meme(folder / f"{source}.targets.meme", [t for t in targets if t.id in matched])
    run.write_table(f"motifs/{source}.matches.tsv", matches)
    config.write_toml(folder / f"{source}.options.toml", {"target": column, **how.model_dump()})
    run.write_table(f"motifs/{source}.facts.tsv", facts)
    return matches


def check_source(source: str) -> None:
    """Refuse what is no name of `SOURCES`."""
    if source not in SOURCES:
        what = "source of motifs"
        raise unknown(what, source, SOURCES)


def named_motifs(matches: pd.DataFrame, facts: pd.DataFrame, *, max_q: float) -> pd.DataFrame:
    """The best match of each motif that is specific enough to be named, the surest first.

    See `Motif.is_specific` for the others: their q-values are too small.
    """
    specific = set(facts.loc[facts["is_specific"] == 1, "motif"])
    best = matches.groupby("motif", sort=False).head(1)
    kept = best[(best["q"] < max_q) & best["motif"].isin(specific)]
    return kept.sort_values(["q", "p"], kind="stable").reset_index(drop=True)


def _facts(found: MotifSet) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "motif": [m.name for m in found],
            "consensus": [m.consensus for m in found],
            "n_sites": [m.n_sites for m in found],
            "information": [round(float(m.information.sum()), 3) for m in found],
            "is_specific": [int(m.is_specific) for m in found],
        }
    )


def _weighed(facts: pd.DataFrame, named: set[str]) -> set[str]:
    """The motifs worth a measurement: half of them named ones, by influence, then the rest.

    A source that measures no influence gives its motifs in the order of their number of sites.
    """
    by = "influence" if "influence" in facts else "n_sites"
    order = facts.sort_values(by, ascending=False, kind="stable")["motif"].tolist()
    first = [m for m in order if m in named][:WEIGHED]
    return set(first + [m for m in order if m not in named][: max(WEIGHED - len(first), 2)])
