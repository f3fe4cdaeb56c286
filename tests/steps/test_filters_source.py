"""Facts about the filters of a model that counts a word on both strands of planted peaks."""

import dataclasses

import numpy as np
import pytest
import torch

from cisgram import models
from cisgram.core.errors import InputError, NoFiltersError
from cisgram.seq.alphabet import from_codes
from cisgram.steps import motifs_run
from cisgram.steps.filters import filters
from cisgram.steps.motifs import SOURCES
from steps.planted_genome import WORD, of_genome
from toys import Linear, Words


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return of_genome(tmp_path_factory.mktemp("filters"))


@pytest.fixture(scope="module")
def found(job):
    return filters(job)


def test_both_filters_are_one_motif_on_two_strands(found):
    learned, facts = found
    assert learned[0].consensus == WORD
    assert facts["motif"].tolist() == ["filter_0", "filter_1"]
    assert facts["group"].nunique() == 1
    assert facts["group_size"].tolist() == [2, 2]
    assert sorted(facts["group_strand"]) == ["+", "-"]


@pytest.fixture(scope="module")
def truth(job):
    """Shares of the held-out peaks that have the word, on this strand and on the other."""
    texts = from_codes(job.positives(job.held_out).codes)
    other = "".join("ACGT"[3 - "ACGT".index(b)] for b in reversed(WORD))
    return np.array([np.mean([word in text for text in texts]) for word in (WORD, other)])


def test_together_they_cost_what_the_peaks_have(found, truth):
    facts = found[1]
    assert facts["influence"].to_numpy() == pytest.approx(truth)
    assert facts["group_influence"].to_numpy() == pytest.approx(truth.sum())
    assert facts["group_interaction"].abs().max() < 1e-6


def test_words_are_in_positives_and_in_the_middle(job, found, truth):
    facts = found[1]
    assert facts["in_positives"].to_numpy() == pytest.approx(truth)
    assert facts["in_negatives"].max() < 0.05
    assert facts["enrichment_q"].between(0, 1).all()  # there is one held-out negative
    assert facts["auroc"].to_numpy() == pytest.approx(0.5 + facts["in_positives"] / 2, abs=0.02)
    # a word of eight that begins between 20 and 59 of 80 letters
    assert facts["position"].between(24, 63).all()
    places = job.run.read_table("motifs/filters.positions.tsv")
    outside = places.filter(like="at_").iloc[:, [0, -1]]
    assert outside.to_numpy().max() == 0
    enriched = job.run.read_table("motifs/filters.enrichment.tsv")
    assert enriched["odds_ratio"].min() > 1


def test_a_layer_by_name_is_read(job, found):
    options = job.options.model_copy(update={"layer": "relu"})
    learned, facts = filters(dataclasses.replace(job, options=options))
    assert np.array_equal(learned[0].ppm, found[0][0].ppm)
    assert facts["influence"].tolist() == found[1]["influence"].tolist()
    options = job.options.model_copy(update={"layer": "reluu"})
    with pytest.raises(InputError, match="Did you mean 'relu'"):
        filters(dataclasses.replace(job, options=options))


def test_filters_that_learned_nothing_are_no_motifs(job):
    for model in (Words("AAAAAAAAAAAAAAAAAAAA"), Linear(80, 1)):
        with pytest.raises(NoFiltersError):
            filters(dataclasses.replace(job, model=model))


def test_a_layer_is_refused_where_no_filters_are_read(job):
    options = job.options.model_copy(update={"layer": "conv"})
    for source in set(SOURCES) - {"filters"}:
        with pytest.raises(InputError, match="says whose filters are read"):
            motifs_run(job.run, source=source, options=options)


def test_of_an_explainn_it_is_told_what_units_and_pairs_add(job):
    torch.manual_seed(0)
    sizes = {"units": 4, "width": 9, "layers": 0, "length": job.held_out.length}
    model = models.create("explainn", pairs=True, n_outputs=2, **sizes).eval()
    _, facts = filters(dataclasses.replace(job, model=model))
    units = job.run.read_table("motifs/units.tsv")
    assert len(units) == 4 * 2
    assert units["weight"][1::2].to_numpy() == pytest.approx(
        model.unit_head.weights[1].tolist(), rel=1e-5
    )
    own = units[units["output"] == 0].set_index("unit")["importance"]
    assert facts["unit_importance"].to_numpy() == pytest.approx(
        own[facts["motif"]].to_numpy(), rel=1e-5
    )
    assert len(job.run.read_table("motifs/units.pairs.tsv")) == 6 * 2
