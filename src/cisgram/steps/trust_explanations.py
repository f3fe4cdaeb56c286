"""The part of the trust step that asks whether explanations say what the model does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.explain import METHODS
from cisgram.models import build
from cisgram.models.strands import BothStrands
from cisgram.seq.alphabet import one_hot
from cisgram.steps.scored import asked_options
from cisgram.steps.trust_job import Judged, TrustJob
from cisgram.trust import (
    Flag,
    area,
    backgrounds,
    deletion,
    insertion,
    likeness,
    losses,
    random_deletion,
    rank_agreement,
    sensitivity,
    subsets,
)
from cisgram.trust.removal import STEPS
from cisgram.trust.resample import mean_ends
from cisgram.trust.sensitivity import sizes

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
DRAWN = 2  # networks of random weights
FEW = slice(0, 20)  # sequences that they are compared on
ALIKE = 0.5  # rank correlation with what a network of random weights shows


def methods_of(job: TrustJob) -> list[str]:
    """The run's methods that score bases."""
    return [m for m in job.settings.explain.methods if METHODS[m].facts["gives"] == "attribution"]


def attribution(
    job: TrustJob, method: str, model: nn.Module, rows: slice = slice(None), **options: Any
) -> Array:
    """(n, length) scores of the bases that are there, of the sequences that are explained."""
    asked = asked_options(job.settings.explain, method)
    if asked.get("of") == "loss":
        msg = "a score of the loss is no part of an output; removal curves cannot judge it."
        raise InputError(msg)
    x = one_hot(job.explained[rows])
    found = METHODS[method].fn(model, x, target=job.column, **asked, **options)
    return np.asarray(found.per_position.detach().cpu().double().numpy())


def faithfulness(job: TrustJob) -> Judged:
    """Deletion and insertion curves, sensitivity-n, and weights drawn anew, method by method."""
    found: dict[str, Array] = {}
    refused: dict[str, str] = {}
    for method in methods_of(job):
        job.say(f"explaining with {method}")
        try:
            found[method] = attribution(job, method, job.model)
        except InputError as error:
            refused[method] = str(error)
    curves, areas = _removal(job, found)
    redrawn = _redrawn(job, found)
    tables = {
        "faithfulness": areas,
        "curves": curves,
        "sensitivity": _sensitivity(job, found),
        "random-weights": redrawn,
    }
    flags = [_removal_flag(row) for row in areas.to_dict("records")]
    networks, table = "networks with random weights", "random-weights"
    flags += [
        alike_flag(row, what="weights", networks=networks, table=table)
        for row in redrawn.to_dict("records")
    ]
    flags += [
        Flag(f"unfaithful: {m}", None, f"{m} cannot be judged: {said}", "", "faithfulness")
        for m, said in refused.items()
    ]
    return Judged(tables, flags, {"n_explained": len(job.explained), "refused": refused})


def _removal(job: TrustJob, found: Mapping[str, Array]) -> tuple[Any, Any]:
    """Mean curves, and a row a method: areas between its curves and those of random orders."""
    import pandas as pd

    codes = job.explained
    lent = backgrounds(codes, seed=job.seed)
    job.say("removing bases in random order")
    control = random_deletion(job.output, codes, lent, seed=job.seed)
    change = control[:, 0] - control[:, -1]
    curves = {"share": np.arange(STEPS + 1) / STEPS, "random_deletion": control.mean(0)}
    curves["random_insertion"] = control.mean(0)[::-1]
    rows = []
    for method, ranking in found.items():
        job.say(f"removing bases in the order of {method}")
        out = deletion(job.output, codes, ranking, lent, seed=job.seed)
        back = insertion(job.output, codes, ranking, lent, seed=job.seed)
        curves[f"{method}_deletion"] = out.mean(0)
        curves[f"{method}_insertion"] = back.mean(0)
        row: dict[str, Any] = {"method": method, "n": len(codes), "change": change.mean()}
        between = {
            "deletion": area(control) - area(out),
            "insertion": area(back) - area(control[:, ::-1]),
        }
        for name, each in between.items():
            mean, low, high = mean_ends(each, seed=job.seed)
            row |= {name: mean, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    columns = ["method", "n", "change", "deletion", "deletion_low", "deletion_high",
               "insertion", "insertion_low", "insertion_high"]  # fmt: skip
    return pd.DataFrame(curves), pd.DataFrame(rows, columns=columns)


def _sensitivity(job: TrustJob, found: Mapping[str, Array]) -> Any:
    import pandas as pd

    codes = job.explained
    lent = backgrounds(codes, n=2, seed=job.seed)
    rows = []
    for size in sizes(codes.shape[1]):
        job.say(f"removing {size} {'base' if size == 1 else 'bases'} at random")
        chosen = subsets(codes, size, seed=job.seed)
        lost = losses(job.output, codes, chosen, lent)
        for method, scores in found.items():
            each = sensitivity(scores, chosen, lost)
            known = int(np.isfinite(each).sum())
            rows.append((method, size, *mean_ends(each, seed=job.seed), known))
    return pd.DataFrame(rows, columns=["method", "size", "correlation", "low", "high", "n"])


def _redrawn(job: TrustJob, found: Mapping[str, Array]) -> pd.DataFrame:
    """How alike the attributions of networks with random weights are to those of the trained."""
    rows = []
    for method, scores in found.items():
        job.say(f"{method} on random weights")
        others = [attribution(job, method, drawn(job, i), FEW) for i in range(DRAWN)]
        rows.append({"method": method, **alike(scores[FEW], others, seed=job.seed)})
    return alike_table(rows)


def alike_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows of `alike`, with their columns where there is none."""
    import pandas as pd

    return pd.DataFrame(rows, columns=["method", "likeness", "low", "high", "signed", "n"])


def alike(scores: Array, others: Sequence[Array], *, seed: int) -> dict[str, Any]:
    """Rank correlations with the scores of other networks: of sizes with interval, and signed."""
    size = np.mean([likeness(scores, other) for other in others], 0)
    signed = np.mean([rank_agreement(scores, other) for other in others], 0)
    mean, low, high = mean_ends(size, seed=seed)
    known = int(np.isfinite(size).sum())
    own = mean_ends(signed, seed=seed)[0]
    return {"likeness": mean, "low": low, "high": high, "signed": own, "n": known}


def drawn(job: TrustJob, number: int) -> nn.Module:
    """The same architecture with weights that were never trained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(job.seed, "random weights", number))
        model = build(job.card)
    return as_asked(job, model)


def as_asked(job: TrustJob, model: nn.Module) -> nn.Module:
    """A model as the run's own is asked: in eval mode, on both strands where that one is."""
    both = job.card.strands == "both"
    return (BothStrands(model) if both else model).eval().to(job.device)


def _removal_flag(row: Mapping[Any, Any]) -> Flag:
    method = str(row["method"])
    value, low, high = (float(row[c]) for c in ("deletion", "deletion_low", "deletion_high"))
    raised = not low > 0
    change = float(row["change"])
    said = (
        f"Taking out bases in the order of {method} lowers the output by {value:.3g} more, in the "
        f"mean over the curve, than a random order does ({low:.3g} to {high:.3g}); with all bases "
        f"out it falls by {change:.3g}."
    )
    if raised:
        said += " Its pictures are not shown to say what this model does."
    rule = "raised when the interval of the area between random and own deletion curve reaches 0"
    return Flag(f"unfaithful: {method}", raised, said, rule, "faithfulness", value, low, high)


def alike_flag(row: Mapping[Any, Any], *, what: str, networks: str, table: str) -> Flag:
    """A flag for a method that shows the same without what was learned.

    Parameters
    ----------
    row
        Of `alike_table`.
    what
        ``weights`` or ``labels``: what the method is blind to.
    networks
        What it was compared with, in words.
    table
        Where the row stands.
    """
    method = str(row["method"])
    value, low, high = (float(row[c]) for c in ("likeness", "low", "high"))
    known = bool(np.isfinite(value))
    raised = value >= ALIKE if known else None
    said = (
        f"The scores of {method} and those of {networks} have a rank correlation of {value:.2f} "
        f"({low:.2f} to {high:.2f})."
        if known
        else f"The scores of {networks} do not vary."
    )
    if raised:
        said += " It shows the letters or the architecture, not what was learned."
    rule = f"raised when the rank correlation of their sizes is at least {ALIKE:g}"
    return Flag(f"blind to the {what}: {method}", raised, said, rule, table, value, low, high)
