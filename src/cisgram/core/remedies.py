"""What makes a file of a run anew, for the message that says that it is damaged."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

NAME = r"\w[\w.-]*"  # of a file or folder; what is none of these is nobody's and is not pasted
SOURCES = "class_optimization|demix|filters|modisco|patterns"
COMMANDS = {
    rf"explain/({NAME})/{NAME}": "explain {1} {0}",
    rf"motifs/({SOURCES})\.{NAME}": "motifs {0} --source {1}",
    r"motifs/units\.(?:pairs\.)?tsv": "motifs {0} --source filters",
    rf"demix/({NAME})/(\d+)\.json": "demix {0} --layer {1} --neuron {2}",
    r"demix/comparison\.(?:json|tsv)": "demix {0} --compare RUN2",
    rf"demix/{NAME}": "demix {0}",
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
MOST = 1_000
"""Characters of a path that is looked for in a message."""


def with_remedy(text: str, folder: Path) -> str:
    """A message that names a damaged file of a run, and what makes the file anew.

    Parameters
    ----------
    text
        The message. One that names no file of the run, or a command for it, stays as it is.
    folder
        The run, as the message may name it.
    """
    path = next(_named(text, folder), None)
    if path is None or re.search(rf"cisgram [^\n]*{re.escape(str(folder))}", text):
        return text
    return f"{text.rstrip()} {remedy_of(folder, path)}".rstrip()


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
            given = command.format(shlex.quote(str(folder)), *found.groups())
            return f"{first} makes it anew: cisgram {given}"
    said = (said for pattern, said in OTHERS.items() if re.fullmatch(pattern, name, re.ASCII))
    return next(said, "")


def _named(text: str, folder: Path) -> Iterator[Path]:
    """Files of a folder that a text names, longer names first: they may hold blanks and dots."""
    least = len(str(folder))
    for found in re.finditer(re.escape(f"{folder}/"), text):
        rest = text[found.start() : found.start() + MOST]
        ends = [m.start() for m in re.finditer(r"[\s:;,.'\"]|$", rest)]
        for path in (Path(rest[:end]) for end in reversed(ends) if end > least):
            with suppress(OSError, ValueError):  # no name at all: too long, or with a zero byte
                if path.is_file():
                    yield path
