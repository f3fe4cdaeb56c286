"""The model process from the server's side: one question at a time, and a new process when it dies.

The server itself never imports torch and never waits for a model: it writes a question to a pipe
and goes on serving until the answer comes.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cisgram.dashboard import frames
from cisgram.dashboard.errors import AnswerError, Refused, Superseded, Unavailable
from cisgram.dashboard.signals import signal_all

COMMAND = (sys.executable, "-P", "-m", "cisgram.dashboard.model_worker")
"""``-P``: a file in the folder of the server is not taken for one of ours."""
LIMIT = 60.0
"""Seconds that a question may take, the loading of its model included."""
MOST_WAITING = 64
GRACE = 2.0
"""Seconds that the process has to end by itself when it is closed."""


@dataclass(eq=False, slots=True)
class _Question:
    message: dict[str, Any]
    key: tuple[str, str]
    answer: asyncio.Future[dict[str, Any]]


class ModelWorker:
    """Asks the one process that holds models.

    Questions are answered in the order in which they came. A newer one of the same asker takes
    the place of the one that still waits: who mutates base after base sees the last state soon.

    Parameters
    ----------
    command
        What starts the process; see `cisgram.dashboard.model_worker`.
    limit
        Seconds that a question may take; then its process is ended.
    """

    def __init__(self, *, command: Sequence[str] = COMMAND, limit: float = LIMIT) -> None:
        self._command, self._limit = tuple(command), limit
        self._waiting: list[_Question] = []
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._n = 0

    @property
    def pid(self) -> int | None:
        """Id of the process, where one runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    async def ask(self, message: dict[str, Any], *, client: str) -> dict[str, Any]:
        """The answer to a question.

        Parameters
        ----------
        message
            As `Answers.answer` takes it.
        client
            Who asks: each page that is open has a name of its own.

        Raises
        ------
        Refused
            The question was wrong.
        Superseded
            A newer question of the same asker came while this one waited.
        Unavailable
            The process died or took too long, or too many wait. The next question gets a new one.
        """
        key = (client, str(message["do"]))
        place = next((i for i, q in enumerate(self._waiting) if q.key == key), None)
        question = _Question(message, key, asyncio.get_running_loop().create_future())
        if place is not None:
            _fail(self._waiting[place], Superseded("A newer question took the place of this one."))
            self._waiting[place] = question
        elif len(self._waiting) >= MOST_WAITING:
            msg = f"{MOST_WAITING} questions wait for the model already. Ask again in a moment."
            raise Unavailable(msg)
        else:
            self._waiting.append(question)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await question.answer

    async def close(self) -> None:
        """End the process; questions that wait are refused."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for question in self._waiting:
            _fail(question, Unavailable("The server is being closed."))
        self._waiting.clear()
        await self._end(GRACE)

    async def _work(self) -> None:
        while self._waiting:
            question = self._waiting.pop(0)
            if question.answer.done():  # who asked is gone
                continue
            try:
                async with asyncio.timeout(self._limit):
                    reply = await self._exchange(question.message)
            except TimeoutError:
                await self._end(0)
                msg = (
                    f"The model took longer than {self._limit:g} s and was stopped. Ask about a "
                    "shorter sequence or with fewer methods, or start a job."
                )
                _fail(question, Unavailable(msg))
            except (OSError, EOFError, ValueError):
                await self._end(GRACE)
                msg = "The model process ended before it answered; ask again and a new one starts."
                _fail(question, Unavailable(msg))
            except asyncio.CancelledError:
                _fail(question, Unavailable("The server is being closed."))
                raise
            else:
                _settle(question, reply)

    async def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a question and wait for its answer; starts the process where none runs."""
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE,
                stdout=PIPE,
                start_new_session=True,  # Ctrl-C is the server's: this one ends by its pipe
            )
        assert process.stdin is not None
        assert process.stdout is not None
        self._n += 1
        process.stdin.write(frames.pack({"id": self._n, **message}))
        await process.stdin.drain()
        while (reply := await frames.receive(process.stdout))["id"] != self._n:
            pass  # of a question whose asker was cancelled
        return reply

    async def _end(self, grace: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await process.wait()
        if process.returncode is None:
            signal_all(process, signal.SIGKILL)
            await process.wait()


def _settle(question: _Question, reply: dict[str, Any]) -> None:
    if "refused" in reply:
        _fail(question, Refused(reply["refused"]))
    elif "failed" in reply:
        _fail(question, Unavailable(reply["failed"]))
    elif not question.answer.done():
        question.answer.set_result(reply["answer"])


def _fail(question: _Question, error: AnswerError) -> None:
    if not question.answer.done():
        question.answer.set_exception(error)
