"""Longer work on a run: one command at a time as a process, watched, cancelled, resumed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from shutil import rmtree
from typing import Any, TypeAlias

from cisgram.core.errors import CisgramError, InputError
from cisgram.core.lock import LOCK, is_held, only_one
from cisgram.core.run import Run
from cisgram.dashboard import job_files
from cisgram.dashboard.errors import Conflict, Refused
from cisgram.dashboard.job_files import FOLDER, OPEN, Job, now
from cisgram.dashboard.job_kinds import kept_of, plan
from cisgram.dashboard.job_process import JobProcess

COMMAND = (sys.executable, "-P", "-m", "cisgram")
"""``-P``: a file in the folder of the server, or of a run, is not taken for one of ours."""
MOST_WAITING = 20
SERVER_ENDED = "The server ended before this job did. Resume it: it goes on where it was."
Check: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[None]]


class Jobs:
    """The jobs of one run. Each is the same ``cisgram`` command that a terminal would run.

    A job never outlives its server: when that ends, however it ends, the job is interrupted, and
    the next server shows it so. Resuming runs the same command, which goes on where it was.

    Parameters
    ----------
    run
        The run; jobs lie in ``RUN/jobs``.
    command
        What stands before the arguments.
    check
        Raises `Refused` for a request, as `kept_of` keeps it, that would come to nothing.
    """

    def __init__(
        self, run: Run, *, command: Sequence[str] = COMMAND, check: Check | None = None
    ) -> None:
        self.run, self._command, self._check = run, tuple(command), check
        self._queue: list[Job] = []
        self._current: JobProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._held = ExitStack()
        self._is_held = self._is_closed = False

    def open_jobs(self) -> list[Job]:
        """The jobs of this server that work or wait."""
        current = [] if self._current is None else [self._current.job]
        return [*current, *self._queue]

    def every(self) -> list[Job]:
        """All jobs, the newest first; what a server that is gone had begun is interrupted."""
        mine = {job.id: job for job in self.open_jobs()}
        found = [mine.get(job.id, job) for job in job_files.every(self.run)]
        left = [job for job in found if job.state in OPEN and job.id not in mine]
        if left and self._is_alone():
            for job in left:
                self._end(job, "interrupted", SERVER_ENDED)
        return found

    async def start(self, body: Mapping[str, Any]) -> Job:
        """Begin the job that a request asks for, or let it wait for those before it.

        Raises
        ------
        Refused
            As `job_kinds.plan`; or when names, numbers or settings are not those of the model.
        Conflict
            When another server works on this run, its folder cannot be written, or too many wait.
        """
        self._check_free()
        name = job_files.new_id()
        folder = job_files.folder_of(self.run, name)
        try:
            planned = await asyncio.to_thread(plan, self.run, body, folder)  # reads what is pasted
            await self._checked(body)
            job = job_files.new_job(name, planned, body)
            self._enqueue(job)
        except BaseException:
            rmtree(folder, ignore_errors=True)
            raise
        return job

    def cancel(self, name: str) -> Job:
        """Stop a job: an interrupt, and a kill after `GRACE` seconds.

        Raises
        ------
        Missing
            When there is no such job.
        Conflict
            When it has ended already.
        """
        for job in self._queue:
            if job.id == name:
                self._queue.remove(job)
                self._end(job, "cancelled")
                return job
        if self._current is not None and self._current.job.id == name:
            self._current.stop("cancelled")
            return self._current.job
        job = self._ended(name)
        msg = f"This job is {job.state}; there is nothing to cancel."
        raise Conflict(msg)

    async def resume(self, name: str) -> Job:
        """Ask again for what a job was to do; its command goes on where it was.

        Raises
        ------
        Missing
            When there is no such job.
        Conflict
            When it is at work, or was done; or as `start`.
        Refused
            When its file asks for what no page can ask for, or for what the model has not.
        """
        self._check_idle(name)
        job = self._ended(name)
        if job.state == "done":
            msg = "This job was done. Start a new one to do it again."
            raise Conflict(msg)
        self._check_free()
        asked, folder = job_files.request_of(self.run, job), job_files.folder_of(self.run, name)
        try:
            again = await asyncio.to_thread(plan, self.run, asked, folder)
        except Refused as error:
            msg = f"The file of this job does not say plainly what to do: {error} Start a new job."
            raise Refused(msg) from error
        await self._checked(asked)
        self._check_idle(name)  # others may have asked meanwhile
        job.title, job.result, job.arguments = again.title, again.result, again.arguments
        job.state, job.error, job.said, job.ended = "waiting", "", "", ""
        self._enqueue(job)
        return job

    async def close(self) -> None:
        """Interrupt what is at work; it can be resumed by the next server."""
        self._is_closed = True
        for job in self._queue:
            self._end(job, "interrupted", SERVER_ENDED)
        self._queue.clear()
        if self._current is not None:
            self._current.stop("interrupted", SERVER_ENDED)
        if self._task is not None:
            await self._task
        self._held.close()
        self._is_held = False

    async def _checked(self, body: Mapping[str, Any]) -> None:
        """Refuse what `plan` took and the model has not."""
        if self._check is not None:
            await self._check(kept_of(body))

    def _ended(self, name: str) -> Job:
        self.every()  # states of jobs whose server is gone
        return job_files.read(self.run, name)

    def _check_idle(self, name: str) -> None:
        if any(job.id == name for job in self.open_jobs()):
            msg = "This job is at work already."
            raise Conflict(msg)

    def _check_free(self) -> None:
        self._hold()
        self._check_room()

    def _check_room(self) -> None:
        if len(self._queue) >= MOST_WAITING:
            msg = f"{MOST_WAITING} jobs wait already. Wait until some are done, or cancel them."
            raise Conflict(msg)

    def _is_alone(self) -> bool:
        """True where no other server can be at work on this run; false where nobody knows."""
        with suppress(CisgramError):
            self._hold()
            return bool(is_held(self.run.path / FOLDER))  # by us; a disk may know no locks
        return False

    def _hold(self) -> None:
        """Hold the jobs of the run, so that no second server starts or judges them.

        Raises
        ------
        Conflict
            When another server holds them, or the folder cannot be written.
        """
        if self._is_held:
            return
        folder = self.run.path / FOLDER
        if folder.is_symlink() or (folder / LOCK).is_symlink():
            msg = f"{FOLDER} in the folder of this run is a link, which is not followed. Delete it."
            raise Conflict(msg)
        try:
            self._held.enter_context(only_one(folder))
        except InputError as error:
            msg = "Another server works on this run. Use that one, or close it first."
            if not isinstance(error.__cause__, BlockingIOError):
                msg = f"No job can be kept in this run. {error}"
            raise Conflict(msg) from error
        self._is_held = True

    def _enqueue(self, job: Job) -> None:
        if self._is_closed:
            msg = "The server is being closed. Start the job when it is there again."
            raise Conflict(msg)
        self._check_room()  # others may have been let in while this one was checked
        job_files.write(self.run, job)
        self._queue.append(job)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while self._queue:
            job = self._queue.pop(0)
            self._current = JobProcess(self.run, job, (*self._command, *job.arguments))
            try:
                ended = await self._current.to_its_end()
            except (OSError, CisgramError) as error:
                ended = "failed", f"The job could not be run: {error}"
            finally:
                self._current = None
            self._end(job, *ended)

    def _end(self, job: Job, state: str, error: str = "") -> None:
        job.state, job.error, job.ended = state, error, now()
        job_files.keep(self.run, job)
