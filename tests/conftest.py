"""Fixtures that every room shares."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the real data sets; tests that need it skip where it is absent."""
    path = Path(os.environ.get("CISGRAM_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip("the data sets are not here; set CISGRAM_DATA to their folder")
    return path
