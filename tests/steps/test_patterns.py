import dataclasses

import numpy as np
import pytest

from cisgram import motifs
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.steps.motifs import SOURCES
from cisgram.steps.patterns import Reading, patterns, read_back
from explain.tracks import written
from planted import WORD as CODES
from steps.planted_genome import WORD, of_genome


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return of_genome(tmp_path_factory.mktemp("patterns"))


@pytest.fixture(scope="module")
def found(job):
    return patterns(job)


def test_the_word_that_the_model_counts_is_the_pattern(found):
    learned, facts = found
    (motif,) = learned
    other = "".join("ACGT"[3 - "ACGT".index(b)] for b in reversed(WORD))
    assert motif.consensus in (WORD, other)
    assert motif.n_sites >= 38  # of 40 held-out peaks
    row = facts.iloc[0]
    assert row["motif"] == motif.name == "positive_0"
    assert row["sign"] == "+"
    assert row["sequences_with_hits"] >= 38
    # a site makes one full match, worth 1, of which shuffled references have next to none
    assert row["contribution"] == pytest.approx(1, abs=0.1)


def test_patterns_are_a_source_of_motifs():
    assert SOURCES["patterns"] is patterns


def test_hits_lie_on_the_word_and_bear_the_name_of_a_known_motif(job, found):
    hits = job.run.read_table("motifs/patterns.hits.tsv")
    test = dict(zip(job.data.test.names, job.data.test.codes, strict=True))
    word = np.array(CODES)
    good = 0
    for row in hits.itertuples():
        site = test[row.sequence][row.start : row.end]
        good += any((site == w).mean() > 0.8 for w in (word, 3 - word[::-1]))
    assert good / len(hits) >= 0.9
    # the E-box of USF and its kin
    known = motifs.database("jaspar:vertebrates")
    name = hits["name"].iloc[0]
    assert name in {m.name for m in known}
    assert "CACGTG" in known[name].consensus.upper()


def test_what_was_written_is_read_back(job, found):
    saved = read_back(job.run)
    learned, _ = found
    assert [p.motif.name for p in saved.patterns] == [m.name for m in learned]
    np.testing.assert_allclose(saved.patterns[0].motif.ppm, learned[0].ppm, atol=1e-9)
    assert saved.patterns[0].contributions.shape == learned[0].ppm.shape
    for row in saved.patterns[0].members.itertuples():
        site = saved.attribution.sequences[row.sequence, :, row.start : row.end]
        assert site.shape[1] == learned[0].width
    seqlets = job.run.read_table("motifs/patterns.seqlets.tsv")
    assert list(seqlets.columns) == [
        "sequence", "start", "end", "sign", "contribution", "score", "p", "fdr", "row",
    ]  # fmt: skip
    assert [saved.names[i] for i in seqlets["row"]] == seqlets["sequence"].tolist()


def test_the_same_job_writes_the_same_bytes(job, found):
    folder = job.run.path / "motifs"
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    patterns(job)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_model_that_uses_no_word_has_no_patterns(job):
    silent = dataclasses.replace(job, model=type(job.model)("ACGTACGTACGT"))
    with pytest.raises(InputError, match="make no pattern"):
        patterns(silent)


def test_a_run_without_patterns_says_how_to_make_them(tmp_path):
    with pytest.raises(InputError, match="--source patterns"):
        read_back(Run(tmp_path))


@pytest.mark.parity
@pytest.mark.slow
def test_tf_modisco_finds_the_same_word(job, monkeypatch):
    """TF-MoDISco itself, through its extra; it wants 100 seqlets."""
    pytest.importorskip("modiscolite")
    with pytest.raises(InputError, match="at least 100"):
        SOURCES["modisco"](job)
    more, _ = written({WORD: 1}, n=400, length=120, noise=0.05)
    reading = Reading(job.data.test, more, more)
    monkeypatch.setattr("cisgram.steps.patterns.read", lambda _: reading)
    learned, facts = SOURCES["modisco"](job)
    assert (facts["sign"] == "+").all()
    other = "".join("ACGT"[3 - "ACGT".index(b)] for b in reversed(WORD))
    assert any(w in m.consensus.upper() for m in learned for w in (WORD, other))
    assert sum(m.n_sites for m in learned) > 80
