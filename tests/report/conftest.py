"""Runs that were made up, and pages as a browser reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cisgram.core.run import Run
from made_run import Page, make_run


@pytest.fixture
def new_run(tmp_path: Path) -> Callable[..., Run]:
    """Makes a run in a fresh folder; see `make_run`."""

    def made(**options: Any) -> Run:
        return make_run(tmp_path / "demo", **options)

    return made


@pytest.fixture
def opened() -> Callable[[Path], Page]:
    """Reads a page as a browser would."""

    def read(path: Path) -> Page:
        return Page(path.read_text(encoding="utf-8"))

    return read
