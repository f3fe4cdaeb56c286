"""The table of attribution methods: each on every kind of network, where the truth is known."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.results import Attribution
from cisgram.core.run import Run
from cisgram.core.seeds import derive
from cisgram.explain import METHODS
from cisgram.io import read_table
from cisgram.models import Card, build, load, read_card, save
from cisgram.motifs import Motif
from cisgram.seq import one_hot
from cisgram.steps.attribution_page import overall_table, section_of
from cisgram.steps.planted import (
    Size,
    Truth,
    planted_motifs,
    read_truth,
    score,
    write_grammar,
    write_words,
)
from cisgram.steps.planted_rules import planted_rules
from cisgram.steps.recovery import recovery
from cisgram.steps.settings import Settings, resolve
from cisgram.steps.train import Progress, chosen_device, train_run

Row = dict[str, Any]
SETS = ("grammar", "interaction-sim")

# networks small enough for minutes on one core
NETWORKS: dict[str, dict[str, Any]] = {
    "demo-cnn": {"size": "medium"},
    "demo-cnn-rnn": {},
    "dilated": {"maps": 32},
    "transformer": {},
}
# so that a few thousand sequences make enough steps
BATCH_SIZES = {"demo-cnn": 32, "dilated": 32, "transformer": 64}
# what a network was fitted to: the labels, labels in random order, nothing
FITTED = ("labels", "random-labels", "random-weights")


def benchmark_attribution(
    data: Path | None,
    out: Path,
    *,
    only: str | None = None,
    size: Size | None = None,
    device: str = "auto",
    epoch: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> str:
    """Run what is missing of the benchmark and give its page as Markdown.

    A cell is one method on one network: the average precision with which a sequence's scores
    rank its planted bases above the rest, as a mean over held-out positives; and which of the
    planted motifs come back as patterns of its scores. Beside each network stand the pairs of
    planted motifs that a search for rules gives back from it.

    Parameters
    ----------
    data
        Folder of the data sets, for ``interaction-sim``; without it, the simulation alone.
    out
        Folder of the runs. A finished cell is kept as long as network, sequences and truth are
        the same; a method registered later is one more cell.
    only
        Comma-separated sets, networks or methods to run, all of a kind where none of it is named;
        the page shows all that is finished.
    size, device, epoch, say
        As in the main job.

    Raises
    ------
    InputError
        When the data are not there, or a name is unknown.
    """
    say, size = say or (lambda _: None), size or Size()
    asked = _wanted(only)
    page: list[str] = []
    every: list[Row] = []
    for name in SETS if data is not None else SETS[:1]:
        folder = out / "attribution" / name
        if not (folder / "sites.tsv").is_file():
            say(f"writing {name}")
            if name == "grammar" or data is None:
                write_grammar(folder, size)
            else:
                write_words(data, folder, size)
        truth = read_truth(folder, size.explained)
        networks, rows = [], []
        for network, fitted in _networks(name):
            run = Run(folder / (network if fitted == "labels" else f"{network}.{fitted}"))
            chosen = name in asked and network in asked
            if chosen:
                _fit(run, _settings(folder, network, fitted, size), device, epoch, say)
                if fitted == "labels":
                    _look_for_rules(run, name, device, say)
            if not (run.member(0) / "model.toml").is_file():
                continue
            networks.append(_network_row(run, network, fitted))
            for method in _methods():
                tell = say if chosen and method in asked else None
                row = _cell(run, method, _of(truth, fitted), planted_motifs(name), device, tell)
                if row is not None:
                    rows.append(row | {"network": network, "fitted": fitted})
        page += section_of(name, truth, networks, rows)
        every += [row | {"set": name} for row in rows]
    return "\n".join([*page, *overall_table(every)])


def _methods() -> list[str]:
    return sorted(name for name, e in METHODS.items() if e.facts["gives"] == "attribution")


def _networks(name: str) -> Iterator[tuple[str, str]]:
    """Networks of a set and what they were fitted to; controls on the simulation alone."""
    for network in NETWORKS:
        for fitted in FITTED if name == "grammar" else FITTED[:1]:
            yield network, fitted


def _wanted(only: str | None) -> set[str]:
    """Sets, networks and methods to run: all of a kind where none of it is named."""
    kinds = [set(SETS), set(NETWORKS), set(_methods())]
    wanted = set() if only is None else {w.strip() for w in only.split(",")}
    for word in sorted(wanted.difference(*kinds)):
        what = "set, network or method"
        raise unknown(what, word, set.union(*kinds))
    return set.union(*(wanted & kind or kind for kind in kinds))


def _of(truth: Truth, fitted: str) -> Truth:
    """The sequences that a network explains: a third of them on controls."""
    return truth if fitted == "labels" else truth.first(-(-len(truth.codes) // 3))


def _settings(folder: Path, network: str, fitted: str, size: Size) -> Settings:
    train = "train" if fitted == "labels" else "train-random-labels"
    epochs: dict[str, Any] = {"epochs": size.epochs}
    if fitted != "labels":  # noise has no best epoch: the last one counts
        epochs = {"epochs": -(-size.epochs // 4), "select": "last", "patience": size.epochs}
    return resolve(
        {
            "data": {
                "positives": str(folder / f"{train}.tsv"),
                "test": str(folder / "test.tsv"),
                "label_columns": ["bound"],
                "reverse_complement": False,  # all is planted on one strand
            },
            "model": {"name": network, "options": NETWORKS[network]},
            "train": {"batch_size": BATCH_SIZES.get(network, 128)} | epochs,
        }
    )


def _fit(
    run: Run,
    settings: Settings,
    device: str,
    epoch: Progress | None,
    say: Callable[[str], None],
) -> None:
    """Train the network, or find it trained; a control of random weights is only drawn."""
    if not _is_drawn(run):
        say(f"{run.path.name} on {run.path.parent.name}")
        train_run(run, settings, device=device, progress=epoch)
    elif not (run.member(0) / "model.toml").is_file():
        card = read_card(Run(run.path.with_name(settings.model.name)).member(0))
        save(run.member(0), _drawn(card, 0), card)


def _drawn(card: Card, i: int) -> nn.Module:
    """The i-th network of weights that were never trained."""
    torch.manual_seed(derive(i, "random weights"))
    return build(card)


def _network_row(run: Run, network: str, fitted: str) -> Row:
    scores = None
    if fitted != "random-weights":
        scores = files.read_json(run.path / "metrics.json")["test"]
    n = sum(p.numel() for p in build(read_card(run.member(0))).parameters())
    row = {"network": network, "fitted": fitted, "parameters": n, "test": scores}
    return row | (_kept_rules(run) or {})


def _look_for_rules(run: Run, name: str, device: str, say: Callable[[str], None]) -> None:
    """Which planted rules the network gives back; nothing is done twice."""
    if _kept_rules(run) is not None:
        return
    say(f"  rules of {run.path.name}")
    train = read_table(run.path.parent / "train.tsv", labels=["bound"])
    labels = np.asarray(train.labels, dtype=np.float32)[:, 0]
    model = load(run.member(0)).to(chosen_device(device))
    found = planted_rules(name, model, train.codes(), labels)
    weights = files.sha256(run.member(0) / "weights.safetensors")
    files.write_json(run.path / "rules.json", found | {"weights": weights})


def _kept_rules(run: Run) -> Row | None:
    path = run.path / "rules.json"
    row: Row | None = files.read_json(path) if path.is_file() else None
    if row is None or row.pop("weights") != files.sha256(run.member(0) / "weights.safetensors"):
        return None
    return row


def _cell(
    run: Run,
    method: str,
    truth: Truth,
    planted: Mapping[str, Motif],
    device: str,
    say: Callable[[str], None] | None,
) -> Row | None:
    """The result of a method on a network; ``None`` where there is none and ``say`` is None."""
    n = len(truth.codes)
    path = run.path / "attribution" / f"{method}.json"
    digest = _digest(run, truth)
    if path.is_file():
        row: Row = files.read_json(path)
        if row.get("digest") == digest:
            return row
    if say is None:
        return None
    say(f"  {method} on {run.path.name}")
    began = time.perf_counter()
    try:
        scores = _explained(run, method, one_hot(truth.codes), chosen_device(device))
    except InputError as error:
        row = {"method": method, "digest": digest, "n": n, "refused": str(error)}
    else:
        seconds = (time.perf_counter() - began) / n
        row = {"method": method, "digest": digest, "n": n, "seconds": seconds}
        row |= score(scores.per_position.numpy().astype(np.float64), truth.planted)
        row |= recovery(scores, truth.sites, planted)
    files.write_json(path, row)
    return row


def _explained(run: Run, method: str, x: Tensor, device: torch.device) -> Attribution:
    """Scores of the sequences; with random weights, each has a network of its own.

    One such network may happen to like, or dislike, what all sequences share.
    """
    if not _is_drawn(run):
        found: Attribution = METHODS[method].fn(load(run.member(0)).to(device), x)
        return found
    card = read_card(run.member(0))
    each: list[Attribution] = [
        METHODS[method].fn(_drawn(card, i).to(device), x[i : i + 1]) for i in range(len(x))
    ]
    values = torch.cat([a.values for a in each])
    return replace(each[0], values=values, sequences=x, delta=None)


def _is_drawn(run: Run) -> bool:
    return run.path.name.endswith(".random-weights")


def _digest(run: Run, truth: Truth) -> str:
    weights = files.sha256(run.member(0) / "weights.safetensors")
    parts = [hashlib.sha256(a.tobytes()).hexdigest() for a in (truth.codes, truth.planted)]
    kind = ["one network a sequence"] if _is_drawn(run) else []
    kind += [truth.sites.to_json()]
    return hashlib.sha256(json.dumps([weights, *parts, *kind]).encode()).hexdigest()
