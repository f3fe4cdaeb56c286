"""Which further inputs a run's model reads, and which of the data's it is given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from cisgram.core.errors import InputError
from cisgram.data import Dataset, Prepared
from cisgram.models import MODELS, FieldShape

GIVEN_BY = {"neighbors": "--methylation CELL1.bed,CELL2.bed", "tracks": "--inputs TRACK.bw"}


def for_model(data: Prepared, name: str) -> Prepared:
    """The data with the further inputs that the model reads; those of a user's own are all.

    Raises
    ------
    InputError
        When the model reads what was not given, or tracks were given to one that reads none.
    """
    if name not in MODELS:
        return data
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


def shapes_of(data: Dataset) -> dict[str, FieldShape]:
    """What a card says of the further inputs."""
    return {
        name: FieldShape(shape=field.shape, mirror=field.mirror)
        for name, field in data.fields.items()
    }


def _only(data: Dataset, names: Collection[str]) -> Dataset:
    return replace(data, fields={name: data.fields[name] for name in names if name in data.fields})
