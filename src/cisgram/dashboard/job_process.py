"""The process of one job: followed line by line, interrupted, and seen to that it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Sequence
from contextlib import suppress

from cisgram.core.run import Run
from cisgram.dashboard import job_files
from cisgram.dashboard.job_files import Job, now
from cisgram.dashboard.signals import signal_all

SUPERVISED = {"CISGRAM_PROGRESS": "json", "CISGRAM_STOP_WITH_STDIN": "1"}
"""See `cisgram.cli.supervised`."""
GRACE = 5.0
"""Seconds between the interrupt and the kill of a job that is cancelled."""
INTERRUPTED = "Its process was interrupted from outside. Resume it: it goes on where it was."
EVERY = 0.5  # seconds between two writings of how far a job is
LINE = 2**20  # bytes of a line


class JobProcess:
    """The command of a job at work.

    Parameters
    ----------
    run, job
        The job and the run that it lies in; how far it is is written there.
    command
        Program and arguments; no shell reads them.
    """

    def __init__(self, run: Run, job: Job, command: Sequence[str]) -> None:
        self.run, self.job, self._command = run, job, tuple(command)
        self._process: Process | None = None
        self._has_ended = False
        self._stopping: tuple[str, str] | None = None  # state and reason of its end, if stopped

    async def to_its_end(self) -> tuple[str, str]:
        """Do the job; the state that it ends in, and why where it was not done.

        Raises
        ------
        OSError, CisgramError
            When it cannot be started, or that it runs cannot be written.
        """
        job = self.job
        job.state, job.began, job.done, job.total = "running", now(), 0, 0
        job_files.write(self.run, job)
        try:
            tail, status = await self._followed()
        finally:
            self._has_ended = True
        if status == 0:
            job.done = job.total
            return "done", ""
        if self._stopping:
            return self._stopping
        if status < 0 or status == 130:
            return "interrupted", INTERRUPTED
        return "failed", _reason(tail, status)

    def stop(self, state: str, reason: str = "") -> None:
        """Interrupt it, and see to it that it ends: in the ``state`` that was asked for first."""
        self._stopping = self._stopping or (state, reason)
        if self._process is None or self._process.returncode is not None:
            return  # it is stopped as soon as it is there, or has ended
        signal_all(self._process, signal.SIGINT)
        asyncio.get_running_loop().call_later(GRACE, self._kill, self._process)

    def _kill(self, process: Process) -> None:
        """End a job that is still at work: what it started may outlive its process."""
        if not self._has_ended:
            signal_all(process, signal.SIGKILL)

    async def _followed(self) -> tuple[list[str], int]:
        """Start the process and follow it to its end; its last lines and its status."""
        process = self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            env=os.environ | SUPERVISED,
            start_new_session=True,  # Ctrl-C is the server's, which interrupts its jobs itself
            limit=LINE,
        )
        if self._stopping:  # asked for while the process was being made
            self.stop(*self._stopping)
        tail = await self._heard(process)
        return tail, await process.wait()

    async def _heard(self, process: Process) -> list[str]:
        """Keep what the process writes; the last lines."""
        assert process.stdout is not None
        job, tail = self.job, list[str]()
        written = time.monotonic()
        while True:
            try:
                raw = await process.stdout.readline()
            except ValueError:  # a line of a megabyte
                continue
            if not raw:
                return tail
            line = raw.decode("utf-8", "replace").rstrip()
            progress = _progress(line)
            if progress is not None:
                job.done, job.total = progress
            elif line:
                job.said = line[:500]
                tail = [*tail, line][-20:]
                with suppress(OSError):  # a full disk costs the log, not the job
                    job_files.log(self.run, job, line)
            if time.monotonic() - written > EVERY:
                written = time.monotonic()
                job_files.keep(self.run, job)


def _progress(line: str) -> tuple[int, int] | None:
    """How far a job is, where a line says so."""
    if not line.startswith('{"progress"'):
        return None
    try:
        done, total = json.loads(line)["progress"]
        return int(done), int(total)
    except (ValueError, TypeError, KeyError):
        return None


def _reason(tail: Sequence[str], status: int) -> str:
    """The paragraph of the error, from the last lines of a command that failed."""
    starts = [i for i, line in enumerate(tail) if line.startswith("Error:")]
    if starts:
        return " ".join(tail[starts[-1] :]).removeprefix("Error:").strip()[:2000]
    last = tail[-1] if tail else "it said nothing"
    return f"The command ended with status {status}: {last[:500]}"
