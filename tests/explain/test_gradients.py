import pytest
import torch

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.explain.gradients import gradient
from cisgram.models import BothStrands, create
from cisgram.models.checkpoint import Mean
from cisgram.seq import encode
from toys import Conv, Linear, Product, TwoClass

TEXT = ["ACGTACGTACGT", "TTTTGGGGCCCC", "ACGTNNNNACGT"]


@pytest.fixture
def x():
    return encode(TEXT)


def weights(model, column):
    return model.weight[column].detach()


def test_linear_model_explains_itself(x):
    """The gradient is W wherever one stands; times input, W where the base is."""
    model = Linear()
    w = weights(model, 1)
    torch.testing.assert_close(gradient(model, x, target=1), w.expand(3, 4, 12))
    a = explain.gradient_x_input(model, x, target=1)
    torch.testing.assert_close(a.values, w * x)
    torch.testing.assert_close(a.per_position.sum(1), model(x)[:, 1].detach())
    s = explain.saliency(model, x, target=1, corrected=False)
    torch.testing.assert_close(s.values, w.abs() * x)


def test_correction_takes_each_positions_mean_away_before_the_size(x):
    model = Linear()
    w = weights(model, 0)
    centered = w - w.mean(0)
    g = gradient(model, x, target=0, corrected=True)
    torch.testing.assert_close(g, centered.expand(3, 4, 12))
    torch.testing.assert_close(g.mean(1), torch.zeros(3, 12), atol=1e-6, rtol=0)
    torch.testing.assert_close(explain.saliency(model, x, target=0).values, centered.abs() * x)
    a = explain.gradient_x_input(model, x, target=0, corrected=True)
    torch.testing.assert_close(a.values, centered * x)


def test_correction_leaves_alone_what_moves_within_the_simplex(x):
    """Differences between bases, which are all that a substitution sees, do not change."""
    plain = gradient(Conv(), x, target=0)
    corrected = gradient(Conv(), x, target=0, corrected=True)
    torch.testing.assert_close(corrected - corrected[:, :1], plain - plain[:, :1])


def test_product_by_hand():
    """d(ab)/da = b: each letter's gradient is the other letter."""
    g = gradient(Product(), encode(["GGAGGGGCGGGG"]), target=0)
    assert g.nonzero().tolist() == [[0, 0, 2], [0, 1, 7]]
    assert explain.gradient_x_input(Product(), encode(["GGAGGGGGGGGG"])).values.abs().sum() == 0


def test_logit_difference_and_logit_of_two_class_scores(x):
    model = TwoClass()
    unbound, bound = weights(model.scores, 0), weights(model.scores, 1)
    difference = gradient(model, x, target=0)
    torch.testing.assert_close(difference, (bound - unbound).expand(3, 4, 12))
    logit = gradient(model, x, target=0, of="logit")
    torch.testing.assert_close(logit, bound.expand(3, 4, 12))


def test_logit_of_a_model_with_one_score_is_its_output(x):
    model = Linear(outputs=1)
    assert torch.equal(gradient(model, x, target=None, of="logit"), gradient(model, x, target=None))


def test_logit_is_the_same_reading_on_both_strands_and_in_ensembles(x):
    """A wrapper must not turn the bound class's score into the difference unsaid."""
    model = TwoClass()
    bound = weights(model.scores, 1)
    both = (bound + bound.flip(0, 1)) / 2
    g = gradient(BothStrands(model), x, target=0, of="logit")
    torch.testing.assert_close(g, both.expand(3, 4, 12))
    g = gradient(Mean([BothStrands(model), model]), x, target=0, of="logit")
    torch.testing.assert_close(g, ((both + bound) / 2).expand(3, 4, 12))


def test_probability_is_the_logit_shrunk_where_the_model_is_sure(x):
    model = Conv().eval()
    p = torch.sigmoid(model(x)[:, 0]).detach()[:, None, None]
    expected = p * (1 - p) * gradient(model, x, target=0)
    torch.testing.assert_close(gradient(model, x, target=0, of="probability"), expected)


def test_loss_of_bound_and_unbound_sequences(x):
    """d loss / d logit = p - y: minus (1 - p) for a bound sequence, p for an unbound one."""
    model, y = Conv().eval(), torch.tensor([1, 0, 1])
    p = torch.sigmoid(model(x)[:, 0]).detach()
    plain = gradient(model, x, target=0)
    g = gradient(model, x, target=0, of="loss", labels=y)
    torch.testing.assert_close(g, (p - y)[:, None, None] * plain)
    torch.testing.assert_close(g[0], -(1 - p[0]) * plain[0])


def test_published_saliency_is_the_gradient_of_the_two_class_likelihood(x):
    """Deep Motif Dashboard's code: |d NLL / d x| * x with a log-softmax over two classes."""
    torch.manual_seed(0)
    model, y = create("demo-cnn-rnn").eval(), torch.tensor([0, 1, 1])
    point = x.clone().requires_grad_()
    nll = torch.nn.functional.cross_entropy(model.class_scores(point)[:, 0], y, reduction="sum")
    (g,) = torch.autograd.grad(nll, point)
    a = explain.saliency(model, x, of="loss", labels=y, corrected=False)
    torch.testing.assert_close(a.values, g.abs() * x)


def test_within_one_sequence_loss_and_logit_rank_alike(x):
    torch.manual_seed(0)
    model = create("demo-cnn-rnn")
    a = explain.saliency(model, x, of="loss", labels=torch.ones(3)).per_position
    b = explain.saliency(model, x).per_position
    assert torch.equal(a[0].argsort(), b[0].argsort())


def test_labels_are_part_of_the_record(x):
    a = explain.saliency(Linear(), x, target=0, of="loss", labels=torch.tensor([1, 0, 1]))
    assert a.options["labels"] == [1, 0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "loss"}, "labels are needed"),
        ({"labels": torch.ones(3)}, "labels are needed"),
        ({"of": "loss", "labels": torch.ones(2)}, r"shape \(3,\)"),
        ({"of": "loss", "labels": torch.ones(3, 1)}, r"shape \(3,\)"),
        ({"of": "loss", "labels": torch.tensor([1, -1, 1])}, "0 or 1"),
        ({"of": "loss", "labels": torch.tensor([1, 0, torch.nan])}, "0 or 1"),
        ({"of": "loss", "labels": [1, 0, 1]}, "labels must"),
        ({"of": "logits"}, "Did you mean 'logit'"),
    ],
)
def test_readings_and_labels_that_do_not_fit_are_refused(x, options, message):
    with pytest.raises(InputError, match=message):
        explain.saliency(Linear(), x, target=0, **options)


def test_unknown_reading_is_an_unknown_name(x):
    with pytest.raises(UnknownName):
        explain.saliency(Linear(), x, target=0, of="nll")


def test_logit_of_two_scores_needs_a_column(x):
    with pytest.raises(InputError, match="needs target as a column"):
        explain.saliency(TwoClass(), x, target=lambda y: y[:, 0], of="logit")


@pytest.mark.parity
def test_agrees_with_captum(x):
    attr = pytest.importorskip("captum.attr")
    model = Conv().eval()
    point = x.clone().requires_grad_()
    captum = attr.Saliency(model).attribute(point, target=1).detach() * x
    ours = explain.saliency(model, x, target=1, corrected=False).values
    torch.testing.assert_close(ours, captum)
    captum = attr.InputXGradient(model).attribute(point, target=1).detach()
    torch.testing.assert_close(explain.gradient_x_input(model, x, target=1).values, captum)


@pytest.mark.parity
def test_agrees_with_tangermeme():
    tangermeme = pytest.importorskip("tangermeme.saliency")
    model, x = Conv().eval(), encode(TEXT[:2])
    for corrected in (False, True):
        g = tangermeme.saliency(
            model, x, target=1, hypothetical=True, gradient_correction=corrected, device="cpu"
        )
        ours = gradient(model, x, target=1, corrected=corrected)
        torch.testing.assert_close(ours, torch.as_tensor(g).detach())
