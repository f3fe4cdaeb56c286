"""The tables of the docs from real data: one cell a run, kept when finished, resumed when not."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.models import read_card
from cisgram.steps.datasets import DATASETS
from cisgram.steps.motifs import motifs_run, named_motifs
from cisgram.steps.settings import Settings, resolve, settings_of
from cisgram.steps.tables import mean_table, score_table
from cisgram.steps.train import FREE, Progress, input_files, train_run

NETWORKS = ("deepbind", "demo-cnn", "demo-rnn", "demo-cnn-rnn")
STRONGEST = 10_000  # training positives, the strongest peaks

# AUROC of the published DeepBind parameters on the same test files (none: not published)
PUBLISHED: dict[str, float | None] = {
    "USF1": 0.993,
    "FOXA1": 0.982,
    "ELK1": 0.953,
    "CTCFL": 0.956,
    "SP1": 0.902,
    "MYC": 0.928,
    "ARID3A": 0.885,
    "FOXM1": 0.918,
}
# Names of the family whose motif the peaks carry (bHLH factors of the E-box CACGTG for USF1 and
# MYC); SP1's peaks carry the NF-Y box (README of the set).
E_BOX = (
    r"USF[12]|MITF|TFE[3BC]|TFEC|BHLHE4[01]|MAX|MLX|MLXIPL|MXI1|MNT|HEY[12L]|HES\d|ARNT|ARNT2|"
    r"ARNTL|BMAL1|CLOCK|NPAS2|MYC|MYCN|TCFL5"
)
EXPECTED = {
    "USF1": E_BOX,
    "FOXA1": r"FOX\w+",
    "ELK1": r"ELK[134]|ETS[12]|ETV\d+|ELF\d|ERG|FLI1|GABPA|FEV|ERF|SPIB|SPIC|SPI1|EHF",
    "CTCFL": "CTCF|CTCFL",
    "MYC": E_BOX,
    "SP1": "NFY[ABC]",
}
YEAST = ("Rap1", "Ume6", "Sko1", "Reb1", "Cin5")
NAMED = "Motifs that the chosen network learned"
H1_SUFFIX = " (H1)"
H1 = ("SRF", "SUZ12", "TAF1", "TAF7", "TBP", "TCF12", "TEAD4", "USF1", "USF2")


@dataclass(frozen=True, slots=True)
class Cell:
    """One experiment and one network.

    Attributes
    ----------
    experiment
        Name in the table.
    network
        Model of the zoo.
    settings
        What is run.
    published
        AUROC to compare with, where there is one.
    expected
        Names of the motifs that should be found, where they are known: a regular expression of
        the whole name, or of one of the two names of a heterodimer.
    """

    experiment: str
    network: str
    settings: Settings
    published: float | None = None
    expected: str | None = None


def benchmark(
    name: str,
    data: Path,
    out: Path,
    *,
    only: str | None = None,
    device: str = "auto",
    epoch: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> str:
    """Run what is missing of a benchmark and give its page as Markdown.

    Parameters
    ----------
    name
        ``tf-chipseq`` or ``yeast``.
    data
        Folder of the data sets.
    out
        Folder of the runs; a cell is not run again when its ``cell.json`` is there and its run is
        of these settings and input files. A run of others is set aside, beside the new one.
    only
        Comma-separated experiments or networks to run; the page shows all that is finished.
    device, epoch, say
        As in the main job.

    Raises
    ------
    InputError
        When the data are not there, or a name is unknown.
    """
    say = say or (lambda _: None)
    cells_of = DATASETS[name].fn
    wanted = _wanted(name, only)
    folder = out / name
    page: list[str] = []
    for title, cells in cells_of(data, folder):
        rows = []
        for cell in cells:
            chosen = wanted is None or {cell.experiment, cell.network} & wanted
            row = (
                run_cell(folder, cell, device, epoch, say)
                if chosen
                else finished_cell(folder, cell)
            )
            if row is not None:
                rows.append(row)
        page += [f"## {title}", ""]
        if title != NAMED:  # whose scores stand in the first table
            page += [*score_table(rows), "", *mean_table(rows)]
        page += _motif_table(folder, cells, say)
    return "\n".join(page)


def _wanted(name: str, only: str | None) -> set[str] | None:
    """The experiments and networks that were asked for; ``None``: all."""
    if only is None:
        return None
    known = {*YEAST, "deepbind"}
    if name == "tf-chipseq":
        known = {*PUBLISHED, *NETWORKS, "ZBTB7A", *(tf + H1_SUFFIX for tf in H1)}
    wanted = {w.strip() for w in only.split(",")}
    for word in sorted(wanted - known):
        what = "experiment or network"
        raise unknown(what, word, known)
    return wanted


@DATASETS.register(
    name="tf-chipseq",
    use="cisgram benchmark tf-chipseq",
    origin="ENCODE peaks of 18 experiments, 101 bp, in DeepBind's form (Alipanahi 2015)",
)
def _tf_chipseq(data: Path, folder: Path) -> Any:
    """Four networks on eight sets, then the network of the best mean validation score on ten."""
    first = data / "tf-chipseq-deepbind"
    eight = [
        chip_cell(first, tf, network, published=score)
        for tf, score in PUBLISHED.items()
        for network in NETWORKS
    ]
    yield "Eight sets, four networks", eight
    network = chosen_network(folder, eight)
    if network is None:
        return
    named = [
        replace(chip_cell(first, tf, network), expected=names) for tf, names in EXPECTED.items()
    ]
    yield NAMED, named
    ten = [chip_cell(data / "tf-chipseq-h1", tf, network, suffix=H1_SUFFIX) for tf in H1]
    ten.append(chip_cell(first, "ZBTB7A", network))
    yield f"Ten further sets, the network chosen by validation ({network})", ten


def chosen_network(folder: Path, cells: Sequence[Cell]) -> str | None:
    """The network with the best mean validation AUROC; ``None`` while a cell is missing."""
    rows = [finished_cell(folder, cell) for cell in cells]
    if any(row is None for row in rows):
        return None
    means = {
        network: np.mean([r["valid_auroc"] for r in rows if r and r["network"] == network])
        for network in NETWORKS
    }
    return max(means, key=lambda n: float(means[n]))


def chip_cell(
    folder: Path, tf: str, network: str, *, published: float | None = None, suffix: str = ""
) -> Cell:
    """The cell of a set in DeepBind's form and a network."""
    found = sorted(folder.glob(f"{tf}_*_AC.seq.gz"))
    if not found:
        msg = f"{folder} holds no {tf}_*_AC.seq.gz; give the folder of the data sets with --data."
        raise InputError(msg)
    train = found[0]
    test = train.with_name(train.name.replace("_AC.seq.gz", "_B.seq.gz"))
    settings = resolve(
        {
            "data": {
                "positives": str(train),
                "test": str(test),
                "max_positives": STRONGEST,
            },
            "model": {"name": network},
        }
    )
    return Cell(tf + suffix, network, settings, published)


@DATASETS.register(
    name="yeast",
    use="cisgram benchmark yeast",
    origin="sacCer3 and ChIP-exo peaks of five factors (Rossi 2021)",
)
def _yeast(data: Path, folder: Path) -> Any:  # noqa: ARG001  (one shape for all benchmarks)
    """Peaks of ChIP-exo against genomic windows, whole chromosomes held out."""
    home = data / "genome-yeast"
    cells = []
    for tf in YEAST:
        settings = resolve(
            {
                "data": {
                    "positives": str(home / "chexmix" / f"{tf}.bed"),
                    "genome": str(home / "sacCer3.fa.gz"),
                    "length": 100,
                },
                "model": {"name": "deepbind"},
                "motifs": {"database": "jaspar:fungi"},
            }
        )
        cells.append(Cell(tf, "deepbind", settings, expected=tf.upper()))
    yield "Yeast ChIP-exo peaks against genomic windows, held-out chromosomes", cells


def run_cell(
    folder: Path,
    cell: Cell,
    device: str,
    epoch: Progress | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The result of a cell, which is run where it is not finished."""
    before = finished_cell(folder, cell)
    if before is not None:
        return before
    say(f"{cell.experiment}, {cell.network}")
    run = Run(home_of(folder, cell))
    if (run.path / "cell.json").is_file():
        _set_aside(run.path)
    is_resumed = run.path.exists()
    began = time.perf_counter()
    metrics = train_run(run, cell.settings, device=device, progress=epoch)
    seconds = None if is_resumed else round(time.perf_counter() - began, 1)
    test = metrics["test"]
    row = {
        "experiment": cell.experiment,
        "network": cell.network,
        "published": cell.published,
        "parameters": _parameters(run),
        "seconds": seconds,
        "valid_auroc": metrics["valid"]["auroc"],
        "auroc": test["auroc"],
        "auroc_interval": test["auroc_interval"],
        "auprc": test["auprc"],
        "auprc_interval": test["auprc_interval"],
        "digest": _digest(run),
    }
    files.write_json(run.path / "cell.json", row)
    return row | {"positives": _positives(run)}


def finished_cell(folder: Path, cell: Cell) -> dict[str, Any] | None:
    """The result of a cell; ``None`` where there is none of these settings and input files."""
    run = Run(home_of(folder, cell))
    path = run.path / "cell.json"
    if not path.is_file():
        return None
    try:
        row: dict[str, Any] = files.read_json(path)
        is_ours = (
            row.get("digest", _digest(run)) == _digest(run)  # none in cells of early versions
            and _trained(settings_of(run)) == _trained(cell.settings)
            and _digests(run) == {k: files.sha256(p) for k, p in input_files(cell.settings).items()}
        )
    except InputError:  # no run.toml, or another program's
        return None
    return row | {"positives": _positives(run)} if is_ours else None


def _trained(settings: Settings) -> dict[str, Any]:
    """The settings that the scores depend on."""
    return {k: v for k, v in settings.model_dump().items() if k not in FREE}


def _digests(run: Run) -> dict[str, str]:
    """Digest of each input file that the run recorded."""
    return {role: file["sha256"] for role, file in run.read().get("inputs", {}).items()}


def _digest(run: Run) -> str:
    """What tells whether a result is of the run that it lies in: settings and input files."""
    settings = {k: v for k, v in run.read().get("settings", {}).items() if k not in FREE}
    text = json.dumps([settings, _digests(run)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _positives(run: Run) -> int | None:
    """Positives that the run was trained on."""
    summary = files.read_json(run.path / "data" / "summary.json")
    found: int | None = summary["sets"]["train"].get("positive")
    return found


def _set_aside(home: Path) -> None:
    """Rename a run of other settings or inputs: ``NETWORK.before-1``, ``NETWORK.before-2``, ..."""
    others = (home.with_name(f"{home.name}.before-{i}") for i in count(1))
    home.rename(next(path for path in others if not path.exists()))


def home_of(folder: Path, cell: Cell) -> Path:
    """The folder of a cell's run."""
    name = "".join(c if c.isalnum() else "-" for c in cell.experiment).strip("-")
    return folder / name / cell.network


def _parameters(run: Run) -> int:
    from cisgram.models import build

    return sum(p.numel() for p in build(read_card(run.member(0))).parameters())


def is_expected(name: str, expected: str) -> bool:
    """True when a motif's name, or one of the two of a heterodimer, is one of those expected.

    Examples
    --------
    >>> is_expected("MAX::MYC", EXPECTED["USF1"]), is_expected("ATF3", EXPECTED["USF1"])
    (True, False)
    """
    parts = name.partition("(")[0].split("::")  # BHLHE22(var.2)
    return any(re.fullmatch(expected, part, re.IGNORECASE) for part in parts)


def _motif_table(folder: Path, cells: Sequence[Cell], say: Callable[[str], None]) -> list[str]:
    """The expected motif of each finished cell that has one: how sure the best match is."""
    lines = []
    for cell in cells:
        if cell.expected is None or finished_cell(folder, cell) is None:
            continue
        run = Run(home_of(folder, cell))
        if not (run.path / "motifs" / "filters.facts.tsv").is_file():
            say(f"motifs of {cell.experiment}, {cell.network}")
            motifs_run(run)
        named = named_motifs(
            run.read_table("motifs/filters.matches.tsv"),
            run.read_table("motifs/filters.facts.tsv"),
            max_q=0.05,
        )
        is_mine = [is_expected(name, cell.expected) for name in named["target_name"]]
        mine = named[np.array(is_mine, dtype=bool)]
        best = mine.iloc[0] if len(mine) else None
        found = "none" if best is None else f"{best['target_name']} ({best['target_id']})"
        q = "" if best is None else f"{best['q']:.1g}"
        lines.append(f"| {cell.experiment} | {len(named)} | {found} | {q} | {len(mine)} |")
    if not lines:
        return []
    head = "| set | named motifs | best of the expected family | q | motifs of the family |"
    return [head, "|---|---|---|---|---|", *lines, ""]
