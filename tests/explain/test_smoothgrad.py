import pytest
import torch
from torch import nn

from cisgram import explain
from cisgram.core.errors import InputError
from cisgram.explain.methods.smoothgrad import _noise
from cisgram.models import BothStrands
from cisgram.seq import encode
from toys import Conv, Linear

TEXT = ["GATTACATGCAC", "TTGACGGCATCA", "AGCANNNNTCGT"]


@pytest.fixture
def x():
    return encode(TEXT)


def test_a_linear_models_gradient_needs_no_smoothing(x):
    model = Linear()
    w = model.weight[1].detach()
    a = explain.smoothgrad(model, x, target=1, corrected=False, samples=3)
    torch.testing.assert_close(a.values, w * x)
    a = explain.smoothgrad(model, x, target=1, samples=3)
    torch.testing.assert_close(a.values, (w - w.mean(0)) * x)


def test_a_square_by_hand():
    """The gradient of sum x^2 is 2 (x + e), so its mean over many samples is 2 x."""

    class Square(nn.Module):
        def forward(self, x):
            return (x**2).sum((1, 2))[:, None]

    a = explain.smoothgrad(Square(), encode(TEXT[:2]), corrected=False, samples=4000, noise=0.3)
    off = a.per_position - 2
    assert off.abs().max() < 5 * 2 * 0.3 / 4000**0.5
    assert off.std().item() == pytest.approx(2 * 0.3 / 4000**0.5, rel=0.5)


def test_noise_is_standard_normal_and_spares_unknown_bases(x):
    e = _noise(x, 2000, 0)
    assert (e[2, :, :, 4:8] == 0).all()
    assert e[:2].mean().abs() < 0.02
    assert e[:2].std().item() == pytest.approx(1, abs=0.02)


def test_both_strands_get_the_same_noise(x):
    """A palindrome's scores on a two-strand mean are a palindrome."""
    given = encode(["ACGTACGTACGT"])
    a = explain.smoothgrad(BothStrands(Conv()), given, target=0, samples=6).values
    torch.testing.assert_close(a.flip(1, 2), a)


def test_less_noise_nears_the_gradient(x):
    plain = explain.gradient_x_input(Conv(), x, target=0, corrected=True).values
    off = [
        (explain.smoothgrad(Conv(), x, target=0, noise=s).values - plain).abs().max()
        for s in (1.0, 0.1, 0.001)
    ]
    assert off[0] > off[1] > 10 * off[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": 0}, "above 0"),
        ({"noise": float("nan")}, "above 0"),
        ({"noise": True}, "above 0"),
        ({"samples": 0}, "samples"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_options_that_do_not_fit_are_refused(x, options, message):
    with pytest.raises(InputError, match=message):
        explain.smoothgrad(Conv(), x, target=0, **options)


@pytest.mark.parity
def test_agrees_with_captum_in_the_mean(x):
    attr = pytest.importorskip("captum.attr")
    model, x = Conv().eval(), x[:2]
    torch.manual_seed(0)
    tunnel = attr.NoiseTunnel(attr.Saliency(model))
    theirs = tunnel.attribute(
        x, nt_type="smoothgrad", nt_samples=3000, stdevs=0.5, target=1, abs=False
    )
    ours = explain.smoothgrad(model, x, target=1, noise=0.5, samples=3000, corrected=False)
    size = theirs.abs().max()
    torch.testing.assert_close(ours.values / size, theirs * x / size, atol=0.05, rtol=0)
