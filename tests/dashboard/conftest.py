"""A run in seconds, and the live routes over it without any security around them."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import planted
from cisgram.core.run import Run
from cisgram.dashboard.live import Live
from steps.wired_run import wired_run

SLUG = "a-run"


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
