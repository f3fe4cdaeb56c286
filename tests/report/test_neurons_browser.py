"""The section of demixed neurons in headless Chromium, with scripts and without."""

import pytest

from browser import chromium, showing
from cisgram import report
from cisgram.core import files
from report.test_neurons import EVIL, comparison, design, neuron, put

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

VIEW = "neurons"


@pytest.fixture
def page_of(new_run):
    found = [neuron(k, r2=r2) for k, r2 in ((0, 0.4), (1, 0.9), (2, 0.1))]
    found += [neuron(3, name=EVIL, r2=0.05, width=90), neuron(4, r2=0.02, design=design())]
    run = put(new_run(n=4), *found)
    files.write_json(run.path / "demix" / "comparison.json", comparison("a" * 60))
    return report.write(run)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_link_of_the_table_opens_the_neuron_in_place(chromium, page_of, scripts):
    with showing(chromium, page_of, view=VIEW, java_script_enabled=scripts) as page:
        shown = page.locator("#neuron-conv3-2")
        assert not shown.is_visible()
        page.locator('table.neurons a[href="#neuron-conv3-2"]').click()
        assert shown.is_visible()
        assert not page.locator("#neuron-conv3-1").is_visible()


def test_the_table_is_sorted_by_what_is_clicked(chromium, page_of):
    with showing(chromium, page_of, view=VIEW) as page:
        table = page.locator("table.neurons")
        table.locator("th[data-key=r2] button").click()
        order = table.locator("tbody tr td:nth-child(2)").all_inner_texts()
        assert [t.strip() for t in order] in (list("43201"), list("10234"))


@pytest.mark.parametrize("width", [390, 1200])
def test_no_neuron_makes_the_page_wider_than_the_screen(chromium, page_of, width):
    with showing(chromium, page_of, view=VIEW, viewport={"width": width, "height": 800}) as page:
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_designs_labels_lie_inside_their_drawing(chromium, page_of):
    with showing(chromium, page_of, view=VIEW, viewport={"width": 1200, "height": 800}) as page:
        page.locator('table.neurons a[href="#neuron-conv3-4"]').click()
        drawn = page.locator("#neuron-conv3-4 svg.designs")
        assert drawn.count() == 2
        for k in range(2):
            outside = drawn.nth(k).evaluate(
                "(svg) => { const box = svg.getBoundingClientRect();"
                " return [...svg.querySelectorAll('text')].filter((t) => {"
                " const b = t.getBoundingClientRect();"
                " return b.left < box.left - 1 || b.right > box.right + 1 ||"
                " b.bottom > box.bottom + 1; }).length; }"
            )
            assert outside == 0
