"""The demo: the whole job on sequences whose truth is known, and the comparison with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cisgram import explain, motifs, report
from cisgram.core import files
from cisgram.core.run import Run
from cisgram.core.seeds import derive
from cisgram.core.work import at_work
from cisgram.models import load, predict
from cisgram.motifs import Motif, MotifSet
from cisgram.seq import Grammar, Plant, from_codes, one_hot, simulate
from cisgram.steps.datasets import DATASETS
from cisgram.steps.pipeline import run_all
from cisgram.steps.settings import resolve
from cisgram.steps.train import Progress

if TYPE_CHECKING:
    import pandas as pd

PLANTED = ("CTCF", "GATA4")  # in this order, 3 to 12 bp apart
DECOYS = ("REST", "TEAD4")  # as often in negatives as in positives
SPACING = (3, 12)
LENGTH = 150
N_TRAIN, N_TEST = 4000, 1000
MAX_Q = 0.01  # a planted motif counts as found below this
SHARE = 0.1  # a motif counts as predictive when its sites carry this share of the logit gap


def demo_run(
    run: Run,
    *,
    seed: int = 0,
    device: str = "auto",
    epoch: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Simulate, do the whole job, and compare what was planted with what was found.

    Positives hold two JASPAR motifs in a fixed order and spacing; a third of the negatives hold
    one of the two alone, and decoy motifs are planted in both classes at the same rate.

    Parameters
    ----------
    run
        Folder of the run; the simulation is written beside it, into ``<run>-data``.
    seed
        Of everything random.
    device, epoch, say
        As in the main job.

    Returns
    -------
    dict
        ``planted`` (one entry a motif), ``auroc``, ``page``, ``lines`` (the comparison in words).
    """
    say = say or (lambda _: None)
    say("simulating")
    folder = run.path.with_name(run.path.name + "-data")
    train, test = write_simulation(folder, seed=seed)
    settings = resolve(
        {
            "data": {"positives": str(train), "test": str(test), "label_columns": ["bound"]},
            "model": {"name": "deepbind", "options": {"detectors": 32, "width": 19, "hidden": 32}},
            "train": {"seed": seed, "epochs": 24, "learning_rate": 3e-3},
            "explain": {"methods": ["ism", "deep_lift", "saliency"], "most": 120},
        }
    )
    outcome = run_all(run, settings, device=device, epoch=epoch, say=say)
    say("comparing with what was planted")
    with at_work(run.path, "comparing with what was planted"):
        planted = compare(run, test, seed=seed)
    auroc = outcome.metrics["test"]["auroc"]
    lines = _lines(planted, outcome.metrics["test"], outcome.page)
    files.write_json(run.path / "demo.json", {"planted": planted, "summary": lines[-2]})
    page = report.write(run)
    return {"planted": planted, "auroc": auroc, "page": str(page), "lines": lines}


@DATASETS.register(
    name="demo",
    use="cisgram demo",
    origin="simulated: two JASPAR motifs in order, decoys in both classes, every site known",
)
def write_simulation(folder: Path, *, seed: int) -> tuple[Path, Path]:
    """Write ``train.tsv``, ``test.tsv`` (name, sequence, bound) and their sites; gives the two."""
    database = motifs.jaspar("vertebrates")
    grammar = Grammar([Plant(database[name]) for name in PLANTED], spacing=SPACING)
    decoys = [Plant(database[name], strand="both", probability=0.5) for name in DECOYS]
    paths = []
    for name, n in (("train", N_TRAIN), ("test", N_TEST)):
        drawn = simulate(
            n,
            LENGTH,
            grammar=grammar,
            decoys=decoys,
            singles=0.33,
            seed=derive(seed, "demo", name),
        )
        rows = zip(drawn.names, from_codes(drawn.codes), drawn.y.tolist(), strict=True)
        text = "name\tsequence\tbound\n" + "".join(f"{a}_{name}\t{b}\t{c:g}\n" for a, b, c in rows)
        paths.append(folder / f"{name}.tsv")
        files.write_text(paths[-1], text)
        Run(folder).write_table(f"{name}.sites.tsv", drawn.sites)
    return paths[0], paths[1]


def compare(run: Run, test: Path, *, seed: int) -> list[dict[str, Any]]:
    """What was planted against what was found, one entry a planted motif or decoy.

    A motif is found when a learned, specific motif matches it (Tomtom over all JASPAR
    vertebrates, q below 0.01). It is claimed as predictive when overwriting its sites in held-out
    positives lowers the logit by more than a tenth of the gap between the classes, with the whole
    95 % interval.
    """
    from cisgram.io import read_table

    database = motifs.jaspar("vertebrates")
    read = motifs.read_meme(run.path / "motifs" / "filters.meme")
    learned = MotifSet([m for m in read if m.is_specific])
    known = MotifSet([database[name] for name in (*PLANTED, *DECOYS)])
    matches = motifs.tomtom(learned, database)
    found = read_table(test, labels=["bound"])
    model = load(run)
    x = one_hot(found.codes())
    labels = np.asarray(found.labels)[:, 0]
    logit = predict(model, x).numpy()[:, 0]
    gap = float(logit[labels == 1].mean() - logit[labels == 0].mean())
    positives = x[np.flatnonzero(labels == 1)[:300]]
    effects = explain.site_effects(model, positives, known, target=0, p=1e-4, seed=seed)
    return [
        _entry(motif, matches, effects.iloc[i], gap, planted=motif.name in PLANTED)
        for i, motif in enumerate(known)
    ]


def _entry(
    motif: Motif, matches: pd.DataFrame, effect: pd.Series[float], gap: float, *, planted: bool
) -> dict[str, Any]:
    mine = matches[matches["target_id"] == motif.id].sort_values("p", kind="stable")
    best = mine.iloc[0] if len(mine) else None
    is_found = best is not None and best["q"] < MAX_Q
    return {
        "motif": motif.name,
        "consensus": motif.consensus,
        "role": "planted" if planted else "decoy",
        "found_by": str(best["motif"]) if best is not None and is_found else None,
        "q": None if best is None else float(best["q"]),
        "effect": float(effect["effect"]),
        "effect_interval": [float(effect["effect_low"]), float(effect["effect_high"])],
        "class_gap": gap,
        "claimed_predictive": bool(effect["effect_low"] > SHARE * gap),
    }


def _lines(planted: list[dict[str, Any]], test: dict[str, Any], page: Path) -> list[str]:
    lines = [
        f"Test AUROC {test['auroc']:.3f} ({test['auroc_interval'][0]:.3f}-"
        f"{test['auroc_interval'][1]:.3f}) on {test['n']} sequences never seen in training.",
        "",
        f"{'motif':<8} {'role':<8} {'matched by':<11} {'q':<8} {'logit lost without its sites':<30}"
        " claimed predictive",
    ]
    for p in planted:
        low, high = p["effect_interval"]
        q = "" if p["q"] is None else f"{p['q']:.1g}"
        effect = f"{p['effect']:.2f} ({low:.2f} to {high:.2f})"
        claim = "yes" if p["claimed_predictive"] else "no"
        found = p["found_by"] or "-"
        lines.append(f"{p['motif']:<8} {p['role']:<8} {found:<11} {q:<8} {effect:<30} {claim}")
    mine = [p for p in planted if p["role"] == "planted"]
    others = [p for p in planted if p["role"] == "decoy"]
    n_found = sum(p["found_by"] is not None and p["claimed_predictive"] for p in mine)
    n_claimed = sum(p["claimed_predictive"] for p in others)
    lines += [
        "",
        f"{n_found} of {len(mine)} planted motifs were found and are predictive; "
        f"{n_claimed} of {len(others)} decoys are claimed to be.",
        f"The page: {page}",
    ]
    return lines
