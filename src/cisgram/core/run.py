"""The run folder: everything that one job did, in files that open without cisgram.

::

    RUN/
      run.toml           resolved settings, seeds, versions, sha256 of every input, command line
      model/             model.toml + weights.safetensors; one folder per further ensemble member
      data/              split.tsv (name, set), dropped.tsv (name, reason), leaks.tsv
      history.tsv        one row an epoch
      metrics.json       {"train": {...}, "valid": {...}, "test": {...}}
      predictions.tsv
      explain/<method>/  values.safetensors, names.tsv, options.toml
      explain-given/     the same for files of the user's
      jobs/<id>/         job.json, log.txt: what was started from 'cisgram serve'
      motifs/            <source>.meme, <source>.matches.tsv
      report.html
"""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cisgram.core import config, files
from cisgram.core.errors import InputError
from cisgram.core.lock import LOCK
from cisgram.core.work import is_note

if TYPE_CHECKING:
    import pandas as pd

VERSIONED = ("cisgram", "torch", "numpy", "scipy", "scikit-learn", "pandas", "accelerate")


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder by its path; nothing is read or written until asked."""

    path: Path

    @property
    def toml(self) -> Path:
        """Settings, seeds, versions, inputs, command line."""
        return self.path / "run.toml"

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report.html"

    def member(self, index: int) -> Path:
        """Folder of ensemble member ``index``: ``model``, then ``model-2``, ``model-3``, ..."""
        return self.path / ("model" if index == 0 else f"model-{index + 1}")

    def members(self) -> list[Path]:
        """Folders of the members that are there, first one first."""
        found: list[Path] = []
        while (self.member(len(found)) / "model.toml").is_file():
            found.append(self.member(len(found)))
        return found

    def read(self) -> dict[str, Any]:
        """The content of ``run.toml``.

        Raises
        ------
        InputError
            When the folder is no run.
        """
        if not self.toml.is_file():
            msg = (
                f"{self.path} is not a run: it holds no run.toml. Give the folder that "
                "'cisgram train -o' or 'cisgram run -o' wrote."
            )
            raise InputError(msg)
        return config.read_toml(self.toml)

    def begin(
        self,
        settings: Mapping[str, Any],
        *,
        inputs: Mapping[str, Path],
        free: Collection[str] = (),
    ) -> bool:
        """Write ``run.toml``, or find that the same job was begun before.

        Parameters
        ----------
        settings
            Resolved settings of the job, groups of plain values.
        inputs
            Input files by role; their sha256 is recorded.
        free
            Groups of settings that may change from command to command: the newest are recorded.

        Returns
        -------
        bool
            True when the folder holds the same job, which is then resumed.

        Raises
        ------
        InputError
            When the folder holds another job: settings or input bytes differ.
        """
        job = job_of(settings, inputs=inputs)
        if self.holds(job, free=free):
            self.renew(job, free=free)
            return True
        self.record(job)
        return False

    def holds(
        self,
        job: Mapping[str, Any],
        *,
        free: Collection[str] = (),
        defaults: Mapping[str, Any] | None = None,
    ) -> bool:
        """True when the folder holds this job (`job_of`), False when it is free.

        Parameters
        ----------
        job
            What is asked for.
        free
            Groups of settings that are not compared.
        defaults
            Groups of settings that hold where ``run.toml`` names none: it may be older than they.

        Raises
        ------
        InputError
            When it holds another job, or files that are not ours.
        """
        if self.toml.is_file():
            differing = _difference(self.read(), job, free=free, defaults=defaults)
            if not differing:
                return True
            msg = (
                f"{self.path} holds another run; it differs in {', '.join(differing[:6])}. "
                "Choose another folder with -o, or delete this one."
            )
            raise InputError(msg)
        is_free = not self.path.exists() or (
            self.path.is_dir() and all(_is_left_over(p) for p in self.path.iterdir())
        )
        if not is_free:
            msg = f"{self.path} exists and is not a run of ours. Choose an empty or new folder."
            raise InputError(msg)
        return False

    def renew(self, job: Mapping[str, Any], *, free: Collection[str]) -> None:
        """Record the newest settings of the ``free`` groups, where they differ."""
        old = self.read()
        newest = {k: v for k, v in job["settings"].items() if k in free}
        if {k: v for k, v in old["settings"].items() if k in free} != newest:
            kept = {k: v for k, v in old["settings"].items() if k not in free}
            config.write_toml(self.toml, old | {"settings": kept | newest})

    def record(self, job: Mapping[str, Any]) -> None:
        """Write ``run.toml`` of a job (`job_of`)."""
        config.write_toml(
            self.toml, {"command": shlex.join(sys.argv), "versions": versions(), **job}
        )

    def check_inputs(self, inputs: Mapping[str, Path], *, partly: bool = False) -> None:
        """Raise `InputError` unless the input files are those that the run was made with.

        With ``partly`` the run may have more inputs than are asked about.
        """
        changed = _difference(self.read(), job_of(self.read().get("settings", {}), inputs=inputs))
        if partly:
            changed = [c for c in changed if c.removeprefix("the bytes of ") in inputs]
        if changed:
            msg = (
                f"{self.path} was made from other files: {', '.join(changed)} differ. Bring the "
                "old files back, or begin a new run."
            )
            raise InputError(msg)

    def finished(self, *names: str) -> dict[str, Any] | None:
        """``metrics.json`` of a job that came to its end; else, or without such files, ``None``."""
        files_of = [self.path / name for name in ("metrics.json", *names)]
        if not all(path.is_file() for path in files_of):
            return None
        found: dict[str, Any] = files.read_json(files_of[0])
        return found

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table as TSV under the run, whole or not at all."""
        text = table.to_csv(sep="\t", index=False, lineterminator="\n", float_format="%.6g")
        files.write_text(self.path / name, text)

    def read_table(self, name: str) -> pd.DataFrame:
        """Read a TSV of the run.

        Raises
        ------
        InputError
            When it is absent or no table.
        """
        import pandas as pd

        path = self.path / name
        if not path.is_file():
            msg = f"{path} does not exist; the step that writes it has not run."
            raise InputError(msg)
        try:
            return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=["nan", ""])
        except ValueError as error:  # of pandas: empty, ragged, not UTF-8
            reason = str(error).rstrip(".\n")
            msg = f"{path} is not a table: {reason}. Delete it and run its step again."
            raise InputError(msg) from error


def job_of(settings: Mapping[str, Any], *, inputs: Mapping[str, Path]) -> dict[str, Any]:
    """What makes two jobs the same: settings without ``None``, and the bytes of the inputs."""
    return {
        "settings": config._without_none(settings),
        "inputs": {
            role: {"path": str(path), "sha256": files.sha256(path)} for role, path in inputs.items()
        },
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # e.g. run from a source tree
            continue
    return found


def _is_left_over(path: Path) -> bool:
    """What a killed start leaves in a folder: its lock, a note, a file that was never renamed."""
    return path.name == LOCK or is_note(path) or files.is_temporary(path)


def _difference(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    free: Collection[str] = (),
    defaults: Mapping[str, Any] | None = None,
) -> list[str]:
    """Names of what differs between the job of a run.toml and a new one."""
    before, after = _flat(old.get("settings")), _flat(new["settings"])
    if before:
        known = _flat(config._without_none(defaults or {}))
        before = {k: v for k, v in known.items() if k in after} | before
    differing = [
        k
        for k in sorted(before.keys() | after.keys())
        if before.get(k) != after.get(k) and k.partition(".")[0] not in free
    ]
    had, has = (
        {
            role.removesuffix(".sha256"): v
            for role, v in _flat(job.get("inputs")).items()
            if role.endswith(".sha256")
        }
        for job in (old, new)
    )
    roles = sorted(had.keys() | has.keys())
    return differing + [f"the bytes of {r}" for r in roles if had.get(r) != has.get(r)]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Values by dotted name; none where ``value`` is no table (a ``run.toml`` edited by hand)."""
    out: dict[str, Any] = {}
    for k, v in value.items() if isinstance(value, Mapping) else ():
        if isinstance(v, Mapping):
            out |= _flat(v, f"{prefix}{k}.")
        else:
            out[f"{prefix}{k}"] = v
    return out
