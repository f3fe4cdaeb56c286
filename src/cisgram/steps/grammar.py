"""The grammar step of a run: the rules of its motifs, in its sequences and in its model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram import grammar
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.core.work import noted
from cisgram.data import Prepared, is_labeled
from cisgram.grammar import Rules
from cisgram.models import load, read_card
from cisgram.motifs import Motif, MotifSet, read_meme, write_meme
from cisgram.report.text import plural
from cisgram.steps.explain import asked_column
from cisgram.steps.motif_choice import chosen_motifs
from cisgram.steps.settings import Settings, settings_of
from cisgram.steps.train import chosen_device, data_of

FOLDER = "grammar"
Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class GrammarOptions:
    """How rules are looked for.

    Attributes
    ----------
    source
        Whose motifs: a source of the run, or a motif file; ``None``: the first that the run has two
        specific motifs of.
    target
        Output, by number or name; default the run's setting, or the only one.
    most
        Sequences of each class, at most: held-out ones first.
    n_motifs
        Motifs of the run, at most: those with the most sites of the specific ones.
    p
        Largest p-value of a site.
    reach
        Largest distance of a pair that the model is asked about, bp.
    backgrounds
        Of a test.
    least
        Smallest effect, as a share of what the model makes of sequences of interest.
    fdr
        Largest false discovery rate.
    seed
        Of shuffles.
    """

    source: str | None = None
    target: int | str | None = None
    most: int = 2000
    n_motifs: int = 8
    p: float = 1e-4
    reach: int | None = None
    backgrounds: int = 100
    least: float = 0.15
    fdr: float = 0.05
    seed: int = 0


@noted("looking for rules")
def grammar_run(
    run: Run,
    options: GrammarOptions | None = None,
    *,
    check: Path | None = None,
    device: str = "auto",
    prepared: Prepared | None = None,
    say: Callable[[str], None] | None = None,
) -> Rules:
    """Look for rules of a run's motifs, or check those of another run.

    Writes ``grammar/rules.json`` and ``grammar/rules.tsv`` (`cisgram.grammar.Rules`) and
    ``grammar/motifs.meme``, the motifs that the rules are about, and ``grammar/distances.tsv``,
    distances of pairs beside those expected. A check writes
    ``grammar/check.json`` and ``grammar/check.tsv``, and leaves the run's own rules as they are.

    Parameters
    ----------
    run
        A trained run.
    options
        What is asked.
    check
        Another run, or its ``grammar`` folder, whose rules are put to this run's model and
        sequences.
    device
        ``auto``, ``cpu`` or ``cuda``.
    prepared
        The run's data, where they were prepared already.
    say
        Called with a word on what is being done.

    Raises
    ------
    InputError
        When the run holds no model or no motifs, no target is given for a model of several
        outputs, or an option does not fit.
    """
    tell, how = say or (lambda _: None), options or GrammarOptions()
    settings, card = settings_of(run), read_card(run.member(0))
    column = asked_column(card, settings.explain.target if how.target is None else how.target)
    found: Rules
    if check is None:
        source, motifs, names = chosen_motifs(
            run, how.source, most=how.n_motifs, max_q=settings.motifs.max_q
        )
        motifs = _named(motifs, names)
    else:
        source, (rules, motifs) = str(check), rules_of(check)
    codes, given = material(prepared or data_of(run), settings, column, how)
    model = load(run).to(chosen_device(device))
    tell(f"rules of {plural(len(motifs), 'motif')} in {plural(len(codes), 'sequence')}")
    if check is None:
        found = grammar.rules(model, codes, motifs, **given)
    else:
        found = grammar.check(rules, model, codes, motifs=motifs, **given)
    own = {**asdict(how), "source": source, "target": card.outputs[column]}
    found = replace(found, facts={**found.facts, "options": own})
    _write(run, found, motifs, "rules" if check is None else "check")
    return found


def material(
    data: Prepared, settings: Settings, column: int, how: GrammarOptions
) -> tuple[Codes, dict[str, Any]]:
    """The sequences of a run that rules are asked of, and the keywords that go with them.

    Parameters
    ----------
    data, settings
        The run's.
    column
        Output that is asked.
    how
        What is asked.

    Returns
    -------
    tuple
        Codes (n, length), and the keywords of `cisgram.grammar.rules` and `cisgram.grammar.check`.
    """
    codes, labels = _sequences(data, column, most=how.most, seed=how.seed)
    return codes, {
        "labels": None if labels.all() else labels,
        "both_strands": settings.data.reverse_complement,
        "target": column,
        "p": how.p,
        "reach": how.reach,
        "n": how.backgrounds,
        "least": how.least,
        "fdr": how.fdr,
        "seed": how.seed,
    }


def _named(motifs: list[Motif], names: dict[str, str]) -> list[Motif]:
    """Motifs that say what they match before their own names, such as ``ELK1/positive_0``."""
    return [
        replace(m, name="_".join(f"{names[m.name]}/{m.name}".split()))  # as in the MEME file
        if names.get(m.name)
        else m
        for m in motifs
    ]


def rules_of(place: Path) -> tuple[Rules, list[Motif]]:
    """The rules of a run, or of its ``grammar`` folder, and the motifs that they are about.

    Raises
    ------
    InputError
        When there are none.
    """
    folder = place / FOLDER if (place / FOLDER).is_dir() else place
    if not (folder / "rules.json").is_file():
        msg = f"{place} holds no rules; run 'cisgram grammar {place}' first."
        raise InputError(msg)
    return Rules.from_json(files.read_json(folder / "rules.json")), list(
        read_meme(folder / "motifs.meme")
    )


def _sequences(
    data: Prepared, column: int, *, most: int, seed: int
) -> tuple[Codes, NDArray[np.int64]]:
    """Sequences of both classes, held-out ones first; of measured values the two outer thirds."""
    held_out = data.test if data.test is not None else data.valid
    codes, y = data.train.as_given.epoch(0, seed=seed, shuffle=False)
    every = np.concatenate([held_out.codes, codes])
    values = np.concatenate([held_out.y[:, column], y[:, column]])
    if is_labeled(data.task):
        high, low = values == 1, values == 0
    else:
        known = values[~np.isnan(values)]
        high = values >= np.quantile(known, 2 / 3)
        low = values <= np.quantile(known, 1 / 3)
    rows = np.concatenate([np.flatnonzero(part)[:most] for part in (high, low)])
    return every[rows], high[rows].astype(np.int64)


def _write(run: Run, found: Rules, motifs: list[Motif], name: str) -> None:
    home = run.path / FOLDER
    if name == "rules":
        write_meme(home / "motifs.meme", MotifSet(motifs))
        run.write_table(f"{FOLDER}/distances.tsv", found.distance_table())
    run.write_table(f"{FOLDER}/{name}.tsv", found.table().assign(
        said=[grammar.said(r) for r in found]
    ))  # fmt: skip
    files.write_json(home / f"{name}.json", found.to_json())
