"""The application: pages of runs, their files, how far they are, and what is asked live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import BaseRoute, Route

from cisgram.core.errors import CisgramError, UnknownName
from cisgram.core.run import Run
from cisgram.dashboard.bound import Bound
from cisgram.dashboard.entrance import Entrance
from cisgram.dashboard.errors import AnswerError, Refused
from cisgram.dashboard.logins import Logins
from cisgram.dashboard.pages import Page, Pages
from cisgram.dashboard.progress import progress_of, summary_of, unreadable
from cisgram.dashboard.recent import Recent
from cisgram.dashboard.refusals import refusal, small_page
from cisgram.dashboard.security import Guard
from cisgram.dashboard.served import Served

SHOWN_AS = {
    **dict.fromkeys((".meme", ".toml", ".tsv", ".txt"), "text/plain; charset=utf-8"),
    ".json": "application/json",
}
"""Files that a browser may show; every other one is offered as a download."""


def create_app(
    runs: Mapping[str, Run],
    *,
    bound: Bound,
    logins: Logins,
    extra: Sequence[BaseRoute] = (),
    on_close: Callable[[], Awaitable[None]] | None = None,
    pages: Pages | None = None,
) -> Guard:
    """The ASGI application over some runs.

    Parameters
    ----------
    runs
        Run folders by slug; `by_slug` makes these.
    bound
        The address that the server listens at.
    logins
        Tokens and sessions; hand out a token of it to let the first browser in.
    extra
        Further routes behind the same guard, such as those that ask a model.
    on_close
        Awaited when the server ends.
    pages
        Who draws; by default pages are drawn in a process of their own.
    """
    dashboard = _Dashboard(Served(runs), bound, logins, pages or Pages())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        ahead = asyncio.create_task(dashboard.draw_ahead())
        yield
        ahead.cancel()
        await dashboard.pages.close()
        if on_close is not None:
            await on_close()

    app = Starlette(
        routes=[*Entrance(bound, logins).routes(), *dashboard.routes(), *extra],
        lifespan=lifespan,
        exception_handlers={
            HTTPException: _http_error,
            CisgramError: _our_error,
            ClientDisconnect: _gone,
            Exception: _bug,
        },
    )
    return Guard(app, bound=bound, logins=logins)


class _Dashboard:
    """The routes of this file and what they share."""

    def __init__(self, served: Served, bound: Bound, logins: Logins, pages: Pages) -> None:
        self.served = served
        self.bound = bound
        self.logins = logins
        self.pages = pages
        self._progress: Recent[dict[str, Any]] = Recent()
        self._lines: Recent[list[dict[str, Any]]] = Recent()

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.runs),
            Route("/links", self.new_link, methods=["POST"]),
            Route("/compare", self.compare),
            Route("/runs/{run}/", self.page),
            Route("/runs/{run}/files/{path:path}", self.file),
            Route("/api/runs", self.api_runs),
            Route("/api/runs/{run}/progress", self.progress),
        ]

    async def draw_ahead(self) -> None:
        """Draw the page of the only run while its link is still being opened."""
        if len(self.served.runs) == 1:
            with suppress(CisgramError):  # said on the page
                (slug,) = self.served.runs
                await self._page_of(slug)

    def new_link(self, _: Request) -> Response:
        """A link that lets one more browser in."""
        link = self.bound.link(self.logins.new_token())
        return small_page("link.html", heading="A login link", link=link)

    def runs(self, request: Request) -> Response:
        """The runs; where there is one, its page."""
        if len(self.served.runs) == 1 and "list" not in request.query_params:
            return RedirectResponse(f"/runs/{next(iter(self.served.runs))}/", status_code=303)
        runs = self._summaries()
        heading = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        return small_page("list.html", heading=heading, runs=runs)

    async def page(self, request: Request) -> Response:
        """The page of a run."""
        return _sent(request, await self._page_of(request.path_params["run"]))

    async def compare(self, request: Request) -> Response:
        """Two runs side by side."""
        if "pair" in request.query_params:  # of the list, which offers no run beside itself
            first, _, second = request.query_params["pair"].partition("/")
            query = urlencode({"first": first, "second": second})
            return RedirectResponse(f"/compare?{query}", status_code=303)
        first, second = (request.query_params.get(key, "") for key in ("first", "second"))
        if first == second and first in self.served.runs:
            msg = "A run is compared with another one; first and second name the same."
            raise Refused(msg)
        paths = [self.served.run(slug).path for slug in (first, second)]
        live = {"run": first, "second": second, "runs": self._names()}
        return _sent(request, await self.pages.get(paths, live))

    async def _page_of(self, slug: str) -> Page:
        live = {"run": slug, "runs": self._names()}
        return await self.pages.get([self.served.run(slug).path], live)

    def file(self, request: Request) -> Response:
        """A file of a run, as it is."""
        path = self.served.file(request.path_params["run"], request.path_params["path"])
        shown = SHOWN_AS.get(path.suffix)
        return FileResponse(
            path,
            media_type=shown or "application/octet-stream",
            filename=path.name,
            content_disposition_type="inline" if shown else "attachment",
        )

    def api_runs(self, _: Request) -> Response:
        """The runs, in short."""
        return JSONResponse({"runs": self._summaries()})

    def progress(self, request: Request) -> Response:
        """How far a run is; cheap enough to be asked every second."""
        slug = request.path_params["run"]
        run = self.served.run(slug)
        found = self._progress.get(slug, lambda: progress_of(run))
        return JSONResponse({"slug": slug, **found})

    def _summaries(self) -> list[dict[str, Any]]:
        def make() -> list[dict[str, Any]]:
            return [
                {"slug": slug, "name": self.served.names[slug], **_line_of(run)}
                for slug, run in self.served.runs.items()
            ]

        return self._lines.get("", make)

    def _names(self) -> list[dict[str, str]]:
        return [{"slug": slug, "name": name} for slug, name in self.served.names.items()]


def _line_of(run: Run) -> dict[str, Any]:
    """What the list says of a run; whatever one folder holds, the others are listed."""
    try:
        return summary_of(run)
    except Exception as error:  # noqa: BLE001 (a folder may hold anything)
        return unreadable(run, error)


def _sent(request: Request, page: Page) -> Response:
    """A page, or the word that the browser has it."""
    headers = {"etag": f'"{page.tag}"', "content-security-policy": page.policy}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(page.content, headers=headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # what it is registered for
    said = error.detail
    if error.status_code == 404:
        said = "There is nothing at this address."
    if error.status_code == 405:
        said = f"{request.method} is not answered at this address."
    return refusal(request.scope, error.status_code, said, headers=error.headers)


async def _our_error(request: Request, error: Exception) -> Response:
    """What went wrong is in the files, or in what was asked; the message says it."""
    status = 404 if isinstance(error, UnknownName) else 500
    if isinstance(error, AnswerError):
        status = error.status
    if status == 500 and request.method == "POST":
        status = 400
    return refusal(request.scope, status, str(error))


async def _gone(_request: Request, _: Exception) -> Response:
    """For a client that left before its request was whole: nobody reads it."""
    return Response(status_code=400)


async def _bug(request: Request, _: Exception) -> Response:
    said = "This is a bug of ours. The terminal in which 'cisgram serve' runs says more."
    return refusal(request.scope, 500, said)
