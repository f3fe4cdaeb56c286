"""Runs, and browsers that ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import planted
from cisgram.core.run import Run
from cisgram.dashboard.live import Live
from dashboard.asking import Browser, Server
from dashboard.waiting import SLUG
from made_run import make_run
from steps.wired_run import wired_run


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


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A network that looks for CACGTGAC; nothing is trained."""
    return wired_run(tmp_path)


@pytest.fixture
def sequence() -> str:
    """60 bp with the word that the network looks for."""
    return planted.letters(2)[1]


@pytest.fixture
def live(run):
    return Live({SLUG: run})


@pytest.fixture
def client(live):
    with TestClient(Starlette(routes=live.routes()), base_url="http://127.0.0.1") as opened:
        yield opened
        opened.portal.call(live.close)
