"""The part of the trust step that asks each member of a run for the run's rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cisgram import grammar
from cisgram.grammar import Rule, Rules
from cisgram.models import load
from cisgram.report.text import plural
from cisgram.steps.grammar import FOLDER, GrammarOptions, material, rules_of
from cisgram.steps.trust_job import Judged, TrustJob
from cisgram.trust import Flag, member_share

if TYPE_CHECKING:
    import pandas as pd

NAME, TABLE = "unstable rules", "rule-stability"
RULE = "raised when a rule of the run is held by at most half of its members"
COLUMNS = [
    *("rule", "kind", "members", "of", "share", "low", "high", "in"),
    *("smallest", "effect", "largest"),
]
SHOWN = 6  # rules that a flag names


def rules(job: TrustJob) -> Judged:
    """Which rules of the run's model each of its members holds when it is asked alone."""
    path = job.run.path / FOLDER / "rules.json"
    if not path.is_file():
        return _unknown("No rules were looked for: run 'cisgram grammar' on this run first.")
    found, motifs = rules_of(path.parent)
    asked = dict(found.facts["options"])
    if asked["target"] != job.card.outputs[job.column]:
        return _unknown(f"The rules are about another output, {asked['target']}.")
    if not found.known:
        return _unknown("The run's model holds no rule.")
    folders = job.run.members()
    if len(folders) < 2:
        return _unknown("The run holds one network. Train with --seeds 3.")
    how = GrammarOptions(**asked)
    codes, given = material(job.data, job.settings, job.column, how)
    answers: list[Rules] = []
    for number, folder in enumerate(folders, 1):
        job.say(f"member {number}: {plural(len(found.known), 'rule')}")
        member = load(folder).to(job.device)
        answers.append(grammar.check(found.known, member, codes, motifs=motifs, **given))
    table = _table(found.known, answers)
    return Judged({TABLE: table}, [_flag(table)], {"rules": len(table), "members": len(answers)})


def _unknown(said: str) -> Judged:
    return Judged({TABLE: _table((), ())}, [Flag(NAME, None, said, RULE, TABLE)])


def _table(known: Sequence[Rule], answers: Sequence[Rules]) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for i, rule in enumerate(known):
        asked = [a.rules[i] for a in answers]
        effects = [r.model.effect for r in asked if r.model is not None]
        held = [number for number, r in enumerate(asked, 1) if r.is_known]
        rows.append(
            {
                "rule": grammar.said(rule),
                "kind": rule.kind,
                **member_share(held, len(asked)),
                "smallest": min(effects, default=np.nan),
                "effect": rule.model.effect if rule.model else np.nan,
                "largest": max(effects, default=np.nan),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _flag(table: pd.DataFrame) -> Flag:
    of = int(table["of"].iloc[0])
    few = table[table["share"] <= 0.5]
    every = int((table["members"] == of).sum())
    said = f"Asked one by one, all {of} members hold {every} of {plural(len(table), 'rule')}."
    if len(few):
        said += " Held by at most half: " + " ".join(map(str, few["rule"][:SHOWN]))
        said += f" ({len(few)} of {len(table)} rules.)" if len(few) > SHOWN else ""
    return Flag(NAME, bool(len(few)), said, RULE, TABLE, len(few) / len(table))
