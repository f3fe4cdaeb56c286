"""Sizes and structure of the zoo's later networks, by formula from their papers."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cisgram import models
from cisgram.core.errors import InputError, UnknownName
from cisgram.explain.demix import layers
from networks import beside, fitting, small

every = pytest.mark.parametrize("name", sorted(models.MODELS))


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def convolution(d, maps, width):
    """Filters and biases."""
    return (d * width + 1) * maps


def dense(d, units):
    return (d + 1) * units


def norm(maps):
    return 2 * maps


def both_ways(d, size):
    """Two LSTMs: four gates, each of the input, the state and torch's two biases."""
    return 2 * 4 * size * (d + size + 2)


def both_gru(d, size):
    """Two GRUs: three gates, each of the input, the state and torch's two biases."""
    return 2 * 3 * size * (d + size + 2)


def view(d):
    return norm(d) + convolution(d, d, 5) + norm(d)


def profile_network(d, width, layers, strands=1):
    """A wide convolution, dilated ones, 75 positions to a profile, and a line to the counts."""
    return (
        convolution(4, d, width) + layers * convolution(d, d, 3) + convolution(d, strands, 75)
        + dense(d, 1)
    )  # fmt: skip


def some(n=3, length=101, *, unknown=False):
    g = torch.Generator().manual_seed(5)
    codes = torch.randint(0, 5 if unknown else 4, (n, length), generator=g)
    return F.one_hot(codes, 5)[..., :4].transpose(1, 2).float().contiguous()


def block(d, attention):
    """Attention, a network twice as wide, and two norms of d."""
    return attention + dense(d, 2 * d) + dense(2 * d, d) + 2 * norm(d)


def relative(d):
    """Queries, keys and values, 12 functions of distance, two vectors, and what mixes heads."""
    return 3 * d * d + 12 * d + 2 * d + dense(d, d)


def efficient(d, f, width):
    """A block of LegNet: convolutions without biases, each with its norm, and a gate."""
    wide, units = 4 * f, d // 4
    gate = dense(wide, units) + dense(units, wide)
    inside = d * wide + norm(wide) + wide * 2 * width + norm(wide) + gate + wide * d + norm(d)
    return inside + 2 * d * f * width + norm(f)


DEEPSEA = convolution(4, 320, 8) + convolution(320, 480, 8) + convolution(480, 960, 8)
AI_TAC = sum(
    convolution(d, f, width) + norm(f)
    for d, f, width in ((4, 300, 19), (300, 200, 11), (200, 200, 7))
)
DEEPSTARR = sum(
    convolution(d, f, width) + norm(f)
    for d, f, width in ((4, 256, 7), (256, 60, 3), (60, 60, 5), (60, 120, 3))
)
DEEPCPG_DNA = convolution(4, 128, 11) + convolution(128, 256, 3) + dense(122 * 256, 128)
DEEPCPG_CPG = dense(2 * 50, 256) + both_gru(256, 256)
# what Keras counts for DanQ, which has one bias a gate where torch has two
DANQ, DANQ_JASPAR = 46_926_479, 67_892_175


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        (
            "deepsea",
            {"n_outputs": 919},
            DEEPSEA + dense(53 * 960, 925) + dense(925, 919),
        ),
        (
            "danq",
            {"n_outputs": 919},
            convolution(4, 320, 26) + both_ways(320, 320) + dense(75 * 640, 925) + dense(925, 919),
        ),
        ("danq", {"n_outputs": 919}, DANQ + 2 * 4 * 320),
        ("danq", {"size": "jaspar", "n_outputs": 919}, DANQ_JASPAR + 2 * 4 * 512),
        (
            "danq",
            {"size": "small", "hidden": 10, "length": 101},
            convolution(4, 32, 26) + both_ways(32, 32) + dense(5 * 64, 10) + dense(10, 1),
        ),
        (
            "ai-tac",
            {"n_outputs": 81},
            AI_TAC + dense(5 * 200, 1000) + dense(1000, 1000) + dense(1000, 81),
        ),
        (
            "deepstarr",
            {"n_outputs": 2},
            DEEPSTARR
            + dense(15 * 120, 256)
            + norm(256)
            + dense(256, 256)
            + norm(256)
            + dense(256, 2),
        ),
        ("bpnet-profile", {}, profile_network(64, 25, 9)),
        ("bpnet-profile", {"strands": 2, "profile_width": 1000}, profile_network(64, 25, 9, 2)),
        ("chrombpnet", {}, profile_network(512, 21, 8) + profile_network(128, 21, 4)),
        (
            "multi-view",
            {},
            convolution(4, 64, 19)
            + convolution(1, 64, 19)
            + 2 * view(64)
            + dense(128, 64)
            + dense(64, 1),
        ),
        (
            "multi-view",
            {"fusion": "early", "n_tracks": 3, "n_outputs": 2},
            convolution(4 + 3, 64, 19) + view(64) + dense(64, 2),
        ),
        (
            "multi-view",
            {"fusion": "ensemble", "maps": 8},
            convolution(4, 8, 19) + convolution(1, 8, 19) + 2 * view(8) + 2 * dense(8, 1),
        ),
        ("multi-view", {"fusion": "sequence"}, convolution(4, 64, 19) + view(64) + dense(64, 1)),
        ("multi-view", {"fusion": "tracks"}, convolution(1, 64, 19) + view(64) + dense(64, 1)),
        # 1,001 bp: 991 and 245 positions, pooled to 247 and 122
        ("deepcpg-dna", {"n_outputs": 2}, DEEPCPG_DNA + dense(128, 2)),
        ("deepcpg-cpg", {"n_outputs": 2}, DEEPCPG_CPG + dense(512, 2)),
        (
            "deepcpg",
            {"n_outputs": 2},
            DEEPCPG_DNA + DEEPCPG_CPG + dense(128 + 512, 512) + dense(512, 512) + dense(512, 2),
        ),
        (
            "deepcpg-cpg",
            {"n_neighbors": 6, "hidden": 5},
            dense(12, 5) + both_gru(5, 5) + dense(10, 1),
        ),
        (
            "conv-attention",
            {},
            convolution(4, 64, 15)
            + convolution(64, 64, 5)
            + 2 * norm(64)
            + 2 * block(64, relative(64))
            + norm(64)
            + 64  # score of the pool
            + dense(64, 1),
        ),
        (
            "kmer-transformer",
            {},
            4**4 * 64 + 64 + 2 * block(64, 4 * dense(64, 64)) + norm(64) + dense(64, 1),
        ),
        (
            "kmer-transformer",
            {"k": 6, "maps": 8, "blocks": 1},
            4**6 * 8 + 8 + block(8, 4 * dense(8, 8)) + norm(8) + dense(8, 1),
        ),
        (
            "legnet",
            {},
            4 * 128 * 5
            + norm(128)
            + efficient(128, 64, 5)
            + efficient(64, 64, 5)
            + efficient(64, 32, 5)
            + efficient(32, 32, 5)
            + dense(32, 1),
        ),
        (
            "legnet",
            {"maps": (256, 256, 128, 128, 64, 64, 32, 32), "width": 7, "n_outputs": 18},
            4 * 256 * 7
            + norm(256)
            + efficient(256, 256, 7)
            + efficient(256, 128, 7)
            + efficient(128, 128, 7)
            + efficient(128, 64, 7)
            + efficient(64, 64, 7)
            + efficient(64, 32, 7)
            + efficient(32, 32, 7)
            + dense(32, 18),
        ),
    ],
)
def test_parameter_counts_follow_from_the_sizes(name, options, count):
    with torch.device("meta"):  # sizes without the 200 MB of weights
        assert parameters(models.create(name, **options)) == count


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("deepsea", {"n_outputs": 919}, 52_843_119),
        ("ai-tac", {"n_outputs": 81}, 3_047_981),
        ("deepstarr", {"n_outputs": 2}, 622_722),
    ],
)
def test_docstrings_tell_the_true_count(name, options, count):
    assert f"{count:,}" in models.MODELS[name].fn.__doc__
    with torch.device("meta"):
        assert parameters(models.create(name, **options)) == count


@pytest.mark.parametrize(
    ("name", "options", "lengths", "features"),
    [
        ("deepsea", {}, [1000, 993, 248, 241, 60, 53], 53 * 960),
        ("danq", {}, [1000, 975, 75], 75 * 640),
        ("danq", {"size": "jaspar"}, [1000, 971, 64], 64 * 1024),
        ("ai-tac", {}, [251, 84, 21, 5], 1000),
        ("deepstarr", {}, [249, 124, 62, 31, 15], 1800),
    ],
)
def test_lengths_and_features_inside_are_the_published_ones(name, options, lengths, features):
    with torch.device("meta"):
        model = models.create(name, **options).eval()
        h, seen = torch.zeros(1, 4, lengths[0]), [lengths[0]]
        for layer in model.features:
            h = layer(h)
            if isinstance(layer, nn.Conv1d | nn.MaxPool1d) and h.shape[2] != seen[-1]:
                seen.append(h.shape[2])
    assert seen == lengths
    assert h.flatten(1).shape[1] == features == model.head[0].in_features


def test_ai_tac_rectifies_then_pools_then_norms():
    kinds = [type(m).__name__ for m in models.create("ai-tac").features]
    assert kinds == ["Conv1d", "ReLU", "MaxPool1d", "BatchNorm1d"] * 3


def test_deepstarr_norms_then_rectifies_then_pools_and_flattens_by_position():
    torch.manual_seed(0)
    model, x = small("deepstarr").eval(), some(2, 49)
    *convolutional, last = model.features
    assert [type(m).__name__ for m in convolutional] == [
        "Conv1d", "BatchNorm1d", "ReLU", "MaxPool1d",
    ] * 4  # fmt: skip
    maps = nn.Sequential(*convolutional)(x)  # (2, 5, 3)
    assert torch.equal(last(maps).flatten(1)[:, :5], maps[:, :, 0])


def test_a_block_of_legnet_puts_what_it_makes_beside_what_it_reads():
    torch.manual_seed(0)
    model, x = small("legnet").eval(), some(2, 30)
    stem, block, after = model.features[:3], model.features[3], model.features[4]
    h = stem(x)
    both = block(h)
    assert both.shape == (2, 16, 30)
    assert torch.equal(both[:, :8], h)
    assert (after.in_channels, after.out_channels) == (16, 6)
    middle = block.layers[3]
    assert middle.weight.shape == (24, 2, 5)  # four times six maps, each reads two


def test_a_gate_of_legnet_scales_each_map_by_one_number():
    torch.manual_seed(0)
    gate, h = small("legnet").eval().features[3].layers[6], torch.rand(2, 24, 9) + 0.1
    share = gate(h) / h
    torch.testing.assert_close(share, share[:, :, :1].expand_as(share))
    assert ((share > 0) & (share < 1)).all()
    torch.testing.assert_close(gate(h.flip(2)), gate(h).flip(2))  # it sees means alone


def test_danq_reads_the_pooled_maps_in_both_directions():
    """The first half of a position's states knows what is left of it, the second what is right."""
    torch.manual_seed(0)
    lstm, h = small("danq").features[4], torch.randn(1, 32, 7, requires_grad=True)
    states = lstm(h)
    assert states.shape == (1, 7, 64)
    (left,) = torch.autograd.grad(states[0, 3, :32].sum(), h, retain_graph=True)
    (right,) = torch.autograd.grad(states[0, 3, 32:].sum(), h)
    assert left.abs().sum((0, 1)).gt(0).tolist() == [True] * 4 + [False] * 3
    assert right.abs().sum((0, 1)).gt(0).tolist() == [False] * 3 + [True] * 4


def test_danq_weights_start_within_five_hundredths_and_biases_at_0():
    torch.manual_seed(0)
    for p in small("danq").parameters():
        if p.ndim > 1:
            assert p.abs().max().item() == pytest.approx(0.05, rel=0.1)
        else:
            assert not p.any()


@pytest.mark.parametrize(
    ("name", "reach"),
    [
        ("deepsea", [8, 39, 163]),
        ("danq", [26]),
        ("ai-tac", [19, 51, 132]),
        ("deepstarr", [7, 12, 30, 50]),
    ],
)
def test_neurons_see_what_widths_and_poolings_say(name, reach):
    found = layers(small(name, length=200).eval(), length=200)
    assert [layer.width for layer in found[: len(reach)]] == reach
    assert not any(layer.why_whole for layer in found[: len(reach)])


@every
def test_a_loss_reaches_every_parameter(name):
    torch.manual_seed(0)
    model = small(name, n_outputs=2).train()
    length = fitting(name, 60)
    (model(some(8, length), **beside(name, 8, length)) ** 2).sum().backward()
    learned = {k: p for k, p in model.named_parameters() if p.requires_grad}
    silent = [k for k, p in learned.items() if p.grad is None or not p.grad.any()]
    assert silent == []
    assert len(learned) > 1


@every
def test_a_sequence_is_scored_the_same_in_any_company(name):
    torch.manual_seed(0)
    model, x = small(name, n_outputs=2).eval(), some(5, fitting(name, 60), unknown=True)
    more = beside(name, 5, x.shape[2])
    with torch.no_grad():
        together, again = model(x, **more), model(x, **more)
        each = [{k: v[i : i + 1] for k, v in more.items()} for i in range(5)]
        alone = torch.cat([model(x[i : i + 1], **each[i]) for i in range(5)])
    assert torch.equal(together, again)
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["deepsea", "danq", "ai-tac", "deepstarr"])
def test_a_model_of_one_length_refuses_another_by_its_name(name):
    model = small(name, length=201).eval()
    with pytest.raises(InputError, match="made for sequences of 201 bp; got 200 bp"):
        model(some(2, 200))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("deepsea", {"maps": (320, 480)}),
        ("deepsea", {"hidden": 0}),
        ("deepsea", {"dropout": 0.2}),
        ("deepsea", {"dropout": (0.2, 0.2)}),
        ("deepsea", {"dropout": (0.2, 0.2, 1)}),
        ("deepsea", {"length": 162}),
        ("danq", {"hidden": -1}),
        ("danq", {"dropout": 1}),
        ("danq", {"dropout_recurrent": -1}),
        ("danq", {"length": 37}),
        ("ai-tac", {"maps": 300}),
        ("ai-tac", {"hidden": 0}),
        ("ai-tac", {"dropout": 1.0}),
        ("ai-tac", {"length": 15}),
        ("deepstarr", {"maps": (256, 60, 60)}),
        ("deepstarr", {"hidden": 2.5}),
        ("deepstarr", {"dropout": -0.1}),
        ("deepstarr", {"length": 15}),
        ("deepcpg-dna", {"maps": (128,)}),
        ("deepcpg-dna", {"length": 25}),
        ("deepcpg-cpg", {"n_neighbors": 0}),
        ("deepcpg-cpg", {"dropout": 1}),
        ("deepcpg", {"hidden_cpg": 0}),
        ("deepcpg", {"hidden_joint": 0}),
        ("deepcpg", {"length": 25}),
        ("bpnet-profile", {"maps": 0}),
        ("bpnet-profile", {"width": 24}),
        ("bpnet-profile", {"layers": 0}),
        ("bpnet-profile", {"profile_width": 0}),
        ("bpnet-profile", {"n_outputs": 3}),
        ("chrombpnet", {"bias_maps": 0}),
        ("chrombpnet", {"bias_layers": -1}),
        ("chrombpnet", {"n_outputs": 2}),
        ("multi-view", {"fusion": "later"}),
        ("multi-view", {"maps": 0}),
        ("multi-view", {"n_tracks": 0}),
        ("multi-view", {"width": 4}),
        ("multi-view", {"dropout": 1}),
        ("legnet", {"maps": (64,)}),
        ("legnet", {"maps": 64}),
        ("legnet", {"maps": (64, 0)}),
        ("legnet", {"width": 6}),
        ("legnet", {"dropout": 1}),
        ("conv-attention", {"maps": 9}),
        ("conv-attention", {"heads": 3}),
        ("conv-attention", {"width": 14}),
        ("conv-attention", {"blocks": 0}),
        ("conv-attention", {"dropout": 1}),
        ("kmer-transformer", {"k": 0}),
        ("kmer-transformer", {"k": 7}),
        ("kmer-transformer", {"stride": 0}),
        ("kmer-transformer", {"maps": 7}),
        ("kmer-transformer", {"heads": 5}),
        ("kmer-transformer", {"blocks": 1.0}),
        ("kmer-transformer", {"dropout": -1}),
    ],
)
def test_options_without_sense_are_refused(name, options):
    with pytest.raises(InputError, match=next(iter(options))):
        models.create(name, **options)


def test_a_wide_danq_needs_longer_sequences():
    assert models.create("danq", size="jaspar", length=44, hidden=4)
    with pytest.raises(InputError, match="at least 44 bp for danq of size jaspar; got 43"):
        models.create("danq", size="jaspar", length=43)


def test_unknown_sizes_are_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'jaspar'"):
        models.create("danq", size="jasper")
