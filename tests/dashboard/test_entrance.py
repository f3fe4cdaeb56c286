"""The way in: by a link, by a link of another site, by the page that asks for one; and where to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import re

import pytest

from cisgram.core.run import Run
from dashboard.asking import ORIGIN
from dashboard.test_security import FOREIGN_ORIGINS, drawn


@pytest.fixture
def asked(browser, made):
    """A browser that has not logged in."""
    return browser({"demo": Run(made)}, draw=drawn)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_that_another_site_leads_to_is_opened_from_a_page_of_ours(asked, site):
    """A Strict cookie is not sent on by a redirect of a navigation that another site began."""
    link = f"/login?token={asked.logins.new_token()}"
    led = {"sec-fetch-site": site, "sec-fetch-mode": "navigate"}
    between = asked.get(link, headers=led)
    assert between.status_code == 200
    assert "set-cookie" not in between.headers
    assert between.headers["referrer-policy"] == "no-referrer"
    assert "script-src" not in between.headers["content-security-policy"]
    address = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', between.text)[1]
    again = asked.get(html.unescape(address), headers={"sec-fetch-site": "same-origin"})
    assert (again.status_code, again.headers["location"]) == (303, "/")
    assert "samesite=strict" in again.headers["set-cookie"].lower()
    assert asked.get("/api/runs").status_code == 200
    assert asked.get(html.unescape(address), headers=led).status_code == 403  # no loop, no reuse


def test_a_link_of_any_text_stays_text_on_the_page_between(asked):
    token = '"><script>alert(1)</script>'
    led = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    between = asked.get("/login", params={"token": token, "next": token}, headers=led)
    assert between.status_code == 200
    assert "<script" not in between.text


@pytest.mark.parametrize(
    "ahead",
    [
        {"sec-purpose": "prefetch"},
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x-moz": "prefetch"},
        {"x-purpose": "preview"},
    ],
)
def test_a_link_is_not_used_ahead_of_being_opened(asked, ahead):
    link = f"/login?token={asked.logins.new_token()}"
    early = asked.get(link, headers=ahead)
    assert early.status_code == 503
    assert "set-cookie" not in early.headers
    assert asked.get(link).status_code == 303


def test_a_client_that_leaves_amid_its_form_is_no_error(asked):
    parts = iter([{"body": b"token=", "more_body": True, "type": "http.request"}])

    async def receive():
        return next(parts, {"type": "http.disconnect"})

    async def send(_message):
        pass

    headers = {"host": ORIGIN.removeprefix("http://"), "origin": ORIGIN, "content-length": "20"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/login",
        "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }
    asyncio.run(asked.app(scope, receive, send))


def test_a_token_or_a_link_can_be_typed_into_the_page_that_asks_for_one(asked):
    page = asked.get("/runs/demo/")
    assert page.status_code == 401
    policy = page.headers["content-security-policy"]
    script = re.search(r"<script>(.*)</script>", page.text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "form-action 'self'" in policy
    for link in (asked.logins.new_token(), asked.app.bound.link(asked.logins.new_token())):
        form = {"token": f" {link} ", "next": "/runs/demo/?a=b#neurons?layer=conv1"}
        answer = asked.post("/login", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, form["next"])
        assert "httponly" in answer.headers["set-cookie"].lower()
        again = asked.post("/login", data=form)
        assert again.status_code == 403
        assert "set-cookie" not in again.headers
        assert 'value="/runs/demo/?a=b#neurons?layer=conv1"' in again.text  # kept for the next try
    assert asked.get("/api/runs").status_code == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_the_form_of_another_origin_logs_nobody_in(asked, origin):
    token = asked.logins.new_token()
    refused = asked.post("/login", data={"token": token}, origin=origin)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    assert asked.post("/login", data={"token": token}).status_code == 303


@pytest.mark.parametrize("body", [b"", b"\xff", b"token", b"token=%ff", b"&" * 99, b"a=b&" * 50])
def test_a_form_without_a_token_is_refused(asked, body):
    refused = asked.post("/login", content=body)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


def test_a_form_without_end_is_not_read_to_its_end(asked):
    read = []

    async def pieces():
        for _ in range(1000):
            read.append(1)
            yield b"x" * 1000

    refused = asked.post("/login", content=pieces())
    assert refused.status_code == 413
    assert refused.headers["connection"] == "close"
    assert len(read) < 30


HOSTILE_NEXT = (
    "",
    "x",
    " /",
    "//evil.org",
    "///evil.org",
    "////evil.org/..",
    "/\\evil.org",
    "\\\\evil.org",
    "\\/evil.org",
    "/\t/evil.org",
    "/\n/evil.org",
    "\t//evil.org",
    "/\r\nset-cookie: a=b",
    "/x\x00",
    "/\u2028/evil.org",
    "/x//evil.org",
    "/.//evil.org",
    "/runs/..//evil.org",
    "http://evil.org",
    "http:evil.org",
    "https:/evil.org",
    "//user@127.0.0.1:8765@evil.org",
    "javascript:alert(1)",
    "data:text/html,x",
    "?//evil.org",
    "#//evil.org",
    "/login",
    "/login?token=x",
    "/" + "x" * 3000,
)


@pytest.mark.parametrize("after", HOSTILE_NEXT)
def test_a_login_leads_nowhere_but_to_this_server(asked, after):
    answers = [
        asked.get("/login", params={"token": asked.logins.new_token(), "next": after}),
        asked.post("/login", data={"token": asked.logins.new_token(), "next": after}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
    refused = asked.post("/login", data={"token": "wrong", "next": after})
    assert 'name="next" value="/"' in refused.text
    led = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    between = asked.get("/login", params={"token": "x", "next": after}, headers=led)
    assert "token=x&amp;next=%2F&amp;again=1" in between.text


@pytest.mark.parametrize(
    "after",
    ["/", "/?list", "/runs/demo/", "/runs/demo/#ask?sequence=AC//GT", "/compare?first=a&second=b"],
)
def test_a_login_leads_to_the_page_that_was_asked_for(asked, after):
    token = asked.logins.new_token()
    answer = asked.get("/login", params={"token": token, "next": after})
    assert (answer.status_code, answer.headers["location"]) == (303, after)
