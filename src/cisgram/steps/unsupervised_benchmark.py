"""Networks without labels on real data: holes filled, sequences made, a start before labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cisgram.core import files
from cisgram.core.run import Run
from cisgram.steps.arms import Job, Parts, arm, done, in_parts, member, said_mean
from cisgram.steps.generate import (
    HOME,
    FeedbackOptions,
    GenerateOptions,
    feedback_run,
    generate_run,
    maximize_run,
)
from cisgram.steps.pretrain import PretrainRunOptions, pretrain_run
from cisgram.steps.train import Progress
from cisgram.steps.unsupervised_job import Unsupervised, there
from cisgram.steps.unsupervised_matrices import fill_matrices, matrices_page

FACTOR = "tf-chipseq-deepbind/USF1_HepG2_USF-1_HudsonAlpha_AC.seq.gz"
FEW = "tf-chipseq-deepbind/ELK1_GM12878_ELK1_(1277-1)_Stanford_AC.seq.gz"
FEW_TEST = FEW.replace("_AC", "_B")
ASCENT = "designed.tsv"
LENGTH = 36  # bp: those of the sequences of Killoran et al.


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
    job = Job(
        data, out / "unsupervised", size or Unsupervised(), device, epoch, say or (lambda _: None)
    )
    return in_parts(job, PARTS, only=only)


def _generator(job: Job[Unsupervised]) -> None:
    """A generator of the strongest peaks of a factor."""
    own = {"epochs": 80, "learning_rate": 2e-3, "most": 4000, **(job.size.generator or {})}
    path = there(job.data / FACTOR)
    options = GenerateOptions(positives=str(path), length=LENGTH, **own)
    job.say("generator")
    generate_run(Run(job.folder / "generator"), options, say=job.say)


def _generator_page(job: Job[Unsupervised]) -> list[str]:
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
        f"held out {apart['held_out']:g}.", "",
        "A chain of order 3 is made of the training set's words of 4 letters: at k = 3 and 4 only "
        "its sample keeps it from the figures of the training set, which no network can pass "
        "without copying. What it leaves open begins at k = 5.",
    ]  # fmt: skip


def _analyzer(job: Job[Unsupervised]) -> Run:
    groups: dict[str, dict[str, Any]] = {
        "data": {
            "positives": str(there(job.data / FACTOR)), "max_positives": 3000, "length": LENGTH,
        },
        "model": {"name": "demo-cnn", "options": {"size": "small"}},
        "train": {"epochs": job.size.analyzer_epochs},
    }  # fmt: skip
    arm(job.folder / "analyzer", groups, seed=0, device="cpu", epoch=job.epoch)
    return Run(member(job.folder / "analyzer", 0))


def _feedback(job: Job[Unsupervised]) -> None:
    """The generator turned by an analyzer, and climbed."""
    _generator(job)
    analyzer, source = _analyzer(job), Run(job.folder / "generator")
    job.say("feedback")
    options = FeedbackOptions(**(job.size.feedback or {}))
    feedback_run(source, analyzer, Run(job.folder / "feedback"), options, say=job.say)
    weights = {"generator": source.path / HOME, "analyzer": analyzer.member(0)}
    run = Run(job.folder / "ascent")
    run.begin(
        {"ascent": {"n": job.size.ascents}},
        inputs={role: folder / "weights.safetensors" for role, folder in weights.items()},
    )
    if not (run.path / ASCENT).is_file():
        job.say("ascent")
        run.write_table(ASCENT, maximize_run(source, [analyzer], job.size.ascents))


def _feedback_page(job: Job[Unsupervised]) -> list[str]:
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


def _ascent_page(job: Job[Unsupervised]) -> list[str]:
    import pandas as pd

    path = job.folder / "ascent" / ASCENT
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


def _pretrained(job: Job[Unsupervised]) -> None:
    """Few labels of a factor, after its other peaks were read without labels."""
    positives, test = (str(there(job.data / name)) for name in (FEW, FEW_TEST))
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


def _pretrained_page(job: Job[Unsupervised]) -> list[str]:
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


PARTS: Parts[Unsupervised] = {
    "matrices": (fill_matrices, matrices_page),
    "generator": (_generator, _generator_page),
    "feedback": (_feedback, _feedback_page),
    "pretrained": (_pretrained, _pretrained_page),
}
