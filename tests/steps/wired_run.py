"""A run whose four detectors are wired by hand: a word, the same again, nothing, anything."""

from pathlib import Path

import torch

import planted
from cisgram.core.run import Run, job_of
from cisgram.models import MODELS, Card, save
from cisgram.steps import resolve
from cisgram.steps.train import input_files
from explain.demix.wired import detector

WORD = "CACGTGAC"
OPTIONS = {"detectors": 4, "width": 8, "hidden": 0}
KINDS = ["read", "duplicate", "dead", "no motif"]


def wired_run(folder: Path) -> Run:
    """``folder/RUN``, of the table ``folder/a.tsv`` of 160 sequences; nothing is trained."""
    planted.write_tsv(folder / "a.tsv", 160)
    groups = {"data": {"positives": str(folder / "a.tsv")},
              "model": {"name": "deepbind", "options": OPTIONS}}  # fmt: skip
    settings = resolve(groups)
    run = Run(folder / "RUN")
    run.record(job_of(settings.model_dump(mode="json"), inputs=input_files(settings)))
    model = MODELS["deepbind"].fn(**OPTIONS, n_outputs=1)
    conv = detector(WORD, WORD, WORD, WORD)
    with torch.no_grad():
        conv.bias += 2  # 3.5 at a full match; three letters may be wrong
        conv.weight[2:] = 0
        conv.weight[1] *= 2
        conv.bias[1] *= 2
        conv.bias[2:] = torch.tensor([-1.0, 1.0])
        model.detect[0].load_state_dict(conv.state_dict())
        model.head[0].weight.fill_(1.0)
        model.head[0].bias.zero_()
    save(run.member(0), model, Card("deepbind", OPTIONS, length=60))
    return run
