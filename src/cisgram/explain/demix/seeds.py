"""Windows to start a neuron's search from, put together of what the layer below has learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.explain.demix.demix import DemixedNeuron
from cisgram.explain.demix.neurons import Layer
from cisgram.explain.demix.positions import argument
from cisgram.explain.demix.reader import Codes
from cisgram.explain.demix.window import below
from cisgram.models.graph import Operation

Floats = NDArray[np.float64]

CORE = 1.0  # bits of a position that belongs to the core of a facet
LEAST = 4  # such positions of a core
STEPS = 20  # equal steps of weight that are drawn from alike


@dataclass(frozen=True, slots=True, eq=False)
class Facet:
    """One of the ways to activate a neuron of the layer below.

    Attributes
    ----------
    neuron
        Its channel.
    letters
        (width,) codes of its consensus.
    core
        First and last + 1 position that other facets may not overwrite; None without a core.
    activation
        The highest value that windows of this kind reach.
    """

    neuron: int
    letters: Codes
    core: tuple[int, int] | None
    activation: float

    @classmethod
    def of(cls, neuron: int, ppm: Floats, activation: float, consensus: float) -> Facet:
        """From a leaf's profile (4, width), its highest value, and that of its consensus."""
        with np.errstate(divide="ignore", invalid="ignore"):
            bits = 2 + np.where(ppm > 0, ppm * np.log2(ppm), 0).sum(0)
        marked = np.flatnonzero(bits > CORE)
        has_core = len(marked) >= LEAST and consensus > 0
        core = (int(marked[0]), int(marked[-1]) + 1) if has_core else None
        return cls(neuron, ppm.argmax(0).astype(np.uint8), core, activation)


def facets(found: Sequence[DemixedNeuron]) -> list[Facet]:
    """The leaves of demixed neurons of a layer, to start the layer above from."""
    return [
        Facet.of(d.neuron, leaf.ppm, leaf.activation, leaf.consensus_activation)
        for d in found
        for leaf in d.leaves
    ]


def layer_below(found: Sequence[Layer], layer: Layer) -> Layer:
    """The layer whose map a layer's convolution reads.

    Raises
    ------
    InputError
        When it reads the letters, or is no convolution.
    """
    graph = layer.window.graph
    at, _ = _source(layer)
    under = below(graph, graph.operations[at].inputs[0])
    inside = [v for v in found if v.name != "output" and v.window.tap.operation in under]
    if not inside:
        msg = f"{layer.name} reads the letters: there is no layer below it to start from."
        raise InputError(msg)
    return max(inside, key=lambda v: v.window.tap.operation)


def seeds(
    layer: Layer, neuron: int, lower: Layer, known: Sequence[Facet], *, n: int, seed: int = 0
) -> Codes:
    """(n, width) windows that hold facets of the layer below where a neuron has weight for them.

    For each window as many places (position of the lower map, channel) are drawn as the pool
    between the layers has positions, in proportion to the weight times the channel's highest
    value, in which 20 equal steps of this product count alike. At each the first facet of the
    channel, in random order, whose core meets no other is written out over all letters that no
    core holds, at a random position of the pooling window.

    Parameters
    ----------
    layer, neuron
        Which neuron is to be searched.
    lower
        The layer whose map it reads (`layer_below`).
    known
        Of the lower layer's neurons (`facets`).
    n
        Number of windows.
    seed
        Of all that is drawn.

    Returns
    -------
    ndarray
        Codes; (0, width) where the neuron has no positive weight for any facet: it has nothing
        to start from.

    References
    ----------
    Wei et al. 2023, NeuronMotif. Differences from the authors' code: the weights carry the sign
    and scale of the norm behind them, each channel is weighted by its own highest value, and
    a neuron with few positive weights is no error.
    """
    rng = generator(seed, f"seeds of {layer.name} {neuron}")
    weight, step, slack = _weights(layer, lower, neuron)  # (channels, positions)
    by_channel: dict[int, list[Facet]] = {}
    for p in known:
        by_channel.setdefault(p.neuron, []).append(p)
    highest = np.zeros(len(weight))
    for channel, own in by_channel.items():
        highest[channel] = max(p.activation for p in own)
    score = (weight * highest[:, None]).ravel()
    places = np.flatnonzero(score > 0)
    if not len(places):
        return np.empty((0, layer.width), dtype=np.uint8)
    share = _level(score[places])
    codes = rng.integers(0, 4, (n, layer.width), dtype=np.uint8)
    k = min(max(slack, 1), len(places))
    for row in codes:
        held = np.zeros(layer.width, dtype=bool)
        for place in rng.choice(places, k, replace=False, p=share):
            channel, position = divmod(int(place), weight.shape[1])
            start = position * step + lower.stride * int(rng.integers(max(slack, 1)))
            own = by_channel[channel]
            _write(row, held, [own[i] for i in rng.permutation(len(own))], start)
    return codes


def _write(row: Codes, held: NDArray[np.bool_], tried: Sequence[Facet], start: int) -> None:
    """The first facet whose core is free, at a start in the window; cut at its end."""
    for facet in tried:
        letters = facet.letters[: len(row) - start]
        if facet.core is not None:
            a, b = (start + c for c in facet.core)
            if held[a:b].any():
                continue
        free = ~held[start : start + len(letters)]
        row[start : start + len(letters)][free] = letters[free]
        if facet.core is not None:
            held[a:b] = True
        return


def _level(score: Floats) -> Floats:
    """Probabilities in which equal steps of the score count alike, in proportion within a step.

    A step without scores hands its share to the next higher one that has some.

    Examples
    --------
    >>> _level(np.array([1.0, 20.0, 20.0])).round(3).tolist()
    [0.05, 0.475, 0.475]
    """
    step = np.minimum(np.ceil(score / score.max() * STEPS).astype(np.int64), STEPS) - 1
    mass = np.zeros(STEPS)
    filled = np.unique(step)
    for i in range(STEPS):
        mass[filled[filled >= i][0]] += 1 / STEPS
    total = np.bincount(step, score, minlength=STEPS)
    share = mass[step] * score / total[step]
    out: Floats = share / share.sum()
    return out


def _weights(layer: Layer, lower: Layer, neuron: int) -> tuple[Floats, int, int]:
    """A neuron's weights (channels, positions), base pairs a position, positions of a pool."""
    graph = layer.window.graph
    at, norms = _source(layer)
    operation = graph.operations[at]
    weight = argument(operation, "weight")
    if not isinstance(weight, Tensor) or argument(operation, "groups") != 1:
        msg = f"{layer.name} is no plain convolution, so its search cannot start from below."
        raise InputError(msg)
    own = weight[neuron].detach().double().cpu().numpy()
    own = own.reshape(len(own), -1)
    for norm in norms:
        gain = argument(norm, "weight")
        own = own if gain is None else own * np.sign(gain[neuron].item())
    dilation, stride = (int(argument(operation, a)[-1]) for a in ("dilation", "stride"))
    step = layer.stride // stride
    return own, step * dilation, step // lower.stride


def _source(layer: Layer) -> tuple[int, list[Operation]]:
    """The operation of a layer's convolution, and the norms between it and the tap."""
    graph, at = layer.window.graph, layer.window.tap.operation
    norms = []
    while graph.operations[at].name != "convolution":
        operation = graph.operations[at]
        if layer.name == "output" or not operation.inputs:
            msg = f"{layer.name} is no convolution, so its search cannot start from below."
            raise InputError(msg)
        if "batch_norm" in operation.name:
            norms.append(operation)
        at = operation.inputs[0].operation
    return at, norms
