"""What a server adds to the views of the page: the way to a step that was not run, what is at work,
what numbers are called."""

from __future__ import annotations

import json

import pytest

from browser import chromium, showing
from cisgram import report
from cisgram.core import files
from cisgram.core.lock import only_one
from dashboard.test_live_browser import opened
from report.test_axe import found
from report.test_neurons import neuron, put, summary
from report.test_phone_browser import PHONE, clipped

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

STEPS = {"neurons": "demix", "grammar": "grammar", "trust": "trust", "motifs": "motifs"}


@pytest.mark.parametrize(("view", "kind"), STEPS.items())
def test_an_empty_view_leads_to_the_job_that_fills_it(chromium, serving, run, view, kind):
    with opened(chromium, serving(run.path), f"#{view}") as page:
        with page.expect_response("**/model") as answer:
            page.click(f"#{view} .absent a:has-text('Start it under Jobs')")
            page.wait_for_selector("section.current #jobs-title")
            assert page.locator("#job-kind").input_value() == kind
        answer.value.finished()
        page.wait_for_timeout(100)
        assert page.locator("#job-kind").input_value() == kind, "also when the model is known"


def test_an_address_fills_the_fields_of_a_job(chromium, serving, run):
    with opened(chromium, serving(run.path), "#jobs?kind=demix&layer=conv1&neuron=2") as page:
        assert page.locator("#job-layer").input_value() == "conv1"
        assert page.locator("#job-neuron").input_value() == "2"
        page.goto(page.url.partition("#")[0] + "#jobs?kind=explain&method=saliency")
        page.wait_for_selector("#job-method option[value=saliency]:checked", state="attached")
        page.select_option("#job-kind", "trust")
        assert page.locator(".jobform .labeled:visible").count() == 1, "trust asks for nothing"


def test_a_mailed_page_names_the_command_of_a_step_that_was_not_run(chromium, run):
    with showing(chromium, report.write(run), view="neurons") as page:
        said = page.locator("#neurons .absent").inner_text()
        assert said.endswith("To add it: cisgram demix RUN, then cisgram report RUN.")
        assert page.locator("#neurons .absent a").count() == 0


@pytest.mark.parametrize("address", ["", "#nothing"])
def test_a_run_opens_on_its_overview_and_leads_back_to_the_list(chromium, serving, run, address):
    with opened(chromium, serving(run.path), address) as page:
        assert page.locator(".view.current").get_attribute("data-view") == "overview"
        assert page.locator("nav.tabs a[aria-current]").inner_text() == "Overview"
        assert page.locator(".brand a").get_attribute("href") == "/"


@pytest.fixture
def half(run):
    """Two neurons demixed, one of them not counted."""
    put(run, neuron(0), neuron(1))
    files.write_json(run.path / "demix" / "summary.json", summary(n=1))
    return run


def test_neurons_that_are_demixed_now_are_not_said_to_be_stopped(chromium, serving, half):
    server = serving(half.path)
    with only_one(half.path / "demix"), opened(chromium, server, "#neurons") as page:
        page.wait_for_selector("#neurons .at-work")
        said = page.locator("#neurons .at-work").inner_text()
        assert "A process is demixing neurons of this run; demixed so far: 2 of conv3" in said
        assert not page.locator("[data-unfinished]").is_visible()
        assert found(page) == []


def test_a_demixing_job_is_said_to_run_and_how_far_it_is(chromium, serving, half):
    job = {"id": "0" * 16, "title": "demix all neurons of conv3", "result": "#neurons"}
    job |= {"state": "running", "done": 0, "total": 0, "said": "", "error": ""}
    job |= dict.fromkeys(("made", "began", "ended"), "2026-01-01T00:00:00+00:00")

    def answer(route):
        route.fulfill(status=200, content_type="application/json", body=json.dumps({"jobs": [job]}))

    with opened(chromium, serving(half.path), "#overview") as page:
        page.route("**/jobs", answer)
        page.click("nav a[href='#neurons']")
        earlier = "#neurons .at-work:has-text('Demixed so far: 2 of conv3.')"
        page.wait_for_selector(earlier)
        job |= {"done": 3, "total": 8}
        page.wait_for_selector("#neurons .at-work:has-text('3 of 8 neurons are done')")
        bar = page.locator("#neurons .at-work progress")
        assert (bar.evaluate("(e) => e.max"), bar.evaluate("(e) => e.value")) == (8, 3)
        assert not page.locator("[data-unfinished]").is_visible()
        job |= {"done": 4}
        page.wait_for_selector("#neurons .at-work:has-text('4 of 8 neurons are done')")
        job["state"] = "cancelled"
        page.wait_for_selector("#neurons .at-work", state="hidden")
        said = page.locator("[data-unfinished]")
        assert "The job on conv3 was stopped before its end" in said.inner_text()
        (half.path / "demix" / "conv3" / "2.json").write_bytes(b"{}")
        said.locator("text=had not come to its end when this page was drawn").wait_for()
        (half.path / "demix" / "conv3" / "2.json").unlink()
        page.unroute("**/jobs")
        page.reload()
        page.wait_for_selector("[data-unfinished] a")
        said.locator("a").click()
        page.wait_for_selector("#job-layer")
        assert page.locator("#job-layer").input_value() == "conv3"


@pytest.mark.parametrize("view", ["sequences", "motifs", "grammar", "trust"])
def test_an_empty_view_says_that_a_job_fills_it(chromium, serving, run, view):
    job = {"id": "0" * 16, "title": "all the checks", "result": f"#{view}", "state": "waiting"}

    def answer(route):
        route.fulfill(status=200, content_type="application/json", body=json.dumps({"jobs": [job]}))

    with opened(chromium, serving(run.path), "#overview") as page:
        page.route("**/jobs", answer)
        page.click(f"nav a[href='#{view}']")
        said = page.locator(f"#{view} .at-work")
        for state, words in (
            ("waiting", "A job waits for its turn: all the checks."),
            ("running", "A job is at work: all the checks."),
            ("done", "Load the page again to see it."),
        ):
            job["state"] = state
            said.locator(f"text={words}").wait_for()
            assert not page.locator(f"#{view} .absent").is_visible()
        job["state"] = "cancelled"
        page.locator(f"#{view} .absent").wait_for()
        assert not said.is_visible()
        page.unroute("**/jobs")


def test_neurons_that_were_demixed_after_the_page_was_drawn_are_said_to_be(chromium, serving, run):
    with opened(chromium, serving(run.path), "#neurons") as page:
        assert page.locator("#neurons .absent").is_visible()
        put(run, neuron(0))
        page.wait_for_selector("#neurons .at-work:has-text('after this page was drawn')")
        assert not page.locator("#neurons .absent").is_visible()


def test_scores_of_a_training_have_names_and_keep_their_keys(chromium, serving, run):
    head = "epoch\ttrain_loss\tvalid_loss\tvalid_auroc\n"
    (run.path / "history.tsv").write_text(f"{head}1\t0.7\t0.69\t0.8\n")
    scores = {"n": 5, "auroc": 0.9, "log_loss": 0.3, "valid_pearson": 0.5, "val_loss": 1}
    files.write_json(run.path / "metrics.json", {"test": scores, "valid": scores})
    with opened(chromium, serving(run.path), "#progress") as page:
        page.wait_for_selector("section.current td:has-text('0.900')")
        table = page.locator("section.current table")
        assert table.locator("thead th").all_inner_texts() == ["Score", "Test", "Validation"]
        heads = table.locator("tbody th")
        names = ["Sequences", "AUROC", "Log loss", "Validation Pearson r", "Validation loss"]
        assert heads.all_inner_texts() == names
        keys = heads.evaluate_all("(all) => all.map((e) => e.title)")
        assert keys == list(scores)
        figures = page.locator("section.current figure h3").all_inner_texts()
        assert figures == ["Loss", "Validation AUROC"]
        said = page.locator("svg.chart").first.get_attribute("aria-label")
        assert said.startswith("Loss: Training loss from 0.700 in epoch 1")


def test_lines_of_a_chart_that_differ_little_have_names_that_differ(chromium, serving, run):
    columns = "epoch\ttrain_loss\tvalid_loss\tvalid_auroc\tseconds\n"
    rows = [f"{e}\t0.69{45 - e}\t0.69{46 - e}\t0.505{e}\t1\n" for e in range(1, 4)]
    files.write_text(run.path / "history.tsv", columns + "".join(rows))
    with opened(chromium, serving(run.path), "#progress") as page:
        page.wait_for_selector("section.current svg.chart")
        for chart in page.locator("section.current svg.chart").all():
            said = chart.locator("text.y").all_text_contents()
            assert len(set(said)) == len(said) == 5, said
            below = chart.evaluate(
                "(e) => { const b = e.querySelector('.label').getBBox();"
                " return b.y + b.height <= e.viewBox.baseVal.height; }"
            )
            assert below, "its last word is inside the picture"


def test_on_a_phone_no_list_of_a_live_view_is_cut_off(chromium, serving, run):
    with opened(chromium, serving(run.path), "#ask", **PHONE) as page:
        page.wait_for_selector(".askform input[type=checkbox]")
        assert clipped(page) == []
        page.goto(page.url.partition("#")[0] + "#jobs")
        page.wait_for_selector("#job-method option[value=ism]", state="attached")
        assert clipped(page, 256) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 390
