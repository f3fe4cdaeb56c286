"""The form of a job and the list of jobs in headless Chromium."""

from __future__ import annotations

import pytest

from browser import chromium
from cisgram.core import files
from cisgram.core.work import at_work
from cisgram.dashboard import job_files
from cisgram.dashboard.jobs import SERVER_ENDED
from dashboard.test_live_browser import opened

pytestmark = pytest.mark.browser
__all__ = ["chromium"]


def test_a_list_of_neurons_is_checked_by_the_form_and_demixed(chromium, serving, run):
    with opened(chromium, serving(run.path), "#jobs") as page:
        page.select_option("#job-kind", "demix")
        page.fill("#job-layer", "conv1")
        page.fill("#job-neuron", "0,2-9")
        page.click(".jobform button[type=submit]")
        page.wait_for_selector(".status [role=alert]:has-text('the neurons 0 to 3; got 4')")
        page.heard.clear()  # Chromium notes that the server answered 400
        assert page.locator(".jobs li.none").is_visible()
        page.fill("#job-neuron", "0, 2-3")
        page.click(".jobform button[type=submit]")
        page.wait_for_selector(".jobs li:has-text('demix neurons 0,2-3 of conv1')")
        page.wait_for_selector(".jobs .state.done", timeout=120_000)
    assert {p.stem for p in (run.path / "demix/conv1").glob("*.json")} == {"0", "2", "3"}


def test_a_job_is_started_once_while_it_is_checked(chromium, serving, run):
    with opened(chromium, serving(run.path), "#jobs") as page:
        held = []

        def hold(route):
            if route.request.method == "POST":
                held.append(route)
            else:
                route.continue_()

        def ask():
            with page.expect_request(lambda r: r.method == "POST"):
                page.locator("#job-layer").press("Enter")
            page.wait_for_selector(".jobform [role=status]:text-is('Checking…')")
            assert start.is_disabled()

        page.route("**/api/runs/RUN/jobs", hold)
        start = page.locator(".jobform button[type=submit]")
        page.select_option("#job-kind", "demix")
        page.fill("#job-layer", "conv1")
        page.fill("#job-neuron", "0")
        ask()
        page.locator("#job-layer").press("Enter")
        start.click(force=True)
        page.wait_for_timeout(200)
        assert len(held) == 1
        held.pop().abort()
        page.wait_for_selector(".status [role=alert]:has-text('does not answer')")
        page.wait_for_selector(".jobform button[type=submit]:enabled")
        assert page.locator(".jobform [role=status]").inner_text() == ""
        page.heard.clear()  # Chromium notes that there was no answer
        start.focus()
        with page.expect_request(lambda r: r.method == "POST"):
            page.keyboard.press("Enter")
        page.wait_for_selector(".jobform [role=status]:text-is('Checking…')")
        assert page.locator(".status [role=alert]:visible").count() == 0
        held.pop().continue_()
        page.wait_for_selector(".jobs li:has-text('demix neuron')")
        page.wait_for_selector(".jobform button[type=submit]:enabled:focus")
        assert page.locator(".jobs li").count() == 1
        page.wait_for_selector(".jobs .state.done", timeout=120_000)


def test_a_job_that_ended_with_its_server_is_offered_to_be_resumed(chromium, serving, run):
    asked = {"kind": "demix", "layer": "conv1", "neuron": 0}
    job = job_files.Job("0123456789abcdef", "demix neuron 0", asked, "#neurons", state="running")
    job_files.write(run, job)
    with opened(chromium, serving(run.path), "#jobs") as page:
        page.wait_for_selector(".jobs .state.interrupted")
        assert SERVER_ENDED in page.locator(".jobs li").inner_text()
        page.click(".jobs button:has-text('Resume')")
        page.wait_for_selector(".jobs .state.done", timeout=120_000)
        assert SERVER_ENDED not in page.locator(".jobs li").inner_text()


def test_resume_is_pressed_once_and_the_focus_stays_at_its_job(chromium, serving, run):
    asked = {"kind": "demix", "layer": "conv1", "neuron": 0}
    job = job_files.Job("0123456789abcdef", "demix neuron 0", asked, "#neurons", state="running")
    job_files.write(run, job)
    held = []
    with opened(chromium, serving(run.path), "#jobs") as page:

        def hold(route):
            held.append(route)

        page.route("**/resume", hold)
        resume = page.locator(".jobs button:has-text('Resume')")
        resume.focus()
        with page.expect_request("**/resume"):
            page.keyboard.press("Enter")
        assert resume.is_disabled()
        resume.click(force=True)
        page.keyboard.press("Enter")
        page.wait_for_timeout(200)
        assert len(held) == 1
        held.pop().continue_()
        page.wait_for_selector(".jobs li button:enabled:focus")
        page.wait_for_selector(".jobs .state.done", timeout=120_000)


def test_the_step_that_works_is_told_while_it_does(chromium, serving, run):
    files.write_json(run.path / "metrics.json", {})  # as of a run that is trained
    server = serving(run.path)
    with at_work(run.path, "explaining", "ism"), opened(chromium, server, "#progress") as page:
        page.wait_for_selector(".live .state b:has-text('Explaining')")
        said = page.locator(".live .state").first.inner_text()
        assert "The network is trained; a process is explaining (ism)." in said


def told(state, **more):
    """A job as the server tells of it."""
    job = {"id": "0" * 16, "title": "demix all neurons of conv3", "result": "#neurons"}
    job |= {"state": state, "done": 0, "total": 0, "said": "", "error": ""}
    return job | dict.fromkeys(("made", "began", "ended"), "2026-01-01T00:00:00+00:00") | more


def test_a_job_is_said_to_begin_and_to_end(chromium, serving, run):
    jobs = [told("waiting")]
    with opened(chromium, serving(run.path), "#overview") as page:
        page.route("**/api/runs/RUN/jobs", lambda r: r.fulfill(json={"jobs": jobs}))
        page.click("nav a[href='#jobs']")
        page.wait_for_selector(".jobs .state.waiting")
        said = page.locator("section.live .status [role=status]")
        for state in ("running", "done"):
            jobs[0] = told(state, done=1, total=8)
            said.locator(f"text=demix all neurons of conv3: {state}.").wait_for()


def test_jobs_do_not_move_while_the_server_does_not_answer(chromium, serving, run):
    jobs = [told("running", done=3, total=8), told("done", id="1" * 16, title="trust")]
    with opened(chromium, serving(run.path), "#overview") as page:
        page.route("**/api/runs/RUN/jobs", lambda r: r.fulfill(json={"jobs": jobs}))
        page.click("nav a[href='#jobs']")
        page.wait_for_selector(".jobs progress")
        page.unroute("**/api/runs/RUN/jobs")
        page.route("**/api/runs/RUN/jobs", lambda r: r.abort())
        page.wait_for_selector(".jobs .state:text-is('running when last seen')")
        page.wait_for_selector(".status [role=alert]:has-text('does not answer')")
        assert page.locator(".jobs progress").count() == 0
        assert page.locator(".jobs .state.done").inner_text() == "done"
        page.wait_for_timeout(1_200)  # asked again, and said once
        assert page.locator(".jobs .state.running").inner_text() == "running when last seen"
        page.unroute("**/api/runs/RUN/jobs")
        page.route("**/api/runs/RUN/jobs", lambda r: r.fulfill(json={"jobs": jobs}))
        page.wait_for_selector(".jobs .state:text-is('running')")
        assert page.locator(".jobs progress").count() == 1
        assert page.locator(".status [role=alert]:visible").count() == 0
        page.heard.clear()  # Chromium notes that there was no answer
