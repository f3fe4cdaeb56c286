"""Some motifs out of many."""

import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.motifs import Motif, jaspar, select_motifs, similarity


def word(text):
    return Motif(np.eye(4)[:, ["ACGT".index(b) for b in text]], text)


FAMILIES = [word(w) for w in ("GATAAG", "AGATAA", "CTTATC", "CACGTG", "CCACGTG", "TATAAA")]


def test_one_motif_of_each_family_is_taken():
    assert len(select_motifs(FAMILIES, 3)) == 3
    found = {FAMILIES.index(m) // 3 for m in select_motifs(FAMILIES, 3)[:2]}
    assert found == {0, 1}
    assert select_motifs(FAMILIES, 3)[2].name == "TATAAA"


def test_all_are_taken_where_there_is_room():
    for by in ("representatives", "random", "first"):
        assert select_motifs(FAMILIES, 6, by=by).names == [m.name for m in FAMILIES]


def test_a_random_choice_is_one_for_one_seed():
    first, again = (select_motifs(FAMILIES, 2, by="random", seed=3).names for _ in range(2))
    others = {tuple(select_motifs(FAMILIES, 2, by="random", seed=s).names) for s in range(8)}
    assert first == again
    assert len(others) > 3


def test_the_first_are_the_first():
    assert select_motifs(FAMILIES, 2, by="first").names == ["GATAAG", "AGATAA"]


def test_representatives_are_less_alike_than_motifs_drawn_at_random():
    vertebrates = jaspar()[:150]

    def likeness(by):
        values = similarity(select_motifs(vertebrates, 40, by=by)).values
        return np.sort(values - 2 * np.eye(40), axis=1)[:, -1].mean()

    assert likeness("representatives") < likeness("random") - 0.1


@pytest.mark.parametrize(
    ("n", "by", "message"), [(0, "first", "n must be"), (2, "rand", "Did you mean 'random'")]
)
def test_what_makes_no_sense_is_refused(n, by, message):
    with pytest.raises(InputError, match=message):
        select_motifs(FAMILIES, n, by=by)
