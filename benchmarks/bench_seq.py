"""Encoding and dinucleotide shuffles against tangermeme, on 1-kb sequences, one thread.

Run: ``python benchmarks/bench_seq.py``. Encoding is compared in int8, the peer's own type; it
takes one sequence at a time. The peer's shuffle reaches a part of all shuffles (measured below
on short strings); its speed is the bar all the same.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from typing import Any

import numpy as np
import torch
from compare import HEADER, compare

from cisgram import seq

LENGTH = 1000


def main() -> None:
    torch.set_num_threads(1)
    peer = _peer()
    print(HEADER)
    codes = np.random.default_rng(0).integers(0, 4, (1000, LENGTH)).astype(np.uint8)
    texts = seq.from_codes(codes)
    amount = codes.size / 1e6
    for name, stacked in (("encode to int8", False), ("encode to one int8 array", True)):
        compare(
            name,
            lambda: seq.encode(texts, dtype=torch.int8),
            peer and (lambda stacked=stacked: peer.encode(texts, stacked=stacked)),
            unit="Mb",
            amount=amount,
            check=lambda a, b: b is None or torch.equal(a, torch.stack(tuple(b))),
        )
    compare(
        "encode to float32",
        lambda: seq.encode(texts),
        peer and (lambda: torch.stack(peer.encode(texts, stacked=False)).float()),
        unit="Mb",
        amount=amount,
        check=lambda a, b: b is None or torch.equal(a, b),
    )
    for n_seq, n in ((50, 20), (1, 20), (1000, 1)):
        for dtype in (torch.int8, torch.float32):
            x = seq.one_hot(codes[:n_seq], dtype=dtype)
            kind = str(dtype).removeprefix("torch.")
            compare(
                f"dinucleotide shuffle, {n_seq} x {n}, {kind}",
                lambda x=x, n=n: seq.shuffle(x, k=2, n=n, seed=0),
                peer and (lambda x=x, n=n: peer.shuffle(x, n=n)),
                unit="Mb",
                amount=n_seq * n * LENGTH / 1e6,
                check=lambda a, b, x=x: _keeps_pairs(x, a) and (b is None or _keeps_pairs(x, b)),
            )
    x = seq.one_hot(codes[:50], dtype=torch.int8)
    compare(
        "dinucleotide shuffle, 50 x 20, as codes",
        lambda: seq.shuffle_codes(codes[:50], k=2, n=20, seed=0),
        peer and (lambda: peer.shuffle(x, n=20, return_packed=True)),
        unit="Mb",
        amount=50 * 20 * LENGTH / 1e6,
    )
    for k in (1, 3, 6):
        compare(
            f"{k}-let shuffle, 50 x 20, as codes",
            lambda k=k: seq.shuffle_codes(codes[:50], k=k, n=20, seed=0),
            None,
            unit="Mb",
            amount=50 * 20 * LENGTH / 1e6,
            repeats=3,
        )
    print("\nDistinct shuffles reached in 20,000 draws / all there are")
    for text in ("ACACGTGTACA", "AACGATGACTA", "GATTACAGATTA"):
        one = seq.encode([text], dtype=torch.int8)
        found = len(Counter(seq.decode(seq.shuffle(one, n=20_000)[0])))
        theirs = len(Counter(seq.decode(peer.shuffle(one, n=20_000)[0]))) if peer else "-"
        print(f"{text:<16} ours {found:>3}  peer {theirs:>3}  all {seq.count_shuffles(text):>3}")


def _keeps_pairs(x: torch.Tensor, shuffles: torch.Tensor) -> bool:
    expected = seq.kmer_counts(x, 2)[:, None]
    n_seq, n = shuffles.shape[:2]
    found = seq.kmer_counts(shuffles.flatten(0, 1), 2).reshape(n_seq, n, 16)
    return bool((found == expected).all())


def _peer() -> Any:
    try:
        from tangermeme.ersatz import dinucleotide_shuffle
        from tangermeme.utils import one_hot_encode
    except ImportError:
        print(
            "tangermeme is not installed (pip install 'cisgram[bench]'): ours alone",
            file=sys.stderr,
        )
        return None

    class Tangermeme:
        @staticmethod
        def encode(texts: list[str], *, stacked: bool) -> Any:
            each = [one_hot_encode(t) for t in texts]
            return torch.stack(each) if stacked else each

        @staticmethod
        def shuffle(x: torch.Tensor, n: int, **options: Any) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it warns where positions never change
                return dinucleotide_shuffle(x, n=n, random_state=0, **options)

    return Tangermeme


if __name__ == "__main__":
    main()
