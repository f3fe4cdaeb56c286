"""What the units of an ExplaiNN say, on networks whose filters are words."""

import math

import pytest
import torch
from pandas.testing import assert_frame_equal

from cisgram import explain, models
from cisgram.core.errors import InputError
from cisgram.models import BothStrands
from cisgram.seq import encode

WORDS = ("GATTACA", "CACGTGA", "TTTTTTT")
X = encode(
    ["CCGATTACACCCCC", "CCCCCCACGTGACC", "GATTACACACGTGA", "CCCCCCCCCCCCCC", "GATTACCCCCCCCC"]
)
FULL = math.exp(7)  # what a unit says of a whole word


def words(*, n_outputs=2, pairs=True, positive=False):
    """Units that say exp(matches to their word); weights 1, -2, 3 for the first output."""
    model = models.create(
        "explainn", units=3, width=7, layers=0, length=14, pairs=pairs, n_outputs=n_outputs,
        positive=positive,
    )  # fmt: skip
    head = model.unit_head
    with torch.no_grad():
        model.features[0].weight.copy_(torch.cat([encode([w]) for w in WORDS]))
        model.features[0].bias.zero_()
        model.features[1].eps = 0.0
        head.main.weight[0] = torch.tensor([1.0, -2.0, 3.0])
        if pairs:
            head.pairs.norm.running_var.copy_(torch.tensor([4.0, 9.0, 1.0]))
            head.pairs.norm.running_mean.copy_(torch.tensor([5.0, 7.0, 1.0]))
            head.pairs.norm.eps = 0.0
            head.pairs.weight[0] = torch.tensor([0.5, 0.0, -0.1])  # 0 1, 0 2, 1 2
    return model.eval()


def test_importance_is_weight_times_output_where_the_motif_is():
    table = explain.unit_importances(words(), X)
    own = table[table["output"] == 0].set_index("unit")
    assert own["weight"].tolist() == [1, -2, 3]
    assert own["sequences"][:2].tolist() == [2, 2]
    assert own["importance"]["filter_0"] == pytest.approx(FULL, rel=1e-5)
    assert own["importance"]["filter_1"] == pytest.approx(-2 * FULL, rel=1e-5)


def test_importances_make_a_matrix_of_units_and_outputs():
    model = words(n_outputs=4)
    table = explain.unit_importances(model, X, names=["a", "b", "c"])
    matrix = table.pivot(index="unit", columns="output", values="weight")
    assert matrix.index.tolist() == ["a", "b", "c"]
    torch.testing.assert_close(
        torch.tensor(matrix.to_numpy()), model.unit_head.weights.T.detach().double()
    )


def test_importances_of_weights_that_cannot_be_negative_are_those_that_act():
    model = words(positive=True)
    table = explain.unit_importances(model, X)
    assert (table["weight"] > 0).all()
    assert table["weight"][0] == pytest.approx(math.log1p(math.e))  # softplus(1)


def test_neither_batches_nor_wrapping_change_importances():
    model = words()
    whole = explain.unit_importances(model, X)
    parts = explain.unit_importances(BothStrands(model), X, batch_size=2)
    assert_frame_equal(whole, parts)


def test_effect_of_a_pair_is_what_both_add_beyond_each_alone():
    """In the third sequence both words are whole: 0.5 / (2 * 3) of the product of what they say."""
    table = explain.unit_pairs(words(), X, names=WORDS)
    top = table.iloc[0]
    assert (top["first"], top["second"], top["output"]) == ("GATTACA", "CACGTGA", 0)
    assert top["weight"] == 0.5
    assert top["sequences"] == 1
    assert top["effect"] == pytest.approx(0.5 / 6 * FULL**2, rel=1e-5)


def test_pairs_are_sorted_by_the_size_of_their_weights():
    table = explain.unit_pairs(words(), X)
    assert len(table) == 6
    assert table["weight"].tolist() == [0.5, pytest.approx(-0.1), 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("function", "model", "options", "message"),
    [
        ("unit_importances", models.create("demo-cnn"), {}, "DemoCNN has no units"),
        ("unit_pairs", models.create("demo-cnn"), {}, "DemoCNN has no units"),
        ("unit_pairs", words(pairs=False), {}, "train it with pairs=True"),
        ("unit_importances", words(), {"names": ["a"]}, "one a unit, 3; got 1"),
        ("unit_importances", words(), {"convention": "explain"}, "Did you mean 'explainn'"),
    ],
)
def test_what_cannot_be_read_is_refused(function, model, options, message):
    with pytest.raises(InputError, match=message):
        getattr(explain, function)(model, X, **options)
