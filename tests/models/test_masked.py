"""Masked layers, and networks of an ontology."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cisgram.core.errors import InputError
from cisgram.models.masked import MaskedLinear
from cisgram.models.visible import Ontology, VisibleNetwork, visible_loss

MASK = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
GENES = [f"g{i}" for i in range(80)]
# two terms below a third, which with a fourth is below the root; one gene is read by two terms
CHILDREN = {"root": ["pair", "large"], "pair": ["a", "b"]}
ANNOTATED = {"a": GENES[:4], "b": GENES[3:9], "large": GENES[9:79], "root": GENES[79:]}


def tree():
    return Ontology(GENES, CHILDREN, ANNOTATED)


def test_a_masked_layer_is_a_plain_one_with_zeros():
    torch.manual_seed(0)
    layer = MaskedLinear(MASK)
    with torch.no_grad():
        layer.weight.normal_()  # also where nothing is connected
    x = torch.randn(6, 4)
    torch.testing.assert_close(layer(x), x @ (layer.weight * MASK).T + layer.bias)
    assert torch.equal(layer(x)[:, 2], layer.bias[2].expand(6))


def step(forward, parameters, optimizer, *, after=lambda: None):
    """Fit a target that reads all inputs, for a while, with weight decay."""
    random = torch.Generator().manual_seed(1)
    x = torch.randn(64, 4, generator=random)
    optimizer = optimizer(parameters, lr=0.05, weight_decay=0.1)
    for _ in range(30):
        optimizer.zero_grad()
        F.mse_loss(forward(x), x.sum(1, keepdim=True).expand(-1, 3)).backward()
        after()
        optimizer.step()


@pytest.mark.parametrize("optimizer", [torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD])
def test_no_training_connects_what_the_mask_leaves_out(optimizer):
    torch.manual_seed(0)
    layer = MaskedLinear(MASK)
    step(layer, layer.parameters(), optimizer)
    moved = torch.eye(4)[3:] * 100  # the input that no unit reads
    assert torch.equal(layer(moved), layer(torch.zeros(1, 4)))
    assert not layer.connected[MASK == 0].any()
    assert layer.connected[MASK == 1].abs().min() > 0.3


@pytest.mark.parametrize("optimizer", [torch.optim.AdamW, torch.optim.Adam])
def test_a_mask_on_gradients_alone_lets_inputs_through_and_drifts(optimizer):
    torch.manual_seed(0)
    plain = nn.Linear(4, 3)
    before = plain.weight.detach().clone()

    def mask_gradient():
        plain.weight.grad *= MASK

    step(plain, plain.parameters(), optimizer, after=mask_gradient)
    off = MASK == 0
    assert (plain.weight[off] != before[off]).all()  # decay moves what has no gradient
    assert (plain(torch.eye(4)[3:]) - plain(torch.zeros(1, 4))).abs().max() > 0.01


def test_weights_start_as_wide_as_for_the_inputs_that_a_unit_reads():
    torch.manual_seed(0)
    layer = MaskedLinear((torch.arange(1000) < 25).expand(400, -1))
    assert layer.connected.abs().max().item() == pytest.approx(0.2, rel=0.02)
    assert layer.weight[:, 25:].abs().max() == 0


def test_masks_that_are_none_are_refused():
    for mask in (torch.ones(3), torch.tensor([[0.5, 1]])):
        with pytest.raises(InputError, match="zeros and ones"):
            MaskedLinear(mask)


def test_terms_stand_behind_those_below_them():
    order = tree().order
    assert set(order) == {"root", "pair", "large", "a", "b"}
    assert order.index("a") < order.index("pair") > order.index("b")
    assert tree().root == order[-1] == "root"


def test_sizes_are_those_of_dcell():
    """max(10, floor(.2 n)) of the genes of a term and of all below: 9, 70 and 80 of them."""
    own = tree()
    assert [own.neurons(t) for t in ("a", "pair", "large", "root")] == [10, 10, 14, 16]
    assert own.genes_of("pair") == tuple(GENES[:9])


def test_parameters_of_a_visible_network_follow_from_the_ontology():
    def term(h, d, *, genes):
        """A gene layer of h, a layer of h that reads d inputs and it, a norm, a head."""
        return genes * (80 + 1) * h + (d + genes * h + 1) * h + 2 * h + h + 1

    expected = (
        2 * term(10, 0, genes=True)  # a, b
        + term(10, 20, genes=False)  # pair
        + term(14, 0, genes=True)  # large
        + term(16, 24, genes=True)  # root
    )
    assert sum(p.numel() for p in VisibleNetwork(tree()).parameters()) == expected


def test_a_term_reads_its_own_genes_and_those_below_it():
    torch.manual_seed(0)
    model = VisibleNetwork(tree()).eval()
    x = torch.zeros(1, 80)
    before = model.states(x)
    for gene, readers in (
        (0, "a pair root"),
        (3, "a b pair root"),
        (50, "large root"),
        (79, "root"),
    ):
        changed = x.clone()
        changed[0, gene] = 1
        after = model.states(changed)
        assert {t for t in after if not torch.equal(after[t], before[t])} == set(readers.split())


def test_the_loss_is_that_of_the_root_and_half_of_each_other_terms():
    torch.manual_seed(0)
    model = VisibleNetwork(tree()).eval()
    x, y = torch.randn(8, 80), torch.randn(8, 1)
    said = model.guesses(model.states(x))
    expected = ((said["root"] - y) ** 2).mean()
    for t in ("a", "b", "pair", "large"):
        expected = expected + 0.5 * ((said[t] - y) ** 2).mean()
        assert said[t].abs().max() < 1
    torch.testing.assert_close(visible_loss(model, x, y), expected)
    torch.testing.assert_close(model(x), said["root"])


def test_the_subsystem_that_matters_says_so():
    """Knock-outs of either gene of term a cost fitness, others nothing: a's own guess is best."""
    torch.manual_seed(0)
    small = Ontology(
        GENES[:12], {"root": ["a", "b", "c"]}, {"a": GENES[:4], "b": GENES[4:8], "c": GENES[8:12]}
    )
    model = VisibleNetwork(small)
    x = (torch.rand(400, 12) < 0.3).float()
    y = ((x[:, 0] + x[:, 2] > 1).float() - 0.5)[:, None]  # both lost: not the sum of each
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        visible_loss(model, x, y).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        states = model.states(x)
        error = {t: F.mse_loss(g, y).item() for t, g in model.guesses(states).items()}
    assert error["root"] < 0.02
    assert error["a"] < 0.02
    assert min(error["b"], error["c"]) > 0.05


@pytest.mark.parametrize(
    ("children", "annotated", "message"),
    [
        ({"a": ["b"], "b": ["a"]}, {"a": ["g0"]}, "below itself"),
        ({"r": ["a"]}, {"a": ["g0"], "b": ["g1"]}, "one root"),
        ({"r": ["a"]}, {"a": ["gx"]}, "not among the inputs: gx"),
        ({"r": ["a", "b"]}, {"a": ["g0"]}, "neither genes nor terms"),
    ],
)
def test_what_is_no_ontology_is_refused(children, annotated, message):
    with pytest.raises(InputError, match=message):
        Ontology(GENES, children, annotated)


def test_an_input_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"x must be \(n, 80\)"):
        VisibleNetwork(tree())(torch.zeros(3, 4, 80))
