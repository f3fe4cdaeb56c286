"""What every request has to pass before anything of a run is read, and what every answer carries.

The dangers are other pages in the same browser (they can send requests here, but must not be
obeyed and cannot read the answers), other users of the same machine (they can connect, but have
no session), and clients that take up room: bodies without end, or one byte a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cisgram.dashboard.bound import Bound
from cisgram.dashboard.entrance import ELSEWHERE, LOGIN
from cisgram.dashboard.logins import Logins
from cisgram.dashboard.refusals import NOTHING, refusal

METHODS = ("GET", "HEAD", "POST")
MAX_BODY = 5_000_000
"""Bytes of a request's body, counted as they come."""
MAX_ADDRESS = 8_192
"""Bytes of a path with its query."""
BODY_SECONDS = 20.0
"""A body must be there whole so soon."""
HEADERS = {
    "content-security-policy": NOTHING,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}

CLOSED = {"connection": "close"}
"""A request that was not read to its end leaves nothing behind that could pass for the next."""


class Guard:
    """The application inside answers only who may ask, and in time.

    Parameters
    ----------
    app
        What is guarded.
    bound
        The address that the server listens at.
    logins
        Who has logged in.
    body_seconds
        Time for a request's body.
    """

    def __init__(
        self, app: ASGIApp, *, bound: Bound, logins: Logins, body_seconds: float = BODY_SECONDS
    ) -> None:
        self.app = app
        self.bound = bound
        self.logins = logins
        self.body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # no web sockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        body = _Body(receive, send, seconds=self.body_seconds)
        refused = self._refused(scope)
        if refused is None:
            await self.app(scope, body.receive, body.send)
            return
        status, said = refused
        headers = {"allow": ", ".join(METHODS)} if status == 405 else {}
        answer = refusal(scope, status, said, headers=headers | CLOSED)
        await answer(scope, receive, body.send)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Status and paragraph of a request that may not pass; ``None`` for one that may."""
        headers = Headers(scope=scope)
        return (
            _shape(scope, headers)
            or self._host(headers)
            or self._origin(scope, headers)
            or self._session(scope, headers)
        )

    def _host(self, headers: Headers) -> tuple[int, str] | None:
        hosts = headers.getlist("host")
        if len(hosts) == 1 and self.bound.allows(hosts[0]):
            return None
        return 403, (
            "This server answers only under its own name, "
            f"{self.bound.host} with port {self.bound.port}, and was asked for under another one. "
            "Open the link that the terminal shows; through a tunnel keep the port: "
            f"ssh -L {self.bound.port}:127.0.0.1:{self.bound.port} MACHINE."
        )

    def _origin(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Requests that a page of another origin made, whatever the browser tells of it."""
        ours = f"http://{headers['host']}".lower()
        origins = [origin.lower() for origin in headers.getlist("origin")]
        if scope["method"] == "POST":
            is_ours = origins == [ours]
            is_ours &= headers.get("sec-fetch-site", "same-origin") == "same-origin"
        else:
            is_ours = origins in ([], [ours])
            from_elsewhere = headers.get("sec-fetch-site") in ELSEWHERE
            is_ours &= not from_elsewhere or headers.get("sec-fetch-mode") == "navigate"
        if is_ours:
            return None
        return 403, (
            "Only pages of this server may ask it for anything, and this request came from "
            "elsewhere. Use the page that the terminal's link opens."
        )

    def _session(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        if scope["path"] == LOGIN or self.is_known(headers):
            return None
        return 401, (
            "This browser is not logged in. Open the link that 'cisgram serve' printed in its "
            "terminal, the newest one: each logs one browser in, once."
        )

    def is_known(self, headers: Headers) -> bool:
        """True when a request brings a session of ours."""
        return any(self.logins.knows(v) for v in _cookies(headers, self.bound.cookie))


def _shape(scope: Scope, headers: Headers) -> tuple[int, str] | None:
    """Requests that no page of ours makes."""
    if scope["method"] not in METHODS:
        return 405, "Only GET, HEAD and POST are answered here."
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_ADDRESS:
        return 414, f"An address may have {MAX_ADDRESS:,} bytes; this one has more."
    length = headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length) > MAX_BODY:
        return 413, _too_large()
    return None


def _too_large() -> str:
    return (
        f"A question may have {MAX_BODY:,} bytes; this one has more. Give fewer or shorter "
        "sequences, or put them into a file and use the command line."
    )


def _cookies(headers: Headers, name: str) -> Iterator[str]:
    """Every value of a cookie: a browser may send one name several times."""
    for line in headers.getlist("cookie"):
        for pair in line.split(";"):
            key, equals, value = pair.partition("=")
            if equals and key.strip() == name:
                yield value.strip()


class _Body:
    """The two ends of one request: its body is counted and timed, its answer gets `HEADERS`."""

    def __init__(self, receive: Receive, send: Send, *, seconds: float) -> None:
        self._receive, self._send = receive, send
        self._size, self._is_whole = 0, False
        self._until = asyncio.get_running_loop().time() + seconds

    async def receive(self) -> Message:
        if self._is_whole:  # what is left to come is the client's leaving, at any time
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            msg = "The request did not arrive in time. Send it again."
            raise HTTPException(408, msg, headers=CLOSED) from None
        self._size += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._size > MAX_BODY:
            raise HTTPException(413, _too_large(), headers=CLOSED)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)
