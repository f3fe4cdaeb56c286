"""The motifs that the first filters of a run's networks start as."""

from __future__ import annotations

from dataclasses import asdict

from torch import nn

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.models import Card, MotifFilter, build, put_motifs
from cisgram.motifs import MotifSet, database
from cisgram.motifs.database import is_release
from cisgram.train import ModelOptions


def start_filters(model: nn.Module, options: ModelOptions, *, seed: int) -> list[MotifFilter]:
    """Put the motifs of the settings into the first filters; nothing where none are asked for.

    Parameters
    ----------
    model
        As it was made; its filters are changed.
    options
        ``motifs`` and all that says how they are taken.
    seed
        Of the run: members of an ensemble start from the same motifs.

    Raises
    ------
    InputError
        When the motifs cannot be read or put there, or when something is said of motifs and none
        are given.
    """
    if options.motifs is None:
        plain = ModelOptions()
        for name in ("motif_names", "freeze_motifs", "motif_form", "motif_strands", "motif_choice"):
            if getattr(options, name) != getattr(plain, name):
                msg = f"model.{name} says something of motifs; give them with model.motifs."
                raise InputError(msg)
        return []
    if options.weights is not None:
        msg = (
            "model.motifs and model.weights both say how the first filters start; give one of them "
            "(a run that began with motifs passes its filters on with its weights)."
        )
        raise InputError(msg)
    motifs = database(options.motifs)
    if options.motif_names:
        motifs = MotifSet([motifs[name] for name in options.motif_names])
    return put_motifs(
        model,
        motifs,
        form=options.motif_form,
        both_strands=options.motif_strands == "both",
        choice=options.motif_choice,
        frozen=options.freeze_motifs,
        seed=seed,
    )


def motif_file(options: ModelOptions) -> str | None:
    """The file of the motifs; None where they come from a database, or there are none."""
    return None if options.motifs is None or is_release(options.motifs) else options.motifs


def record_filters(run: Run, options: ModelOptions, card: Card, *, seed: int) -> None:
    """Write which filter starts as which motif, ``motifs/first-filters.tsv``, where some do.

    The columns are those of `models.MotifFilter`.
    """
    import pandas as pd

    if options.motifs is not None:
        placed = start_filters(build(card), options, seed=seed)
        run.write_table("motifs/first-filters.tsv", pd.DataFrame([asdict(p) for p in placed]))
