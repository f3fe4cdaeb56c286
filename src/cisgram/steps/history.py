"""The history of a run's members, a row an epoch."""

from __future__ import annotations

from cisgram.core.run import Run
from cisgram.steps.settings import Settings
from cisgram.train import State


def kept_loss(run: Run, member: int, settings: Settings) -> float | None:
    """Training loss of the epoch whose weights a member kept; ``None`` without an epoch."""
    history = run.read_table(history_name(member))
    if not len(history):
        return None
    best = history.loc[history["best"] == 1, "train_loss"]
    kept = best if settings.train.select == "best" and len(best) else history["train_loss"]
    return float(kept.iloc[-1])


def history_name(member: int) -> str:
    """File of a member: ``history.tsv``, then ``history-2.tsv``, ..."""
    return "history.tsv" if member == 0 else f"history-{member + 1}.tsv"


def write_history(run: Run, name: str, state: State) -> None:
    """Write a member's history; the kept epoch is marked."""
    import pandas as pd

    columns = ["epoch", "train_loss", "learning_rate", "valid_loss"]  # where no epoch was run
    table = pd.DataFrame(state.history, columns=None if state.history else columns)
    table["best"] = (table["epoch"] == state.best_epoch).astype(int)
    run.write_table(name, table)
