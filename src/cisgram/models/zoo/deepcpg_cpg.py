"""The CpG module of DeepCpG.

Angermueller C, Lee HJ, Reik W, Stegle O (2017). DeepCpG: accurate prediction of single-cell DNA
methylation states using deep learning. Genome Biol 18:67. Code: MIT.
"""

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.base import MODELS, check_share
from cisgram.models.layers import Dropout

NOBODY = (0.5, 1.0)  # state and share of the longest distance: of a neighbor that is not there


class Neighborhood(nn.Module):
    """Neighbors of a site in every cell (n, cells, 2, k) to (n, 2 hidden) features.

    One dense layer reads each cell's states and distances; a GRU in both directions reads the
    cells one after the other, and its last states are the features.
    """

    def __init__(self, n_neighbors: int, hidden: int, n_cells: int, dropout: float) -> None:
        super().__init__()
        self.blank = (n_cells, 2, n_neighbors)
        self.each = nn.Sequential(nn.Linear(2 * n_neighbors, hidden), nn.ReLU())
        self.cells = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.dropout = Dropout(dropout)

    def forward(self, neighbors: Tensor) -> Tensor:
        if neighbors.ndim != 4 or neighbors.shape[2:] != self.blank[1:]:
            msg = (
                f"neighbors must be (n, cells, 2, {self.blank[2]}), states and distances; got "
                f"{tuple(neighbors.shape)}. Make the model with n_neighbors of the data."
            )
            raise InputError(msg)
        each = self.each(neighbors.flatten(2))  # (n, cells, hidden)
        last = self.cells(each)[1]  # (2, n, hidden)
        out: Tensor = self.dropout(torch.cat([last[0], last[1]], 1))
        return out

    def unknown(self, x: Tensor) -> Tensor:
        """The neighbors of sites of which none is known: (n, cells, 2, k)."""
        row = x.new_tensor(NOBODY)[:, None].expand(self.blank)
        return row.expand(len(x), *self.blank)


class DeepCpGNeighbors(nn.Module):
    """Logits of the cells from the neighbors of a site; its letters are not read."""

    fields = ("neighbors",)

    def __init__(self, branch: Neighborhood, features: int, n_outputs: int) -> None:
        super().__init__()
        self.cpg, self.head = branch, nn.Linear(features, n_outputs)

    def forward(self, x: Tensor, neighbors: Tensor | None = None) -> Tensor:
        known = self.cpg.unknown(x) if neighbors is None else neighbors
        out: Tensor = self.head(self.cpg(known))  # (n, t)
        return out


@MODELS.register(
    name="deepcpg-cpg",
    kind="RNN",
    cite="angermueller2017",
    min_length=1,
    fields=("neighbors",),
    sizes={"n_neighbors": ("neighbors", -1)},
    reads_letters=False,
)
def deepcpg_cpg(
    *,
    n_neighbors: int = 50,
    hidden: int = 256,
    dropout: float = 0.2,
    n_outputs: int = 1,
) -> DeepCpGNeighbors:
    """DeepCpG's CpG module: known neighbors of a site, cell by cell; no letter is read.

    The size that the authors chose (RnnL1). Needs the input ``neighbors`` (``--methylation``);
    without it, sites are scored as if nothing were known nearby.

    Parameters
    ----------
    n_neighbors
        Neighbors of a site in a cell, both sides together; a run fills it in.
    hidden
        Units of the dense layer, and of the GRU in each direction.
    dropout
        Behind the GRU; the authors name no rate.
    n_outputs
        Cells, t.
    """
    branch = cpg_branch(n_neighbors, hidden, dropout, n_outputs)
    return DeepCpGNeighbors(branch, 2 * hidden, n_outputs)


def cpg_branch(n_neighbors: int, hidden: int, dropout: float, n_cells: int) -> Neighborhood:
    """Neighbors to (n, 2 hidden) features."""
    check_positive(n_neighbors, name="n_neighbors")
    check_positive(hidden, name="hidden")
    check_share(dropout, name="dropout")
    return Neighborhood(n_neighbors, hidden, n_cells, dropout)
