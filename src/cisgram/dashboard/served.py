"""The runs that are served, by the names that addresses have for them, and their files."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from cisgram.core.errors import UnknownName
from cisgram.core.run import Run

NOTHING_HERE = "There is nothing at this address."


def readable(text: str) -> str:
    r"""Text that can be sent: names of files may stand in other bytes than those of UTF-8.

    Examples
    --------
    >>> readable("run \udcff")
    'run ?'
    """
    return text.encode("utf-8", "replace").decode()


class Served:
    """Runs by slug, with the names that people know them by.

    A slug stands in addresses; a name is whatever the folder is called.

    Parameters
    ----------
    runs
        Run folders by slug, in the order in which they are listed.
    """

    def __init__(self, runs: Mapping[str, Run]) -> None:
        self.runs = dict(runs)
        paths = {slug: run.path.resolve() for slug, run in self.runs.items()}
        names = [path.name for path in paths.values()]
        self.names = {
            slug: readable("/".join(path.parts[-1 if names.count(path.name) == 1 else -2 :]))
            for slug, path in paths.items()
        }

    def run(self, slug: str) -> Run:
        """The run of a slug; `UnknownName` where there is none."""
        if slug not in self.runs:
            msg = "No such run is served here. The list of runs names those that are."
            raise UnknownName(msg)
        return self.runs[slug]

    def file(self, slug: str, path: str) -> Path:
        """A file of a run, by its path from there; nothing else on this machine.

        Links are followed first and what they lead to is judged: it must be a plain file below
        the run. Hidden files (locks, files half written) are nobody's business.

        Raises
        ------
        UnknownName
            For everything else; the message does not tell why, lest it tell what there is.
        """
        root = self.run(slug).path
        if not _is_plain(path):
            raise UnknownName(NOTHING_HERE)
        try:
            root = root.resolve(strict=True)
            found = root.joinpath(*path.split("/")).resolve(strict=True)
            is_ours = found.is_relative_to(root) and stat.S_ISREG(found.stat().st_mode)
        except (OSError, RuntimeError, ValueError):  # not there, a loop of links, no path at all
            raise UnknownName(NOTHING_HERE) from None
        if not is_ours or any(part.startswith(".") for part in found.relative_to(root).parts):
            raise UnknownName(NOTHING_HERE)
        return found


def _is_plain(path: str) -> bool:
    """True for names joined by ``/`` that mean the same on every system."""
    if re.search(r"[\x00-\x1f\x7f\\]", path) or re.match(r"[A-Za-z]:", path):
        return False
    return all(part and not part.startswith(".") for part in path.split("/"))


def by_slug(paths: Iterable[Path]) -> dict[str, Run]:
    """Run folders by a slug made of the folder's name; a folder given twice is served once.

    Raises
    ------
    InputError
        When one of them is no run, or its ``run.toml`` cannot be read.
    """
    found: dict[str, Run] = {}
    for path in dict.fromkeys(p.resolve() for p in paths):
        run = Run(path)
        run.read()
        found[_slug(path.name, found)] = run
    return found


def _slug(name: str, taken: Mapping[str, Run]) -> str:
    """Letters, digits and dashes of a name, and a number where it is taken.

    Examples
    --------
    >>> _slug("ELK1, GM12878", {}), _slug("..", {}), _slug("a", {"a": Run(Path("a"))})
    ('ELK1-GM12878', 'run', 'a-2')
    """
    slug = first = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:60] or "run"
    number = 1
    while slug in taken:
        number += 1
        slug = f"{first}-{number}"
    return slug
