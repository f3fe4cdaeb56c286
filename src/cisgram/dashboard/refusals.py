"""Answers that are no page of a run: errors and small pages, in the style of the report."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

import cisgram
from cisgram.dashboard.served import readable

HERE = Path(__file__).parent
STYLES = (Path(cisgram.__file__).parent / "report" / "page.css", HERE / "small.css")
"""Read as files: the room ``report`` loads pandas."""
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADINGS = {
    400: "That was not understood",
    401: "Please log in",
    403: "Refused",
    404: "Nothing here",
    405: "Refused",
    408: "Too slow",
    409: "Not now",
    413: "Too large",
    414: "Too long",
    500: "Something is broken",
    503: "Not now",
}

TITLES = {"auroc": "AUROC", "jsd": "JSD", "pearson": "Pearson r"}


def small_page(
    template: str, *, heading: str, status: int = 200, script: str = "", **values: Any
) -> Response:
    """A page from a template of this room: values are text there, ``script`` alone may run."""
    style = _style()
    html = (
        _environment()
        .get_template(template)
        .render(heading=heading, style=style, script=script, version=cisgram.__version__, **values)
    )
    policy = NOTHING.replace("form-action 'none'", "form-action 'self'")
    policy += f"; style-src {_hash(style)}; img-src data:"
    if script:
        policy += f"; script-src {_hash(script)}"
    # a form that names no referrer at all would name no origin either, and be refused
    headers = {"content-security-policy": policy, "referrer-policy": "same-origin"}
    return HTMLResponse(html, status_code=status, headers=headers)


def refusal(
    scope: Scope, status: int, said: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """One paragraph that says what is wrong: as JSON below ``/api``, as a page elsewhere."""
    said = readable(said)  # it may name a file
    answer: Response
    if scope["path"].startswith("/api/"):
        answer = JSONResponse({"error": said}, status_code=status)
    elif status == 401:
        answer = login_page(status, said)
    else:
        heading = HEADINGS.get(status, "Refused" if status < 500 else HEADINGS[500])
        answer = small_page("error.html", status=status, heading=heading, said=said, code=status)
    answer.headers.update(headers or {})
    return answer


def login_page(status: int, said: str, *, after: str = "/") -> Response:
    """Asks for a login link; logged in by it, a browser is led to the address ``after``.

    A script of the page puts the address in that the browser asked for, its fragment with it.
    """
    heading, script = HEADINGS[status], (HERE / "login.js").read_text(encoding="utf-8")
    return small_page(
        "login.html", heading=heading, status=status, script=script,
        said=said, code=status, next=after,
    )  # fmt: skip


def _hash(text: str) -> str:
    """What a policy calls a style or script that stands in the page."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def _style() -> str:
    return "\n".join(path.read_text(encoding="utf-8").strip() for path in STYLES)


@cache
def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {"when": _when, "title_of": _title_of}
    return env


def _when(seconds: float) -> str:
    """A moment, given in seconds since 1970, as the clock of this machine shows it."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M}"


def _title_of(score: str) -> str:
    return TITLES.get(score, score.capitalize())
