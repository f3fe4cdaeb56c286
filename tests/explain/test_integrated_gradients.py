import pytest
import torch

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.seq import encode, shuffle
from networks import NETWORKS
from toys import Conv, Linear, Product

TEXT = ["GATTACATGCAC", "TTGACGGCATCA", "AGCANNNNTCGT"]


@pytest.fixture
def x():
    return encode(TEXT)


def test_a_product_is_shared_in_halves():
    """On the way from zeros to both letters, ab grows as a^2: each of them gave half."""
    a = explain.integrated_gradients(Product(), encode(["GGAGGGGCGGGG"]), reference="zeros")
    expected = torch.zeros(12)
    expected[[2, 7]] = 0.5
    torch.testing.assert_close(a.per_position[0], expected)
    torch.testing.assert_close(a.delta, torch.zeros(1), atol=1e-7, rtol=0)


def test_a_product_by_hand_from_the_uniform_reference():
    """(1/4 + 3t/4)^2 grows from 1/16 to 1; a letter that is not there would take t down."""
    a = explain.integrated_gradients(Product(), encode(["GGAGGGGCGGGG"])).values[0]
    slope = 0.25 + 0.75 / 2  # the mean of the other letter on the way
    assert a[0, 2].item() == pytest.approx(0.75 * slope)
    assert a[1, 2].item() == pytest.approx(-0.25 * slope)  # C where A is would cost a quarter
    assert a.sum(0).abs().max() < 1e-6  # against uniform, the four letters cancel


def test_what_a_letter_would_give_is_told_for_letters_that_are_absent(x):
    """On a linear model: W_b minus the reference's mean of W, whatever stands there."""
    model = Linear()
    w = model.weight[0].detach()
    a = explain.integrated_gradients(model, x[:2], target=0)
    torch.testing.assert_close(a.values, (w - w.mean(0)).expand(2, 4, 12))


@pytest.mark.parametrize("reference", ["shuffles", "given"])
def test_several_references_are_averaged(x, reference):
    refs = shuffle(x.float(), n=3, seed=5)
    model, fixed = Conv(), {"steps": 16, "max_steps": 16}
    given = refs if reference == "given" else "shuffles"
    a = explain.integrated_gradients(
        model, x, target=0, reference=given, n_references=3, seed=5, **fixed
    )
    each = [
        explain.integrated_gradients(model, x, target=0, reference=refs[:, [i]], **fixed)
        for i in range(3)
    ]
    torch.testing.assert_close(a.values, torch.stack([e.values for e in each]).mean(0))
    torch.testing.assert_close(
        a.delta, torch.stack([e.delta for e in each]).mean(0), atol=1e-6, rtol=0
    )


def test_a_sequence_that_misses_the_tolerance_gets_more_steps():
    x = encode(["GATTACATGCACGGTCATTGCACC", "TTGACGGCATCAGGTACGATTGCT"])
    model = NETWORKS["BiLSTM"]()
    few = explain.integrated_gradients(model, x, target=0, steps=2, max_steps=2)
    more = explain.integrated_gradients(model, x, target=0, steps=2, tolerance=3e-4)
    assert (few.delta.abs() > 1e-3 * few.per_position.abs().sum(1)).all()
    assert (more.delta.abs() <= 3e-4 * more.per_position.abs().sum(1)).all()


def test_what_rounding_hides_is_not_searched_for():
    """Beside an offset of 1,000, a difference of 1 is known to 1e-4: no more steps can help."""

    class Offset(Product):
        calls = 0

        def forward(self, x):
            self.calls += len(x)
            return super().forward(x) ** 3 + 1000.03

    model = Offset()
    a = explain.integrated_gradients(model, encode(["GGAGGGGCGGGG"]), steps=4, tolerance=1e-7)
    assert model.calls == 4 + 2 + 1  # one to see that a sequence has a number of its own
    assert a.delta.abs() < 2e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": "zero"}, "Did you mean 'zeros'"),
        ({"reference": torch.ones(4, 3)}, r"must be of shape \(4, 12\)"),
        ({"reference": torch.full((4, 12), torch.nan)}, "not finite"),
        ({"steps": 0}, "steps"),
        ({"steps": 8, "max_steps": 4}, "max_steps must be at least steps"),
        ({"tolerance": 0}, "tolerance above 0"),
        ({"tolerance": float("nan")}, "tolerance above 0"),
        ({"n_references": 0, "reference": "shuffles"}, "n must be"),
    ],
)
def test_options_that_do_not_fit_are_refused(x, options, message):
    with pytest.raises(InputError, match=message) as caught:
        explain.integrated_gradients(Conv(), x, target=0, **options)
    assert isinstance(caught.value, UnknownName) == ("Did you mean" in message)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["conv-relu", "dilated residual", "BiLSTM", "transformer encoder"])
def test_agrees_with_captum(name):
    attr = pytest.importorskip("captum.attr")
    model, x = NETWORKS[name](), encode(["GATTACATGCACGGTCATTGCACC", "TTGACGGCATCAGGTACGATTGCT"])
    reference = torch.full((1, 4, 24), 0.25)
    theirs, gap = attr.IntegratedGradients(model).attribute(
        x, reference, target=1, n_steps=50, return_convergence_delta=True
    )
    ours = explain.integrated_gradients(model, x, target=1, steps=50, max_steps=50)
    size = theirs.abs().max()
    torch.testing.assert_close(ours.per_position / size, theirs.sum(1).float() / size)
    torch.testing.assert_close(ours.delta / size, gap.float() / size, atol=1e-5, rtol=0)
