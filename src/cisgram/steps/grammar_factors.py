"""Rules of real factors: what five networks of five seeds hold, and which of it all hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from cisgram import motifs
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.grammar import Rule, Rules
from cisgram.grammar.said import place
from cisgram.motifs import MotifSet, write_meme
from cisgram.steps.grammar import FOLDER, GrammarOptions, grammar_run
from cisgram.steps.settings import Settings, resolve
from cisgram.steps.train import Progress, train_run

HUMAN, YEAST = ("SP1", "ELK1", "CTCFL"), ("Fhl1", "Fkh2")
FACTORS = (*HUMAN, *YEAST)
# Motifs of promoters and of the factors; every factor is asked about all of its kingdom. Fhl1
# stands beside Rap1 at ribosomal protein genes, Fkh2 beside Mcm1 at genes of the cell cycle.
PANELS = {
    "vertebrates": ("NFYB", "SP1", "ELK4", "Nrf1", "Yy1", "CREB1", "CTCF", "SRF"),
    "fungi": ("RAP1", "FHL1", "MCM1", "FKH1", "REB1", "ABF1", "CBF1", "SWI4"),
}
SITE_P = {"vertebrates": 1e-4, "fungi": 3e-4}  # FHL1's six letters reach no smaller one
SEEDS = 5
POSITIVES = 3000  # the strongest peaks
YEAST_LENGTH = 150  # bp about a peak: sites of partners lie beside it
NETWORK = {"maps": 32, "width": 15, "layers": 4, "dropout": 0.0}
TRAINING = {"epochs": 8, "batch_size": 32, "learning_rate": 5e-3}


def factor_runs(
    data: Path,
    folder: Path,
    wanted: Sequence[str],
    *,
    device: str = "auto",
    epoch: Progress | None = None,
    say: Callable[[str], None],
) -> None:
    """Train what is missing of some factors' networks, and look for rules in each.

    Parameters
    ----------
    data
        Folder of the data sets.
    folder
        Of the runs, ``FOLDER/FACTOR/SEED``.
    wanted
        Names of `FACTORS`.
    device, epoch, say
        As in the main job.

    Raises
    ------
    InputError
        When the data are not there.
    """
    settings = {factor: _settings(data, factor) for factor in wanted}
    for factor, own in settings.items():
        kingdom = "fungi" if factor in YEAST else "vertebrates"
        panel = _panel(folder, kingdom)
        for seed in range(SEEDS):
            run = Run(folder / factor / str(seed))
            if (run.path / FOLDER / "rules.json").is_file():
                continue
            say(f"{factor}, seed {seed}")
            seeded = own.model_copy(update={"train": own.train.model_copy(update={"seed": seed})})
            train_run(run, seeded, device=device, progress=epoch)
            how = GrammarOptions(source=str(panel), p=SITE_P[kingdom], seed=seed)
            grammar_run(run, how, device=device, say=say)


def _panel(folder: Path, kingdom: str) -> Path:
    """The file of the motifs that factors of a kingdom are asked about."""
    path = folder / f"panel-{kingdom}.meme"
    if not path.is_file():
        known = motifs.jaspar(kingdom)
        write_meme(path, MotifSet([known[name].trimmed() for name in PANELS[kingdom]]))
    return path


def _settings(data: Path, factor: str) -> Settings:
    """Peaks against shuffles; in yeast against windows of the genome, chromosomes held out."""
    if factor in YEAST:
        home = data / "genome-yeast"
        given: dict[str, Any] = {
            "positives": str(home / "chexmix" / f"{factor}.bed"),
            "genome": str(home / "sacCer3.fa.gz"),
            "length": YEAST_LENGTH,
        }
    else:
        given = _chip(data, factor)
    return resolve(
        {"data": given, "model": {"name": "dilated", "options": NETWORK}, "train": TRAINING}
    )


def _chip(data: Path, factor: str) -> dict[str, Any]:
    folder = data / "tf-chipseq-deepbind"
    found = sorted(folder.glob(f"{factor}_*_AC.seq.gz"))
    if not found:
        msg = f"{folder} holds no {factor}_*_AC.seq.gz; give the folder of the data sets."
        raise InputError(msg)
    test = found[0].with_name(found[0].name.replace("_AC.seq.gz", "_B.seq.gz"))
    return {"positives": str(found[0]), "test": str(test), "max_positives": POSITIVES}


def factor_page(folder: Path) -> list[str]:
    """The table of the factors that have a finished run."""
    lines = []
    for factor in FACTORS:
        runs = [Run(folder / factor / str(seed)) for seed in range(SEEDS)]
        done = [r for r in runs if (r.path / FOLDER / "rules.json").is_file()]
        if done:
            lines += _of_factor(factor, done)
    head = [
        "## Real factors", "",
        "| factor | rule | networks that hold it | its arrangement in the first | "
        "effect in all that were asked, median (least to most) | in the sequences |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    return [*head, *lines, ""] if lines else []


def _of_factor(factor: str, runs: Sequence[Run]) -> list[str]:
    every = [Rules.from_json(files.read_json(r.path / FOLDER / "rules.json")) for r in runs]
    auroc = [files.read_json(r.path / "metrics.json")["test"]["auroc"] for r in runs]
    said: dict[tuple[str, frozenset[str]], list[Rule]] = {}
    for rule in (r for found in every for r in found):
        said.setdefault(rule.key, []).append(rule)
    label = f"{factor} (test AUROC {min(auroc):.3f} to {max(auroc):.3f})"
    if not said:
        return [f"| {label} | none |  |  |  |  |"]

    def rank(item: tuple[tuple[str, frozenset[str]], list[Rule]]) -> tuple[int, str, list[str]]:
        (kind, names), some = item
        return -sum(r.is_known for r in some), kind, sorted(names)

    return [_row(label, some, len(runs)) for _, some in sorted(said.items(), key=rank)]


def _row(label: str, some: Sequence[Rule], n: int) -> str:
    """One rule: held by the model of so many runs; those of the data alone are held by none."""
    held = [r for r in some if r.is_known]
    first = (held or some)[0]
    effects = [r.model.effect for r in some if r.model is not None]
    spread = (
        f"{median(effects):.2f} ({min(effects):.2f} to {max(effects):.2f})" if effects else "none"
    )
    seen = sum(r.data is not None and r.data.holds for r in some)
    data = f"yes: {_evidence(first)}" if 2 * seen > len(some) else f"no: {_evidence(first)}"
    return f"| {label} | {first.kind} | {len(held)} of {n} | {place(first)} | {spread} | {data} |"


def _evidence(rule: Rule) -> str:
    found: Any = rule.data
    if found is None:
        return "too few"
    if found.unit == "odds ratio":
        return f"odds ratio {found.effect:.2g}"
    return f"{100 * found.effect:.0f} %, expected {100 * found.expected:.0f} %"
