"""A made-up run folder in the formats that the steps write, without running any step."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from cisgram import motifs
from cisgram.core import config, files
from cisgram.core.run import Run
from cisgram.motifs import Motif, MotifSet

EVIL = "</script><img src=x onerror=alert(1)>"
EVIL_ATTRIBUTE = '"><svg/onload=alert(2)>'
# What the steps themselves write: no tab, no line break inside a name.
PLANTED = ("MA0139.2", "MA0028.3", "MA0093.4")


def tsv(path: Path, columns: str, rows: list[tuple[Any, ...]]) -> None:
    lines = [columns.split(), *rows]
    text = "".join("\t".join(_quoted(str(v)) for v in line) + "\n" for line in lines)
    files.write_text(path, text)


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if '"' in value else value


def make_run(
    folder: Path,
    *,
    n: int = 60,
    length: int = 200,
    evil: bool = False,
    name: str = "peak",
    seed: int = 1,
    more: bool = False,
) -> Run:
    """A run with every file; ``evil`` puts markup into every name that a user can choose.

    ``more`` adds temporal scores, attention, hits of a pattern and class optima.
    """
    rng = np.random.default_rng(seed)
    bad, worse = (EVIL, EVIL_ATTRIBUTE) if evil else ("", "")
    names = [f"{name}_{i}{bad if i % 2 else worse}" for i in range(n)]
    _settings(folder, bad, worse)
    _training(folder, rng)
    logit, label = _predictions(folder, rng, names)
    _data(folder, names, bad)
    known = {m.id: m for m in motifs.jaspar()}
    known = {m.id: m for m in known.values() if m.name in ("CTCF", "ELK1", "USF1") and m.width < 20}
    _motifs(folder, list(known.values()), bad, worse)
    for method in ("ism", "saliency"):
        stream = np.random.default_rng(seed)
        _explained(
            folder / "explain" / method, stream, names, logit, label, list(known.values()), length
        )
    if more:
        _more(folder, list(known.values()), bad)
    return Run(folder)


def _more(folder: Path, known: list[Motif], bad: str) -> None:
    """Tracks whose values are known: forward rises from 0 to 1, backward falls; attention at 7."""
    ism = folder / "explain" / "ism"
    x = load_file(ism / "values.safetensors")["x"]
    n, _, length = x.shape
    rise = np.linspace(0, 1, length, dtype=np.float32)
    temporal = np.broadcast_to(np.stack([rise, 1 - rise]), (n, 2, length))
    attention = np.zeros((n, 1, length), dtype=np.float32)
    attention[:, :, 7] = 1.0
    for name, tracks, options in (
        ("temporal", temporal, {"tracks": ["forward", "backward"], "units": "probability"}),
        ("attention", attention, {"tracks": [f"head 1{bad}"], "units": ""}),
    ):
        target = folder / "explain" / name
        target.mkdir()
        arrays = {"tracks": np.ascontiguousarray(tracks), "x": x}
        save_file(arrays, target / "values.safetensors")
        shutil.copy(ism / "names.tsv", target / "names.tsv")
        config.write_toml(target / "options.toml", {"target": 0, **options})
    hits = [(f"peak_{i}", i, 10, 18, "+-"[i % 2], f"positive_0{bad}", 2.5 - i) for i in range(4)]
    columns = "sequence row start end strand pattern contribution"
    tsv(folder / "motifs" / "patterns.hits.tsv", columns, hits)
    optima = [Motif(known[0].ppm, f"optimum_1{bad}", n_sites=10.0)]
    motifs.write_meme(folder / "motifs" / "class_optimization.meme", MotifSet(optima))


def _settings(folder: Path, bad: str, worse: str) -> None:
    config.write_toml(
        folder / "run.toml",
        {
            "command": f"cisgram run --positives ELK1_AC.seq.gz --seed 1 -o demo{bad}",
            "versions": {"python": "3.11.9", "torch": "2.13.0", "cisgram": "0.1.0"},
            "inputs": {
                "positives": {"path": f"ELK1_GM12878_AC.seq.gz{worse}", "sha256": "5b" * 32},
                "test": {"path": "ELK1_GM12878_B.seq.gz", "sha256": "0f" * 32},
            },
            "settings": {
                "seed": 1,
                "data": {"negatives": "shuffled", "k": 2, f"note{bad}": worse or "none"},
                "model": {"name": "demo-cnn-rnn", "options": {"filters": 64}},
                "train": {"epochs": 12, "lr": 0.001, "batch_size": 256},
            },
        },
    )
    config.write_toml(
        folder / "model" / "model.toml",
        {
            "name": f"demo-cnn-rnn{bad}",
            "n_parameters": 113794,
            "options": {"filters": 64, "width": 9},
        },
    )


def _training(folder: Path, rng: np.random.Generator) -> None:
    loss = 0.69 * np.exp(-np.arange(12) / 3) + 0.18
    rows = [
        (
            i + 1,
            f"{v:.4f}",
            f"{v + 0.02 + 0.004 * i + rng.normal(0, 0.006):.4f}",
            f"{0.97 - v / 3:.4f}",
            1e-3,
        )
        for i, v in enumerate(loss)
    ]
    tsv(folder / "history.tsv", "epoch train_loss valid_loss valid_auroc learning_rate", rows)
    bins = [
        {
            "predicted": p,
            "observed": float(np.clip(p + rng.normal(0, 0.04), 0, 1)),
            "n": int(20 + 160 * abs(p - 0.5)),
        }
        for p in np.linspace(0.05, 0.95, 10).tolist()
    ]
    scored = {
        "n": 1000, "n_positive": 500, "auroc": 0.965, "auroc_interval": [0.953, 0.975],
        "auprc": 0.961, "auprc_interval": [0.946, 0.973], "accuracy": 0.906,
        "accuracy_interval": [0.887, 0.923], "threshold": 0.47, "brier": 0.071,
        "brier_interval": [0.06, 0.082], "calibration": bins,
    }  # fmt: skip
    test = {**scored, "per_output": [{"output": "bound", **scored}]}
    valid = {
        **test,
        "n": 2000,
        "n_positive": 1000,
        "auroc": 0.971,
        "auroc_interval": [0.963, 0.978],
    }
    files.write_json(folder / "metrics.json", {"valid": valid, "test": test})


def _predictions(
    folder: Path, rng: np.random.Generator, names: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    rows = []
    n = len(names)
    label = np.arange(n) % 2 == 0
    logit = rng.normal(np.where(label, 2.4, -2.4), 1.5)
    for i, name in enumerate(names):
        p = 1 / (1 + np.exp(-logit[i]))
        rows.append((name, "test", "bound", int(label[i]), f"{logit[i]:.5g}", f"{p:.5g}"))
    for i in range(400):
        v = rng.normal(2.2 if i % 2 else -2.2, 1.7)
        rows.append(
            (f"valid_{i}", "valid", "bound", i % 2, f"{v:.5g}", f"{1 / (1 + np.exp(-v)):.5g}")
        )
    tsv(folder / "predictions.tsv", "name set output label score probability", rows)
    return logit, label


def _data(folder: Path, names: list[str], bad: str) -> None:
    rows = [(f"train_{i}", "train") for i in range(4000)] + [(n, "test") for n in names]
    tsv(folder / "data" / "split.tsv", "name set", rows)
    dropped = [
        (f"row_{i}{bad}", "more than half is N" if i % 3 else f"too short{bad}") for i in range(7)
    ]
    tsv(folder / "data" / "dropped.tsv", "name reason", dropped)
    leaks = [
        (f"train_{i}", names[i], "reverse complement", "train", "test", "dropped from train")
        for i in range(3)
    ]
    tsv(folder / "data" / "leaks.tsv", "first second kind first_set second_set action", leaks)
    files.write_json(
        folder / "data" / "summary.json",
        {"sets": {"train": {"sequences": 4000, "positive": 2000}}, "handled": {"lower_case": 12}},
    )


def _motifs(folder: Path, known: list[Motif], bad: str, worse: str) -> None:
    """Windows of known motifs: 2 columns left out on the left, and every other one turned round."""
    learned, matches, facts = [], [], []
    for i, target in enumerate(known):
        ppm = 0.9 * target.ppm[:, 2:14] + 0.025
        cut = ppm.shape[1]
        turned = i % 2 == 1
        name = f"filter_{i}{bad}"
        learned.append(Motif(ppm[::-1, ::-1] if turned else ppm, name, n_sites=400.0 + i))
        offset = target.width - 2 - cut if turned else 2
        row = (
            name,
            target.id,
            target.name + worse,
            1e-9,
            1e-6,
            10.0 ** -(7 - i),
            offset,
            cut,
            "-" if turned else "+",
        )
        matches += [row, (name, "MA0002.3", "Runx1", 0.01, 1, 0.6, 0, 6, "+")]
        facts.append(
            (
                name,
                400 + i,
                f"{7.5 + i}",
                f"{0.31 - i / 10}",
                f"{0.28 - i / 10}",
                f"{0.35 - i / 10}",
                "forward",
            )
        )
    rng = np.random.default_rng(0)
    weak = rng.dirichlet([0.8] * 4, size=10).T
    learned.append(Motif(weak, f"filter_9{bad}", n_sites=55.0))
    facts.append((f"filter_9{bad}", 55, 3.1, 0.01, -0.02, 0.04, bad or "forward"))
    (folder / "motifs").mkdir()
    motifs.write_meme(folder / "motifs" / "filters.meme", MotifSet(learned))
    columns = "motif target_id target_name p e q offset overlap strand"
    tsv(folder / "motifs" / "filters.matches.tsv", columns, matches)
    columns = "motif n_sites information influence influence_low influence_high orientation"
    tsv(folder / "motifs" / "filters.facts.tsv", columns, facts)


def _explained(
    folder: Path,
    rng: np.random.Generator,
    names: list[str],
    logit: np.ndarray,
    label: np.ndarray,
    known: list[Motif],
    length: int,
) -> None:
    n = len(names)
    x = np.eye(4, dtype=np.int8)[rng.integers(0, 4, (n, length))].transpose(0, 2, 1).copy()
    values = rng.normal(0, 0.03, (n, 4, length))
    for i in np.flatnonzero(label):
        motif = known[int(i) % len(known)]
        at = int(rng.integers(5, length - motif.width - 5))
        x[i, :, at : at + motif.width] = np.eye(4, dtype=np.int8)[motif.ppm.argmax(0)].T
        weight = np.log2(motif.ppm + 0.05) + 2
        values[i, :, at : at + motif.width] += 0.35 * weight * motif.information
    x[:, :, 3] = 0  # an N
    if folder.name == "ism":  # changes against the base that is there
        values -= (values * x).sum(1, keepdims=True)
    folder.mkdir(parents=True)
    arrays = {"values": values.astype(np.float32), "x": np.ascontiguousarray(x)}
    save_file(arrays, folder / "values.safetensors")
    rows = [
        (name, int(label[i]), f"{logit[i]:.5g}", f"{1 / (1 + np.exp(-logit[i])):.5g}")
        for i, name in enumerate(names)
    ]
    tsv(folder / "names.tsv", "name label score probability", rows)
    config.write_toml(folder / "options.toml", {"target": 0, "units": "logit"})


class Page(HTMLParser):
    """Elements, attributes and the text of scripts, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.scripts, self.styles = [], [], [], []
        self.text = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = tag
        if tag == "script":
            self.scripts.append("")
        if tag == "style":
            self.styles.append("")

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside == "style":
            self.styles[-1] += data
        else:
            self.text += data

    @property
    def said(self) -> str:
        return " ".join(self.text.split())

    @property
    def payload(self) -> dict:
        return json.loads(self.scripts[0])
