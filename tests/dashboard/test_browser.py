"""The server in Chromium: two browsers, its own pages, and a page of another origin."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager

import pytest

from browser import chromium
from cisgram.dashboard.handover import handed_over
from made_run import make_run

__all__ = ["chromium"]

pytestmark = pytest.mark.browser


@contextmanager
def opened(chromium, *, is_refused=False):
    """A browser of its own; on leaving, nothing was said on its console, unless that something was
    refused, which Chromium notes there; and no script of a page has failed."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    heard = []
    if not is_refused:
        page.on("console", lambda m: heard.append(m.text))
    page.on("pageerror", lambda e: heard.append(str(e)))
    try:
        yield page
        assert heard == []
    finally:
        context.close()


@contextmanager
def site(page: str):
    """A site of another origin that shows one page; its port."""

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield other.server_port
        other.shutdown()


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    return [make_run(folder / n, n=6, length=40, seed=i).path for i, n in enumerate(("one", "two"))]


def test_a_second_browser_comes_in_by_a_link_that_the_first_one_makes(chromium, two, serving):
    """A form of ours tells its origin, whatever the policy on referrers."""
    server = serving(*two)
    with opened(chromium) as first, opened(chromium) as second:
        first.goto(server.next_link())
        assert first.locator("h1").inner_text() == "2 runs"
        assert first.locator("tbody tr").count() == 2
        first.click("text=Make a link")
        link = first.locator("pre").inner_text()
        second.goto(link)
        assert second.locator("h1").inner_text() == "2 runs"
        second.click("tbody a >> nth=1")
        assert second.locator("h1").inner_text() == "two"
        assert second.evaluate("document.getElementById('live') !== null")
        first.goto(f"{server.origin}/runs/two/")
        assert first.title() == second.title() == "two · cisgram"
        first.goto(f"{server.origin}/")
        first.select_option("select[name=pair]", "one/two")
        first.click("text=Compare")
        first.wait_for_url("**/compare?first=one&second=two")
        assert "two" in first.locator("h1").inner_text()
        assert first.evaluate("document.cookie") == ""


def test_a_page_of_another_origin_can_neither_read_nor_ask(chromium, two, serving):
    """Logged in, and still nothing is to be had from a page elsewhere in the same browser."""
    server = serving(*two)
    evil = f"""<!doctype html><title>evil</title><body>
    <iframe src="{server.origin}/api/runs"></iframe><script>
    const found = [];
    const ways = [
      () => fetch("{server.origin}/api/runs", {{credentials: "include"}}),
      () => fetch("{server.origin}/links", {{method: "POST", credentials: "include"}}),
      () => fetch("{server.origin}/links", {{method: "POST", mode: "no-cors"}}),
    ];
    (async () => {{
      for (const way of ways)
        try {{ const a = await way(); found.push(a.type + (await a.text())); }}
        catch (error) {{ found.push("refused"); }}
      document.title = JSON.stringify(found);
    }})();
    </script>"""

    with opened(chromium, is_refused=True) as page, site(evil) as port:
        page.goto(server.next_link())
        assert page.locator("h1").inner_text() == "2 runs"
        page.goto(f"http://127.0.0.1:{port}/")  # the same site, another port
        page.wait_for_function("document.title !== 'evil'")
        assert page.title() == '["refused","refused","refused"]'
        frame = page.frames[1]
        assert '"slug"' not in frame.content()
        assert "chrome-error" in frame.url


def test_an_error_is_a_page_like_the_others(chromium, two, serving):
    server = serving(*two)
    with opened(chromium, is_refused=True) as page:
        answer = page.goto(f"{server.origin}/runs/one/")
        assert answer.status == 401
        assert page.locator("h1").inner_text() == "Please log in"
        link = server.next_link()
        page.goto(link)
        answer = page.goto(link)
        assert answer.status == 403
        assert "has been used" in page.locator("main").inner_text()
        page.click("text=The runs that are served")
        assert page.locator("h1").inner_text() == "2 runs"


def test_a_link_that_is_clicked_on_another_site_logs_in(chromium, two, serving):
    """As in mail that is read in the browser; its token stays in no history."""
    server = serving(*two)
    link = server.next_link()
    with opened(chromium) as page, site(f'<a href="{link}">Look</a>') as port:
        elsewhere = f"http://localhost:{port}/"  # another site than 127.0.0.1
        page.goto(elsewhere)
        page.click("text=Look")
        page.wait_for_url(f"{server.origin}/")
        assert page.locator("h1").inner_text() == "2 runs"
        assert page.evaluate("document.referrer") == ""
        page.go_back()
        page.wait_for_url(elsewhere)
        page.go_forward()
        page.wait_for_url(f"{server.origin}/")
        assert page.locator("h1").inner_text() == "2 runs"


def test_who_is_logged_in_and_comes_from_another_site_goes_on_to_what_was_asked_for(
    chromium, two, serving
):
    """A Strict cookie does not come along with a link of another site; a fragment is kept."""
    server = serving(*two)
    away = f'<a href="{server.origin}/runs/two/#training">Look</a>'
    with opened(chromium, is_refused=True) as page, site(away) as port:
        page.goto(server.next_link())
        page.goto(f"http://localhost:{port}/")
        page.click("text=Look")
        page.wait_for_selector("h1:has-text('Please log in')")
        with page.context.expect_page() as another:
            page.click("text=Go on", modifiers=["Control"])
        another.value.wait_for_selector(".view.current")
        page.click("text=Go on")
        page.wait_for_selector(".view.current")
        for shown in (page, another.value):
            assert shown.url == f"{server.origin}/runs/two/#training"
            assert shown.title() == "two · cisgram"
        page.go_back()
        page.wait_for_url(f"http://localhost:{port}/")


def test_a_link_that_is_handed_over_in_a_file_logs_in(chromium, two, serving):
    """As 'cisgram serve --open' does; a file is no page of ours."""
    server = serving(*two)
    with opened(chromium) as page, handed_over(server.next_link()) as path:
        page.goto(path.as_uri())
        page.wait_for_url(f"{server.origin}/")
        assert page.locator("h1").inner_text() == "2 runs"


def test_a_login_leads_back_to_the_view_that_was_asked_for(chromium, two, serving):
    """A tab of a server that was started again; the fragment is known to the browser alone."""
    server = serving(*two)
    link = server.next_link()
    view = f"{server.origin}/runs/two/#training"
    with opened(chromium, is_refused=True) as page:
        assert page.goto(view).status == 401
        page.fill("input[name=token]", "mistaken")
        page.click("button")
        page.wait_for_url(f"{server.origin}/login")
        assert "shows a new one" in page.locator("main").inner_text()
        page.fill("input[name=token]", link)
        page.click("button")
        page.wait_for_url(view)
        assert page.title() == "two · cisgram"
