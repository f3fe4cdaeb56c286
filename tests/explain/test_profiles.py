"""The profile as a target: one number, whose weights are held at each sequence's own profile."""

import pytest
import torch

from cisgram import explain
from cisgram.models import BothStrands
from cisgram.models.profile import profile_score
from cisgram.seq import encode
from networks import made, small

TEXT = ["GATTACATGCACGGTCATTGCACCTGATCCAG", "TTGACGGCATCANNTACGATTGCTTAACGCTA"]
X = encode(TEXT)


def test_a_flat_profile_scores_nothing_and_a_peak_its_height():
    flat, peak = torch.full((1, 1, 4), 3.0), torch.tensor([[[100.0, 0, 0, 0]]])
    assert profile_score(flat).item() == 0
    assert profile_score(peak).item() == pytest.approx(75)
    assert profile_score(torch.cat([peak, peak], 1)).item() == pytest.approx(150)


@pytest.mark.parametrize("name", ["bpnet-profile", "chrombpnet"])
@pytest.mark.parametrize("wrap", [lambda m: m, BothStrands])
def test_the_weighed_profile_has_the_value_of_its_score_at_the_sequence(name, wrap):
    model = wrap(made(lambda: small(name)))
    seen = []

    def method(held, x, *, target):
        seen.append(held(x)[0, target].item())

    explain.each_weighed(method, model, X)
    part = "whole" if name == "bpnet-profile" else "corrected"
    with torch.no_grad():
        truth = profile_score(model(X, heads=part)[0])[:, 0]
    assert seen == pytest.approx(truth.tolist(), rel=1e-5)


def test_its_gradient_is_that_of_the_logits_with_the_weights_as_they_are():
    """And not that of the score, whose weights move."""
    model = made(lambda: small("bpnet-profile"))
    found = explain.each_weighed(explain.gradient_x_input, model, X)
    x = X.clone().requires_grad_()
    logits = model(x, heads="whole")[0]
    weights = torch.softmax(logits, 2).detach()
    (weights * (logits - logits.mean(2, keepdim=True))).sum().backward()
    values = torch.cat([f.values for f in found])
    torch.testing.assert_close(values, x.grad * X, atol=1e-5, rtol=1e-4)
    moving = explain.gradient_x_input(model, X, target=0).values
    assert (values - moving).abs().max() > 0.01 * values.abs().max()


@pytest.mark.parametrize("output", ["profile", "bias_profile"])
def test_deep_lift_of_a_profile_is_complete(output):
    model = made(lambda: small("chrombpnet"))
    found = explain.each_weighed(explain.deep_lift, model, X, output=output, reference="uniform")
    for one in found:
        assert one.per_position.abs().sum() > 0
        assert one.delta.abs().max() < 1e-5 * one.per_position.abs().sum()


def test_the_bias_is_explained_apart():
    model = made(lambda: small("chrombpnet"))
    both = {
        o: torch.cat([f.values for f in explain.each_weighed(explain.ism, model, X, output=o)])
        for o in ("profile", "bias_profile")
    }
    with torch.no_grad():
        for p in model.network.parameters():
            p.zero_()
    again = explain.each_weighed(explain.ism, model, X, output="bias_profile")
    torch.testing.assert_close(torch.cat([f.values for f in again]), both["bias_profile"])
    nothing = explain.each_weighed(explain.ism, model, X, output="profile")
    assert torch.cat([f.values for f in nothing]).abs().max() == 0
    assert both["profile"].abs().max() > 0
