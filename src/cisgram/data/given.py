"""A file of sequences for a model that is trained already, with what happened on the way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cisgram.core.errors import InputError
from cisgram.data.attached import Attached
from cisgram.data.dataset import Dataset
from cisgram.data.neighbors import with_states
from cisgram.data.options import DataOptions
from cisgram.data.profiles import with_profiles
from cisgram.data.source import Source
from cisgram.io import Genome

SHOWN = 3  # names in a message


@dataclass(frozen=True, eq=False)
class Given:
    """Sequences of a file at the length of a model.

    Attributes
    ----------
    data
        The sequences; labels are NaN where the file has none.
    dropped
        ``(name, reason)`` of each that was left out.
    counts
        What was handled: ``trimmed_to_length``, ``padded_with_n``, ``iupac``, ...
    """

    data: Dataset
    dropped: tuple[tuple[str, str], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """One line on what was left out, cut and padded; empty where nothing was."""
        return told(self.dropped, len(self.data), counts=self.counts, length=self.data.length)


def read_dataset(
    path: str,
    card_length: int,
    *,
    genome: str | None = None,
    sequence_column: str | None = None,
    label_columns: tuple[str, ...] = (),
    like: DataOptions | None = None,
    fields: Collection[str] = (),
    with_labels: bool = False,
    reads_letters: bool = True,
) -> Given:
    """Sequences of a file at the length of a model, and what was left out.

    Parameters
    ----------
    path
        FASTA, BED (with ``genome``), DeepBind table, TSV or CSV.
    card_length
        Longer sequences keep their middle of this length, shorter ones get N around.
    genome
        FASTA that intervals lie on.
    sequence_column, label_columns
        Columns of a TSV or CSV, where they do not have the usual names.
    like
        Settings of the model's run, which say where its further inputs and its labels are read.
    fields
        The further inputs that the model reads; the sequences must then lie on a genome.
    with_labels
        Whether labels that the run reads at places (methylation, profiles) are read of these
        sequences, too: who predicts needs none, and asks of places where none is known.
    reads_letters
        False for a model to which sites without a genome, all N, are enough.

    Raises
    ------
    InputError
        When the file is wrong, none of its sequences can be used, or letters or labels that are
        needed are not there.
    """
    options = DataOptions(
        positives=path, sequence_column=sequence_column, label_columns=label_columns
    )
    beside = Attached(options if like is None else like)
    source = Source(Genome(genome) if genome else None, card_length, cells=beside.cells)
    data = source.read(path, options, label=np.nan)
    if reads_letters and source.counts["without_letters"]:
        msg = f"The model reads letters, and {path} holds places: give --genome G.fa."
        raise InputError(msg)
    if with_labels and beside.cells:
        data = with_states(data, beside.cells)
    elif with_labels and like is not None and like.profiles:
        data = with_profiles(data, like)
    data = beside.to(data, fields)
    return Given(data, tuple(source.dropped), {k: v for k, v in source.counts.items() if v})


def told(
    dropped: Sequence[tuple[str, str]],
    kept: int,
    *,
    counts: Mapping[str, int] | None = None,
    length: int | None = None,
) -> str:
    """What was left out, cut and padded, in one line; empty where nothing was.

    Examples
    --------
    >>> told([("a", "no letters")], 4, counts={"padded_with_n": 2}, length=101)
    '1 of 5 sequences was left out: a (no letters); 2 were padded with N.'
    """
    counts = counts or {}
    parts = []
    if dropped:
        shown = ", ".join(f"{name} ({reason})" for name, reason in dropped[:SHOWN])
        rest = f" and {len(dropped) - SHOWN} more" if len(dropped) > SHOWN else ""
        of = f"{len(dropped)} of {len(dropped) + kept} sequences {_were(len(dropped))}"
        parts.append(f"{of} left out: {shown}{rest}")
    for count, what in (
        ("trimmed_to_length", f"cut to the middle {length} bp"),
        ("padded_with_n", "padded with N"),
    ):
        n = counts.get(count, 0)
        if n:
            parts.append(f"{n} {_were(n)} {what}")
    return "; ".join(parts) + "." if parts else ""


def _were(n: int) -> str:
    return "was" if n == 1 else "were"
