"""The paths of edited copies, each against every copy through the whole network."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cisgram import explain
from cisgram.explain.edits import copies as edits
from cisgram.models import MODELS, BothStrands, create
from cisgram.seq import encode
from networks import NETWORKS, fitting, made, small
from toys import Conv, Linear, hooks_left, state_of


@pytest.fixture
def eager(monkeypatch):
    """Take a quick path even where it saves nothing."""
    monkeypatch.setattr(edits, "WORTHWHILE", 0)
    monkeypatch.setattr(edits, "GAIN", 1e9)


@pytest.fixture(autouse=True)
def _fixed():
    torch.manual_seed(3)


def sequences(n, length, *, unknown=()):
    text = np.random.default_rng(n * 1000 + length).choice(list("ACGT"), (n, length))
    for row, at in unknown:
        text[row, at] = "N"
    return encode(["".join(t) for t in text])


def naive(model, x):
    """(n, t, 4, length): every copy through the whole network, one position at a time."""
    with torch.no_grad():
        before = model(x)
        out = torch.zeros(len(x), before.shape[1], *x.shape[1:])
        for i in range(x.shape[2]):
            for b in range(4):
                copies = x.clone()
                copies[:, :, i] = torch.eye(4)[b]
                change = model(copies) - before
                out[:, :, b, i] = change * (x[:, b, i] == 0)[:, None]
    return out


class Net(nn.Module):
    """A forward pass as a function of its own layers."""

    def __init__(self, forward, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.steps = forward
        for m in self.modules():
            if isinstance(m, nn.BatchNorm1d):
                m.running_mean.normal_()
                m.running_var.uniform_(0.5, 2.0)
                nn.init.normal_(m.weight)
        self.eval()

    def forward(self, x):
        return self.steps(self, x)


def pooled(padding=9, *, pool=3, stride=3, length=90, ceil=False):
    first = nn.Conv1d(4, 6, 19, padding=padding)
    second = nn.Conv1d(6, 5, 5, padding=2)
    head = [nn.Flatten(), nn.LazyLinear(7), nn.ReLU(), nn.Linear(7, 2)]
    net = nn.Sequential(
        *(first, nn.BatchNorm1d(6), nn.ReLU(), nn.MaxPool1d(pool, stride, ceil_mode=ceil)),
        *(second, nn.ReLU(), nn.MaxPool1d(4, padding=1), *head),
    )
    net.eval()(torch.zeros(1, 4, length))
    return net


def dilated(head="mean", length=90, channels=5):
    layers = {
        f"d{i}": nn.Conv1d(channels, channels, 3, padding=2**i, dilation=2**i) for i in range(1, 5)
    }

    def forward(self, x):
        h = F.relu(self.first(x))
        for i in range(1, 5):
            h = h + F.relu(getattr(self, f"d{i}")(h))
        if head == "flat":
            return self.out(h.flatten(1))
        if head == "profile":
            return self.profile(h)[:, :, 3:-3].sum(2)
        return self.out(h.mean(2))

    features = channels * length if head == "flat" else channels
    return Net(
        forward,
        first=nn.Conv1d(4, channels, 7, padding=3),
        out=nn.Linear(features, 2),
        profile=nn.Conv1d(channels, 2, 9, padding=4),
        **layers,
    )


def odd():
    """Strides, dilation, groups, a valid convolution, crops, overlapping and mean pools."""

    def forward(self, x):
        a = F.gelu(self.a(F.pad(x, (2, 5))))  # stride 2
        a = F.avg_pool1d(self.norm(a), 3, 2, padding=1)
        b = torch.sigmoid(self.b(a)) * torch.tanh(self.c(a))
        b = torch.cat([b, 0.5 * a - b[:, :6]], 1)[:, :, 1:-2]
        b = F.max_pool1d(b, 3, 2, padding=1)
        return self.out(torch.cat([b.amax(2), b.mean(2), b.sum((1, 2))[:, None]], 1))

    return Net(
        forward,
        a=nn.Conv1d(4, 6, 5, stride=2),
        norm=nn.BatchNorm1d(6),
        b=nn.Conv1d(6, 6, 3, dilation=3, padding=3, groups=3),
        c=nn.Conv1d(6, 6, 3, dilation=3, padding=3),
        out=nn.Linear(25, 3),
    )


def two_reductions():
    def forward(self, x):
        a, b = F.gelu(self.a(x)), F.silu(self.norm(self.b(x)))
        return self.out(torch.cat([a.amax(-1), a.mean(-1), b.sum(2), self.b(x).relu().amax(2)], 1))

    return Net(
        forward,
        a=nn.Conv1d(4, 3, 5, padding=4, dilation=2),
        b=nn.Conv1d(4, 4, 6),
        norm=nn.BatchNorm1d(4),
        out=nn.Linear(14, 3),
    )


def sliced_steps():
    """Strides larger than the kernel: some letters are read by nobody."""
    net = nn.Sequential(nn.Conv1d(4, 3, 2, stride=3), nn.ReLU(), nn.AvgPool1d(2), nn.Flatten())
    return nn.Sequential(net, nn.LazyLinear(2)).eval()


SCANNED = {
    "deepbind": lambda: create("deepbind", n_outputs=2),
    "deepbind, both strands": lambda: BothStrands(create("deepbind", width=5)),
    "two reductions": two_reductions,
    "toy": Conv,
}
WINDOWED = {
    "demo-cnn": lambda: BothStrands(create("demo-cnn", size="small", n_outputs=2)),
    "pooled": pooled,
    "pooled, valid": lambda: pooled(0),
    "pooled, overlapping": lambda: pooled(4, pool=5, stride=2, ceil=True),
    "dilated": dilated,
    "dilated, flat": lambda: dilated("flat"),
    "dilated, profile": lambda: dilated("profile"),
    "odd": odd,
    "steps": sliced_steps,
}


def compared(model, x, path):
    """The path's answer equals the naive one to 1e-5 of the outputs, and is the path asked for."""
    model = model.eval()
    truth = naive(model, x)
    with torch.no_grad():
        scale = max(float(model(x).abs().max()), float(truth.abs().max()))
    found = explain.ism_outputs(model, x)
    assert float((found - truth).abs().max()) <= 1e-5 * scale
    one = explain.ism(model, x, target=0)
    assert one.options["path"] == path, one.options["why"]
    assert float((one.values - truth[:, 0]).abs().max()) <= 1e-5 * scale
    assert (one.values[x.bool()] == 0).all()


@pytest.mark.parametrize("name", SCANNED)
@pytest.mark.parametrize("length", [30, 90])
def test_the_scan_gives_what_every_copy_gives(eager, name, length):
    compared(SCANNED[name](), sequences(3, length, unknown=[(0, 0), (1, 17), (2, 29)]), "scan")


@pytest.mark.parametrize("name", WINDOWED)
def test_windows_give_what_every_copy_gives(eager, name):
    x = sequences(2, 90, unknown=[(0, 0), (1, 44), (1, 45), (0, 89)])
    compared(WINDOWED[name](), x, "windows")


def motifs_of(model):
    """Weights as trained ones are: a few letters count, many are forbidden."""
    for module in model.modules():
        if isinstance(module, nn.Conv1d):
            w = module.weight.data
            each = torch.distributions.Dirichlet(torch.full((w.shape[0], w.shape[2], 4), 0.3))
            w.copy_((each.sample().transpose(1, 2) + 1e-3).log2().clamp(-6))
    return model


REPEATS = {
    "at random": lambda: sequences(4, 90),
    "with unknowns": lambda: sequences(4, 90, unknown=[(0, 0), (1, 44), (1, 45), (3, 89)]),
    "one letter": lambda: encode(["A" * 90, "A" * 45 + "T" * 45, "N" * 90]),
    "periodic": lambda: encode(["ACGT" * 22 + "AC", "AC" * 45]),
    "short": lambda: sequences(4, 9),
}


@pytest.mark.parametrize("kind", REPEATS)
@pytest.mark.parametrize("weights", [lambda model: model, motifs_of], ids=["drawn", "motifs"])
def test_contenders_and_sweeps_give_the_same_bits(eager, monkeypatch, kind, weights):
    """Ties, repeats and ends included: what is ruled out could not have changed the maximum."""
    from cisgram.explain.edits import contenders

    model, x = weights(create("deepbind", n_outputs=2, width=11)).eval(), REPEATS[kind]()
    found = []
    for many in (1, -1):
        monkeypatch.setattr(contenders, "MANY", many)
        found.append(explain.ism_outputs(model, x))
    assert torch.equal(*found)
    compared(model, x, "scan")


@pytest.mark.parametrize("length", [1, 2, 3, 8, 9, 30])
def test_running_maxima_leave_out_the_cells_on_the_other_side(length):
    from cisgram.explain.edits.ends import running_maxima

    base = torch.randn(2, length, 3)
    before, behind = running_maxima(base)
    for i in range(length + 1):
        low = base[:, :i].amax(1) if i else torch.full((2, 3), -torch.inf)
        high = base[:, i:].amax(1) if i < length else torch.full((2, 3), -torch.inf)
        assert torch.equal(before[:, i], low)
        assert torch.equal(behind[:, i], high)


def drawn(seed, length):
    """A network of layers drawn at random: kernels, strides, paddings, dilations, pools, heads."""
    random = np.random.default_rng(seed)

    def pick(*options):
        return options[random.integers(len(options))]

    layers, channels, cells = [], 4, length
    for _ in range(random.integers(1, 4)):
        out, kernel, dilation = pick(3, 4, 8), pick(1, 2, 3, 6), pick(1, 1, 2, 5)
        stride, padding = pick(1, 1, 1, 2, 3), pick(0, 1, 2, 4)
        reads = (kernel - 1) * dilation + 1
        if cells + 2 * padding < reads + 12:
            padding = reads
        conv = nn.Conv1d(channels, out, kernel, stride, padding, dilation)
        layers += [conv, pick(nn.ReLU(), nn.GELU(), nn.Tanh(), nn.PReLU(out), nn.Identity())]
        cells, channels = (cells + 2 * padding - reads) // stride + 1, out
        if random.random() < 0.5 and cells > 8:
            kernel, stride = pick(2, 3, 4), pick(1, 2, 3)
            pool = pick(
                nn.MaxPool1d(kernel, stride, padding=pick(0, 1), ceil_mode=pick(True, False)),
                nn.AvgPool1d(kernel, stride, padding=pick(0, 1)),
            )
            layers.append(pool)
            cells = pool(torch.zeros(1, channels, cells)).shape[2]
    layers.append(nn.BatchNorm1d(channels))
    head = pick(nn.Flatten(), nn.AdaptiveMaxPool1d(1), nn.AdaptiveAvgPool1d(1))
    layers += [head, nn.Flatten(), nn.LazyLinear(2)]
    net = nn.Sequential(*layers)
    net(torch.zeros(2, 4, length))
    return net.eval()


@pytest.mark.parametrize("seed", range(16))
def test_random_networks_are_followed_exactly(eager, seed):
    torch.manual_seed(seed)
    length = 20 + 3 * seed
    model, x = drawn(seed, length), sequences(2, length, unknown=[(0, 3)])
    truth, found = naive(model, x), explain.ism_outputs(model, x)
    with torch.no_grad():
        scale = max(float(model(x).abs().max()), float(truth.abs().max()))
    assert float((found - truth).abs().max()) <= 1e-5 * scale
    path = explain.ism(model, x, target=1).options
    assert path["path"] in {"scan", "windows"}, path["why"]


def exactly(model, x):
    """Asserts that fast mutagenesis gives what every copy through the network gives."""
    truth = naive(model, x)
    found = explain.ism_outputs(model, x)
    with torch.no_grad():
        scale = max(float(model(x).abs().max()), float(truth.abs().max()))
    assert float((found - truth).abs().max()) <= 1e-5 * scale


@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_is_explained_exactly_whatever_the_path(eager, name):
    exactly(NETWORKS[name](), sequences(2, 30, unknown=[(0, 4)]))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_network_of_the_zoo_is_explained_exactly_whatever_the_path(eager, name):
    model = made(lambda: small(name, n_outputs=2), gain=1.5)
    exactly(model, sequences(2, fitting(name, 40), unknown=[(0, 4)]))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_sequences_shorter_than_a_window(eager, length):
    compared(create("deepbind"), sequences(2, length), "scan")
    compared(dilated(length=length), sequences(2, length), "windows")


def test_ends_and_company_change_nothing(eager):
    """Chunks, groups and neighbors are only a matter of speed."""
    model, x = pooled().eval(), sequences(5, 90)
    whole = explain.ism(model, x, target=1).values
    for i in range(5):
        alone = explain.ism(model, x[i : i + 1], target=1).values
        torch.testing.assert_close(alone, whole[i : i + 1], atol=1e-6, rtol=1e-5)


def test_small_chunks_change_nothing(eager, monkeypatch):
    from cisgram.explain.edits import scan, sweep, windows

    x = sequences(3, 90)
    for model in (pooled(), dilated(), create("deepbind")):
        whole = explain.ism(model, x, target=0).values
        with monkeypatch.context() as m:
            m.setattr(windows, "LARGEST", 300)
            m.setattr(windows, "HELD", 500)
            m.setattr(scan, "AT_ONCE", 10)
            m.setattr(sweep, "SWEPT", 10)
            m.setattr(edits, "HELD", 10)
            again = explain.ism(model, x, target=0).values
        torch.testing.assert_close(again, whole, atol=1e-6, rtol=1e-5)


def test_a_target_function_of_a_profile_is_followed(eager):
    profile = Net(
        lambda self, x: self.b(F.relu(self.a(x))),
        a=nn.Conv1d(4, 5, 7, padding=3),
        b=nn.Conv1d(5, 2, 9, padding=4),
    )
    x = sequences(2, 40)
    a = explain.ism(profile, x, target=lambda y: y.sum((1, 2)))
    assert a.options["path"] == "windows"
    truth = naive(Net(lambda _, x: profile(x).sum((1, 2))[:, None]), x)[:, 0]
    torch.testing.assert_close(a.values, truth, atol=1e-5, rtol=1e-4)


def test_windows_of_any_width_written_into_any_sequence(eager):
    """The seam of mutagenesis, occlusion and written motifs."""
    model, x = pooled(), sequences(3, 90)
    rows, starts = torch.tensor([2, 0, 1, 0]), np.array([0, 83, 40, 11])
    columns = torch.rand(4, 2, 4, 7)
    with torch.no_grad():
        before = model(x)
        copies = edits.copies_of(model, model, x, before, n_copies=8, batch_size=4)
        assert copies.path == "windows"
        found = copies.edited(rows, starts, columns)
        for i in range(4):
            for j in range(2):
                one = x[rows[i]].clone()
                one[:, starts[i] : starts[i] + 7] = columns[i, j]
                truth = (model(one[None]) - before[rows[i]])[0]
                torch.testing.assert_close(found[i, j], truth, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (lambda: create("demo-cnn-rnn"), "recurrent layer"),
        (lambda: Linear(length=40), "100% of the computation; .*reads all positions"),
        (lambda: create("deepbind"), "few copies of a small network"),
    ],
)
def test_the_plain_path_says_why(model, why, monkeypatch):
    model = model()
    if isinstance(model, Linear):
        monkeypatch.setattr(edits, "WORTHWHILE", 0)
    a = explain.ism(model, sequences(1, 40), target=0)
    assert a.options["path"] == "plain"
    assert re.search(why, a.options["why"])


def test_a_wrong_path_is_found_out(eager, monkeypatch):
    """A mistake in one weight of the quick path, and the plain path answers."""
    from cisgram.explain.edits.steps import Convolution

    right = Convolution.run
    x = sequences(2, 60)
    for model in (dilated(), create("deepbind", width=9)):
        truth = explain.ism(model, x, target=0)
        assert truth.options["path"] != "plain"
        with monkeypatch.context() as m:
            m.setattr(Convolution, "run", lambda *a: right(*a) * 1.01)
            a = explain.ism(model, x, target=0)
        assert a.options["path"] == "plain"
        assert "off by" in a.options["why"]
        torch.testing.assert_close(a.values, truth.values, atol=1e-6, rtol=1e-4)


def test_a_network_that_branches_on_its_letters_takes_the_plain_path(eager):
    """What is recorded holds only for the sequence that was recorded."""

    def one(self, row):
        h = self.first(row).amax(2)
        return h if row[0, 0, 0] == 1 else -h

    model = Net(
        lambda self, x: torch.cat([one(self, row) for row in x.split(1)]),
        first=nn.Conv1d(4, 2, 5),
    )
    x = encode(["ACGTACGTTTGA", "CCGTACGTTTGA"])
    a = explain.ism(model, x, target=0)
    assert a.options["path"] == "plain"
    torch.testing.assert_close(a.values, naive(model, x)[:, 0], atol=1e-5, rtol=1e-4)


def test_a_model_with_hooks_in_training_mode_is_left_as_found(eager):
    model = nn.Sequential(nn.Conv1d(4, 6, 5), nn.Dropout(0.5), nn.ReLU(), nn.AdaptiveMaxPool1d(1))
    model = nn.Sequential(model, nn.Flatten(), nn.Linear(6, 2)).train()
    model[0][2].eval()
    doubled = model[0][0].register_forward_hook(lambda _, __, out: 2 * out)
    before, hooks = state_of(model), hooks_left(model)
    x = sequences(2, 30)
    a = explain.ism(model, x, target=0)
    assert a.options["path"] == "scan"
    assert state_of(model) == before
    assert hooks_left(model) == hooks
    truth = naive(model.eval(), x)[:, 0]
    torch.testing.assert_close(a.values, truth, atol=1e-6, rtol=1e-4)
    doubled.remove()
    assert not torch.allclose(explain.ism(model, x, target=0).values, truth, atol=1e-4)


def test_all_outputs_need_a_table():
    with pytest.raises(ValueError, match=r"shape \(n, t\); got \(1, 2, 8\)"):
        explain.ism_outputs(nn.Conv1d(4, 2, 5), sequences(1, 12))


CUTS = {
    "cut at the end": lambda x: x[:, :, :-2],
    "causal": lambda x: F.pad(x, (4, 0))[:, :, :-4] + x,
    "moved": lambda x: F.pad(x, (3, -3)),
    "the first half": lambda x: x[:, :, :30],
}


@pytest.mark.parametrize("name", CUTS)
@pytest.mark.parametrize("seed", range(4))
def test_letters_that_are_cut_off_write_nothing(eager, name, seed):
    """The padding of the convolution reaches over the cut; only sometimes it holds the maximum."""
    torch.manual_seed(seed)
    model = Net(
        lambda self, x: self.out(self.conv(CUTS[name](x)).amax(2)),
        conv=nn.Conv1d(4, 3, 9, padding=8),
        out=nn.Linear(3, 1),
    )
    compared(model, sequences(2, 60 + seed), "windows")


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: self.out(self.conv(x * x + x.sqrt()).mean(2)),
        lambda self, x: self.out(self.conv(F.logsigmoid(self.conv(x))).mean(2)),
        lambda self, x: self.out(self.conv(x)[:, :, ::3].relu().mean(2)),
        lambda self, x: self.out(self.far(self.sparse(x)).relu().mean(2)),
        lambda self, x: self.out(self.norm(self.conv(x)).relu().mean(2)),
        lambda self, x: self.out(self.row(self.conv(x).transpose(1, 2)).relu().mean(1)),
    ],
    ids=["the letters squared", "log sigmoid", "every third", "sparse", "group norm", "linear"],
)
def test_forms_that_are_followed_without_a_fall_back(eager, forward):
    """None ends in an error that only the plain path forgives."""
    model = Net(
        forward,
        conv=nn.Conv1d(4, 4, 5, padding=2),
        sparse=nn.Conv1d(4, 4, 1, stride=3, padding=7),
        far=nn.Conv1d(4, 4, 2, padding=4, dilation=3),
        norm=nn.GroupNorm(2, 4),
        row=nn.Linear(4, 4),
        out=nn.Linear(4, 2),
    )
    compared(model, sequences(4, 45), "windows")


def test_division_that_rounds_is_no_scale(eager):
    model = Net(
        lambda self, x: (
            torch.div(self.conv(x).amax(2), 0.5, rounding_mode="floor")
            + torch.div(self.conv(x), 0.01, rounding_mode="trunc").mean(2)
        ),
        conv=nn.Conv1d(4, 2, 5),
    )
    compared(model, sequences(2, 40), "scan")
