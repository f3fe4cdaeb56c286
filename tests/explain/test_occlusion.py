import pytest
import torch
from torch import nn

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.explain.edits import copies as edits
from cisgram.seq import encode
from networks import NETWORKS
from toys import Conv, Linear, Words

TEXT = ["GATTACATGCAC", "TTGACGGCATCA", "AGCANNNNTCGT"]


@pytest.fixture
def x():
    return encode(TEXT)


def test_one_letter_of_a_linear_model_is_its_weight(x):
    model = Linear()
    a = explain.occlusion(model, x, target=1, window=1)
    torch.testing.assert_close(a.values, model.weight[1].detach() * x)


def test_windows_that_touch_a_word_lose_it():
    """TACA stands at 3 to 6; a position counts the covering windows of 3 that reach it."""
    a = explain.occlusion(Words("TACA"), encode(["GATTACATGCAC"]), window=3).per_position[0]
    hit = [3 - 2 <= s < 7 for s in range(10)]
    covering = [[s for s in range(10) if s <= i < s + 3] for i in range(12)]
    assert a.tolist() == pytest.approx([sum(hit[s] for s in c) / len(c) for c in covering])


def test_the_last_window_ends_where_the_sequence_does():
    """Starts 0, 5 and 7 of 12 letters: the A at 11 is read in the last alone."""

    model = Linear(outputs=1)
    with torch.no_grad():
        model.weight.zero_()
        model.weight[0, 0, 11] = 1
    a = explain.occlusion(model, encode(["CCCCCCCCCCCA"]), window=5, step=5).per_position[0]
    assert a.tolist() == [0] * 7 + [0.5] * 3 + [1] * 2


def test_background_puts_the_sequences_own_composition_in_place(x):
    model = Linear()
    w = model.weight[0].detach()
    share = x.sum(2) / x.sum((1, 2))[:, None]  # (n, 4)
    mean = (share[:, :, None] * w).sum(1)
    a = explain.occlusion(model, x, target=0, window=1, fill="background")
    torch.testing.assert_close(a.per_position, ((w * x).sum(1) - mean) * x.sum(1))


def test_shuffles_keep_the_letters_of_the_window():
    """A model of composition sees no difference, one of words does."""
    counts = Words("A", "C", "G", "T", gains=(1.0, 2.0, 3.0, 4.0))
    x = encode(["GATTACATGCAC"])
    assert (explain.occlusion(counts, x, fill="shuffles").values == 0).all()
    a = explain.occlusion(Words("TACA"), x, window=4, fill="shuffles", samples=200).per_position[0]
    assert (a[:10] > 0).all()
    whole = explain.occlusion(
        Words("TACA"), encode(["TACA"]), window=4, fill="shuffles", samples=3000
    )
    # 12 orders of T, A, C, A, each as likely: 11 of 12 lose the word
    assert whole.per_position[0, 0].item() == pytest.approx(11 / 12, abs=0.02)


@pytest.mark.parametrize("fill", ["N", "background", "shuffles"])
def test_equals_one_copy_at_a_time(x, fill):
    model = Conv().eval()
    options = {"window": 4, "step": 3, "fill": fill, "samples": 5}
    a = explain.occlusion(model, x, target=1, **options)
    small = explain.occlusion(model, x, target=1, batch_size=2, **options)
    torch.testing.assert_close(a.values, small.values)
    if fill != "N":
        return
    lost = torch.zeros(3, 12)
    times = torch.zeros(12)
    with torch.no_grad():
        for s in (0, 3, 6, 8):
            edited = encode([t[:s] + "NNNN" + t[s + 4 :] for t in TEXT])
            lost[:, s : s + 4] += (model(x) - model(edited))[:, [1]]
            times[s : s + 4] += 1
    torch.testing.assert_close(a.per_position, lost / times * x.sum(1), atol=1e-6, rtol=1e-4)


@pytest.fixture
def eager(monkeypatch):
    """Take a quick path even where it saves nothing."""
    monkeypatch.setattr(edits, "WORTHWHILE", 0)
    monkeypatch.setattr(edits, "GAIN", 1e9)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_path_gives_the_values_of_the_plain_one(name, monkeypatch):
    model = NETWORKS[name]()
    x = encode(["GATTACATGCACCGTAGGATNNACCATTAG", "TTGACGGCATCAGATTACATGCACCGTAGG"])
    with torch.no_grad():
        scale = float(model(x)[:, 1].abs().max())
    for fill in ("N", "background", "shuffles"):
        options = {"target": 1, "window": 6, "step": 4, "fill": fill, "samples": 2}
        plain = explain.occlusion(model, x, **options)
        assert plain.options["path"] == "plain"
        with monkeypatch.context() as m:
            m.setattr(edits, "WORTHWHILE", 0)
            m.setattr(edits, "GAIN", 1e9)
            found = explain.occlusion(model, x, **options)
        off = float((found.values - plain.values).abs().max())
        assert off <= 1e-5 * max(scale, float(plain.values.abs().max())), found.options


@pytest.mark.parametrize("fill", ["N", "background", "shuffles"])
@pytest.mark.parametrize("name", ["dilated residual", "max-pool", "conv-relu"])
def test_only_what_a_window_reaches_is_computed(eager, name, fill):
    x = encode([t + t + t for t in TEXT])
    a = explain.occlusion(NETWORKS[name](), x, target=0, window=3, fill=fill, samples=2)
    assert a.options["path"] == "windows", a.options["why"]


def test_a_network_that_branches_on_unknown_letters_takes_the_plain_path(eager):
    """Letters alone do not show it: the copies asked for do."""

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(4, 3, 5)

        def forward(self, x):
            h = self.conv(x).relu().mean(2)
            return h if (x.sum(1) == 1).all() else -h

    x = encode(["GATTACATGCAC" * 3, "TTGACGGCATCA" * 3])
    a = explain.occlusion(Branches().eval(), x, target=0)
    assert a.options["path"] == "plain"
    assert "off by" in a.options["why"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 13}, "at most the sequences' length, 12"),
        ({"window": 3, "step": 4}, "step at most window"),
        ({"window": 0}, "window"),
        ({"step": 0}, "step"),
        ({"samples": 0}, "samples"),
        ({"fill": "n"}, "Known: N"),
    ],
)
def test_options_that_do_not_fit_are_refused(x, options, message):
    with pytest.raises(InputError, match=message) as caught:
        explain.occlusion(Conv(), x, target=0, **options)
    assert isinstance(caught.value, UnknownName) == ("Known" in message)


@pytest.mark.parity
@pytest.mark.parametrize("window", [1, 3, 5])
def test_agrees_with_captum(x, window):
    attr = pytest.importorskip("captum.attr")
    model = Conv().eval()
    theirs = attr.Occlusion(model).attribute(x, (4, window), strides=(4, 1), target=1)
    ours = explain.occlusion(model, x, target=1, window=window)
    torch.testing.assert_close(ours.values, (theirs * x).float(), atol=1e-6, rtol=1e-4)
