import pytest
import torch

from cisgram import explain
from cisgram.core.errors import InputError
from cisgram.seq import encode
from toys import Conv, Linear, Product

TEXT = ["GATTACATGCAC", "TTGACGGCATCA", "AGCANNNNTCGT"]


@pytest.fixture
def x():
    return encode(TEXT)


def test_a_linear_model_is_exact_with_any_number_of_samples(x):
    """W_b minus the mean of W over the letters of the references."""
    model, refs = Linear(), x.flip(0)[:, None].repeat(1, 2, 1, 1).float()
    w = model.weight[0].detach()
    a = explain.expected_gradients(model, x, target=0, reference=refs, samples=1)
    known = x.sum(1, keepdim=True)
    expected = w - (w * refs.mean(1) * known).sum(1, keepdim=True)
    torch.testing.assert_close(a.values, expected)
    torch.testing.assert_close(a.delta, torch.zeros(3), atol=1e-5, rtol=0)


def test_parts_of_the_way_keep_the_samples_close_to_the_integral():
    """The mean of (i + u) / n, u uniform, is 1/2 to within 1 / (2 n)."""
    x = encode(["GGAGGGGCGGGG"])
    for samples in (10, 100):
        a = explain.expected_gradients(Product(), x, reference="zeros", samples=samples)
        assert abs(a.per_position[0, 2].item() - 0.5) < 0.5 / samples
        assert a.delta.item() == pytest.approx(a.per_position.sum().item() - 1, abs=1e-6)


def test_nears_integrated_gradients_with_more_samples(x):
    exact = explain.integrated_gradients(
        Conv(), x, target=0, reference="shuffles", n_references=5, seed=1, tolerance=1e-6
    ).values
    off = [
        explain.expected_gradients(Conv(), x, target=0, n_references=5, samples=s, seed=1)
        .values.sub(exact)
        .abs()
        .max()
        for s in (5, 50, 500)
    ]
    assert off[0] > 3 * off[1] > 9 * off[2]
    assert off[2] < 2e-3 * exact.abs().max()


def test_a_seed_draws_distances_also_where_the_reference_is_fixed(x):
    a, b = (
        explain.expected_gradients(Conv(), x, target=0, reference="zeros", samples=3, seed=s)
        for s in (0, 1)
    )
    assert not torch.equal(a.values, b.values)


@pytest.mark.parametrize("name", ["samples", "batch_size", "n_references"])
def test_counts_must_be_positive(x, name):
    with pytest.raises(InputError, match="must be an integer of at least 1"):
        explain.expected_gradients(Conv(), x, target=0, **{name: 0})


@pytest.mark.parity
def test_agrees_with_captums_gradient_shap_in_the_mean(x):
    attr = pytest.importorskip("captum.attr")
    model, refs = Conv().eval(), encode(["CATGCACGATTA", "GGCATCATTGAC"])
    torch.manual_seed(0)
    theirs = attr.GradientShap(model).attribute(x[:2], refs, target=1, n_samples=4000, stdevs=0.0)
    ours = explain.expected_gradients(model, x[:2], target=1, reference=refs.float(), samples=400)
    size = theirs.abs().max()
    torch.testing.assert_close(
        ours.per_position / size, theirs.sum(1).float() / size, atol=0.05, rtol=0
    )
