"""Runs, an address and an application, put together."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cisgram.dashboard.app import create_app
from cisgram.dashboard.bound import Bound, listen
from cisgram.dashboard.live import Live
from cisgram.dashboard.logins import Logins
from cisgram.dashboard.served import Served, by_slug


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Runs that can be served at an address that is held already."""

    served: Served
    bound: Bound
    listening: socket.socket

    def answer(
        self,
        *,
        on_start: Callable[[str], None],
        on_login: Callable[[str], None],
        on_end: Callable[[list[str]], None],
    ) -> None:
        """Answer browsers until the process is interrupted.

        Parameters
        ----------
        on_start
            Called with the first login link when requests are answered.
        on_login
            Called with a further link whenever one was used.
        on_end
            Called when it is told to end, with the jobs that end with it, each in a few words.
        """
        from cisgram.dashboard.server import serve

        logins = Logins(on_login=lambda: on_login(self.bound.link(logins.new_token())))
        live = Live(self.served.runs)

        async def close() -> None:
            on_end(live.open_jobs())
            await live.close()

        app = create_app(
            self.served.runs,
            bound=self.bound,
            logins=logins,
            extra=live.routes(),
            on_close=close,
        )
        with suppress(KeyboardInterrupt):  # this is how a server is told to end
            serve(
                app,
                self.listening,
                on_start=lambda: on_start(self.bound.link(logins.new_token())),
            )


@contextmanager
def start(
    runs: Sequence[Path], *, host: str = "127.0.0.1", port: int | None = None, allow_remote: bool
) -> Iterator[Dashboard]:
    """Hold an address for some runs.

    Parameters
    ----------
    runs
        Run folders.
    host, port, allow_remote
        As for `listen`.

    Raises
    ------
    InputError
        When a folder is no run, or the address cannot be had.
    """
    served = Served(by_slug(runs))
    listening = listen(host, port, allow_remote=allow_remote)
    with listening:
        yield Dashboard(served, Bound(host, listening.getsockname()[1]), listening)
