"""What makes a file of a run anew, for the message that says that it is damaged."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cisgram.core import config, files
from cisgram.core.errors import InputError

NAME = r"\w[\w.-]*"  # of a file or folder; what is none of these is nobody's and is not pasted
SOURCES = "class_optimization|demix|filters|modisco|patterns"
COMMANDS = {
    rf"motifs/({SOURCES})\.{NAME}": "motifs {0} --source {1}",
    r"motifs/units\.(?:pairs\.)?tsv": "motifs {0} --source filters",
    rf"demix/({NAME})/(\d+)\.json": "demix {0} --layer {1} --neuron {2}",
    r"demix/comparison\.(?:json|tsv)": "demix {0} --compare RUN2",
    r"grammar/check\.(?:json|tsv)": "grammar {0} --check RUN2",
    rf"grammar/{NAME}": "grammar {0}",
    rf"interactions/{NAME}": "interact {0}",
    rf"trust/{NAME}": "trust {0}",
    rf"page/{NAME}": "report {0}",
    r"(?:metrics|calibration)\.json|predictions\.tsv": "evaluate {0}",
    r"baselines\.tsv": "evaluate {0} --baselines",
    r"demo\.json": "demo -o {0}",
}
"""Commands by the files that they write, named from the run, which is 0; the first one holds."""
READ_FIRST = r"demix/.*/.*|trust/.*\.json"
"""Files that their command reads before it writes them: what is done is not done again."""
OTHERS = {
    rf"data/{NAME}": (
        "Delete it and the scores (metrics.json): the command that run.toml names then writes both "
        "anew, and trains nothing."
    ),
    rf"(?:model(?:-\d+)?/{NAME}|history(?:-\d+)?\.tsv|motifs/first-filters\.tsv)": (
        "Only training writes it: bring it back from a copy, or do the run anew in another folder, "
        "with the command that run.toml names."
    ),
    r"run\.toml": (
        "It says how the run was made: bring it back from a copy, or do the run anew in another "
        "folder."
    ),
}
DEMIXED_BY = {"by": "rectified", "parts": None, "start": "random", "seed": 0}
"""Options of ``cisgram demix`` that a neuron keeps, and their defaults."""
NOT_DAMAGED = r"Cannot write |No room left on the disk"
"""Said of files that nothing has to make anew."""
BEFORE = r"""(?<![^\s'"`(\[=:,;])"""
"""Stands before the first letter of a path: ``a/`` is in ``ba/`` and ``x/a/``, and not meant."""
MOST = 1_000
"""Characters of a path that is looked for in a message."""


def with_remedy(text: str, *folders: Path) -> str:
    """A message that names a damaged file of a run, and what makes the file anew.

    Parameters
    ----------
    text
        The message. One that names no file of a run, a command for it, or a file that could not
        be written, stays as it is.
    folders
        Runs, as the message may name them: what helps is said of the first one that it names.
    """
    if re.search(NOT_DAMAGED, text):
        return text
    for folder in folders:
        path = next(_named(text, folder), None)
        said = "" if path is None else remedy_of(folder, path)
        if said:
            return text if _has_command(text, folder) or said in text else f"{text.rstrip()} {said}"
    return text


@contextmanager
def remedied(*folders: Path) -> Iterator[None]:
    """Say of a damaged file that is refused in the block what makes it anew, as `with_remedy`.

    Parameters
    ----------
    folders
        As for `with_remedy`.

    Raises
    ------
    InputError
        The one of the block, with the remedy.
    """
    try:
        yield
    except InputError as error:
        raise InputError(with_remedy(str(error), *folders)) from error


def remedy_of(folder: Path, path: Path) -> str:
    """How a file of a run is made anew, in a sentence; empty for a file that no step writes.

    Parameters
    ----------
    folder
        The run.
    path
        The file, below it.

    Examples
    --------
    >>> remedy_of(Path("RUN"), Path("RUN/motifs/filters.matches.tsv"))
    'This makes it anew: cisgram motifs RUN --source filters'
    """
    name = path.relative_to(folder).as_posix()
    for pattern, command in COMMANDS.items():
        found = re.fullmatch(pattern, name, re.ASCII)
        if found is not None:
            first = "Delete it; this" if re.fullmatch(READ_FIRST, name) else "This"
            given = command.format(_quoted(folder), *found.groups())
            return f"{first} makes it anew: cisgram {given}"
    explained = re.fullmatch(rf"explain/({NAME})/{NAME}", name, re.ASCII)
    if explained is not None:
        return _explained_anew(folder, explained[1])
    if re.fullmatch(rf"demix/{NAME}", name, re.ASCII):
        return _counted_anew(folder)
    said = (said for pattern, said in OTHERS.items() if re.fullmatch(pattern, name, re.ASCII))
    return next(said, "")


def _explained_anew(folder: Path, name: str) -> str:
    """What explains anew into ``explain/NAME``, with what its ``options.toml`` says of it."""
    place = folder / "explain" / name
    how = _read(config.read_toml, place / "options.toml")
    method, column, most = (how.get(key) for key in ("method", "target", "most"))
    if not isinstance(method, str) or not re.fullmatch(NAME, method, re.ASCII):
        return (
            f"With --target, --most and -O as they were (and where {name} is no method, with its "
            f"method instead, and -o {_quoted(place)}), this makes it anew: "
            f"cisgram explain {name} {_quoted(folder)}"
        )
    words = [f"cisgram explain {method} {_quoted(folder)}"]
    if isinstance(column, int):
        words.append(f"--target {column:d}")
    if isinstance(most, int):
        words.append(f"--most {most:d}")
    if method != name:
        words.append(f"-o {_quoted(place)}")
    return (
        f"With those options (-O) and sequences of {place / 'options.toml'} that are not the "
        f"run's own, this makes it anew: {' '.join(words)}"
    )


def _counted_anew(folder: Path) -> str:
    """What writes the tables of demixed neurons anew: demixing one again that is done is quick."""
    for path in sorted((folder / "demix").glob("*/*.json")):
        layer, neuron = path.parent.name, path.stem
        is_ours = re.fullmatch(NAME, layer, re.ASCII) and re.fullmatch(r"[0-9]+", neuron)
        asked = _read(files.read_json, path).get("options")
        if is_ours and isinstance(asked, dict):
            command = f"cisgram demix {_quoted(folder)} --layer {layer} --neuron {neuron}"
            return f"This makes it anew: {command}{_demixed_by(asked)}"
    return "No neuron of this run is demixed: delete the file."


def _demixed_by(asked: Mapping[str, Any]) -> str:
    """The options by which a neuron was demixed, as its command takes them."""
    found = ""
    for name, default in DEMIXED_BY.items():
        value = asked.get(name, default)
        if value != default and re.fullmatch(r"[a-z0-9]+", str(value)):
            found += f" --{name} {value}"
    return found


def _read(read: Callable[[Path], Any], path: Path) -> dict[str, Any]:
    """A file of names and values; empty where it is absent or damaged."""
    with suppress(InputError, OSError):
        value = read(path)
        return value if isinstance(value, dict) else {}
    return {}


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _has_command(text: str, folder: Path) -> bool:
    """True where a text tells a command for a folder already."""
    names = "|".join(re.escape(name) for name in (str(folder), _quoted(folder)))
    return re.search(rf"cisgram (?:[^\n]*{BEFORE})?(?:{names})(?![\w-])", text) is not None


def _named(text: str, folder: Path) -> Iterator[Path]:
    """Files of a folder that a text names, longer names first: they may hold blanks and dots."""
    least = len(str(folder))
    for found in re.finditer(BEFORE + re.escape(f"{folder}/"), text):
        rest = text[found.start() : found.start() + MOST]
        ends = [m.start() for m in re.finditer(r"[\s:;,.'\"]|$", rest)]
        for path in (Path(rest[:end]) for end in reversed(ends) if end > least):
            with suppress(OSError, ValueError):  # no name at all: too long, or with a zero byte
                if path.is_file():
                    yield path
