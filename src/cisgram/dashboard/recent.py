"""Answers that many ask for at once: made once, and given out for half a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
SECONDS = 0.5


class Recent(Generic[T]):
    """The last answer by key, as long as it is `SECONDS` old at most.

    Parameters
    ----------
    clock
        Seconds that only grow.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, T]] = {}

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The answer for a key; others who ask for one meanwhile wait for it."""
        with self._lock:
            made_at, value = self._known.get(key, (None, None))
            if made_at is not None and value is not None and self._clock() - made_at < SECONDS:
                return value
            value = make()
            self._known[key] = self._clock(), value
            return value
