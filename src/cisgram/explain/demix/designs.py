"""Sequences designed from a neuron's syntax, read back beside random and searched ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram.core.checks import check_positive
from cisgram.core.seeds import generator
from cisgram.explain.demix.blueprint import Blueprint, blueprints, shifted, written
from cisgram.explain.demix.demix import DemixedNeuron
from cisgram.explain.demix.neurons import Layer
from cisgram.explain.demix.reader import Codes, Reader, affordable, cost, reader
from cisgram.explain.demix.record import number
from cisgram.explain.demix.sample import SampleOptions
from cisgram.explain.demix.search import sample
from cisgram.explain.demix.syntax import Syntax
from cisgram.explain.demix.window import multiplications
from cisgram.seq.alphabet import from_codes, one_hot, to_codes

Output = Callable[[torch.Tensor], torch.Tensor]

BACKGROUNDS = 100
CHOICE = 32  # backgrounds on which the combination is chosen, none of them used again
FEWEST = 20, 6  # of both, where a neuron is dear
BATCH = 256
NEAR = 0.9  # share of the highest value from which a window counts as found by the search
CONTROLS = ("gaps", "order", "strand")
KINDS = ("background", *CONTROLS, "designed", "leaf", "search", "output_search")
"""What is read back, see `Design`."""
SEARCH = SampleOptions(population=100, rounds=40, normalized=True, step=0.3)
"""Of the search for what excites the model's output."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of values, and an interval that holds the true one with 95 % or more.

    Of fewer than six values no interval does; theirs is their range.

    Attributes
    ----------
    median, low, high
        The interval's ends are values themselves, by their rank (binomial, free of any form).
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Sequences designed from what a neuron has learned, and what they do.

    Attributes
    ----------
    plan
        The motifs, their letters and their places.
    neuron
        By kind, the neuron's value over random backgrounds, the same for every kind.

        ``background``: random bases alone. ``designed``: the motifs' consensus at places that
        leaves have. ``gaps``: in the same order at distances that none of the neuron's sequences
        has (a single motif: at such starts). ``order``: with the same bases between them, in
        another order. ``strand``: at the same places, on the other strand. A control that the
        motifs do not allow is absent. ``leaf``: the window is the consensus of the leaf with the
        highest consensus activation. ``search``: the windows that the search by gradient found
        and that reach nine tenths of the highest value, the best ones first.
    output
        The same of the model's output, with the window in its place in random sequences; and
        ``output_search``: whole sequences that a search by the output's gradient found. Empty
        where it was not asked.
    share
        The median of ``designed`` over the neuron's highest value found.
    n
        Backgrounds. A model that is dear is run on the first of them only, at least 20.
    """

    plan: Blueprint
    neuron: Mapping[str, Spread]
    output: Mapping[str, Spread]
    share: float
    n: int

    @property
    def beaten(self) -> tuple[str, ...]:
        """Controls, and the background, whose interval lies wholly below that of the designed."""
        own = self.neuron["designed"].low
        asked = [k for k in ("background", *CONTROLS) if k in self.neuron]
        return tuple(k for k in asked if self.neuron[k].high < own)


def designed(
    layer: Layer,
    neuron: int,
    found: DemixedNeuron,
    grammar: Syntax,
    *,
    output: Output | None = None,
    driven: Codes | None = None,
    backgrounds: int | None = None,
    read: Reader | None = None,
    seed: int = 0,
) -> Design | None:
    """Sequences from a neuron's syntax, read back beside controls and searched ones.

    Of all runs of motifs that edges which hold join, the one whose sequences excite the neuron
    most is designed from (median over backgrounds that are not used again).

    Parameters
    ----------
    layer, neuron
        Which neuron.
    found, grammar
        It demixed, and its syntax.
    output
        The model's output, (n, 4, length) -> (n,).
    driven
        (m, length) sequences that a search by the output's gradient found (`output_search`).
    backgrounds
        Random sequences that everything is written into; default 100, and fewer where a neuron
        is dear (`reader.affordable`).
    read
        How to read the neurons; default `reader` of the layer's window.
    seed
        Of all that is drawn.

    Returns
    -------
    Design or None
        None where the neuron has no motif that could be placed.

    Raises
    ------
    InputError
        When ``backgrounds`` is not positive.
    """
    own_cost = cost(layer.window)
    n = affordable(own_cost, BACKGROUNDS, FEWEST[0]) if backgrounds is None else backgrounds
    choice = affordable(own_cost, CHOICE, FEWEST[1])
    check_positive(n, name="backgrounds")
    rng = generator(seed, f"designs of {layer.name} {neuron}")
    plans = blueprints(grammar, found.motifs, layer.width, rng)
    if not plans:
        return None
    own = read if read is not None else reader(layer.window)
    at = _Place(layer, neuron, output, own)
    first = rng.integers(0, 4, (choice, at.length), dtype=np.uint8)
    tried = [np.median(at.value(at.put(first, p, p.drawn(choice, rng)))) for p in plans]
    plan = plans[int(np.argmax(tried))]
    base = rng.integers(0, 4, (n, at.length), dtype=np.uint8)
    made = _made(at, plan, base, rng) | _compared(at, found, base)
    values = {k: spread(at.value(codes)) for k, codes in made.items()}
    few = min(n, affordable(at.cost_of_output, BACKGROUNDS, FEWEST[0]))
    outputs = {k: spread(at.out(codes[:few])) for k, codes in made.items()} if output else {}
    if output is not None and driven is not None and len(driven):
        outputs["output_search"] = spread(at.out(driven))
    share = values["designed"].median / found.max_activation
    return Design(plan, values, outputs, share, n)


def designed_sequences(
    layer: Layer,
    neuron: int,
    plan: Blueprint,
    *,
    n: int,
    output: Output | None = None,
    seed: int = 0,
) -> tuple[Codes, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Designed sequences of the model's length, with what they are and do.

    The first sequences are the same however many are asked for.

    Returns
    -------
    codes (n, length), starts (n, slots), values (n,), outputs (n,)
        Starts are positions in the sequence; outputs are NaN where ``output`` is not given.
    """
    check_positive(n, name="n")
    at = _Place(layer, neuron, output, reader(layer.window))
    bases = generator(seed, f"bases of designs of {layer.name} {neuron}")
    places = generator(seed, f"places of designs of {layer.name} {neuron}")
    base = bases.integers(0, 4, (n, at.length), dtype=np.uint8)
    starts = plan.drawn(n, places)
    codes = at.put(base, plan, starts)
    out = at.out(codes) if output is not None else np.full(n, np.nan)
    return codes, starts + layer.window.start, at.value(codes), out


def output_search(layer: Layer, column: int, *, n: int = BACKGROUNDS, seed: int = 0) -> Codes:
    """(m, length) the sequences, at most ``n``, that excite an output most, by its gradient.

    The search of `sample` over whole sequences, in a smaller population. Of an ensemble or a
    two-strand mean, the model inside is searched (as in `layers`).

    Parameters
    ----------
    layer
        The layer ``output``.
    column
        Which output.
    n
        How many.
    seed
        Of the search.
    """
    (found,) = sample(
        layer.window, [column], options=SEARCH, threshold=-np.inf, seed=seed
    )  # an output may be negative everywhere
    return found.codes[np.argsort(-found.value, kind="stable")[:n]]


def spread(values: NDArray[np.floating[Any]]) -> Spread:
    """Median of values (n,) and its interval.

    Examples
    --------
    >>> spread(np.arange(100.0))
    Spread(median=49.5, low=39.0, high=60.0)
    """
    from scipy.stats import binom  # half a second that not every command needs

    v = np.sort(np.asarray(values, dtype=np.float64))
    k = max(1, int(binom.ppf(0.025, len(v), 0.5)))
    return Spread(float(np.median(v)), float(v[k - 1]), float(v[len(v) - k]))


def plain_design(design: Design | None, names: Sequence[str]) -> dict[str, Any] | None:
    """A design as dictionaries, lists, strings and numbers; each spread as [median, low, high]."""
    if design is None:
        return None
    plan = design.plan
    return {
        "slots": [[names[m], strand] for m, strand in plan.slots],
        "letters": [from_codes(one[None])[0] for one in plan.letters],
        "places": [
            [row, n] for row, n in zip(plan.starts.tolist(), plan.weight.tolist(), strict=True)
        ],
        "seen": [sorted(own) for own in plan.seen],
        "n": design.n,
        "share": number(design.share),
        "beaten": list(design.beaten),
        **{
            what: {
                k: [number(v) for v in (s.median, s.low, s.high)]
                for k, s in sorted(own.items(), key=lambda item: KINDS.index(item[0]))
            }
            for what, own in (("neuron", design.neuron), ("output", design.output))
        },
    }


def plan_of(value: Mapping[str, Any], names: Sequence[str], width: int) -> Blueprint:
    """The plan of `plain_design`'s dictionary, for a window of ``width`` bp."""
    return Blueprint(
        tuple((list(names).index(name), str(strand)) for name, strand in value["slots"]),
        tuple(to_codes([letters])[0] for letters in value["letters"]),
        np.array([row for row, _ in value["places"]], dtype=np.int64),
        np.array([n for _, n in value["places"]], dtype=np.int64),
        tuple(frozenset(own) for own in value["seen"]),
        width,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Writes into whole sequences, and reads the neuron and the output there."""

    layer: Layer
    neuron: int
    output: Output | None
    read: Reader

    @property
    def length(self) -> int:
        return int(self.layer.window.graph.x.shape[2])

    @property
    def cost_of_output(self) -> int:
        """Multiplications of the model on one sequence; 0 where it is not asked."""
        if self.output is None:
            return 0
        output, x = self.output, torch.zeros_like(self.layer.window.graph.x[:1])
        return multiplications(lambda: output(x))

    def put(self, base: Codes, plan: Blueprint, starts: NDArray[np.int64]) -> Codes:
        """The plan's letters at starts in the window, in whole sequences."""
        return written(base, starts + self.layer.window.start, plan.letters)

    def window(self, base: Codes, own: Codes) -> Codes:
        """Whole sequences with these windows (1 or n, width)."""
        out = base.copy()
        start = self.layer.window.start
        out[:, start : start + self.layer.width] = own
        return out

    def value(self, codes: Codes) -> NDArray[np.float64]:
        start = self.layer.window.start
        own = np.ascontiguousarray(codes[:, start : start + self.layer.width])
        return self.read.values(own, [self.neuron])[:, 0].astype(np.float64)

    def out(self, codes: Codes) -> NDArray[np.float64]:
        if self.output is None:
            return np.empty(0)
        device = self.layer.window.graph.x.device
        with torch.no_grad():
            parts = [
                self.output(one_hot(torch.from_numpy(codes[i : i + BATCH]).to(device)))
                for i in range(0, len(codes), BATCH)
            ]
        return torch.cat(parts).double().cpu().numpy()


def _made(at: _Place, plan: Blueprint, base: Codes, rng: np.random.Generator) -> dict[str, Codes]:
    """The background, the designed sequences and their controls."""
    n = len(base)
    starts = plan.drawn(n, rng)
    made = {"background": base, "designed": at.put(base, plan, starts)}
    forbidden = plan.forbidden(n, rng)
    if forbidden is not None:
        made["gaps"] = at.put(base, plan, forbidden)
    order = plan.reordered()
    if order is not None:
        other = replace(plan, letters=tuple(plan.letters[j] for j in order))
        made["order"] = at.put(base, other, shifted(plan, starts, order))
    turned = plan.turned()
    if turned is not None:
        made["strand"] = at.put(base, replace(plan, letters=turned), starts)
    return made


def _compared(at: _Place, found: DemixedNeuron, base: Codes) -> dict[str, Codes]:
    """The best leaf's consensus, and the windows with the highest values, in their place."""
    best = max(found.leaves, key=lambda leaf: leaf.consensus_activation)
    value = found.sample.value
    near = int((value >= NEAR * value.max()).sum())
    order = np.argsort(-value, kind="stable")[: min(near, len(base))]
    top = found.sample.codes[np.resize(order, len(base))]
    return {
        "leaf": at.window(base, best.ppm.argmax(0).astype(np.uint8)[None]),
        "search": at.window(base, top),
    }
