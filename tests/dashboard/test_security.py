"""Who is answered, and what every answer carries."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cisgram.core.run import Run
from cisgram.dashboard import security
from cisgram.dashboard.bound import Bound
from cisgram.dashboard.logins import OPEN_LINKS, Logins
from dashboard.asking import ORIGIN, PORT

ADDRESSES = (
    "/",
    "/compare?first=demo&second=demo",
    "/runs/demo/",
    "/runs/demo/files/run.toml",
    "/runs/nowhere/",
    "/nowhere",
    "/api/runs",
    "/api/runs/demo/progress",
    "/api/nowhere",
)
FOREIGN_HOSTS = (
    "evil.org",
    f"evil.org:{PORT}",
    f"localhost.evil.org:{PORT}",
    f"evil.org#localhost:{PORT}",
    f"127.0.0.1.evil.org:{PORT}",
    f"localhost.:{PORT}",
    f"user@localhost:{PORT}",
    f"127.0.0.1:{PORT}, evil.org",
    f"0.0.0.0:{PORT}",
    f"192.168.0.7:{PORT}",
    f"[::2]:{PORT}",
    "127.0.0.1",
    "127.0.0.1:80",
    f"127.0.0.1:{PORT}0",
    f"127.0.0.1:+{PORT}",
    f":{PORT}",
    "",
)
FOREIGN_ORIGINS = (
    None,
    "null",
    "",
    "http://evil.org",
    "http://127.0.0.1",
    f"http://127.0.0.1:{PORT + 1}",
    f"http://localhost:{PORT}",  # another origin than the one that was asked under
    f"https://127.0.0.1:{PORT}",
    f"http://127.0.0.1:{PORT}.evil.org",
    f"http://127.0.0.1:{PORT}/",
)


async def drawn(runs, live):
    return b"<!doctype html><title>drawn</title>"


async def echo(request: Request) -> JSONResponse:
    return JSONResponse({"bytes": len(await request.body())})


@pytest.fixture
def asked(browser, made):
    """A browser that has not logged in, with one route more that takes a body."""
    extra = [Route("/api/echo", echo, methods=["POST"])]
    return browser({"demo": Run(made)}, draw=drawn, extra=extra)


@pytest.mark.parametrize("address", ADDRESSES)
def test_without_a_session_nothing_is_answered(asked, address):
    answer = asked.get(address)
    assert answer.status_code == 401
    assert "the link that 'cisgram serve' printed" in answer.text.replace("&#39;", "'")
    assert ("error" in answer.json()) if address.startswith("/api") else "<h1>" in answer.text
    for value in ("", "x", "x" * 5000):
        cookies = {"cookie": f"{asked.app.bound.cookie}={value}"}
        assert asked.get(address, headers=cookies).status_code == 401


def test_a_link_logs_one_browser_in_once(asked):
    link = f"/login?token={asked.logins.new_token()}"
    assert asked.ask("HEAD", link).status_code == 204  # looked at, not used
    first = asked.get(link)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    kept = {part.strip().lower() for part in first.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= kept
    assert not any(part.startswith(("domain", "expires", "max-age")) for part in kept)
    assert asked.get("/api/runs").status_code == 200
    again = asked.get(link)
    assert again.status_code == 403
    assert "shows a new one" in again.text


@pytest.mark.parametrize("token", ["", "x", "é" * 40, "%00", "A" * 43, "None"])
def test_a_wrong_token_is_refused(asked, token):
    asked.logins.new_token()
    for address in (f"/login?token={token}", "/login", f"/login?x={token}"):
        answer = asked.get(address)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_each_login_asks_for_a_link_for_the_next_browser():
    given = []
    logins = Logins(on_login=lambda: given.append(logins.new_token()))
    first = logins.new_token()
    sessions = [logins.login(first), logins.login(given[0])]
    assert len(given) == 2
    assert len({first, *given, *sessions}) == 5
    assert all(logins.knows(s) for s in sessions)
    assert not any(logins.knows(t) for t in (first, *given, ""))
    assert logins.login(first) is None
    assert len(given) == 2


def test_links_that_nobody_used_end_with_the_oldest():
    logins = Logins()
    tokens = [logins.new_token() for _ in range(OPEN_LINKS + 1)]
    assert logins.login(tokens[0]) is None
    assert logins.login(tokens[1]) is not None


def test_a_page_that_is_logged_in_lets_another_browser_in(asked, browser, made):
    asked.login()
    said = asked.post("/links").text
    token = said.partition("/login?token=")[2].partition("<")[0]
    session = asked.logins.login(token)
    assert asked.logins.knows(session)


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_refused(asked, host):
    asked.login()
    for address in (*ADDRESSES, f"/login?token={asked.logins.new_token()}"):
        answer = asked.get(address, headers={"host": host})
        assert answer.status_code == 403
        assert "only under its own name" in answer.text


def test_a_second_host_is_refused_whatever_the_first_says(asked):
    asked.login()
    ours = ("host", f"127.0.0.1:{PORT}")
    for hosts in ([ours, ("host", "evil.org")], [ours, ours]):
        assert asked.get("/api/runs", headers=hosts).status_code == 403


@pytest.mark.parametrize("host", [f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"])
def test_other_names_of_this_machine_are_answered(asked, host):
    asked.login()
    cookie = f"{asked.app.bound.cookie}={next(iter(asked._client.cookies.jar)).value}"
    assert asked.get("/api/runs", headers={"host": host, "cookie": cookie}).status_code == 200


def test_the_port_belongs_to_the_name_where_it_is_not_80():
    assert Bound(port=80).allows("localhost")
    assert Bound(port=80).allows("localhost:80")
    assert not Bound(port=8765).allows("localhost")


def test_a_server_for_other_machines_answers_addresses_and_no_foreign_name():
    bound = Bound("0.0.0.0", PORT)
    assert bound.is_remote
    for host in ("10.0.0.7", "[2001:db8::1]", "localhost"):
        assert bound.allows(f"{host}:{PORT}")
    for host in ("evil.org", "10.0.0.7.evil.org", "10.0.0", "[x]"):
        assert not bound.allows(f"{host}:{PORT}")
    assert "token=abc" in bound.link("abc")
    assert "0.0.0.0" not in bound.link("abc")


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_post_of_another_origin_is_refused(asked, origin):
    asked.login()
    for address in ("/links", "/api/echo"):
        answer = asked.post(address, origin=origin)
        assert answer.status_code == 403
        assert "came from elsewhere" in answer.text


def test_a_post_of_our_own_page_is_answered(asked):
    asked.login()
    assert asked.post("/api/echo", content=b"abc").json() == {"bytes": 3}
    fetched = {"sec-fetch-site": "same-origin"}
    assert asked.post("/api/echo", headers=fetched).status_code == 200
    for site in ("cross-site", "same-site", "none"):
        answer = asked.post("/api/echo", headers={"sec-fetch-site": site})
        assert answer.status_code == 403


def test_another_site_may_lead_here_but_not_fetch(asked):
    asked.login()
    site = {"sec-fetch-site": "cross-site"}
    assert asked.get("/api/runs", headers=site | {"sec-fetch-mode": "navigate"}).status_code == 200
    for mode in ("no-cors", "cors", ""):
        answer = asked.get("/api/runs", headers=site | {"sec-fetch-mode": mode})
        assert answer.status_code == 403
    assert asked.get("/api/runs", headers={"origin": "http://evil.org"}).status_code == 403
    assert asked.get("/api/runs", headers={"origin": ORIGIN}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "X"])
def test_other_methods_are_refused(asked, method):
    asked.login()
    preflight = {"origin": "http://evil.org", "access-control-request-method": "POST"}
    answer = asked.ask(method, "/api/runs", headers=preflight)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_every_answer_carries_the_same_armor(asked):
    asked.login()
    answers = [asked.get(address) for address in ADDRESSES]
    answers += [asked.post("/links"), asked.post("/links", origin=None), asked.post("/nowhere")]
    answers += [asked.ask("OPTIONS", "/"), asked.get("/", headers={"host": "x"})]
    answers += [asked.get(f"/login?token={asked.logins.new_token()}")]
    assert {a.status_code for a in answers} >= {200, 303, 403, 404, 405}
    for answer in answers:
        for name, value in security.HEADERS.items():
            if name not in ("content-security-policy", "referrer-policy"):
                assert answer.headers.get_list(name) == [value]
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
        (policy,) = answer.headers.get_list("content-security-policy")
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_body_is_counted_as_it_comes(asked, monkeypatch):
    monkeypatch.setattr(security, "MAX_BODY", 1000)
    asked.login()

    async def pieces(n):
        for _ in range(n):
            yield b"x" * 100

    assert asked.post("/api/echo", content=b"x" * 1000).json() == {"bytes": 1000}
    assert asked.post("/api/echo", content=pieces(10)).json() == {"bytes": 1000}
    for content in (b"x" * 1001, pieces(11)):
        answer = asked.post("/api/echo", content=content)
        assert answer.status_code == 413
        assert "1,000 bytes" in answer.json()["error"]
        assert answer.headers["connection"] == "close"
    lied = asked.post("/api/echo", content=pieces(11), headers={"content-length": "5"})
    assert lied.status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for(asked):
    asked.login()
    asked.app.body_seconds = 0.05

    async def never():
        yield b"x"
        await asyncio.sleep(3600)

    answer = asked.post("/api/echo", content=never())
    assert answer.status_code == 408
    assert "Send it again" in answer.json()["error"]


def test_an_address_without_end_is_refused(asked):
    asked.login()
    assert asked.get("/api/runs?x=" + "y" * 8000).status_code == 200
    assert asked.get("/api/runs?x=" + "y" * 9000).status_code == 414
    assert asked.get("/" + "y" * 9000).status_code == 414


def test_a_bug_is_said_without_its_traceback(browser, made):
    async def broken(runs, live):
        raise RuntimeError("secret detail")

    asked = browser({"demo": Run(made)}, draw=broken).login()
    answer = asked.get("/runs/demo/")
    assert answer.status_code == 500
    assert "a bug of ours" in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert asked.get("/api/runs").status_code == 200
