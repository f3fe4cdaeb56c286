"""Predictions of thinned networks: dropout that stays on, for the spread of what is predicted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.data.fields import Field
from cisgram.models.predict import predict

DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d)


def predict_samples(
    model: nn.Module,
    x: Any,
    *,
    samples: int,
    fields: Mapping[str, Field | Tensor] | None = None,
    batch_size: int = 512,
    seed: int = 0,
) -> Tensor:
    """(samples, n, t) outputs of as many thinned networks, each applied to all sequences.

    A thinned network has one mask for each of its dropout layers, drawn from the seed and its
    number and the same for every sequence, so that nothing depends on the batch size or on the
    order of the sequences. Norms keep their statistics.

    Parameters
    ----------
    model
        A model with dropout layers (`torch.nn.Dropout` and its kin) above 0. Left as it is.
    x
        Sequences, as for `predict`.
    samples
        Thinned networks.
    fields, batch_size
        As for `predict`.
    seed
        Of the masks.

    Raises
    ------
    InputError
        When the model has no such layer.

    References
    ----------
    Gal and Ghahramani 2016, ICML, arXiv:1506.02142; there every sequence gets masks of its own,
    which changes neither its mean nor its spread.

    Examples
    --------
    >>> from cisgram.models import create
    >>> model, x = create("demo-cnn", size="small"), torch.zeros(2, 4, 60)
    >>> predict_samples(model, x, samples=3).shape
    torch.Size([3, 2, 1])
    """
    check_positive(samples, name="samples")
    layers: dict[nn.Module, tuple[str, float]] = {
        m: (name, 1 - m.p)
        for name, m in model.named_modules()
        if isinstance(m, DROPOUTS) and m.p > 0
    }
    if not layers:
        msg = (
            f"{type(model).__name__} has no dropout layer above 0, so all its thinned networks are "
            "the same. Train with dropout (--set model.options.dropout=0.2), or train members "
            "(--seeds 5) for a spread."
        )
        raise InputError(msg)
    found = []
    for sample in range(samples):
        masks = _Masks(layers, derive(seed, "dropout sample", sample))
        hooks = [m.register_forward_hook(masks.thin) for m in layers]
        try:
            found.append(predict(model, x, fields=fields, batch_size=batch_size))
        finally:
            for hook in hooks:
                hook.remove()
    return torch.stack(found)


class _Masks:
    """One mask for each dropout layer (name, share that it keeps) and shape of what it reads."""

    def __init__(self, layers: dict[nn.Module, tuple[str, float]], seed: int) -> None:
        self.layers, self.seed = layers, seed
        self.known: dict[tuple[str, torch.Size], Tensor] = {}

    def thin(self, layer: nn.Module, given: tuple[Tensor, ...], _: Tensor) -> Tensor:
        """What the layer reads, with the same places silenced in every row."""
        x, (name, kept) = given[0], self.layers[layer]
        key = (name, x.shape[1:])
        if key not in self.known:
            of_channel = isinstance(layer, nn.Dropout1d | nn.Dropout2d)
            shape = (x.shape[1], *([1] * (x.ndim - 2))) if of_channel else x.shape[1:]
            random = torch.Generator().manual_seed(derive(self.seed, name, *x.shape[1:]))
            drawn = torch.rand(shape, generator=random) < kept
            self.known[key] = drawn.to(x.dtype) / max(kept, 1e-12)
        return x * self.known[key].to(x.device)
