"""ExplaiNN.

Novakovsky G, Fornes O, Saraswat M, Mostafavi S, Wasserman WW (2023). ExplaiNN: interpretable and
transparent neural networks for genomics. Genome Biol 24:154. Code: MIT.
"""

from __future__ import annotations

from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.base import MODELS, check_length, check_share
from cisgram.models.layers import (
    Conv1d,
    Dropout,
    FixedLength,
    GlobalMax,
    MaxPool1d,
    nonlinearity,
)
from cisgram.models.units import LinearUnits, UnitHead, unit_head

WIDTH, POOL = 19, 7


class ExplaiNN(FixedLength):
    """Units that each read one filter and never each other, and a head linear in their outputs.

    Attributes
    ----------
    features
        (n, 4, length) to (n, units): what each unit says of a sequence.
    head
        One module, a `models.units.UnitHead`: (n, units) to (n, t).
    """

    def __init__(self, length: int, units: list[nn.Module], head: UnitHead) -> None:
        super().__init__(length, units, [head])

    def unit_outputs(self, x: Tensor) -> Tensor:
        """(n, units) what each unit says of each sequence, before the head weighs it."""
        out: Tensor = self.features(x)
        return out

    @property
    def unit_head(self) -> UnitHead:
        """What weighs the units: ``main`` and, with pairs, ``pairs``."""
        head = self.head[0]
        assert isinstance(head, UnitHead)
        return head


@MODELS.register(
    name="explainn",
    kind="CNN of single filters",
    cite="novakovsky2023",
    min_length=WIDTH + POOL - 1,
)
def explainn(
    *,
    units: int = 100,
    width: int = WIDTH,
    pool: int = POOL,
    layers: int = 2,
    hidden: int = 100,
    dropout: float = 0.3,
    first: str = "exponential",
    positive: bool = False,
    pairs: bool = False,
    length: int = 200,
    n_outputs: int = 1,
) -> ExplaiNN:
    """ExplaiNN: 100 units of one filter each, summed with weights; what a unit says is its motif's.

    With a_u >= 0 the output of unit u, the logit of output t is b_t + sum_u w_tu a_u. A unit is
    a convolution of one filter, norm, exponential, maxima of 7 positions, and a small dense
    network on them, so that where the motif lies may matter, and nothing that another unit sees.

    Parameters
    ----------
    units
        Filters, each with a network of its own.
    width
        Of the filters, bp.
    pool
        Positions (bp) of each maximum.
    layers
        Dense layers of a unit, the last of one neuron: 2 is the paper's, 1 a weighted sum of the
        maxima, 0 the maximum over all positions (with no norm or rectifier behind it).
    hidden
        Neurons of a dense layer that is not the last.
    dropout
        After each of these.
    first
        Nonlinearity of the filters: ``exponential``, as published, or ``relu``.
    positive
        Output weights that cannot be negative: each unit speaks for the outputs, or not at all.
    pairs
        Add sum_{u<v} W_tuv z_u z_v, z the outputs of the units in standard deviations from their
        mean: what two motifs do together (`explain.unit_pairs` reads it). Not in the paper.
    length
        bp of every sequence; a run fills it in.
    n_outputs
        Tasks, t.
    """
    sizes = {"units": units, "width": width, "pool": pool, "hidden": hidden}
    for name, value in sizes.items():
        check_positive(value, name=name)
    if isinstance(layers, bool) or not isinstance(layers, int) or layers < 0:
        msg = f"layers must be 0 (the maximum over positions) or a larger integer; got {layers!r}."
        raise InputError(msg)
    check_share(dropout, name="dropout")
    check_length(length, width + (pool - 1 if layers else 0), model="explainn")
    act = nonlinearity(first)
    found: list[nn.Module] = [Conv1d(4, units, width), nn.BatchNorm1d(units), act]
    if layers == 0:
        found.append(GlobalMax())
    else:
        found += [MaxPool1d(pool, pool), nn.Flatten()]  # (n, units * positions), unit by unit
    d = (length - width + 1) // pool
    for _ in range(layers - 1):
        many = units * hidden
        found += [LinearUnits(units, d, hidden), nn.BatchNorm1d(many), nn.ReLU(), Dropout(dropout)]
        d = hidden
    if layers:
        found += [LinearUnits(units, d, 1), nn.BatchNorm1d(units), nn.ReLU()]
    return ExplaiNN(length, found, unit_head(units, n_outputs, positive=positive, pairs=pairs))
