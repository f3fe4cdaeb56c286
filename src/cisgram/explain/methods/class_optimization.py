"""Class optimization: the letters that a class, a contrast or a neuron wants to see."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram import motifs
from cisgram.core.checks import check_onehot, check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.types import OneHot, ScalarFn
from cisgram.explain.base import METHODS, Target, plain_options, scalar
from cisgram.explain.optimize import (
    Letters,
    Optimum,
    Scales,
    of_neuron,
    optimize_dense,
    optimize_letters,
)
from cisgram.models.state import device_of, untouched
from cisgram.motifs import Motif, MotifSet


@dataclass(frozen=True, slots=True)
class Usual:
    """What a mode does where nothing is said."""

    starts: int
    steps: int
    penalty: float


MODES = {"letters": Usual(8, 150, 0.05), "published": Usual(1, 1000, 0.009)}
ORIGIN = "class optimization"
ALIKE = 0.7  # mean similarity within one motif
INFORMATIVE = 0.5  # bits that a row at a motif's end must have
EVIDENT = 0.1  # share of the strongest row's evidence that a row must have


@METHODS.register(
    gives="optimum", needs="gradients", complete=False, signed=False, cite="lanchantin2017"
)
def class_optimization(
    model: nn.Module,
    length: int,
    *,
    target: Target | None = None,
    layer: str | None = None,
    neuron: int | None = None,
    mode: str = "letters",
    width: int = 16,
    starts: int | None = None,
    steps: int | None = None,
    samples: int = 4,
    penalty: float | None = None,
    background: OneHot | None = None,
    at: int | None = None,
    batch_size: int = 256,
    seed: int = 0,
) -> Optimum:
    r"""Letters that raise the target most, as motifs with the strongest first.

    With f the target, P the letter probabilities (4, width) of one start, b a background, m
    letters drawn from P and s(m) the same letters in another order:

    .. math:: \max_P \; E_{b, m} [f(b + m) - f(b + s(m))] / \sigma_f - \lambda \, bits(P)

    The letters are written at a place drawn anew each time, so that no edge and no frame matters;
    the letters in another order take away what mere composition does; the price of each bit lets
    positions that do nothing go back to equal letters. Gradients pass the drawing of letters
    straight through (Gumbel-softmax), so the model sees only sequences. Starts that ended alike,
    on either strand, are averaged into one motif, without the rows whose loss costs the target
    less than a tenth of what the strongest row's does.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    length
        Of the sequences that the model reads, bp.
    target
        Column of the output, or a function of the output giving one number a sequence: a contrast
        is ``lambda y: y[:, 0] - y[:, 1]``. May be left out only for a single output.
    layer, neuron
        Instead of an output, a neuron: a module's path as in ``model.named_modules()`` and the
        number of its unit. Its target is its largest activation before the nonlinearity.
    mode
        ``letters``: as above. ``published``: dense and unconstrained X (4, length) of least
        ``softplus(-f(X)) + penalty * ||X||^2`` (of a neuron: ``-f(X)`` instead); then clamped to
        0..1, divided by its maximum, 0.01 added, columns divided by their sums. ``width`` is the
        length there; ``samples``, ``background`` and ``at`` are refused.
    width
        Letters that are optimized together, bp; no more than ``length``.
    starts
        Random starts, which run at once. Default 8; ``published`` 1.
    steps
        Default 150; ``published`` 1,000.
    samples
        Sequences drawn for each start in each step.
    penalty
        Price of a bit, in standard deviations of f over backgrounds, which it reaches after half
        of the steps; default 0.05. In mode ``published`` the factor of ||X||^2; default 0.009.
    background
        (n, 4, length) sequences that the letters are written into; default: random letters,
        equally likely.
    at
        Where the letters are written, bp from 0; default: anywhere.
    batch_size
        Sequences run at once; the result does not depend on it beyond rounding.
    seed
        Each start depends on this and on its own number alone.

    Returns
    -------
    Optimum
        Motifs with their gains, and what each start ended with.

    Raises
    ------
    InputError
        When the target, layer, neuron or an option does not fit.

    References
    ----------
    .. [1] Lanchantin J, Singh R, Wang B, Qi Y (2017). Deep Motif Dashboard. PSB 22:254-265,
       section 3.3. The sign of the penalty is that of their code (equation 7 prints a plus), with
       RMSprop (0.05, alpha 0.99, eps 1e-8), as there.
    .. [2] Jang E, Gu S, Poole B (2017). Categorical reparameterization with Gumbel-softmax. ICLR.
    .. [3] Linder J, Seelig G (2021). Fast activation maximization for molecular sequence design.
       BMC Bioinformatics 22:510. Straight-through letters.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> conv = torch.nn.Conv1d(4, 1, 7, bias=False)  # 1 for each letter that fits
    >>> _ = conv.weight.data.copy_(encode(["TGACTCA"]))
    >>> net = torch.nn.Sequential(conv, torch.nn.AdaptiveMaxPool1d(1), torch.nn.Flatten())
    >>> found = class_optimization(net, 30, width=9, starts=2)
    >>> found.motifs[0].consensus, found.values.max().item()
    ('TGACTCA', 7.0)
    """
    if mode not in MODES:
        what = "mode of class optimization"
        raise unknown(what, mode, MODES)
    usual = MODES[mode]
    how = Letters(
        length=length,
        width=min(width, length) if mode == "letters" else length,
        starts=usual.starts if starts is None else starts,
        steps=usual.steps if steps is None else steps,
        samples=samples,
        penalty=usual.penalty if penalty is None else penalty,
        at=at,
        seed=seed,
        batch_size=batch_size,
    )
    if mode == "published":
        _refuse(samples=samples != 4, background=background is not None, at=at is not None)
    _check(how)
    if (layer is None) != (neuron is None) or (layer is not None and target is not None):
        msg = "Give a target, or a layer together with a neuron of it."
        raise InputError(msg)
    options = plain_options(target=target, layer=layer, neuron=neuron, mode=mode) | asdict(how)
    with torch.inference_mode(mode=False), untouched(model), torch.enable_grad():
        f = scalar(model, target)
        if layer is not None and neuron is not None:
            f = of_neuron(model, layer, neuron, length=length)
        device = device_of(model)
        if mode == "published":
            return _published(f, how, is_class=layer is None, device=device, options=options)
        pool = None if background is None else _fitting(background, length)
        letters, scale = optimize_letters(f, how, pool, device)
        return _merged(f, letters.cpu(), how, pool, device, options | {"scale": scale})


def _check(how: Letters) -> None:
    for name in ("length", "width", "starts", "steps", "samples", "batch_size"):
        check_positive(getattr(how, name), name=name)
    if not 0 <= how.penalty < float("inf"):
        msg = f"penalty must be a number from 0; got {how.penalty!r}."
        raise InputError(msg)
    last = how.length - how.width
    if how.at is not None and not 0 <= how.at <= last:
        msg = f"{how.width} letters of {how.length} can begin at 0 to {last}; got at={how.at!r}."
        raise InputError(msg)


def _refuse(**given: bool) -> None:
    """Refuse options of the letters where X is dense."""
    for name, is_given in given.items():
        if is_given:
            msg = f"{name} belongs to mode='letters'; mode='published' has no such option."
            raise InputError(msg)


def _fitting(background: OneHot, length: int) -> OneHot:
    check_onehot(background)
    if len(background) == 0 or background.shape[2] != length:
        msg = f"background must be (n, 4, {length}); got {tuple(background.shape)}."
        raise InputError(msg)
    return background.float().cpu()


def _published(
    f: ScalarFn, how: Letters, *, is_class: bool, device: torch.device, options: dict[str, Any]
) -> Optimum:
    x = optimize_dense(f, how, is_class=is_class, device=device)
    with torch.no_grad():
        gains = (f(x) - f(torch.zeros_like(x[:1]))).cpu()
        best = F.one_hot(x.argmax(1), 4).transpose(1, 2).float()
        values = f(best).cpu()
    shares = x.cpu().double().clamp(0, 1)
    shares = shares / shares.amax((1, 2), keepdim=True).clamp(min=1e-9) + 0.01
    order = gains.argsort(descending=True, stable=True)
    found = [
        Motif((shares[i] / shares[i].sum(0)).numpy(), f"optimum_{k}", n_sites=1.0, origin=ORIGIN)
        for k, i in enumerate(order.tolist(), 1)
    ]
    return Optimum(
        motifs=MotifSet(found, ORIGIN),
        gains=gains[order],
        labels=order.argsort(),
        letters=x.cpu(),
        sequences=best.cpu(),
        values=values,
        options=options,
    )


def _merged(
    f: ScalarFn,
    letters: Tensor,
    how: Letters,
    pool: OneHot | None,
    device: torch.device,
    options: dict[str, Any],
) -> Optimum:
    """Starts that ended alike as one motif; each motif and each start weighed alone."""
    scales = Scales(f, how, pool, device)
    weighed = [scales.gain(ppm) for ppm in letters]
    single = [_trimmed(ppm, scales.rows(ppm), f"start_{i}") for i, ppm in enumerate(letters)]
    kept = [
        i
        for i, (gain, _, _) in enumerate(weighed)
        if gain > 0 and single[i].information.max() >= INFORMATIVE
    ]
    labels = torch.full((len(letters),), -1)
    found: list[Motif] = []
    gains = torch.zeros(0)
    if kept:
        groups = motifs.cluster([single[i] for i in kept], threshold=ALIKE)
        merged = [m.trimmed(min_information=INFORMATIVE) for m in groups.motifs]
        gain = [scales.gain(torch.tensor(m.ppm[:, : how.length]))[0] for m in merged]
        order = np.argsort(gain, kind="stable")[::-1]
        gains = torch.tensor([gain[k] for k in order])
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        labels[kept] = torch.from_numpy(place[groups.labels])
        found = [
            Motif(merged[k].ppm, f"optimum_{i}", n_sites=float(n), origin=ORIGIN)
            for i, (k, n) in enumerate(
                zip(order, np.bincount(groups.labels)[order], strict=True), 1
            )
        ]
    return Optimum(
        motifs=MotifSet(found, ORIGIN),
        gains=gains,
        labels=labels,
        letters=letters,
        sequences=torch.stack([best for _, best, _ in weighed]),
        values=torch.tensor([value for _, _, value in weighed]),
        options=options,
    )


def _trimmed(ppm: Tensor, evidence: Tensor, name: str) -> Motif:
    """A start's letters; rows of low evidence are equal letters, and cut off at the ends."""
    low = evidence < EVIDENT * evidence.max().clamp(min=0)
    rows = torch.where(low, 0.25, ppm.double())
    return Motif(rows.numpy(), name).trimmed(min_information=INFORMATIVE)
