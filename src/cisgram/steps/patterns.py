"""Patterns of a run: seqlets of held-out positives, grouped, and where they are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram import explain, motifs
from cisgram.core.errors import InputError
from cisgram.core.results import Attribution
from cisgram.core.run import Run
from cisgram.data import Dataset, is_labeled
from cisgram.explain import Pattern
from cisgram.models import read_tensors, write_tensors
from cisgram.motifs import Motif, MotifSet
from cisgram.report.text import plural
from cisgram.seq import shuffle
from cisgram.seq.alphabet import one_hot
from cisgram.steps.motif_job import Found, MotifJob
from cisgram.steps.settings import MotifOptions

if TYPE_CHECKING:
    import pandas as pd

READ = 1000  # sequences that patterns are read from
CHUNK = 100  # sequences explained between two words on the progress
METHOD = "deep_lift"


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What patterns of a run are read from.

    Attributes
    ----------
    data
        The sequences.
    attribution, null
        DeepLIFT of these, and of one dinucleotide shuffle of each.
    """

    data: Dataset
    attribution: Attribution
    null: Attribution


def patterns(job: MotifJob) -> Found:
    """Patterns of attribution on held-out positives, positive and negative.

    DeepLIFT against shuffles scores every base; seqlets are called against the scores of shuffled
    sequences at a false discovery rate of 5 %. Beside the motifs, writes
    ``motifs/patterns.safetensors`` (``values`` and ``x`` (n, 4, length); ``NAME.contributions``
    and ``NAME.hypothetical`` (4, k) of each pattern), ``patterns.names.tsv`` (the n sequences),
    ``patterns.seqlets.tsv``, ``patterns.sites.tsv`` (members) and ``patterns.hits.tsv``, whose
    ``sequence`` is a name and ``row`` its number.
    """
    reading = read(job)
    job.say("calling seqlets")
    table = explain.seqlets(reading.attribution, null=reading.null)
    found = explain.patterns(reading.attribution, table)
    if not found:
        msg = (
            f"{len(table)} seqlets in {len(reading.data)} sequences make no pattern of 20 sites: "
            "the network uses no motif often enough, or there are too few sequences."
        )
        raise InputError(msg)
    job.say(f"calling hits of {plural(len(found), 'pattern')}")
    used = explain.hits(
        reading.attribution, found, null=reading.null, names=named(found, job.options)
    )
    write(job.run, reading, table, found, used)
    return MotifSet([p.motif for p in found], origin="patterns"), facts(found, used)


def read(job: MotifJob) -> Reading:
    """DeepLIFT of held-out sequences with a positive label, and of their shuffles."""
    part = job.held_out
    if is_labeled(job.data.task):
        part = part.take(part.y[:, job.column] == 1)
    data = part.take(np.arange(min(READ, len(part))))
    if len(data) == 0:
        msg = "The held-out set holds no positive to read patterns from; hold out more sequences."
        raise InputError(msg)
    x = one_hot(np.asarray(data.codes))
    shuffled = shuffle(x, n=1, seed=job.settings.train.seed)[:, 0]
    return Reading(data, _explained(job, x, "sequences"), _explained(job, shuffled, "shuffles"))


def _explained(job: MotifJob, x: torch.Tensor, what: str) -> Attribution:
    parts = []
    for start in range(0, len(x), CHUNK):
        job.say(f"explaining {what}, {start} of {len(x)}")
        part = x[start : start + CHUNK]
        parts.append(explain.METHODS[METHOD].fn(job.model, part, target=job.column).values)
    return Attribution(torch.cat(parts), x, METHOD, {"target": job.column})


def named(found: tuple[Pattern, ...], options: MotifOptions) -> dict[str, str]:
    """Name of the known motif that each pattern matches, where one does."""
    targets = motifs.database(options.database)
    matches = motifs.tomtom([p.motif for p in found], targets, best=1)
    specific = {p.name for p in found if p.motif.is_specific}
    kept = matches[(matches["q"] < options.max_q) & matches["motif"].isin(specific)]
    return dict(zip(kept["motif"], kept["target_name"], strict=True))


def facts(found: tuple[Pattern, ...], used: pd.DataFrame) -> pd.DataFrame:
    """``motif``, ``sign``, ``contribution`` (mean of its sites), ``hits``, ``sequences``."""
    import pandas as pd

    of = used.groupby("pattern")["sequence"]
    n, in_sequences = of.size(), of.nunique()
    rows = [
        (
            p.name,
            p.sign,
            round(float(p.contributions.sum()), 6),
            int(n.get(p.name, 0)),
            int(in_sequences.get(p.name, 0)),
        )
        for p in found
    ]
    return pd.DataFrame(
        rows, columns=["motif", "sign", "contribution", "hits", "sequences_with_hits"]
    )


def write(
    run: Run,
    reading: Reading,
    table: pd.DataFrame,
    found: tuple[Pattern, ...],
    used: pd.DataFrame,
) -> None:
    """Write what exports and the page need."""
    import pandas as pd

    tensors = {
        "values": reading.attribution.values.float(),
        "x": reading.attribution.sequences.to(torch.int8),
    }
    for p in found:
        tensors[f"{p.name}.contributions"] = torch.from_numpy(p.contributions).float()
        tensors[f"{p.name}.hypothetical"] = torch.from_numpy(p.hypothetical).float()
        tensors[f"{p.name}.counts"] = torch.from_numpy(p.motif.ppm * (p.motif.n_sites or p.n))
    folder = run.path / "motifs"
    write_tensors(folder / "patterns.safetensors", tensors)
    names: NDArray[np.object_] = np.array(reading.data.names, dtype=object)
    run.write_table("motifs/patterns.names.tsv", pd.DataFrame({"name": names}))
    sites = pd.concat([p.members.assign(pattern=p.name) for p in found], ignore_index=True)
    for name, rows in (("seqlets", table), ("sites", sites), ("hits", used)):
        row = rows["sequence"].to_numpy(np.int64)
        own = rows.assign(sequence=names[row], row=row)
        run.write_table(f"motifs/patterns.{name}.tsv", own)


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """The patterns of a run, read back.

    Attributes
    ----------
    names
        The n sequences that they were read from.
    attribution
        Their scores.
    patterns
        As `cisgram.explain.patterns` gave them.
    hits
        ``patterns.hits.tsv``.
    """

    names: list[str]
    attribution: Attribution
    patterns: tuple[Pattern, ...]
    hits: pd.DataFrame


def read_back(run: Run) -> Saved:
    """What `patterns` wrote.

    Raises
    ------
    InputError
        When the run holds no patterns.
    """
    path = run.path / "motifs" / "patterns.safetensors"
    if not path.is_file():
        msg = f"{run.path} holds no patterns; run 'cisgram motifs {run.path} --source patterns'."
        raise InputError(msg)
    tensors = read_tensors(path)
    names = [str(v) for v in run.read_table("motifs/patterns.names.tsv")["name"]]
    sites = run.read_table("motifs/patterns.sites.tsv")
    sites["sequence"] = sites.pop("row")
    found = []
    for name in dict.fromkeys(sites["pattern"].astype(str)):
        members = sites[sites["pattern"] == name].drop(columns="pattern").reset_index(drop=True)
        counts = tensors[f"{name}.counts"].numpy()
        motif = Motif.from_counts(counts, name=name, origin="patterns")
        sign = "+" if name.startswith("positive") else "-"
        own, hypothetical = (
            tensors[f"{name}.{kind}"].double().numpy() for kind in ("contributions", "hypothetical")
        )
        found.append(Pattern(name, sign, motif, own, hypothetical, members))
    attribution = Attribution(tensors["values"], tensors["x"].float(), METHOD)
    return Saved(names, attribution, tuple(found), run.read_table("motifs/patterns.hits.tsv"))
