"""What a program that starts our commands can ask of them, by the environment.

``CISGRAM_PROGRESS=json``
    How far a long step is, as lines ``{"progress": [done, total]}`` on standard error.
``CISGRAM_STOP_WITH_STDIN=1``
    The command is interrupted when its standard input ends: it never outlives who started it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time

PROGRESS = "CISGRAM_PROGRESS"
STOP = "CISGRAM_STOP_WITH_STDIN"
GRACE = 10.0  # seconds between the interrupt and the end


def is_json() -> bool:
    """Whether progress is wanted as JSON."""
    return os.environ.get(PROGRESS) == "json"


def progress_line(done: int, total: int) -> str:
    """One line of progress.

    Examples
    --------
    >>> progress_line(50, 200)
    '{"progress": [50, 200]}'
    """
    return json.dumps({"progress": [done, total]})


def watch() -> None:
    """Begin to wait for the end of standard input, where that was asked for.

    The interrupt is heeded also where it is ignored by who started us: a shell does so to what it
    puts into the background, and its children inherit that.
    """
    if os.environ.get(STOP) == "1":
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=_stop_with, args=(sys.stdin.fileno(),), daemon=True).start()


def _stop_with(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE)  # a step that does not heed the interrupt is ended all the same
    os._exit(130)
