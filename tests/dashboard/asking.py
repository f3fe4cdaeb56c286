"""A browser without a screen: asks an application in this process, or a server by its socket."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2 as httpx

from cisgram.core.run import Run
from cisgram.dashboard import drawing
from cisgram.dashboard.app import create_app
from cisgram.dashboard.bound import Bound
from cisgram.dashboard.logins import Logins
from cisgram.dashboard.pages import Pages

PORT = 8765
ORIGIN = f"http://127.0.0.1:{PORT}"


async def drawn_here(runs: Sequence[Path], live: Mapping[str, Any]) -> bytes:
    """A page as the server's helper draws it, without the seconds that a process takes."""
    return drawing.draw(runs, live).encode()


class Browser:
    """One application over some runs and a client of it, in this process and one event loop."""

    def __init__(self, runs: Mapping[str, Run], *, draw: Any = None, **options: Any) -> None:
        self.logins = Logins()
        pages = Pages(draw) if draw is not None else None
        self.app = create_app(
            runs, bound=Bound(port=PORT), logins=self.logins, pages=pages, **options
        )
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=ORIGIN, timeout=120)

    def ask(self, method: str, address: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, address, **options))

    def get(self, address: str, **options: Any) -> httpx.Response:
        return self.ask("GET", address, **options)

    def post(self, address: str, *, origin: str | None = ORIGIN, **options: Any) -> httpx.Response:
        headers = {} if origin is None else {"origin": origin}
        headers |= options.pop("headers", {})
        return self.ask("POST", address, headers=headers, **options)

    def get_at_once(self, addresses: Sequence[str]) -> list[httpx.Response]:
        async def every() -> list[httpx.Response]:
            return list(await asyncio.gather(*(self._client.get(a) for a in addresses)))

        return self._runner.run(every())

    def login(self) -> Browser:
        answer = self.get(f"/login?token={self.logins.new_token()}")
        assert answer.status_code == 303
        return self

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


class Server:
    """``cisgram serve`` as a process of its own, logged in to."""

    def __init__(self, *runs: Path, options: Sequence[str] = ()) -> None:
        command = [sys.executable, "-c", "from cisgram.cli import main; main()", "serve"]
        self.process = subprocess.Popen(
            [*command, *map(str, runs), "--json", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.communicate(timeout=30)[1])
        said = json.loads(line)
        self.link, self.port = said["link"], said["port"]
        self.origin = f"http://127.0.0.1:{self.port}"
        answer = httpx.get(self.link, trust_env=False)
        self.cookie = answer.headers["set-cookie"].partition(";")[0]

    def next_link(self) -> str:
        """The link that is printed after a login."""
        return json.loads(self.process.stdout.readline())["link"]

    def raw(self, target: str | bytes, *, method: str = "GET", timeout: float = 60) -> bytes:
        """The whole answer to a request whose target is sent as it is, to the last byte."""
        target = target.encode("latin-1") if isinstance(target, str) else target
        head = self._head(target, method)
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            s.sendall(head)
            return b"".join(iter(lambda: s.recv(65536), b""))

    async def raw_at_once(self, targets: Sequence[str]) -> list[bytes]:
        """Whole answers to requests that begin together, each on a connection of its own."""

        async def one(target: str) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(self._head(target.encode(), "GET"))
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

        return list(await asyncio.gather(*(one(target) for target in targets)))

    def _head(self, target: bytes, method: str) -> bytes:
        headers = f"Host: 127.0.0.1:{self.port}\r\nCookie: {self.cookie}\r\nConnection: close"
        return b"%s %s HTTP/1.1\r\n%s\r\n\r\n" % (method.encode(), target, headers.encode())

    def stop(self) -> tuple[int, str]:
        """Exit status and what was said, after Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


def tree_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, with its time of change and its bytes."""
    found = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in found}
