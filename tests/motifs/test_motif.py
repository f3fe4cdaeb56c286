"""Motif and MotifSet: checked once, immutable, found by number, id or name."""

import numpy as np
import pytest

from cisgram.core.errors import InputError, UnknownName
from cisgram.motifs import Motif, MotifSet


def test_counts_become_probabilities_and_sites():
    motif = Motif.from_counts([[3, 0], [1, 0], [0, 0], [0, 0]], name="m")
    assert motif.ppm.T.tolist() == [[0.75, 0.25, 0, 0], [0.25] * 4]
    assert motif.n_sites == 4


def test_information_is_two_bits_for_a_certain_base_and_none_for_a_flat_column():
    motif = Motif([[1, 0.25, 0.5], [0, 0.25, 0.5], [0, 0.25, 0], [0, 0.25, 0]], "m")
    assert motif.information.tolist() == [2, 0, 1]
    biased = Motif([[1.0], [0], [0], [0]], "m", background=(0.5, 0.125, 0.125, 0.25))
    assert biased.information.tolist() == [1]


def test_a_motif_cannot_be_changed():
    motif = Motif(np.eye(4), "m")
    with pytest.raises(ValueError, match="read-only"):
        motif.ppm[0, 0] = 0
    with pytest.raises(AttributeError):
        motif.name = "other"


def test_the_other_strand_twice_is_the_motif():
    motif = Motif(np.eye(4)[:, [2, 0, 3, 0]], "GATA", background=(0.4, 0.3, 0.2, 0.1))
    turned = motif.reverse_complement()
    assert turned.consensus == "TATC"
    np.testing.assert_allclose(turned.background, (0.1, 0.2, 0.3, 0.4))
    np.testing.assert_array_equal(turned.reverse_complement().ppm, motif.ppm)


def test_trimming_takes_flanks_and_leaves_the_inside():
    flat, sharp = [0.25] * 4, [1, 0, 0, 0]
    motif = Motif(np.array([flat, sharp, flat, sharp, flat, flat]).T, "m")
    assert motif.trimmed().ppm.T.tolist() == [sharp, flat, sharp]
    vague = Motif(np.array([flat, flat]).T, "vague")
    assert vague.trimmed() is vague


@pytest.mark.parametrize(
    ("ppm", "says"),
    [
        (np.ones((5, 4)) / 4, "Transpose"),
        (np.ones(4), "shape"),
        (np.ones((4, 0)), "shape"),
        (np.full((4, 2), np.nan), "finite"),
        ([[1.5], [-0.5], [0], [0]], "not negative"),
        ([[9], [1], [0], [0]], "from_counts"),
    ],
)
def test_what_is_no_probability_matrix_is_refused(ppm, says):
    with pytest.raises(InputError, match=says):
        Motif(ppm, "m")


@pytest.mark.parametrize("background", [(1, 1, 1), (0.5, 0.5, 0, 0), (1, 1, 1, -1)])
def test_a_background_without_a_base_is_refused(background):
    with pytest.raises(InputError, match="background"):
        Motif(np.eye(4), "m", background=background)


def test_a_set_is_asked_by_number_id_name_and_slice():
    motifs = MotifSet([Motif(np.eye(4), "CTCF", "MA0139.2"), Motif(np.eye(4), "MAX")], origin="x")
    assert motifs["MA0139.2"] is motifs["CTCF"] is motifs[0]
    assert motifs[1:].names == ["MAX"]
    assert motifs[1:].origin == "x"
    assert len(motifs) == 2
    with pytest.raises(UnknownName, match="Did you mean 'CTCF'"):
        motifs["CTFC"]
