"""Clusters of motifs: planted groups come back, alignments are right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cisgram.core.errors import InputError
from cisgram.motifs import Motif, cluster, jaspar, similarity


def padded(motif: Motif, left: int, right: int, rng: np.random.Generator) -> Motif:
    """The motif with flanks that say next to nothing, and a little noise."""
    ppm = np.hstack([np.full((4, left), 0.25), motif.ppm, np.full((4, right), 0.25)])
    noise = rng.dirichlet(np.ones(4), size=ppm.shape[1]).T
    return Motif(0.95 * ppm + 0.05 * noise, motif.name)


def test_planted_groups_are_found_whatever_their_shift_and_strand():
    rng = np.random.default_rng(0)
    seeds = [jaspar()[name] for name in ("CTCF", "FOXA1", "REST")]
    motifs, truth = [], []
    for i, seed in enumerate(seeds):
        for _ in range(4 - i):
            m = padded(seed, int(rng.integers(0, 4)), int(rng.integers(0, 4)), rng)
            motifs.append(m.reverse_complement() if rng.random() < 0.5 else m)
            truth.append(i)
    order = rng.permutation(len(motifs))
    found = cluster([motifs[i] for i in order])
    assert found.labels.tolist() == [truth[i] for i in order]
    for label, seed in enumerate(seeds):
        s = similarity([seed, found.motifs[label]])
        assert s.values[0, 1] > 0.97
        assert found.labels[found.representatives[label]] == label


def test_members_laid_on_their_representative_agree_column_by_column():
    rng = np.random.default_rng(1)
    seed = jaspar()["CTCF"]
    motifs = [padded(seed, 0, 0, rng), padded(seed, 3, 1, rng), padded(seed, 0, 2, rng)]
    motifs[2] = motifs[2].reverse_complement()
    found = cluster(motifs)
    r = int(found.representatives[0])
    for i, m in enumerate(motifs):
        oriented = m if found.strands[i] == "+" else m.reverse_complement()
        for j in range(motifs[r].width):
            at = j - int(found.offsets[i])
            if 0 <= at < oriented.width:
                assert abs(oriented.ppm[:, at] - motifs[r].ppm[:, j]).max() < 0.11


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6))
def test_similarity_does_not_care_who_is_first_or_which_strand(seed, n):
    rng = np.random.default_rng(seed)
    motifs = [
        Motif(rng.dirichlet(np.full(4, 0.4), size=rng.integers(1, 12)).T, f"m{i}") for i in range(n)
    ]
    s = similarity(motifs)
    np.testing.assert_allclose(s.values, s.values.T, atol=1e-9)
    assert (s.values <= 1).all()
    assert (np.diag(s.values) == 1).all()
    turned = similarity([m.reverse_complement() for m in motifs])
    np.testing.assert_allclose(s.values, turned.values, atol=1e-9)


def test_a_value_by_hand():
    """CA against A: overlap of one column with c = (3/4, -1/4, -1/4, -1/4), length² 3/4 each."""
    ca, a = Motif(np.eye(4)[:, [1, 0]], "CA"), Motif(np.eye(4)[:, [0]], "A")
    s = similarity([ca, a], both_strands=False)
    assert s.values[0, 1] == pytest.approx(0.75 / np.sqrt(1.5 * 0.75))
    assert s.offsets[0, 1] == 1
    assert s.offsets[1, 0] == -1


def test_one_strand_only_keeps_a_motif_and_its_complement_apart():
    gata = Motif(np.eye(4)[:, [2, 0, 3, 0, 0]], "GATAA")
    assert len(cluster([gata, gata.reverse_complement()]).motifs) == 1
    assert len(cluster([gata, gata.reverse_complement()], both_strands=False).motifs) == 2


def test_a_threshold_of_one_joins_only_equals_and_a_vague_motif_stays_alone():
    rng = np.random.default_rng(2)
    a, vague = jaspar()["CTCF"], Motif(np.full((4, 8), 0.25), "vague")
    found = cluster([a, padded(a, 0, 0, rng), a, vague], threshold=1.0)
    assert found.labels.tolist() == [0, 1, 0, 2]
    assert found.members(0).tolist() == [0, 2]
    assert cluster([a]).labels.tolist() == [0]


@pytest.mark.parametrize(("motifs", "threshold"), [([], 0.5), ([Motif(np.eye(4), "m")], 1.5)])
def test_impossible_questions_are_refused(motifs, threshold):
    with pytest.raises(InputError):
        cluster(motifs, threshold=threshold)
