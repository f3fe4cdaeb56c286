"""Waiting for what another process does."""

import time

SLUG = "a-run"


def until(holds, *, seconds=60.0, every=0.05):
    """The first true value of ``holds()``."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it never came"
        time.sleep(every)
    return found
