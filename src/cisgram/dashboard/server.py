"""uvicorn over the application, with what it leaves open closed: connections that only wait."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""The head of a request must be there whole so soon, however its bytes trickle in."""
MAX_HEAD = 32_768
"""Bytes of a request's head."""
MAX_CONNECTIONS = 2_000
SPARE_FILES = 100
"""Files that stay free for runs, pages and jobs, however many clients there are."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that hangs up on a client whose request does not arrive.

    uvicorn limits how long a connection may idle between requests, but not how long the head of a
    request may take: a client that sends a byte a minute would hold its connection for ever.
    """

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request, unless there are too many who do."""
        transport = cast("asyncio.Transport", transport)  # of a socket: it is no other
        super().connection_made(transport)
        limit = self.config.limit_concurrency
        if limit is not None and len(self.connections) > limit:
            transport.abort()
        else:
            self._wait_or_not()

    def data_received(self, data: bytes) -> None:
        """Take bytes; they prolong nothing."""
        super().data_received(data)
        self._wait_or_not()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop to wait."""
        self._stop()
        super().connection_lost(exc)

    def _wait_or_not(self) -> None:
        if self.conn.their_state is not h11.IDLE:  # a head has come
            self._stop()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _hang_up(self) -> None:
        self._waiting = None
        if self.transport is not None and self.conn.their_state is h11.IDLE:
            self.transport.abort()


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._on_start()


def serve(app: ASGIApp, listening: socket.socket, *, on_start: Callable[[], None]) -> None:
    """Answer until the process is interrupted.

    Parameters
    ----------
    app
        The application.
    listening
        A socket that listens (`cisgram.dashboard.bound.listen`); it is closed at the end.
    on_start
        Called when the first request can be answered.

    Raises
    ------
    KeyboardInterrupt
        When it was interrupted, after everything was closed.
    """
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_level="error",
        access_log=False,  # addresses of one-use links belong into no log
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_room(),
        timeout_keep_alive=15,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=MAX_HEAD,
    )
    _Server(config, on_start).run(sockets=[listening])


def _room() -> int:
    """Connections that there may be: as many files as the system lets this process open, less some.

    The soft limit is 1,024 on many systems, and may be raised by the process itself.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + SPARE_FILES
    if 0 <= soft < wanted:
        soft = wanted if hard < 0 else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MAX_CONNECTIONS if soft < 0 else max(1, min(MAX_CONNECTIONS, soft - SPARE_FILES))
