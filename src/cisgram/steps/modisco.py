"""TF-MoDISco: its files in and out, and the program itself where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.extras import require
from cisgram.core.results import Attribution
from cisgram.explain import Pattern
from cisgram.explain.windows import Scores, cut, turned
from cisgram.motifs import Motif, MotifSet
from cisgram.steps.motif_job import Found, MotifJob

WINDOW = 30  # positions of a pattern in the file, as TF-MoDISco's own
KEPT = 0.2  # share of the strongest column's contribution that the outermost columns have
GROUPS = {"+": "pos_patterns", "-": "neg_patterns"}


def group_names(patterns: tuple[Pattern, ...]) -> dict[str, str]:
    """What each pattern is called in the h5 file, for example ``pos_patterns.pattern_0``."""
    out, count = {}, {"+": 0, "-": 0}
    for p in patterns:
        out[p.name] = f"{GROUPS[p.sign]}.pattern_{count[p.sign]}"
        count[p.sign] += 1
    return out


def write_npz(folder: Path, attribution: Attribution) -> None:
    """Write ``sequences.npz`` and ``attributions.npz``, the input of ``modisco motifs -s -a``.

    Each holds one array ``arr_0`` (n, 4, length): one-hot int8, and float32 hypothetical
    contributions (of a method that scores the bases that are there alone, these scores).
    """
    scores = Scores.of(attribution)
    arrays = {
        "sequences": scores.letters.numpy().astype(np.int8),
        "attributions": scores.hypothetical.numpy(),
    }
    for name, array in arrays.items():
        with (
            files.replacing(folder / f"{name}.npz") as temporary,
            temporary.open("wb") as handle,
        ):
            np.savez_compressed(handle, array)


def write_h5(
    path: Path, patterns: tuple[Pattern, ...], attribution: Attribution, *, window: int = WINDOW
) -> None:
    """Write patterns in the h5 layout of TF-MoDISco-lite, which its reports and Fi-NeMo read.

    Every pattern is cut anew to ``window`` positions about its middle, as these tools want one
    width; sites too near to an end of their sequence for that are left out.

    Parameters
    ----------
    path
        The file: ``pos_patterns/pattern_0/{sequence, contrib_scores, hypothetical_contribs}``
        (window, 4), ``.../seqlets/{n_seqlets, start, end, example_idx, is_revcomp, sequence,
        contrib_scores, hypothetical_contribs}``, and so on; attribute ``window_size``: the length
        of the sequences.
    patterns
        What `cisgram.explain.patterns` found.
    attribution
        What they were found in.
    window
        Positions.

    Raises
    ------
    InputError
        When sequences are shorter than the window, or none of a pattern's sites fits.
    MissingExtra
        Without h5py, which the extra ``modisco`` brings.
    """
    h5py = require("h5py", extra="modisco")
    scores = Scores.of(attribution)
    if scores.length < window:
        msg = f"sequences of {scores.length} bp are too short for patterns of {window} bp."
        raise InputError(msg)
    with files.replacing(path) as temporary, h5py.File(temporary, "w") as handle:
        handle.attrs["window_size"] = scores.length
        for p in patterns:
            group = handle.require_group(group_names(patterns)[p.name].replace(".", "/"))
            _write_pattern(group, p, scores, window)


def _write_pattern(group: Any, pattern: Pattern, scores: Scores, window: int) -> None:
    m = pattern.members
    sequence = m["sequence"].to_numpy(np.int64)
    minus = (m["strand"] == "-").to_numpy(bool)
    # the odd position lies on the right of the pattern, so on the left where it is turned round
    left = (window - pattern.width) // 2
    lead = np.where(minus, window - pattern.width - left, left)
    start = m["start"].to_numpy(np.int64) - lead
    fits = (start >= 0) & (start + window <= scores.length)
    if not fits.any():
        msg = f"no site of {pattern.name} lies {window} bp from the ends of its sequence."
        raise InputError(msg)
    sequence, start, minus = sequence[fits], start[fits], minus[fits]
    inner = group.create_group("seqlets")
    inner["n_seqlets"] = np.array([len(start)])
    inner["start"], inner["end"] = start, start + window
    inner["example_idx"], inner["is_revcomp"] = sequence, minus
    for name, array in (
        ("sequence", scores.letters),
        ("contrib_scores", scores.contributions),
        ("hypothetical_contribs", scores.hypothetical),
    ):
        each = turned(cut(array, sequence, start, window), minus).transpose(1, 2)  # (n, window, 4)
        inner[name] = each.numpy()
        group[name] = each.double().mean(0).numpy()


def read_h5(path: Path) -> tuple[Pattern, ...]:
    """Patterns of an h5 file of TF-MoDISco-lite, trimmed as our own are.

    Each is trimmed to the columns from the first to the last with a fifth of the strongest one's
    contribution. Subpatterns are not read.

    Raises
    ------
    InputError
        When the file is absent or holds no patterns in this layout.
    MissingExtra
        Without h5py, which the extra ``modisco`` brings.
    """
    h5py = require("h5py", extra="modisco")
    try:
        handle = h5py.File(path, "r")
    except OSError as error:
        msg = f"Cannot read {path} as HDF5: {error}."
        raise InputError(msg) from error
    found: list[Pattern] = []
    with handle:
        known = "window_size" in handle.attrs  # TF-MoDISco-lite found nothing
        if not known and not any(g in handle for g in GROUPS.values()):
            msg = (
                f"{path} holds neither pos_patterns nor neg_patterns: it is no output of "
                "TF-MoDISco-lite. Convert older files with 'modisco convert'."
            )
            raise InputError(msg)
        for sign, name in GROUPS.items():
            own = handle.get(name, {})
            for key in sorted(own, key=lambda k: int(k.rpartition("_")[2])):
                word = "positive" if sign == "+" else "negative"
                found.append(_read_pattern(own[key], f"{word}_{key.rpartition('_')[2]}", sign))
    return tuple(found)


def _read_pattern(group: Any, name: str, sign: str) -> Pattern:
    import pandas as pd

    own: NDArray[np.float64] = np.asarray(group["contrib_scores"], dtype=np.float64).T  # (4, k)
    strength = np.abs(own).sum(0)
    kept = np.flatnonzero(strength >= KEPT * strength.max())
    first, last = int(kept[0]), int(kept[-1]) + 1
    sites = group["seqlets"]
    minus = np.asarray(sites["is_revcomp"], dtype=bool)
    start, end = (np.asarray(sites[c], dtype=np.int64) for c in ("start", "end"))
    members = pd.DataFrame(
        {
            "sequence": np.asarray(sites["example_idx"], dtype=np.int64),
            "start": np.where(minus, end - last, start + first),
            "end": np.where(minus, end - first, start + last),
            "strand": np.where(minus, "-", "+").astype(object),
        }
    )
    counts = np.asarray(group["sequence"], dtype=np.float64).T[:, first:last] * len(members)
    return Pattern(
        name=name,
        sign=sign,
        motif=Motif.from_counts(counts, name=name, origin="modisco"),
        contributions=own[:, first:last],
        hypothetical=np.asarray(group["hypothetical_contribs"]).T[:, first:last].astype(float),
        members=members,
    )


def modisco(job: MotifJob) -> Found:
    """Patterns of TF-MoDISco-lite on the scores that our own patterns are read from.

    Beside the motifs, writes its ``motifs/modisco.h5``.

    Raises
    ------
    InputError
        When it finds none.
    MissingExtra
        Without modisco-lite, which the extra ``modisco`` brings.
    """
    import pandas as pd

    from cisgram.steps.patterns import read

    program = require("modiscolite.tfmodisco", extra="modisco")
    storage = require("modiscolite.io", extra="modisco")
    reading = read(job)
    scores = Scores.of(reading.attribution)
    job.say("running TF-MoDISco")
    positive, negative = program.TFMoDISco(
        one_hot=scores.letters.transpose(1, 2).numpy(),
        hypothetical_contribs=scores.hypothetical.transpose(1, 2).numpy(),
    )
    path = job.run.path / "motifs" / "modisco.h5"
    with files.replacing(path) as temporary:
        storage.save_hdf5(str(temporary), positive, negative, scores.length)
    found = read_h5(path)
    if not found:
        msg = (
            f"TF-MoDISco found no pattern in {len(reading.data)} sequences; it wants at least 100 "
            "seqlets. Hold out more sequences."
        )
        raise InputError(msg)
    rows = [(p.name, p.sign, float(p.contributions.sum())) for p in found]
    facts = pd.DataFrame(rows, columns=["motif", "sign", "contribution"])
    return MotifSet([p.motif for p in found], origin="modisco"), facts
