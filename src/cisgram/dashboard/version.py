"""What tells that a page is out of date: a digest of the names, sizes and times of its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

READ = (".json", ".meme", ".safetensors", ".toml", ".tsv")
NO_PART = ("explain-given", "jobs", "page")
"""What no page is drawn from, of the folders of a run."""
NOT_READ = ("weights.safetensors",)


def version_of(run: Path) -> str:
    """A digest that changes when a file that the page of a run reads appears, changes or goes.

    No file is opened: names, sizes in bytes and times of change are compared, as ``make`` does.
    """
    digest = hashlib.sha256()
    for name, size, changed in sorted(_files(run, "")):
        digest.update(f"{name}\0{size}\0{changed}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _files(folder: Path, above: str) -> Iterator[tuple[str, int, int]]:
    """Name from the run, bytes and time (ns) of each file that a page may read."""
    try:
        entries = list(os.scandir(folder))
    except OSError:  # not there, not allowed, or gone meanwhile: another version than if it were
        return
    for entry in entries:
        name = f"{above}{entry.name}"
        if entry.name.startswith((".", "checkpoint")) or name in NO_PART:
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), f"{name}/")
            elif entry.name.endswith(READ) and entry.name not in NOT_READ:
                found = entry.stat()
                yield name, found.st_size, found.st_mtime_ns
        except OSError:  # renamed between the two looks
            continue
