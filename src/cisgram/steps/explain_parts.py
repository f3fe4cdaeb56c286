"""Chunks of an explanation that were done before its process was killed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import torch

from cisgram import __version__
from cisgram.core import files
from cisgram.core.lock import only_one
from cisgram.core.results import Attribution, Tracks
from cisgram.core.run import Run
from cisgram.data import Dataset
from cisgram.models import read_tensors, write_tensors

PARTS = ".parts"
"""Folder beside the scores; it is there only while a job is at work or was interrupted."""


@contextmanager
def parts_of(folder: Path, job: str) -> Iterator[Path]:
    """The folder of the chunks of one job; those of another job are thrown away.

    It is deleted when the block ends, and stays when the block fails or its process is killed.

    Parameters
    ----------
    folder
        Folder of the explanation.
    job
        What tells jobs apart (`job_digest`).

    Raises
    ------
    InputError
        When another process writes the same explanation.
    """
    parts = folder / PARTS
    with only_one(parts):
        known = parts / "job.json"
        if not known.is_file() or files.read_json(known) != job:
            for left in parts.glob("*.safetensors"):
                left.unlink()
            files.write_json(known, job)
        yield parts
        rmtree(parts, ignore_errors=True)


def job_digest(run: Run, chosen: Dataset, about: Mapping[str, Any]) -> str:
    """Hex digest of all that scores depend on: networks, sequences, inputs, options, version."""
    told = {"cisgram": __version__, **about}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode())
    for member in run.members():
        for name in ("model.toml", "weights.safetensors"):
            digest.update(files.sha256(member / name).encode())
    arrays = [chosen.codes, chosen.y, *(chosen.fields[name] for name in sorted(chosen.fields))]
    for array in arrays:
        digest.update(np.ascontiguousarray(np.asarray(array[:])).tobytes())
    return digest.hexdigest()


def merged(results: Sequence[Attribution | Tracks], x: torch.Tensor) -> Attribution | Tracks:
    """Results on rows of ``x``, one after the other, as one result on all of them."""
    first = results[0]
    if len(results) == 1:
        return first
    values = torch.cat([r.values.cpu() for r in results])
    if isinstance(first, Tracks):
        return Tracks(values, first.names, x, first.method, first.options)
    deltas = [r.delta for r in results if isinstance(r, Attribution)]
    known = [d.cpu() for d in deltas if d is not None]
    delta = torch.cat(known) if len(known) == len(results) else None
    return Attribution(values, x, first.method, first.options, delta, first.substitutions)


def write_part(folder: Path, start: int, result: Attribution | Tracks) -> None:
    """Write the scores of the chunk that begins at row ``start``."""
    plain = {k: v for k, v in result.options.items() if _is_plain(v)}
    about: dict[str, Any] = {"method": result.method, "options": plain}
    tensors = {"values": result.values}
    if isinstance(result, Tracks):
        about["tracks"] = list(result.names)
    else:
        about["substitutions"] = result.substitutions
        if result.delta is not None:
            tensors["delta"] = result.delta
    files.write_json(_path(folder, start).with_suffix(".json"), about)
    write_tensors(_path(folder, start), tensors)  # last: a chunk with scores is whole


def read_part(folder: Path, start: int, x: torch.Tensor) -> Attribution | Tracks | None:
    """The scores of the chunk on ``x`` that begins at row ``start``; ``None`` where not done."""
    path = _path(folder, start)
    if not path.is_file():
        return None
    about, tensors = files.read_json(path.with_suffix(".json")), read_tensors(path)
    values, method, options = tensors["values"], about["method"], about["options"]
    if "tracks" in about:
        return Tracks(values, tuple(about["tracks"]), x, method, options)
    return Attribution(
        values, x, method, options, tensors.get("delta"), bool(about["substitutions"])
    )


def _path(folder: Path, start: int) -> Path:
    return folder / f"{start:08}.safetensors"


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)
    return value is None or isinstance(value, str | int | float | bool)
