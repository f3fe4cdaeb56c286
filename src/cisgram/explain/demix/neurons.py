"""The neurons of a network: where each layer can be read, what it sees, which are dead or alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError, NoFiltersError
from cisgram.core.registry import unknown
from cisgram.core.seeds import generator
from cisgram.explain.demix.levels import Level, levels_below, position_axis, stride_of
from cisgram.explain.demix.positions import NotLocal
from cisgram.explain.demix.window import Window, check_same
from cisgram.models.graph import Graph, Operation, Value, record
from cisgram.models.probe import core
from cisgram.models.state import device_of, untouched
from cisgram.seq.alphabet import one_hot

if TYPE_CHECKING:
    import pandas as pd

# what may stand between a convolution and its nonlinearity
_CONTINUES = frozenset(
    {
        "native_batch_norm",
        "_native_batch_norm_legit_no_training",
        "add",
        "sub",
        "mul",
        "div",
        "squeeze",
        "unsqueeze",
        "permute",
        "transpose",
        "native_layer_norm",
        "native_group_norm",
        "clone",
        "dropout",
    }
)
SAME = 1e-4  # a cut-out neuron may differ by this share of its largest value


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer whose neurons can be demixed.

    Attributes
    ----------
    name
        ``conv1``, ``conv2``, ... in the order they run; ``output`` for the model's outputs.
    module
        Path of the convolution's module.
    channels
        Number of neurons.
    window
        The neurons as functions of the sequence window that they see.
    levels
        What makes them choice- or shift-invariant, deepest first.
    stride
        Base pairs between neighboring positions of the layer's map.
    why_whole
        Why the window is the whole sequence; empty where it was cut.
    """

    name: str
    module: str
    channels: int
    window: Window
    levels: tuple[Level, ...]
    stride: int
    why_whole: str = ""

    @property
    def width(self) -> int:
        """Receptive field in base pairs."""
        return self.window.width


def layers(model: nn.Module, *, length: int, seed: int = 0) -> list[Layer]:
    """The layers of a network in the order they run, each with its neurons' window.

    A layer is a convolution together with what follows it up to its nonlinearity (norm, scale,
    sum with a residual branch): a neuron's value is its *pre-activation*. The model's outputs are
    the last layer. Of a two-strand mean or an ensemble the (first) model inside is read.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left as it was.
    length
        Length of its sequences in base pairs.
    seed
        Of the random sequences on which cut-out neurons are compared with the whole network.

    Raises
    ------
    NoFiltersError
        When the model runs no convolution.
    """
    check_positive(length, name="length")
    model = core(model)
    with untouched(model):
        random = one_hot(generator(seed).integers(0, 4, (5, length)).astype(np.uint8))
        graph = record(model, random.to(device_of(model)), model=model)
        users = graph.users()
        convolutions = [i for i, o in enumerate(graph.operations) if o.name == "convolution"]
        if not convolutions:
            msg = f"{type(model).__name__} runs no convolution, so it has no neurons to demix."
            raise NoFiltersError(msg)
        taps = [(f"conv{k}", i, _tap(graph, users, i)) for k, i in enumerate(convolutions, 1)]
        taps.append(("output", graph.result.operation, graph.result))
        return [_layer(graph, name, i, tap, {c: t for _, c, t in taps}) for name, i, tap in taps]


def find_layer(found: list[Layer], name: str | None) -> Layer:
    """The layer of this name or module path; the last convolution where none is given.

    Raises
    ------
    UnknownName
        When there is no such layer.
    """
    if name is None:
        return found[-2]
    for layer in found:
        if name in (layer.name, layer.module):
            return layer
    what = "layer"
    raise unknown(what, name, [layer.name for layer in found])


def neurons(model: nn.Module, *, length: int, n: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Every neuron of every layer: what it sees, how often it is active, and its twins.

    Parameters
    ----------
    model, length
        As in `layers`.
    n
        Random sequences on which activity is measured.
    seed
        Of these sequences.

    Returns
    -------
    DataFrame
        ``layer``, ``module``, ``neuron``, ``width`` (bp), ``stride`` (bp), ``active`` (share of
        random windows with a value above 0), ``highest``, ``is_dead`` (never above 0 on them:
        a search by `demix` may still find what activates it), ``twin`` (an earlier neuron of the
        layer whose values correlate above 0.999; -1 where there is none).
    """
    import pandas as pd

    check_positive(n, name="n")
    rows = []
    for layer in layers(model, length=length, seed=seed):
        with untouched(core(model)):
            value = _on_random(layer, n, seed)
        twin = _twins(value)
        for k in range(layer.channels):
            v = value[:, k]
            rows.append(
                {
                    "layer": layer.name,
                    "module": layer.module,
                    "neuron": k,
                    "width": layer.width,
                    "stride": layer.stride,
                    "active": float((v > 0).mean()),
                    "highest": float(v.max()),
                    "is_dead": bool((v <= 0).all()),
                    "twin": int(twin[k]),
                }
            )
    return pd.DataFrame(rows)


def twins(layer: Layer, *, n: int = 2000, seed: int = 0) -> NDArray[np.int64]:
    """(channels,) the first earlier neuron of the layer with the same values, -1 without one.

    Two neurons are the same when their values on ``n`` random windows correlate above 0.999:
    whatever activates one activates the other, up to scale.
    """
    return _twins(_on_random(layer, n, seed))


def _on_random(layer: Layer, n: int, seed: int) -> NDArray[np.float32]:
    codes = generator(seed, layer.name).integers(0, 4, (n, layer.width)).astype(np.uint8)
    return scores(layer.window, codes)


def scores(
    window: Window, codes: NDArray[np.uint8], *, batch_size: int = 4096
) -> NDArray[np.float32]:
    """(n, channels) values of a layer's neurons on windows given as codes (n, width)."""
    device = window.graph.x.device
    with torch.no_grad():
        parts = [
            window(one_hot(torch.from_numpy(codes[i : i + batch_size]).to(device))).cpu()
            for i in range(0, len(codes), batch_size)
        ]
    out: NDArray[np.float32] = torch.cat(parts).numpy()
    return out


def _twins(value: NDArray[np.float32]) -> NDArray[np.int64]:
    centered = value - value.mean(0)
    size = np.sqrt((centered**2).sum(0))
    unit = centered / np.where(size > 0, size, 1)
    alike = np.tril(unit.T @ unit > 0.999, -1)
    out: NDArray[np.int64] = np.where(alike.any(1), alike.argmax(1), -1)
    return out


def _tap(graph: Graph, users: dict[Value, list[int]], convolution: int) -> Value:
    """The convolution's value after all that comes before its nonlinearity."""
    tap = value = Value(convolution)
    axes = list(range(graph.tensor(value).ndim))  # of the convolution, in their present order
    while True:
        readers = users.get(value, [])
        if len(readers) != 1:
            return tap
        following = graph.operations[readers[0]]
        if following.name not in _CONTINUES or value.output:
            return tap
        if len(following.inputs) > 1 and following.name != "add":
            return tap  # a gate is a nonlinearity
        value, axes = Value(readers[0]), _moved(following, axes)
        kept = [a for a in axes if a >= 0]
        if axes[1] == 1 and kept == sorted(kept):  # neurons lie on axis 1, as everywhere here
            tap = value


def _moved(operation: Operation, axes: list[int]) -> list[int]:
    """Where axes lie after an operation; -1 for one that is new."""
    ndim, out = len(axes), list(axes)
    if operation.name == "transpose":
        a, b = (d % ndim for d in operation.args[1:3])
        out[a], out[b] = out[b], out[a]
    elif operation.name == "permute":
        out = [axes[d % ndim] for d in operation.args[1]]
    elif operation.name == "unsqueeze":
        out.insert(operation.args[1] % (ndim + 1), -1)
    elif operation.name == "squeeze":
        dims = operation.args[1] if len(operation.args) > 1 else range(ndim)
        gone = {d % ndim for d in ([dims] if isinstance(dims, int) else dims)}
        whole = operation.outputs[0]
        left = None if whole is None else whole.ndim
        out = [a for i, a in enumerate(axes) if i not in gone] if left != ndim else out
    return out


def _layer(graph: Graph, name: str, at: int, tap: Value, taps: dict[int, Value]) -> Layer:
    shape = graph.tensor(tap).shape
    positions = shape[position_axis(shape)] if len(shape) > 2 else None
    whole = Window(graph, tap, position=None, start=0, width=graph.x.shape[2], is_whole=True)
    why, window = "", None
    if positions is None:
        why = "the layer has no positions"
    else:
        position = positions // 2
        start, end = _seen(whole, position, positions)
        window = Window(graph, tap, position=position, start=start, width=end - start)
        try:
            check_same(window, lambda x: _at(whole, x, position, positions), graph.x, SAME)
        except NotLocal as error:
            why, window = str(error), None
    if window is None:
        spot = None if positions is None else positions // 2
        window = _Whole(graph, tap, positions, spot)
    stride = stride_of(graph, tap)
    module = graph.operations[at].module if name != "output" else ""
    return Layer(name, module, shape[1], window, levels_below(graph, tap, taps), stride, why)


class _Whole(Window):
    """A neuron whose window is the whole sequence."""

    def __init__(
        self, graph: Graph, tap: Value, positions: int | None, position: int | None
    ) -> None:
        super().__init__(
            graph, tap, position=position, start=0, width=graph.x.shape[2], is_whole=True
        )
        self.positions = positions

    def values(self, x: Tensor, at: Sequence[Value]) -> tuple[Tensor, list[Tensor]]:
        out, maps = super().values(x, at)
        if self.positions is not None:
            out = out.reshape(len(x), -1, self.positions)[:, :, self.position]
        return out, maps


def _at(whole: Window, x: Tensor, position: int, positions: int) -> Tensor:
    return whole(x).reshape(len(x), -1, positions)[:, :, position]


def _seen(whole: Window, position: int, positions: int) -> tuple[int, int]:
    """First and last + 1 base that a position of the tap depends on, by spreading NaN."""
    length = whole.width

    def reaches(lo: int, hi: int) -> bool:
        x = torch.zeros(1, 4, length, device=whole.graph.x.device)
        x[:, :, lo:hi] = torch.nan
        with torch.no_grad():
            return bool(_at(whole, x, position, positions).isnan().any())

    start = _first(lambda p: reaches(0, p + 1), length)
    end = length - _first(lambda p: reaches(length - p - 1, length), length)
    return start, end


def _first(holds: Callable[[int], bool], length: int) -> int:
    """The smallest p in 0 .. length - 1 for which a monotone condition holds."""
    lo, hi = 0, length - 1
    while lo < hi:
        middle = (lo + hi) // 2
        if holds(middle):
            hi = middle
        else:
            lo = middle + 1
    return lo


def check_neuron(layer: Layer, neuron: int) -> None:
    """Raise `InputError` unless the layer has this neuron."""
    if isinstance(neuron, bool) or not isinstance(neuron, int) or not 0 <= neuron < layer.channels:
        msg = f"{layer.name} has the neurons 0 to {layer.channels - 1}; got {neuron!r}."
        raise InputError(msg)
