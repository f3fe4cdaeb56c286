import pytest
import torch
from torch import nn

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.models import BothStrands, create, predict
from cisgram.models.checkpoint import Mean
from cisgram.seq import encode
from networks import NETWORKS, made
from toys import Conv, Words, state_of

TEXT = ["GATTACATGCACGGTCATTGCACC", "TTGACGGCATCANNTACGATTGCT"]
RECURRENT = ["BiLSTM", "BiGRU", "plain RNN", "demo-rnn", "demo-cnn-rnn"]


@pytest.fixture
def x():
    return encode(TEXT)


def counter(layer=nn.RNN, **options):
    """A recurrent layer whose state is the number of A read so far."""
    net = layer(4, 1, bias=False, nonlinearity="relu", **options)
    with torch.no_grad():
        for _, p in net.named_parameters():
            p.zero_()
            p[0, 0] = 1
    return net


class Counts(nn.Module):
    """The last state of a counter of A, on the letters or from their other end."""

    def __init__(self, *, batch_first=True, back=False, keyword=False):
        super().__init__()
        self.net = counter(batch_first=batch_first)
        self.back, self.keyword = back, keyword

    def forward(self, x):
        h = x.flip(2) if self.back else x
        h = h.transpose(1, 2) if self.net.batch_first else h.permute(2, 0, 1)
        _, last = self.net(input=h) if self.keyword else self.net(h)
        return last[0]


def counts(texts, letter="A"):
    is_there = torch.tensor([[float(c == letter) for c in t] for t in texts])
    return torch.stack([is_there.cumsum(1), is_there.flip(1).cumsum(1).flip(1)], 1)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize("keyword", [True, False])
def test_a_counter_counts_on(x, batch_first, back, keyword):
    """The number of A up to a position, and from it on, whichever way the layer reads."""
    model = Counts(batch_first=batch_first, back=back, keyword=keyword)
    a = explain.temporal(model, x, of="logit_difference")
    assert a.names == ("forward", "backward")
    assert a.method == "temporal"
    assert torch.equal(a.values, counts(TEXT))


def test_on_both_strands_a_beginning_is_the_end_of_the_other(x):
    """T up to a position are A of the other strand from there on."""
    a = explain.temporal(BothStrands(Counts()), x, of="logit_difference").values
    assert torch.equal(a, (counts(TEXT) + counts(TEXT, "T")) / 2)


def test_probability_is_the_sigmoid(x):
    a = explain.temporal(Counts(), x).values
    torch.testing.assert_close(a, torch.sigmoid(counts(TEXT)))


class Careless(nn.Module):
    """Two layers of one direction and one of both, states and outputs changed in place."""

    def __init__(self, layer):
        super().__init__()
        self.down = layer(4, 3, num_layers=2, batch_first=True)
        self.up = layer(4, 3)
        self.both = layer(4, 3, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 1)

    def on(self, features):  # (n, t, 4)
        down, state = self.down(features)
        last = (state[1] if isinstance(state, tuple) else state)[-1].mul_(2)
        up = self.up(features.flip(1).transpose(0, 1))[0].mean(0)
        both = self.both(features)[0]
        return self.head(torch.cat([down.tanh_().mean(1) + last, up, both.amax(1)], 1))

    def forward(self, x):
        return self.on(x.transpose(1, 2))


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
def test_layers_that_read_on_give_what_reading_anew_gives(x, layer, hooked):
    model = made(lambda: Careless(layer), gain=2.0)
    if hooked:  # the user's own hook sees whole outputs
        model.down.register_forward_hook(lambda _, __, out: (out[0].cumsum(1), out[1]))
    s = explain.temporal(model, x, of="logit_difference").values
    with torch.no_grad():
        for t in range(24):
            features = x.transpose(1, 2)
            torch.testing.assert_close(s[:, 0, t], model.on(features[:, : t + 1])[:, 0])
            torch.testing.assert_close(s[:, 1, t], model.on(features[:, t:])[:, 0])


class Pooled(nn.Module):
    """Convolution of 3 letters, maximum over 4 positions, then the number of features seen."""

    def __init__(self, pool=4, width=3, padding=0):
        super().__init__()
        self.pool, self.conv = pool, nn.Conv1d(4, 4, width, padding=padding)
        self.net = counter(batch_first=True)

    def forward(self, x):
        h = nn.functional.max_pool1d(self.conv(x), self.pool)
        return self.net(torch.ones_like(h).transpose(1, 2) + 0 * h.transpose(1, 2))[1][0]


def test_a_feature_tells_of_the_bases_around_its_middle():
    """24 letters, 22 positions, 5 features: of 6 letters each, the middles 2.5, 6.5, ... 18.5."""
    a = explain.temporal(Pooled(), encode(TEXT), of="logit_difference").values[0]
    forward = [1] * 5 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 7
    assert a[0].tolist() == forward
    assert a[1].tolist() == [6 - f for f in forward]


def test_of_two_equally_near_features_the_one_with_less_sequence_counts():
    """Middles 1, 3, ..., 21 (3 letters, stride 2): base 2 lies between two of them."""

    class Strided(Pooled):
        def forward(self, x):
            h = self.conv(x)[:, :, ::2]
            return self.net(torch.ones_like(h).transpose(1, 2) + 0 * h.transpose(1, 2))[1][0]

    a = explain.temporal(Strided(), encode(TEXT), of="logit_difference").values[0]
    assert a[0, :6].tolist() == [1, 1, 1, 2, 2, 3]
    assert a[1, :6].tolist() == [11, 11, 10, 10, 9, 9]


def test_padded_convolutions_have_one_feature_a_base():
    model = Pooled(pool=1, padding=1)
    a = explain.temporal(model, encode(TEXT), of="logit_difference").values[0]
    assert a.tolist() == [list(range(1, 25)), list(range(24, 0, -1))]


@pytest.mark.parametrize("mode", ["recurrent", "padded"])
@pytest.mark.parametrize("name", RECURRENT)
def test_the_whole_sequence_has_the_models_own_output(name, mode, x):
    """s_T = b_1 = f(x), alone, on both strands and in ensembles."""
    one = NETWORKS[name]()
    for model in (one, BothStrands(one), Mean([one, BothStrands(NETWORKS["demo-rnn"]())])):
        s = explain.temporal(model, x, target=1, of="logit_difference", mode=mode).values
        y = predict(model, x)[:, 1]
        torch.testing.assert_close(s[:, 0, -1], y, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(s[:, 1, 0], y, atol=1e-5, rtol=1e-5)


def test_equals_deep_motif_dashboards_way_one_part_at_a_time(x):
    """Features of the whole sequence, then everything after them on a part."""
    model = made(lambda: create("demo-cnn-rnn"), gain=1.5)
    s = explain.temporal(model, x).values
    with torch.no_grad():
        features = model.convolution(x).transpose(1, 2)  # (n, T, maps)
        for t in range(24):
            for k, part in enumerate((features[:, : t + 1], features[:, t:])):
                p = torch.sigmoid(model.head(model.recurrent(part))[:, 0])
                torch.testing.assert_close(s[:, k, t], p)


def test_padded_equals_one_copy_at_a_time(x):
    model = Conv().eval()
    s = explain.temporal(model, x, target=0, mode="padded", of="logit_difference").values
    with torch.no_grad():
        for i in range(24):
            begin, end = (
                encode([t[: i + 1] + "N" * (23 - i) for t in TEXT]),
                encode(["N" * i + t[i:] for t in TEXT]),
            )
            torch.testing.assert_close(s[:, 0, i], model(begin)[:, 0])
            torch.testing.assert_close(s[:, 1, i], model(end)[:, 0])


def test_a_rise_marks_the_word_that_a_padded_model_reads():
    a = explain.temporal(
        Words("TACA"), encode(["GATTACATGC"]), mode="padded", of="logit_difference"
    )
    assert a.values[0].tolist() == [[0] * 6 + [1] * 4, [1] * 4 + [0] * 6]


def test_logit_is_the_bound_classs_own_score(x):
    model = made(lambda: create("demo-rnn"), gain=1.5)
    s = explain.temporal(model, x, of="logit").values
    with torch.no_grad():
        torch.testing.assert_close(s[:, 0, -1], model.class_scores(x)[:, 0, 1])


@pytest.mark.parametrize("mode", ["recurrent", "padded"])
def test_batches_and_company_change_nothing_and_the_model_is_left(x, mode):
    model = made(lambda: create("demo-cnn-rnn"), gain=1.5).train()
    before = state_of(model)
    whole = explain.temporal(model, x, mode=mode).values
    alone = [explain.temporal(model, one[None], mode=mode, batch_size=1).values for one in x]
    torch.testing.assert_close(torch.cat(alone), whole)
    torch.testing.assert_close(explain.temporal(model, x.to(torch.int8), mode=mode).values, whole)
    (whole * torch.ones(1, requires_grad=True)).sum().backward()
    assert state_of(model) == before


def test_a_model_in_double_precision_is_asked_in_its_own(x):
    model = NETWORKS["BiGRU"]()
    for mode in ("recurrent", "padded"):
        single = explain.temporal(model.float(), x, target=0, mode=mode).values
        double = explain.temporal(model.double(), x, target=0, mode=mode).values
        assert double.dtype == torch.float32
        torch.testing.assert_close(double, single)


class Flat(nn.Module):
    """Needs all of its features at once."""

    def __init__(self, *, two=False):
        super().__init__()
        self.net, self.head = nn.GRU(4, 2, batch_first=True), nn.Linear(48, 1)
        self.two = two

    def forward(self, x):
        if self.two:  # a second reading of something else
            return self.net(x.transpose(1, 2))[1][0] + self.net(x.transpose(1, 2) ** 2 - 1)[1][0]
        return self.head(self.net(x.transpose(1, 2))[0].flatten(1))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Conv(), "no recurrent layer.*mode='padded'"),
        (Flat(), "cannot read 1 of its 24 features.*mode='padded'"),
        (Flat(two=True), "features of another kind.*mode='padded'"),
    ],
)
def test_what_cannot_be_cut_is_refused_and_restored(x, model, message):
    before = state_of(model)
    with pytest.raises(InputError, match=message):
        explain.temporal(model, x, target=0)
    assert state_of(model) == before
    assert torch.isfinite(explain.temporal(model, x, target=0, mode="padded").values).all()


def test_a_model_that_fails_fails_with_its_own_error(x):
    class Fails(Counts):
        def forward(self, x):
            super().forward(x)
            msg = "broken on purpose"
            raise RuntimeError(msg)

    model = Fails()
    before = state_of(model)
    with pytest.raises(RuntimeError, match="broken on purpose"):
        explain.temporal(model, x)
    assert state_of(model) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "probabilty"}, "Did you mean 'probability'"),
        ({"mode": "pad"}, "Did you mean 'padded'"),
        ({"of": "logit", "target": lambda y: y[:, 0]}, "needs target as a column"),
        ({"target": 2}, "column from 0 to 0"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_options_that_do_not_fit_are_refused(x, options, message):
    with pytest.raises(InputError, match=message) as caught:
        explain.temporal(Counts(), x, **options)
    assert isinstance(caught.value, UnknownName) == ("Did you mean" in message)


def test_weights_that_are_no_numbers_are_refused(x):
    model = Counts()
    with torch.no_grad():
        model.net.weight_ih_l0[0, 0] = torch.nan
    with pytest.raises(InputError, match="nan for"):
        explain.temporal(model, x)
