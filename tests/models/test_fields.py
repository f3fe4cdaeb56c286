"""Models of several inputs: predicted, averaged over strands, held, and refused without them."""

import pytest
import torch
from torch import nn

from cisgram import models
from cisgram.core.errors import InputError
from cisgram.models.held import check_fields
from cisgram.models.zoo.deepcpg_cpg import NOBODY
from cisgram.seq.alphabet import one_hot
from networks import beside, fitting, made, small
from planted import codes

SEVERAL = sorted(n for n, e in models.MODELS.items() if e.facts.get("fields"))
every = pytest.mark.parametrize("name", SEVERAL)


class Pencil(nn.Module):
    """The sum of z times what stands at the first position, coded 1 to 4."""

    fields = ("z",)

    def forward(self, x, z):
        first = (x[:, :, 0] * torch.arange(1.0, 5)).sum(1)
        return (first[:, None] * z).sum(1, keepdim=True)


X = torch.eye(4)[None, :, [0, 3, 1]].repeat(3, 1, 1)
Z = torch.tensor([[1.0, 10], [2, 20], [3, 30]])


def test_fields_are_given_batch_by_batch_to_their_own_sequences():
    for size in (1, 2, 3):
        out = models.predict(Pencil(), X, fields={"z": Z}, batch_size=size)
        assert out.flatten().tolist() == [11, 22, 33]


def test_the_mean_over_strands_turns_the_fields():
    """Reversed, ATC begins with G: 3; z is weighed by its place."""

    class Weighed(Pencil):
        def forward(self, x, z):
            return super().forward(x, z * torch.tensor([1.0, 2]))

    both = models.BothStrands(Weighed(), {"z": (-1,)})
    out = models.predict(both, X[:1], fields={"z": Z[:1]})
    assert out.item() == ((1 + 20) + 3 * (10 + 2)) / 2


@every
def test_held_inputs_are_those_of_one_sequence(name):
    length = fitting(name, 32)
    model, x = made(lambda: small(name, n_outputs=2)), one_hot(codes(4, length))
    fields = beside(name, 4, length)
    with torch.no_grad():
        out = model(x, **fields)
        for i in range(4):
            held = models.Held(model, {k: v[i] for k, v in fields.items()}).eval()
            torch.testing.assert_close(held(x[i : i + 1]), out[i : i + 1], atol=1e-5, rtol=1e-4)
        assert models.fields_of(held) == ()


@every
def test_what_is_beside_the_letters_matters(name):
    length = fitting(name, 32)
    model, x = made(lambda: small(name, n_outputs=2)), one_hot(codes(4, length))
    with torch.no_grad():
        a, b = (model(x, **beside(name, 4, length, seed=s)) for s in (1, 2))
    assert (a - b).abs().min() > 1e-4


@every
def test_a_model_is_not_asked_without_its_inputs(name):
    model = small(name)
    x = torch.zeros(2, 4, fitting(name, 32))
    for wrapped in (model, models.BothStrands(model)):
        with pytest.raises(InputError, match="beside the letters, and none came"):
            models.predict(wrapped, x)
    fields = beside(name, 3, x.shape[2])
    with pytest.raises(InputError, match="has 3 rows for 2 sequences"):
        models.predict(model, x, fields=fields)


def test_a_model_of_ones_own_is_asked_nothing():
    check_fields(nn.Linear(2, 2), {})


@pytest.mark.parametrize("name", ["deepcpg", "deepcpg-cpg"])
def test_neighbors_that_are_not_given_are_unknown_ones(name):
    length = fitting(name, 32)
    model, x = made(lambda: small(name, n_outputs=2)), one_hot(codes(2, length))
    unknown = torch.tensor(NOBODY)[:, None].expand(2, 2, 2, 6)
    with torch.no_grad():
        assert torch.equal(model(x), model(x, unknown))


def test_the_cpg_module_reads_cells_in_order_and_no_letter():
    model = made(lambda: small("deepcpg-cpg", n_outputs=2))
    x, z = torch.zeros(2, 4, 9), beside("deepcpg-cpg", 2, 9)["neighbors"]
    with torch.no_grad():
        assert torch.equal(model(x, z), model(x + 1, z))
        assert not torch.allclose(model(x, z), model(x, z.flip(1)), atol=1e-3)
    with pytest.raises(InputError, match="neighbors must be"):
        model(x, z[..., :4])


def test_the_sizes_of_inputs_are_filled_in_from_the_card(tmp_path):
    shape = models.FieldShape(shape=(3, 2, 8), mirror=(-1,))
    card = models.Card("deepcpg-cpg", {"hidden": 5}, length=9, fields={"neighbors": shape})
    model = models.build(card)
    assert model.cpg.each[0].in_features == 16
    models.save(tmp_path, model, card)
    assert models.read_card(tmp_path) == card


def test_a_card_of_letters_alone_says_nothing_of_fields(tmp_path):
    card = models.Card("demo-cnn", {"size": "small"}, length=60)
    models.save(tmp_path, models.build(card), card)
    assert "fields" not in (tmp_path / "model.toml").read_text()


def view(fusion):
    return made(lambda: small("multi-view", fusion=fusion, n_outputs=2), gain=5.0)


def seen(model):
    """What of the letters and of the tracks an output depends on, by their gradients."""
    x = torch.rand(2, 4, 40, requires_grad=True)
    tracks = torch.rand(2, 2, 40, requires_grad=True)
    model(x, tracks=tracks)[:, 1].sum().backward()
    return [t.grad is not None and bool(t.grad.any()) for t in (x, tracks)]


@pytest.mark.parametrize(
    ("fusion", "reads"),
    [("early", [1, 1]), ("late", [1, 1]), ("ensemble", [1, 1]), ("sequence", [1, 0]),
     ("tracks", [0, 1])],
)  # fmt: skip
def test_a_fusion_reads_its_views(fusion, reads):
    assert seen(view(fusion)) == [bool(r) for r in reads]


def test_early_fusion_is_one_convolution_over_all_rows():
    model = view("early")
    x, tracks = torch.rand(2, 4, 40), torch.rand(2, 2, 40)
    weight = torch.cat([model.letters.weight, model.rows.weight], 1)
    both = torch.cat([x, tracks], 1)
    first = nn.functional.conv1d(both, weight, model.letters.bias, padding=3)
    out = model.heads[0](model.views[0](first))
    torch.testing.assert_close(model(x, tracks), out)


def test_views_of_an_ensemble_add_up_and_those_of_a_late_fusion_interact():
    x, tracks = torch.rand(2, 4, 40), torch.rand(2, 2, 40)
    for fusion in ("late", "ensemble"):
        model = view(fusion)
        with torch.no_grad():
            each = [model(a, b) for a in (x, 0 * x) for b in (tracks, 0 * tracks)]
        apart = ((each[0] - each[1]) - (each[2] - each[3])).abs().max()
        assert (apart < 1e-3) == (fusion == "ensemble")


def test_tracks_of_another_shape_are_refused():
    model = view("late")
    for shape in ((2, 3, 40), (2, 2, 39), (1, 2, 40)):
        with pytest.raises(InputError, match="tracks must be"):
            model(torch.zeros(2, 4, 40), torch.zeros(shape))
    assert torch.equal(
        model(torch.ones(2, 4, 40)), model(torch.ones(2, 4, 40), torch.zeros(2, 2, 40))
    )
