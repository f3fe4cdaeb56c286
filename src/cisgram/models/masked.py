"""A linear layer that is connected only where a mask says so."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.errors import InputError


class MaskedLinear(nn.Module):
    """y = (W * M) x + b: units that read the inputs of their mask and no others.

    The mask acts in the forward pass. A mask on gradients alone leaves the masked weights in the
    sum, where weight decay goes on changing them; the released code of DCell and DrugCell masks
    gradients, which holds while every masked weight starts at exactly 0 and nothing else moves it.

    Parameters
    ----------
    mask
        (out, in), 1 or True where an input is read.
    bias
        Add b.

    Raises
    ------
    InputError
        When the mask is not (out, in) of zeros and ones.

    References
    ----------
    Ma et al. 2018, Nature Methods 15:290 (DCell); Elmarakeby et al. 2021, Nature 598:348 (P-NET).
    Weights are drawn as torch's `Linear` draws them for as many inputs as the unit reads.

    Examples
    --------
    >>> layer = MaskedLinear(torch.tensor([[1, 1, 0], [0, 0, 1]]))
    >>> (layer(torch.tensor([[0.0, 0, 5]])) == layer.bias)[0].tolist()
    [True, False]
    """

    def __init__(self, mask: Tensor, *, bias: bool = True) -> None:
        super().__init__()
        if mask.ndim != 2 or not bool(((mask == 0) | (mask == 1)).all()):
            msg = f"mask must be (out, in) of zeros and ones; got {tuple(mask.shape)}."
            raise InputError(msg)
        self.register_buffer("mask", mask.to(torch.float32))
        bound = mask.sum(1, keepdim=True).clamp(min=1).float().rsqrt()
        self.weight = nn.Parameter((2 * torch.rand(mask.shape) - 1) * bound * self.mask)
        self.bias = nn.Parameter((2 * torch.rand(len(mask)) - 1) * bound[:, 0]) if bias else None

    @property
    def connected(self) -> Tensor:
        """(out, in) weights as they act."""
        return self.weight * self.mask

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.connected, self.bias)

    mask: Tensor
