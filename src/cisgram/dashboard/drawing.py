"""Draws a page in a process of its own and writes it to standard output.

Drawing takes seconds and loads pandas and numpy (about 250 MB); the server that asks for it stays
small, goes on answering, and gets the memory back. ``python -m cisgram.dashboard.drawing`` reads
one JSON object from standard input: ``runs`` (one folder, or two to compare), ``live``.

Exit status: 0, or that of the error whose paragraph stands on standard error.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cisgram.core.errors import CisgramError
from cisgram.core.run import Run


def draw(runs: Sequence[Path], live: Mapping[str, Any]) -> str:
    """The page of a run, or of two side by side, with what its script needs of the server.

    Raises
    ------
    InputError
        When a file of a run is broken; the message names it.
    """
    from cisgram import report

    if len(runs) == 1:
        return report.draw(Run(runs[0]), live=live)
    first, second = runs
    return report.compare_page(Run(first), Run(second), live=live)


def main() -> int:
    """Draw what standard input asks for."""
    asked = json.load(sys.stdin)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # whatever a library says is no page
            page = draw([Path(path) for path in asked["runs"]], asked["live"])
    except CisgramError as error:
        sys.stderr.write(str(error))
        return error.exit_status
    sys.stdout.buffer.write(page.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
