"""Notes of what works in a run folder: told, left by those that are killed, never in the way."""

from __future__ import annotations

import fcntl
import os
import resource
import threading
from pathlib import Path

import pytest

from cisgram.core import work
from cisgram.core.errors import InputError, StorageError
from cisgram.core.run import Run
from cisgram.core.work import Work, at_work, noted, works_in

STALE = ".work-0000000000000000"


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
    assert step(least=3, _run=run) == (3, [Work("reading motifs", "filters", True)])
    with pytest.raises(TypeError, match="_run"):
        step(least=3)


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


def test_a_full_disk_stops_no_step(run):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # no byte fits into a file
    try:
        with at_work(run.path, "explaining"):
            found = [p.name for p in run.path.iterdir()]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert found == ["run.toml"]
    assert [p.name for p in run.path.iterdir()] == ["run.toml"]


@pytest.mark.parametrize("error", [None, InputError])
def test_a_note_that_cannot_be_deleted_stops_no_step(run, monkeypatch, error):
    def forbidden(*_args, **_options):
        raise PermissionError

    def step():
        with at_work(run.path, "explaining"):
            monkeypatch.setattr(Path, "unlink", forbidden)
            if error is not None:
                raise error

    if error is None:
        step()
    else:
        with pytest.raises(error):
            step()


def test_what_is_locked_for_good_is_open_for_writing(run, monkeypatch):
    """A network disk locks nothing else so."""
    (run.path / STALE).touch()
    modes, hold = [], work.hold

    def watched(handle):
        modes.append(fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE)
        hold(handle)

    monkeypatch.setattr(work, "hold", watched)
    with at_work(run.path, "explaining"):
        assert set(modes) == {os.O_RDWR}
        assert len(works_in(run.path)) == 1


def test_only_what_is_named_as_our_notes_are_is_one(tmp_path, run):
    names = (".work-plan.md", f"{STALE}0", f"{STALE}.md", STALE.replace("0", "A"), ".work-")
    for name in names:
        (run.path / name).touch()
    with at_work(run.path, "explaining"):
        assert len(works_in(run.path)) == 1
    assert {p.name for p in run.path.iterdir()} == {"run.toml", *names}
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / STALE).touch()
    assert not Run(folder).holds({})
    (folder / ".work-plan.md").touch()
    with pytest.raises(InputError, match="not a run of ours"):
        Run(folder).holds({})


def test_a_note_is_locked_before_it_has_its_name(run, monkeypatch):
    seen, hold = [], work.hold

    def watched(handle):
        seen.append(works_in(run.path))
        hold(handle)

    monkeypatch.setattr(work, "hold", watched)
    with at_work(run.path, "explaining"):
        assert seen == [[]]


def test_a_note_that_is_deleted_while_it_is_read_is_of_no_stopped_step(run, monkeypatch):
    (run.path / STALE).touch()
    assert works_in(run.path) == [Work("working", "", False)]

    def late(_handle):
        (run.path / STALE).unlink()
        return False

    monkeypatch.setattr(work, "is_locked", late)
    assert works_in(run.path) == []


def test_steps_that_begin_together_take_no_note_from_each_other(run):
    """None is ever without its lock, so that it would look like a stale one."""
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
