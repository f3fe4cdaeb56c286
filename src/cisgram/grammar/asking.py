"""Arms put to a model: motifs written into every sequence, the target read for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.types import ScalarFn
from cisgram.explain.base import Target, plain_options, ready, scalar
from cisgram.explain.edits.copies import copies_of
from cisgram.explain.overwrite import outputs
from cisgram.grammar.backgrounds import Sequences, codes_given
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.placement import Placement, Word, letters_of, write
from cisgram.grammar.scales import check_scale
from cisgram.models.state import untouched
from cisgram.seq.alphabet import N, one_hot

Array: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.uint8]
FAMILY = 4  # arms of one stem from which it is worth a look whether only their windows need work
AT_ONCE = 2**16  # copies handed to the engine at once
ROUNDING = {"plain": 1e-6, "quick": 1e-5}  # of the largest output; the second is the engine's


def ask(
    model: nn.Module,
    backgrounds: Sequences,
    arms: Sequence[tuple[Arm, Sequence[Placement]]],
    *,
    name: str = "experiment",
    target: Target | None = None,
    scale: str | None = None,
    drawn: bool = False,
    batch_size: int = 256,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> Experiment:
    """An experiment of any arms: each writes its motifs into every sequence.

    All functions of this room that write motifs end here. Arms that differ in their last motif
    alone are copies of one sequence with one window edited; where it pays, only what the window
    reaches is computed (`explain.edits`), which changes no value by more than ``resolution``.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    backgrounds
        Two or more sequences: strings, one-hot (n, 4, length) or codes (n, length), as
        `random_backgrounds` and `shuffled_backgrounds` make them.
    arms
        What is done, with the motifs that are written; none for the sequences as they are.
    name
        Of the experiment.
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    scale
        How that number is scaled: ``linear``, ``log``, ``log2``, ``log10``, ``log1p`` or
        ``logit``. Only ratios need it.
    drawn
        Write a word drawn from the motif's probabilities into each sequence, the same in all
        arms, instead of the most probable letters.
    batch_size
        Sequences run at once; the result does not depend on it.
    seed
        Of the words. They follow from this, the motif's name and the sequence's letters alone:
        the order and the company of a sequence change nothing.
    options
        What else belongs into the record.

    Raises
    ------
    InputError
        When there are too few sequences, a motif does not fit or lies over another, the target
        or the scale does not fit, or two arms have one name.

    Examples
    --------
    >>> from cisgram.grammar import random_backgrounds
    >>> conv = torch.nn.Conv1d(4, 1, 4)
    >>> model = torch.nn.Sequential(conv, torch.nn.ReLU(), torch.nn.Flatten(1))
    >>> _ = conv.weight.data.zero_(), conv.bias.data.fill_(-3)
    >>> conv.weight.data[0, [2, 0, 3, 0], [0, 1, 2, 3]] = 1  # 1 for each GATA
    >>> pair = [Placement("GATA", 10), Placement("GATA", 20)]
    >>> arms = [(Arm("none"), []), (Arm("two", against="none"), pair)]
    >>> x = random_backgrounds(50, 40, composition=(0.5, 0, 0, 0.5))
    >>> ask(model, x, arms, target=lambda y: y.sum(1)).table()["effect"].tolist()
    [nan, 2.0]
    """
    codes = codes_given(backgrounds)
    check_scale(scale)
    check_positive(batch_size, name="batch_size")
    for arm, placed in arms:
        check_places(arm, placed, codes.shape[1])
    x = ready(model, one_hot(codes[:1]))
    with untouched(model), torch.inference_mode():
        reader = _Reader(scalar(model, target), model, x.device, batch_size)
        written = _Written(codes, drawn=drawn, seed=seed)
        values = np.empty((len(codes), len(arms)))
        for members in _families([placed for _, placed in arms]):
            reader.read(written, members, values)
    how = {"drawn": drawn, "seed": seed, **(options or {})}
    return Experiment(
        name=name,
        arms=tuple(arm for arm, _ in arms),
        values=values,
        sequences=codes,
        scale=scale,
        resolution=reader.rounding * float(np.abs(values).max()),
        options=plain_options(target=target, **how, path=reader.path, why=reader.why),
    )


def ask_copies(
    model: nn.Module,
    sequences: Codes,
    arms: Sequence[tuple[Arm, Codes]],
    *,
    name: str,
    target: Target | None,
    scale: str | None,
    batch_size: int,
    options: Mapping[str, Any],
) -> Experiment:
    """An experiment whose arms are copies (n, draws, length): the mean over the draws counts.

    Parameters
    ----------
    model, target, scale, batch_size, name, options
        As `ask`.
    sequences
        (n, length) as given.
    arms
        What was done, with the copies that it made.
    """
    check_scale(scale)
    check_positive(batch_size, name="batch_size")
    x = ready(model, one_hot(sequences[:1]))
    values = np.empty((len(sequences), len(arms)))
    with untouched(model), torch.inference_mode():
        f = scalar(model, target)
        for j, (_, copies) in enumerate(arms):
            flat = copies.reshape(-1, copies.shape[-1])
            found = outputs(f, flat, x.device, batch_size=batch_size)
            values[:, j] = found.reshape(len(sequences), -1).mean(1)
    return Experiment(
        name=name,
        arms=tuple(arm for arm, _ in arms),
        values=values,
        sequences=sequences,
        scale=scale,
        resolution=ROUNDING["plain"] * float(np.abs(values).max()),
        options=plain_options(target=target, **options),
    )


@dataclass(slots=True)
class _Written:
    """Sequences, and the words that each motif has in them."""

    codes: Codes
    drawn: bool
    seed: int
    words: dict[tuple[Word, str, int], Codes] = field(default_factory=dict)

    def word(self, placement: Placement) -> Codes:
        """(n, width) codes of a placement."""
        key = (placement.motif, placement.strand, placement.copy)
        if key not in self.words:
            found = letters_of(placement, self.codes, drawn=self.drawn, seed=self.seed)
            self.words[key] = found
        return self.words[key]

    def whole(self, placed: Sequence[Placement]) -> Codes:
        """(n, length) sequences with all of these written."""
        out = self.codes
        for placement in placed:
            out = write(out, self.word(placement), placement.start)
        return out


@dataclass(slots=True)
class _Reader:
    """The model on its seam, and how it was read."""

    f: ScalarFn
    model: nn.Module
    device: torch.device
    batch_size: int
    rounding: float = ROUNDING["plain"]
    path: str = "plain"
    why: str = "no arms that differ in one window alone"

    def read(
        self, written: _Written, members: Mapping[int, tuple[Placement, ...]], values: Array
    ) -> None:
        """Fill the columns of these arms, of one stem, into (n, arms) values."""
        if len(members) < FAMILY or not all(members.values()):
            for j, placed in members.items():
                whole = written.whole(placed)
                values[:, j] = outputs(self.f, whole, self.device, batch_size=self.batch_size)
            return
        stem = written.whole(next(iter(members.values()))[:-1])
        n = len(stem)
        x = one_hot(stem).to(self.device)
        before = torch.cat([self.f(part) for part in torch.split(x, self.batch_size)])
        copies = copies_of(
            self.f, self.model, x, before, n_copies=n * len(members), batch_size=self.batch_size
        )
        if copies.path != "plain":  # even where it is given up on the way
            self.rounding = ROUNDING["quick"]
        columns = list(members)
        size = max(1, AT_ONCE // n)
        for at in range(0, len(columns), size):
            some = columns[at : at + size]
            last = [members[j][-1] for j in some]
            words = [_columns(stem, p, written.word(p)) for p in last]
            change = copies.edited(
                torch.arange(n).repeat(len(some)),
                np.repeat(np.array([p.start for p in last]), n),
                one_hot(np.concatenate(words)).to(self.device)[:, None],
            )
            after = (change[:, 0].view(len(some), n) + before).double().cpu().numpy()
            values[:, some] = after.T
        if self.path == "plain":
            self.path, self.why = copies.path, copies.why


def _columns(stem: Codes, placement: Placement, word: Codes) -> Codes:
    """(n, width) what stands under a placement once it is written."""
    there = stem[:, placement.start : placement.end]
    return np.where(word == N, there, word)


def _families(arms: Sequence[Sequence[Placement]]) -> list[dict[int, tuple[Placement, ...]]]:
    """Arms by all motifs but the last, and its width: copies of one sequence with one window."""
    found: dict[tuple[tuple[Placement, ...], int], dict[int, tuple[Placement, ...]]] = {}
    for j, placed in enumerate(arms):
        own = tuple(placed)
        width = own[-1].width if own else 0
        found.setdefault((own[:-1], width), {})[j] = own
    return list(found.values())


def check_places(arm: Arm, placed: Sequence[Placement], length: int) -> None:
    """Every motif inside the sequences, none over another."""
    taken: dict[int, Placement] = {}
    for p in placed:
        if not 0 <= p.start <= p.end <= length:
            msg = (
                f"{arm.name}: {p.name}, {p.width} bp, from position {p.start} to {p.end} must lie "
                f"inside the sequences, 0 to {length}. Give longer sequences, another start, or "
                "shorter distances."
            )
            raise InputError(msg)
        for i in p.covered:
            if i in taken:
                other = taken[i]
                msg = (
                    f"{arm.name}: {p.name} at {p.start} to {p.end} lies over {other.name} at "
                    f"{other.start} to {other.end}, so that one would destroy the other. Place "
                    "them apart, or trim the motifs (Motif.trimmed)."
                )
                raise InputError(msg)
            taken[i] = p
