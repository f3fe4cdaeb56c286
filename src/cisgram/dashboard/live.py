"""The live part of the server: questions to a model, the motifs at hand, jobs."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from cisgram.core.errors import CisgramError, UnknownName
from cisgram.core.remedies import with_remedy
from cisgram.core.run import Run
from cisgram.dashboard import job_files
from cisgram.dashboard.errors import AnswerError, Conflict, Missing, Refused, Unavailable
from cisgram.dashboard.job_files import Job
from cisgram.dashboard.jobs import Jobs
from cisgram.dashboard.served import Served, readable
from cisgram.dashboard.worker import ModelWorker

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

Handler = Callable[["Request", Run], Awaitable[Any]]
MOST_NAME = 200
RESULT = ("values.safetensors", "names.tsv", "options.toml")
"""Files of scores of pasted sequences."""


class Live:
    """Routes under ``/api/runs/{run}/`` that ask a model or start jobs.

    Parameters
    ----------
    runs
        Runs by the names that addresses give them.
    worker
        Who asks the model; default a process of its own, started by the first question.
    """

    def __init__(self, runs: Mapping[str, Run], *, worker: ModelWorker | None = None) -> None:
        self.runs, self._served = runs, Served(runs)
        self.worker = worker or ModelWorker()
        self._jobs: dict[Path, Jobs] = {}

    def routes(self) -> list[BaseRoute]:
        """The routes; who adds them sees to login, Origin and the size of bodies."""
        under = "/api/runs/{run}"
        return [
            Route(f"{under}/model", self._route(self._model), methods=["GET"]),
            Route(f"{under}/motifs", self._route(self._motifs), methods=["GET"]),
            Route(f"{under}/ask", self._route(self._ask), methods=["POST"]),
            Route(f"{under}/jobs", self._route(self._list), methods=["GET"]),
            Route(f"{under}/jobs", self._route(self._start), methods=["POST"]),
            Route(f"{under}/jobs/{{job}}", self._route(self._one), methods=["GET"]),
            Route(f"{under}/jobs/{{job}}/scores", self._route(self._scores), methods=["GET"]),
            Route(f"{under}/jobs/{{job}}/cancel", self._route(self._cancel), methods=["POST"]),
            Route(f"{under}/jobs/{{job}}/resume", self._route(self._resume), methods=["POST"]),
        ]

    def open_jobs(self) -> list[str]:
        """The jobs that work or wait, each with the name of its run."""
        every = self._jobs.values()
        return [f"{job.title} ({jobs.run.path.name})" for jobs in every for job in jobs.open_jobs()]

    async def close(self) -> None:
        """End the model process and interrupt the jobs."""
        await asyncio.gather(self.worker.close(), *(j.close() for j in self._jobs.values()))

    def jobs(self, run: Run) -> Jobs:
        """The jobs of a run."""
        if run.path not in self._jobs:
            self._jobs[run.path] = Jobs(run, check=partial(self._check, run))
        return self._jobs[run.path]

    async def _check(self, run: Run, body: Mapping[str, Any]) -> None:
        """Refuse a job that would come to nothing, as far as its model can tell in time."""
        with suppress(Unavailable):  # what is wrong will be said by the job itself
            await self._asked("check", run, body=body)

    def _route(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """A handler with the run of the address, whose errors are one paragraph each."""

        async def answered(request: Request) -> Response:
            slug = request.path_params["run"]
            if slug not in self.runs:
                return failed(404, "No run of this name is served here. Go back to the list.")
            run = self.runs[slug]
            try:
                return JSONResponse(await handler(request, run))
            except CisgramError as error:
                status = error.status if isinstance(error, AnswerError) else 400
                return failed(status, with_remedy(str(error), run.path))

        return answered

    async def _model(self, _request: Request, run: Run) -> Any:
        """Facts of the model, or why there are none: no page that looks has made an error."""
        try:
            return await self._asked("model", run)
        except Refused as error:
            return {"ready": False, "why": readable(with_remedy(str(error), run.path))}

    async def _motifs(self, _request: Request, run: Run) -> Any:
        return await self._asked("motifs", run)

    async def _asked(self, what: str, run: Run, **more: Any) -> Any:
        """Asked under a name of its own: none takes the place of another page's."""
        message = {"do": what, "run": str(run.path), **more}
        return await self.worker.ask(message, client=secrets.token_hex(8))

    async def _ask(self, request: Request, run: Run) -> Any:
        question = _question(await body_of(request))
        client = question.pop("client")
        return await self.worker.ask({"do": "ask", "run": str(run.path), **question}, client=client)

    async def _list(self, _request: Request, run: Run) -> Any:
        return {"jobs": [_shown(job) for job in self.jobs(run).every()]}

    async def _start(self, request: Request, run: Run) -> Any:
        return _shown(await self.jobs(run).start(await body_of(request)))

    async def _one(self, request: Request, run: Run) -> Any:
        self.jobs(run).every()  # states of jobs whose server is gone
        job = job_files.read(run, request.path_params["job"])
        return {**_shown(job), "log": job_files.read_log(run, job)}

    async def _scores(self, request: Request, run: Run) -> Any:
        """What a job on pasted sequences found, as the page draws sequences."""
        job = job_files.read(run, request.path_params["job"])
        if job.state != "done" or job.result.startswith("#"):
            msg = "This job has no scores of pasted sequences to draw."
            raise Conflict(msg)
        folder = _result_of(self._served, request.path_params["run"], job)
        return await self._asked("given", run, folder=str(folder))

    async def _cancel(self, request: Request, run: Run) -> Any:
        return _shown(self.jobs(run).cancel(request.path_params["job"]))

    async def _resume(self, request: Request, run: Run) -> Any:
        return _shown(await self.jobs(run).resume(request.path_params["job"]))


def _result_of(served: Served, slug: str, job: Job) -> Path:
    """The folder of a result, whose files must lie in the run: a job's file may name any.

    Raises
    ------
    Missing
        When one of them is not there.
    """
    folder = served.run(slug).path.resolve() / job.result
    with suppress(UnknownName):
        if all(served.file(slug, f"{job.result}/{name}") == folder / name for name in RESULT):
            return folder
    msg = "The result of this job is gone from the folder of the run. Start the job again."
    raise Missing(msg)


def _shown(job: Job) -> dict[str, Any]:
    """A job as the page lists it; not its command, which has the paths of this machine."""
    return {k: v for k, v in asdict(job).items() if k not in ("arguments", "request")}


def failed(status: int, said: str) -> JSONResponse:
    """An error as the page reads it."""
    return JSONResponse({"error": readable(said)}, status_code=status)


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request.

    Raises
    ------
    Refused
        When the body is something else.
    """
    try:
        text = (await request.body()).decode("utf-8")
        found = json.loads(text)
    except (ValueError, RecursionError) as error:  # letters, JSON; digits or brackets without end
        msg = "The body must be a JSON object."
        raise Refused(msg) from error
    try:
        if "\\ud" in text.lower():  # rare: an escape that may be half of a pair
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        msg = "The text holds half a character, which no file can hold. Paste or type it again."
        raise Refused(msg) from error
    if not isinstance(found, dict):
        msg = f"The body must be a JSON object; got {type(found).__name__}."
        raise Refused(msg)
    return found


def _question(body: dict[str, Any]) -> dict[str, Any]:
    """What of a body is asked, each part checked to be of its kind.

    Raises
    ------
    Refused
        Naming the first part that is not.
    """
    wanted: dict[str, tuple[type, ...]] = {
        "sequence": (str,),
        "client": (str,),
        "name": (str, type(None)),
        "target": (str, type(None)),
        "methods": (list, type(None)),
    }
    found = {"client": "", **body}
    for name, kinds in wanted.items():
        value = found.get(name)
        if not isinstance(value, kinds):
            msg = f"{name} must be {kinds[0].__name__}; got {type(value).__name__}."
            raise Refused(msg)
    methods = found.get("methods")
    if methods is not None and not all(isinstance(m, str) for m in methods):
        msg = "methods must be a list of names."
        raise Refused(msg)
    return {
        "sequence": found["sequence"],
        "client": found["client"][:MOST_NAME],
        "name": (found.get("name") or "")[:MOST_NAME],
        "target": found.get("target"),
        "methods": methods,
    }
