"""DeepLIFT: does it add up, and how fast, against tangermeme and captum.

``python benchmarks/bench_deep_lift.py [--runs RUNS] [--docs docs/benchmarks/deep-lift.md]``

RUNS holds trained runs named demo-cnn, demo-rnn, demo-cnn-rnn, deepbind (one factor's folder of
``cisgram benchmark tf-chipseq``); with it and ``--sequences FILE`` the tables have them as well.
Rates are of one thread, 20 references a sequence, values checked first; the rival runs at the
best of five batch sizes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from compare import HEADER, Timing, compare
from torch import Tensor, nn

from cisgram import explain, models, seq
from cisgram.cli.memory import keep_large_blocks
from cisgram.core.errors import InputError
from cisgram.explain.references import references
from cisgram.io import read_sequences

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from networks import NETWORKS

Method = Callable[[nn.Module, Tensor, Tensor], Tensor]  # model, x, references to scores
FIRST = "### What the sums miss, relative to the change of the output"
SECOND = "### Sequences a second, 20 references each, one thread"
ZOO = ("deepbind", "demo-cnn", "demo-rnn", "demo-cnn-rnn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, help="folder of trained runs")
    parser.add_argument("--sequences", type=Path, help="sequences that they are explained on")
    parser.add_argument("--docs", type=Path, help="page to write the tables to")
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_large_blocks()  # as the command line does, for all
    trained = _trained(given.runs, given.sequences)
    page = [FIRST, "", *completeness(trained), "", SECOND, "", *speed(trained)]
    if given.docs:
        given.docs.write_text("\n".join(page) + "\n")


# -- does it add up ----------------------------------------------------------------------------


def completeness(trained: dict[str, tuple[nn.Module, Tensor]]) -> list[str]:
    """Lines of the table: mean |sum - change| / mean |change| on every network."""
    nets = {name: (build(), _random(8, 60, seed=0)) for name, build in sorted(NETWORKS.items())}
    nets |= {f"{name}, trained": given for name, given in trained.items()}
    if "demo-cnn" in trained:
        cnn, x = trained["demo-cnn"]
        nets["demo-cnn of plain modules, trained"] = (_plain_cnn(cnn, x.shape[2]), x)
    lines = ["| network | cisgram | captum | tangermeme |", "|---|---|---|---|"]
    for name, (model, x) in nets.items():
        r = references(x, n=5)
        cells = [_error(f, model, x, r) for f in (_ours, _captum, _tangermeme)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def _error(method: Method, model: nn.Module, x: Tensor, r: Tensor) -> str:
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            scores = method(model, x, r)
    except ImportError:
        return "-"
    except InputError:
        return "refuses"
    except Exception as error:  # noqa: BLE001  (what a rival raises is what is asked)
        return type(error).__name__
    with torch.no_grad():
        change = model(x)[:, 0] - torch.stack([model(one)[:, 0] for one in r]).mean(1)
    total = scores.double().sum((1, 2))
    return f"{((total - change).abs().mean() / change.abs().mean()).item():.1e}"


def _ours(model: nn.Module, x: Tensor, r: Tensor) -> Tensor:
    return explain.deep_lift(model, x, target=0, reference=r).observed


def _captum(model: nn.Module, x: Tensor, r: Tensor) -> Tensor:
    from captum.attr import DeepLiftShap

    method = DeepLiftShap(model)
    every = [method.attribute(x[[i]], r[i], target=0).detach() for i in range(len(x))]
    return torch.cat(every)


def _tangermeme(model: nn.Module, x: Tensor, r: Tensor, batch_size: int = 64) -> Tensor:
    from tangermeme.deep_lift_shap import deep_lift_shap

    scores: Tensor = deep_lift_shap(
        model, x, target=0, references=r, hypothetical=True, device="cpu", batch_size=batch_size
    )
    return scores * x


# -- how fast ----------------------------------------------------------------------------------


def speed(trained: dict[str, tuple[nn.Module, Tensor]]) -> list[str]:
    """Lines of the table: sequences a second, ours and the rivals'."""
    torch.manual_seed(0)  # of the networks' weights: a near tie of two maxima is credited otherwise
    print(f"\n{HEADER}")
    lines = ["| network | cisgram | rival | ratio | rival, batch |", "|---|---|---|---|---|"]
    jobs: list[tuple[str, nn.Module, int, int]] = [
        ("DeepBind size, 1,000 bp", _deepbind(1000), 1000, 16),
        ("Basset size, 600 bp", _basset(), 600, 4),
        ("BPNet size, 1,000 bp", BPNet(), 1000, 4),
        ("BPNet size, 2,114 bp", BPNet(), 2114, 2),
    ]
    for name, model, length, n in jobs:
        x = _random(n, length, seed=1)
        r = references(x, n=20)
        lines += _against(name, model.eval(), model, x, r, (8, 16, 32, 64, 128))
        if isinstance(model, BPNet):
            timing = _race(
                f"{name}, captum", model, x, r, lambda m=model, x=x, r=r: _captum(m, x, r)
            )
            lines.append(_line(timing, "captum, 20"))
    if {"demo-cnn", "demo-cnn-rnn"} <= trained.keys():
        (model, x), (cnn, _) = trained["demo-cnn-rnn"], trained["demo-cnn"]
        r = references(x, n=20)
        name = "demo-cnn-rnn (ours), demo-cnn of plain modules (rival)"
        lines += _against(name, model, _plain_cnn(cnn, x.shape[2]), x, r, (32, 64, 128, 256))
    return lines


def _against(
    name: str, model: nn.Module, rival: nn.Module, x: Tensor, r: Tensor, sizes: tuple[int, ...]
) -> list[str]:
    try:
        best = min(sizes, key=lambda b: _seconds(lambda: _tangermeme(rival, x[:2], r[:2], b)))
    except ImportError:
        best = 0
    same = model is rival
    work = (lambda: _tangermeme(rival, x, r, best)) if best else None
    timing = _race(name, model, x, r, work, same=same)
    return [_line(timing, f"tangermeme, {best}")]


def _race(name, model, x, r, rival, *, same: bool = True) -> Timing:
    def agree(ours: Tensor, theirs: Tensor) -> bool:
        if not same or theirs is None:
            return True
        a, b = ours.sum(1), theirs.sum(1)
        if "captum" in name:  # that one gives x - reference its share, not x
            return torch.allclose(a.sum(1), b.sum(1), atol=1e-4 * a.sum(1).abs().max().item())
        return bool((a - b).abs().max() < 1e-5 * b.abs().max())

    return compare(
        name,
        lambda: _ours(model, x, r),
        rival,
        unit="sequences",
        amount=len(x),
        repeats=3,
        check=agree,
    )


def _line(timing: Timing, rival: str) -> str:
    if timing.peer is None:
        return f"| {timing.name} | {timing.ours:.3g} | - | - | - |"
    name = timing.name.removesuffix(", captum")
    return f"| {name} | {timing.ours:.3g} | {timing.peer:.3g} | {timing.ratio:.2f} | {rival} |"


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


# -- networks and sequences ----------------------------------------------------------------------


class BPNet(nn.Module):
    """64 filters, eight dilated residual layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu = nn.Conv1d(4, 64, 21, padding=10), nn.ReLU()
        self.convs = nn.ModuleList(
            nn.Conv1d(64, 64, 3, padding=2**i, dilation=2**i) for i in range(1, 9)
        )
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(8))  # captum wants one each
        self.head = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.first(x))
        for conv, relu in zip(self.convs, self.relus, strict=True):
            x = x + relu(conv(x))
        return self.head(x.mean(2))


def _deepbind(length: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(4, 16, 24),
        nn.ReLU(),
        nn.MaxPool1d(length - 23),
        nn.Flatten(),
        nn.Linear(16, 32),
        nn.ReLU(),
        nn.Linear(32, 1),
    )


def _basset() -> nn.Module:
    layers: list[nn.Module] = []
    for before, after, width, pool in ((4, 300, 19, 3), (300, 200, 11, 4), (200, 200, 7, 4)):
        layers += [
            nn.Conv1d(before, after, width, padding=width // 2),
            nn.BatchNorm1d(after),
            nn.ReLU(),
            nn.MaxPool1d(pool),
        ]
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(2400, 1000), nn.ReLU(), nn.Linear(1000, 8)
    )


def _plain_cnn(model: nn.Module, length: int) -> nn.Module:
    """A demo-cnn of modules that the rivals have rules for, with the same weights."""
    layers: list[nn.Module] = []
    for layer in model.features:
        if isinstance(layer, nn.Conv1d):
            conv = nn.Conv1d(layer.in_channels, layer.out_channels, layer.kernel_size[0])
            conv.load_state_dict(layer.state_dict())
            layers.append(conv)
            length -= layer.kernel_size[0] - 1
        elif isinstance(layer, nn.MaxPool1d):
            layers.append(nn.MaxPool1d(2))
            length //= 2
        elif isinstance(layer, nn.ReLU):
            layers.append(nn.ReLU())
    head = model.head.linear
    last = nn.Linear(head.in_features, 1)
    with torch.no_grad():
        last.weight.copy_(head.weight[[1]] - head.weight[[0]])
        last.bias.copy_(head.bias[[1]] - head.bias[[0]])
    return nn.Sequential(*layers, nn.MaxPool1d(length), nn.Flatten(), last).eval()


def _trained(runs: Path | None, sequences: Path | None) -> dict[str, tuple[nn.Module, Tensor]]:
    """Trained networks, one strand, and sequences for them."""
    if runs is None or sequences is None:
        return {}
    letters = read_sequences(sequences).letters
    x = seq.encode([s for s in letters if "N" not in s][:24])  # N is what the rivals refuse
    out = {}
    for name in ZOO:
        model = models.load(runs / name).eval()
        out[name] = (getattr(model, "model", model), x)
    return out


def _random(n: int, length: int, *, seed: int) -> Tensor:
    codes = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(seed))
    return seq.one_hot(codes.numpy().astype("uint8")).float()


if __name__ == "__main__":
    main()
