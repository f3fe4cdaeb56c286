"""Notes of what works in a run folder: told, left by those that are killed, never in the way."""

from __future__ import annotations

import threading

import pytest

from cisgram.core import work
from cisgram.core.errors import InputError, StorageError
from cisgram.core.run import Run
from cisgram.core.work import Work, at_work, noted, works_in


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run.toml").touch()
    return Run(tmp_path)


def test_the_last_step_begun_is_told_first_and_ends_without_a_trace(run):
    with at_work(run.path, "working"), at_work(run.path, "explaining", "ism"):
        assert works_in(run.path) == [Work("explaining", "ism", True), Work("working", "", True)]
    assert works_in(run.path) == []
    assert [p.name for p in run.path.iterdir()] == ["run.toml"]


@pytest.mark.parametrize(
    ("error", "is_left"),
    [(InputError, False), (StorageError, True), (KeyboardInterrupt, True), (MemoryError, True)],
)
def test_what_is_refused_leaves_nothing_and_what_is_stopped_a_note(run, error, is_left):
    with pytest.raises(error), at_work(run.path, "judging"):
        raise error
    assert works_in(run.path) == ([Work("judging", "", False)] if is_left else [])
    with at_work(run.path, "scoring"):
        assert works_in(run.path) == [Work("scoring", "", True)]


def test_a_step_says_what_it_is_of_however_it_is_called(run):
    @noted("reading motifs", of="source")
    def step(_run, least, *, source="filters"):
        return least, works_in(run.path)

    assert step(run, 1) == (1, [Work("reading motifs", "filters", True)])
    assert step(run, least=2, source="demix") == (2, [Work("reading motifs", "demix", True)])


def test_a_folder_that_is_no_run_or_only_looked_at_gets_no_note(tmp_path, run, monkeypatch):
    with at_work(tmp_path / "new", "training"):
        assert not (tmp_path / "new").exists()

    def forbidden(*_args, **_options):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.open", forbidden)
    with at_work(run.path, "explaining"):
        assert works_in(run.path) == []


def test_without_locks_nothing_is_said(run, monkeypatch):
    def no_locks(_handle):
        raise OSError("no locks on this disk")

    monkeypatch.setattr(work, "hold", no_locks)
    with at_work(run.path, "explaining"):
        assert [p.name for p in run.path.iterdir()] == ["run.toml"]


def test_steps_that_begin_together_take_no_note_from_each_other(run):
    """A note is empty and without its lock for a moment, and then looks like a stale one."""
    missing = []
    meet = threading.Barrier(8)

    def step(name):
        for _ in range(20):
            meet.wait()
            with at_work(run.path, "explaining", name):
                if Work("explaining", name, True) not in works_in(run.path):
                    missing.append(name)

    threads = [threading.Thread(target=step, args=[str(i)]) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missing == []
    assert [p.name for p in run.path.iterdir()] == ["run.toml"]
