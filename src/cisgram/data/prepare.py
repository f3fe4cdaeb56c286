"""From files to what a model is trained, chosen and tested on; every dropped row has a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.data.attached import Attached
from cisgram.data.augment import augment_of
from cisgram.data.dataset import Dataset, TrainingData, joined
from cisgram.data.labels import is_labeled, task_of
from cisgram.data.leaks import COLUMNS as LEAK_COLUMNS
from cisgram.data.leaks import find_leaks
from cisgram.data.negatives import negatives_kind, only_positives, with_negatives
from cisgram.data.neighbors import with_states
from cisgram.data.options import DataOptions
from cisgram.data.profiles import with_profiles
from cisgram.data.source import Source
from cisgram.data.splits import (
    FEW,
    split_by_blocks,
    split_by_chromosome,
    split_by_fraction,
    split_given,
)
from cisgram.data.tracks import with_tracks
from cisgram.io import Genome

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Prepared:
    """Data of a run.

    Attributes
    ----------
    train, valid, test
        What the model is fitted to, chosen by, and judged on (``None``: nothing was held out).
    task
        ``classification`` (every label 0 or 1), ``regression``, ``multiclass`` (one of several
        classes, labels one-hot), ``counts`` or ``profile``.
    split
        ``name``, ``set`` of every sequence that is used.
    dropped
        ``name``, ``reason`` of every one that is not.
    leaks
        Pairs that the leak guard found, with ``action``.
    summary
        Counts: what the readers handled, sizes of the sets, kind of the negatives, how the test
        and validation sets were held out (``split``, ``valid_split``), what the
        leak guard found and how many sequences are all repeats, whose near copies it cannot see.
    """

    train: TrainingData
    valid: Dataset
    test: Dataset | None
    task: str
    split: pd.DataFrame
    dropped: pd.DataFrame
    leaks: pd.DataFrame
    summary: dict[str, Any] = field(default_factory=dict)


def prepare(options: DataOptions, *, seed: int = 0) -> Prepared:
    """Read, split, make negatives, look for leaks.

    Parameters
    ----------
    options
        Where the data lie and how they are held out.
    seed
        Of the split and of the negatives.

    Raises
    ------
    InputError
        When a file is wrong, or too little is left to train on.
    """
    beside = Attached(options)
    genome = Genome(options.genome) if options.genome else None
    source = Source(genome, options.length, cells=beside.cells)
    data = source.read(options.positives, options, label=1.0, ask=True)
    plain = options.model_copy(update={"batch_column": None})  # a test needs no batch labels
    test = source.read(options.test, plain, label=np.nan) if options.test else None
    data, test, asked = _labels_of_places(data, test, options, beside)
    data, task = task_of(data, asked)
    if task != "classification" and options.max_positives is not None:
        msg = (
            f"data.max_positives={options.max_positives} is for labels 0 and 1; "
            f"{options.positives} holds others. Leave it out."
        )
        raise InputError(msg)
    data = _strongest(data, options, source)
    kind = negatives_kind(options, data, task, source)
    if options.negatives_per_positive > 1 and kind != "genome":
        msg = (
            f"data.negatives_per_positive={options.negatives_per_positive} is for genomic windows; "
            "give negatives=genome, or leave it out."
        )
        raise InputError(msg)
    if kind == "file":
        assert options.negatives is not None
        data = joined([data, source.read(options.negatives, options, label=0.0)])
    sets, how = _sets(options, data, has_test=test is not None, seed=seed)
    overlapping = np.flatnonzero(sets == "none").tolist()
    source.dropped += [(data.names[i], "overlaps a held-out block") for i in overlapping]
    parts = {name: data.take(sets == name) for name in ("train", "valid", "test")}
    if test is not None:
        parts["test"] = _test_like(test, data, options, kind, task)
    parts = with_negatives(parts, kind, options, source, seed)
    parts, leaks, of_repeats = _guard(parts, options, source, task)
    parts = {name: beside.to(part) if len(part) else part for name, part in parts.items()}
    train = TrainingData(
        parts["train"],
        fresh_negatives=options.shuffle_k if kind == "shuffle" else 0,
        fixed_negatives=not options.fresh_negatives,
        reverse_complement=options.reverse_complement,
        max_shift=options.max_shift,
        augment=augment_of(options),
        classes=task == "multiclass",
    )
    _check_usable(parts, train, task, of_cells=bool(beside.cells))
    return Prepared(
        train=train,
        valid=parts["valid"],
        test=parts["test"] if len(parts["test"]) else None,
        task=task,
        split=_split_table(parts),
        dropped=_table(source.dropped, ["name", "reason"]),
        leaks=leaks,
        summary=_summary(parts, kind if options.fresh_negatives else f"{kind}, fixed", source, task)
        | {"split": how if test is None else "test file", "valid_split": how}
        | {"leak_guard": {"pairs": len(leaks), "sequences_of_repeats": of_repeats}},
    )


def _labels_of_places(
    data: Dataset, test: Dataset | None, options: DataOptions, beside: Attached
) -> tuple[Dataset, Dataset | None, str]:
    """Labels that are read at the places of windows, and the task that is asked for."""
    asked: str = options.task
    given = [k for k in ("tracks", "methylation", "profiles") if getattr(options, k)]
    if len(given) > 1:
        both = " and ".join(f"data.{name}" for name in given)
        msg = f"{both} are all labels of the windows; give one of them."
        raise InputError(msg)
    if options.tracks:
        data = with_tracks(data, options)
        test = with_tracks(test, options) if test is not None else None
        asked = "regression" if asked == "auto" else asked
    elif beside.cells:
        data = with_states(data, beside.cells)
        test = with_states(test, beside.cells) if test is not None else None
    elif options.profiles:
        data = with_profiles(data, options)
        test = with_profiles(test, options) if test is not None else None
        asked = "profile"
    return data, test, asked


def _strongest(data: Dataset, options: DataOptions, source: Source) -> Dataset:
    """At most ``max_positives`` positives: the strongest, or the first of a file without ranks."""
    most = options.max_positives
    positive = np.flatnonzero((data.y == 1).any(1))
    if most is None or len(positive) <= most:
        return data
    ranks = source.ranks[options.positives]
    reason = f"beyond the first {most} positives"
    if ranks is not None:
        positive = positive[np.argsort(ranks[positive], kind="stable")]
        reason = f"not among the {most} strongest positives"
    beyond = np.zeros(len(data), dtype=bool)
    beyond[positive[most:]] = True
    source.dropped += [(data.names[i], reason) for i in np.flatnonzero(beyond)]
    return data.take(~beyond)


def _sets(
    options: DataOptions, data: Dataset, *, has_test: bool, seed: int
) -> tuple[NDArray[np.str_], str]:
    """(n,) set of each row, and how it was found."""
    named = {"valid": options.valid_chromosomes, "test": options.test_chromosomes}
    fractions = {
        "valid": options.valid_fraction,
        "test": 0.0 if has_test else options.test_fraction,
    }
    if options.split is not None:
        if any(named.values()):
            msg = "give data.split or chromosomes, not both: each says what is held out."
            raise InputError(msg)
        sets, how = split_given(Path(options.split), data.names), "given"
    elif data.groups is None and any(named.values()):
        msg = (
            f"{options.positives} tells no chromosomes; hold out by fraction, or give a BED file "
            "with a genome."
        )
        raise InputError(msg)
    elif data.groups is not None and (any(named.values()) or _are_even(data.groups, fractions)):
        sets = split_by_chromosome(
            data.groups,
            **named,
            valid_fraction=fractions["valid"],
            test_fraction=fractions["test"],
            seed=seed,
        )
        how = "by chromosome"
    elif data.groups is not None and data.starts is not None:
        sets = split_by_blocks(data.groups, data.starts, length=data.length, **fractions, seed=seed)
        how = "by blocks"
    else:
        sets, how = split_by_fraction(len(data), **fractions, seed=seed), "by fraction"
    if has_test and (sets == "test").any():
        msg = "a test file was given and the split has a test set of its own; give one of them."
        raise InputError(msg)
    return sets, how


def _are_even(groups: Sequence[str], fractions: Mapping[str, float]) -> bool:
    """Whether whole chromosomes can be held out: enough of them, none of them nearly everything.

    With one chromosome and crumbs, the crumbs alone would be held out.
    """
    counts = sorted(Counter(groups).values())
    wanted = sum(fractions.values())
    return len(counts) >= FEW and sum(counts[:-1]) >= wanted * len(groups)


def _test_like(test: Dataset, data: Dataset, options: DataOptions, kind: str, task: str) -> Dataset:
    """The test file with the outputs of the data; one without labels holds positives alone."""
    given = not np.isnan(test.y).all()
    if given and task in ("multiclass", "counts"):
        test, _ = task_of(test, task, outputs=data.outputs if task == "multiclass" else ())
    if not given and kind not in ("shuffle", "genome"):
        msg = (
            f"{options.test} holds no labels; as the negatives are given with the training data, "
            "the test file needs sequences of both kinds with labels."
        )
        raise InputError(msg)
    alone = not given or only_positives(test)
    if alone and kind == "genome" and test.groups is None:
        msg = (
            f"{options.test} tells no intervals to find genomic negatives for; give the test as "
            "BED, or with labels, or take negatives=shuffle."
        )
        raise InputError(msg)
    if given and len(test.outputs) != len(data.outputs):
        msg = (
            f"{options.test} has the labels {test.outputs}, {options.positives} {data.outputs}; "
            "they must be the same."
        )
        raise InputError(msg)
    y = test.y if given else np.ones((len(test), len(data.outputs)), dtype=np.float32)
    return replace(test, y=y, outputs=data.outputs)


def _guard(
    parts: dict[str, Dataset], options: DataOptions, source: Source, task: str
) -> tuple[dict[str, Dataset], pd.DataFrame, int]:
    """Report leaks, and drop their training rows unless told otherwise; and `of_repeats`."""
    if source.is_blank:  # without letters no sequence is a copy of another
        return parts, _table([], [*LEAK_COLUMNS, "action"]), 0
    found = find_leaks(
        {k: v for k, v in parts.items() if len(v)},
        threshold=options.leak_threshold,
        # neighboring windows of a multi-task set, or CpG sites, have differing labels by right
        across_labels=task == "multiclass"
        or (task == "classification" and len(parts["train"].outputs) == 1 and not source.cells),
    )
    table = found.table
    if options.leaks == "refuse" and len(table):
        row = table.iloc[0]
        msg = (
            f"{len(table)} pairs of sequences stand in two sets or have two labels, for example "
            f"{row['first']!r} and {row['second']!r} ({row['kind']}); data.leaks=drop drops them."
        )
        raise InputError(msg)
    dropping = options.leaks == "drop"
    in_train = (table["first_set"] == "train") | (table["second_set"] == "train")
    table["action"] = np.where(in_train & dropping, "dropped from train", "reported")
    if not dropping or not len(found.training_rows):
        return parts, table, found.of_repeats
    keep = np.ones(len(parts["train"]), dtype=bool)
    keep[found.training_rows] = False
    source.dropped += [
        (parts["train"].names[i], "leak: see leaks.tsv") for i in found.training_rows.tolist()
    ]
    return parts | {"train": parts["train"].take(keep)}, table, found.of_repeats


def _check_usable(
    parts: dict[str, Dataset], train: TrainingData, task: str, *, of_cells: bool
) -> None:
    for name, needed in (("train", 8), ("valid", 2)):
        if len(parts[name]) < needed:
            msg = (
                f"only {len(parts[name])} sequences are left for the {name} set; at least "
                f"{needed} are needed. See what was dropped, or hold out less."
            )
            raise InputError(msg)
    if is_labeled(task) and not train.fresh_negatives:
        y = parts["train"].y
        one_sided = [
            output
            for i, output in enumerate(parts["train"].outputs)
            if len(np.unique(y[~np.isnan(y[:, i]), i])) < 2
        ]
        if len(one_sided) == len(parts["train"].outputs):
            msg = (
                "every training sequence has the same label; give negatives (a file, shuffle or "
                "genome)."
            )
            if of_cells:
                msg = (
                    "every training site that is known in a cell has the same state there; give "
                    "sites of both states, or other profiles (data.methylation)."
                )
            raise InputError(msg)


def _of_each_kind(data: Dataset, task: str) -> dict[str, Any]:
    """Sequences that are a positive of an output, or of each class."""
    if task == "multiclass":
        of_class = zip(data.outputs, (data.y == 1).sum(0).tolist(), strict=True)
        return {"classes": dict(of_class)}
    return {"positive": int((data.y == 1).any(1).sum())}


def _missing(data: Dataset) -> dict[str, Any]:
    """How many labels are missing, where some are."""
    missing = int(np.isnan(data.y).sum())
    return {"missing_labels": missing} if missing else {}


def _split_table(parts: dict[str, Dataset]) -> pd.DataFrame:
    rows = [(name, part) for part, data in parts.items() for name in data.names]
    return _table(rows, ["name", "set"])


def _table(rows: list[tuple[str, str]], columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=columns)


def _summary(parts: dict[str, Dataset], kind: str, source: Source, task: str) -> dict[str, Any]:
    words = {
        "none": "given with the positives",
        "file": "from a file",
        "shuffle": "k-let shuffles of the positives, new ones every epoch",
        "shuffle, fixed": "k-let shuffles of the positives, the same ones every epoch",
        "genome": "windows of the genome matched in length and GC, away from the peaks",
    }
    sizes = {
        name: {"sequences": len(data)}
        | (
            {
                **_of_each_kind(data, task),
                "contigs": sorted(set(data.groups)) if data.groups else [],
            }
            if is_labeled(task)
            else {}
        )
        | ({"batches": dict(sorted(Counter(data.origins).items()))} if data.origins else {})
        | _missing(data)
        for name, data in parts.items()
    }
    return {
        "task": task,
        "length": parts["train"].length,
        "outputs": list(parts["train"].outputs),
        "negatives": words[kind] if kind in words else words[kind.removesuffix(", fixed")],
        "sets": sizes,
        "handled": {k: v for k, v in sorted(source.counts.items()) if v},
        "dropped": len(source.dropped),
    }
