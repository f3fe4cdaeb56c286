"""What the output loses without the sites of a motif."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.seeds import generator
from cisgram.core.types import OneHot
from cisgram.explain.base import Target, ready, scalar
from cisgram.explain.overwrite import outputs, overwritten, sites_of, starts_of
from cisgram.models.state import untouched
from cisgram.motifs import Motif
from cisgram.seq.alphabet import codes_of

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def site_effects(
    model: nn.Module,
    x: OneHot,
    motifs: Iterable[Motif],
    *,
    target: Target | None = None,
    p: float = 1e-3,
    copies: int = 10,
    batch_size: int = 256,
    seed: int = 0,
) -> pd.DataFrame:
    """What the output loses when the sites of a motif are overwritten.

    In each sequence that has sites of the motif (`motifs.scan`, both strands), all of them are
    overwritten by random letters that no longer match; the effect is f(x) minus the mean over
    ``copies`` such versions. The control does the same to as many windows of the same width
    elsewhere in the sequence, where they may hit other motifs: it tells what overwriting any
    letters costs.

    Parameters
    ----------
    model, x, target
        As everywhere in this room; give sequences that carry the signal, for example positives.
    motifs
        What to look for.
    p
        Largest p-value of a site; raised to what a motif's best word reaches where that is larger.
    copies
        Random versions of each sequence.
    batch_size
        Sequences run at once.
    seed
        Of the letters; each motif and sequence has its own stream, so that neither the order nor
        the company of a sequence changes what is written into it.

    Returns
    -------
    DataFrame
        One row a motif: ``motif``, ``sequences`` (with a site), ``effect`` (mean over these),
        ``effect_low``, ``effect_high`` (its 95 % interval), ``control`` (its mean), in units of
        the target. NaN where fewer than 3 sequences have a site.
    """
    import pandas as pd

    check_positive(copies, name="copies")
    check_positive(batch_size, name="batch_size")
    x = ready(model, x)
    codes = codes_of(x)
    rows = []
    with untouched(model), torch.inference_mode():
        f = scalar(model, target)

        whole = outputs(f, codes, x.device, batch_size=batch_size)
        for motif in motifs:
            hits = starts_of(sites_of(codes, motif, p))
            some = sorted(hits)
            if len(some) < 3:
                rows.append((motif.name, len(some), *[np.nan] * 4))
                continue
            changes = []
            for elsewhere in (False, True):
                drawn = []
                for i in some:  # by its own letters: the company of a sequence changes nothing
                    keys = (motif.name, codes[i].tobytes().hex(), int(elsewhere))
                    random = generator(seed, "overwrite", *keys)
                    drawn += [
                        overwritten(codes[i], hits[i], motif, random, elsewhere=elsewhere)
                        for _ in range(copies)
                    ]
                after = outputs(f, np.stack(drawn), x.device, batch_size=batch_size)
                changes.append(whole[some] - after.reshape(len(some), copies).mean(1))
            low, mid, high = _mean_interval(changes[0])
            rows.append((motif.name, len(some), mid, low, high, float(changes[1].mean())))
    columns = ["motif", "sequences", "effect", "effect_low", "effect_high", "control"]
    return pd.DataFrame(rows, columns=columns)


def _mean_interval(values: Array) -> tuple[float, float, float]:
    """Low end, mean and high end of a normal 95 % interval of a mean."""
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return mean - half, mean, mean + half
