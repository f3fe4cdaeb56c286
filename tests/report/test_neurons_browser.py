"""The section of demixed neurons in headless Chromium, with scripts and without."""

import pytest

from cisgram import report
from report.test_browser import chromium, showing
from report.test_neurons import EVIL, neuron, put

__all__ = ["chromium"]

pytestmark = pytest.mark.browser


@pytest.fixture
def page_of(new_run):
    found = [neuron(k, r2=r2) for k, r2 in ((0, 0.4), (1, 0.9), (2, 0.1))]
    return report.write(put(new_run(n=4), *found, neuron(3, name=EVIL, r2=0.05, width=90)))


@pytest.mark.parametrize("scripts", [True, False])
def test_a_link_of_the_table_opens_the_neuron_in_place(chromium, page_of, scripts):
    with showing(chromium, page_of, java_script_enabled=scripts) as page:
        shown = page.locator("#neuron-conv3-2")
        assert not shown.is_visible()
        page.locator('a[href="#neuron-conv3-2"]').click()
        assert shown.is_visible()
        assert not page.locator("#neuron-conv3-1").is_visible()


def test_the_table_is_sorted_by_what_is_clicked(chromium, page_of):
    with showing(chromium, page_of) as page:
        table = page.locator("table.neurons")
        table.locator("th[data-key=r2] button").click()
        order = table.locator("tbody tr td:nth-child(2)").all_inner_texts()
        assert [t.strip() for t in order] in (["3", "2", "0", "1"], ["1", "0", "2", "3"])


@pytest.mark.parametrize("width", [390, 1200])
def test_no_neuron_makes_the_page_wider_than_the_screen(chromium, page_of, width):
    with showing(chromium, page_of, viewport={"width": width, "height": 800}) as page:
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
