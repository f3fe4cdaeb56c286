"""Ours against a peer: results checked first, then timed alternately in one process.

Alternating matters on a shared machine: what slows one slows the other, so the ratio of the
medians can be trusted where the seconds cannot.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Work = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Timing:
    """Median rates of one comparison, in ``unit`` a second; ``ratio`` = ours / peer."""

    name: str
    unit: str
    ours: float
    peer: float | None

    @property
    def ratio(self) -> float | None:
        return None if self.peer is None else self.ours / self.peer

    def __str__(self) -> str:
        peer = "-" if self.peer is None else f"{self.peer:,.4g}"
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}x"
        return f"{self.name:<44} {self.ours:>10,.4g} {peer:>10} {ratio:>8}  {self.unit}/s"


HEADER = f"{'':<44} {'ours':>10} {'peer':>10} {'ratio':>8}"


def compare(
    name: str,
    ours: Work,
    peer: Work | None,
    *,
    unit: str,
    amount: float,
    repeats: int = 5,
    check: Callable[[Any, Any], bool] | None = None,
) -> Timing:
    """Time ours and the peer in turn, print one line, give the medians.

    Parameters
    ----------
    name
        What is timed.
    ours, peer
        The same work, no arguments; ``peer=None`` where the rival is not installed.
    unit, amount
        How much one call does, for example ``unit="Mb", amount=2.0``.
    repeats
        Timed calls of each, after one untimed call of each.
    check
        ``check(result of ours, result of peer)``; a comparison whose results do not agree is
        refused, because it would compare two different things.

    Raises
    ------
    ValueError
        When the check fails.
    """
    first, second = ours(), None if peer is None else peer()  # warm-up, and what is checked
    if check is not None and not check(first, second):
        raise ValueError(f"{name}: ours and the peer disagree; the timing would mean nothing.")
    del first, second
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    for i in range(repeats):
        pair = [("ours", ours), ("peer", peer)]
        for who, work in pair if i % 2 == 0 else reversed(pair):
            if work is not None:
                seconds[who].append(_seconds(work))
    rate = {who: amount / statistics.median(s) if s else None for who, s in seconds.items()}
    timing = Timing(name, unit, rate["ours"] or 0.0, rate["peer"])
    print(timing, flush=True)
    return timing


def _seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
