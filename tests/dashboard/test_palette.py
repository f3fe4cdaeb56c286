"""The motifs at hand read as the known ones that name them."""

import pytest

from cisgram.dashboard.palette import palette
from cisgram.report.matches import sources
from cisgram.report.sites import named_motifs, sites_of
from cisgram.seq.alphabet import to_codes
from made_run import make_run


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run", n=4, length=60)


def test_a_motif_put_in_under_a_known_name_is_a_site_of_it_on_the_forward_strand(run):
    """Whichever way round the network learned it."""
    best = named_motifs(run)
    assert {m.matches[0]["strand"] for m in best} == {"+", "-"}
    listed = {m["name"]: m for m in palette(run)["motifs"]}
    for which, learned in enumerate(best):
        word = listed[learned.motif.name]
        assert word["target"] == learned.target_name
        codes = [to_codes(["A" * 20 + word["letters"] + "A" * 20])[0]]
        own = [s for s in sites_of(best, codes).rows[0] if s[3] == which]
        assert [(s[0], s[2]) for s in own] == [(20, 1)]


def test_a_motif_without_a_known_one_reads_as_it_was_learned(run):
    table = run.path / "motifs" / "filters.matches.tsv"
    table.write_text(table.read_text().splitlines()[0] + "\n")
    learned = {m["name"]: m["consensus"] for m in palette(run)["motifs"]}
    assert learned == {m.motif.name: m.motif.consensus for s in sources(run) for m in s.motifs}
