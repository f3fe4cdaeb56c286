"""DeepCpG.

Angermueller C, Lee HJ, Reik W, Stegle O (2017). DeepCpG: accurate prediction of single-cell DNA
methylation states using deep learning. Genome Biol 18:67. Code: MIT.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.models.base import MODELS
from cisgram.models.layers import Dropout, FixedLength
from cisgram.models.zoo.deepcpg_cpg import Neighborhood, cpg_branch
from cisgram.models.zoo.deepcpg_dna import SHORTEST, dna_branch


class DeepCpG(nn.Module):
    """Two branches, of letters and of neighbors, whose features are joined."""

    fields = ("neighbors",)

    def __init__(self, dna: FixedLength, cpg: Neighborhood, joint: nn.Module) -> None:
        super().__init__()
        self.dna, self.cpg, self.joint = dna, cpg, joint

    def forward(self, x: Tensor, neighbors: Tensor | None = None) -> Tensor:
        known = self.cpg.unknown(x) if neighbors is None else neighbors
        out: Tensor = self.joint(torch.cat([self.dna(x), self.cpg(known)], 1))  # (n, t)
        return out


@MODELS.register(
    name="deepcpg",
    kind="two branches",
    cite="angermueller2017",
    min_length=SHORTEST,
    fields=("neighbors",),
    sizes={"n_neighbors": ("neighbors", -1)},
)
def deepcpg(
    *,
    maps: Sequence[int] = (128, 256),
    hidden: int = 128,
    n_neighbors: int = 50,
    hidden_cpg: int = 256,
    hidden_joint: int = 512,
    dropout: float = 0.2,
    length: int = 1001,
    n_outputs: int = 1,
) -> DeepCpG:
    """DeepCpG: letters about a site and known neighbors in every cell, then two joint layers.

    The size that the authors chose (CnnL2h128, RnnL1, JointL2h512). Needs the input
    ``neighbors`` (``--methylation``); without it, sites are scored as if nothing were known
    nearby. The authors train the two modules first and then the joint layers; here everything is
    trained at once.

    Parameters
    ----------
    maps, hidden
        Of the DNA module, as in ``deepcpg-dna``.
    n_neighbors
        Neighbors of a site in a cell, both sides together; a run fills it in.
    hidden_cpg
        Of the CpG module, as in ``deepcpg-cpg``.
    hidden_joint
        Units of each of the two joint layers.
    dropout
        Behind each module and each joint layer; the authors name no rate.
    length
        bp of every sequence, the site in its middle, at least 26; a run fills it in.
    n_outputs
        Cells, t.
    """
    dna = dna_branch(maps, hidden, dropout, length, model="deepcpg")
    check_positive(hidden_cpg, name="hidden_cpg")
    check_positive(hidden_joint, name="hidden_joint")
    cpg = cpg_branch(n_neighbors, hidden_cpg, dropout, n_outputs)
    joint: list[nn.Module] = []
    for d in (hidden + 2 * hidden_cpg, hidden_joint):
        joint += [nn.Linear(d, hidden_joint), nn.ReLU(), Dropout(dropout)]
    return DeepCpG(dna, cpg, nn.Sequential(*joint, nn.Linear(hidden_joint, n_outputs)))
