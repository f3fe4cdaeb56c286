"""What the input would have to be: letters or a dense array that raise one number most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.core.types import OneHot, Scalar, ScalarFn
from cisgram.models.probe import find_layer, outputs_of
from cisgram.models.receptive import receptive_field
from cisgram.motifs import MotifSet

FLAT = 1e-12  # a spread of outputs below this is none


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """What an output, a contrast of outputs or a neuron wants to see.

    Attributes
    ----------
    motifs
        The one with most evidence first, named ``optimum_<i>``, i from 1; ``n_sites`` is the
        number of starts that ended in it.
    gains
        (motifs,) evidence, in units of the target: how much the target rises, on average, when
        letters drawn from the motif are written into a background, above the same letters in
        another order. In mode ``published``: f(X) - f(0).
    labels
        (r,) number of the motif that each start belongs to; -1 where its letters raise nothing.
    letters
        (r, 4, width) what each start ended with: probabilities of letters; in mode
        ``published`` the dense X (r, 4, length) itself.
    sequences
        (r, 4, length) the best sequence that was drawn for each start, one-hot; in mode
        ``published`` the most probable letter of each position.
    values
        (r,) target of ``sequences``.
    method, options
        As in `Attribution`.
    """

    motifs: MotifSet
    gains: Tensor
    labels: Tensor
    letters: Tensor
    sequences: OneHot
    values: Scalar
    method: str = "class_optimization"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Letters:
    """How letters are optimized; see `class_optimization` for what each number means."""

    length: int
    width: int
    starts: int
    steps: int
    samples: int
    penalty: float
    at: int | None
    seed: int
    batch_size: int


def of_neuron(model: nn.Module, layer: str, neuron: int, *, length: int) -> ScalarFn:
    """The largest activation of one neuron over all positions, before its nonlinearity.

    A rectifier would give no gradient where the neuron is silent, and the order is the same.

    Raises
    ------
    InputError
        When the model has no such layer, or the layer no such neuron.
    """
    found = find_layer(model, layer, length=length)
    found = replace(found, activation=found.module)
    axis = 1
    if len(found.shape) == 2:
        try:
            axis = 3 - receptive_field(model, found, length=length).axis
        except InputError:  # a recurrent layer: every position reads everything
            axis = 2
    units = found.shape[axis - 1]
    if isinstance(neuron, bool) or not isinstance(neuron, int) or not 0 <= neuron < units:
        msg = f"neuron of the layer {layer!r} must be from 0 to {units - 1}; got {neuron!r}."
        raise InputError(msg)

    def f(x: OneHot) -> Scalar:
        calls = [
            gave.select(axis, neuron).reshape(len(x), -1) for _, gave in outputs_of(model, found, x)
        ]
        return torch.cat(calls, 1).amax(1)

    return f


@dataclass(frozen=True, slots=True)
class _Draw:
    """What is random in one look at a start: n backgrounds, places and orders.

    Attributes
    ----------
    background
        (n, 4, length) sequences that the letters are written into.
    places
        (n, width) positions that they take.
    order
        (n, width) another order of the letters.
    """

    background: Tensor
    places: Tensor
    order: Tensor

    def write(self, letters: Tensor) -> Tensor:
        """(2n, 4, length): the letters (n, 4, width) in their place; then in the other order."""
        place = self.places[:, None].expand(-1, 4, -1)
        mixed = letters.gather(2, self.order[:, None].expand(-1, 4, -1))
        both = [self.background.scatter(2, place, one) for one in (letters, mixed)]
        return torch.cat(both)


def _draw(
    g: torch.Generator, n: int, width: int, length: int, at: int | None, pool: OneHot | None
) -> _Draw:
    first = torch.randint(length - width + 1, (n, 1), generator=g)
    if at is not None:
        first = torch.full_like(first, at)
    order = torch.rand(n, width, generator=g).argsort(1)
    if pool is None:
        codes = torch.randint(4, (n, length), generator=g)
        rows = F.one_hot(codes, 4).transpose(1, 2).float()
    else:
        rows = pool[torch.randint(len(pool), (n,), generator=g)]
    return _Draw(rows, first + torch.arange(width), order)


def _together(draws: Sequence[_Draw], device: torch.device) -> _Draw:
    parts = [(d.background, d.places, d.order) for d in draws]
    return _Draw(*(torch.cat(p).to(device) for p in zip(*parts, strict=True)))


def optimize_letters(
    f: ScalarFn, how: Letters, pool: OneHot | None, device: torch.device
) -> tuple[Tensor, float]:
    """Letter probabilities (starts, 4, width) of every start, and the scale of the target.

    Every start has streams of its own, so that it ends alike whatever runs beside it.
    """
    scale = _scale(f, how, pool, device)
    each = max(1, how.batch_size // (2 * how.samples))  # starts that run at once
    done = [
        _optimize_some(f, how, range(a, min(a + each, how.starts)), pool, scale, device)
        for a in range(0, how.starts, each)
    ]
    return torch.cat(done), scale


def _scale(f: ScalarFn, how: Letters, pool: OneHot | None, device: torch.device) -> float:
    """Standard deviation of the target over 256 backgrounds; 1 where there is none."""
    g = _stream(how.seed, "scale")
    rows = _draw(g, 256, 1, how.length, None, pool).background.to(device)
    with torch.no_grad():
        values = torch.cat([f(part) for part in torch.split(rows, how.batch_size)])
    spread = float(values.double().std())
    return spread if spread > FLAT else 1.0


def _optimize_some(
    f: ScalarFn,
    how: Letters,
    starts: range,
    pool: OneHot | None,
    scale: float,
    device: torch.device,
) -> Tensor:
    streams = [_stream(how.seed, "start", i) for i in starts]
    shape = (4, how.width)
    theta = torch.stack([torch.randn(shape, generator=g) for g in streams]).mul(0.5).to(device)
    theta.requires_grad_()
    adam = torch.optim.Adam([theta], lr=0.1)
    for step in range(how.steps):
        noise = [torch.rand(how.samples, *shape, generator=g) for g in streams]
        draws = [_draw(g, how.samples, how.width, how.length, how.at, pool) for g in streams]
        logp = theta.log_softmax(1)  # (s, 4, w)
        letters = _straight_through(logp, torch.stack(noise).to(device))  # (s * samples, 4, w)
        right, mixed = f(_together(draws, device).write(letters)).view(2, len(streams), -1).mean(2)
        bits = (logp.exp() * (logp / math.log(2) + 2)).sum((1, 2))  # against equal letters
        price = how.penalty * min(1, 2 * step / how.steps)  # letters must be found to be priced
        loss = (mixed - right) / scale + price * bits
        adam.zero_grad()
        loss.sum().backward()
        adam.step()
    return theta.detach().softmax(1)


def _straight_through(logp: Tensor, noise: Tensor) -> Tensor:
    """One-hot letters drawn by Gumbel noise; their gradient is that of the softmax."""
    gumbel = -(-noise.clamp(1e-9, 1 - 1e-7).log()).log()
    z = logp[:, None] + gumbel  # (s, samples, 4, w)
    soft = z.softmax(2)
    hard = F.one_hot(z.argmax(2), 4).transpose(2, 3).to(soft)
    return (hard + soft - soft.detach()).flatten(0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Scales:
    """What motifs are weighed with: the target, what is asked, backgrounds, and n draws."""

    f: ScalarFn
    how: Letters
    pool: OneHot | None
    device: torch.device
    n: int = 64

    def gain(self, ppm: Tensor) -> tuple[float, Tensor, float]:
        """Gain of a motif (4, w), the best of n sequences with it, and that one's target.

        The gain is the mean of f(background with letters) - f(with them in another order).
        """
        letters, draw = self._drawn(ppm, self.n)
        rows = draw.write(letters)
        values = self._values(rows)
        best = int(values[: self.n].argmax())
        gain = float((values[: self.n] - values[self.n :]).mean())
        return gain, rows[best].cpu(), float(values[best])

    def rows(self, ppm: Tensor) -> Tensor:
        """(w,) how much the target falls when one letter alone is drawn from equal letters."""
        letters, draw = self._drawn(ppm, self.n // 4)
        n, _, w = letters.shape
        g = _stream(self.how.seed, "rows")
        other = F.one_hot(torch.randint(4, (n, w), generator=g), 4).transpose(1, 2)
        with_one = letters.repeat(w + 1, 1, 1, 1)  # (w + 1, n, 4, w), the last unchanged
        at = torch.arange(w)
        with_one[at, :, :, at] = other.to(letters).permute(2, 0, 1)
        sequences = [draw.write(one)[:n] for one in with_one]
        values = self._values(torch.cat(sequences)).view(w + 1, n).mean(1)
        return values[-1] - values[:-1]

    def _drawn(self, ppm: Tensor, n: int) -> tuple[Tensor, _Draw]:
        how, width = self.how, ppm.shape[1]
        g = _stream(how.seed, "weigh")
        at = None if how.at is None else min(how.at, how.length - width)
        u = torch.rand(n, 1, width, generator=g)
        codes = (u > ppm.cumsum(0)[None, :3]).sum(1)
        letters = F.one_hot(codes, 4).transpose(1, 2).float().to(self.device)
        return letters, _together([_draw(g, n, width, how.length, at, self.pool)], self.device)

    def _values(self, rows: Tensor) -> Tensor:
        with torch.no_grad():
            parts = [self.f(part) for part in torch.split(rows, self.how.batch_size)]
        return torch.cat(parts).double().cpu()


def optimize_dense(f: ScalarFn, how: Letters, *, is_class: bool, device: torch.device) -> Tensor:
    """X (starts, 4, length) of least NLL(+ | X) + penalty * ||X||^2, as published.

    The likelihood is that of the sigmoid of f; of what is no class score, -f takes its place.
    """
    each = [_stream(how.seed, "dense", i) for i in range(how.starts)]
    start = [torch.rand(4, how.length, generator=g) for g in each]
    return torch.cat(
        [
            _descend(f, part.to(device), how, is_class)
            for part in torch.split(torch.stack(start), how.batch_size)
        ]
    )


def _descend(f: ScalarFn, x: Tensor, how: Letters, is_class: bool) -> Tensor:
    x = x.requires_grad_()
    rms = torch.optim.RMSprop([x], lr=0.05, alpha=0.99, eps=1e-8)
    for _ in range(how.steps):
        value = f(x)
        loss = (F.softplus(-value) if is_class else -value).sum() + how.penalty * x.square().sum()
        rms.zero_grad()
        torch.autograd.backward(loss)
        rms.step()
    return x.detach()


def _stream(seed: int, *keys: int | str) -> torch.Generator:
    return torch.Generator().manual_seed(derive(seed, "class optimization", *keys))
