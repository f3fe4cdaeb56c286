"""A search over settings: trials are runs, and the validation set alone decides between them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from shutil import rmtree
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cisgram.core import config, files
from cisgram.core.errors import InputError
from cisgram.core.extras import require
from cisgram.core.lock import LOCK, only_one
from cisgram.core.run import Run
from cisgram.core.seeds import derive
from cisgram.data import prepare
from cisgram.steps.search_space import TERMS_OF_THE_LOSS, Choice, Space, Span
from cisgram.steps.settings import Settings
from cisgram.steps.train import Progress, input_files, train_run
from cisgram.train import State, TrainOptions, chosen_by, score_of

if TYPE_CHECKING:
    import pandas as pd

SEARCH, TRIALS, TABLE, BEST = "search.json", "trials.json", "trials.tsv", "best.toml"
STARTUP = 8  # trials at random, before the estimators have anything to go by
FEWEST = 4  # finished trials before a median means something
LOWEST = -1e30
Row = dict[str, Any]  # state, settings, scores (best up to each epoch), why: one trial


class _Stopped(Exception):
    """A trial that is worse than half of those before it was at its age."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search found.

    Attributes
    ----------
    best
        Number of the best trial.
    trials
        One row a trial: ``trial``, ``state`` (finished, stopped, failed), ``score`` (the best of
        the validation set), ``epochs``, and the settings that were tried.
    run
        The run of the best trial.
    config
        Its settings, for ``cisgram run``.
    importance
        Share of the spread of the scores that goes with each setting; empty without a spread,
        or with fewer than three finished trials a setting.
    """

    best: int
    trials: pd.DataFrame
    run: Path
    config: Path
    importance: dict[str, float]


def tune_run(
    folder: Path,
    settings: Settings,
    space: Space,
    *,
    trials: int = 20,
    device: str = "auto",
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> Tuned:
    """Train with settings of a space until ``trials`` are done, and keep the best.

    Settings are proposed by tree-structured Parzen estimators, and a trial stops early when after
    an epoch its best validation score is below the median of the trials before it at that age.
    What a trial gets depends on the seed, its number and the finished trials: a search that was
    killed goes on where it was and ends as one that was not.

    Parameters
    ----------
    folder
        New, or of the same search.
    settings
        What is not searched; every trial has the same split and seed.
    space
        From `space_of`.
    trials
        In all, those of an earlier call included.
    progress
        Called after every epoch with the trial's number and the state.

    Raises
    ------
    InputError
        When the folder holds another search, settings are wrong, or no trial could be finished.
    MissingExtra
        Without Optuna, which the extra ``tune`` brings.

    References
    ----------
    Bergstra J, Bardenet R, Bengio Y, Kegl B (2011). Algorithms for hyper-parameter optimization.
    NeurIPS 24. Akiba T et al. (2019). Optuna. KDD.
    """
    optuna = require("optuna", extra="tune")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if settings.train.seeds > 1:
        msg = (
            "A search trains one network a trial. Leave --seeds and --folds out, and train the "
            "best settings with them afterwards."
        )
        raise InputError(msg)
    if trials < 1:
        msg = f"trials must be 1 or more; got {trials}."
        raise InputError(msg)
    search = _Search(optuna, folder, settings, space, device, progress, say or (lambda _: None))
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder):
        search.begin()
        while len(search.rows) < trials and not search.is_hopeless:
            search.next_trial()
        return search.end()


@dataclass
class _Search:
    """The trials of a folder; Optuna's study is made anew from them for each proposal."""

    optuna: ModuleType
    folder: Path
    settings: Settings
    space: Space
    device: str
    progress: Progress | None
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        self.ranges = {name: _range(self.optuna, span) for name, span in self.space.items()}
        self.rows: list[Row] = []

    def begin(self) -> None:
        """Record the search, or read the trials of the one that was begun here."""
        path = self.folder / SEARCH
        own = {
            "settings": self.settings.model_dump(mode="json"),
            "space": {name: str(span) for name, span in self.space.items()},
            "inputs": {role: files.sha256(p) for role, p in input_files(self.settings).items()},
        }
        if path.is_file():
            if files.read_json(path) != json.loads(json.dumps(own)):
                msg = (
                    f"{self.folder} holds a search of other settings, ranges or files ({SEARCH} "
                    "tells them). Give a new folder (-o), or the same command to go on."
                )
                raise InputError(msg)
            if (self.folder / TRIALS).is_file():
                self.rows = files.read_json(self.folder / TRIALS)
        elif any(p.name != LOCK for p in self.folder.iterdir()):
            msg = f"{self.folder} holds something else than a search. Give a new folder (-o)."
            raise InputError(msg)
        self._check_space()
        self.data = prepare(self.settings.data, seed=self.settings.train.seed)
        terms = sorted(self.space.keys() & set(TERMS_OF_THE_LOSS))
        if terms and chosen_by(self.settings.train, self.data.task) == "loss":
            msg = (
                f"{', '.join(terms)} cannot be searched where the validation loss chooses: a trial "
                "would win by what it counts and not by what it predicts. Set it for all trials."
            )
            raise InputError(msg)
        files.write_json(path, own)

    def _check_space(self) -> None:
        """Refuse a value that no setting has before the first trial, not when it is drawn."""
        for name, span in self.space.items():
            for value in span.values if isinstance(span, Choice) else (span.low, span.high):
                self._with({name: value})

    @property
    def is_hopeless(self) -> bool:
        """Whether the first trials failed, all of them."""
        first = self.rows[:FEWEST]
        return len(first) == FEWEST and all(row["state"] == "failed" for row in first)

    def next_trial(self) -> None:
        """Propose, train, and write down how it ended."""
        number = len(self.rows)
        trial = self._study().ask(self.ranges)
        self.say(f"trial {number}: {_said(trial.params)}")
        row: Row = {"state": "finished", "settings": trial.params, "scores": []}
        run = Run(self.folder / "trials" / f"{number:03d}")
        tried = self._with(trial.params)

        def watch(_: int, state: State) -> None:
            if self.progress is not None:
                self.progress(number, state)
            best = _best_so_far(state.history, tried.train, self.data.task)
            while len(row["scores"]) < len(best):  # several where a killed trial goes on
                row["scores"].append(best[len(row["scores"])])
                trial.report(row["scores"][-1], len(row["scores"]))
                if len(row["scores"]) < tried.train.epochs and trial.should_prune():
                    raise _Stopped

        try:
            train_run(run, tried, device=self.device, prepared=self.data, progress=watch)
            history: list[Any] = run.read_table("history.tsv").to_dict("records")
            row["scores"] = _best_so_far(history, tried.train, self.data.task)
        except _Stopped:
            row["state"] = "stopped"
            rmtree(run.path)
        except InputError as error:  # a rate that diverges, a network too large for the length
            row |= {"state": "failed", "why": str(error)}
            self.say(f"trial {number} failed: {error}")
        self.rows.append(row)
        files.write_json(self.folder / TRIALS, self.rows)

    def end(self) -> Tuned:
        """Write the table and the best settings."""
        finished = [i for i, row in enumerate(self.rows) if row["state"] == "finished"]
        if not finished:
            why = next((row["why"] for row in self.rows if "why" in row), "")
            msg = f"None of {len(self.rows)} trials could be finished. The first: {why}"
            raise InputError(msg)
        best = max(finished, key=lambda i: (self.rows[i]["scores"][-1], -i))
        table = self._table()
        tsv = table.to_csv(sep="\t", index=False, lineterminator="\n", float_format="%.6g")
        files.write_text(self.folder / TABLE, tsv)
        chosen = self._with(self.rows[best]["settings"])
        config.write_toml(self.folder / BEST, chosen.model_dump(mode="json", exclude_unset=True))
        return Tuned(
            best=best,
            trials=table,
            run=self.folder / "trials" / f"{best:03d}",
            config=self.folder / BEST,
            importance=self._importance() if len(finished) >= 3 * len(self.space) else {},
        )

    def _study(self) -> Any:
        """The trials so far; what it proposes next is a function of them, seed and number."""
        optuna, states = self.optuna, self.optuna.trial.TrialState
        seed = derive(self.settings.train.seed, "trial", len(self.rows)) % 2**32
        study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP),
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=FEWEST, n_warmup_steps=max(1, self.settings.train.epochs // 5)
            ),
        )
        known = {"finished": states.COMPLETE, "stopped": states.PRUNED, "failed": states.FAIL}
        for row in self.rows:
            study.add_trial(
                optuna.trial.create_trial(
                    state=known[row["state"]],
                    value=row["scores"][-1] if row["state"] == "finished" else None,
                    params=row["settings"],
                    distributions=self.ranges,
                    intermediate_values=dict(enumerate(row["scores"], start=1)),
                )
            )
        return study

    def _importance(self) -> dict[str, float]:
        scores = {row["scores"][-1] for row in self.rows if row["state"] == "finished"}
        if len(scores) == 1:
            return {}  # there is no spread
        evaluator = self.optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = self.optuna.importance.get_param_importances(self._study(), evaluator=evaluator)
        return {name: float(share) for name, share in found.items()}

    def _with(self, params: Mapping[str, Any]) -> Settings:
        """The settings with what a trial got."""
        groups = self.settings.model_dump(mode="json", exclude_unset=True)
        for name, value in params.items():
            *path, last = name.split(".")
            at = groups
            for group in path:
                at = at.setdefault(group, {})
            at[last] = value
        return config.validate(Settings, groups, source=f"the search, with {_said(params)}")

    def _table(self) -> pd.DataFrame:
        import pandas as pd

        rows = [
            {
                "trial": number,
                "state": row["state"],
                "score": row["scores"][-1] if row["scores"] else math.nan,
                "epochs": len(row["scores"]),
                **row["settings"],
            }
            for number, row in enumerate(self.rows)
        ]
        return pd.DataFrame(rows)


def _range(optuna: ModuleType, span: Span | Choice) -> Any:
    """Optuna's own form of a range."""
    kinds = optuna.distributions
    if isinstance(span, Choice):
        return kinds.CategoricalDistribution(span.values)
    if isinstance(span.low, int) and isinstance(span.high, int):
        return kinds.IntDistribution(span.low, span.high, log=span.log)
    return kinds.FloatDistribution(float(span.low), float(span.high), log=span.log)


def _best_so_far(
    history: Iterable[Mapping[str, float]], options: TrainOptions, task: str
) -> list[float]:
    """The best validation score up to each epoch; one that is undefined counts as very low."""
    scores = (max(score_of(row, options, task), LOWEST) for row in history)
    return list(accumulate(scores, max))


def _said(params: Mapping[str, Any]) -> str:
    """Settings in a line."""
    shown = {k: f"{v:.3g}" if isinstance(v, float) else str(v) for k, v in params.items()}
    return ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in shown.items())
