"""Small networks of every make, for whatever must hold on any architecture.

`NETWORKS` maps a name to a function without arguments that builds the network: (n, 4, length) to
(n, 2), in eval mode, with weights drawn from a fixed seed and large enough for its nonlinearities
to be used in full. Any length from 24 on will do.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.models import MODELS, create
from cisgram.models.layers import GlobalMax, nonlinearity
from cisgram.models.units import unit_head

NETWORKS: dict[str, Callable[[], nn.Module]] = {}
WIDTH = 8
# options of the zoo's large models that keep a test quick: all their parts, few of each
SMALL = {
    "basset": {"maps": [8, 7, 6], "hidden": 9, "length": 168},
    "bd-10": {"maps": [16, 15] * 5, "hidden": 24, "length": 144},
    "deepsea": {"maps": [8, 7, 6], "hidden": 9, "length": 179},
    "danq": {"size": "small", "hidden": 9, "length": 64},
    "bpnet-profile": {"maps": 6, "width": 5, "layers": 2, "strands": 2, "profile_width": 20},
    "chrombpnet": {
        "maps": 6,
        "width": 5,
        "layers": 2,
        "bias_maps": 4,
        "bias_width": 5,
        "bias_layers": 1,
        "profile_width": 20,
    },
    "ai-tac": {"maps": [8, 7, 6], "hidden": 9, "length": 41},
    "conv-attention": {"maps": 16, "width": 7, "blocks": 1, "heads": 2},
    "kmer-transformer": {"k": 3, "maps": 16, "blocks": 1, "heads": 2},
    "legnet": {"maps": [8, 6, 4]},
    "deepstarr": {"maps": [8, 7, 6, 5], "hidden": 9, "length": 49},
    "deepcpg": {
        "maps": [8, 7],
        "hidden": 9,
        "n_neighbors": 6,
        "hidden_cpg": 5,
        "hidden_joint": 8,
        "length": 32,
    },
    "deepcpg-cpg": {"n_neighbors": 6, "hidden": 5},
    "deepcpg-dna": {"maps": [8, 7], "hidden": 9, "length": 32},
    "explainn": {"units": 7, "hidden": 6, "length": 39},
    "multi-view": {"maps": 8, "width": 7, "n_tracks": 2},
    "kmer": {"k": 3, "width": 4},
    "pwm": {"motifs": 5, "width": 7},
}


def small(name: str, **options: object) -> nn.Module:
    """A model of the zoo in a size for tests; its outputs are its own where it has a fixed kind."""
    options = SMALL.get(name, {}) | options
    if "n_outputs" in options:
        options["n_outputs"] = n_outputs(name, options["n_outputs"])
    return create(name, **options)


def n_outputs(name: str, wanted: int) -> int:
    """The number of outputs of a model of the zoo: as wanted, where it can have any."""
    return len(MODELS[name].facts.get("outputs", range(wanted)))


# models of the zoo that read letters: the others have nothing to say of them
LETTERS = sorted(name for name in MODELS if MODELS[name].facts.get("reads_letters", True))
SHAPES = {"neighbors": (2, 2, 6), "tracks": (2, None)}  # of one row; None: the sequence's length


def beside(name: str, n: int, length: int, *, seed: int = 7) -> dict[str, Tensor]:
    """Further inputs for n sequences of a model of the zoo in its size for tests; none of most."""
    g = torch.Generator().manual_seed(seed)
    fields = MODELS[name].facts.get("fields", ())
    shapes = {field: [length if d is None else d for d in SHAPES[field]] for field in fields}
    return {field: torch.rand(n, *shape, generator=g) for field, shape in shapes.items()}


def fitting(name: str, length: int) -> int:
    """The length, or the shortest that a model of the zoo can read where that is more.

    Of a model of one length, that of its size for tests.
    """
    own = SMALL.get(name, {}).get("length")
    return own if own else max(length, MODELS[name].facts["min_length"])


def network(name: str, *, gain: float = 3.0, seed: int = 0) -> Callable[[type], type]:
    """Adds a class to `NETWORKS`, its weights multiplied by ``gain``."""

    def add(cls: type) -> type:
        NETWORKS[name] = lambda: made(cls, gain=gain, seed=seed)
        return cls

    return add


def made(build: Callable[[], nn.Module], *, gain: float = 1.0, seed: int = 0) -> nn.Module:
    """The network with seeded weights, multiplied by ``gain``, norms with uneven statistics."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build()
        with torch.no_grad():
            for module in model.modules():
                if isinstance(module, nn.BatchNorm1d):
                    module.running_mean.normal_()
                    module.running_var.uniform_(0.5, 2)
            for name, p in model.named_parameters():
                if p.ndim > 1:
                    p.mul_(gain)
                elif "norm" in name:
                    p.add_(0.3 * torch.randn_like(p))
    return model.eval()


class Mean(nn.Module):
    """(n, f, length) to (n, f)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(2)


class Flipped(nn.Module):
    """(n, f, length) to (n, length, f)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


class Middle(nn.Module):
    """The central 16 of the positions, flattened: (n, f, length) to (n, 16 f)."""

    def forward(self, x: Tensor) -> Tensor:
        start = (x.shape[2] - 16) // 2
        return x[:, :, start : start + 16].flatten(1)


@network("conv-relu")
class ConvReLU(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(4, WIDTH, 5, padding=2),
            nn.ReLU(),
            nn.Conv1d(WIDTH, WIDTH, 3, padding=1),
            nn.ReLU(),
            Middle(),
            nn.Linear(16 * WIDTH, 8),
            nn.ReLU(),
            nn.Linear(8, 2),
        )


@network("reused ReLU")
class ReusedReLU(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv1d(4, WIDTH, 5), nn.Conv1d(WIDTH, WIDTH, 3)
        self.relu, self.head = nn.ReLU(), nn.Linear(WIDTH, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.relu(self.two(self.relu(self.one(x))).mean(2)))


@network("F.relu")
class FunctionalReLU(ReusedReLU):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.two(F.relu(self.one(x)))).mean(2))


@network("dilated residual")
class Dilated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, WIDTH, 7, padding=3)
        self.blocks = nn.ModuleList(
            nn.Conv1d(WIDTH, WIDTH, 3, padding=2**i, dilation=2**i) for i in range(1, 4)
        )
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(4))
        self.head = nn.Linear(WIDTH, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relus[0](self.first(x))
        for block, relu in zip(self.blocks, self.relus[1:], strict=True):
            x = x + relu(block(x))
        return self.head(x.mean(2))


@network("overlapping max-pool")
class MaxPooled(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(4, WIDTH, 5),
            nn.ReLU(),
            nn.MaxPool1d(4, 2, padding=1),
            nn.Conv1d(WIDTH, WIDTH, 3),
            nn.MaxPool1d(3, 1),
            nn.AdaptiveMaxPool1d(2),
            nn.Flatten(),
            nn.Linear(2 * WIDTH, 2),
        )


@network("max-pool")
class Pooled(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(4, WIDTH, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(WIDTH, WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool1d(3),
            Mean(),
            nn.Linear(WIDTH, 2),
        )


@network("batch norm")
class BatchNormed(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(4, WIDTH, 5),
            nn.BatchNorm1d(WIDTH),
            nn.ReLU(),
            nn.AvgPool1d(2),
            nn.Conv1d(WIDTH, WIDTH, 3),
            nn.BatchNorm1d(WIDTH),
            nn.ELU(),
            Mean(),
            nn.Linear(WIDTH, 2),
        )


@network("layer norm")
class LayerNormed(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(4, WIDTH, 5),
            Flipped(),
            nn.LayerNorm(WIDTH),
            nn.Linear(WIDTH, WIDTH),
            nn.GELU(),
            nn.LayerNorm(WIDTH),
            Flipped(),
            Middle(),
            nn.Linear(16 * WIDTH, 2),
        )


@network("RMS norm")
class RMSNormed(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(4, WIDTH, 5),
            Flipped(),
            nn.RMSNorm(WIDTH),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            Flipped(),
            Mean(),
            nn.RMSNorm(WIDTH),
            nn.Linear(WIDTH, 2),
        )


@network("group and instance norm")
class OtherNorms(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(4, WIDTH, 5),
            nn.GroupNorm(2, WIDTH),
            nn.ReLU(),
            nn.Conv1d(WIDTH, WIDTH, 3),
            nn.InstanceNorm1d(WIDTH, affine=True),
            nn.LeakyReLU(),
            nn.AdaptiveMaxPool1d(1),
            nn.Flatten(),
            nn.Linear(WIDTH, 2),
        )


@network("smooth activations", gain=5.0)
class Smooth(nn.Module):
    """The exponential of the first layer, sigmoid, tanh, GELU, SiLU and softplus."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, WIDTH, 5, padding=2)
        self.layers = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 1) for _ in range(5))
        self.head = nn.Linear(WIDTH, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.exp(self.first(x).clamp(max=1.5))
        used = (torch.sigmoid, torch.tanh, F.gelu, F.silu, F.softplus)
        for layer, function in zip(self.layers, used, strict=True):
            x = function(layer(x))
        return self.head(x.mean(2))


@network("exponential")
class Exponential(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv1d(4, WIDTH, 5), nn.Linear(WIDTH, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.exp(self.conv(x)).mean(2))


@network("gated")
class Gated(nn.Module):
    """sigmoid times tanh, and a GLU."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv1d(4, WIDTH, 5), nn.Conv1d(4, WIDTH, 5)
        self.c, self.head = nn.Conv1d(WIDTH, 2 * WIDTH, 3), nn.Linear(WIDTH, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.sigmoid(self.a(x)) * torch.tanh(self.b(x))
        return self.head(F.glu(self.c(x), dim=1).mean(2))


@network("softmax inside")
class SoftmaxInside(nn.Module):
    """Pooling over positions by attention weights, as in deepMiRGene."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.query = nn.Conv1d(4, WIDTH, 5), nn.Conv1d(WIDTH, 1, 1)
        self.relu, self.softmax = nn.ReLU(), nn.Softmax(dim=2)
        self.head = nn.Linear(WIDTH, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv(x))
        return self.head((x * self.softmax(self.query(x))).sum(2))


@network("softmax at the end")
class SoftmaxEnd(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(4, WIDTH, 5),
            nn.ReLU(),
            Mean(),
            nn.Linear(WIDTH, 2),
            nn.Softmax(dim=1),
        )


class Recurrent(nn.Module):
    """A convolution, a recurrent layer in both directions, and the mean over positions."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, WIDTH, 5, padding=2)
        self.recurrent = kind(WIDTH, 6, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv(x)).transpose(1, 2)
        return self.head(self.recurrent(x)[0].mean(1))


@network("BiLSTM")
class BiLSTM(Recurrent):
    def __init__(self) -> None:
        super().__init__(nn.LSTM)


@network("BiGRU")
class BiGRU(Recurrent):
    def __init__(self) -> None:
        super().__init__(nn.GRU)


@network("plain RNN")
class PlainRNN(Recurrent):
    def __init__(self) -> None:
        super().__init__(nn.RNN)


@network("LSTM cell in a loop")
class CellLoop(nn.Module):
    """The last state of a cell that is called step by step on every second position."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTMCell(4, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for i in range(0, x.shape[2], 2):
            state = self.cell(x[:, :, i], state)
        return self.head(state[0])


@network("MultiheadAttention")
class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv1d(4, WIDTH, 5, stride=2), nn.Linear(WIDTH, 2)
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).transpose(1, 2)
        return self.head(self.attention(x, x, x)[0].mean(1))


@network("scaled dot-product attention")
class ScaledDotProduct(nn.Module):
    """Two heads, each position sees those before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.qkv = nn.Conv1d(4, WIDTH, 5, stride=2), nn.Linear(WIDTH, 3 * WIDTH)
        self.head = nn.Linear(WIDTH, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.qkv(self.conv(x).transpose(1, 2))
        q, k, v = (t.unflatten(2, (2, -1)).transpose(1, 2) for t in x.chunk(3, 2))
        x = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.head(x.transpose(1, 2).flatten(2).mean(1))


@network("transformer encoder", gain=2.0)
class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv1d(4, WIDTH, 5, stride=2)
        one = nn.TransformerEncoderLayer(WIDTH, 2, 16, batch_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(one, 2)
        self.position, self.head = nn.Parameter(torch.randn(64, WIDTH)), nn.Linear(WIDTH, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).transpose(1, 2)
        x = x + self.position[torch.arange(x.shape[1]) % 64]
        return self.head(self.encoder(x).mean(1))


@network("heads first")
class HeadsFirst(nn.Module):
    """Attention whose heads are concatenated in front of the sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv1d(4, WIDTH, 5, stride=2), nn.Linear(WIDTH, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).transpose(1, 2)
        h = torch.cat(x.chunk(2, 2), 0)  # (2 n, length, WIDTH / 2)
        h = torch.softmax(h @ h.transpose(1, 2), 2) @ h
        return self.head(torch.cat(h.chunk(2, 0), 2).mean(1))


@network("functional")
class Functional(nn.Module):
    """Nothing but functions, operators and changes in place."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(WIDTH, 4, 5) / 4)
        self.v = nn.Parameter(torch.randn(WIDTH, WIDTH) / 3)
        self.u = nn.Parameter(torch.randn(2, WIDTH) / 3)

    def forward(self, x: Tensor) -> Tensor:
        h = F.conv1d(x, self.w)
        h[:, :2] *= 1.5
        h.relu_()
        h = torch.einsum("nfl,gf->ngl", h, self.v)
        h = h / (1 + h.abs())  # softsign
        h = torch.where(h > 0, h, 0.2 * h) + h.pow(2) - 0.1 * h**3
        y = torch.zeros(len(x), WIDTH, device=x.device)
        y[:, ::2] = h.amax(2)[:, ::2]
        y[:, 1::2] = torch.logsumexp(h, 2)[:, 1::2]
        norm = torch.sqrt((y * y).sum(1, keepdim=True) + 1)
        return torch.einsum("nf,tf->nt", y / norm, self.u) + torch.log1p(h.abs())[:, :2].sum(2)


@network("two branches")
class Branches(nn.Module):
    """A maximum of two scores, of both strands, and a branch that sees its own square."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv1d(4, WIDTH, 6), nn.Linear(2 * WIDTH, 2)

    def strand(self, x: Tensor) -> Tensor:
        h = self.conv(x)
        best = F.relu(h).max(2).values
        return self.head(torch.cat([best, (h * torch.sigmoid(h)).mean(2)], 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.maximum(self.strand(x), self.strand(x.flip(1, 2)))


@network("units and their pairs", gain=1.5)
class Pairs(nn.Sequential):
    """The head of ExplaiNN with a weight on every product of two units, which starts at nothing."""

    def __init__(self) -> None:
        head = unit_head(5, 2, positive=True, pairs=True)
        nn.init.normal_(head.pairs.weight)
        super().__init__(nn.Conv1d(4, 5, 7), nonlinearity("exponential"), GlobalMax(), head)


for _name in ("demo-cnn", "demo-rnn", "demo-cnn-rnn", "deepbind"):
    NETWORKS[_name] = lambda name=_name: made(lambda: create(name, n_outputs=2), gain=3.0)

# the option of every network of the zoo whose first layer is a convolution
NETWORKS["tied strands"] = lambda: made(
    lambda: create("conv-attention", maps=8, heads=2, blocks=1, tied_strands=True, n_outputs=2)
)
