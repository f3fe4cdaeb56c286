"""A run folder with a hostile name in every place that a name can get to, without any step."""

from __future__ import annotations

import json
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from cisgram import motifs
from cisgram.core import config, files
from cisgram.core.run import Run
from cisgram.grammar import Evidence, Rule, Rules
from cisgram.grammar.found import Distances
from cisgram.motifs import Motif, MotifSet
from hostile import HOSTILE
from made_run import tsv
from report.test_neurons import neuron

LENGTH = 60
NAMES = tuple(f"{s}" for s in HOSTILE)
# What a MEME file makes of a name: one word.
WORDS = tuple(dict.fromkeys("_".join(s.split()) for s in HOSTILE))


def hostile_run(folder: Path, *, names: tuple[str, ...] = NAMES) -> Run:
    """Sequences, motifs, targets, settings, files, rules, neurons, methods, dangers, outputs."""
    rng = np.random.default_rng(0)
    own = cycle(names)
    _settings(folder, names)
    _predictions(folder, names)
    _explained(folder, names, rng)
    _motifs(folder, names, rng)
    _rules(folder, names, rng)
    _neurons(folder, names)
    rows = [(next(own), n, ("yes", "no", "not judged")[i % 3], 1, 0, 2, f"rule {n}", f"said {n}",
             n) for i, n in enumerate(names)]  # fmt: skip
    columns = "part name raised value low high rule said file"
    tsv(folder / "trust" / "flags.tsv", columns, rows)
    baselines = [(n, 0.9, 0.8, 0.95, n) for n in names[:40]]
    tsv(folder / "trust" / "baselines.tsv", "predictor auroc auroc_low auroc_high about", baselines)
    tsv(folder / "trust" / "curves.tsv", "share random_deletion",
        [(0.0, 3.0), (0.5, 1.0), (1.0, 0.0)])  # fmt: skip
    planted = [{"motif": n, "consensus": n, "role": n, "found_by": n, "q": 0.1,
                "claimed_predictive": True} for n in names]  # fmt: skip
    files.write_json(folder / "demo.json", {"planted": planted, "summary": " ".join(names[:30])})
    return Run(folder)


def _settings(folder: Path, names: tuple[str, ...]) -> None:
    value: dict[str, Any] = {
        "command": f"cisgram run {' '.join(names[:40])}",
        "versions": {n: n for n in names},
        "inputs": {n: {"path": n, "sha256": "5b" * 32} for n in names},
        "settings": {"title": names[0], "data": {n: n for n in names}, **{n: {n: n} for n in names
                     if n not in ("title", "data")}},
    }  # fmt: skip
    config.write_toml(folder / "run.toml", value)
    model = {"name": names[0], "outputs": [names[1]], "options": {n: n for n in names},
             "length": LENGTH, "task": names[2]}  # fmt: skip
    config.write_toml(folder / "model" / "model.toml", model)
    tsv(folder / "data" / "split.tsv", "name set", [(n, "test") for n in names])
    tsv(folder / "data" / "dropped.tsv", "name reason", [(n, n) for n in names])
    leaks = [(n, n, n, "train", "test", n) for n in names]
    tsv(folder / "data" / "leaks.tsv", "first second kind first_set second_set action", leaks)
    counted = {"sets": {"test": {"sequences": len(names)}}, "handled": dict.fromkeys(names, 1)}
    files.write_json(folder / "data" / "summary.json", counted)
    rows = [(i + 1, 0.6 - i / 10, 0.7 - i / 10, 0.8, "x") for i in range(4)]
    tsv(folder / "history.tsv", f"epoch train_loss valid_loss valid_{WORDS[0]} note", rows)


def _predictions(folder: Path, names: tuple[str, ...]) -> None:
    rows = [
        (name, "test", output, i % 2, f"{(i % 7) / 3 - 1 + o:.3f}", 0.5)
        for i, name in enumerate(names)
        for o, output in enumerate(names[:4])
    ]
    tsv(folder / "predictions.tsv", "name set output label score probability", rows)
    scored = {"n": len(names), "n_positive": 50, "auroc": 0.9, "auroc_interval": [0.8, 0.95]}
    each = [{"output": n, **scored} for n in names]
    files.write_json(folder / "metrics.json", {"test": {**scored, "per_output": each}})


def _explained(folder: Path, names: tuple[str, ...], rng: np.random.Generator) -> None:
    n = len(names)
    x = np.eye(4, dtype=np.int8)[rng.integers(0, 4, (n, LENGTH))].transpose(0, 2, 1)
    x = np.ascontiguousarray(x)
    for i, title in enumerate(names[:6]):
        home = folder / "explain" / f"method_{i}"
        values = rng.normal(size=(n, 4, LENGTH)).astype(np.float32)
        has_tracks = i == 5
        tracks = np.ascontiguousarray(np.abs(values[:, :2]))
        arrays = {"tracks": tracks, "x": x} if has_tracks else {"values": values, "x": x}
        home.mkdir(parents=True)
        save_file(arrays, home / "values.safetensors")
        tsv(home / "names.tsv", "name label score " + WORDS[7], [(s, k % 2, -k, s) for k, s in
                                                              enumerate(names)])  # fmt: skip
        options = {"title": title, "units": names[8 + i], "output": names[3], "options": {
            n: n for n in names[:10]}}  # fmt: skip
        more = {"tracks": list(names[:2])} if has_tracks else {}
        config.write_toml(home / "options.toml", options | more)


def _motifs(folder: Path, names: tuple[str, ...], rng: np.random.Generator) -> None:
    learned = []
    for n in names:
        ppm = 0.9 * np.eye(4)[:, rng.integers(0, 4, 9)] + 0.025
        learned.append(Motif(ppm, "_".join(n.split()) or "x", n_sites=9.0))
    unique = list({m.name: m for m in learned}.values())
    (folder / "motifs").mkdir()
    motifs.write_meme(folder / "motifs" / "filters.meme", MotifSet(unique))
    motifs.write_meme(folder / "motifs" / "patterns.meme", MotifSet(unique))
    columns = "motif target_id target_name p e q offset overlap strand"
    rows = [(m.name, n, n, 1e-9, 1e-8, f"{1e-7 * (i + 1):.3g}", 0, 9, "+-"[i % 2])
            for i, (m, n) in enumerate(zip(unique, names, strict=False))]  # fmt: skip
    tsv(folder / "motifs" / "filters.matches.tsv", columns, rows)
    facts = [(m.name, 9, n) for m, n in zip(unique, names, strict=False)]
    tsv(folder / "motifs" / "filters.facts.tsv", f"motif n_sites {WORDS[9]}", facts)
    config.write_toml(folder / "motifs" / "filters.options.toml",
                      {"database": names[5], "layer": names[6]})  # fmt: skip
    hits = [(n, i, 10, 19, "+-"[i % 2], unique[i % len(unique)].name, 1.0) for i, n in
            enumerate(names)]  # fmt: skip
    tsv(folder / "motifs" / "patterns.hits.tsv",
        "sequence row start end strand pattern contribution", hits)  # fmt: skip


def _rules(folder: Path, names: tuple[str, ...], rng: np.random.Generator) -> None:
    found = Evidence(1.0, 0.8, 1.2, 1e-9, 1e-8, 100, "output", 0.0, True)
    seen = Evidence(0.6, 0.5, 0.7, 1e-9, 1e-8, 100, "share", 0.2, True)
    rules = [Rule("negation", (n,), model=found, data=seen) for n in names]
    pairs = list(zip(names[::2], names[1::2], strict=False))[:20]
    rules += [Rule("spacing", pair, "+-", 3, 9, model=found, data=seen) for pair in pairs[10:]]
    apart = tuple(Distances(a, b, (0, 3, 40), (9.0, 12.0, 12.0)) for a, b in pairs)
    facts = {"motifs": dict.fromkeys(names, 9), "sequences": 10, "not_asked": names[0]}
    value = Rules(tuple(rules), facts, apart).to_json()
    files.write_json(folder / "grammar" / "rules.json", value)
    files.write_json(folder / "grammar" / "check.json", value)
    motifs.write_meme(folder / "grammar" / "motifs.meme", MotifSet(
        [Motif(0.9 * np.eye(4)[:, rng.integers(0, 4, 9)] + 0.025, "_".join(n.split()) or "x",
               id=f"m{i}") for i, n in enumerate(names)]))  # fmt: skip


def _neurons(folder: Path, names: tuple[str, ...]) -> None:
    for k, name in enumerate(names):
        d = neuron(k, name="motif", r2=0.5, layer="conv3")
        d["diagnosis"] = name
        d["kind"] = name
        d["levels"] = [["max_pool", name, 3], [name, "", 2]]
        for m in d["motifs"]:
            m |= {"target_name": name, "target": name}
        d["tail"], d["n_tail"] = [{"consensus": name, "share": 0.1}], 1
        files.write_text(folder / "demix" / "conv3" / f"{k}.json", json.dumps(d))
    figures = {"neurons": len(names), "kinds": {}, "r2": 0.5, "control_r2": 0.1,
               "motifs": {"n": 2, "matched": 0.5, "control": 0.0}}  # fmt: skip
    summary = {"database": names[4], "max_q": 0.05, "layers": {"conv3": figures}}
    files.write_json(folder / "demix" / "summary.json", summary)
