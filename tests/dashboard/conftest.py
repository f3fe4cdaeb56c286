"""Runs, and browsers that ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cisgram.core.run import Run
from dashboard.asking import Browser, Server
from made_run import make_run


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that no test changes."""
    return make_run(tmp_path_factory.mktemp("served") / "demo", n=6, length=40).path


@pytest.fixture
def browser() -> Iterator[Callable[..., Browser]]:
    """Makes an application over some runs and a browser of it."""
    opened: list[Browser] = []

    def make(runs: Mapping[str, Run], **options: Any) -> Browser:
        opened.append(Browser(runs, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    """Starts servers, and ends them."""
    started: list[Server] = []

    def start(*runs: Path, **options: Any) -> Server:
        started.append(Server(*runs, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()
