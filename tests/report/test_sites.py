"""Sites of named motifs: where they were planted, once each, on the strand of the known motif."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from cisgram import motifs
from cisgram.core.run import Run
from cisgram.motifs import MotifSet
from cisgram.report.matches import sources
from cisgram.report.sites import named_sites, used_sites
from cisgram.seq.alphabet import to_codes


def text_of(motif):
    return "".join("ACGT"[b] for b in motif.ppm.argmax(0))


@pytest.fixture
def run(new_run) -> Run:
    return new_run(n=4, length=60)


@pytest.mark.parametrize("strand", [1, -1])
def test_a_planted_motif_is_found_where_it_lies_and_as_the_known_one_reads(run, strand):
    """Whichever way round the network learned it."""
    assert {m.matches[0]["strand"] for m in sources(run)[0].motifs if m.is_match} == {"+", "-"}
    for learned in [m for m in sources(run)[0].motifs if m.is_match]:
        best = learned.matches[0]
        known = next(m for m in motifs.jaspar() if m.id == best["target_id"])
        text = text_of(known)
        if strand < 0:
            text = text.translate(str.maketrans("ACGT", "TGCA"))[::-1]
        codes = to_codes(["A" * 20 + text + "A" * 20])[0]
        found = named_sites(run, [codes])
        own = [s for s in found.rows[0] if found.names[s[3]] == learned.target_name]
        assert len(own) == 1
        start, end, found_strand, _, sureness = own[0]
        before = 2 if strand > 0 else known.width - 2 - learned.motif.width
        assert (start, end) == (20 + before, 20 + before + learned.motif.width)
        assert found_strand == strand
        assert sureness >= 40


def test_of_overlapping_sites_of_one_name_the_surest_is_kept(run):
    learned = next(m for m in sources(run)[0].motifs if m.is_match)
    core = text_of(learned.motif)
    codes = to_codes([core + core[: len(core) // 2] + "T" * 30])[0]
    found = named_sites(run, [codes])
    own = sorted(s for s in found.rows[0] if found.names[s[3]] == learned.target_name)
    for one, other in pairwise(own):
        assert one[1] <= other[0]


def test_sequences_of_any_lengths_and_with_n_are_searched(run):
    learned = next(m for m in sources(run)[0].motifs if m.is_match)
    texts = ["N" * 7, text_of(learned.motif), "ACGT"]
    found = named_sites(run, [to_codes([t])[0] for t in texts])
    assert [len(r) > 0 for r in found.rows] == [False, True, False]


def test_a_run_without_named_motifs_has_no_sites(run):
    path = run.path / "motifs" / "filters.matches.tsv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert named_sites(run, [np.zeros(30, np.uint8)]) is None


def test_a_name_is_searched_for_with_the_motif_that_matches_it_best(run):
    """A second source with a worse match of the same name changes nothing."""
    codes = [to_codes(["ACGT" * 40])[0]]
    before = named_sites(run, codes)
    folder = run.path / "motifs"
    learned = next(m for m in sources(run)[0].motifs if m.is_match)
    other = replace(learned.motif, ppm=learned.motif.ppm[:, ::-1].copy(), name="p0", id="p0")
    motifs.write_meme(folder / "patterns.meme", MotifSet([other]))
    head, first, *_ = (folder / "filters.matches.tsv").read_text().splitlines()
    cells = dict(zip(head.split("\t"), first.split("\t"), strict=True))
    cells |= {"motif": "p0", "q": "0.04", "target_name": learned.target_name}
    (folder / "patterns.matches.tsv").write_text(head + "\n" + "\t".join(cells.values()) + "\n")
    after = named_sites(run, codes)
    assert len(sources(run)) == 2
    assert (after.names, after.rows) == (before.names, before.rows)


def test_class_optima_are_not_searched_for(run):
    """What the model wishes for names no site, however well it matches."""
    folder = run.path / "motifs"
    for end in ("meme", "matches.tsv", "facts.tsv"):
        (folder / f"filters.{end}").rename(folder / f"class_optimization.{end}")
    assert any(m.is_match for m in sources(run)[0].motifs)
    assert named_sites(run, [to_codes(["ACGT" * 10])[0]]) is None


def with_hits(run, rows):
    head = "sequence\trow\tstart\tend\tstrand\tpattern\tcontribution\n"
    text = "".join("\t".join(map(str, r)) + "\n" for r in rows)
    (run.path / "motifs" / "patterns.hits.tsv").write_text(head + text)


def test_hits_have_the_name_and_the_strand_of_the_known_motif(run):
    """A pattern that matches turned round reads on the other strand than its hit."""
    folder = run.path / "motifs"
    turned = next(m for m in sources(run)[0].motifs if m.is_match and m.matches[0]["strand"] == "-")
    pattern = replace(turned.motif, name="positive_0", id="positive_0")
    motifs.write_meme(folder / "patterns.meme", MotifSet([pattern]))
    head, *rows = (folder / "filters.matches.tsv").read_text().splitlines()
    own = next(r for r in rows if r.startswith(turned.motif.name + "\t"))
    own = own.replace(turned.motif.name, "positive_0", 1)
    (folder / "patterns.matches.tsv").write_text(f"{head}\n{own}\n")
    rows = [("b", 0, 5, 12, "+", "positive_0", 1.234), ("b", 0, 1, 4, "-", "negative_1", -0.5)]
    with_hits(run, rows)
    found = used_sites(run, ["a", "b"])
    assert found.names == [turned.target_name, "negative_1"]
    assert found.rows == [[], [(1, 4, -1, 1, -50), (5, 12, -1, 0, 123)]]


def test_hits_on_a_name_that_occurs_twice_are_left_out(run):
    """Twice on the page, or twice in the file."""
    rows = [
        ("a", 0, 1, 4, "+", "p", 1),
        ("b", 1, 1, 4, "+", "p", 1),
        ("b", 2, 1, 4, "+", "p", 1),
        ("c", 3, 2, 4, "+", "p", 1),
        ("elsewhere", 4, 2, 4, "+", "p", 1),
    ]
    with_hits(run, rows)
    assert used_sites(run, ["a", "a", "b", "c"]).rows == [[], [], [], [(2, 4, 1, 0, 100)]]


def test_without_patterns_there_are_no_hits(run):
    assert used_sites(run, ["a"]) is None
