"""Whether another network, trained alike, would have said the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.train import metrics
from cisgram.trust.calibration import wilson
from cisgram.trust.randomization import rank_agreement
from cisgram.trust.resample import ends, mean_ends, resampled

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
COLUMNS = ["what", "first", "second", "agreement", "low", "high", "n"]


def prediction_agreement(outputs: Array, *, seed: int = 0) -> pd.DataFrame:
    """Rank correlation of the predictions of each pair of members.

    Parameters
    ----------
    outputs
        (members, n).
    seed
        Of the bootstrap over sequences.

    Returns
    -------
    DataFrame
        ``what`` (``predictions``), ``first``, ``second`` (members from 1), ``agreement``, ``low``,
        ``high``, ``n``.
    """
    import pandas as pd

    _several(len(outputs))
    rows = []
    for i, j in combinations(range(len(outputs)), 2):
        a, b = outputs[i], outputs[j]
        draws = resampled([partial(_agreement, a, b)], len(a), seed=seed)
        low, high = ends(draws[:, 0])
        rows.append(("predictions", i + 1, j + 1, metrics.spearman(a, b), low, high, len(a)))
    return pd.DataFrame(rows, columns=COLUMNS)


def attribution_agreement(
    attributions: Sequence[Array], *, what: str = "attributions", seed: int = 0
) -> pd.DataFrame:
    """Mean over sequences of the rank correlation of the attributions of each pair of members.

    Parameters
    ----------
    attributions
        One (n, length) a member.
    what
        Written into the column of that name.
    seed
        Of the bootstrap over sequences.

    Returns
    -------
    DataFrame
        As `prediction_agreement`.
    """
    import pandas as pd

    _several(len(attributions))
    rows = []
    for i, j in combinations(range(len(attributions)), 2):
        each = rank_agreement(attributions[i], attributions[j])
        mean, low, high = mean_ends(each, seed=seed)
        rows.append((what, i + 1, j + 1, mean, low, high, int(np.isfinite(each).sum())))
    return pd.DataFrame(rows, columns=COLUMNS)


def motif_recurrence(found: Mapping[int, Collection[str]]) -> pd.DataFrame:
    """How many members found each named motif.

    Parameters
    ----------
    found
        Names by member.

    Returns
    -------
    DataFrame
        ``name``, ``members`` (that found it), ``of``, ``share``, ``low``, ``high`` (Wilson), ``in``
        (their numbers); the most frequent first.
    """
    import pandas as pd

    of = len(found)
    _several(of)
    counts = Counter(name for names in found.values() for name in set(names))
    rows = []
    for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        where = [m for m, names in found.items() if name in names]
        rows.append({"name": name} | member_share(where, of))
    return pd.DataFrame(rows, columns=["name", "members", "of", "share", "low", "high", "in"])


def member_share(members: Sequence[int], of: int) -> dict[str, Any]:
    """How many of ``of`` members say something, as the columns of a table.

    Returns
    -------
    dict
        ``members``, ``of``, ``share``, ``low``, ``high`` (Wilson's interval), ``in`` (their
        numbers as text).

    Examples
    --------
    >>> member_share([1, 3], 4)["share"], member_share([1, 3], 4)["in"]
    (0.5, '1, 3')
    """
    low, high = wilson(len(members), of)
    return {
        "members": len(members),
        "of": of,
        "share": len(members) / of,
        "low": low,
        "high": high,
        "in": ", ".join(map(str, members)),
    }


def _agreement(a: Array, b: Array, rows: NDArray[np.int64]) -> float:
    return metrics.spearman(a[rows], b[rows])


def _several(n: int) -> None:
    if n < 2:
        msg = f"Agreement needs at least two members; got {n}. Train with --seeds 3."
        raise InputError(msg)
