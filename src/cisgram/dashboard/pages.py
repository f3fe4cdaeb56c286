"""Pages of runs: drawn in another process, kept for as long as the files stay as they are."""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from cisgram.core.errors import CisgramError, InputError
from cisgram.dashboard.version import version_of

KEPT_BYTES = 40_000_000
"""Pages that are kept have so many bytes together; the last one asked for is kept in any case."""
DRAWN_AT_ONCE = 2
SECONDS = 300
"""A drawing that takes longer is given up."""
_POLICY = re.compile(rb'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is sent: its bytes, what tells it from others, and what it may do."""

    content: bytes
    tag: str
    policy: str


class NotDrawn(CisgramError):
    """A drawing that came to no end, through no fault of the files: asked again, it may."""


Draw: TypeAlias = Callable[[Sequence[Path], Mapping[str, Any]], Awaitable[bytes]]


class Pages:
    """The pages of runs.

    Each is drawn once for all who ask, and drawn again when a file of its runs has changed.
    Nothing is written into a run.

    Parameters
    ----------
    draw
        Gives the HTML of one run, or of two side by side.
    """

    def __init__(self, draw: Draw | None = None) -> None:
        self._draw = draw or drawn_apart
        self._kept: dict[tuple[Path, ...], tuple[str, Page]] = {}
        self._failed: dict[tuple[Path, ...], tuple[str, CisgramError]] = {}
        self._drawing: dict[tuple[Path, ...], asyncio.Task[Page]] = {}
        self._places = asyncio.Semaphore(DRAWN_AT_ONCE)

    async def get(self, runs: Sequence[Path], live: Mapping[str, Any]) -> Page:
        """The page of a run, or of two side by side.

        Parameters
        ----------
        runs
            One folder, or two.
        live
            What the script of the page needs of the server; the same for the same runs. It gets
            ``version`` besides, that of the files before they were drawn.

        Raises
        ------
        CisgramError
            When a run is damaged; the message names the file, and nothing is drawn until one
            has changed. `NotDrawn` where the next who asks may have better luck.
        """
        key = tuple(runs)
        version = await asyncio.to_thread(_joined_version, key)
        if key in self._kept and self._kept[key][0] == version:
            self._kept[key] = self._kept.pop(key)  # the last one asked for goes last
            return self._kept[key][1]
        if key in self._failed and self._failed[key][0] == version:
            raise self._failed[key][1]
        if key not in self._drawing:
            task = asyncio.create_task(self._drawn(key, version, live))
            task.add_done_callback(lambda _: self._drawing.pop(key, None))
            self._drawing[key] = task
        return await asyncio.shield(self._drawing[key])  # others wait for it, too

    async def close(self) -> None:
        """End the drawings that are at work."""
        tasks = list(self._drawing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drawn(self, key: tuple[Path, ...], version: str, live: Mapping[str, Any]) -> Page:
        async with self._places:
            try:
                content = await self._draw(key, {**live, "version": version})
            except NotDrawn:
                raise
            except CisgramError as error:
                self._failed[key] = version, error
                raise
        page = Page(content, hashlib.sha256(content).hexdigest()[:32], _policy(content))
        self._failed.pop(key, None)
        self._kept[key] = version, page
        self._forget()
        return page

    def _forget(self) -> None:
        """Let go of the pages that were not asked for the longest."""
        while len(self._kept) > 1:
            if sum(len(page.content) for _, page in self._kept.values()) <= KEPT_BYTES:
                return
            del self._kept[next(iter(self._kept))]


async def drawn_apart(runs: Sequence[Path], live: Mapping[str, Any]) -> bytes:
    """The HTML of a page, drawn by `cisgram.dashboard.drawing` in a process of its own.

    Raises
    ------
    InputError
        When a file of a run is broken.
    NotDrawn
        When drawing took too long or failed otherwise.
    """
    child = await asyncio.create_subprocess_exec(
        # -P: a module in the folder that the server was started in is not taken for one of ours
        *(sys.executable, "-P", "-m", "cisgram.dashboard.drawing"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    asked = json.dumps({"runs": [str(path.resolve()) for path in runs], "live": live})
    try:
        async with asyncio.timeout(SECONDS):
            page, said = await child.communicate(asked.encode())
    except TimeoutError as error:
        msg = f"The page of {runs[0]} was not drawn within {SECONDS} seconds. Ask for it again."
        raise NotDrawn(msg) from error
    finally:
        if child.returncode is None:  # given up, or the server ends
            child.kill()
            await child.wait()
    if child.returncode == 0:
        return page
    words = said.decode("utf-8", "replace").strip()
    if child.returncode in (2, 4, 5) and words and "Traceback" not in words:
        raise InputError(words)
    sys.stderr.write(words + "\n")  # a bug of ours: whole in the terminal, not on the page
    command = f"cisgram report {runs[0]}"
    msg = f"Drawing the page of {runs[0]} failed. The terminal says more, and so does '{command}'."
    raise NotDrawn(msg)


def _policy(content: bytes) -> str:
    """The policy that a page names for itself; frames are a matter of headers alone."""
    found = _POLICY.search(content[:4096])
    policy = html.unescape(found[1].decode()) if found else "default-src 'none'"
    return f"{policy}; frame-ancestors 'none'"


def _joined_version(runs: Sequence[Path]) -> str:
    return " ".join(version_of(path) for path in runs)
