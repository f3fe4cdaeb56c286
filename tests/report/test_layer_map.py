"""The map of layers: a cell a neuron, marked by what was found in it."""

import pytest

from cisgram import report
from cisgram.report.layer_map import MOST, layer_map, marks
from report.test_neurons import neuron, put


def mapped(*found, anchors=None):
    return layer_map(found, is_known=lambda m: m["q"] < 0.05, anchors=anchors or {})


@pytest.mark.parametrize(
    ("kind", "mark"),
    [("read", "read"), ("poorly explained", "doubted"), ("duplicate", "doubted"),
     ("no motif", "nothing"), ("dead", "nothing")],
)  # fmt: skip
def test_a_cell_is_marked_by_what_was_found(kind, mark):
    (row,) = mapped(neuron(3, kind=kind, motifs=[]))
    assert [c.mark for c in row["cells"]] == [mark]


def test_a_known_motif_marks_its_neuron_whatever_else_is_said():
    (row,) = mapped(neuron(3, name="ELK1"))
    (cell,) = row["cells"]
    assert (cell.mark, cell.said) == ("named", "ELK1")


def test_layers_are_rows_in_their_order_and_neurons_in_theirs():
    found = [neuron(9, layer="conv2"), neuron(1, layer="conv2"), neuron(0, layer="output")]
    rows = mapped(*found, anchors={("conv2", 9): "neuron-conv2-9"})
    assert [r["layer"] for r in rows] == ["conv2", "output"]
    assert [(c.neuron, c.anchor) for c in rows[0]["cells"]] == [(1, None), (9, "neuron-conv2-9")]
    assert [mark for mark, _ in marks(rows)] == ["named"]


def test_a_wide_layer_says_how_many_cells_it_leaves_out():
    found = [{"layer": "a", "neuron": k, "kind": "dead", "diagnosis": "dead", "motifs": []}
             for k in range(MOST + 6)]  # fmt: skip
    (row,) = mapped(*found)
    assert (len(row["cells"]), row["left_out"]) == (MOST, 6)
    assert row["counts"] == [("nothing", MOST + 6)]


def test_the_cells_of_the_page_lead_to_the_details(new_run, opened):
    page = opened(
        report.write(put(new_run(n=4), neuron(0), neuron(7, kind="dead", motifs=[], grammar=None)))
    )
    ids = [v for k, v in page.attributes if k == "id"]
    labels = [v for k, v in page.attributes if k == "aria-label" and v.startswith("Neuron ")]
    assert labels == ["Neuron 0: CTCF", "Neuron 7: dead, no motifs"]
    hrefs = [v for k, v in page.attributes if k == "href" and v.startswith("#neuron-")]
    assert {"#neuron-conv3-0", "#neuron-conv3-7"} <= set(hrefs)
    assert all(h[1:] in ids for h in hrefs)


def test_what_a_file_calls_a_level_is_text_and_no_format(new_run, opened):
    d = neuron(0)
    d["levels"] = [["{0.__class__}", "", 3], ["max_pool", "", 2]]
    said = opened(report.write(put(new_run(n=4), d))).said
    assert "{0.__class__} of 3" in said
    assert "maximum over 2 positions" in said
