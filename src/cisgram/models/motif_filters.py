"""Known motifs as the first filters of a network, free to change or held as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError, NoFiltersError
from cisgram.core.registry import unknown
from cisgram.core.seeds import generator
from cisgram.models.probe import convolution_over_bases
from cisgram.motifs import Motif, select_motifs
from cisgram.motifs.pvalues import log_odds

Array = NDArray[np.float64]
FORMS = ("explainn", "danq", "log-odds")
EDGE = 3  # bp that DanQ's authors leave on either side of a motif


@dataclass(frozen=True, slots=True)
class MotifFilter:
    """A filter that started as a motif.

    Attributes
    ----------
    filter
        Its number.
    name, id
        Of the motif.
    strand
        ``-`` where it is the motif's reverse complement.
    offset
        Column of the filter on which the motif's first column lies; negative where columns of the
        motif are cut off.
    """

    filter: int
    name: str
    id: str
    strand: str
    offset: int


def put_motifs(
    model: nn.Module,
    motifs: Iterable[Motif],
    *,
    form: str = "explainn",
    both_strands: bool = False,
    choice: str = "representatives",
    frozen: bool = False,
    seed: int = 0,
) -> list[MotifFilter]:
    """Let the filters of the first convolution start as motifs; which filter is which motif.

    Filters beyond the motifs keep what they had. Motifs wider than the filters lose columns, each
    time at the end whose outermost column has the lower maximum.

    Parameters
    ----------
    model
        With a ``Conv1d`` over the four bases; its weights are changed.
    motifs
        Where there are more of them than filters, ``choice`` tells which are taken.
    form
        How a motif m (probabilities) is written into a filter. ``explainn``: m - 1/4 in the middle,
        0 around it. ``danq``: m - 1/4 at a random offset that leaves 3 positions on either side
        where there is room, the rest of the filter as it was, the bias drawn from U(-1, 0).
        ``log-odds``: log2(m / background) in bits in the middle, 0 around it, bias 0, so that the
        filter scores sites as `motifs.scan` does.
    both_strands
        Put each motif's reverse complement into the filter behind it.
    choice
        ``representatives``, ``random`` or ``first``, as `motifs.select_motifs` has them.
    frozen
        Training leaves these filters as they are; biases stay free. Where some filters are free,
        the weight is held by a parametrization: `release_motifs` takes it away before the model is
        saved.
    seed
        Of the offsets and biases of ``danq`` and of a random choice.

    Raises
    ------
    NoFiltersError
        When the model has no convolution over the four bases.
    InputError
        When there is no motif, or no room for one on both strands, a name is unknown, or the
        filters are tied (`tie_strands`).

    References
    ----------
    Quang and Xie 2016, Nucleic Acids Res 44:e107 (DanQ-JASPAR); Novakovsky et al. 2023, Genome Biol
    24:154 (ExplaiNN), whose shorter motifs are padded by 1/4 alike. Where a motif's padding is odd,
    the larger part goes behind it.

    Examples
    --------
    >>> from cisgram.models import create
    >>> tata = Motif.from_counts(np.eye(4)[:, [3, 0, 3, 0]], name="TATA")
    >>> model = create("deepbind", width=6)
    >>> put_motifs(model, [tata])
    [MotifFilter(filter=0, name='TATA', id='TATA', strand='+', offset=1)]
    >>> model.detect[0].weight[0, 3].tolist()
    [0.0, 0.75, -0.25, 0.75, -0.25, 0.0]
    """
    if form not in FORMS:
        what = "form of motifs"
        raise unknown(what, form, FORMS)
    conv = convolution_over_bases(model.modules())
    if conv is None:
        msg = (
            f"{type(model).__name__} has no convolution over the four bases, so no filter can "
            "start as a motif. Take another model, or no motifs."
        )
        raise NoFiltersError(msg)
    if parametrize.is_parametrized(conv, "weight"):
        msg = (
            "The first filters are tied to their reverse complements, or made by something else, "
            "and cannot start as motifs. Leave the tie out, or the motifs (both_strands puts each "
            "motif there on both strands)."
        )
        raise InputError(msg)
    room = conv.out_channels // (1 + both_strands)
    check_positive(room, name="filters for motifs")
    chosen = list(select_motifs(motifs, room, by=choice, seed=seed))
    if not chosen:
        msg = "No motif to start from; give at least one."
        raise InputError(msg)
    placed = _placed(conv, chosen, form, both_strands=both_strands, seed=seed)
    if frozen:
        _hold(conv, len(placed))
    return placed


def _placed(
    conv: nn.Conv1d, motifs: list[Motif], form: str, *, both_strands: bool, seed: int
) -> list[MotifFilter]:
    """Write the motifs into the weights."""
    found: list[MotifFilter] = []
    width = conv.kernel_size[0]
    with torch.no_grad():
        for motif in motifs:
            random = generator(seed, "motif filter", motif.id, motif.name)
            for strand in "+-"[: 1 + both_strands]:
                f = len(found)
                m = motif if strand == "+" else motif.reverse_complement()
                values, offset = _fitted(_values(m, form), width)
                free = width - values.shape[1]
                at = free // 2 if form != "danq" else _drawn(free, random)
                if form != "danq":
                    conv.weight[f] = 0
                new = torch.from_numpy(values).to(conv.weight)
                conv.weight[f, :, at : at + values.shape[1]] = new
                if conv.bias is not None and form != "explainn":
                    conv.bias[f] = 0.0 if form == "log-odds" else -random.random()
                found.append(MotifFilter(f, motif.name, motif.id, strand, at + offset))
    return found


def _values(motif: Motif, form: str) -> Array:
    return log_odds(motif) if form == "log-odds" else motif.ppm - 0.25


def _fitted(values: Array, width: int) -> tuple[Array, int]:
    """At most ``width`` columns, the lower ends cut; minus the number of those cut in front."""
    front, end = 0, values.shape[1]
    top = values.max(0)
    while end - front > width:
        if top[front] < top[end - 1]:
            front += 1
        else:
            end -= 1
    return values[:, front:end], -front


def _drawn(free: int, random: np.random.Generator) -> int:
    edge = min(EDGE, free // 2)
    return int(random.integers(edge, free - edge + 1))


class Held(nn.Module):
    """The first filters of a weight as they were, whatever an optimizer does to its parameter.

    Held in the forward pass: a gradient of 0 would not keep a weight from its decay.
    """

    def __init__(self, weight: Tensor, n: int) -> None:
        super().__init__()
        self.n = n
        self.register_buffer("kept", weight[:n].detach().clone(), persistent=False)

    def forward(self, weight: Tensor) -> Tensor:
        return torch.cat([self.kept, weight[self.n :]])

    kept: Tensor


def _hold(conv: nn.Conv1d, n: int) -> None:
    if n == conv.out_channels:
        conv.weight.requires_grad_(False)
    else:
        parametrize.register_parametrization(conv, "weight", Held(conv.weight, n))


def release_motifs(model: nn.Module) -> None:
    """Make held filters plain weights again, with the values that they act with."""
    for module in model.modules():
        if isinstance(module, nn.Conv1d) and parametrize.is_parametrized(module, "weight"):
            parts = module.get_submodule("parametrizations.weight").children()
            if any(isinstance(p, Held) for p in parts):
                parametrize.remove_parametrizations(module, "weight")
