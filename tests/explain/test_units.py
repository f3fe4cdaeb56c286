"""What the units of an ExplaiNN say, on networks whose filters are words."""

import math

import numpy as np
import pytest
import torch
from pandas.testing import assert_frame_equal

from cisgram import explain, models
from cisgram.core.errors import InputError
from cisgram.data import Dataset, TrainingData
from cisgram.models import BothStrands
from cisgram.motifs import Motif
from cisgram.seq import encode
from cisgram.seq.alphabet import one_hot
from cisgram.train import TrainOptions, fit

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
            head.pairs.weight[0] = 3**0.5 * torch.tensor([0.5, 0.0, -0.1])  # 01 02 12
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
    """In the third sequence both words are whole: 0.5 / (2 * 3) of the product of what they add."""
    table = explain.unit_pairs(words(), X, names=WORDS)
    top = table.iloc[0]
    assert (top["first"], top["second"], top["output"]) == ("GATTACA", "CACGTGA", 0)
    assert top["weight"] == pytest.approx(0.5)
    assert top["sequences"] == 1
    a = words().unit_outputs(X).detach().numpy().astype(np.float64)
    gattaca, cacgtga = FULL - np.median(a[[1, 3, 4], 0]), FULL - np.median(a[[0, 3, 4], 1])
    assert top["effect"] == pytest.approx(0.5 / 6 * gattaca * cacgtga, rel=1e-5)


def test_pairs_are_sorted_by_the_size_of_their_weights():
    table = explain.unit_pairs(words(), X)
    assert len(table) == 6
    assert table["weight"].tolist() == pytest.approx([0.5, -0.1, 0, 0, 0, 0])


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


A = Motif(np.eye(4)[:, ["ACGT".index(b) for b in "GATTACAG"]], "A")
B = Motif(np.eye(4)[:, ["ACGT".index(b) for b in "CACGTGAC"]], "B")
C = Motif(np.eye(4)[:, ["ACGT".index(b) for b in "TTGCGCAA"]], "C")


def planted_pairs(n, *, product, seed):
    """Sequences with each of three words or not, and a value that adds up, or has a product."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (n, 48)).astype(np.uint8)
    has = random.random((n, 3)) < 0.5
    for i, motif in enumerate((A, B, C)):
        at = 16 * i + random.integers(0, 9, n)
        for row in np.flatnonzero(has[:, i]):
            codes[row, at[row] : at[row] + 8] = motif.ppm.argmax(0)
    a, b, c = has.T.astype(np.float32)
    y = 2 * a * b + c if product else 2 * a + b + c
    return Dataset([str(i) for i in range(n)], codes, y[:, None].astype(np.float32))


def pairs_learned(*, product):
    torch.manual_seed(0)
    sizes = {"units": 3, "width": 8, "layers": 0, "length": 48}
    model = models.create("explainn", pairs=True, **sizes)
    models.put_motifs(model, [A, B, C], frozen=True)
    data = TrainingData(planted_pairs(600, product=product, seed=0), reverse_complement=False)
    valid = planted_pairs(200, product=product, seed=1)
    options = TrainOptions(epochs=40, batch_size=64, min_rows=1, learning_rate=0.03, patience=40)
    fit(model, data, options, valid=valid, task="regression", device="cpu")
    table = explain.unit_pairs(model, one_hot(valid.codes), names=["A", "B", "C"])
    return table.set_index(["first", "second"])


def test_a_product_of_two_motifs_is_found_with_its_size():
    """y = 2 a b + c: together A and B add 2 beyond what each does alone, no other pair adds."""
    table = pairs_learned(product=True)
    assert table.index[0] == ("A", "B")
    assert table["effect"].iloc[0] == pytest.approx(2, abs=0.2)
    assert table["effect"].iloc[1:].abs().max() < 0.2


def test_motifs_that_add_up_are_no_pair():
    table = pairs_learned(product=False)
    assert table["effect"].abs().max() < 0.15
