"""Sizes, shapes and structure of the published networks (counts: the papers' released code)."""

import inspect
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from cisgram import models
from cisgram.core.errors import InputError, UnknownName
from cisgram.explain.demix import layers
from cisgram.models.layers import Dropout, MeanLSTM, TwoClassHead, keep_mask
from cisgram.models.probe import find_layer
from cisgram.seq import encode, reverse_complement
from networks import beside, fitting, n_outputs, small

every = pytest.mark.parametrize("name", sorted(models.MODELS))


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def dense(d, units):
    """A linear layer and its norm."""
    return (d + 1) * units + 2 * units


def convolution(d, maps, width):
    """Filters, biases, and a norm."""
    return (d * width + 1) * maps + 2 * maps


# 600 bp: 194, 46 and 10 positions are left after the three poolings
BASSET = (
    convolution(4, 300, 19)
    + convolution(300, 200, 11)
    + convolution(200, 200, 7)
    + dense(10 * 200, 1000)
    + dense(1000, 1000)
)
# 600 bp: 594, 296, 294, 146, 144, 71, 69, 33, 31 and 29 positions are left
BD_10 = (
    convolution(4, 128, 7)
    + convolution(128, 128, 3)
    + convolution(128, 160, 3)
    + convolution(160, 160, 3)
    + convolution(160, 256, 3)
    + convolution(256, 256, 3)
    + convolution(256, 384, 3)
    + convolution(384, 384, 3)
    + convolution(384, 512, 3)
    + convolution(512, 512, 3)
    + dense(29 * 512, 768)
)


def block(d):
    """Weights of a transformer's block: attention, a network twice as wide, two norms."""
    return 4 * d * (d + 1) + 2 * d * (d + 1) + d * (2 * d + 1) + 2 * 2 * d


def some(n=3, length=101, *, unknown=False):
    g = torch.Generator().manual_seed(5)
    codes = torch.randint(0, 5 if unknown else 4, (n, length), generator=g)
    return F.one_hot(codes, 5)[..., :4].transpose(1, 2).float().contiguous()


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("demo-cnn", {}, 136_322),
        ("demo-cnn", {"size": "medium"}, 35_394),
        ("demo-cnn", {"size": "small"}, 64 * 4 * 9 + 64 + 64 * 64 * 5 + 64 + 2 * 65),
        ("demo-cnn", {"size": "large"}, 35_394 + 64 * 64 * 3 + 64),
        ("demo-rnn", {}, 9_858),
        ("demo-rnn", {"size": "small"}, 2 * 4 * 16 * (4 + 16 + 2) + 2 * 33),
        ("demo-rnn", {"size": "large"}, 9_858 + 2 * 4 * 32 * (32 + 32 + 2)),
        ("demo-cnn-rnn", {}, 46_338),
        ("demo-cnn-rnn", {"size": "large"}, 46_338 + 128 * 128 * 5 + 128),
        ("deepbind", {"hidden": 0}, 1_569),
        ("deepbind", {}, 2_129),
        ("basset", {"n_outputs": 164}, 4_135_064),
    ],
)
def test_parameter_counts_are_the_published_ones(name, options, count):
    assert parameters(models.create(name, **options)) == count


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("dilated", {}, (4 * 25 + 1) * 64 + 5 * (64 * 3 + 1) * 64 + 65),
        ("dilated", {"maps": 8, "width": 7, "layers": 1}, (4 * 7 + 1) * 8 + (8 * 3 + 1) * 8 + 9),
        ("transformer", {}, (4 * 15 + 1) * 64 + 2 * block(64) + 2 * 64 + 65),
        ("transformer", {"maps": 8, "blocks": 1}, (4 * 15 + 1) * 8 + block(8) + 2 * 8 + 9),
        ("basset", {}, BASSET + 1001),
        ("bd-10", {}, BD_10 + 769 + 2),
        ("bd-10", {"n_outputs": 164}, BD_10 + 164 * 769 + 2 * 164),
        # 200 bp: 182 positions, 26 maxima a unit
        ("explainn", {}, 100 * (77 + 2 + 27 * 100 + 200 + 101 + 2) + 101),
        ("explainn", {"layers": 0, "n_outputs": 3}, 100 * (77 + 2) + 3 * 101),
        ("explainn", {"layers": 1, "units": 4}, 4 * (77 + 2 + 27 + 2) + 5),
        ("explainn", {"layers": 0, "pairs": True, "n_outputs": 2}, 7900 + 2 * (101 + 4950)),
        # 39 bp: 3 maxima a unit
        (
            "explainn",
            {"layers": 3, "units": 2, "hidden": 5, "length": 39},
            2 * (79 + 30 + 40 + 8) + 3,
        ),
    ],
)
def test_parameter_counts_follow_from_the_sizes(name, options, count):
    assert parameters(models.create(name, **options)) == count


def test_lengths_inside_the_cnn_are_the_published_ones():
    model, x = models.create("demo-cnn").eval(), some()
    lengths = []
    for layer in model.features:
        x = layer(x)
        if x.ndim == 3 and (not lengths or x.shape[2] != lengths[-1]):
            lengths.append(x.shape[2])
    assert lengths == [93, 46, 42, 21, 19]
    assert x.shape == (3, 128)


@pytest.mark.parametrize(
    ("name", "lengths"),
    [
        ("basset", [582, 194, 184, 46, 40, 10]),
        ("bd-10", [594, 592, 296, 294, 292, 146, 144, 142, 71, 69, 67, 33, 31, 29]),
    ],
)
def test_lengths_inside_the_unpadded_networks_of_600_bp(name, lengths):
    model = small(name, length=600).eval()
    x, seen = some(2, 600), []
    for layer in model.features:
        before, x = x.shape[2], layer(x)
        if x.shape[2] != before:
            seen.append(x.shape[2])
    assert seen == lengths


def test_basset_has_2000_features_of_600_bp_as_published():
    model = models.create("basset").eval()
    assert model.features(some(1, 600)).flatten(1).shape == (1, 2000)
    assert [tuple(m.weight.shape) for m in model.head if hasattr(m, "in_features")] == [
        (1000, 2000), (1000, 1000), (1, 1000),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["basset", "bd-10"])
def test_a_model_of_one_length_refuses_another_by_its_name(name):
    model = small(name, length=201).eval()
    with pytest.raises(InputError, match="made for sequences of 201 bp; got 200 bp"):
        model(some(2, 200))


@pytest.mark.parametrize(("name", "reach"), [("basset", [19, 51, 132]), ("bd-10", [7, 9, 14])])
def test_neurons_of_the_first_layers_see_what_the_authors_say(name, reach):
    found = layers(small(name, length=210).eval(), length=210)[:3]
    assert [layer.width for layer in found] == reach
    assert not any(layer.why_whole for layer in found)


def test_deepbind_sees_124_positions_of_101_bp():
    model = models.create("deepbind")
    seen = []
    model.detect[0].register_forward_hook(lambda _, i, o: seen.append((i[0].shape, o.shape)))
    model(some())
    assert seen == [((3, 4, 147), (3, 16, 124))] * 2  # once a strand


def test_the_recurrent_part_of_the_cnn_rnn_reads_every_position():
    model = models.create("demo-cnn-rnn")
    assert model.convolution(some()).shape == (3, 128, 101)
    assert model.features(some()).shape == (3, 64)
    assert not any(isinstance(m, Dropout) for m in model.convolution.modules())


@every
def test_every_model_maps_sequences_to_one_logit_an_output(name):
    model = small(name, n_outputs=3).eval()
    length = fitting(name, 101)
    y = model(some(length=length, unknown=True), **beside(name, 3, length))
    assert y.shape == (3, n_outputs(name, 3))
    assert torch.isfinite(y).all()


@pytest.mark.parametrize("name", ["basset", "bd-10", "deepbind", "demo-cnn", "dilated"])
def test_an_exponential_stands_behind_the_first_convolution_alone(name):
    found = {}
    for first in ("relu", "exponential"):
        model = small(name, first=first)
        layer = find_layer(model.eval(), length=fitting(name, 101))
        found[first] = type(layer.activation).__name__
        behind = [type(m).__name__ for m in model.modules()].count("Exponential")
        assert behind == (first == "exponential")
    assert found == {"relu": "ReLU", "exponential": "Exponential"}
    with pytest.raises(UnknownName, match="Did you mean 'relu'"):
        small(name, first="rely")


@every
def test_every_model_runs_at_its_shortest_length_and_not_below(name):
    shortest = models.MODELS[name].facts["min_length"]

    def output(length):
        known = inspect.signature(models.MODELS[name].fn).parameters
        own = {"length": length, "profile_width": 1}  # of models of one length, and of profiles
        model = small(name, **{k: v for k, v in own.items() if k in known}).eval()
        return model(some(2, length))

    assert output(shortest).shape == (2, n_outputs(name, 1))
    if shortest > 9:  # one that pools: a base less leaves nothing to look at
        with pytest.raises((RuntimeError, InputError)):
            output(shortest - 1)


@every
def test_equal_seeds_give_equal_weights(name):
    made = []
    for _ in range(2):
        torch.manual_seed(3)
        made.append(small(name).state_dict())
    assert all(torch.equal(made[0][k], made[1][k]) for k in made[0])


@every
def test_every_model_says_where_it_comes_from(name):
    entry = models.MODELS[name]
    assert entry.facts["cite"]
    assert entry.summary
    assert "n_outputs" in inspect.signature(entry.fn).parameters


def test_every_file_of_the_zoo_is_exported():
    folder = Path(models.zoo.__file__).parent
    files = {p.stem for p in folder.glob("*.py")} - {"__init__"}
    assert files == set(models.zoo.__all__)


def test_the_two_directions_are_separate_stacks():
    torch.manual_seed(0)
    net = MeanLSTM(4, 8, layers=2, dropout=0.5).eval()
    x = torch.randn(2, 11, 4)
    down, up = net(x).chunk(2, 1)
    net.forwards, net.backwards = net.backwards, net.forwards
    swapped_up, swapped_down = net(x.flip(1)).chunk(2, 1)
    torch.testing.assert_close(swapped_up, up)
    torch.testing.assert_close(swapped_down, down)


def test_one_direction_knows_nothing_of_the_other():
    """Not so in ``nn.LSTM(bidirectional=True)``, whose second layer reads both."""
    torch.manual_seed(0)
    net = MeanLSTM(4, 8, layers=2, dropout=0.0)
    net(torch.randn(2, 11, 4))[:, :8].sum().backward()
    assert all(not p.grad.any() for p in net.backwards.parameters())
    assert all(p.grad.any() for p in net.forwards.parameters())


def test_lstm_weights_start_as_published():
    torch.manual_seed(0)
    lstm = MeanLSTM(128, 32, layers=1, dropout=0.0).forwards[0]
    assert lstm.weight_ih_l0.std().item() == pytest.approx(160**-0.5, rel=0.05)
    assert (lstm.bias_ih_l0 + lstm.bias_hh_l0).view(4, 32).sum(1).tolist() == [0, 32, 0, 0]


def test_dropout_follows_every_lstm_the_last_one_too_and_none_comes_before():
    torch.manual_seed(0)
    net, x, seen = MeanLSTM(4, 8, layers=2, dropout=0.5).train(), torch.randn(2, 11, 4), []
    for lstm in net.forwards:
        lstm.register_forward_hook(lambda _, i, o: seen.append((i[0], o[0])))
    out = net(x)[:, :8]
    (first_in, first_out), (second_in, second_out) = seen
    assert torch.equal(first_in, x)
    kept = second_in != 0
    assert 0.3 < kept.float().mean() < 0.7
    torch.testing.assert_close(second_in[kept], 2 * first_out[kept])
    assert not torch.allclose(out, second_out.mean(1))


def test_logit_is_the_difference_of_the_two_class_scores():
    for name in ("demo-cnn", "demo-rnn", "demo-cnn-rnn"):
        model = models.create(name, n_outputs=2).eval()
        both = model.class_scores(some())
        assert both.shape == (3, 2, 2)
        torch.testing.assert_close(model(some()), both[..., 1] - both[..., 0])


def test_binary_likelihood_of_the_logit_is_the_two_class_likelihood():
    torch.manual_seed(0)
    head, features = TwoClassHead(6, 1), torch.randn(5, 6)
    y = torch.tensor([0, 1, 1, 0, 1])
    two = F.cross_entropy(head.class_scores(features)[:, 0], y)
    one = F.binary_cross_entropy_with_logits(head(features)[:, 0], y.float())
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize(("layers", "reach"), [(1, 29), (5, 149), (9, 2069)])
def test_a_position_of_the_dilated_trunk_sees_what_its_reach_says(layers, reach):
    model = models.create("dilated", maps=4, layers=layers).eval()
    assert model.reach == reach == 25 + 2 ** (layers + 2) - 4
    middle = reach // 2 + 3
    x = torch.full((1, 4, 2 * middle + 1), 0.25, requires_grad=True)
    for p in model.parameters():
        torch.nn.init.constant_(p, 0.01)
    model.trunk(x)[0, :, middle].sum().backward()
    seen = x.grad.abs().sum((0, 1)).nonzero().flatten()
    assert (seen.min().item(), seen.max().item()) == (3, 2 * middle - 3)


def test_the_dilated_trunk_adds_what_each_layer_finds():
    model, x = models.create("dilated", maps=4, layers=2).eval(), some()
    first = torch.relu(F.conv1d(x, model.wide.weight, model.wide.bias, padding=12))
    for conv, step in zip(model.dilated, (2, 4), strict=True):
        more = F.conv1d(first, conv.weight, conv.bias, padding=step, dilation=step)
        first = first + torch.relu(more)
    torch.testing.assert_close(model.trunk(x), first)
    torch.testing.assert_close(model(x), model.head(first.mean(2)))


def test_attention_lets_every_token_see_every_other():
    torch.manual_seed(0)
    model, x = models.create("transformer", blocks=1).eval(), some(1, 80)
    h = model.convolution(x).transpose(1, 2).detach().requires_grad_()
    assert h.shape == (1, 20, 64)
    model.blocks(h)[0, 0].sum().backward()
    assert (h.grad[0].abs().sum(1) > 0).all()


def test_the_transformer_knows_where_a_token_stands():
    """Without positions the mean over tokens would not change when tokens change places."""
    torch.manual_seed(0)
    model = models.create("transformer", width=1).eval()
    a, b = encode(["AAAACCCCGGGGTTTT"]), encode(["TTTTCCCCGGGGAAAA"])
    assert (model(a) - model(b)).abs().item() > 1e-4


def test_deepbind_scores_both_strands_alike():
    model, x = models.create("deepbind").eval(), some(8, unknown=True)
    assert torch.equal(model(x), model(reverse_complement(x)))


def test_deepbind_takes_the_better_strand():
    model, x = models.create("deepbind").eval(), some(8)
    both = torch.stack([model.strand(x), model.strand(reverse_complement(x))])
    torch.testing.assert_close(model(x), both.max(0).values)
    assert (both[0] > both[1]).any()
    assert (both[0] < both[1]).any()


def test_deepbind_reads_n_as_it_reads_its_padding():
    """An unknown base at the end is one more padding column: nothing changes."""
    model = models.create("deepbind").eval()
    bare, padded = encode(["ACGTTGCATGACGTACGATT"]), encode(["NNACGTTGCATGACGTACGATTN"])
    torch.testing.assert_close(model.strand(bare), model.strand(padded))


def test_deepbind_drops_the_same_detectors_on_both_strands():
    """With all-equal features the strands differ only by their masks, so here not at all."""
    torch.manual_seed(0)
    model = models.create("deepbind", dropout=0.5).train()
    seen = []
    model.head.register_forward_hook(lambda _, i, o: seen.append(i[0]))
    palindrome = encode(["ACGTACGTACGTACGTACGTACGTACGT"])
    assert torch.equal(palindrome, reverse_complement(palindrome))
    model(palindrome.expand(64, -1, -1))
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[0][:1].expand(64, -1))  # and it did drop some


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("demo-cn", {}, "Did you mean 'demo-cnn'"),
        ("demo-cnn", {"sise": "small"}, "Did you mean 'size'"),
        ("demo-cnn", {"size": "medum"}, "Did you mean 'medium'"),
        ("demo-rnn", {"size": "huge"}, "Known: large, medium, small"),
        ("demo-cnn-rnn", {"size": "x"}, "No size of demo-cnn-rnn"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(name, options, message):
    with pytest.raises(UnknownName, match=message):
        models.create(name, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("demo-cnn", {"dropout": 1.0}),
        ("demo-cnn", {"dropout": -0.1}),
        ("demo-cnn", {"dropout": "0.5"}),
        ("demo-rnn", {"dropout": float("nan")}),
        ("demo-cnn", {"n_outputs": 0}),
        ("demo-rnn", {"n_outputs": -1}),
        ("demo-cnn-rnn", {"n_outputs": "2"}),
        ("demo-cnn", {"size": 64}),
        ("demo-rnn", {"size": ["small"]}),
        ("demo-cnn-rnn", {"size": None}),
        ("deepbind", {"hidden": -1}),
        ("deepbind", {"hidden": "32"}),
        ("deepbind", {"width": 0}),
        ("deepbind", {"detectors": 2.5}),
        ("deepbind", {"dropout": 1}),
        ("deepbind", {"n_outputs": 0}),
        ("dilated", {"maps": 0}),
        ("dilated", {"width": 24}),
        ("dilated", {"layers": -1}),
        ("dilated", {"dropout": 1.5}),
        ("transformer", {"heads": 3}),
        ("transformer", {"maps": 9}),
        ("transformer", {"width": 4}),
        ("transformer", {"pool": 0}),
        ("transformer", {"blocks": 1.0}),
        ("transformer", {"dropout": -1}),
        ("basset", {"maps": (300, 200)}),
        ("basset", {"maps": "300"}),
        ("basset", {"maps": (300, 0, 200)}),
        ("basset", {"hidden": 0}),
        ("basset", {"dropout": 1}),
        ("basset", {"length": 167}),
        ("bd-10", {"maps": 128}),
        ("bd-10", {"hidden": -1}),
        ("bd-10", {"dropout": -0.2}),
        ("bd-10", {"length": 143}),
        ("bd-10", {"length": 200.0}),
        ("explainn", {"units": 0}),
        ("explainn", {"layers": -1}),
        ("explainn", {"layers": True}),
        ("explainn", {"dropout": 1.0}),
        ("explainn", {"first": "rule"}),
        ("explainn", {"length": 24}),
        ("explainn", {"length": 18, "layers": 0}),
    ],
)
def test_options_without_sense_are_refused(name, options):
    with pytest.raises(InputError, match=next(iter(options))):
        models.create(name, **options)


def test_mask_of_dropout_is_one_draw_for_one_seed():
    torch.manual_seed(11)
    first = keep_mask(torch.ones(4, 5), 0.5)
    torch.manual_seed(11)
    assert torch.equal(keep_mask(torch.ones(4, 5), 0.5), first)
