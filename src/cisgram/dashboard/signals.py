"""Signals to a process of ours and to all that it started."""

from __future__ import annotations

import os
from asyncio.subprocess import Process
from contextlib import suppress


def signal_all(process: Process, number: int) -> None:
    """Send a signal to a process that leads a session of its own, and to what it started.

    Loaders of data and the like are processes, too; they hold the output open when only the
    first one ends.
    """
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)  # the id of the group is that of its first process
        else:  # Windows
            process.send_signal(number)
