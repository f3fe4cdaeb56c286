"""Scores of pasted sequences: packed for the page, drawn below their job, and nothing else read."""

from __future__ import annotations

import base64
import gzip
import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from browser import chromium, painted
from cisgram.report import given as given_room
from cisgram.report.given import given
from cisgram.steps import explain_run, motifs_run, settings_of
from dashboard.test_live_browser import opened
from dashboard.waiting import SLUG, until
from report.test_axe import found

__all__ = ["chromium"]

URL = f"/api/runs/{SLUG}/jobs"


@pytest.fixture
def done(client, run, sequence):
    """A job on two sequences that is done."""
    motifs_run(run, source="filters", options=settings_of(run).motifs)
    text = f">one\n{sequence}\n>two\n{sequence[::-1]}\n"
    asked = {"kind": "explain", "method": "ism", "sequences": text}
    job = client.post(URL, json=asked).json()
    until(lambda: client.get(f"{URL}/{job['id']}").json()["state"] == "done")
    return job


def test_scores_of_a_job_are_those_of_its_files_in_their_order(client, run, done):
    answer = client.get(f"{URL}/{done['id']}/scores").json()
    packed = answer["payload"]
    assert answer["total"] == 2
    assert [row[0] for row in packed["rows"]] == ["one", "two"]
    (method,) = packed["methods"]
    assert (method["name"], method["title"]) == ("ism", "In-silico mutagenesis")
    wanted = load_file(run.path / done["result"] / "values.safetensors")["values"]
    raw = np.frombuffer(gzip.decompress(base64.b64decode(method["values"])), dtype=np.int8)
    values = raw.reshape(wanted.shape) * np.array(method["scale"])[:, None, None]
    np.testing.assert_allclose(values, wanted, atol=np.abs(wanted).max() / 200)
    assert packed["sites"]["names"]
    assert len(packed["sites"]["rows"]) == 2


def test_what_was_cut_and_padded_is_told_beside_the_scores(client, sequence):
    text = f">long\nAC{sequence}GT\n>short\n{sequence[:-3]}\n"
    asked = {"kind": "explain", "method": "saliency", "sequences": text}
    url = f"{URL}/{client.post(URL, json=asked).json()['id']}"
    until(lambda: client.get(url).json()["state"] == "done")
    told = client.get(f"{url}/scores").json()["told"]
    assert told == f"1 was cut to the middle {len(sequence)} bp; 1 was padded with N."


def test_more_letters_than_there_is_room_for_are_counted(run, monkeypatch):
    folder = explain_run(run, "saliency", device="cpu")
    monkeypatch.setattr(given_room, "MOST_LETTERS", 130)
    packed = given(run, folder)
    assert packed["payload"]["lengths"] == [60, 60]
    assert packed["total"] > 2


@pytest.mark.parametrize(
    "result", ["../other", "explain-given/..", "explain-given/nothing", "jobs", "/tmp"]
)
def test_a_job_s_file_that_names_another_folder_shows_nothing(client, run, done, result):
    path = run.path / "jobs" / done["id"] / "job.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"result": result}))
    (run.path.parent / "other").symlink_to(run.path / done["result"])
    refused = client.get(f"{URL}/{done['id']}/scores")
    assert refused.status_code == 404
    assert "is gone from the folder of the run" in refused.json()["error"]


def test_a_link_in_the_place_of_scores_is_not_followed(client, run, done):
    values = run.path / done["result"] / "values.safetensors"
    values.rename(run.path / "moved.safetensors")
    values.symlink_to(run.path / "moved.safetensors")
    assert client.get(f"{URL}/{done['id']}/scores").status_code == 404


def test_a_job_without_scores_of_its_own_is_told_apart(client, run):
    job = client.post(URL, json={"kind": "motifs", "source": "filters"}).json()
    until(lambda: client.get(f"{URL}/{job['id']}").json()["state"] == "done")
    refused = client.get(f"{URL}/{job['id']}/scores")
    assert refused.status_code == 409
    assert "no scores of pasted sequences" in refused.json()["error"]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pasted_sequences_are_drawn_below_their_job_and_by_a_link(
    chromium, serving, run, sequence, scheme
):
    with opened(chromium, serving(run.path), "#jobs?kind=explain&method=ism") as page:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_selector("#job-method option[value=ism]:checked", state="attached")
        page.fill("#job-sequences", f">one\n{sequence}\n>two\n{sequence[::-1]}\n")
        page.click(".jobform button[type=submit]")
        page.wait_for_selector(".jobs .state.done", timeout=120_000)
        press = page.locator(".jobs button:has-text('Show the scores')")
        press.focus()
        page.keyboard.press("Enter")
        page.wait_for_function(painted(".given canvas"))
        assert press.get_attribute("aria-expanded") == "true"
        assert press.evaluate("(e) => e === document.activeElement")
        assert found(page) == []
        page.select_option(".given select[id$=row]", label="two")
        page.wait_for_selector(".given h3:has-text('two')")
        page.wait_for_function("() => location.hash.includes('show=')")
        page.reload()
        page.wait_for_selector(".given h3:has-text('one')")
        press.click()
        page.wait_for_selector(".given", state="hidden")
        page.wait_for_function("() => !location.hash.includes('show=')")
