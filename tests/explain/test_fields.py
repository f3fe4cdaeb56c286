"""Letters are explained with other inputs held; the other inputs have scores of their own."""

import pytest
import torch
from torch import nn

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.data import Field
from cisgram.seq.alphabet import one_hot
from networks import LETTERS, MODELS, beside, fitting, made, small
from planted import codes

SEVERAL = [name for name in LETTERS if MODELS[name].facts.get("fields")]


class Product(nn.Module):
    """Each position's A counts w times what the track has there, and the square of z's sum."""

    def forward(self, x, track, z):
        return ((x[:, 0] * track).sum(1) + z.sum(1) ** 2)[:, None]


X = torch.eye(4)[None, :, [0, 1, 0]].repeat(2, 1, 1)
FIELDS = {"track": torch.tensor([[1.0, 2, 3], [4, 5, 6]]), "z": torch.tensor([[2.0], [3.0]])}


@pytest.mark.parametrize("method", ["gradient_x_input", "ism", "deep_lift", "occlusion"])
def test_each_sequence_is_explained_with_its_own_inputs(method):
    options = {"reference": "zeros"} if method == "deep_lift" else {}
    options |= {"window": 1} if method == "occlusion" else {}
    found = explain.each_held(explain.METHODS[method].fn, Product(), X, FIELDS, **options)
    if method == "ism":  # a change of A to C loses what the track has there
        lost = torch.cat([f.values for f in found])[:, 1, [0, 2]]
        torch.testing.assert_close(lost, -FIELDS["track"][:, [0, 2]])
    else:
        scores = torch.cat([f.per_position for f in found])
        torch.testing.assert_close(scores, torch.tensor([[1.0, 0, 3], [4, 0, 6]]))


def test_the_field_of_a_product_scores_as_its_letters_do():
    found = explain.field_attribution(Product(), X, FIELDS, name="track")
    torch.testing.assert_close(found.values, torch.tensor([[1.0, 0, 3], [4, 0, 6]]))
    assert found.delta.abs().max() < 1e-4


def test_integrated_gradients_of_a_square_add_up_and_the_gradient_does_not():
    whole = explain.field_attribution(Product(), X, FIELDS, name="z")
    torch.testing.assert_close(whole.values.flatten(), torch.tensor([4.0, 9.0]))
    once = explain.field_attribution(Product(), X, FIELDS, name="z", method="gradient_x_input")
    assert once.values.flatten().tolist() == [8, 18]
    assert once.delta.tolist() == [4, 9]


def test_a_field_is_compared_with_its_reference():
    z = Field(FIELDS["z"].numpy(), reference=1.0)
    found = explain.field_attribution(Product(), X, {**FIELDS, "z": z}, name="z")
    torch.testing.assert_close(found.values.flatten(), torch.tensor([3.0, 8.0]))


@pytest.mark.parametrize("name", SEVERAL)
def test_further_inputs_of_the_zoo_add_up(name):
    length = fitting(name, 32)
    model, x = made(lambda: small(name, n_outputs=2)), one_hot(codes(3, length))
    fields = beside(name, 3, length)
    for field in fields:
        found = explain.field_attribution(model, x, fields, name=field, target=1, steps=200)
        assert found.values.shape == fields[field].shape
        assert (found.delta.abs() < 0.02 * found.values.flatten(1).abs().sum(1)).all()
        alone = explain.field_attribution(
            model, x, fields, name=field, target=1, steps=200, batch_size=1
        )
        torch.testing.assert_close(alone.values, found.values, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("name", SEVERAL)
def test_deep_lift_of_held_inputs_is_complete(name):
    length = fitting(name, 32)
    model, x = made(lambda: small(name, n_outputs=2)), one_hot(codes(3, length))
    found = explain.each_held(
        explain.deep_lift, model, x, beside(name, 3, length), target=0, reference="uniform"
    )
    for one in found:
        assert one.delta.abs().max() < 1e-5 * one.per_position.abs().sum()


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(UnknownName, match="Did you mean 'track'"):
        explain.field_attribution(Product(), X, FIELDS, name="tracks")
    with pytest.raises(UnknownName, match="Did you mean 'integrated_gradients'"):
        explain.field_attribution(Product(), X, FIELDS, name="z", method="integrated_gradient")
    with pytest.raises(InputError, match="other rows than the 2 sequences"):
        explain.field_attribution(Product(), X, {**FIELDS, "z": torch.ones(1, 1)}, name="z")
    with pytest.raises(InputError, match="reads neighbors beside the letters"):
        explain.each_held(explain.ism, small("deepcpg"), torch.zeros(1, 4, 32), {})
