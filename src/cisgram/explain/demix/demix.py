"""Demix a neuron: from its layer and number to leaves, motifs, controls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.seeds import generator
from cisgram.explain.demix.fidelity import MOST, Fidelity, fidelity
from cisgram.explain.demix.leaves import Leaf, Word, divided, leaves_of, words
from cisgram.explain.demix.neurons import Layer, check_neuron, find_layer, layers
from cisgram.explain.demix.reader import DEAR, Codes, Reader, affordable, cost, reader
from cisgram.explain.demix.sample import Sample, SampleOptions
from cisgram.explain.demix.search import COUNTED, sample
from cisgram.explain.demix.split import VARIANTS, Node, maps_of, parts_of, split
from cisgram.models.probe import core
from cisgram.models.state import untouched

Start: TypeAlias = Codes | Callable[[int], Codes]
TOGETHER = 8  # neurons whose samples are held at once where all windows are counted
FEWEST = 1000  # windows of which a dear neuron's fidelity is asked at least


@dataclass(frozen=True, slots=True, eq=False)
class DemixedNeuron:
    """What one neuron has learned.

    Attributes
    ----------
    layer, neuron
        Which one.
    width
        Its receptive field in bp.
    leaves
        The ways to activate it, the largest first.
    motifs
        Its dictionary: blocks of the leaves, merged over shifts, the largest share of the
        activation first. At most twelve, each in leaves that have 5 % of it or more.
    tree
        How the sample was taken apart, with the gain of every split.
    parts
        Number of parts that shift on their own (NeuronMotif's m).
    control_ratio
        Median ratio of random leaves of the same sizes.
    fidelity
        How much of the neuron the leaves explain; None where nothing activates it.
    sample
        The windows that activate it.
    tail
        Motifs beside the dictionary, each rare: blocks that are merged likewise.
    """

    layer: str
    neuron: int
    width: int
    leaves: tuple[Leaf, ...]
    motifs: tuple[Word, ...]
    tree: Node
    parts: int
    control_ratio: float
    fidelity: Fidelity | None
    sample: Sample = field(repr=False)
    tail: tuple[Word, ...] = ()

    @property
    def n_kept(self) -> int:
        """Number of distinct windows that activate it."""
        return len(self.sample.value)

    @property
    def max_activation(self) -> float:
        """Its highest value found; NaN for a dead neuron."""
        return float(self.sample.value.max()) if self.n_kept else math.nan

    @property
    def ratio(self) -> float:
        """Median over leaves of consensus activation over highest value."""
        return float(np.median([leaf.ratio for leaf in self.leaves])) if self.leaves else math.nan


def demix(
    model: nn.Module,
    *,
    layer: str | None = None,
    neuron: int = 0,
    length: int = 1000,
    by: str = "rectified",
    parts: int | None = None,
    start: Codes | None = None,
    options: SampleOptions | None = None,
    seed: int = 0,
) -> DemixedNeuron:
    """Motifs of one neuron, demixed layer by layer from deep to shallow.

    Parameters
    ----------
    model
        Any network whose neurons are built of convolutions; maps (n, 4, length) to (n, t). Left
        as it was.
    layer
        Name (``conv3``), or path of a convolution's module; default the last convolution.
    neuron
        Channel of the layer.
    length
        Length of the model's sequences in bp; where neurons see less than this, it does not
        matter.
    by
        ``rectified``: maps after the nonlinearity, splits that help to describe held-out
        sequences; ``published``: as NeuronMotif.
    parts
        Number of parts of the motif that shift on their own, m of NeuronMotif; default as many
        as each bring at least half as much as the first.
    start
        (m, width) windows to start the search from: real ones, or `seeds` from the layer below.
    options
        Of the search for windows that activate the neuron.
    seed
        Of everything that is drawn.

    Returns
    -------
    DemixedNeuron

    Raises
    ------
    NoFiltersError
        When the model runs no convolution.
    UnknownName
        When there is no such layer.
    InputError
        When there is no such neuron, or an option is out of range.

    References
    ----------
    Wei Z et al. (2023). NeuronMotif. PNAS 120:e2216698120. Differences from the authors' code:
    the map is rectified and splits are checked (``by="published"`` is theirs), information is
    in bits, segments are merged over shifts, controls stand beside every figure.
    """
    found = layers(model, length=length, seed=seed)
    return demix_layer(
        model,
        find_layer(found, layer),
        [neuron],
        by=by,
        parts=parts,
        start=start,
        options=options,
        seed=seed,
    )[0]


def demix_layer(
    model: nn.Module,
    layer: Layer,
    neurons: Sequence[int],
    *,
    by: str = "rectified",
    parts: int | None = None,
    start: Codes | None = None,
    options: SampleOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> list[DemixedNeuron]:
    """`demix` for several neurons of a layer."""
    found = []
    for one in demix_each(
        model, layer, neurons, by=by, parts=parts, start=start, options=options, seed=seed
    ):
        found.append(one)
        if progress is not None:
            progress(len(found), len(neurons))
    return found


def demix_each(
    model: nn.Module,
    layer: Layer,
    neurons: Sequence[int],
    *,
    by: str = "rectified",
    parts: int | None = None,
    start: Start | None = None,
    options: SampleOptions | None = None,
    read: Reader | None = None,
    seed: int = 0,
) -> Iterator[DemixedNeuron]:
    """`demix` for neurons of a layer one after the other, each given as soon as it is done.

    What they share is done once for all or for a few of them; none depends on the others.
    ``start`` may also be a function of the neuron; ``read`` is how the neurons are read, by
    default `reader` of the layer's window.
    """
    how = options or SampleOptions()
    _check(layer, neurons, by, parts)
    with untouched(core(model)):
        read = read or reader(layer.window, batch_size=how.batch_size)
        is_dear = cost(layer.window) > DEAR and by != "published"
        kept = [level.entering for level in layer.levels] if is_dear else []
        together = TOGETHER if layer.width <= COUNTED else 1
        for i in range(0, len(neurons), together):
            some = neurons[i : i + together]
            samples = sample(
                layer.window,
                some,
                stride=layer.stride,
                options=how,
                start=_begun(layer, start, some),
                read=read,
                wanted=kept,
                seed=seed,
            )
            for k, s in zip(some, samples, strict=True):
                yield _demixed(layer, read, k, s, by=by, parts=parts, how=how, seed=seed)


def _begun(layer: Layer, start: Start | None, neurons: Sequence[int]) -> Codes | None:
    """The windows that a block of neurons starts from: of one neuron where they are its own."""
    if callable(start) and layer.width <= COUNTED:
        return None  # all windows are counted
    given = start(neurons[0]) if callable(start) else start
    if given is not None and (given.ndim != 2 or given.shape[1] != layer.width):
        msg = f"start must be codes of shape (m, {layer.width}); got {given.shape}."
        raise InputError(msg)
    return given


def _check(layer: Layer, neurons: Sequence[int], by: str, parts: int | None) -> None:
    if by not in VARIANTS:
        what = "variant of demixing"
        raise unknown(what, by, VARIANTS)
    if parts is not None:
        check_positive(parts, name="parts")
        if parts > layer.width:
            msg = (
                f"parts must be from 1 to {layer.width}, the bp that a neuron of {layer.name} "
                f"reads; got {parts}."
            )
            raise InputError(msg)
    for k in neurons:
        check_neuron(layer, k)


def _demixed(
    layer: Layer,
    read: Reader,
    neuron: int,
    s: Sample,
    *,
    by: str,
    parts: int | None,
    how: SampleOptions,
    seed: int,
) -> DemixedNeuron:
    if not len(s.value):
        nothing = Node(np.empty(0, dtype=np.int64))
        return DemixedNeuron(
            layer.name, neuron, layer.width, (), (), nothing, parts or 1, math.nan, None, s
        )
    maps = s.maps if s.maps is not None else maps_of(s, layer.levels, read, by=by, seed=seed)
    rectified = maps if by != "published" else maps_of(s, layer.levels[:1], read, seed=seed)
    m = parts or (parts_of(s, layer.levels, rectified[0], seed=seed) if maps else 1)
    tree = split(s, layer.levels, maps, by=by, parts=m, seed=seed)
    groups = sorted((node.rows for node in tree.leaves()), key=len, reverse=True)
    is_felt = by != "published"
    leaves = leaves_of(s, groups, read, neuron, bins=how.bins, is_felt=is_felt)
    main, tail = divided(words(leaves)) if is_felt else (tuple(words(leaves)), ())
    asked = affordable(cost(layer.window), MOST, FEWEST)
    return DemixedNeuron(
        layer.name,
        neuron,
        layer.width,
        tuple(leaves),
        main,
        tree,
        m,
        _control(read, neuron, s, groups, how, seed),
        fidelity(s, groups, read, neuron, bins=how.bins, most=asked, seed=seed),
        s,
        tail,
    )


def _control(
    read: Reader,
    neuron: int,
    s: Sample,
    groups: Sequence[NDArray[np.int64]],
    how: SampleOptions,
    seed: int,
) -> float:
    rows = generator(seed, "random leaves").permutation(len(s.value))
    dealt = np.split(rows, np.cumsum([len(g) for g in groups])[:-1])
    random = leaves_of(s, dealt, read, neuron, bins=how.bins)
    return float(np.median([leaf.ratio for leaf in random]))
