"""Addresses that lead to one motif, one neuron, one rule, in headless Chromium."""

import pytest

from browser import chromium, showing
from cisgram import report
from report.test_neurons import neuron, put

__all__ = ["chromium"]

pytestmark = pytest.mark.browser


@pytest.fixture
def page_of(new_run):
    return report.write(put(new_run(n=4), neuron(0), neuron(7, name="ELK1")))


def test_an_address_leads_to_a_motif(chromium, page_of):
    with showing(chromium, page_of) as page:
        page.evaluate("location.hash = '#motifs?name=filter_2'")
        page.wait_for_selector("tr.here")
        assert page.locator("tr.here").get_attribute("data-name") == "filter_2"
        assert page.locator("#motifs").is_visible()
        page.evaluate("location.hash = '#motifs?name=no%20such%20motif'")
        page.wait_for_selector("tr.here", state="detached")
        assert page.locator("#motifs").is_visible()


def test_an_address_opens_a_neuron(chromium, page_of):
    with showing(chromium, page_of) as page:
        assert not page.locator("#neuron-conv3-7").is_visible()
        page.evaluate("location.hash = '#neurons?layer=conv3&neuron=7'")
        page.wait_for_selector("#neuron-conv3-7", state="visible")
        assert not page.locator("#neuron-conv3-0").is_visible()
        assert page.evaluate("document.activeElement.id") == "neuron-conv3-7"


def test_a_cell_of_the_layer_map_opens_its_neuron(chromium, page_of):
    with showing(chromium, page_of) as page:
        page.click("nav.tabs a:has-text('Neurons')")
        page.click(".cells a:has-text('7')")
        page.wait_for_selector("#neuron-conv3-7", state="visible")


def test_a_motif_leads_to_the_sequences_that_hold_it(chromium, page_of):
    with showing(chromium, page_of) as page:
        page.click("nav.tabs a:has-text('Motifs')")
        link = page.locator("#motifs a[href^='#sequences?motif=']").first
        name = link.get_attribute("href").rpartition("=")[2]
        link.click()
        page.wait_for_selector(".filters")
        pick = page.locator(".filters select[aria-label='Motif site']")
        assert pick.evaluate("(s) => s.selectedOptions[0].textContent") == f"Motif: {name}"
