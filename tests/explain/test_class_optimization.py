"""Class optimization: the letters that a network with known answers wants to see."""

import numpy as np
import pytest
import torch
from torch import nn

from cisgram.core.errors import InputError, UnknownName
from cisgram.explain import METHODS, class_optimization
from cisgram.models import create
from cisgram.motifs import Motif, tomtom
from cisgram.seq import encode
from toys import Broken, Conv, hooks_left, state_of

QUICK = {"steps": 40, "starts": 2, "width": 10}


class Best(nn.Module):
    """f(x) = sum over words of gain * (letters that fit at the best place - half the word)."""

    def __init__(self, *words, gains=None):
        super().__init__()
        self.conv = nn.Conv1d(4, len(words), len(words[0]))
        self.gains = torch.tensor(gains or (1.0,) * len(words))
        with torch.no_grad():
            self.conv.weight.copy_(encode(list(words)).float())
            self.conv.bias.fill_(-len(words[0]) / 2)

    def forward(self, x):
        return (torch.relu(self.conv(x)).amax(2) @ self.gains)[:, None]


def test_the_letters_of_a_filter_are_found():
    found = class_optimization(Best("GATAAG"), 30, steps=150, starts=4, width=10)
    assert found.motifs[0].consensus == "GATAAG"
    assert found.motifs[0].n_sites == (found.labels == 0).sum() >= 3
    assert found.letters.shape == (4, 4, 10)
    torch.testing.assert_close(found.letters.sum(1), torch.ones(4, 10))


def test_positions_that_do_nothing_go_back_to_equal_letters():
    found = class_optimization(Best("GATAAG"), 30, steps=150, starts=4, width=10)
    bits = (found.letters * (found.letters.clamp(min=1e-9).log2() + 2)).sum(1)  # (4, 10)
    word = encode(["GATAAG"])[0]
    for p, b, label in zip(found.letters, bits, found.labels, strict=True):
        fits = torch.nn.functional.conv1d(p[None], word[None].float())[0, 0]
        if label == 0 and fits.max() > 5.9:
            at = int(fits.argmax())
            assert (b[at : at + 6] > 1.5).all()
            assert torch.cat([b[:at], b[at + 6 :]]).max() < 0.9
            return
    pytest.fail("no start ended in the whole word")


def test_the_gain_is_the_rise_over_the_same_letters_in_another_order():
    """f is 3 with the word written in; with other letters there its rest reaches about 1."""
    net = Best("GATAAG")
    found = class_optimization(net, 30, steps=150, starts=4, width=10)
    assert 1.5 < float(found.gains[0]) < 2.5
    assert found.sequences.shape == (4, 4, 30)
    torch.testing.assert_close(found.values, net(found.sequences)[:, 0].detach())
    assert (found.values[found.labels == 0] == 3).all()


def test_the_two_strands_of_a_word_are_one_motif():
    both = Best("GATAAG", "CTTATC")
    found = class_optimization(both, 30, steps=150, starts=6, width=8)
    words = ["".join("ACGT"[i] for i in p.argmax(0)) for p in found.letters[found.labels == 0]]
    assert any("GATAAG" in w for w in words)
    assert any("CTTATC" in w for w in words)


def test_motifs_come_with_the_strongest_first():
    net = Best("GATAAG", "CACGTG", gains=(1.0, 3.0))
    found = class_optimization(net, 40, steps=100, starts=12, width=8)
    assert (found.gains.diff() <= 0).all()
    assert found.motifs[0].consensus == "CACGTG"
    assert found.motifs.names[0] == "optimum_1"
    assert found.labels.max() == len(found.motifs) - 1
    shares = torch.bincount(found.labels[found.labels >= 0]).tolist()
    assert [m.n_sites for m in found.motifs] == shares


def test_composition_alone_is_no_motif():
    """A count of A rises with poly-A as much in any order, so that nothing is gained."""

    class CountA(nn.Module):
        def forward(self, x):
            return x[:, :1].sum(2)

    found = class_optimization(CountA(), 30, **QUICK)
    assert len(found.motifs) == 0
    assert found.gains.shape == (0,)
    assert (found.labels == -1).all()


def test_a_model_that_does_not_care_has_no_motif():
    class Constant(nn.Module):
        def forward(self, x):
            return x.sum((1, 2))[:, None] * 0 + 1

    assert len(class_optimization(Constant(), 20, **QUICK).motifs) == 0


def test_a_contrast_of_outputs_wants_what_only_the_first_wants():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = Best("GATAAG", "CACGTG"), Best("CACGTG", "CACGTG")

        def forward(self, x):
            return torch.cat([self.a(x), self.b(x)], 1)

    found = class_optimization(
        Two(), 30, target=lambda y: y[:, 0] - y[:, 1], steps=100, starts=6, width=10
    )
    assert "GATAAG" in found.motifs[0].consensus
    assert all("CACGTG" not in m.consensus for m in found.motifs)


def test_a_hidden_neuron_is_a_target_by_its_layer_and_number():
    net = Best("GATAAG", "CACGTG")
    for k, word in enumerate(("GATAAG", "CACGTG")):
        found = class_optimization(net, 30, layer="conv", neuron=k, starts=4, width=10)
        assert found.motifs[0].consensus == word
    assert hooks_left(net) == 0


def test_a_neuron_of_a_recurrent_layer_can_be_asked():
    torch.manual_seed(0)
    net = create("demo-cnn-rnn", size="small")
    found = class_optimization(
        net, 20, layer="recurrent.forwards.0", neuron=3, steps=3, starts=2, width=6
    )
    assert found.letters.shape == (2, 4, 6)
    assert torch.isfinite(found.values).all()


def test_a_place_is_kept_where_it_matters():
    """f = GATA exactly at position 5."""

    class Fixed(nn.Module):
        def forward(self, x):
            return (x[:, :, 5:9] * encode(["GATA"])[0].to(x)).sum((1, 2))[:, None]

    found = class_optimization(Fixed(), 20, at=5, steps=60, starts=2, width=4)
    assert found.motifs[0].consensus == "GATA"


def test_backgrounds_are_where_the_letters_are_written():
    rows = encode(["A" * 20, "C" * 20])
    found = class_optimization(Best("GATA"), 20, background=rows, steps=20, starts=3, width=4)
    for s in found.sequences:
        counts = s.sum(1)
        assert counts[0] >= 16 or counts[1] >= 16


def test_each_start_is_the_same_whatever_runs_beside_it():
    few = class_optimization(Best("GATAAG"), 30, steps=20, starts=2, width=8)
    more = class_optimization(Best("GATAAG"), 30, steps=20, starts=5, width=8)
    torch.testing.assert_close(more.letters[:2], few.letters)
    split = class_optimization(Best("GATAAG"), 30, steps=20, starts=5, width=8, batch_size=8)
    torch.testing.assert_close(split.letters, more.letters)
    torch.testing.assert_close(split.gains, more.gains)


@pytest.mark.parametrize("mode", ["letters", "published"])
def test_the_seed_is_all_that_is_random(mode):
    a, b, c = (class_optimization(Conv(), 12, target=0, mode=mode, starts=2, steps=5, seed=s)
               for s in (0, 0, 1))  # fmt: skip
    assert torch.equal(a.letters, b.letters)
    assert torch.equal(a.sequences, b.sequences)
    assert not torch.equal(a.letters, c.letters)


@pytest.mark.parametrize("mode", ["letters", "published"])
@pytest.mark.parametrize("net", ["demo-cnn", "demo-rnn", "demo-cnn-rnn", "deepbind"])
def test_every_model_of_the_zoo_goes_through_and_stays_as_it_was(net, mode):
    torch.manual_seed(0)
    model = create(net).train()
    before = state_of(model)
    found = class_optimization(model, 30, mode=mode, starts=2, steps=2)
    assert torch.isfinite(found.values).all()
    assert state_of(model) == before


@pytest.mark.parametrize("mode", ["letters", "published"])
def test_leaves_the_model_as_it_was_when_it_fails(mode):
    model = Broken().train()
    before = state_of(model)
    with pytest.raises(RuntimeError, match="broken on purpose"):
        class_optimization(model, 12, target=0, mode=mode)
    assert state_of(model) == before


def test_the_published_objective_is_solved_where_a_pencil_can():
    """For -f = -w X the gradient w = 2 penalty X, so X = w / (2 penalty)."""
    torch.manual_seed(0)
    net = nn.Conv1d(4, 1, 10, bias=False)

    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = net

        def forward(self, x):
            return self.conv(x)[:, :, 0]

    found = class_optimization(
        Flat(), 10, mode="published", layer="conv", neuron=0, penalty=0.05, starts=2
    )
    want = net.weight.detach()[0] / 0.1
    torch.testing.assert_close(found.letters, want.expand(2, -1, -1), atol=0.06, rtol=0)


def test_the_published_optimum_of_a_class_balances_likelihood_and_penalty():
    """At the optimum sigmoid(-f) df/dX = 2 * 0.009 * X."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(40, 1))
    found = class_optimization(net, 10, mode="published")
    x, w = found.letters, net[1].weight.detach().view(1, 4, 10)
    pull = torch.sigmoid(-net(x).detach())[:, :, None] * w
    assert (pull - 0.018 * x).abs().max() < 2e-3
    assert pull.abs().max() > 5e-3


def test_the_published_motif_is_clamped_scaled_and_normalized():
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))
    found = class_optimization(net, 4, mode="published", steps=50)
    x = found.letters[0].double().clamp(0, 1)
    want = x / x.max() + 0.01
    np.testing.assert_allclose(found.motifs[0].ppm, want / want.sum(0), atol=1e-6)
    assert found.motifs[0].width == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "publishd"}, "Did you mean 'published'"),
        ({"starts": 0}, "starts"),
        ({"steps": 0}, "steps"),
        ({"penalty": -1.0}, "penalty must be a number from 0"),
        ({"layer": "conv"}, "layer together with a neuron"),
        ({"layer": "conv", "neuron": 0, "target": 0}, "Give a target, or a layer"),
        ({"layer": "conv", "neuron": 1}, "from 0 to 0; got 1"),
        ({"layer": "cnv", "neuron": 0}, "Did you mean 'conv'"),
        ({"at": 9}, "can begin at 0 to 8; got at=9"),
        ({"mode": "published", "at": 2}, "at belongs to mode='letters'"),
        ({"background": encode(["ACGT"])}, r"\(n, 4, 12\); got"),
        ({"target": 1}, "column from 0 to 0"),
    ],
)
def test_refuses_what_does_not_fit(options, message):
    with pytest.raises((InputError, UnknownName), match=message):
        class_optimization(Best("GATA"), 12, **({"width": 4} | options))


def test_a_length_of_nothing_is_refused():
    with pytest.raises(InputError, match="length"):
        class_optimization(Best("GATA"), 0)


def test_it_says_what_it_gives():
    assert METHODS["class_optimization"].facts["gives"] == "optimum"


def test_an_optimum_is_named_by_tomtom():
    found = class_optimization(Best("TGACTCA"), 40, steps=100, starts=4, width=12)
    word = Motif(encode(["TGACTCA"])[0].double().numpy(), "AP-1")
    assert tomtom(found.motifs[0], [word])["p"][0] < 1e-3
