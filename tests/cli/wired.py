"""A run that is not trained but wired: two of three words are needed together, the third adds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from cisgram.core.run import Run, job_of
from cisgram.models import MODELS, Card, save
from cisgram.motifs import Motif, MotifSet, write_meme
from cisgram.seq import encode, from_codes
from cisgram.steps import resolve
from cisgram.steps.train import input_files


def write_table(
    path: Path,
    words: Sequence[str],
    n: int,
    *,
    length: int,
    starts: Sequence[int],
    partial: bool = False,
) -> None:
    """Odd sequences, the positives, hold the three words, one behind the other.

    With ``partial`` the negatives hold the first and the last, or the second.
    """
    random = np.random.default_rng(0)
    codes = random.integers(0, 4, (n, length)).astype(np.uint8)
    for row in range(n):
        for start, word in zip(starts, words, strict=True):
            if row % 2 or (partial and (word == words[1]) == (row % 4 == 0)):
                at = start + random.integers(0, 9)
                codes[row, at : at + len(word)] = ["ACGT".index(b) for b in word]
    rows = [f"s{i}\t{s}\t{i % 2}\n" for i, s in enumerate(from_codes(codes))]
    path.write_text("name\tsequence\tbound\n" + "".join(rows))


def put_network(
    run: Run,
    words: Sequence[str],
    *,
    length: int,
    threshold: float = 1,
    gains: tuple[float, float] = (1, 1),
    bias: float = -2,
) -> None:
    """The model of a run: gains of relu(first + second - threshold) and of the third, a bias."""
    options = options_of(words)
    model = MODELS["deepbind"].fn(**options, n_outputs=1)
    with torch.no_grad():
        model.detect[0].weight.copy_(encode(words))
        model.detect[0].bias.fill_(1 - len(words[0]))
        model.head[0].weight.copy_(torch.tensor([[1.0, 1, 0], [0, 0, 1]]))
        model.head[0].bias.copy_(torch.tensor([-threshold, 0.0]))
        model.head[2].weight.copy_(torch.tensor([gains]))
        model.head[2].bias.fill_(bias)
    save(run.member(0), model, Card("deepbind", options, length=length))


def options_of(words: Sequence[str]) -> dict[str, int]:
    """A detector a word, and two hidden units."""
    return {"detectors": len(words), "width": len(words[0]), "hidden": 2}


def write_run(folder: Path, words: Sequence[str], *, length: int, gain: float) -> None:
    """``RUN`` of gain * relu(first + second - 1) + third - 2 on ``a.tsv``; ``words.meme``."""
    settings = resolve(
        {
            "data": {"positives": str(folder / "a.tsv")},
            "model": {"name": "deepbind", "options": options_of(words)},
        }
    )
    run = Run(folder / "RUN")
    run.record(job_of(settings.model_dump(mode="json"), inputs=input_files(settings)))
    put_network(run, words, length=length, gains=(gain, 1))
    found = [Motif.from_counts(100 * encode([w])[0].numpy(), name=w) for w in words]
    write_meme(folder / "words.meme", MotifSet(found))
