"""One sequence that a model was asked about, packed as the page's script reads sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram.report.matches import Learned
from cisgram.report.pack import payload, squeeze
from cisgram.report.sites import packed_sites, sites_of
from cisgram.report.text import title


@dataclass(frozen=True, slots=True, eq=False)
class Fresh:
    """Scores of one method on one sequence, never written to a file.

    Attributes
    ----------
    name
        The method.
    options
        As its ``options.toml`` would hold them.
    values
        (rows, length): A C G T, or one row a track.
    codes
        (length,) base codes, 4 = unknown.
    tracks
        Names of the rows of a method that scores positions; empty where it scores bases.
    """

    name: str
    options: Mapping[str, Any]
    values: NDArray[np.float32]
    codes: NDArray[np.uint8]
    tracks: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        """The method as a heading."""
        return title(str(self.options.get("title") or self.name))

    def arrays(self, rows: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Values (n, rows, length) and codes (n, length) of the one sequence there is."""
        return np.stack([self.values for _ in rows]), np.stack([self.codes for _ in rows])


def payload_of_one(
    name: str,
    codes: NDArray[np.uint8],
    methods: Sequence[Fresh],
    *,
    motifs: Sequence[Learned] = (),
) -> dict[str, Any]:
    """What `pack.payload` gives, of one sequence, with the sites of ``motifs`` on it.

    Parameters
    ----------
    name
        What the sequence is called; untrusted text is allowed.
    codes
        (length,) base codes, 4 = unknown.
    methods
        Their scores, each of this length.
    motifs
        The motifs of the run that have a name (`sites.named_motifs`).
    """
    import pandas as pd

    table = pd.DataFrame({"name": [name], **{f"row:{i}": [0] for i in range(len(methods))}})
    packed = payload(table, methods)
    packed |= {"lengths": [len(codes)], "codes": squeeze(codes.astype(np.uint8).tobytes())}
    sites = packed_sites(sites_of(motifs, [codes]))
    return packed | {"sites": sites, "hits": None, "agreement": None}
