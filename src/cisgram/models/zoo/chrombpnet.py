"""ChromBPNet: accessibility apart from the preferences of the enzyme that measures it.

Pampari A, Shcherbina A, Kvon EZ, et al. (2025). ChromBPNet: bias factorized, base-resolution deep
learning models of chromatin accessibility. bioRxiv 2024.12.25.630221. Code: MIT.
"""

import torch
from torch import Tensor, nn

from cisgram.models.base import MODELS
from cisgram.models.profile import ProfileNetwork, check_profile, profile_score

OUTPUTS = ("profile", "counts", "bias_profile", "bias_counts")


class ChromBPNet(nn.Module):
    """A frozen network of the bias and one of the rest, added in logits and in counts.

    Outputs (n, 4): score of the profile and log counts without the bias, then those of the bias
    alone. What labels are compared with is the whole: the sum of the logits, and the logarithm of
    the sum of the counts.
    """

    def __init__(self, bias: ProfileNetwork, network: ProfileNetwork) -> None:
        super().__init__()
        self.network = network  # the first: its filters are the ones to read
        self.bias = bias.requires_grad_(False)

    def forward(self, x: Tensor, heads: str | None = None) -> Tensor | tuple[Tensor, Tensor]:
        profile, counts = self.network(x)
        if heads == "corrected":
            return profile, counts
        bias_profile, bias_counts = self.bias(x)
        if heads == "bias":
            return bias_profile, bias_counts
        if heads == "whole":
            return profile + bias_profile, torch.logaddexp(counts, bias_counts)
        scores = profile_score(profile), counts, profile_score(bias_profile), bias_counts
        return torch.cat(scores, 1)


@MODELS.register(
    name="chrombpnet",
    kind="CNN",
    cite="pampari2025",
    min_length=1,
    outputs=OUTPUTS,
    parts=("whole", "bias", "corrected"),
    sizes={"strands": ("profile", -2), "profile_width": ("profile", -1)},
)
def chrombpnet(
    *,
    maps: int = 512,
    width: int = 21,
    layers: int = 8,
    bias_maps: int = 128,
    bias_width: int = 21,
    bias_layers: int = 4,
    strands: int = 1,
    profile_width: int = 1,
    n_outputs: int = 4,
) -> ChromBPNet:
    """ChromBPNet: a bias network that stays as it is, and BPNet on what it leaves unexplained.

    The bias network is a ``bpnet-profile`` trained on background regions (``--bias RUN``). Its
    outputs, the targets of explanations: ``profile`` and ``counts`` of the corrected network,
    ``bias_profile`` and ``bias_counts`` of the bias.

    Parameters
    ----------
    maps, width, layers
        Of the corrected network, as in ``bpnet-profile``.
    bias_maps, bias_width, bias_layers
        Of the bias network; a run takes them from that of the bias.
    strands, profile_width
        Axes of the profile; a run fills them in.
    n_outputs
        4: profile and counts of each of the two.
    """
    sizes = {"maps": maps, "bias_maps": bias_maps, "strands": strands}
    sizes |= {"profile_width": profile_width, "bias_layers": bias_layers}
    for first in (width, bias_width):
        check_profile(sizes, first=first, layers=layers, n_outputs=n_outputs, outputs=OUTPUTS)
    bias = ProfileNetwork((bias_maps, bias_width, bias_layers), strands, profile_width)
    return ChromBPNet(bias, ProfileNetwork((maps, width, layers), strands, profile_width))
