"""The part of the trust step that asks whether another network would have said the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cisgram import explain, motifs
from cisgram.core.errors import InputError
from cisgram.models import load
from cisgram.models.probe import core
from cisgram.motifs import MotifSet
from cisgram.report.text import plural
from cisgram.seq.alphabet import one_hot
from cisgram.steps.filters import READ
from cisgram.steps.trust_explanations import attribution, methods_of
from cisgram.steps.trust_job import Judged, TrustJob
from cisgram.trust import Flag, attribution_agreement, motif_recurrence, prediction_agreement

if TYPE_CHECKING:
    import pandas as pd

SURE = 0.9  # rank correlation of predictions
LIKE = 0.5  # rank correlation of attributions
SAME = 0.7  # of attributions of one network against other references
REFERENCED = "deep_lift"
DRAWS = 3  # sets of references


def stability(job: TrustJob) -> Judged:
    """Agreement of members in predictions, attributions and named motifs; of references."""
    import pandas as pd

    agreed: list[pd.DataFrame] = []
    flags: list[Flag] = []
    tables: dict[str, pd.DataFrame] = {}
    members = [load(folder).to(job.device) for folder in job.run.members()]
    if len(members) > 1:
        job.say("members: predictions")
        test = job.labeled["test"].codes
        outputs = np.stack([job.output_of(m, test) for m in members])
        agreed.append(prediction_agreement(outputs, seed=job.seed))
        flags.append(_agreement_flag("predictions", agreed[-1], SURE))
        for method in methods_of(job)[:1]:
            job.say(f"members: {method}")
            scores = [attribution(job, method, m) for m in members]
            agreed.append(attribution_agreement(scores, what=method, seed=job.seed))
            flags.append(_agreement_flag(method, agreed[-1], LIKE))
        recurrence = _recurrence(job, members)
        if recurrence is not None:
            tables["motif-stability"] = recurrence
            flags += _motif_flags(recurrence)
    else:
        said = (
            "The run holds one network, so nothing is known of what another one would have "
            "learned. Train with --seeds 3."
        )
        flags.append(Flag("unstable over seeds", None, said, "needs two members", "stability"))
    references = _references(job)
    if references is not None:
        agreed.append(references)
        flags.append(_agreement_flag("references of DeepLIFT", references, SAME))
    columns = ["what", "first", "second", "agreement", "low", "high", "n"]
    kept = [a for a in agreed if len(a)]
    tables["stability"] = (
        pd.concat(kept, ignore_index=True) if kept else pd.DataFrame([], columns=columns)
    )
    return Judged(tables, flags, {"members": len(members), "folds": job.settings.train.folds})


def _references(job: TrustJob) -> pd.DataFrame | None:
    """DeepLIFT against other shuffles of the same sequences; None where it does not apply."""
    if REFERENCED not in methods_of(job):
        return None
    job.say("other references")
    own = job.settings.explain.options.get(REFERENCED, {})
    if own.get("reference", "shuffles") != "shuffles" or "seed" in own:
        return None
    try:
        scores = [_with_seed(job, job.seed + i) for i in range(DRAWS)]
    except InputError:
        return None  # faithfulness says why
    return attribution_agreement(scores, what="references of DeepLIFT", seed=job.seed)


def _with_seed(job: TrustJob, seed: int) -> Any:
    asked = explain.METHODS[REFERENCED].fn
    options = dict(job.settings.explain.options.get(REFERENCED, {}))
    found = asked(job.model, one_hot(job.explained), target=job.column, seed=seed, **options)
    return np.asarray(found.per_position.detach().cpu().double().numpy())


def _recurrence(job: TrustJob, members: list[torch.nn.Module]) -> pd.DataFrame | None:
    """Which known motifs the filters of how many members match; None without filters."""
    options = job.settings.motifs
    train = job.labeled["train"]
    positive = train.y > 0.5 if job.task == "classification" else np.ones(len(train), bool)
    x = one_hot(train.codes[positive][:READ])
    targets = motifs.database(options.database)
    found: dict[int, set[str]] = {}
    for number, member in enumerate(members, 1):
        job.say(f"member {number}: motifs")
        try:
            learned = explain.filter_motifs(
                core(member), x, layer=options.layer or None, convention=options.convention
            )
        except InputError:
            return None  # a network without filters
        kept = [m.trimmed() for m in learned if m.information.max() >= 0.25]
        specific = MotifSet([m for m in kept if m.is_specific])
        names: set[str] = set()
        if specific:
            best = motifs.tomtom(specific, targets, best=1)
            names = set(best.loc[best["q"] < options.max_q, "target_name"])
        found[number] = names
    return motif_recurrence(found)


def _agreement_flag(what: str, table: pd.DataFrame, least: float) -> Flag:
    """Agreement of the pair that agrees least."""
    name = f"unstable: {what}"
    rule = f"raised when the pair that agrees least has a rank correlation below {least:g}"
    known = table[table["agreement"].notna()]
    if known.empty:
        said = "No sequence has scores that vary, so agreement cannot be measured."
        return Flag(name, None, said, rule, "stability")
    worst = known.sort_values("agreement", kind="stable").iloc[0]
    value, low, high = (float(worst[c]) for c in ("agreement", "low", "high"))
    first, second = int(worst["first"]), int(worst["second"])
    said = (
        f"Of {plural(len(known), 'pair')}, numbers {first} and {second} agree least, "
        f"with a rank correlation of {value:.2f} ({low:.2f} to {high:.2f})."
    )
    raised = value < least
    if raised:
        said += " What one of them shows need not hold for the next."
    return Flag(name, raised, said, rule, "stability", value, low, high)


def _motif_flags(table: pd.DataFrame) -> list[Flag]:
    """Named motifs by how many members found them: those of few, by name."""
    rule = "raised when a known motif is matched by the filters of at most half of the members"
    of = int(table["of"].iloc[0]) if len(table) else 0
    few = table[table["share"] <= 0.5]
    every = table[table["members"] == of]
    if not len(table):
        said = "No filter of any member matches a known motif."
        return [Flag("unstable motifs", None, said, rule, "motif-stability")]
    said = f"{_names(every)} found by all {of} members." if len(every) else "No motif is in all."
    if len(few):
        said += f" Found by at most half: {', '.join(map(str, few['name'][:12]))}."
        said += f" ({len(few)} of {len(table)} names.)" if len(few) > 12 else ""
    share = len(few) / len(table)
    return [Flag("unstable motifs", bool(len(few)), said, rule, "motif-stability", share)]


def _names(table: pd.DataFrame) -> str:
    names = list(map(str, table["name"][:12]))
    more = f" and {len(table) - 12} more" if len(table) > 12 else ""
    verb = "was" if len(table) == 1 else "were"
    return f"{', '.join(names)}{more} {verb}"
