"""Networks without labels on real data: holes filled, sequences made, a start before labels."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.data.matrix_fills import FILLS
from cisgram.io import Matrix, open_text, read_matrix
from cisgram.steps.arms import arm, chosen, done, mean_of_seeds, member, said_mean
from cisgram.steps.generate import (
    FeedbackOptions,
    GenerateOptions,
    feedback_run,
    generate_run,
    maximize_run,
)
from cisgram.steps.impute import OURS, RATES, ImputeOptions, impute_run
from cisgram.steps.pretrain import PretrainRunOptions, pretrain_run
from cisgram.steps.train import Progress

Array = NDArray[np.float64]
FACTOR = "tf-chipseq-deepbind/USF1_HepG2_USF-1_HudsonAlpha_AC.seq.gz"
FEW = "tf-chipseq-deepbind/ELK1_GM12878_ELK1_(1277-1)_Stanford_AC.seq.gz"
FEW_TEST = FEW.replace("_AC", "_B")
LENGTH = 36  # bp: those of the sequences of Killoran et al.


@dataclass(frozen=True, slots=True)
class Unsupervised:
    """How much is done.

    Attributes
    ----------
    matrices
        Names of `MATRICES`.
    seeds
        Of the matrices, and of the trainings with few labels.
    matrix
        Options of every autoencoder of a matrix.
    generator, feedback
        Options of the generator, beside the file.
    analyzer_epochs, ascents
        Of the network that scores, and through it.
    labels
        Positives with labels, of the trainings with few.
    pretrain_epochs, few_epochs
        Passes without labels, epochs with few.
    """

    matrices: tuple[str, ...] = ("tissues", "leukemia", "blood ATAC", "brain spots", "PBMC counts")
    seeds: tuple[int, int] = (3, 5)
    matrix: Mapping[str, Any] | None = None
    generator: Mapping[str, Any] | None = None
    feedback: Mapping[str, Any] | None = None
    analyzer_epochs: int = 6
    ascents: int = 50
    labels: int = 300
    pretrain_epochs: int = 20
    few_epochs: int = 20


@dataclass(frozen=True, slots=True)
class Job:
    """A benchmark in a folder, for its parts."""

    data: Path
    folder: Path
    size: Unsupervised
    device: str
    epoch: Progress | None
    say: Callable[[str], None]


def benchmark_unsupervised(
    data: Path,
    out: Path,
    *,
    only: str | None = None,
    size: Unsupervised | None = None,
    device: str = "auto",
    epoch: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> str:
    """Run what is missing of the benchmark and give its page as Markdown.

    Parameters
    ----------
    data
        Folder of the data sets.
    out
        Folder of the runs, ``OUT/unsupervised``.
    only
        Comma-separated parts of `PARTS` to run (an empty text: none); the page shows all that is
        done.
    size
        How much; the page of the docs has the default.
    device, epoch, say
        As in the main job.

    Raises
    ------
    InputError
        When a part is unknown, or the data are not there.
    """
    wanted = chosen(only, PARTS, what="part")
    job = Job(
        data, out / "unsupervised", size or Unsupervised(), device, epoch, say or (lambda _: None)
    )
    pages: list[str] = []
    for name, (run, page) in PARTS.items():
        if name in wanted:
            run(job)
        pages += [*page(job), ""]
    return "\n".join(pages).rstrip() + "\n"


def _tissues(later: Path) -> Matrix:
    return read_matrix(_there(later / "decode_toy_expdata.txt.gz"))


def _leukemia(later: Path) -> Matrix:
    """arcsinh(intensity / 20) of both sets side by side: a logarithm that takes negatives."""
    parts, names, probes = list[Array](), list[str](), tuple[str, ...]()
    for part in ("train", "independent"):
        path = _there(later / "golub" / f"data_set_ALL_AML_{part}.csv.gz")
        rows = [r for r in csv.reader(open_text(path).lines) if r]
        at = [i for i, name in enumerate(rows[0]) if i > 1 and name != "call"]
        names += [rows[0][i] for i in at]
        probes = tuple(row[1] for row in rows[1:])
        parts.append(np.array([[float(row[i]) for i in at] for row in rows[1:]]))
    return Matrix(np.arcsinh(np.concatenate(parts, 1) / 20), probes, tuple(names))


def _blood(later: Path) -> Matrix:
    values = np.load(_there(later / "aitac" / "cell_type_array.npy")).astype(np.float64)
    n, d = values.shape
    return Matrix(
        values, tuple(f"peak_{i}" for i in range(n)), tuple(f"cell_{i}" for i in range(d))
    )


def _spots(later: Path) -> Matrix:
    return read_matrix(_there(later / "squidpy_test_data.h5ad")).turned()


def _cells(later: Path) -> Matrix:
    """Genes that at least a tenth of the cells have, by cells."""
    found = read_matrix(_there(later / "pbmc_10k_protein_v3.h5ad")).turned()
    kept = (found.values > 0).mean(1) >= 0.1
    names = tuple(name for name, keep in zip(found.rows, kept, strict=True) if keep)
    return Matrix(found.values[kept], names, found.columns)


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
}
"""How each is read, and the autoencoders that are fitted to it."""
VARIATIONAL = (
    "tissues",
    {"kind": "variational", "latent": 10},
)  # the matrix, beside counts, of which a variational one is shown


def _there(path: Path) -> Path:
    if not path.is_file():
        msg = f"{path} does not exist; give the data sets' folder with --data."
        raise InputError(msg)
    return path


def _arms(name: str) -> dict[str, dict[str, Any]]:
    arms = dict(MATRICES[name][1])
    if name == VARIATIONAL[0]:
        arms["variational"] = VARIATIONAL[1]
    return arms


def _folder(job: Job, name: str, kind: str) -> Path:
    return job.folder / "matrices" / f"{name} {kind}".replace(", ", "-").replace(" ", "-")


def _matrices(job: Job) -> None:
    for name in job.size.matrices:
        table = job.folder / "matrices" / f"{name.replace(' ', '-')}.tsv"
        if not table.is_file():
            _write(table, MATRICES[name][0](job.data / "later"))
        for kind, options in _arms(name).items():
            for seed in range(job.size.seeds[0]):
                run = Run(member(_folder(job, name, kind), seed))
                if (run.path / "metrics.json").is_file():
                    continue
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


def _matrices_page(job: Job) -> list[str]:
    ways = [OURS, *FILLS]
    lines = [
        "## Holes of real matrices", "",
        "A tenth of the numbers hidden from all; root mean squared error there (of counts: of "
        "log(1 + count)), 95 % over seeds.", "",
        f"| matrix | items x features | seeds | {' | '.join(ways)} |",
        "|---|---|---|" + "---|" * len(ways),
    ]  # fmt: skip
    for name in MATRICES:
        found = list(done(_folder(job, name, "denoising"), range(job.size.seeds[0])).values())
        if not found:
            continue
        cells = [_said([f["test"][way]["rmse"] for f in found], ".4f") for way in ways]
        table = read_matrix(job.folder / "matrices" / f"{name.replace(' ', '-')}.tsv")
        shape = " x ".join(f"{n:,}" for n in table.values.shape)
        lines.append(f"| {name} | {shape} | {len(found)} | {' | '.join(cells)} |")
    return [*lines, "", *_gains(job), "", *_counts(job), "", *_variational(job)]


def _gains(job: Job) -> list[str]:
    lines = [
        "Error of the autoencoder less that of others, on the same hidden numbers:", "",
        "| matrix | row and column mean | PCA | PCA, shrunken |", "|---|---|---|---|",
    ]  # fmt: skip
    for name in MATRICES:
        found = list(done(_folder(job, name, "denoising"), range(job.size.seeds[0])).values())
        if found:
            cells = [
                _said([f["test"][OURS]["rmse"] - f["test"][way]["rmse"] for f in found], "+.4f")
                for way in ("row and column mean", "PCA", "PCA, shrunken")
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _counts(job: Job) -> list[str]:
    """Poisson deviance of hidden counts by way."""
    name, seeds = "PBMC counts", range(job.size.seeds[0])
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


def _variational(job: Job) -> list[str]:
    lines = [
        "Variational autoencoders: what their coordinates say.", "",
        "| matrix | autoencoder | test error | nats an item | coordinates in use |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for name in MATRICES:
        for kind in _arms(name):
            found = list(done(_folder(job, name, kind), range(job.size.seeds[0])).values())
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


def _generator(job: Job) -> None:
    """A generator of the strongest peaks of a factor."""
    own = {"epochs": 80, "learning_rate": 2e-3, "most": 4000, **(job.size.generator or {})}
    path = _there(job.data / FACTOR)
    options = GenerateOptions(positives=str(path), length=LENGTH, **own)
    run = Run(job.folder / "generator")
    if not (run.path / "metrics.json").is_file():
        job.say("generator")
        generate_run(run, options, say=job.say)


def _generator_page(job: Job) -> list[str]:
    path = job.folder / "generator" / "metrics.json"
    lines = ["## Sequences like those of a file", ""]
    return lines + (_judged(files.read_json(path)) if path.is_file() else [])


def _judged(found: Mapping[str, Any]) -> list[str]:
    names = {
        "generator": "made", "markov": "Markov chain of order 3", "training": "training set",
    }  # fmt: skip
    words = list(found["spectra"]["generator"])
    lines = [
        f"| bits to the held-out k-mers | {' | '.join(f'k = {k}' for k in words)} |",
        "|---|" + "---|" * len(words),
    ]
    for name, said in names.items():
        cells = [f"{found['spectra'][name][k]:.4f}" for k in words]
        lines.append(f"| {said} | {' | '.join(cells)} |")
    near, apart = found["nearest"], found["apart"]
    return [
        *lines, "",
        f"Letters to the nearest training sequence (median, both strands): made "
        f"{near['generator']:g}, held out {near['held_out']:g}; copies: "
        f"{100 * near['copies']:.1f} %. To the nearest of their own: made {apart['generator']:g}, "
        f"held out {apart['held_out']:g}.",
    ]  # fmt: skip


def _analyzer(job: Job) -> Run:
    groups: dict[str, dict[str, Any]] = {
        "data": {
            "positives": str(_there(job.data / FACTOR)), "max_positives": 3000, "length": LENGTH,
        },
        "model": {"name": "demo-cnn", "options": {"size": "small"}},
        "train": {"epochs": job.size.analyzer_epochs},
    }  # fmt: skip
    arm(job.folder / "analyzer", groups, seed=0, device="cpu", epoch=job.epoch)
    return Run(member(job.folder / "analyzer", 0))


def _feedback(job: Job) -> None:
    """The generator turned by an analyzer, and climbed."""
    _generator(job)
    analyzer, source = _analyzer(job), Run(job.folder / "generator")
    run = Run(job.folder / "feedback")
    if not (run.path / "metrics.json").is_file():
        job.say("feedback")
        options = FeedbackOptions(**(job.size.feedback or {}))
        feedback_run(source, analyzer, run, options, say=job.say)
    table = job.folder / "ascent.tsv"
    if not table.is_file():
        job.say("ascent")
        found = maximize_run(source, [analyzer], job.size.ascents)
        files.write_text(table, found.to_csv(sep="\t", index=False))


def _feedback_page(job: Job) -> list[str]:
    path = job.folder / "feedback" / "metrics.json"
    lines = ["## Feedback by an analyzer", ""]
    if not path.is_file():
        return lines
    found = files.read_json(path)
    above = found["above"]
    lines += [
        f"| | above {found['threshold']:g} | nearest training sequence | copies | nearest of own |",
        "|---|---|---|---|---|",
    ]
    for name in ("before", "after"):
        near, apart = found[name]["nearest"], found[name]["apart"]
        lines.append(
            f"| made {name} | {100 * above[name]:.1f} % | {near['generator']:g} | "
            f"{100 * near['copies']:.1f} % | {apart['generator']:g} |"
        )
    near, apart = found["before"]["nearest"], found["before"]["apart"]
    lines += [
        f"| held out | {100 * above['held_out']:.1f} % | {near['held_out']:g} | | "
        f"{apart['held_out']:g} |",
        f"| training set | {100 * above['training']:.1f} % | | | |",
        "", "After:", "", *_judged(found["after"]), "",
    ]  # fmt: skip
    return lines + _ascent_page(job)


def _ascent_page(job: Job) -> list[str]:
    import pandas as pd

    path = job.folder / "ascent.tsv"
    if not path.is_file():
        return []
    table = pd.read_csv(path, sep="\t")
    return [
        f"Ascent in the latent space of the generator before feedback, {len(table)} starts: median "
        f"logit {table['start_score'].median():.2f} before, {table['score'].median():.2f} after "
        f"(best {table['score'].max():.2f}); median letters to the nearest training sequence "
        f"{table['nearest'].median():g}.",
    ]


STARTS: dict[str, dict[str, Any]] = {
    "from scratch": {},
    "denoising": {"kind": "denoising"},
    "variational": {"kind": "variational"},
}


def _pretrained(job: Job) -> None:
    """Few labels of a factor, after its other peaks were read without labels."""
    positives, test = (str(_there(job.data / name)) for name in (FEW, FEW_TEST))
    for name, how in STARTS.items():
        model: dict[str, Any] = {"name": "demo-cnn", "options": {"size": "small", "dropout": 0.1}}
        if how:
            run = Run(job.folder / f"read-{name}")
            options = PretrainRunOptions(
                positives=positives, model_options=model["options"],
                epochs=job.size.pretrain_epochs, **how,
            )  # fmt: skip
            pretrain_run(run, options, say=job.say)
            model |= {"weights": str(run.path), "weights_match": "features"}
        groups: dict[str, dict[str, Any]] = {
            "data": {"positives": positives, "test": test, "max_positives": job.size.labels},
            "model": model,
            "train": {"epochs": job.size.few_epochs, "patience": job.size.few_epochs},
        }
        for seed in range(job.size.seeds[1]):
            job.say(f"few labels, {name}, seed {seed}")
            folder = job.folder / f"few-{name.replace(' ', '-')}"
            arm(folder, groups, seed=seed, device=job.device, epoch=job.epoch)


def _pretrained_page(job: Job) -> list[str]:
    lines = [
        "## A start before labels", "",
        f"ELK1, {job.size.labels} positives with labels; all its training peaks read without.", "",
        "| start | seeds | test AUROC | gain |", "|---|---|---|---|",
    ]  # fmt: skip
    first: dict[int, float] = {}
    for name in STARTS:
        found = {
            seed: float(m["test"]["auroc"])
            for seed, m in done(
                job.folder / f"few-{name.replace(' ', '-')}", range(job.size.seeds[1])
            ).items()
        }
        first = first or found
        gain = [found[s] - first[s] for s in found if s in first and name != "from scratch"]
        lines.append(
            f"| {name} | {len(found)} | {said_mean(list(found.values()))} | "
            f"{said_mean(gain, sign=True)} |"
        )
    return lines


PARTS: dict[str, tuple[Callable[[Job], None], Callable[[Job], list[str]]]] = {
    "matrices": (_matrices, _matrices_page),
    "generator": (_generator, _generator_page),
    "feedback": (_feedback, _feedback_page),
    "pretrained": (_pretrained, _pretrained_page),
}
"""What is run, and what is said of it; a part is one line here."""
