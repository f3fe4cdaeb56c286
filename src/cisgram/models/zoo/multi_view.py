"""Letters and tracks, two views of one window, fused early, late or as an ensemble.

After the multi-view designs that Baltrusaitis T, Ahuja C, Morency LP (2019). Multimodal machine
learning: a survey and taxonomy. IEEE TPAMI 41:423-443, section 7, tells apart.
"""

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.models.base import MODELS, check_odd, check_share
from cisgram.models.layers import Conv1d, Dropout, GlobalMax, MaxPool1d

FUSIONS = ("early", "late", "ensemble", "sequence", "tracks")
POOL = 4
SECOND = 5  # positions that the second convolution reads


class View(nn.Module):
    """(n, maps, length) of a first convolution to (n, maps) features."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(maps),
            nn.ReLU(),
            MaxPool1d(POOL, POOL),
            Conv1d(maps, maps, SECOND, padding=SECOND // 2),
            nn.BatchNorm1d(maps),
            nn.ReLU(),
            GlobalMax(),
        )

    def forward(self, h: Tensor) -> Tensor:
        out: Tensor = self.layers(h)
        return out


class MultiView(nn.Module):
    """Logits (n, t) of letters (n, 4, length) and tracks (n, k, length), fused as asked."""

    fields = ("tracks",)

    def __init__(
        self, fusion: str, sizes: tuple[int, int, int], dropout: float, n_outputs: int
    ) -> None:
        super().__init__()
        maps, width, self.n_tracks = sizes
        self.fusion = fusion
        reads = {"letters": fusion != "tracks", "tracks": fusion != "sequence"}
        if reads["letters"]:
            self.letters = Conv1d(4, maps, width, padding=width // 2)
        if reads["tracks"]:
            # beside letters, one bias is enough for the sum
            self.rows = Conv1d(
                self.n_tracks, maps, width, padding=width // 2, bias=fusion != "early"
            )
        n = 2 if fusion in ("late", "ensemble") else 1
        self.views = nn.ModuleList(View(maps) for _ in range(n))
        self.dropout = Dropout(dropout)
        self.joint = nn.Sequential()
        if fusion == "late":
            self.joint.extend([nn.Linear(2 * maps, maps), nn.ReLU(), Dropout(dropout)])
        heads = n if fusion == "ensemble" else 1
        self.heads = nn.ModuleList(nn.Linear(maps, n_outputs) for _ in range(heads))

    def forward(self, x: Tensor, tracks: Tensor | None = None) -> Tensor:
        features = [self.dropout(f) for f in self._features(x, self._rows(x, tracks))]
        if self.fusion == "ensemble":
            each = [head(f) for head, f in zip(self.heads, features, strict=True)]
            return torch.stack(each).mean(0)
        out: Tensor = self.heads[0](self.joint(torch.cat(features, 1)))  # (n, t)
        return out

    def _features(self, x: Tensor, rows: Tensor) -> list[Tensor]:
        """(n, maps) of each view."""
        first = []
        if self.fusion != "tracks":
            first.append(self.letters(x))
        if self.fusion != "sequence":
            first.append(self.rows(rows))
        if self.fusion == "early":  # a convolution over all rows is the sum of both
            first = [first[0] + first[1]]
        return [view(h) for view, h in zip(self.views, first, strict=True)]

    def _rows(self, x: Tensor, tracks: Tensor | None) -> Tensor:
        wanted = (len(x), self.n_tracks, x.shape[2])
        if tracks is None:
            return x.new_zeros(wanted)
        if tuple(tracks.shape) != wanted:
            msg = (
                f"tracks must be (n, k, length), {wanted}; got {tuple(tracks.shape)}. Make the "
                "model with n_tracks of the data."
            )
            raise InputError(msg)
        return tracks


@MODELS.register(
    name="multi-view",
    kind="two branches",
    cite="baltrusaitis2019",
    min_length=POOL,
    fields=("tracks",),
    sizes={"n_tracks": ("tracks", -2)},
)
def multi_view(
    *,
    fusion: str = "late",
    maps: int = 64,
    width: int = 19,
    n_tracks: int = 1,
    dropout: float = 0.2,
    n_outputs: int = 1,
) -> MultiView:
    """Letters and tracks of a window (``--inputs``): two convolutions a view, fused.

    Needs the input ``tracks``; without it, windows are scored as if there were no signal.

    Parameters
    ----------
    fusion
        ``early``: the tracks are further rows beside the letters in the first convolution.
        ``late``: each view has convolutions of its own, and a dense layer joins their features.
        ``ensemble``: each view has a head, too, and the mean of their logits is trained, so that
        no view changes what the other says. ``sequence`` and ``tracks``: one view alone.
    maps
        Filters of every convolution.
    width
        Width of the first filters, bp; odd, so that the length stays.
    n_tracks
        Rows of the tracks; a run fills it in.
    dropout
        Before the head.
    n_outputs
        Tasks, t.
    """
    if fusion not in FUSIONS:
        what = "fusion of multi-view"
        raise unknown(what, str(fusion), FUSIONS)
    for name, value in (("maps", maps), ("n_tracks", n_tracks)):
        check_positive(value, name=name)
    check_odd(width)
    check_share(dropout, name="dropout")
    return MultiView(fusion, (maps, width, n_tracks), dropout, n_outputs)
