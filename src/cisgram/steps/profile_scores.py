"""Scores of a run's profiles and counts."""

from __future__ import annotations

from typing import Any

import torch

from cisgram.core.run import Run
from cisgram.data import Dataset, Prepared
from cisgram.models import MODELS, load, read_card
from cisgram.steps.settings import settings_of
from cisgram.train.profiles import average_profile, evaluate_profiles, heads_of


def profile_metrics(
    run: Run, part: Dataset, data: Prepared, *, where: torch.device
) -> dict[str, Any]:
    """Scores of the mean of the members' profiles and log counts (`evaluate_profiles`)."""
    models = [load(f).to(where) for f in run.members()]
    parts = MODELS[read_card(run.member(0)).name].facts.get("parts", ("whole",))
    heads = {}
    for name in parts:
        every = [heads_of(model, part, part=name) for model in models]
        profile, counts = (torch.stack(h).mean(0) for h in zip(*every, strict=True))
        heads[name] = profile, counts
    seed = settings_of(run).train.seed
    return evaluate_profiles(part, heads, average=average_profile(data.train.data), seed=seed)
