"""DeepLIFT by graph: it adds up on every network, and it says where it cannot."""

import pytest
import torch
from torch import nn

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.explain.propagation.multipliers import multipliers
from cisgram.explain.propagation.table import rescale, reveal_cancel
from cisgram.explain.references import references
from cisgram.models.graph import record
from cisgram.seq import decode, encode, one_hot
from networks import NETWORKS, WIDTH, made
from toys import Linear, Product, hooks_left

every = pytest.mark.parametrize("name", sorted(NETWORKS))


@pytest.fixture
def x():
    """Six random sequences of 40 bp, N at one position."""
    codes = torch.randint(0, 4, (6, 40), generator=torch.Generator().manual_seed(0))
    x = one_hot(codes.numpy().astype("uint8")).float()
    x[1, :, 7] = 0
    return x


def missed(model, x, r, values):
    """Mean |sum of scores - change of the output| over the mean change."""
    with torch.no_grad():
        there = torch.stack([model(one)[:, 0] for one in r]).mean(1)
        change = model(x)[:, 0] - there
    total = (values.double() * x).sum((1, 2))
    return ((total - change).abs().mean() / change.abs().mean()).item()


def scalar(f):
    """A network of no weights from a function of the sequences to one number each."""

    class Net(nn.Module):
        def forward(self, x):
            return f(x)[:, None]

    return Net()


@every
def test_adds_up_on_every_network(name, x):
    """Relative completeness error below 1e-5 in float32, N allowed."""
    model = NETWORKS[name]()
    r = references(x, n=5)
    a = explain.deep_lift(model, x, target=0, reference=r)
    assert missed(model, x, r, a.values) < 1e-5
    assert torch.isfinite(a.values).all()
    assert (a.per_position[1, 7] == 0).all()


@pytest.mark.parametrize("name", ["conv-relu", "batch norm", "BiLSTM", "functional", "gated"])
@pytest.mark.parametrize("reference", ["zeros", "uniform", "background"])
def test_adds_up_against_every_kind_of_reference(name, reference, x):
    model = NETWORKS[name]()
    a = explain.deep_lift(model, x, target=0, reference=reference)
    assert missed(model, x, references(x, reference), a.values) < 1e-5


@pytest.mark.parametrize("name", ["conv-relu", "batch norm", "gated", "dilated residual", "BiLSTM"])
def test_reveal_cancel_adds_up(name, x):
    model = NETWORKS[name]()
    r = references(x, n=5)
    a = explain.deep_lift(model, x, target=0, reference=r, rule="reveal_cancel")
    assert missed(model, x, r, a.values) < 1e-5


@pytest.mark.parametrize("name", ["max-pool", "layer norm", "BiGRU", "transformer encoder"])
def test_the_batch_does_not_matter(name, x):
    """Fewer references at once than there are, one, or several sequences with all theirs."""
    model = NETWORKS[name]()
    whole = explain.deep_lift(model, x, target=1, n_references=4).values
    for batch_size in (1, 3, 9):
        part = explain.deep_lift(model, x, target=1, n_references=4, batch_size=batch_size).values
        torch.testing.assert_close(part, whole, atol=2e-5, rtol=1e-3)


def test_delta_is_the_measured_gap(x):
    model = NETWORKS["BiLSTM"]()
    r = references(x, n=3)
    a = explain.deep_lift(model, x, target=0, reference=r)
    with torch.no_grad():
        change = model(x)[:, 0] - torch.stack([model(one)[:, 0] for one in r]).mean(1)
    torch.testing.assert_close(a.delta, a.per_position.sum(1) - change, atol=1e-6, rtol=0)


# -- by pencil ---------------------------------------------------------------------------------


def test_a_linear_model_gives_its_weights_against_the_reference():
    """Score of b = W_b - sum_c W_c r_c, whatever the sequence."""
    model, x = Linear(), encode(["ACGTACGTACGT", "TTTTGGGGCCCC"])
    w = model.weight.detach()[1]
    a = explain.deep_lift(model, x, target=1, reference="uniform")
    torch.testing.assert_close(a.values, (w - w.mean(0)).expand(2, -1, -1))


def test_the_factors_of_a_product_share_it_equally():
    a = explain.deep_lift(Product(), encode(["GGAGGGGCGGGG"]), reference="zeros")
    assert a.per_position[0, [2, 7]].tolist() == [0.5, 0.5]


def test_a_quotient_shares_as_the_product_with_the_inverse():
    """From 1 / 1 to 3 / 2: 2 * (1 / 2 + 1) / 2 = 3/2 above, (1 + 3) / 2 * (1/2 - 1) = -1 below."""
    model = scalar(lambda x: (1 + 2 * x[:, 0, 0]) / (1 + x[:, 1, 1]))
    a = explain.deep_lift(model, encode(["AC"]), reference="zeros")
    assert a.per_position.tolist() == [[1.5, -1.0]]


@pytest.mark.parametrize(
    ("f", "scores"),
    [
        # |x_0 - 2 x_1| + 3 from |0| + 3: change 1 by a change of -1
        (lambda x: (x[:, 0, 0] - 2 * x[:, 1, 1]).abs() + 3, [-1.0, 2.0]),
        (lambda x: torch.where(x[:, 0, 0] + x[:, 1, 1] > 1.5, 4.0, 0.0) * 1.0, None),
        (lambda x: torch.maximum(3 * x[:, 0, 0], 2 * x[:, 1, 1] + 0.0), [3.0, 0.0]),
        (lambda x: torch.minimum(3 * x[:, 0, 0], 2 * x[:, 1, 1]), [0.0, 2.0]),
        (lambda x: torch.stack([3 * x[:, 0, 0], 2 * x[:, 1, 1]]).amax(0), [3.0, 0.0]),
        (lambda x: (2 * x[:, 0, 0] + x[:, 1, 1]) ** 2, [6.0, 3.0]),
        (lambda x: (2 * x[:, 0, 0] + x[:, 1, 1]).pow(3), [18.0, 9.0]),
        (lambda x: torch.sqrt(1 + 2 * x[:, 0, 0] + x[:, 1, 1]), [2 / 3, 1 / 3]),
        (lambda x: (x * x).sum((1, 2)), [1.0, 1.0]),
        (lambda x: (x * (x > 0.5)).sum((1, 2)), [1.0, 1.0]),
        (lambda x: (3 * x).masked_fill(x < 0.5, 0).sum((1, 2)), [3.0, 3.0]),
        (lambda x: torch.where(x > 0.5, 5 * x, 2 * x).sum((1, 2)), [5.0, 5.0]),
        (lambda x: x.detach().sum((1, 2)), [1.0, 1.0]),
    ],
)
def test_functions_worked_out_by_hand(f, scores):
    """The sequence AC against zeros."""
    if scores is None:
        with pytest.raises(InputError, match="'where'"):
            explain.deep_lift(scalar(f), encode(["AC"]), reference="zeros")
        return
    a = explain.deep_lift(scalar(f), encode(["AC"]), reference="zeros")
    torch.testing.assert_close(a.per_position, torch.tensor([scores]))


def test_the_larger_of_two_maxima_says_who_wins():
    """Max over positions of (1, 3, 2) against (2, 0, 0): the second gets 3 - 2 = 1, all of it."""
    w = torch.tensor([1.0, 3.0, 2.0])
    model = scalar(lambda x: (x[:, 0] * w + x[:, 1] * torch.tensor([2.0, 0, 0])).amax(1))
    a = explain.deep_lift(model, encode(["AAA"]), reference=encode(["CGG"])[0])
    torch.testing.assert_close(a.per_position, torch.tensor([[0.0, 1.0, 0.0]]))


def test_softmax_of_two_splits_as_the_logistic_function_of_the_difference():
    """By symmetry the scores a and -b of the logits share in the ratio of their changes."""
    model = scalar(lambda x: torch.softmax(x[:, :2, 0] * torch.tensor([3.0, 0]), 1)[:, 0])
    a = explain.deep_lift(model, encode(["A"]), reference="zeros")
    torch.testing.assert_close(
        a.per_position, torch.sigmoid(torch.tensor([[3.0]])) - 0.5, atol=1e-6, rtol=0
    )


def test_reveal_cancel_gives_a_minimum_to_both_of_its_inputs():
    """min(a, b) = a - relu(a - b) at (3, 2): Rescale says 0 and 2, RevealCancel 1 and 1."""

    class Minimum(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.hidden = nn.Linear(8, 1, bias=False), nn.Linear(8, 1, bias=False)
            with torch.no_grad():
                for layer, weights in ((self.first, (3, 0)), (self.hidden, (3, -2))):
                    layer.weight.zero_()
                    layer.weight[0, 0], layer.weight[0, 3] = weights  # A first, C second

        def forward(self, x):
            return self.first(x.flatten(1)) - torch.relu(self.hidden(x.flatten(1)))

    x = encode(["AC"])
    plain = explain.deep_lift(Minimum(), x, reference="zeros")
    revealed = explain.deep_lift(Minimum(), x, reference="zeros", rule="reveal_cancel")
    torch.testing.assert_close(plain.per_position, torch.tensor([[0.0, 2.0]]))
    torch.testing.assert_close(revealed.per_position, torch.tensor([[1.0, 1.0]]))


# -- laws --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("bias", [True, False])
def test_a_recurrent_layer_gives_what_its_steps_give(kind, bias, x):
    """The rule of a whole layer against rules of the single operations of its steps."""
    net = made(lambda: kind(4, 5, num_layers=2, bidirectional=True, bias=bias), gain=3.0)

    def f(x):
        y, state = net(x.permute(2, 0, 1))
        last = state[1] if kind is nn.LSTM else state
        return y.mean(0).sum(1) + 0.3 * last.sum((0, 2)) + y[3, :, 1]

    r = references(x, n=3).flatten(0, 1)
    whole, steps = (
        multipliers(*(record(f, t, whole_layers=w) for t in (x, r)), rescale) for w in (True, False)
    )
    torch.testing.assert_close(whole, steps, atol=2e-5, rtol=1e-3)


@pytest.mark.parametrize("name", ["max-pool", "group and instance norm", "softmax inside", "BiGRU"])
@pytest.mark.parametrize("rules", [rescale, reveal_cancel])
def test_running_examples_once_is_running_them_for_each_reference(name, rules, x):
    model, k = NETWORKS[name](), 4
    r = references(x, n=k).flatten(0, 1)

    def f(x):
        return model(x)[:, 0]

    with torch.no_grad():
        once = multipliers(record(f, x), record(f, r), rules)
        each = multipliers(record(f, x.repeat_interleave(k, 0)), record(f, r), rules)
    torch.testing.assert_close(once, each, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["conv-relu", "MultiheadAttention", "BiLSTM"])
def test_several_references_are_the_mean_over_single_ones(name, x):
    model = NETWORKS[name]()
    r = references(x, n=3)
    one = [explain.deep_lift(model, x, target=0, reference=r[:, [i]]).values for i in range(3)]
    together = explain.deep_lift(model, x, target=0, reference=r).values
    torch.testing.assert_close(together, torch.stack(one).mean(0), atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("rule", ["rescale", "reveal_cancel"])
def test_a_sequence_against_itself_has_no_contributions(rule, x):
    model = NETWORKS["functional"]()
    a = explain.deep_lift(model, x, target=0, reference=x[:, None], rule=rule)
    assert torch.equal(a.per_position, torch.zeros(6, 40))
    assert torch.isfinite(a.values).all()


# -- refusals ----------------------------------------------------------------------------------


class Stepwise(nn.Module):
    """A hard threshold that nothing can be traced through, inside a named module."""

    class Threshold(nn.Module):
        def forward(self, h):
            return (h > 0).float()

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv1d(4, WIDTH, 5), nn.Linear(WIDTH, 1)
        self.hard = self.Threshold()

    def forward(self, x):
        return self.head(self.hard(self.conv(x)).mean(2))


def test_names_the_operation_that_does_not_add_up(x):
    model = made(Stepwise)
    with pytest.raises(InputError, match=r"by 1\d\d? %.*'gt' in module 'hard'"):
        explain.deep_lift(model, x)
    assert hooks_left(model) == 0


def test_tolerance_none_never_refuses_but_tells(x):
    a = explain.deep_lift(made(Stepwise), x, tolerance=None)
    assert (a.values == 0).all()
    assert a.delta.abs().min() > 1e-3


def test_refuses_a_model_that_mixes_sequences(x):
    model = scalar(lambda x: torch.relu(x - x.mean(0))[:, 0].pow(2).sum(1))
    with pytest.raises(InputError, match="depends on the other sequences of its batch"):
        explain.deep_lift(model, x)


def test_refuses_a_model_that_takes_two_ways(x):
    """An if on values: nothing links the operations of one way with those of the other."""

    class Twoway(nn.Module):
        def forward(self, x):
            y = x[:, 0].sum(1, keepdim=True)
            return torch.exp(y) if bool(x[0, 0, 0] > 0) else torch.sin(y)

    x[:, :, 0] = torch.tensor([1.0, 0, 0, 0])
    with pytest.raises(InputError, match=r"takes another way.*torch\.where"):
        explain.deep_lift(Twoway(), x, reference="zeros")


def test_refuses_unknown_rules_and_tolerances(x):
    with pytest.raises(UnknownName, match="reveal_cancel"):
        explain.deep_lift(Linear(40), x, target=0, rule="reveal")
    with pytest.raises(InputError, match="tolerance"):
        explain.deep_lift(Linear(40), x, target=0, tolerance=0.0)


def test_the_sequences_of_a_test_are_what_they_seem(x):
    assert decode(x)[1][7] == "N"


# -- independent programs ----------------------------------------------------------------------


class OverlappingPool(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv1d(4, WIDTH, 5),
            nn.ReLU(),
            nn.MaxPool1d(4, 2, padding=1),
            nn.Flatten(),
            nn.Linear(18 * WIDTH, 2),
        )


ALIKE = ("conv-relu", "reused ReLU", "dilated residual", "max-pool", "batch norm", "layer norm")
TANGERMEME = (*ALIKE, "RMS norm", "softmax at the end", "overlapping pool")


@pytest.mark.parity
@pytest.mark.parametrize("name", TANGERMEME)
def test_equals_tangermeme_where_that_is_right(name, x):
    """Hypothetical contributions within 1e-5 of the largest."""
    program = pytest.importorskip("tangermeme.deep_lift_shap")
    model = made(OverlappingPool, gain=3.0) if name == "overlapping pool" else NETWORKS[name]()
    x = x[[0, 2, 3]]  # that program knows no N
    r = references(x, n=4)
    theirs = program.deep_lift_shap(
        model, x, target=1, references=r, hypothetical=True, device="cpu"
    )
    assert missed(lambda x: model(x)[:, [1]], x, r, theirs) < 1e-4
    ours = explain.deep_lift(model, x, target=1, reference=r).values
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")
@pytest.mark.parametrize("name", ["conv-relu", "dilated residual", "batch norm"])
def test_equals_captum_where_that_is_right(name, x):
    attr = pytest.importorskip("captum.attr")
    model, r = NETWORKS[name](), references(x, n=4)
    ours = explain.deep_lift(model, x, target=0, reference=r)
    for i in range(len(x)):
        theirs = attr.DeepLiftShap(model).attribute(x[[i]], r[i], target=0)[0].sum(0).detach()
        assert (ours.per_position[i] - theirs).abs().max() < 1e-5 * theirs.abs().max()
