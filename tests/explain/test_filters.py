"""Filters to motifs on one filter whose sites and counts are written out by hand.

The filter has width 2 and reads A (2.0) or C (0.7) at its first and T (1.0) at its second
position, so the windows that activate it are AT 3, A. 2, CT 1.7, .T 1 and C. 0.7:

    ATCTG   AT 3    TC 0    CT 1.7  TG 0
    GCAGG   GC 0    CA 0.7  AG 2    GG 0
    GGGGG   0       0       0       0
    GCGGG   GC 0    CG 0.7  GG 0    GG 0

The largest activation is 3, the mean 8.1 / 16 = 0.50625, so the thresholds are 1.5 (half of
the largest) and 1.753 (half way from the mean). Every sequence comes five times.
"""

import numpy as np
import pytest
import torch
from torch import nn

from cisgram.core.errors import InputError, UnknownName
from cisgram.explain import (
    CONVENTIONS,
    Convention,
    filter_motifs,
    weight_consensus,
    weight_motifs,
)
from cisgram.models import BothStrands, create
from cisgram.models.checkpoint import Mean
from cisgram.seq import encode
from toys import Conv, Linear, Words, state_of

SEQUENCES = ["ATCTG", "GCAGG", "GGGGG", "GCGGG"]


class OneFilter(nn.Module):
    """The filter of this file, and a second one that never fires."""

    def __init__(self, *, pad=0, stride=1, activation=None):
        super().__init__()
        self.conv = nn.Conv1d(4, 2, 2, padding=pad, stride=stride)
        self.activation = activation or nn.ReLU()
        with torch.no_grad():
            self.conv.weight.zero_()
            self.conv.weight[0, :, 0] = torch.tensor([2.0, 0.7, 0.0, 0.0])
            self.conv.weight[0, 3, 1] = 1.0
            self.conv.bias.copy_(torch.tensor([0.0, -1.0]))

    def forward(self, x):
        return self.activation(self.conv(x)).sum(2)


@pytest.fixture
def x():
    return encode(SEQUENCES * 5)


SHARE = [[10, 0], [5, 0], [0, 5], [0, 10]]  # AT, CT, AG
CENTERED = [[10, 0], [0, 0], [0, 5], [0, 5]]  # AT, AG
BEST = [[10, 0], [5, 0], [0, 10], [0, 5]]  # AT, AG, CG


@pytest.mark.parametrize(
    ("name", "counts", "pseudocount"),
    [
        ("ai-tac", SHARE, 0),
        ("explainn", SHARE, 0),
        ("basset-paper", SHARE, 1),
        ("basset", CENTERED, 1),
        ("deepcpg", CENTERED, 0),
        ("deepbind", BEST, 1e-4),
        ("danq", BEST, 1e-4),
    ],
)
def test_every_convention_counts_its_own_sites(x, name, counts, pseudocount):
    found = filter_motifs(OneFilter(), x, convention=name)
    expected = np.array(counts) + pseudocount
    np.testing.assert_allclose(found["filter_0"].ppm, expected / expected.sum(0), atol=1e-9)
    assert found["filter_0"].n_sites == np.array(counts).sum(0)[0]
    assert found.names == ["filter_0"]
    assert found.skipped == ("filter_1: 0 sites",)


def test_the_table_of_conventions_is_the_one_tested():
    assert set(CONVENTIONS) == {
        "ai-tac",
        "explainn",
        "basset-paper",
        "basset",
        "deepcpg",
        "deepbind",
        "danq",
    }


def ppm(x, **options):
    return filter_motifs(OneFilter(), x, convention=Convention(**options))["filter_0"].ppm


def test_absolute_threshold_takes_all_sites_above_it(x):
    # AT 3, CT 1.7, AG 2 and the C. of CA and CG 0.7, each five times
    got = ppm(x, threshold=("absolute", 0.5))
    np.testing.assert_allclose(got * 25, [[10, 5], [15, 0], [0, 10], [0, 10]], atol=1e-9)


def test_best_takes_one_site_a_sequence_and_none_where_nothing_fires(x):
    found = filter_motifs(OneFilter(), x, convention=Convention("best", ("share", 0.5)))
    assert found["filter_0"].n_sites == 10  # AT and AG; CG does not reach half of the largest


def test_threshold_rises_until_few_enough_sites_are_left(x):
    np.testing.assert_allclose(  # AT alone: the five AG would make ten
        ppm(x, threshold=("share", 0.5), max_sites=9), [[1, 0], [0, 0], [0, 0], [0, 1]]
    )
    np.testing.assert_allclose(
        ppm(x, threshold=("share", 0.5), max_sites=10), np.array(CENTERED) / 10
    )
    np.testing.assert_allclose(ppm(x, threshold=("share", 0.5), max_sites=15), np.array(SHARE) / 15)


def test_threshold_of_best_sites_rises_by_the_best_sites_alone(x):
    got = ppm(x, sites="best", threshold=("absolute", 0.0), max_sites=15)
    np.testing.assert_allclose(got, np.array(BEST) / 15)


def test_filters_with_few_sites_give_no_motif(x):
    found = filter_motifs(OneFilter(), x, convention=Convention(min_sites=16))
    assert len(found) == 0
    assert found.skipped == ("filter_0: 15 sites", "filter_1: 0 sites")


def test_only_selected_sequences_are_read(x):
    first = torch.tensor([True, False, False, False] * 5)
    got = filter_motifs(OneFilter(), x, convention="ai-tac", select=first)["filter_0"]
    np.testing.assert_allclose(got.ppm * 10, [[5, 0], [5, 0], [0, 0], [0, 10]], atol=1e-9)
    assert got.n_sites == 10  # AT and CT of the first sequence


@pytest.mark.parametrize("batch_size", [1, 3, 7, 1000])
@pytest.mark.parametrize("name", sorted(CONVENTIONS))
def test_batch_size_changes_nothing(x, name, batch_size):
    a = filter_motifs(OneFilter(), x, convention=name, batch_size=batch_size)
    b = filter_motifs(OneFilter(), x, convention=name)
    assert np.array_equal(a["filter_0"].ppm, b["filter_0"].ppm)


def test_padding_shifts_no_letter():
    """With a padding of 1 the window before the first letter counts: nothing, then T."""
    found = filter_motifs(OneFilter(pad=1), encode(["TGG"]), convention="ai-tac")
    expected = [[0.25, 0], [0.25, 0], [0.25, 0], [0.25, 1]]
    np.testing.assert_allclose(found["filter_0"].ppm, expected)


def test_same_padding_shifts_no_letter():
    model = Words("ACG", pad=1)
    conv = nn.Conv1d(4, 1, 3, padding="same")
    conv.load_state_dict(model.conv.state_dict())
    a = filter_motifs(nn.Sequential(conv, nn.ReLU()), encode(["TACGT"]), convention="ai-tac")
    assert a[0].consensus == "ACG"


def test_strides_read_the_letters_under_their_windows():
    """In steps of two only AT and CT of ATCTG are windows."""
    found = filter_motifs(OneFilter(stride=2), encode(["ATCTG"]), convention="ai-tac")
    np.testing.assert_allclose(found[0].ppm, [[0.5, 0], [0.5, 0], [0, 0], [0, 1]])


def test_dilated_filters_read_the_letters_that_they_see():
    conv = nn.Conv1d(4, 1, 2, dilation=3, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0, 0] = conv.weight[0, 3, 1] = 1
    found = filter_motifs(nn.Sequential(conv, nn.ReLU()), encode(["GAGGTCC"]), convention="ai-tac")
    assert found[0].consensus == "AT"


def test_unknown_bases_count_for_nothing():
    found = filter_motifs(OneFilter(), encode(["ANGGG"]), convention="ai-tac")
    np.testing.assert_allclose(found[0].ppm, [[1, 0.25], [0, 0.25], [0, 0.25], [0, 0.25]])


def detector(second_strand=False):
    """DeepBind with one detector: T at the second of two positions, weight 1, head 1."""
    model = create("deepbind", detectors=1, width=2, hidden=0)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        model.detect[0].weight[0, 3, 1] = 1
        model.head[0].weight[0, 0] = 1
    return model


@pytest.mark.parametrize("text", ["TGG", "CCA"])  # the same molecule
def test_deepbind_is_read_on_the_strand_that_won_with_quarters_at_the_edge(text):
    """On TGG the best window is (edge, T): a quarter of each base, then T."""
    found = filter_motifs(detector(), encode([text]), convention="deepbind")[0]
    expected = np.array([[0.25, 0], [0.25, 0], [0.25, 0], [0.25, 1]]) + 1e-4
    np.testing.assert_allclose(found.ppm, expected / expected.sum(0), atol=1e-9)


def test_deepbinds_unknown_bases_count_as_quarters():
    found = filter_motifs(detector(), encode(["GGNTGG"]), convention=Convention("best"))[0]
    np.testing.assert_allclose(found.ppm, [[0.25, 0], [0.25, 0], [0.25, 0], [0.25, 1]])


def test_the_activation_is_read_after_norm_and_nonlinearity(x):
    """A norm that halves the filter and subtracts 1 leaves AT 0.5 alone above zero."""
    norm = nn.BatchNorm1d(2, eps=0.0)
    with torch.no_grad():
        norm.running_var.fill_(4.0)
        norm.bias.fill_(-1.0)
    found = filter_motifs(
        OneFilter(activation=nn.Sequential(norm, nn.ReLU())),
        x,
        convention=Convention(threshold=("absolute", 0.0)),
    )
    np.testing.assert_allclose(found[0].ppm, [[1, 0], [0, 0], [0, 0], [0, 1]])


def test_without_a_nonlinear_module_the_rectified_convolution_is_read(x):
    a = filter_motifs(OneFilter(activation=nn.Identity()), x, convention="basset")
    b = filter_motifs(OneFilter(), x, convention="basset")
    assert np.array_equal(a[0].ppm, b[0].ppm)


def test_wrappers_are_looked_through(x):
    plain = filter_motifs(OneFilter(), x)["filter_0"].ppm
    for model in (BothStrands(OneFilter()), Mean([BothStrands(OneFilter()), Conv()])):
        assert np.array_equal(filter_motifs(model, x)["filter_0"].ppm, plain)


def test_leaves_the_model_as_it_was(x):
    model = Conv().train()
    before = state_of(model)
    filter_motifs(model, x, convention="ai-tac")
    assert state_of(model) == before


def test_integers_at_rest_are_read(x):
    a = filter_motifs(OneFilter(), x.to(torch.int8))
    assert np.array_equal(a[0].ppm, filter_motifs(OneFilter(), x)[0].ppm)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"convention": "basett"}, "Did you mean 'basset'"),
        ({"select": torch.zeros(20, dtype=torch.bool)}, "no sequence is selected"),
        ({"select": torch.ones(3, dtype=torch.bool)}, r"select must .* \(20,\)"),
        ({"select": torch.zeros(20, dtype=torch.int64)}, r"select must .* \(20,\)"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_what_cannot_be_honored_is_refused(x, options, message):
    with pytest.raises(InputError, match=message):
        filter_motifs(OneFilter(), x, **options)


def test_unknown_convention_is_an_unknown_name(x):
    with pytest.raises(UnknownName):
        filter_motifs(OneFilter(), x, convention="demo")


def test_a_model_without_filters_is_refused(x):
    with pytest.raises(InputError, match="no convolution over the four bases"):
        filter_motifs(Linear(length=5), x)


def test_channels_last_is_refused(x):
    with pytest.raises(InputError, match=r"transpose\(1, 2\)"):
        filter_motifs(OneFilter(), x.transpose(1, 2))


class Copied(nn.Module):
    """`OneFilter` behind a convolution that copies the letters: the same filter, one layer on."""

    def __init__(self, shift=0):
        super().__init__()
        self.shift = shift
        self.copy = nn.Conv1d(4, 4, 1 + shift, bias=False)
        self.rest = OneFilter()
        with torch.no_grad():
            self.copy.weight.zero_()
            self.copy.weight[:, :, shift] = torch.eye(4)

    def forward(self, x):
        return self.rest(torch.relu(self.copy(x)))


@pytest.mark.parametrize("name", sorted(CONVENTIONS))
@pytest.mark.parametrize("layer", ["rest.conv", "rest.activation"])
def test_a_deep_filter_of_copied_letters_is_the_first_layers(x, name, layer):
    plain = filter_motifs(OneFilter(), x, convention=name)
    deep = filter_motifs(Copied(), x, convention=name, layer=layer, batch_size=7)
    assert np.array_equal(deep[0].ppm, plain[0].ppm)
    assert deep[0].n_sites == plain[0].n_sites
    assert deep.skipped == plain.skipped


def test_a_deep_motif_is_counted_over_all_letters_that_the_unit_reads():
    """The copy reads one letter ahead, so that what comes before the site is in the field."""
    found = filter_motifs(
        Copied(shift=1), encode(["CCATCC"]), layer="rest.conv", convention="ai-tac"
    )
    assert found[0].consensus == "CAT"
    assert found[0].trimmed().consensus == "CAT"


def test_a_motif_behind_a_pooling_stands_on_its_letters():
    """A pooling of two lets the A lie on either of the two letters that a position reads."""
    model = nn.Sequential(Copied().copy, nn.MaxPool1d(2), nn.Conv1d(4, 1, 1, bias=False))
    with torch.no_grad():
        model[2].weight[0, :, 0] = torch.tensor([1.0, 0, 0, 0])
    found = filter_motifs(model, encode(["AGGTGG", "GGTAGG"]), layer="2", convention="ai-tac")
    np.testing.assert_allclose(found[0].ppm, [[0.5, 0.5], [0, 0], [0, 0.5], [0.5, 0]])


def test_the_first_layer_may_be_asked_for_by_name(x):
    plain = filter_motifs(OneFilter(pad=1), x)[0].ppm
    for layer in ("conv", "activation"):
        assert np.array_equal(filter_motifs(OneFilter(pad=1), x, layer=layer)[0].ppm, plain)


def test_a_nonlinearity_used_twice_is_read_after_the_layer_asked_for():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.copy, self.rest, self.relu = Copied().copy, OneFilter().conv, nn.ReLU()

        def forward(self, x):
            return self.relu(self.rest(self.relu(self.copy(x)))).sum(2)

    found = filter_motifs(Shared(), encode(["ATCTG"]), layer="rest", convention="ai-tac")
    np.testing.assert_allclose(found[0].ppm, [[0.5, 0], [0.5, 0], [0, 0], [0, 1]])


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_a_filter_of_even_width_with_same_padding_is_read():
    conv = nn.Conv1d(4, 1, 2, padding="same")
    conv.load_state_dict({k: v[:1] for k, v in OneFilter().conv.state_dict().items()})
    found = filter_motifs(nn.Sequential(conv, nn.ReLU()), encode(["GGATGG"]), convention="ai-tac")
    assert found[0].consensus == "AT"


@pytest.mark.parametrize("layer", ["convv", "rest.pool"])
def test_an_unknown_layer_is_refused_with_the_nearest(x, layer):
    with pytest.raises(UnknownName, match=r"No layer named .* Known: .*rest\.conv"):
        filter_motifs(Copied(), x, layer=layer)


class SideBySide(nn.Module):
    """Units that each read a copy of the letters, as ExplaiNN has them."""

    def __init__(self, *words):
        super().__init__()
        plain = Words(*words).conv
        self.units = nn.Conv1d(4 * len(words), len(words), len(words[0]), groups=len(words))
        self.units.load_state_dict(plain.state_dict())

    def forward(self, x):
        return torch.exp(self.units(x.repeat(1, self.units.groups, 1))).amax(2)


def test_units_side_by_side_are_read_as_filters():
    x = encode(["ACGTTACGAAACG", "GTTGTTAAAAAAA"])
    found = filter_motifs(SideBySide("ACG", "GTT"), x, convention="ai-tac")
    plain = filter_motifs(Words("ACG", "GTT"), x, convention="ai-tac")
    assert [m.consensus for m in found] == ["ACG", "GTT"]
    assert all(np.array_equal(a.ppm, b.ppm) for a, b in zip(found, plain, strict=True))
    assert weight_consensus(SideBySide("ACG", "GTT")) == ["ACG", "GTT"]
    assert [m.consensus for m in weight_motifs(SideBySide("ACG"), scale="fitted")] == ["ACG"]


@pytest.mark.parametrize("name", ["basset", "deepbind"])
def test_a_deep_layer_is_counted_as_by_hand(name):
    """Every site of a strided, dilated, padded stack, letter by letter."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(4, 5, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(5, 3, 2, dilation=2),
        nn.BatchNorm1d(3),
        nn.ELU(),
    ).eval()
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(list("ACGT"), 24)) for _ in range(40)]
    x = encode(texts)
    how = CONVENTIONS[name]
    with torch.no_grad():
        a = torch.relu(model(x)).double().numpy()  # (40, 3, 10)
    offset, stride, width = -1, 2, 8  # read off the layers
    for k, motif in enumerate(filter_motifs(model, x, convention=name, layer="3")):
        v = a[:, k]
        cut = 0.5 * (v.max() - v.mean()) + v.mean() if name == "basset" else 0.0
        counts = np.zeros((4, width))
        for n, text in enumerate(texts):
            sites = np.flatnonzero(v[n] > cut)
            sites = sites[v[n][sites] == v[n].max()] if how.sites == "best" else sites
            for t in sites:
                for j in range(width):
                    at = offset + stride * t + j
                    if 0 <= at < len(text):
                        counts["ACGT".index(text[at]), j] += 1
        ppm = (counts + how.pseudocount) / (counts + how.pseudocount).sum(0)
        np.testing.assert_allclose(motif.ppm, ppm, atol=1e-9)


def test_units_on_the_last_axis_are_read(x):
    """A linear layer on (n, t, channels) that hands the filters on, in the other order."""

    class Turned(OneFilter):
        def __init__(self):
            super().__init__()
            self.mix = nn.Linear(2, 2, bias=False)
            with torch.no_grad():
                self.mix.weight.copy_(torch.eye(2).flip(0))

        def forward(self, x):
            return self.mix(self.conv(x).transpose(1, 2)).mean(1)

    found = filter_motifs(Turned(), x, layer="mix")
    assert found.names == ["filter_1"]
    assert np.array_equal(found[0].ppm, filter_motifs(OneFilter(), x)[0].ppm)
