"""Tracks with planted blocks, and sequences with planted words whose letters contribute."""

import numpy as np
import torch

from cisgram.core.results import Attribution
from cisgram.seq.alphabet import one_hot

WIDTH = 10


def laplace(n, length, rng):
    """Heavy-tailed noise of standard deviation 1."""
    return rng.laplace(size=(n, length)) / np.sqrt(2)


def smooth(n, length, rng):
    """The same with neighbors that go together, as convolutions make them."""
    kernel = np.array([0.2, 0.5, 1, 0.5, 0.2])
    kernel /= np.sqrt((kernel**2).sum())
    rough = laplace(n, length + 4, rng)
    return np.stack([np.convolve(row, kernel, "valid") for row in rough])


def plant(noise, height, rng):
    """Add one positive and one negative block of 10 bp to every track; give the truth."""
    truth = []
    for i, row in enumerate(noise):
        places = rng.choice(np.arange(1, row.size // 20), 2, replace=False) * 20
        for start, sign in zip(places + rng.integers(-4, 5, 2), (1, -1), strict=True):
            row[start : start + WIDTH] += sign * height * rng.uniform(0.7, 1.3, WIDTH)
            truth.append((i, int(start), "+" if sign > 0 else "-"))
    return truth


def found_share(table, truth, sign):
    """Share of the blocks of one sign of which a seqlet covers half."""
    own = [(i, s) for i, s, g in truth if g == sign]
    spans = _spans(table, sign)
    found = [any(_shared(span, s) >= WIDTH / 2 for span in spans.get(i, ())) for i, s in own]
    return float(np.mean(found))


def false_share(table, truth, sign):
    """Share of the seqlets of one sign that touch no block."""
    blocks: dict[int, list[int]] = {}
    for i, s, g in truth:
        if g == sign:
            blocks.setdefault(i, []).append(s)
    wrong = [
        not any(_shared(span, s) > 0 for s in blocks.get(i, ()))
        for i, spans in _spans(table, sign).items()
        for span in spans
    ]
    return float(np.mean(wrong)) if wrong else 0.0


def _spans(table, sign):
    own = table[table["sign"] == sign]
    spans: dict[int, list[tuple[int, int]]] = {}
    for i, start, end in zip(own["sequence"], own["start"], own["end"], strict=True):
        spans.setdefault(int(i), []).append((int(start), int(end)))
    return spans


def _shared(span, start):
    return min(span[1], start + WIDTH) - max(span[0], start)


def written(words, n=60, length=100, *, noise=0.1, seed=0):
    """Random sequences, each with one of the words on either strand; the word's letters score 1.

    ``words`` maps a word to the sign of its contribution. Gives the attribution and, for each
    sequence, (word, start, strand).
    """
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length)).astype(np.uint8)
    values = np.zeros((n, length))
    truth = []
    for i in range(n):
        word, sign = list(words.items())[i % len(words)]
        letters = np.array(["ACGT".index(b) for b in word], dtype=np.uint8)
        strand = "+" if rng.random() < 0.5 else "-"
        start = int(rng.integers(5, length - len(word) - 5))
        codes[i, start : start + len(word)] = letters if strand == "+" else 3 - letters[::-1]
        values[i, start : start + len(word)] = sign
        truth.append((word, start, strand))
    values += noise * rng.normal(size=values.shape)
    x = one_hot(codes)
    return Attribution(x * torch.tensor(values)[:, None].float(), x, "planted"), truth
