"""A spacing experiment against tangermeme's ``space``, on a network of Basset's size.

The curve is the output with both motifs at each distance; the whole experiment asks each motif
alone at each place as well, which the peer does with one more call of ``space`` (the first motif
written as N, which leaves the background). Ours is the whole call, preparation and self-check
included. Values are compared before anything is timed, and those that were timed after; the peer
runs at its best batch size, at some of the distances where ``--peer-distances`` says so (each
costs it one pass over the backgrounds, whatever their number).
``python benchmarks/bench_experiments.py [--backgrounds 100] [--distances 150]``
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import torch
from bench_ism import BATCHES, Basset, BPNet
from torch import Tensor, nn

from cisgram import grammar, seq
from cisgram.cli.memory import keep_large_blocks
from cisgram.grammar.backgrounds import Codes

FIRST, SECOND = "TGACGTCATCCGGAA", "AGATAAGG"
CHECKED = 5  # backgrounds of the comparison before anything is timed; all are compared after
CLOCKS = {"wall": time.perf_counter, "CPU": time.process_time}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--backgrounds", type=int, default=100)
    parser.add_argument("--distances", type=int, default=150)
    parser.add_argument("--length", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer-distances", type=int, default=0, help="0: all")
    parser.add_argument("--curve", action="store_true", help="leave each motif alone out")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_large_blocks()
    warnings.simplefilter("ignore")
    nets: dict[str, Callable[[], nn.Module]] = {
        "basset": lambda: Basset(arguments.length),
        "bpnet": BPNet,
    }
    size = f"{arguments.backgrounds} x {arguments.distances}"
    print(f"{size} backgrounds x distances, {arguments.length} bp; arms read a second", flush=True)
    print(f"{'':<26}{'clock':>6}{'ours':>10}{'peer':>10}{'ratio':>8}  largest difference; path")
    for name, make in nets.items():
        if name.startswith(arguments.only):
            torch.manual_seed(0)
            model = make().eval().requires_grad_(False)
            for singles in (False, True)[: 1 if arguments.curve else 2]:
                _line(name, model, arguments, singles=singles)


def _line(name: str, model: nn.Module, arguments: argparse.Namespace, *, singles: bool) -> None:
    codes = grammar.random_backgrounds(arguments.backgrounds, arguments.length, seed=1)
    gaps = list(range(arguments.distances))
    start = (arguments.length - len(FIRST + SECOND) - gaps[-1]) // 2
    some = gaps[:: -(-len(gaps) // (arguments.peer_distances or len(gaps)))]
    peer = _peer(model, arguments.length, some, start, singles=singles)

    def ours(codes: Codes) -> grammar.Experiment:
        return grammar.spacing(
            model, codes, [FIRST, SECOND], distances=gaps, start=start, singles=singles, target=0
        )

    few = codes[:CHECKED]
    off = (
        float("nan")
        if peer is None
        else _off(name, _in_order(ours(few), some), peer(seq.one_hot(few)))
    )
    seconds: dict[tuple[str, str], list[float]] = {}
    given = seq.one_hot(codes)
    for i in range(arguments.repeats):
        results = {}
        pair = [("ours", lambda: ours(codes)), ("peer", lambda: peer(given) if peer else None)]
        for who, work in pair if i % 2 == 0 else reversed(pair):
            before = {k: now() for k, now in CLOCKS.items()}
            results[who] = work()
            for k, now in CLOCKS.items():
                seconds.setdefault((who, k), []).append(now() - before[k])
        if results["peer"] is not None:
            off = max(off, _off(name, _in_order(results["ours"], some), results["peer"]))
    found = results["ours"]
    for k in CLOCKS:
        arms = {"ours": found.values.size, "peer": _in_order(found, some).numel()}
        rates = {w: arms[w] / statistics.median(seconds[w, k]) for w in arms}
        theirs = rates["peer"] if peer else float("nan")
        print(
            f"{name + (', each alone too' if singles else ', both'):<26}{k:>6}"
            f"{rates['ours']:>10,.0f}{theirs:>10,.0f}{rates['ours'] / theirs:>7.2f}x"
            f"  {off:.1e}; {found.options['path']}",
            flush=True,
        )


def _off(name: str, found: Tensor, truth: Tensor) -> float:
    """Largest difference as a share of the largest output; refused above 1e-5."""
    off = float((found - truth).abs().max() / truth.abs().max())
    if not off <= 1e-5:
        raise ValueError(f"{name}: values differ by {off:.1e} of the largest output")
    return off


def _in_order(e: grammar.Experiment, gaps: list[int]) -> Tensor:
    """(n, arms) background, pairs by distance, then what is alone, as the peer gives them."""
    names = [arm.name for arm in e.arms if arm.facts.get("distance") in (None, *gaps)]
    both = [name for name in names if name.startswith(f"{FIRST}, ")]
    order = [names[0], *both, *(name for name in names[1:] if name not in both)]
    return torch.stack([torch.from_numpy(e[name]) for name in order], 1)


def _peer(
    model: nn.Module, length: int, gaps: list[int], start: int, *, singles: bool
) -> Callable[[Tensor], Tensor] | None:
    """The same arms by tangermeme at its best batch size, (n, arms)."""
    try:
        from tangermeme.predict import predict
        from tangermeme.space import space
    except ImportError:
        return None
    each = {}
    some = torch.zeros(512, 4, length)
    for batch in BATCHES:
        predict(model, some[:batch], batch_size=batch, device="cpu")
        began = time.process_time()
        predict(model, some, batch_size=batch, device="cpu")
        each[batch] = time.process_time() - began
    batch = min(each, key=lambda b: each[b])
    distances = [[g] for g in gaps]

    def run(x: Tensor) -> Tensor:
        def asked(motifs: list[str], spacing: list[list[int]]) -> tuple[Tensor, Tensor]:
            return space(model, x, motifs, spacing, start=start, batch_size=batch, device="cpu")

        before, both = asked([FIRST, SECOND], distances)
        parts = [before, both[..., 0]]
        if singles:
            _, first = asked([FIRST, "N" * len(SECOND)], distances[:1])
            _, second = asked(["N" * len(FIRST), SECOND], distances)
            parts += [first[..., 0], second[..., 0]]
        return torch.cat(parts, 1).double()

    return run


if __name__ == "__main__":
    main()
