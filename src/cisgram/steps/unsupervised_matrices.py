"""Real matrices with a tenth of their numbers hidden, filled in several ways."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core import files
from cisgram.core.run import Run
from cisgram.data.matrix_fills import FILLS
from cisgram.io import Matrix, open_text, read_matrix
from cisgram.steps.arms import Job, done, mean_of_seeds, member
from cisgram.steps.impute import OURS, RATES, ImputeOptions, impute_run
from cisgram.steps.unsupervised_job import Unsupervised, there

Array = NDArray[np.float64]


def _tissues(later: Path) -> Matrix:
    return read_matrix(there(later / "decode_toy_expdata.txt.gz"))


def _leukemia(later: Path) -> Matrix:
    """arcsinh(intensity / 20) of both sets side by side: a logarithm that takes negatives."""
    parts, names, probes = list[Array](), list[str](), tuple[str, ...]()
    for part in ("train", "independent"):
        path = there(later / "golub" / f"data_set_ALL_AML_{part}.csv.gz")
        rows = [r for r in csv.reader(open_text(path).lines) if r]
        at = [i for i, name in enumerate(rows[0]) if i > 1 and name != "call"]
        names += [rows[0][i] for i in at]
        probes = tuple(row[1] for row in rows[1:])
        parts.append(np.array([[float(row[i]) for i in at] for row in rows[1:]]))
    return Matrix(np.arcsinh(np.concatenate(parts, 1) / 20), probes, tuple(names))


def _blood(later: Path) -> Matrix:
    values = np.load(there(later / "aitac" / "cell_type_array.npy")).astype(np.float64)
    n, d = values.shape
    return Matrix(
        values, tuple(f"peak_{i}" for i in range(n)), tuple(f"cell_{i}" for i in range(d))
    )


def _spots(later: Path) -> Matrix:
    return read_matrix(there(later / "squidpy_test_data.h5ad")).turned()


def _cells(later: Path) -> Matrix:
    """Genes that at least a tenth of the cells have, by cells."""
    found = read_matrix(there(later / "pbmc_10k_protein_v3.h5ad")).turned()
    kept = (found.values > 0).mean(1) >= 0.1
    names = tuple(name for name, keep in zip(found.rows, kept, strict=True) if keep)
    return Matrix(found.values[kept], names, found.columns)


def _log_cells(later: Path) -> Matrix:
    """log(1 + count) of `_cells`: what PCA is fitted to, and what its error is measured on."""
    found = _cells(later)
    return Matrix(np.log1p(found.values), found.rows, found.columns)


MATRICES: dict[str, tuple[Callable[[Path], Matrix], dict[str, dict[str, Any]]]] = {
    "tissues": (_tissues, {"denoising": {"epochs": 80}}),  # it still falls at 30
    "leukemia": (_leukemia, {"denoising": {}}),
    "blood ATAC": (_blood, {"denoising": {}}),
    "brain spots": (_spots, {"denoising": {}}),
    "PBMC counts": (
        _cells,
        {
            "denoising": {},
            "variational, nb": {"kind": "variational", "likelihood": "nb", "latent": 10},
            "variational, zinb": {"kind": "variational", "likelihood": "zinb", "latent": 10},
        },
    ),
    "PBMC log counts": (
        _log_cells,
        {  # on the validation numbers .335 and .331, with 30 passes and half hidden as above .333
            "denoising": {},
            "variational": {"kind": "variational", "latent": 10, "epochs": 80, "hide": (0, 0.15)},
        },
    ),
}
"""How each is read, and the autoencoders that are fitted to it."""
SMALL = "blood ATAC"
"""So small that what is hidden decides; it is hidden with more seeds."""
VARIATIONAL = (
    "tissues",
    {"kind": "variational", "latent": 10},
)  # the matrix, beside counts, of which a variational one is shown


def _arms(name: str) -> dict[str, dict[str, Any]]:
    arms = dict(MATRICES[name][1])
    if name == VARIATIONAL[0]:
        arms["variational"] = VARIATIONAL[1]
    return arms


def _seeds(job: Job[Unsupervised], name: str) -> range:
    return range(job.size.small_seeds if name == SMALL else job.size.seeds[0])


def _folder(job: Job[Unsupervised], name: str, kind: str) -> Path:
    return job.folder / "matrices" / f"{name} {kind}".replace(", ", "-").replace(" ", "-")


def fill_matrices(job: Job[Unsupervised]) -> None:
    """Every matrix by every autoencoder with every seed; what is finished stays as it is."""
    for name in job.size.matrices:
        table = job.folder / "matrices" / f"{name.replace(' ', '-')}.tsv"
        if not table.is_file():
            _write(table, MATRICES[name][0](job.data / "later"))
        for kind, options in _arms(name).items():
            for seed in _seeds(job, name):
                run = Run(member(_folder(job, name, kind), seed))
                job.say(f"{name}, {kind}, seed {seed}")
                own = {"epochs": 30, **options, **(job.size.matrix or {}), "seed": seed}
                own["compare"] = kind == "denoising"
                impute_run(run, table, ImputeOptions(**own), say=job.say)


def _write(path: Path, matrix: Matrix) -> None:
    lines = ["\t".join(["name", *matrix.columns])]
    for name, row in zip(matrix.rows, matrix.values, strict=True):
        cells = ["" if math.isnan(v) else f"{v:.6g}" for v in row]
        lines.append("\t".join([name, *cells]))
    files.write_text(path, "\n".join(lines) + "\n")


def matrices_page(job: Job[Unsupervised]) -> list[str]:
    """What is done of the matrices."""
    ways = [OURS, *FILLS]
    lines = [
        "## Holes of real matrices", "",
        "A tenth of the numbers hidden from all; root mean squared error there (of counts: of "
        "log(1 + count)), 95 % over seeds.", "",
        f"| matrix | items x features | seeds | {' | '.join(ways)} |",
        "|---|---|---|" + "---|" * len(ways),
    ]  # fmt: skip
    for name in MATRICES:
        found = list(done(_folder(job, name, "denoising"), _seeds(job, name)).values())
        if not found:
            continue
        cells = [_said([f["test"][way]["rmse"] for f in found], ".4f") for way in ways]
        table = read_matrix(job.folder / "matrices" / f"{name.replace(' ', '-')}.tsv")
        shape = " x ".join(f"{n:,}" for n in table.values.shape)
        lines.append(f"| {name} | {shape} | {len(found)} | {' | '.join(cells)} |")
    return [*lines, "", *_gains(job), "", *_counts(job), "", *_variational(job)]


def _gains(job: Job[Unsupervised]) -> list[str]:
    lines = [
        "Error of the autoencoder less that of others, on the same hidden numbers:", "",
        "| matrix | row and column mean | PCA | PCA, shrunken |", "|---|---|---|---|",
    ]  # fmt: skip
    for name in MATRICES:
        rivals = done(_folder(job, name, "denoising"), _seeds(job, name))
        for kind in _arms(name):
            found = done(_folder(job, name, kind), list(rivals))
            if not found:
                continue
            cells = [
                _said([f["test"][OURS]["rmse"] - rivals[s]["test"][way]["rmse"]
                       for s, f in found.items()], "+.4f")
                for way in ("row and column mean", "PCA", "PCA, shrunken")
            ]  # fmt: skip
            label = name if kind == "denoising" else f"{name}, {kind}"
            lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _counts(job: Job[Unsupervised]) -> list[str]:
    """Poisson deviance of hidden counts by way."""
    name = "PBMC counts"
    seeds = _seeds(job, name)
    first = done(_folder(job, name, "denoising"), seeds)
    if not first:
        return []
    rows = {
        way: {s: f["test"][way]["deviance"] for s, f in first.items()}
        for way in (RATES, "PCA", "PCA, shrunken")
    }
    for kind in MATRICES[name][1]:
        label = f"autoencoder: {kind}" + (", nb" if kind == "denoising" else "")
        found = done(_folder(job, name, kind), seeds)
        rows[label] = {s: f["test"][OURS]["deviance"] for s, f in found.items()}
    lines = [
        "Mean Poisson deviance of the hidden counts, and less that of PCA on the same counts:", "",
        "| way | seeds | deviance | less PCA |", "|---|---|---|---|",
    ]  # fmt: skip
    for way, values in rows.items():
        gain = [v - rows["PCA"][s] for s, v in values.items()] if way != "PCA" else []
        lines.append(
            f"| {way} | {len(values)} | {_said(list(values.values()), '.4f')} | "
            f"{_said(gain, '+.4f')} |"
        )
    return lines


def _variational(job: Job[Unsupervised]) -> list[str]:
    lines = [
        "Variational autoencoders: what their coordinates say.", "",
        "| matrix | autoencoder | test error | nats an item | coordinates in use |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for name in MATRICES:
        for kind in _arms(name):
            found = list(done(_folder(job, name, kind), _seeds(job, name)).values())
            if not found or "divergence" not in found[0]:
                continue
            error = _said([f["test"][OURS]["rmse"] for f in found], ".4f")
            nats = _said([f["divergence"] for f in found], ".2f")
            used = ", ".join(f"{f['active']} of {f['latent']}" for f in found)
            lines.append(f"| {name} | {kind} | {error} | {nats} | {used} |")
    return lines


def _said(values: Sequence[float], how: str) -> str:
    """Mean and 95 % interval over seeds; a dash where there is nothing."""
    if not values:
        return "–"
    mean, low, high = mean_of_seeds(values)
    ends = "" if math.isnan(low) else f" ({low:{how}} to {high:{how}})"
    return f"{mean:{how}}{ends}"
