"""One process at a time, and looking at a lock without disturbing it."""

from __future__ import annotations

import fcntl
import threading

import pytest

from cisgram.core.errors import InputError
from cisgram.core.lock import LOCK, is_held, only_one


def test_a_folder_is_held_by_one_and_free_again(tmp_path):
    with only_one(tmp_path / "new"):
        assert is_held(tmp_path / "new") is True
        with (
            pytest.raises(InputError, match="Another process is at work"),
            only_one(tmp_path / "new"),
        ):
            pytest.fail("two hold it")
    assert is_held(tmp_path / "new") is False


def test_a_look_at_the_lock_keeps_nobody_out(tmp_path):
    """A look holds the lock for a moment; who wants it then is not refused."""
    (tmp_path / LOCK).touch()
    looked = threading.Event()

    def look():
        with (tmp_path / LOCK).open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            looked.set()
            threading.Event().wait(0.03)

    looking = threading.Thread(target=look)
    looking.start()
    looked.wait()
    with only_one(tmp_path):
        assert is_held(tmp_path) is True
    looking.join()


def test_a_folder_without_a_lock_is_free_and_stays_without(tmp_path):
    assert is_held(tmp_path) is False
    assert is_held(tmp_path / "nowhere") is False
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_read_says_nothing(tmp_path):
    (tmp_path / LOCK).mkdir()
    assert is_held(tmp_path) is None
