"""What a run found, as files of other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram import motifs
from cisgram.core import config, files
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.results import Attribution
from cisgram.core.run import Run
from cisgram.core.work import noted
from cisgram.data.source import Source
from cisgram.explain.windows import Scores
from cisgram.io import Genome, write_bigwig
from cisgram.models import read_tensors
from cisgram.motifs import MotifSet
from cisgram.seq.alphabet import codes_of
from cisgram.steps.modisco import group_names, write_h5, write_npz
from cisgram.steps.patterns import Saved, read_back
from cisgram.steps.settings import settings_of

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]

FINEMO = (
    "chr",
    "start",
    "end",
    "start_untrimmed",
    "end_untrimmed",
    "motif_name",
    "hit_coefficient",
    "hit_coefficient_global",
    "hit_similarity",
    "hit_correlation",
    "hit_importance",
    "hit_importance_sq",
    "strand",
    "peak_name",
    "peak_id",
)


@noted("exporting")
def export_run(run: Run, form: str, out: Path, *, method: str | None = None) -> Path:
    """Write what a run found in the form of another program.

    Parameters
    ----------
    run
        A run with patterns (``cisgram motifs --source patterns``) or explanations.
    form
        ``modisco-npz``: a folder with ``sequences.npz`` and ``attributions.npz``, the input of
        TF-MoDISco and of Fi-NeMo; ``modisco-h5``: the patterns as TF-MoDISco's output; ``finemo``:
        the patterns' hits in the columns of Fi-NeMo's ``hits.tsv``; ``bigwig``: scores of the bases
        that are there, along the genome; ``meme``: the motifs of all sources in one file.
    out
        File, or folder, to write.
    method
        For ``modisco-npz`` and ``bigwig``: the explanation ``RUN/explain/METHOD``; default: the
        scores that the patterns were read from.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    InputError
        When the run lacks what is exported: patterns, explanations, or places on a genome.
    """
    if form not in FORMS:
        what = "form of export"
        raise unknown(what, form, FORMS)
    if method is not None and form not in ("modisco-npz", "bigwig"):
        msg = f"{form} takes no scores; leave the method out."
        raise InputError(msg)
    run.read()  # refuses what is no run
    FORMS[form](run, out, method)
    return out


def scored(run: Run, method: str | None) -> tuple[list[str], Attribution]:
    """Names and scores of an explanation of the run, or of its patterns.

    Raises
    ------
    InputError
        When there is no such explanation, or it scores no letters.
    """
    if method is None:
        saved = read_back(run)
        return saved.names, saved.attribution
    folder = run.path / "explain" / method
    if not (folder / "values.safetensors").is_file():
        msg = f"{folder} holds no explanation; run 'cisgram explain {method} {run.path}' first."
        raise InputError(msg)
    tensors = read_tensors(folder / "values.safetensors")
    if "values" not in tensors:
        msg = f"{method} scores positions, not letters; export a method that scores letters."
        raise InputError(msg)
    names = [str(v) for v in Run(folder).read_table("names.tsv")["name"]]
    how = config.read_toml(folder / "options.toml")
    substitutions = bool(how.get("substitutions", False))
    x = tensors["x"].float()
    return names, Attribution(tensors["values"], x, method, substitutions=substitutions)


class Places:
    """Where sequences of a run lie on its genome; training data are read from the forward strand.

    Attributes
    ----------
    contigs
        n names.
    starts
        (n,) first positions.
    sizes
        bp of every contig.
    """

    def __init__(self, run: Run, names: list[str], codes: NDArray[np.uint8]) -> None:
        path = settings_of(run).data.genome
        where = _by_name(run)
        if path is None or any(name not in where for name in names):
            msg = (
                f"The sequences of {run.path} have no places on a genome: the run was made from "
                "sequences, not from intervals (BED or narrowPeak with --genome)."
            )
            raise InputError(msg)
        genome = Genome(path)
        self.sizes = dict(genome.contigs)
        self.contigs = [where[name][0] for name in names]
        self.starts: Ints = np.array([where[name][1] for name in names], dtype=np.int64)
        other = (genome.windows(self.contigs, self.starts, codes.shape[1]) != codes).any(1)
        if other.any():
            name = names[int(np.flatnonzero(other)[0])]
            msg = f"{name} does not read as {path} does at its place; is it the same genome?"
            raise InputError(msg)


def _by_name(run: Run) -> dict[str, tuple[str, int]]:
    """Contig and start of every interval that the run was made from."""
    settings = settings_of(run).data
    if settings.genome is None:
        return {}
    source = Source(Genome(settings.genome), settings.length)
    out: dict[str, tuple[str, int]] = {}
    for path in (settings.positives, settings.test):
        part = source.read(path, settings, label=1.0) if path is not None else None
        if part is not None and part.groups is not None and part.starts is not None:
            places = zip(part.groups, part.starts.tolist(), strict=True)
            out |= dict(zip(part.names, places, strict=True))
    return out


def _npz(run: Run, out: Path, method: str | None) -> None:
    write_npz(out, scored(run, method)[1])


def _h5(run: Run, out: Path, method: str | None) -> None:  # noqa: ARG001 all forms are called alike
    saved = read_back(run)
    write_h5(out, saved.patterns, saved.attribution)


def _bigwig(run: Run, out: Path, method: str | None) -> None:
    names, attribution = scored(run, method)
    where = _by_name(run)
    rows = [i for i, name in enumerate(names) if name in where] or list(range(len(names)))
    names = [names[i] for i in rows]  # negatives may have no place
    places = Places(run, names, codes_of(attribution.sequences)[rows])
    values = attribution.per_position.double().numpy()[rows]
    write_bigwig(out, values, places.contigs, places.starts, sizes=places.sizes)


def _finemo(run: Run, out: Path, method: str | None) -> None:  # noqa: ARG001 as above
    saved = read_back(run)
    has_places = settings_of(run).data.genome is not None
    places = Places(run, saved.names, codes_of(saved.attribution.sequences)) if has_places else None
    table = finemo_table(saved, places)
    text = table.to_csv(sep="\t", index=False, lineterminator="\n", na_rep="NA")
    files.write_text(out, text)


def finemo_table(saved: Saved, places: Places | None) -> pd.DataFrame:
    """Hits in the columns of Fi-NeMo's ``hits.tsv``.

    ``hit_coefficient`` and ``hit_coefficient_global`` are both the coefficient of the pattern's
    contributions scaled to length 1, which is what Fi-NeMo's global one is; ``hit_correlation`` is
    the similarity, as there. Patterns are trimmed, so that the untrimmed places are the same.
    """
    import pandas as pd

    hits = saved.hits
    contributions = Scores.of(saved.attribution).contributions.sum(1).double().numpy()
    total = np.concatenate([np.zeros((len(contributions), 1)), np.abs(contributions).cumsum(1)], 1)
    squares = np.concatenate([np.zeros((len(contributions), 1)), (contributions**2).cumsum(1)], 1)
    row, start, end = (hits[c].to_numpy(np.int64) for c in ("row", "start", "end"))
    size = {p.name: float(np.linalg.norm(p.contributions)) for p in saved.patterns}
    coefficient = hits["score"].to_numpy(np.float64) * hits["pattern"].map(size).to_numpy()
    names = group_names(saved.patterns)
    contig: NDArray[np.object_] = np.full(len(hits), "NA", dtype=object)
    left, right = start, end
    if places is not None:
        contig = np.array(places.contigs, dtype=object)[row]
        left, right = places.starts[row] + start, places.starts[row] + end
    columns = (
        contig,
        left,
        right,
        left,
        right,
        hits["pattern"].map(names),
        coefficient,
        coefficient,
        hits["similarity"],
        hits["similarity"],
        total[row, end] - total[row, start],
        squares[row, end] - squares[row, start],
        hits["strand"],
        hits["sequence"],
        row,
    )
    table = pd.DataFrame(dict(zip(FINEMO, columns, strict=True)))
    by = ["chr", "start"] if places is not None else ["peak_id", "start"]
    return table.sort_values(by, kind="stable", ignore_index=True)


def _meme(run: Run, out: Path, method: str | None) -> None:  # noqa: ARG001 as above
    folder = run.path / "motifs"
    found = []
    for path in sorted(folder.glob("*.meme")):
        if path.name.endswith(".targets.meme"):
            continue
        for m in motifs.read_meme(path):
            name = f"{path.stem}.{m.name}"
            found.append(motifs.Motif(m.ppm, name, name, m.n_sites, m.background, m.origin))
    if not found:
        msg = f"{folder} holds no motifs; run 'cisgram motifs {run.path}' first."
        raise InputError(msg)
    motifs.write_meme(out, MotifSet(found))


FORMS: dict[str, Callable[[Run, Path, str | None], None]] = {
    "modisco-npz": _npz,
    "modisco-h5": _h5,
    "finemo": _finemo,
    "bigwig": _bigwig,
    "meme": _meme,
}
"""What can be written, by name."""
