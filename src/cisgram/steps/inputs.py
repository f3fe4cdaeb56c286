"""Which further inputs a run's model reads, what it is given, and the names of the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cisgram.core.errors import InputError
from cisgram.data import DataOptions, Dataset, Given, Prepared, read_dataset
from cisgram.models import MODELS, Card, FieldShape

GIVEN_BY = {"neighbors": "--methylation CELL1.bed,CELL2.bed", "tracks": "--inputs TRACK.bw"}


def for_model(data: Prepared, name: str) -> Prepared:
    """The data with the further inputs that the model reads; those of a user's own are all.

    Raises
    ------
    InputError
        When the model reads what was not given, letters among it, or tracks were given to one
        that reads none.
    """
    if name not in MODELS:
        return data
    data = _with_outputs_of(data, name)
    if reads_letters(name) and data.summary.get("handled", {}).get("without_letters"):
        able = sorted(n for n in MODELS if not reads_letters(n))
        msg = (
            f"{name} reads the letters around each site, and without a genome none is known. Give "
            f"--genome G.fa and --length, or take a model of neighbors alone: {', '.join(able)}."
        )
        raise InputError(msg)
    reads = MODELS[name].facts.get("fields", ())
    given = data.valid.fields
    missing = [field for field in reads if field not in given]
    if missing:
        ways = " and ".join(f"{f} ({GIVEN_BY[f]})" for f in missing)
        msg = f"{name} reads more than letters: give {ways}, with the sites or windows as BED."
        raise InputError(msg)
    if "tracks" in given and "tracks" not in reads:
        able = [n for n, entry in MODELS.items() if "tracks" in entry.facts.get("fields", ())]
        msg = f"{name} reads no tracks; leave data.inputs out, or take {' or '.join(sorted(able))}."
        raise InputError(msg)
    test = None if data.test is None else _only(data.test, reads)
    train = replace(data.train, data=_only(data.train.data, reads))
    return replace(data, train=train, valid=_only(data.valid, reads), test=test)


def reads_letters(name: str) -> bool:
    """Whether a model of ours reads letters; of a user's own nobody knows, and it is False."""
    return name in MODELS and bool(MODELS[name].facts.get("reads_letters", True))


def given_to(
    card: Card, path: str, like: DataOptions, *, genome: str | None, with_labels: bool = False
) -> Given:
    """Sequences of a file as the model of a run reads them; see `cisgram.data.read_dataset`."""
    return read_dataset(
        path,
        card.length,
        genome=genome,
        sequence_column=like.sequence_column,
        label_columns=like.label_columns if with_labels else (),
        like=like,
        fields=card.fields,
        with_labels=with_labels,
        reads_letters=reads_letters(card.name),
    )


def _with_outputs_of(data: Prepared, name: str) -> Prepared:
    """The data with the outputs of a profile model; each kind of labels has models of its own."""
    outputs = MODELS[name].facts.get("outputs")
    if outputs is None and data.task == "profile":
        able = sorted(n for n, entry in MODELS.items() if "outputs" in entry.facts)
        msg = f"{name} predicts no profile; take {' or '.join(able)}, or leave --profiles out."
        raise InputError(msg)
    if outputs is not None and data.task != "profile":
        msg = f"{name} predicts counts along windows: give --profiles COUNTS.bw, with BED windows."
        raise InputError(msg)
    if outputs is None:
        return data
    test = None if data.test is None else widened(data.test, outputs)
    train = replace(data.train, data=widened(data.train.data, outputs))
    return replace(data, train=train, valid=widened(data.valid, outputs), test=test)


def widened(data: Dataset, outputs: tuple[str, ...]) -> Dataset:
    """The data with further outputs, which have no labels, behind their own."""
    y = np.full((len(data), len(outputs)), np.nan, dtype=np.float32)
    y[:, : data.y.shape[1]] = data.y
    return replace(data, y=y, outputs=outputs)


def shapes_of(data: Dataset) -> dict[str, FieldShape]:
    """What a card says of the further inputs."""
    return {
        name: FieldShape(shape=field.shape, mirror=field.mirror)
        for name, field in data.fields.items()
    }


def _only(data: Dataset, names: Collection[str]) -> Dataset:
    return replace(data, fields={name: data.fields[name] for name in names if name in data.fields})


def told_apart(named: Sequence[tuple[str, str]]) -> dict[str, Path]:
    """Files by role; of one role, as of one name in two folders, the later ones are numbered."""
    seen, found = Counter[str](), dict[str, Path]()
    for role, path in named:
        seen[role] += 1
        found[role if seen[role] == 1 else f"{role} ({seen[role]})"] = Path(path)
    return found
