import pytest
import torch

from cisgram import explain
from cisgram.seq import encode
from toys import Conv, Linear, Product


def test_linear_model_by_hand():
    """On f = sum W * x, replacing base r by b changes f by W[b] - W[r]."""
    model, x = Linear(length=3, outputs=1), encode(["ACG"])
    w = model.weight[0].detach()
    expected = w - (w * x[0]).sum(0)
    torch.testing.assert_close(explain.ism(model, x).values[0], expected)


def test_product_by_hand():
    """With both letters there, losing either costs 1 and nothing else matters."""
    values = explain.ism(Product(), encode(["GGAGGGGCGGGG"])).values[0]
    expected = torch.zeros(4, 12)
    expected[1:, 2] = -1  # A at 2 replaced by C, G, T
    expected[[0, 2, 3], 7] = -1  # C at 7 replaced by A, G, T
    assert torch.equal(values, expected)


def test_product_without_one_letter_gains_only_from_it():
    values = explain.ism(Product(), encode(["GGAGGGGNGGGG"])).values[0]
    assert values[1, 7] == 1
    assert values.sum() == 1


def test_equals_one_copy_at_a_time_unknown_bases_included():
    model, texts = Conv().eval(), ["ACGTNCGTACGT", "NNGTACGATTAC"]
    a = explain.ism(model, encode(texts), target=1, batch_size=7)
    with torch.no_grad():
        for n, text in enumerate(texts):
            for i, b in ((i, b) for i in range(12) for b in range(4)):
                edited = text[:i] + "ACGT"[b] + text[i + 1 :]
                change = (model(encode([edited])) - model(encode([text])))[0, 1].item()
                assert a.values[n, b, i].item() == pytest.approx(change, abs=1e-6)


def test_bases_that_are_there_score_exactly_zero():
    x = encode(["ACGTACGTACGT", "ACNNACGTACGT"])
    assert (explain.ism(Conv(), x, target=0).values[x.bool()] == 0).all()


@pytest.mark.parity
def test_agrees_with_tangermeme():
    tangermeme = pytest.importorskip("tangermeme.saturation_mutagenesis")
    model, x = Conv().eval(), encode(["ACGTACGTACGTGATTACA", "TTTTGGGGCCCCAAAATTT"])
    y0, y = tangermeme.saturation_mutagenesis(model, x, raw_outputs=True, device="cpu", fast=False)
    ours = explain.ism(model, x, target=1).values
    torch.testing.assert_close(ours, (y - y0[:, None, None])[..., 1], atol=1e-6, rtol=1e-4)
