"""BPNet with both heads: the profile and its counts.

Avsec Z, Weilert M, Shrikumar A, et al. (2021). Base-resolution models of transcription-factor
binding reveal soft motif syntax. Nat Genet 53:354-366. Code: MIT.
"""

import torch
from torch import Tensor, nn

from cisgram.models.base import MODELS
from cisgram.models.profile import ProfileNetwork, check_profile, profile_score

OUTPUTS = ("profile", "counts")


class BPNetProfile(nn.Module):
    """Outputs (n, 2): a score of the profile (`profile_score`), and log(1 + total)."""

    def __init__(self, network: ProfileNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, heads: str | None = None) -> Tensor | tuple[Tensor, Tensor]:
        profile, counts = self.network(x)
        if heads is not None:
            return profile, counts
        return torch.cat([profile_score(profile), counts], 1)


@MODELS.register(
    name="bpnet-profile",
    kind="CNN",
    cite="avsec2021",
    min_length=1,
    outputs=OUTPUTS,
    sizes={"strands": ("profile", -2), "profile_width": ("profile", -1)},
)
def bpnet_profile(
    *,
    maps: int = 64,
    width: int = 25,
    layers: int = 9,
    strands: int = 1,
    profile_width: int = 1,
    n_outputs: int = 2,
) -> BPNetProfile:
    """BPNet: dilated residual convolutions that predict counts along a window and their total.

    Trained with ``--profiles``. The wide convolution reads 25 bp, nine dilated ones reach 2,069
    bp; the profile head reads 75 positions (a transposed convolution of 25 in the paper). Its
    outputs, the targets of explanations: ``profile``, its logits weighed by itself, and
    ``counts``, log(1 + total).

    Parameters
    ----------
    maps
        Feature maps of every layer.
    width
        Width of the first filters, bp; odd, so that the length stays.
    layers
        Dilated convolutions; the i-th has the dilation 2^i.
    strands, profile_width
        Axes of the profile; a run fills them in.
    n_outputs
        2: profile and counts.
    """
    sizes = {"maps": maps, "strands": strands, "profile_width": profile_width}
    check_profile(sizes, first=width, layers=layers, n_outputs=n_outputs, outputs=OUTPUTS)
    return BPNetProfile(ProfileNetwork((maps, width, layers), strands, profile_width))
