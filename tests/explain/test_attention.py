"""Attention on models that look at one letter, and against torch's own weights."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.explain import attention, attention_map
from cisgram.models import BothStrands, create
from cisgram.models.checkpoint import Mean
from cisgram.seq import encode
from toys import Conv, hooks_left, state_of

TEXT = "AATTGATCAATT"  # one G, at 4
SURE = 100.0  # exp(-100) is nothing beside 1


class Additive(nn.Module):
    """softmax of u . tanh(W h_t) over what ``stem`` gives: looks at G and at nothing else."""

    def __init__(self, stem=None):
        super().__init__()
        self.stem = stem or nn.Identity()
        self.w, self.u = nn.Linear(4, 3, bias=False), nn.Linear(3, 1, bias=False)
        with torch.no_grad():
            self.w.weight.zero_()
            self.w.weight[0, 2] = 1.0
            self.u.weight.fill_(SURE)

    def forward(self, x):
        h = self.stem(x).transpose(1, 2)  # (n, t, 4)
        a = torch.softmax(self.u(torch.tanh(self.w(h))), 1)  # (n, t, 1)
        return (a * h).sum(1)


def expected(length, **at):
    out = torch.zeros(length)
    for place, value in at.items():
        out[int(place[1:])] = value
    return out


def test_attention_that_looks_at_one_letter_stands_on_it():
    found = attention(Additive(), encode([TEXT]))
    assert found.names == ("attention",)
    torch.testing.assert_close(found.values[0, 0], expected(12, p4=1.0))


@pytest.mark.parametrize(
    ("stem", "spread", "at"),
    [
        (nn.MaxPool1d(3), "center", {3: 1 / 3, 4: 1 / 3, 5: 1 / 3}),
        (nn.MaxPool1d(3), "field", {3: 1 / 3, 4: 1 / 3, 5: 1 / 3}),
        (nn.ConstantPad1d((2, 0), 0.0), "center", {4: 1.0}),
        # fields of four letters, one apart: the G lies in those of 1 to 4, alike but for rounding
        (nn.MaxPool1d(4, 1), "center", {2: 0.25, 3: 0.25, 4: 0.25, 5: 0.25}),
        (nn.MaxPool1d(4, 1), "field",
         {1: 1 / 16, 2: 2 / 16, 3: 3 / 16, 4: 4 / 16, 5: 3 / 16, 6: 2 / 16, 7: 1 / 16}),
    ],
)  # fmt: skip
def test_poolings_and_strides_are_mapped_back_to_letters(stem, spread, at):
    found = attention(Additive(stem), encode([TEXT]), spread=spread).values[0, 0]
    torch.testing.assert_close(found, expected(12, **{f"p{k}": v for k, v in at.items()}))


def test_behind_a_recurrent_layer_positions_keep_their_places():
    """What an LSTM gives at t depends on much, and stands for t."""

    class Recurrent(Additive):
        def __init__(self):
            super().__init__(nn.MaxPool1d(2))
            self.lstm = nn.LSTM(4, 4, batch_first=True, bidirectional=True)

        def forward(self, x):
            h = self.stem(x).transpose(1, 2)
            a = torch.softmax(SURE * h[..., 2], 1)
            return torch.einsum("nt,ntd->nd", a, self.lstm(h)[0])

    class Behind(Recurrent):
        def forward(self, x):
            h = self.stem(x).transpose(1, 2)
            mixed = self.lstm(h)[0] + SURE * h[..., 2:3]
            return torch.bmm(torch.softmax(mixed[..., :1], 1).transpose(1, 2), mixed)[:, 0]

    for model in (Recurrent(), Behind()):
        found = attention(model, encode([TEXT])).values[0, 0]
        torch.testing.assert_close(found, expected(12, p4=0.5, p5=0.5))


class Self(nn.Module):
    """Convolution, pooling, a token for the whole, and self-attention of a given make."""

    def __init__(self, kind, token=False):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.pool = nn.Conv1d(4, 8, 5, padding=2), nn.MaxPool1d(2)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=kind != "second")
        self.kind, self.token = kind, nn.Parameter(torch.randn(1, 1, 8)) if token else None

    def tokens(self, x):
        h = self.pool(self.conv(x)).transpose(1, 2)
        return h if self.token is None else torch.cat([self.token.expand(len(x), 1, 8), h], 1)

    def weights(self, x):
        """(n, heads, q, k) as torch's own module gives them."""
        h = self.tokens(x)
        h = h.transpose(0, 1) if self.kind == "second" else h
        return self.attend(h, h, h, average_attn_weights=False)[1]

    def forward(self, x):
        h = self.tokens(x)
        if self.kind == "second":
            h = h.transpose(0, 1)
            return self.attend(h, h, h, need_weights=False)[0].mean(0)
        if self.kind == "module":
            return self.attend(h, h, h, need_weights=False)[0].mean(1)
        if self.kind == "weights":
            return self.attend(h, h, h)[0].mean(1)
        q, k, v = F.linear(h, self.attend.in_proj_weight, self.attend.in_proj_bias).chunk(3, 2)
        q, k, v = (a.unflatten(2, (2, 4)).transpose(1, 2) for a in (q, k, v))  # (n, 2, t, 4)
        if self.kind == "fused":
            return F.scaled_dot_product_attention(q, k, v).mean((1, 2))
        return (torch.softmax(q @ k.mT / 2, -1) @ v).mean((1, 2))


KINDS = ["module", "weights", "second", "fused", "formula"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_make_of_self_attention_gives_torchs_weights(kind):
    model, x = Self(kind), encode([TEXT, TEXT[::-1], "ACGTACNTACGA"])
    with torch.no_grad():
        plain = model.weights(x)
    for head in (0, 1):
        found = attention_map(model, x, head=head)
        torch.testing.assert_close(found.values, plain[:, head], atol=1e-6, rtol=1e-5)
    assert found.rows == found.columns == ("0-2", "2-4", "4-6", "6-8", "8-10", "10-12")
    torch.testing.assert_close(attention_map(model, x).values, plain.mean(1), atol=1e-6, rtol=1e-5)
    tracks = attention(model, x)
    name = "attend" if kind in KINDS[:3] else "attention"
    assert tracks.names == (name, f"{name} head 0", f"{name} head 1")
    received = plain.mean(2).repeat_interleave(2, 2) / 2
    torch.testing.assert_close(tracks.values[:, 1:], received, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(tracks.values[:, 0], received.mean(1), atol=1e-6, rtol=1e-5)


def test_a_token_without_letters_has_no_place():
    model, x = Self("module", token=True), encode([TEXT])
    with torch.no_grad():
        plain = model.weights(x)
    assert attention_map(model, x).columns[:3] == ("token", "0-2", "2-4")
    found = attention(model, x).values[0, 1]
    received = plain[0, 0].mean(0)[1:].repeat_interleave(2) / 2
    torch.testing.assert_close(found, received, atol=1e-6, rtol=1e-5)


def test_each_learned_query_is_a_head():
    class Pooled(nn.Module):
        def forward(self, x):
            h = x.transpose(1, 2)  # (n, t, 4): the letters are the scores of four queries
            return (torch.softmax(SURE * h, 1).transpose(1, 2) @ h).flatten(1)

    found = attention(Pooled(), encode(["AACGA"]))
    assert found.names == ("attention", *(f"attention head {i}" for i in range(4)))
    third = 1 / 3
    rows = [[third, third, 0, 0, third], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0.2] * 5]
    torch.testing.assert_close(found.values[0, 1:], torch.tensor(rows))


def test_layers_are_told_apart_and_averaged():
    torch.manual_seed(0)
    model, x = create("transformer"), encode([TEXT * 3])
    found = attention(model, x)
    assert found.names[:2] == ("mean", "blocks.0.attention")
    assert found.names[6] == "blocks.1.attention"
    torch.testing.assert_close(found.values[:, 0], found.values[:, [1, 6]].mean(1))
    torch.testing.assert_close(found.values[:, 6], found.values[:, 7:].mean(1))
    torch.testing.assert_close(found.values.sum(2), torch.ones(1, 11))
    one = attention(model, x, layer="blocks.1.attention")
    assert torch.equal(one.values, found.values[:, 6:])


def test_a_two_strand_mean_is_read_on_both_strands():
    model, x = BothStrands(Additive()), encode([TEXT, "CCCGGAAAAAAA"])
    found = attention(model, x)
    assert found.names == ("mean", "model", "model #2")
    other = {0: [7], 1: [0, 1, 2]}  # G of the other strand: where there is a C
    for row, at in other.items():
        wanted = torch.zeros(12)
        wanted[at] = 1 / len(at)
        torch.testing.assert_close(found.values[row, 2], wanted)
    turned = attention(model, x.flip(1, 2)).values.flip(2)
    torch.testing.assert_close(turned[:, [0, 2, 1]], found.values)


def test_neither_batch_size_nor_order_nor_company_changes_anything():
    torch.manual_seed(0)
    model = Mean([create("transformer"), create("transformer")])
    x = encode([TEXT * 3, TEXT[::-1] * 3, "ACGTACNTACGA" * 3])
    whole = attention(model, x).values
    assert whole.shape[1] == 21
    torch.testing.assert_close(attention(model, x, batch_size=2).values, whole)
    torch.testing.assert_close(attention(model, x.flip(0)).values.flip(0), whole)
    torch.testing.assert_close(attention(model, x[1:2]).values, whole[1:2])


def test_attention_leaves_the_model_as_it_was():
    model = create("transformer").train()
    before = state_of(model)
    with torch.inference_mode():
        found = attention(model, encode([TEXT * 2]).to(torch.int8))
    assert state_of(model) == before
    assert not found.values.is_inference()
    with pytest.raises(InputError, match="column from 0 to 0"):
        attention(model, encode([TEXT * 2]), target=3)
    assert state_of(model) == before
    assert hooks_left(model) == 0


class Gate(Conv):
    """A softmax over 8 channels at 8 positions, and one over classes: none along the sequence."""

    def forward(self, x):
        h = self.net[0](x)
        return torch.softmax(self.net[2:](h * torch.softmax(h, 1)), 1)


@pytest.mark.parametrize("model", [Conv(), Gate(), create("demo-cnn-rnn")])
def test_a_model_without_attention_is_refused(model):
    with pytest.raises(InputError, match=r"no attention over positions.* ism or deep_lift"):
        attention(model, encode([TEXT]))


def test_the_refusal_names_the_network_and_not_what_wraps_it():
    with pytest.raises(InputError, match=r"^Conv has no attention"):
        attention(BothStrands(Conv()), encode([TEXT]))


def test_a_broken_model_is_refused():
    model = create("transformer")
    with torch.no_grad():
        model.head.weight.fill_(torch.nan)
    with pytest.raises(InputError, match="nothing to explain"):
        attention(model, encode([TEXT]))


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda m, x: attention(m, x, layer="blocks.2.attention"), "Did you mean 'blocks"),
        (lambda m, x: attention(m, x, spread="centre"), "Did you mean 'center'"),
        (lambda m, x: attention(m, x, batch_size=0), "batch_size"),
        (lambda m, x: attention(m, x.transpose(1, 2)), r"transpose\(1, 2\)"),
        (attention_map, "several attentions; say which"),
        (lambda m, x: attention_map(m, x, layer="blocks.0.attention", head=4), "from 0 to 3"),
    ],
)
def test_what_cannot_be_honored_is_refused(run, message):
    with pytest.raises(InputError, match=message):
        run(create("transformer"), encode([TEXT]))


def test_unknown_names_are_unknown_names():
    with pytest.raises(UnknownName):
        attention(Additive(), encode([TEXT]), layer="attend")


def test_attention_is_a_registered_method():
    facts = explain.METHODS["attention"].facts
    assert (facts["gives"], facts["needs"]) == ("tracks", "attention")


@pytest.mark.parametrize("strand", [False, True])
def test_sequences_longer_than_the_window_that_is_asked_are_mapped_whole(strand):
    x = encode(["AT" * 50 + TEXT + "AT" * 150 + "G" + "A" * 7])  # 420 bp, G at 104 and 412
    model = Additive(nn.MaxPool1d(4))
    found = attention(BothStrands(model) if strand else model, x.flip(1, 2) if strand else x)
    track = found.values[0, 2].flip(0) if strand else found.values[0, 0]
    wanted = torch.zeros(420)  # the other strand of the turned sequence is the sequence
    wanted[104:108] = wanted[412:416] = 1 / 8
    torch.testing.assert_close(track, wanted)


def test_fields_wider_than_the_window_are_found_by_asking_all_letters():
    stem = nn.AvgPool1d(281, 20)
    track = attention(Additive(stem), encode(["AT" * 200])).values[0, 0]
    assert (track > 0).nonzero()[[0, -1], 0].tolist() == [130, 249]  # six positions
