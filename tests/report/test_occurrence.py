"""Where motifs occur: from the files of the steps, or by a search in what was explained."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.stats import fisher_exact

from cisgram import motifs, report
from cisgram.core import config
from cisgram.motifs import Motif, MotifSet
from cisgram.report.matches import sources
from cisgram.report.occurrence import Occurrence, occurrences
from cisgram.report.sites import filter_names
from made_run import tsv

WORD = "CCGGAAGTGA"


def exact(letters, name):
    return Motif(np.eye(4)[["ACGT".index(c) for c in letters]].T * 0.97 + 0.0075, name)


def source_of(run, name):
    (found,) = [s for s in sources(run) if s.name == name]
    return found


def where(run, name):
    source = source_of(run, name)
    return occurrences(run, source, source.motifs)


@pytest.fixture
def planted(new_run):
    """A run whose first ten explained sequences, all positive, hold a word at 150 to 160 bp."""
    run = new_run(n=40)
    path = run.path / "explain" / "ism" / "values.safetensors"
    arrays = load_file(path)
    x = np.zeros((40, 4, 200), np.int8)
    x[:, 3] = 1  # T everywhere
    for row in range(0, 20, 2):
        x[row, :, 150:160] = np.eye(4, dtype=np.int8)[["ACGT".index(c) for c in WORD]].T
    save_file({**arrays, "x": x}, path)
    found = MotifSet([exact(WORD, "planted"), exact("GATTACAGAT", "absent")])
    motifs.write_meme(run.path / "motifs" / "demix.meme", found)
    return run


def test_a_planted_word_is_found_where_and_in_whom_it_was_planted(planted):
    found = where(planted, "demix")
    (one, absent) = found["planted"], found["absent"]
    assert (one.n, one.total) == (10, 40)
    assert one.at[one.share.argmax()] == 150  # the middle of the bin of 140 to 160 bp
    assert one.share.max() == 1
    assert (one.positives, one.negatives) == (0.5, 0)
    assert absent.n == 0
    p = fisher_exact([[10, 10], [0, 20]], alternative="greater").pvalue
    assert one.q == pytest.approx(2 * p), "two motifs were asked"


def test_the_best_sites_of_filters_are_those_that_the_step_wrote(new_run):
    run = new_run()
    tsv(run.path / "motifs" / "filters.positions.tsv", "motif sequences at_50 at_150",
        [("filter_0", 60, 0.2, 0.8)])  # fmt: skip
    path = run.path / "motifs" / "filters.facts.tsv"
    head, *rows = path.read_text().splitlines()
    more = ["0.75\t0.25\t1e-9", *["\t\t"] * (len(rows) - 1)]
    lines = [f"{head}\tin_positives\tin_negatives\tenrichment_q",
             *(f"{r}\t{m}" for r, m in zip(rows, more, strict=True))]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    found = where(run, "filters")
    assert set(found) == {"filter_0"}
    one = found["filter_0"]
    assert (one.n, one.positives, one.negatives, one.q) == (60, 0.75, 0.25, 1e-9)
    report.write(run)
    (row,) = run.read_table("page/occurrences.tsv").to_dict("records")
    assert (row["motif"], row["sequences"], row["at_150"]) == ("filter_0", 60, 0.8)


def test_the_sites_of_patterns_are_their_hits(new_run):
    run = new_run(n=8)
    motifs.write_meme(run.path / "motifs" / "patterns.meme", MotifSet([exact(WORD, "positive_0")]))
    hits = [("a", 0, 10, 20, "positive_0"), ("a", 0, 90, 100, "positive_0"),
            ("b", 1, 94, 104, "positive_0")]  # fmt: skip
    tsv(run.path / "motifs" / "patterns.hits.tsv", "sequence row start end pattern", hits)
    tsv(run.path / "motifs" / "patterns.names.tsv", "name", [("a",), ("b",), ("c",)])
    model = config.read_toml(run.path / "model" / "model.toml")
    config.write_toml(run.path / "model" / "model.toml", {**model, "length": 200})
    one = where(run, "patterns")["positive_0"]
    assert (one.n, one.total) == (2, 3)
    assert one.share.tolist() == pytest.approx([1 / 3, 0, 0, 0, 2 / 3, 0, 0, 0, 0, 0])


def test_class_optima_are_in_no_sequence(new_run):
    assert where(new_run(more=True), "class_optimization") == {}


def test_the_drawing_says_what_it_shows():
    at = np.arange(5, 100, 10.0)
    share = np.where(at == 35, 0.91, 0.01)
    svg = Occurrence(9, 10, at, share).svg
    assert "Sites from 0 to 100 bp: most, 91 %, about 35 bp" in svg
    assert svg.count("<rect") == 10


def test_a_motif_links_to_its_sequences_by_the_name_that_they_are_filtered_by(new_run, opened):
    run = new_run(more=True)
    names = filter_names(run)
    assert names["filters", "filter_0"] in {"CTCF", "ELK1", "USF1"}
    assert ("filters", "filter_9") not in names, "a flat one has no sites of its name"
    page = opened(report.write(run))
    offered = set(page.payload["sites"]["names"]) | set(page.payload["hits"]["names"])
    assert set(names.values()) <= offered
    hrefs = [v for k, v in page.attributes if k == "href" and "?motif=" in v]
    assert len(hrefs) == 3


def test_without_explanations_there_is_nothing_to_filter(new_run):
    run = new_run()
    (run.path / "explain").rename(run.path / "elsewhere")
    assert filter_names(run) == {}
    report.write(run)


def test_several_sources_are_offered_at_the_top_and_one_is_not(new_run, opened):
    run = new_run()
    assert "Sources of motifs" not in str(opened(report.write(run)).attributes)
    motifs.write_meme(run.path / "motifs" / "modisco.meme", MotifSet([exact(WORD, "m")]))
    page = opened(report.write(run))
    hrefs = [v for k, v in page.attributes if k == "href" and v.startswith("#motifs-")]
    ids = [v for k, v in page.attributes if k == "id"]
    assert hrefs == ["#motifs-filters", "#motifs-modisco"]
    assert all(h[1:] in ids for h in hrefs)


def test_a_motif_of_a_neuron_leads_to_its_neuron(planted, opened):
    tsv(
        planted.path / "motifs" / "demix.facts.tsv", "motif layer neuron", [("planted", "conv2", 7)]
    )
    page = opened(report.write(planted))
    hrefs = [v for k, v in page.attributes if k == "href" and v.startswith("#neurons?")]
    assert hrefs == ["#neurons?layer=conv2&neuron=7"]
