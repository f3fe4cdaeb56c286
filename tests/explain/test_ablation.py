"""Ablation on networks whose output counts words, so that every loss is known."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cisgram.core.errors import InputError, UnknownName
from cisgram.explain import ABLATIONS, ablate, filter_influence
from cisgram.models import BothStrands, create
from cisgram.models.checkpoint import Mean
from cisgram.models.memory import remembered
from cisgram.models.probe import find_layer
from cisgram.seq import encode
from toys import Broken, Conv, Linear, Words, hooks_left, state_of

COUNTED = ["ACGTTACGAAACG", "GTTGTTAAAAAAA", "AAAAAAAAAAAAA", "CCACGCCGTTCCC"]
ACG = np.array([3, 0, 0, 1])  # how often each word is there
GTT = np.array([1, 2, 0, 1])


def interval(values):
    half = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return [np.mean(values), np.mean(values) - half, np.mean(values) + half]


def row(table, i):
    return table.iloc[i, 1:4].astype(float).tolist()


def test_silencing_a_filter_takes_its_share_of_a_linear_readout_away():
    model = Words("ACG", "GTT", gains=(1.0, -3.0))
    table = filter_influence(model, encode(COUNTED))
    assert table.columns.tolist() == ["motif", "influence", "influence_low", "influence_high"]
    assert table["motif"].tolist() == ["filter_0", "filter_1"]
    assert row(table, 0) == pytest.approx(interval(ACG))
    assert row(table, 1) == pytest.approx(interval(-3.0 * GTT))


def test_a_filter_is_silenced_on_both_strands():
    """CGT is ACG on the other strand: two of three words are lost on average over strands."""
    model = BothStrands(Words("ACG"))
    table = filter_influence(model, encode(["AACGAAAA", "AACGTAAA", "AAAAAAAA"]))
    assert table["influence"][0] == pytest.approx((0.5 + 1 + 0) / 3)


def test_of_an_ensemble_the_first_member_is_read_whole():
    """Its own output loses the filter, not a share of a mean whose other members keep it."""
    alone = filter_influence(Words("ACG", "GTT"), encode(COUNTED))
    both = filter_influence(Mean([Words("ACG", "GTT"), Words("TTT", "CCC")]), encode(COUNTED))
    assert both.equals(alone)


def test_influence_does_not_depend_on_the_batch_size():
    x = encode(COUNTED)
    whole = filter_influence(Conv(), x, target=0)
    for batch_size in (1, 3):
        again = filter_influence(Conv(), x, target=0, batch_size=batch_size)
        np.testing.assert_allclose(again.iloc[:, 1:], whole.iloc[:, 1:], atol=1e-6)


def test_influence_leaves_the_model_as_it_was():
    model = Conv().train()
    before = state_of(model)
    filter_influence(model, encode(COUNTED), target=0)
    assert state_of(model) == before
    with pytest.raises(InputError, match="say which"):
        filter_influence(model, encode(COUNTED))
    assert state_of(model) == before


def test_the_influence_of_one_sequence_has_no_interval():
    table = filter_influence(Words("ACG"), encode(COUNTED[:1]))
    assert table["influence"][0] == 3
    assert np.isnan(table["influence_low"][0])


def test_no_filter_no_influence():
    with pytest.raises(InputError, match="no convolution"):
        filter_influence(Linear(13, 1), encode(COUNTED))


class Capped(nn.Module):
    """The words' counts, cut at one: a second filter of the same word adds nothing."""

    def __init__(self, *words):
        super().__init__()
        self.words = Words(*words)

    def forward(self, x):
        return self.words(x).clamp(max=1)


def cells(table, name, *columns):
    return table.set_index("units").loc[name, list(columns)].astype(float).tolist()


def test_redundant_filters_cost_together_what_neither_costs_alone():
    model, x = Capped("ACG", "ACG", "GTT"), encode(["AAACGAA", "CCACGCC", "AAAAAAA"])
    table = ablate(model, x, units="pairs")
    assert table["units"].tolist() == [
        "filter_0+filter_1",
        "filter_0+filter_2",
        "filter_1+filter_2",
    ]
    assert cells(table, "filter_0+filter_1", "effect", "sum", "interaction") == pytest.approx(
        [2 / 3, 0, 2 / 3]
    )
    assert cells(
        table, "filter_0+filter_1", "interaction", "interaction_low", "interaction_high"
    ) == (pytest.approx(interval(np.array([1.0, 1, 0]))))
    assert cells(table, "filter_0+filter_2", "effect", "sum", "interaction") == [0, 0, 0]


def test_in_a_linear_readout_groups_cost_the_sum_of_their_units():
    model = Words("ACG", "GTT", "AAA", gains=(1.0, -3.0, 0.5))
    units = [2, (0, 1), (0, 1, 2)]
    table = ablate(model, encode(COUNTED), units=units)
    assert table["n_units"].tolist() == [1, 2, 3]
    assert table["effect"].tolist()[1] == pytest.approx((ACG - 3 * GTT).mean())
    assert table["sum"].tolist()[1:] == pytest.approx(table["effect"].tolist()[1:])
    assert table["interaction"].abs().max() < 1e-6
    assert np.isnan(table["sum"][0])


def test_groups_have_names():
    table = ablate(Words("ACG", "GTT"), encode(COUNTED), units={"both": [0, 1], "one": [1]})
    assert table["units"].tolist() == ["both", "one"]
    assert table["effect"].tolist() == pytest.approx([(ACG + GTT).mean(), GTT.mean()])


def test_the_mean_as_fill_takes_away_what_differs_from_it():
    """Each sequence then has the mean number of words, so that the losses sum to zero."""
    table = ablate(Words("ACG"), encode(COUNTED), fill="mean")
    expected = ACG - ACG.mean()
    assert row(table.drop(columns="n_units"), 0) == pytest.approx(interval(expected), abs=1e-6)


def test_the_loss_is_that_of_logits_for_labels_of_zero_and_one():
    labels = torch.tensor([1, 1, 0, 0])
    f, sign = torch.tensor(ACG + GTT).double(), 2 * labels - 1
    without = torch.tensor(GTT).double()
    expected = F.softplus(-sign * without) - F.softplus(-sign * f)
    table = ablate(Words("ACG", "GTT"), encode(COUNTED), metric="loss", labels=labels)
    assert row(table.drop(columns="n_units"), 0) == pytest.approx(interval(expected.numpy()))


def test_the_loss_is_squared_for_other_labels():
    labels = np.array([4.5, 2.0, 0.0, 1.0])
    expected = (labels - GTT) ** 2 - (labels - ACG - GTT) ** 2
    for batch_size in (256, 1):  # of one sequence the label may be 0 or 1
        table = ablate(
            *(Words("ACG", "GTT"), encode(COUNTED)),
            metric="loss",
            labels=labels,
            batch_size=batch_size,
        )
        assert row(table.drop(columns="n_units"), 0) == pytest.approx(interval(expected))


def test_r2_is_the_loss_of_explained_variance_and_its_interval_that_of_resampling():
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(list("ACGT"), 40)) for _ in range(300)]
    x, model = encode(texts), Words("AC", "GT")
    with torch.no_grad():
        f = model(x)[:, 0].double().numpy()
        without = Words("AC", "GT", gains=(0.0, 1.0))(x)[:, 0].double().numpy()
    y = f + random.normal(0, 1, 300)

    def lost(i):
        total = ((y[i] - y[i].mean()) ** 2).sum()
        return (((y[i] - without[i]) ** 2).sum() - ((y[i] - f[i]) ** 2).sum()) / total

    table = ablate(model, x, metric="r2", labels=y)
    assert table["effect"][0] == pytest.approx(lost(np.arange(300)))
    resampled = [lost(random.integers(0, 300, 300)) for _ in range(400)]
    half = (table["effect_high"][0] - table["effect_low"][0]) / 2
    assert half == pytest.approx(1.96 * np.std(resampled), rel=0.2)


def test_ai_tacs_influence_is_the_squared_change_of_each_sequences_correlation():
    model, x = Linear(8, 5), encode(["ACGTACGT", "TTGACCAA", "GGGGCATA"])
    net = nn.Sequential(nn.Conv1d(4, 3, 1), nn.Flatten(), nn.Linear(24, 5))
    y = model(x).detach().numpy()
    with torch.no_grad():
        whole = net(x).numpy()
        net[0].weight[1], net[0].bias[1], kept = 0, 0, [p.clone() for p in net[0].parameters()]
        without = net(x).numpy()
        net[0].weight.copy_(kept[0])
        net[0].bias.copy_(kept[1])
    r = [[np.corrcoef(a, b)[0, 1] for a, b in zip(out, y, strict=True)] for out in (whole, without)]
    table = ablate(net, x, metric="correlation", labels=y, units=[1])
    assert table["effect"][0] == pytest.approx(np.mean((np.array(r[1]) - r[0]) ** 2), abs=1e-6)


def test_published_ways_can_be_asked_for_by_name():
    x, labels = encode(COUNTED), torch.tensor([1, 0, 0, 1])
    a = ablate(Words("ACG"), x, labels=labels, **ABLATIONS["basset"])
    assert a.equals(ablate(Words("ACG"), x, labels=labels, fill="mean", metric="loss"))
    assert set(ABLATIONS) == {"output", "basset", "ai-tac"}


class Deep(nn.Module):
    """Two convolutions, an LSTM and a linear layer; ReLUs in place, as many authors write them."""

    def __init__(self, inplace=True, functional=False):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv1d(4, 6, 3), nn.Conv1d(6, 5, 3, padding=1)
        self.relu, self.functional = nn.ReLU(inplace=inplace), functional
        self.lstm = nn.LSTM(5, 4, batch_first=True)
        self.hidden, self.out = nn.Linear(4, 7), nn.Linear(7, 1)

    def forward(self, x):
        h = self.first(x)
        h = h.add_(1).tanh_() if self.functional else self.relu(h)
        h = self.relu(self.second(h))
        h = self.lstm(h.transpose(1, 2))[0].mean(1)
        return self.out(torch.tanh(self.hidden(h)))


def by_hand(model, layer, unit, x, axis=1):
    """Output when a unit of a module that no other module follows is set to zero."""

    def zero(_, __, out):
        first = (out[0] if isinstance(out, tuple) else out).clone()
        first.select(axis, unit).zero_()
        return (first, *out[1:]) if isinstance(out, tuple) else first

    hook = model.get_submodule(layer).register_forward_hook(zero)
    try:
        with torch.no_grad():
            return model(x).double()
    finally:
        hook.remove()


@pytest.mark.parametrize("options", [{}, {"inplace": False}, {"functional": True}])
@pytest.mark.parametrize(
    ("layer", "axis"), [("first", 1), ("second", 1), ("lstm", 2), ("hidden", 1)]
)
def test_units_of_any_layer_are_silenced(options, layer, axis):
    model, x = Deep(**options), encode(["ACGTTACGAAACG", "GTTGTTAAAAAAA"])
    table = ablate(model, x, layer=layer)
    with torch.no_grad():
        whole = model(x).double()
    for unit in range(len(table)):
        expected = (whole - by_hand(model, layer, unit, x, axis)).mean().item()
        assert table["effect"][unit] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("inplace", [True, False])
def test_what_comes_before_the_layer_is_computed_once(inplace):
    model, x = Deep(inplace), encode(COUNTED)
    ran = dict.fromkeys(("first", "second", "lstm"), 0)

    def counted(name, forward):
        def run(*args):
            ran[name] += 1
            return forward(*args)

        return run

    for name in ran:
        module = getattr(model, name)
        module.forward = counted(name, module.forward)
    ablate(model, x, layer="second", units=[0, 1, 2])
    # to find the layer, for the whole, and for one sequence by itself, which must be the same;
    # what follows once more for each unit
    assert ran == {"first": 3, "second": 3, "lstm": 6}
    assert model.first.forward.__name__ == "run"  # a forward of the caller's own is put back
    assert model.relu.inplace is inplace


@pytest.mark.parametrize("name", ["demo-cnn", "demo-cnn-rnn", "deepbind"])
def test_remembered_runs_are_the_runs_of_the_whole_model(name):
    torch.manual_seed(0)
    model = BothStrands(create(name)).eval()
    x = encode(["ACGTTGCANACGTTGCATTGACCATGACCA", "TTTTTACCACGTGACCACATTAGACCATTA"])
    layer = find_layer(model.model, length=30)
    with torch.no_grad():
        plain = model(x)
    with remembered(model, layer):
        for _ in range(2):
            assert torch.equal(model(x), plain)


def test_neither_batch_size_nor_order_changes_anything():
    x = encode(COUNTED)
    whole = ablate(Conv(), x, target=1, units="pairs", fill="mean").drop(columns="units")
    for again in (
        ablate(Conv(), x, target=1, units="pairs", fill="mean", batch_size=3),
        ablate(Conv(), x.flip(0), target=1, units="pairs", fill="mean"),
    ):
        np.testing.assert_allclose(again.drop(columns="units"), whole, atol=1e-6)


def test_ablation_leaves_the_model_as_it_was():
    model = Deep().train()
    before = state_of(model)
    with torch.inference_mode():
        ablate(model, encode(COUNTED), layer="second")
    assert state_of(model) == before
    assert model.relu.inplace
    assert not any("forward" in m.__dict__ for m in model.modules())
    broken = Broken()
    with pytest.raises(RuntimeError, match="broken on purpose"):
        ablate(broken, encode(COUNTED))
    assert hooks_left(broken) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": [3]}, r"from 0 to 2; got \[3\]"),
        ({"units": [(0, 0)]}, "different units"),
        ({"units": {"both": (0, 9)}}, r"got both: \[0, 9\]"),
        ({"units": [True]}, "different units"),
        ({"units": []}, "names no unit"),
        ({"units": "pair"}, "Did you mean 'pairs'"),
        ({"fill": "median"}, "Did you mean 'mean'"),
        ({"metric": "loss"}, "labels are needed"),
        ({"labels": torch.zeros(4)}, "labels are needed"),
        ({"metric": "loss", "labels": torch.zeros(3)}, r"shape \(4,\); got \(3,\)"),
        ({"metric": "loss", "labels": torch.tensor([0, 1, 0, torch.nan])}, "finite labels"),
        ({"metric": "r2", "labels": torch.ones(4)}, "labels that differ"),
        ({"metric": "correlation", "labels": torch.zeros(4)}, r"\(4, t\)"),
        ({"metric": "correlation", "labels": torch.zeros(4, 2)}, "the model's output"),
        ({"metric": "correlation", "labels": torch.ones(4, 1), "target": 0}, "no target"),
        ({"layer": "convv"}, "Did you mean 'conv'"),
    ],
)
def test_what_cannot_be_honored_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        ablate(Words("ACG", "GTT", "TTT"), encode(COUNTED), **options)


def test_unknown_names_are_unknown_names():
    with pytest.raises(UnknownName):
        ablate(Words("ACG"), encode(COUNTED), metric="accuracy")
    with pytest.raises(InputError, match="batch_size"):
        filter_influence(Conv(), encode(COUNTED), target=0, batch_size=0)
