"""Autoencoders of sequences whose encoder is a network of the zoo, to be trained on later."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.models.generator import Residual
from cisgram.models.layers import Conv1d
from cisgram.models.matrix_autoencoder import KINDS
from cisgram.models.probe import run_hooked
from cisgram.models.state import untouched


def maps_module(model: nn.Module, *, length: int) -> str:
    """Name of the module that gives a network's last maps: (n, f, m) with m > 1 positions.

    These are what a convolution gives, after any norm, nonlinearity and pooling: f is the number of
    its filters.

    Parameters
    ----------
    model
        Left as it is.
    length
        bp of a sequence that it can read.

    Raises
    ------
    InputError
        When nothing in it gives such maps: there is nothing along the sequence to read from.

    Examples
    --------
    >>> from cisgram.models import create
    >>> maps_module(create("demo-cnn", size="small"), length=60)
    'features.6'
    """
    names = {module: name for name, module in model.named_modules() if name}
    order, filters = list[str](), [0]

    def seen(module: nn.Module, _: object, out: object) -> None:
        if isinstance(module, nn.Conv1d):
            filters[0] = module.out_channels
        if not isinstance(out, Tensor) or out.ndim != 3 or out.shape[2] < 2:
            return
        if out.shape[1] == filters[0]:  # else positions first, as recurrent layers have them
            order.append(names[module])

    leaves = [m for m in names if not any(True for _ in m.children())]
    hooks = [m.register_forward_hook(seen) for m in leaves]
    run_hooked(model, hooks, length=length)
    if not order:
        msg = (
            f"{type(model).__name__} has no module that gives maps along the sequence; take a "
            "convolutional network."
        )
        raise InputError(msg)
    return order[-1]


class SequenceAutoencoder(nn.Module):
    """(n, 4, length) letters to coordinates, and to log shares of letters again.

    The encoder is a network up to its last maps (`maps_module`); its coordinates are linear in the
    maps, and drawn from N(m, s^2) where ``variational``. A dense layer, a residual block and one
    convolution lead back to the letters. A denoising one sees the maps beside the coordinates: it
    guesses letters that were hidden from what stands around them.

    Parameters
    ----------
    network
        Maps (n, 4, length) to (n, t); its head is not used.
    length
        bp.
    kind
        ``denoising`` or ``variational``.
    latent
        Coordinates.
    channels
        Of the decoder.

    Examples
    --------
    >>> from cisgram.models import create
    >>> net = SequenceAutoencoder(create("demo-cnn", size="small"), 60, latent=8)
    >>> logits, z, log_variance = net(torch.zeros(3, 4, 60))
    >>> tuple(logits.shape), tuple(z.shape), log_variance is None
    ((3, 4, 60), (3, 8), True)
    """

    def __init__(
        self,
        network: nn.Module,
        length: int,
        *,
        kind: str = "denoising",
        latent: int = 16,
        channels: int = 32,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            what = "kind of autoencoder"
            raise unknown(what, kind, KINDS)
        check_positive(latent, name="latent")
        check_positive(channels, name="channels")
        self.network, self.length, self.kind, self.channels = network, length, kind, channels
        self.last = maps_module(network, length=length)
        with untouched(network), torch.inference_mode():
            _, f, m = self.maps(torch.zeros(2, 4, length)).shape
        self.coordinates = nn.Linear(f * m, latent * (2 if kind == "variational" else 1))
        self.dense = nn.Linear(latent, channels * length)
        self.past = Conv1d(f, channels, 1) if kind == "denoising" else None
        self.block = Residual(channels, 5)
        self.letters = Conv1d(channels, 4, 1)

    def maps(self, x: Tensor) -> Tensor:
        """(n, f, m) the network's last maps."""
        kept: list[Tensor] = []
        module = self.network.get_submodule(self.last)
        hook = module.register_forward_hook(lambda _m, _i, out: kept.append(out))
        try:
            self.network(x)
        finally:
            hook.remove()
        return kept[-1]

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Coordinates (n, latent), and their log variance where they are drawn."""
        return self._coordinates(self.maps(x))

    def _coordinates(self, maps: Tensor) -> tuple[Tensor, Tensor | None]:
        found: Tensor = self.coordinates(maps.flatten(1))
        if self.kind == "denoising":
            return found, None
        mean, log_variance = found.chunk(2, 1)
        return mean, log_variance.clamp(-12, 6)

    def decode(self, z: Tensor, maps: Tensor | None = None) -> Tensor:
        """(n, 4, length) logits of the letters."""
        h = self.dense(z).view(len(z), self.channels, self.length)
        if self.past is not None and maps is not None:
            h = h + F.interpolate(self.past(maps), size=self.length, mode="linear")
        out: Tensor = self.letters(F.relu(self.block(h)))
        return out

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Logits of the letters, the coordinates (means), their log variance."""
        maps = self.maps(x)
        mean, log_variance = self._coordinates(maps)
        z = mean
        if log_variance is not None and self.training:
            z = mean + torch.randn_like(mean) * torch.exp(log_variance / 2)
        return self.decode(z, maps), mean, log_variance
