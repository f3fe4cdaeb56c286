"""The way in: a token, by a link or by a form, for a session in a cookie; then on to a page."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from cisgram.dashboard.bound import Bound
from cisgram.dashboard.logins import Logins
from cisgram.dashboard.refusals import login_page, refusal, small_page

LOGIN = "/login"
MOST = 2_000
"""Characters of an address that a login leads to."""
USED = (
    "This link has been used, or was never one of ours: each logs one browser in, once. The "
    "terminal in which 'cisgram serve' runs shows a new one; if it is gone, start it again."
)
MOST_FORM = 20_000
"""Bytes of the form that asks for a link."""
TOO_LONG = "A login link is one line. Paste the newest one that the terminal shows."
AHEAD = "A login link is used when it is opened, not ahead of that. Open it."
ELSEWHERE = ("cross-site", "same-site")
"""What ``Sec-Fetch-Site`` says where a page of another origin led here."""


class Entrance:
    """The routes at ``/login``.

    Parameters
    ----------
    bound
        The address that the server listens at.
    logins
        Tokens and sessions.
    """

    def __init__(self, bound: Bound, logins: Logins) -> None:
        self.bound = bound
        self.logins = logins

    def routes(self) -> list[BaseRoute]:
        """A link is opened by GET; the form of the page that asks for one sends a POST."""
        return [
            Route(LOGIN, self.by_link, methods=["GET"]),
            Route(LOGIN, self.by_form, methods=["POST"]),
        ]

    def by_link(self, request: Request) -> Response:
        """Exchange the token of a link for a session.

        A link can be looked at (HEAD, or ahead of being opened) without being used. Where another
        site led here, a browser would not send the new cookie on with the redirect: its
        SameSite=Strict holds for all that such a navigation leads to. A page of ours then opens
        the link once more, from here.
        """
        if request.method == "HEAD":
            return Response(status_code=204)
        if _is_ahead(request):
            return refusal(request.scope, 503, AHEAD)
        asked = request.query_params
        token, after = asked.get("token", ""), own_address(asked.get("next", ""))
        if request.headers.get("sec-fetch-site") in ELSEWHERE and "again" not in asked:
            address = f"{LOGIN}?{urlencode({'token': token, 'next': after, 'again': 1})}"
            answer = small_page("between.html", heading="Logging in", address=address)
            answer.headers["referrer-policy"] = "no-referrer"  # the address holds the token
            return answer
        return self._entered(token, after)

    async def by_form(self, request: Request) -> Response:
        """Exchange a token, or a whole link, that was typed or pasted for a session."""
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST_FORM:  # whoever sends it has not logged in
                return refusal(request.scope, 413, TOO_LONG, headers={"connection": "close"})
        try:
            fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
        except ValueError:  # more fields than the form has
            fields = {}
        token, after = (fields.get(name, [""])[0].strip() for name in ("token", "next"))
        return self._entered(_token_of(token), own_address(after))

    def _entered(self, token: str, after: str) -> Response:
        session = self.logins.login(token)
        if session is None:
            return login_page(403, USED, after=after)
        answer = RedirectResponse(after, status_code=303)
        answer.set_cookie(self.bound.cookie, session, httponly=True, samesite="strict")
        return answer


def own_address(text: str) -> str:
    r"""An address of this server that a login may lead to; ``/`` for everything else.

    It begins with one slash: a browser reads two, or a backslash, as the name of another machine,
    and takes tabs and line ends out before it looks.

    Examples
    --------
    >>> own_address("/runs/demo/?x=1#neurons"), own_address("//evil.org"), own_address("/\\evil")
    ('/runs/demo/?x=1#neurons', '/', '/')
    """
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    is_ours = path.startswith("/") and "//" not in path and path != LOGIN
    is_plain = text.isprintable() and not re.search(r"[\s\\]", text)
    return text if is_ours and is_plain and len(text) <= MOST else "/"


def _token_of(text: str) -> str:
    """The token of a link; another text is one itself."""
    try:
        return parse_qs(urlsplit(text).query)["token"][0]
    except (ValueError, KeyError):
        return text


def _is_ahead(request: Request) -> bool:
    """True where a browser fetches what may be opened later."""
    names = ("sec-purpose", "purpose", "x-purpose", "x-moz")
    told = " ".join(request.headers.get(name, "") for name in names)
    return "prefetch" in told or "preview" in told
