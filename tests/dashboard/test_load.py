"""A real server under many clients, slow ones, and a signal."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import ExitStack

import httpx2 as httpx
import pytest

from cisgram.dashboard.bound import Bound
from cisgram.dashboard.server import MAX_CONNECTIONS, MAX_HEAD

N = 1000


def connect(server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def rest_of(s: socket.socket) -> bytes:
    try:
        return b"".join(iter(lambda: s.recv(65536), b""))
    except ConnectionResetError:
        return b""


@pytest.fixture
def slow():
    """Holds connections until the test is over."""
    with ExitStack() as held:
        yield held


def test_two_browsers_log_in_with_a_link_each(made, serving):
    server = serving(made)
    second = server.next_link()
    assert second != server.link
    with httpx.Client(trust_env=False) as one, httpx.Client(trust_env=False) as two:
        assert one.get(server.link).status_code == 403  # the fixture used it
        assert two.get(second).status_code == 303
        pages = [c.get(f"{server.origin}/api/runs") for c in (one, two)]
    assert [p.status_code for p in pages] == [401, 200]
    assert server.raw("/api/runs").startswith(b"HTTP/1.1 200")
    assert server.next_link() not in (server.link, second)


def test_ctrl_c_ends_it_and_frees_the_port(made, serving):
    server = serving(made)
    with connect(server) as waiting:  # one that never asks does not hold it up
        status, said = server.stop()
        assert rest_of(waiting) == b""
    assert status == 0
    assert said.splitlines()[-1] == "Stopped."
    assert "Traceback" not in said
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def test_what_is_no_http_is_refused(made, serving):
    server = serving(made)
    for sent in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                 b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                 b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * (MAX_HEAD // 3)):  # fmt: skip
        with connect(server) as s:
            s.sendall(sent)
            s.shutdown(socket.SHUT_WR)
            answer = rest_of(s)
        assert not answer or int(answer.split()[1]) in (400, 403, 431, 505), sent[:40]
    assert server.raw("/api/runs").startswith(b"HTTP/1.1 200")
    assert "Traceback" not in server.stop()[1]


def test_a_web_socket_is_not_opened(made, serving):
    server = serving(made)
    with connect(server) as s:
        head = f"GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        s.sendall(
            f"{head}Cookie: {server.cookie}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        assert b" 101 " not in s.recv(100)


@pytest.mark.slow
def test_a_head_that_trickles_in_is_hung_up_on(made, serving):
    """The clock runs from the first moment on; bytes prolong nothing."""
    server = serving(made)
    with connect(server) as s:
        s.settimeout(0.5)
        for _ in range(1000):  # until it hangs up
            try:
                s.sendall(b"G")
                hung_up = s.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                hung_up = True
            break
        assert hung_up
    assert server.raw("/api/runs").startswith(b"HTTP/1.1 200")


@pytest.mark.slow
def test_a_thousand_requests_and_slow_clients_leave_it_answering(made, serving, slow):
    """Half-sent heads, half-sent bodies, unread answers, and 1,000 requests at once."""
    server = serving(made)
    ours = f"HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nCookie: {server.cookie}\r\n"
    body = f"Origin: {server.origin}\r\nContent-Length: 4000000\r\n\r\nx"
    beginnings = (
        "GET /api/runs HTTP/1.1",
        f"POST /links {ours}{body}",
        f"GET /?list {ours}\r\n",
        "",
    )
    for begun in beginnings * 25:
        slow.enter_context(connect(server)).sendall(begun.encode())

    addresses = ["/api/runs/demo/progress", "/api/runs", "/?list", "/nowhere"]
    answers = asyncio.run(server.raw_at_once(addresses * (N // 4)))
    found = [int(answer.split()[1]) for answer in answers]
    assert len(found) == N
    assert found.count(200) == 750
    assert found.count(404) == 250
    assert server.raw("/api/runs").startswith(b"HTTP/1.1 200")
    status, said = server.stop()
    assert status == 0
    assert "Traceback" not in said


@pytest.mark.slow
def test_more_connections_than_there_are_places_end_when_their_time_is_over(made, serving, slow):
    server = serving(made)
    for _ in range(MAX_CONNECTIONS + 200):
        slow.enter_context(connect(server))
    until = time.monotonic() + 60
    while not _answers(server) and time.monotonic() < until:
        time.sleep(0.5)
    assert _answers(server)


def _answers(server) -> bool:
    try:
        return server.raw("/api/runs").startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def test_the_default_is_this_machine_alone():
    assert not Bound().is_remote
