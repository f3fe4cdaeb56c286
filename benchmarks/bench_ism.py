"""In-silico saturation mutagenesis against tangermeme and against every copy through the network.

The peer runs in its faster mode at its best batch size, both searched first; the capture of its
fast mode is not counted. Ours is the whole call, preparation and self-check included, and says
which path it took. Values are compared before anything is timed. Occlusion, last, is compared with
its own plain path.
``python benchmarks/bench_ism.py [--only bpnet] [--threads 1 --cpu-time]``
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram import explain, models, seq
from cisgram.cli.memory import keep_large_blocks
from cisgram.explain.edits import copies as edits

clock = SimpleNamespace(now=time.perf_counter)
BATCHES = (32, 128, 256, 512)


class Basset(nn.Module):
    """Three pooled convolutions and a dense head, at the published sizes."""

    def __init__(self, length: int, outputs: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, o, k, pool in ((4, 300, 19, 3), (300, 200, 11, 4), (200, 200, 7, 4)):
            layers += [nn.Conv1d(i, o, k, padding=k // 2), nn.BatchNorm1d(o), nn.ReLU()]
            layers.append(nn.MaxPool1d(pool))
        self.body = nn.Sequential(*layers, nn.Flatten())
        wide = 200 * (length // 3 // 4 // 4)
        self.head = nn.Sequential(
            *(nn.Linear(wide, 1000), nn.ReLU(), nn.Linear(1000, 1000), nn.ReLU()),
            nn.Linear(1000, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class BPNet(nn.Module):
    """64 filters, eight dilated layers with residual connections, mean over positions."""

    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 64, 21, padding=10)
        self.layers = nn.ModuleList(
            nn.Conv1d(64, 64, 3, padding=2**i, dilation=2**i) for i in range(1, 9)
        )
        self.out = nn.Linear(64, outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.first(x))
        for layer in self.layers:
            h = h + F.relu(layer(h))
        return self.out(h.mean(2))


def cases() -> list[tuple[str, int, int, int, Callable[[int], nn.Module]]]:
    """Name, length, sequences for ours, sequences for the peer, network."""
    out: list[tuple[str, int, int, int, Callable[[int], nn.Module]]] = []
    for length, n in ((200, 128), (1000, 32), (2114, 16)):
        out.append(("deepbind", length, n, 1, lambda _: models.create("deepbind")))
    for length, n in ((600, 3), (1000, 2), (2114, 1)):
        out.append(("basset", length, n, 1, Basset))
    for length, n in ((200, 2), (600, 1), (1000, 1), (2114, 1)):
        out.append(("bpnet", length, n, 1, lambda _: BPNet()))
    out.append(("demo-cnn", 101, 64, 2, lambda _: models.create("demo-cnn")))
    both = models.BothStrands
    out.append(("demo-cnn, strands", 101, 64, 2, lambda _: both(models.create("demo-cnn"))))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cpu-time", action="store_true", help="for --threads 1 on a busy machine")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.cpu_time:
        clock.now = time.process_time
    keep_large_blocks()  # as the command line does, for all
    warnings.simplefilter("ignore")
    print("edits a second, and what ours is times theirs", flush=True)
    heads = f"{'':<26}{'ours':>11}{'peer':>10}{'ratio':>8}{'every copy':>12}{'ratio':>8}"
    print(heads + "  path; peer's mode")
    for name, length, n, fewer, make in cases():
        if name.startswith(arguments.only):
            _line(name, length, n, fewer, make, arguments.repeats)
    if arguments.only in ("", "outputs"):
        _outputs(arguments.repeats)
    if arguments.only in ("", "occlusion"):
        _occlusion(arguments.repeats)


def _line(
    name: str, length: int, n: int, fewer: int, make: Callable[[int], nn.Module], repeats: int
) -> None:
    torch.manual_seed(0)
    model = make(length).eval().requires_grad_(False)
    x = seq.one_hot(torch.randint(0, 4, (n, length)).numpy().astype("uint8"))
    few = x[:fewer]
    mode, peer = _peer(model, few)
    batch, plain = _every_copy(model, few)
    truth = explain.ism(model, few, target=0, batch_size=batch)
    if peer is not None:
        off = float((peer(few) - truth.values).abs().max())
        scale = float(model(few).abs().max())
        if off > 1e-4 * scale:  # the peer's own tolerance
            raise ValueError(f"{name}: values differ by {off:.1e} where outputs reach {scale:.1e}")
    work: dict[str, tuple[Callable[[Tensor], Any] | None, Tensor]] = {
        "ours": (lambda x: explain.ism(model, x, target=0), x),
        "peer": (peer, few),
        "plain": (plain, few),
    }
    seconds: dict[str, list[float]] = {k: [] for k in work}
    for i in range(repeats):
        for who in list(work) if i % 2 == 0 else reversed(work):
            call, given = work[who]
            if call is not None:
                start = clock.now()
                call(given)
                edits = 3 * length * len(given)
                seconds[who].append((clock.now() - start) / edits)
    rate = {k: 1 / statistics.median(s) if s else float("nan") for k, s in seconds.items()}
    path = explain.ism(model, x, target=0).options["path"]
    print(
        f"{name + f', {length} bp':<26}{rate['ours']:>11,.0f}{rate['peer']:>10,.0f}"
        f"{rate['ours'] / rate['peer']:>7.2f}x{rate['plain']:>12,.0f}"
        f"{rate['ours'] / rate['plain']:>7.2f}x  {path}; {mode}",
        flush=True,
    )


def _peer(model: nn.Module, x: Tensor) -> tuple[str, Callable[[Tensor], Tensor] | None]:
    """The peer's better mode at its best batch size, on some edits in the middle."""
    try:
        from tangermeme._fastism import _FastISM
        from tangermeme.saturation_mutagenesis import saturation_mutagenesis
    except ImportError:
        return "not installed", None
    length = x.shape[2]
    cpu = torch.device("cpu")
    try:
        fast = _FastISM(model, x.to(torch.int8), None, 0, length, cpu, torch.float32, False)
    except Exception:  # noqa: BLE001  (what it cannot capture it runs in its plain mode)
        fast = None

    def quick(x: Tensor, batch: int) -> Tensor:
        out = []
        for i, one in enumerate(x):
            letters, places = torch.where(one == 0)
            y = torch.zeros(4, length)
            y[letters, places] = fast.predict_edits(i, letters, places, batch)[:, 0]
            base = model(one[None])[0, 0]
            out.append(torch.where(one == 0, y - base, torch.zeros(())))
        return torch.stack(out)

    def slow(x: Tensor, batch: int) -> Tensor:
        before, after = saturation_mutagenesis(
            model, x, raw_outputs=True, batch_size=batch, device="cpu", fast=False
        )
        return after[..., 0] - before[:, :, None]

    found: list[tuple[float, str, Any, int]] = []
    at = torch.arange(max(0, length // 2 - 128), min(length, length // 2 + 128))
    for batch in BATCHES:
        if fast is not None:
            try:
                found.append(
                    (
                        _seconds(lambda b=batch, fast=fast: fast.predict_edits(0, at % 4, at, b)),
                        "fast",
                        quick,
                        batch,
                    )
                )
            except Exception:  # noqa: BLE001  (it would fall back here as well)
                fast = None
                found = []
        copies = x[:1].expand(batch, -1, -1).contiguous()
        each = _seconds(lambda c=copies: model(c)) * len(at) / batch
        found.append((each, "plain", slow, batch))
    _, mode, best, batch = min((f for f in found if f[1] == "plain" or fast), key=lambda f: f[0])
    return f"{mode}, batches of {batch}", lambda x: best(x, batch)


def _every_copy(model: nn.Module, x: Tensor) -> tuple[int, Callable[[Tensor], Any]]:
    """Naive batching at its best batch size."""
    each = {}
    for batch in BATCHES:
        copies = x[:1].expand(batch, -1, -1).contiguous()
        each[batch] = _seconds(lambda c=copies: model(c)) / batch
    batch = min(each, key=lambda b: each[b])

    def run(x: Tensor) -> Tensor:
        outs = []
        with torch.inference_mode():
            for one in x:
                letters, places = torch.where(one == 0)
                for at in range(0, len(letters), batch):
                    b, i = letters[at : at + batch], places[at : at + batch]
                    copies = one[None].repeat(len(b), 1, 1)
                    n = torch.arange(len(b))
                    copies[n, :, i] = 0
                    copies[n, b, i] = 1
                    outs.append(model(copies))
        return torch.cat(outs)

    return batch, run


def _outputs(repeats: int) -> None:
    """What ten outputs cost against one."""
    cases: list[tuple[str, int, int, Callable[[int], nn.Module]]] = [
        ("deepbind, 1000 bp", 1000, 16, lambda t: models.create("deepbind", n_outputs=t)),
        ("basset, 600 bp", 600, 1, lambda t: Basset(600, t)),
        ("bpnet, 1000 bp", 1000, 1, BPNet),
        ("demo-cnn, 101 bp", 101, 32, lambda t: models.create("demo-cnn", n_outputs=t)),
    ]
    print("\nten outputs in one pass, times the seconds of one output")
    for name, length, n, make in cases:
        x = seq.one_hot(torch.randint(0, 4, (n, length)).numpy().astype("uint8"))
        nets = {t: make(t).eval() for t in (1, 10)}
        seconds: dict[int, list[float]] = {1: [], 10: []}
        for i in range(repeats + 1):
            for t in (1, 10) if i % 2 == 0 else (10, 1):
                s = _seconds(
                    lambda t=t, nets=nets, x=x: explain.ism_outputs(nets[t], x), warm=False
                )
                if i:
                    seconds[t].append(s)
        ratio = statistics.median(seconds[10]) / statistics.median(seconds[1])
        print(f"{name:<24}{ratio:.2f}", flush=True)


def _occlusion(repeats: int) -> None:
    """Windows of 5 at every position: what they reach, against every copy in whole."""
    cases: list[tuple[str, int, int, Callable[[], nn.Module]]] = [
        ("deepbind", 200, 32, lambda: models.create("deepbind")),
        ("basset", 600, 1, lambda: Basset(600)),
        ("bpnet", 1000, 1, BPNet),
        ("demo-cnn", 101, 32, lambda: models.create("demo-cnn")),
    ]
    print("\nocclusion: windows a second")
    print(f"{'':<26}{'ours':>11}{'plain':>10}{'ratio':>8}  path")
    for name, length, n, make in cases:
        torch.manual_seed(0)
        model = make().eval().requires_grad_(False)
        x = seq.one_hot(torch.randint(0, 4, (n, length)).numpy().astype("uint8"))

        def run(gain: float, model: nn.Module = model, x: Tensor = x) -> Any:
            with mock.patch.object(edits, "GAIN", gain):
                return explain.occlusion(model, x, target=0)

        ours, plain = run(edits.GAIN), run(-1.0)
        off = float((ours.values - plain.values).abs().max())
        if off > 1e-5 * float(model(x).abs().max()) or plain.options["path"] != "plain":
            raise ValueError(f"{name}: values differ by {off:.1e}")
        seconds: dict[float, list[float]] = {edits.GAIN: [], -1.0: []}
        for i in range(repeats):
            for gain in list(seconds) if i % 2 == 0 else reversed(list(seconds)):
                seconds[gain].append(_seconds(lambda g=gain, run=run: run(g), warm=False))
        a, b = (n * (length - 4) / statistics.median(s) for s in seconds.values())
        path = ours.options["path"]
        print(
            f"{name + f', {length} bp':<26}{a:>11,.0f}{b:>10,.0f}{a / b:>7.2f}x  {path}", flush=True
        )


def _seconds(work: Callable[[], Any], *, warm: bool = True) -> float:
    with torch.inference_mode():
        if warm:
            work()
        start = clock.now()
        work()
        return clock.now() - start


if __name__ == "__main__":
    main()
