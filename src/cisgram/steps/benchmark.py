"""The tables of the docs from real data: one cell a run, kept when finished, resumed when not."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.models import read_card
from cisgram.steps.motifs import motifs_run, named_motifs
from cisgram.steps.settings import Settings, resolve
from cisgram.steps.train import Progress, train_run

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
# the family whose motif the peaks carry; SP1's carry the NF-Y box (README of the set)
EXPECTED = {
    "USF1": "USF|MITF|TFE|BHLHE|MAX|MLX|MNT|HEY|HES|ARNT|CLOCK|MYC|TCFL5|CREB3L|ATF3|XBP1",
    "FOXA1": "FOX",
    "ELK1": "ELK|ETS|ETV|ELF|ERG|FLI|GABPA|FEV|ERF|SPIB|SPI1|EHF",
    "CTCFL": "CTCF",
    "MYC": "MYC|MAX|MLX|MXI|MNT|USF|HEY|HES|ARNT|TCFL5|BHLHE",
    "SP1": "NFY",
}
YEAST = ("Rap1", "Ume6", "Sko1", "Reb1", "Cin5")
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
        Names of the motifs that should be found (a regular expression), where they are known.
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
        Folder of the runs; a cell whose ``cell.json`` is there is not run again.
    only
        Comma-separated experiments or networks to run; the page shows all that is finished.
    device, epoch, say
        As in the main job.

    Raises
    ------
    InputError
        When the data are not there.
    """
    say = say or (lambda _: None)
    wanted = None if only is None else {w.strip() for w in only.split(",")}
    makers = {"tf-chipseq": _tf_chipseq, "yeast": _yeast}
    if name not in makers:
        what = "benchmark"
        raise unknown(what, name, makers)
    folder = out / name
    page: list[str] = []
    for title, cells in makers[name](data, folder):
        rows = []
        for cell in cells:
            chosen = wanted is None or {cell.experiment, cell.network} & wanted
            row = _cell(folder, cell, device, epoch, say) if chosen else _finished(folder, cell)
            if row is not None:
                rows.append(row)
        page += [f"## {title}", "", *_table(rows), ""]
        page += _means(rows)
        page += _motif_table(folder, cells, say)
    return "\n".join(page)


def _tf_chipseq(data: Path, folder: Path) -> Any:
    """Four networks on eight sets, then the network of the best mean validation score on ten."""
    first = data / "tf-chipseq-deepbind"
    eight = [
        _chip(first, tf, network, published=score)
        for tf, score in PUBLISHED.items()
        for network in NETWORKS
    ]
    yield "Eight sets, four networks", eight
    network = chosen_network(folder, eight)
    if network is None:
        return
    named = [replace(_chip(first, tf, network), expected=names) for tf, names in EXPECTED.items()]
    yield f"Motifs that the chosen network learned ({network})", named
    ten = [_chip(data / "tf-chipseq-h1", tf, network, suffix=" (H1)") for tf in H1]
    ten.append(_chip(first, "ZBTB7A", network))
    yield f"Ten further sets, the network chosen by validation ({network})", ten


def chosen_network(folder: Path, cells: Sequence[Cell]) -> str | None:
    """The network with the best mean validation AUROC; ``None`` while a cell is missing."""
    rows = [_finished(folder, cell) for cell in cells]
    if any(row is None for row in rows):
        return None
    means = {
        network: np.mean([r["valid_auroc"] for r in rows if r and r["network"] == network])
        for network in NETWORKS
    }
    return max(means, key=lambda n: float(means[n]))


def _chip(
    folder: Path, tf: str, network: str, *, published: float | None = None, suffix: str = ""
) -> Cell:
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


def _cell(
    folder: Path,
    cell: Cell,
    device: str,
    epoch: Progress | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The result of a cell, which is run where it is not finished."""
    before = _finished(folder, cell)
    if before is not None:
        return before
    say(f"{cell.experiment}, {cell.network}")
    run = Run(_home(folder, cell))
    began = time.perf_counter()
    metrics = train_run(run, cell.settings, device=device, progress=epoch)
    seconds = time.perf_counter() - began
    test = metrics["test"]
    row = {
        "experiment": cell.experiment,
        "network": cell.network,
        "published": cell.published,
        "parameters": _parameters(run),
        "seconds": round(seconds, 1),
        "positives": metrics["train"]["n"] // 2,
        "valid_auroc": metrics["valid"]["auroc"],
        "auroc": test["auroc"],
        "auroc_interval": test["auroc_interval"],
        "auprc": test["auprc"],
        "auprc_interval": test["auprc_interval"],
    }
    files.write_json(_home(folder, cell) / "cell.json", row)
    return row


def _finished(folder: Path, cell: Cell) -> dict[str, Any] | None:
    path = _home(folder, cell) / "cell.json"
    if not path.is_file():
        return None
    row: dict[str, Any] = files.read_json(path)
    return row


def _home(folder: Path, cell: Cell) -> Path:
    name = "".join(c if c.isalnum() else "-" for c in cell.experiment).strip("-")
    return folder / name / cell.network


def _parameters(run: Run) -> int:
    from cisgram.models import build

    return sum(p.numel() for p in build(read_card(run.member(0))).parameters())


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = [
        "| set | network | published AUROC | AUROC (95 %) | AUPRC (95 %) | validation AUROC | "
        "training positives | parameters | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        published = "" if r["published"] is None else f"{r['published']:.3f}"
        lines.append(
            f"| {r['experiment']} | {r['network']} | {published} | "
            f"{_between(r['auroc'], r['auroc_interval'])} | "
            f"{_between(r['auprc'], r['auprc_interval'])} | {r['valid_auroc']:.3f} | "
            f"{r['positives']:,} | {r['parameters']:,} | {r['seconds']:.0f} |"
        )
    return lines


def _motif_table(folder: Path, cells: Sequence[Cell], say: Callable[[str], None]) -> list[str]:
    """The expected motif of each finished cell that has one: how sure the best match is."""
    lines = []
    for cell in cells:
        if cell.expected is None or _finished(folder, cell) is None:
            continue
        run = Run(_home(folder, cell))
        if not (run.path / "motifs" / "filters.facts.tsv").is_file():
            say(f"motifs of {cell.experiment}, {cell.network}")
            motifs_run(run)
        named = named_motifs(
            run.read_table("motifs/filters.matches.tsv"),
            run.read_table("motifs/filters.facts.tsv"),
            max_q=0.05,
        )
        mine = named[named["target_name"].str.contains(cell.expected, case=False, regex=True)]
        best = mine.iloc[0] if len(mine) else None
        found = "none" if best is None else f"{best['target_name']} ({best['target_id']})"
        q = "" if best is None else f"{best['q']:.1g}"
        lines.append(f"| {cell.experiment} | {len(named)} | {found} | {q} | {len(mine)} |")
    if not lines:
        return []
    head = "| set | named motifs | best of the expected family | q | motifs of the family |"
    return [head, "|---|---|---|---|---|", *lines, ""]


def _between(value: float, ends: Sequence[float] | None) -> str:
    return f"{value:.3f}" + (f" ({ends[0]:.3f}-{ends[1]:.3f})" if ends else "")


def _means(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Mean scores by network over the sets that all of them have."""
    networks = list(dict.fromkeys(r["network"] for r in rows))
    if not networks:
        return []
    lines = [
        "| network | sets | mean AUROC | mean AUPRC | mean validation AUROC |",
        "|---|---|---|---|---|",
    ]
    shared = set.intersection(
        *({r["experiment"] for r in rows if r["network"] == n} for n in networks)
    )
    for network in networks:
        mine = [r for r in rows if r["network"] == network and r["experiment"] in shared]
        if mine:
            means = [
                f"{np.mean([r[k] for r in mine]):.4f}" for k in ("auroc", "auprc", "valid_auroc")
            ]
            lines.append(f"| {network} | {len(mine)} | {' | '.join(means)} |")
    return [*lines, ""]
