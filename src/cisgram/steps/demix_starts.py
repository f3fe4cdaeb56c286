"""Where the search for what activates a neuron starts: in real windows, or in the layer below."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.core.seeds import generator
from cisgram.data import is_labeled
from cisgram.explain.demix import Facet, Layer, layer_below, seeds
from cisgram.explain.demix.search import population
from cisgram.report.demixed import FOLDER, read_neuron
from cisgram.steps.train import data_of

WINDOWS = 5000  # the largest population of a search


def real_windows(run: Run, layer: Layer, *, seed: int = 0) -> NDArray[np.uint8]:
    """Codes (m, width) of windows at random places of a run's training positives, m <= 5,000.

    Raises
    ------
    InputError
        When an input of the run is gone, or no window is free of unknown letters.
    """
    data = data_of(run)
    train = data.train.data
    positive = (train.y == 1).any(1)
    if is_labeled(data.task) and positive.any():
        train = train.take(positive)
    rng = generator(seed, f"windows of {layer.name}")
    rows = rng.integers(0, len(train.codes), WINDOWS)
    places = rng.integers(0, train.codes.shape[1] - layer.width + 1, WINDOWS)
    columns = places[:, None] + np.arange(layer.width)
    codes = np.take_along_axis(train.codes[rows], columns, axis=1)
    known = codes[(codes < 4).all(1)]
    if not len(known):
        msg = (
            f"No window of {layer.width} bp in the training positives is free of unknown letters, "
            "so the search cannot start there. Start it at random."
        )
        raise InputError(msg)
    return np.unique(known, axis=0).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Lower:
    """Windows of each neuron put together of what the layer below has learned.

    Attributes
    ----------
    layer, below
        The layer whose neurons are to be searched, and the one below it.
    known
        What the neurons of that one have learned.
    digest
        Of the files that say so: other files are another start.
    seed
        Of the windows.
    """

    layer: Layer
    below: Layer
    known: Sequence[Facet]
    digest: str
    seed: int

    def __call__(self, neuron: int) -> NDArray[np.uint8]:
        """Of one neuron: as many as its population has."""
        n = population(self.layer.window)
        return seeds(self.layer, neuron, self.below, self.known, n=n, seed=self.seed)


def lower_start(run: Run, found: list[Layer], layer: Layer, *, seed: int = 0) -> Lower:
    """The start in the layer below, from its neurons' files.

    Raises
    ------
    InputError
        When there is no layer below, or not all of its neurons are demixed.
    """
    below = layer_below(found, layer)
    paths = [run.path / FOLDER / below.name / f"{k}.json" for k in range(below.channels)]
    there = [p for p in paths if p.is_file()]
    if len(there) < len(paths):
        msg = (
            f"To start {layer.name} from the layer below, all {len(paths)} neurons of {below.name} "
            f"have to be demixed; {len(there)} are. Run 'cisgram demix RUN --layer {below.name}' "
            "first."
        )
        raise InputError(msg)
    digest = hashlib.sha256()
    known = []
    for k, path in enumerate(paths):
        digest.update(path.read_bytes())
        for leaf in read_neuron(path)["leaves"]:
            if "ppm" in leaf:  # the 64 largest
                ppm = np.array(leaf["ppm"]) / 1000
                highest, consensus = leaf["activation"], leaf["consensus_activation"]
                known.append(Facet.of(k, ppm, highest, consensus))
    return Lower(layer, below, known, digest.hexdigest()[:16], seed)
