"""Public sets as tables of one form: a name, a sequence, its set, and a column a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.data.near import near_pairs
from cisgram.io import read_fasta
from cisgram.seq import from_codes
from cisgram.steps.joined_sets import read_factor

if TYPE_CHECKING:
    import pandas as pd

H1 = ("SRF", "SUZ12", "TAF1", "TAF7", "TBP", "TCF12", "TEAD4", "USF1", "USF2")
STRONGEST = 1_000  # training peaks of each of them; all of their peaks decide on the labels
SAME, APART = 0.5, 0.1  # shared 16-mers of one region, and of two that do not touch
OPEN = 3.0  # times the mean of its track: an open window, as the set's README proposes
ADAPTERS = (15, 15)  # nt at the ends of every lentiMPRA sequence


@dataclass(frozen=True, slots=True)
class ZooSet:
    """A data set, and how it is asked.

    Attributes
    ----------
    table
        Gives it from the folder of the data: ``name``, ``sequence``, ``set`` (``train``,
        ``valid``, ``test``), then a column a label, NaN where one is missing.
    task
        As `DataOptions.task`.
    scores
        The two scores of its table, as ``metrics.json`` names them; the first one is compared.
    about
        Where its sets come from, in a sentence or two.
    strands
        ``both``, or ``given`` where the molecule has one.
    published
        What is known of it: whose, the value of the first score, and the source.
    """

    table: Callable[[Path], pd.DataFrame]
    task: str
    scores: tuple[str, str]
    about: str
    strands: str = "both"
    published: tuple[tuple[str, float, str], ...] = ()


def write_set(chosen: ZooSet, data: Path, folder: Path) -> dict[str, Path]:
    """Write ``train.tsv`` (with the validation rows), ``split.tsv`` and ``test.tsv``, once.

    Raises
    ------
    InputError
        When the set's files are not there.
    """
    paths = {name: folder / f"{name}.tsv" for name in ("train", "split", "test")}
    if not (folder / "done").is_file():
        table = chosen.table(data)
        is_test = table["set"] == "test"
        kept = table.drop(columns="set")
        for name, part in (
            ("train", kept[~is_test]),
            ("test", kept[is_test]),
            ("split", table.loc[~is_test, ["name", "set"]]),
        ):
            files.write_text(paths[name], part.to_csv(sep="\t", index=False, lineterminator="\n"))
        files.write_text(folder / "done", "whole\n")
    return paths


def _read(path: Path, *, separator: str = ",", header: int | None = 0) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        msg = f"{path} does not exist; give the folder of the data sets with --data."
        raise InputError(msg)
    return pd.read_csv(path, sep=separator, header=header)


def _rows(
    letters: Sequence[str],
    sets: Sequence[str] | str,
    **labels: Sequence[float] | NDArray[np.generic],
) -> pd.DataFrame:
    """A table of this form; names are numbers in the order of the rows."""
    import pandas as pd

    names = [f"r{i}" for i in range(len(letters))]
    return pd.DataFrame({"name": names, "sequence": letters, "set": sets, **labels})


def _drawn(n: int, what: str, *, valid: float = 0.1, test: float = 0.0) -> NDArray[np.str_]:
    """(n,) sets drawn by chance, for what comes without them."""
    dice = generator(0, "zoo split", what).random(n)
    return np.where(dice < test, "test", np.where(dice < test + valid, "valid", "train"))


def _standard(
    values: pd.Series[float], sets: Sequence[str] | NDArray[np.str_]
) -> NDArray[np.float64]:
    """Measurements less the mean of the training rows, over their standard deviation there.

    Networks start near 0 and would spend their first epochs on the way to the mean.
    """
    known = values[np.asarray(sets) == "train"]
    return np.asarray((values - known.mean()) / known.std(), dtype=np.float64).round(6)


def _given(
    train: pd.DataFrame, test: pd.DataFrame, what: str, *, valid: float
) -> tuple[pd.DataFrame, list[str]]:
    """Both together, and the sets: a share of what was given for training is for validation."""
    import pandas as pd

    sets = [*_drawn(len(train), what, valid=valid).tolist(), *["test"] * len(test)]
    return pd.concat([train, test], ignore_index=True), sets


def chip_h1(data: Path, *, strongest: int = STRONGEST) -> pd.DataFrame:
    """Regions that any of nine factors binds in one cell type, and which of them do.

    A label is 1 where the region is, or shares half of its 16-mers with, a peak of the factor (of
    all its peaks, not only of the strongest), missing where it touches one, else 0. Regions of
    several factors stand there once.
    """
    home = data / "tf-chipseq-h1"
    codes: list[NDArray[np.uint8]] = []
    kinds, sets, used = [], [], []
    for i, factor in enumerate(H1):
        for part, name in (("B", "test"), ("AC", "train")):
            peaks, y = read_factor(home, factor, part)
            peaks = peaks[y == 1]
            codes.append(peaks)
            kinds.append(np.full(len(peaks), i))
            sets.append(np.full(len(peaks), name))
            used.append(np.arange(len(peaks)) < (len(peaks) if name == "test" else strongest))
    kind, which, is_used = (np.concatenate(a) for a in (kinds, sets, used))
    pairs, share, _ = near_pairs(codes, kind, least=APART)
    y = np.zeros((len(kind), len(H1)), dtype=np.float64)
    touching = share < SAME
    for a, b in (pairs.T, pairs[:, ::-1].T):
        y[a[touching], kind[b[touching]]] = np.nan
    for a, b in (pairs.T, pairs[:, ::-1].T):
        y[a[~touching], kind[b[~touching]]] = 1
    y[np.arange(len(kind)), kind] = 1
    keep = _first_of_each(pairs[~touching], is_used, which)
    letters = from_codes(np.concatenate(codes)[keep])
    valid = _drawn(len(keep), "tf-chipseq-h1")
    named = np.where(which[keep] == "test", "test", valid)
    return _rows(letters, named.tolist(), **dict(zip(H1, y[keep].T, strict=True)))


def _first_of_each(
    pairs: NDArray[np.int64], used: NDArray[np.bool_], which: NDArray[np.str_]
) -> NDArray[np.int64]:
    """Rows that stay: of two that are one region the test's, else the first."""
    kept = used.copy()
    order = np.lexsort((np.arange(len(used)), which != "test"))
    rank = np.empty(len(used), dtype=np.int64)
    rank[order] = np.arange(len(used))
    both = pairs[used[pairs].all(1)]
    ranked = np.sort(rank[both], axis=1)
    for first, second in ranked[np.lexsort(ranked.T[::-1])].tolist():
        if kept[order[first]]:
            kept[order[second]] = False
    return np.flatnonzero(kept)


def _windows(data: Path) -> tuple[pd.DataFrame, list[str]]:
    """Windows of 1,024 bp with their letters and sets, and the names of the tracks."""
    home = data / "accessibility-tracks"
    table = _read(home / "dnase_windows_1024.tsv.gz", separator="\t")
    found = read_fasta(home / "basenji_tiny_hg38.fa.gz")
    letters = {name.split()[0]: s for name, s in zip(found.names, found.letters, strict=True)}
    table["sequence"] = [
        letters[name][at : at + 1024] for name, at in zip(table["seq"], table["start"], strict=True)
    ]
    contigs = table.loc[table["split"] == "train", "seq"].unique()
    held = set(generator(0, "zoo split", "accessibility").permutation(contigs)[:7].tolist())
    sets = np.where(table["seq"].isin(held), "valid", "train")
    table["set"] = np.where(table["split"] == "train", sets, "test")
    return table, [c for c in table.columns if c.startswith("dnase")]


def open_windows(data: Path) -> pd.DataFrame:
    """Whether a window has three times the mean coverage of a track, for ten of them."""
    table, tracks = _windows(data)
    means = table.loc[table["set"] != "test", tracks].mean()
    labels = {t: np.where(table[t] > OPEN * means[t], 1, 0) for t in tracks}
    return _rows(table["sequence"].tolist(), table["set"].tolist(), **labels)


def coverage(data: Path) -> pd.DataFrame:
    """log(1 + mean coverage) of ten tracks, standardized."""
    table, tracks = _windows(data)
    labels = {t: _standard(table[t].apply(np.log1p), table["set"].tolist()) for t in tracks}
    return _rows(table["sequence"].tolist(), table["set"].tolist(), **labels)


def enhancers(data: Path) -> pd.DataFrame:
    """log2 activity of fly enhancers with two promoters, standardized."""
    home = data / "enhancer-drosophila"
    train, test = (
        _read(home / f"sample_{part}.txt.gz", separator="\t") for part in ("train", "val")
    )
    table, sets = _given(train, test, "enhancers", valid=0.2)
    labels = {n: _standard(table[f"{n}_log2_enrichment"], sets) for n in ("Dev", "Hk")}
    return _rows(table["Sequence"].tolist(), sets, **labels)


def lentimpra(data: Path) -> pd.DataFrame:
    """log2 RNA/DNA in K562 cells of elements without their adapters, standardized.

    Elements of the test set, in either orientation, are not trained on, and those in both
    orientations are in one set.
    """
    home = data / "lentimpra-human"
    train, test = (
        _read(home / f"sample_{part}.txt.gz", separator="\t") for part in ("train", "valid")
    )
    for table in (train, test):
        table["element"] = table["seq_id"].str.replace(r"(_F|_Reversed)?:?$", "", regex=True)
    train = train[~train["element"].isin(set(test["element"]))].reset_index(drop=True)
    table, sets = _given(train, test, "lentimpra", valid=0.2)
    of = dict(zip(table["element"], sets, strict=True))
    sets = [of[e] for e in table["element"]]
    before, after = ADAPTERS
    letters = table["seq"].str.slice(before, -after)
    return _rows(letters.tolist(), sets, activity=_standard(table["mean_value"], sets))


def yeast_promoters(data: Path) -> pd.DataFrame:
    """Expression by random promoters, standardized; the test set is another run of the assay."""
    home = data / "yeast-promoters"
    train = _read(home / "dream_demo_train.txt.gz", separator="\t", header=None)
    test = _read(home / "Random_complex.csv.gz")
    train.columns = ["sequence", "expression"]
    test = test.rename(columns={"Measured Expression": "expression"})
    table, sets = _given(train, test[["sequence", "expression"]], "yeast", valid=0.1)
    letters = table["sequence"].str.strip("N").tolist()
    return _rows(letters, sets, expression=_standard(table["expression"], sets))


def splice_sites(data: Path) -> pd.DataFrame:
    """Acceptor (0), donor (1) or neither (2) in the middle of 400 bp."""
    return _of_classes(data / "splice" / "gue_splice_dev.csv.gz", "splice")


def histones_h3(data: Path) -> pd.DataFrame:
    """Whether 500 bp of the yeast genome are occupied by histone H3."""
    return _of_classes(data / "histone-yeast-emp" / "emp_h3_dev.csv.gz", "h3")


def histones_h3k4me3(data: Path) -> pd.DataFrame:
    """Whether 500 bp of the yeast genome carry H3K4me3."""
    return _of_classes(data / "histone-yeast-emp" / "emp_h3k4me3_dev.csv.gz", "h3k4me3")


def _of_classes(path: Path, what: str) -> pd.DataFrame:
    table = _read(path)
    sets = _drawn(len(table), what, test=0.15).tolist()
    return _rows(table["sequence"].tolist(), sets, label=table["label"].to_numpy())


def promoters(data: Path) -> pd.DataFrame:
    """Human promoters with a TATA box against other sequences."""
    import pandas as pd

    parts = []
    for part, name in (("train", "train"), ("dev", "valid"), ("test", "test")):
        table = _read(data / "promoters" / f"gue_prom300_tata_{part}.csv.gz")
        parts.append(table.assign(set=name))
    table = pd.concat(parts, ignore_index=True)
    labels = table["label"].to_numpy()
    return _rows(table["sequence"].tolist(), table["set"].tolist(), label=labels)


def clip_sites(data: Path, protein: str) -> pd.DataFrame:
    """Whether 200 nt of RNA hold a site of a protein."""
    letters: list[str] = []
    sets: list[str] = []
    labels: list[int] = []
    for part in ("train", "test"):
        for label, kind in enumerate(("negative", "positive")):
            path = data / "rbp-clip" / f"{protein}.{part}.{kind}.fa.gz"
            found = read_fasta(path).letters
            n, what = len(found), f"{protein} {kind}"
            sets += _drawn(n, what).tolist() if part == "train" else ["test"] * n
            letters += found
            labels += [label] * n
    return _rows(letters, sets, bound=labels)


def ribosome_load(data: Path) -> pd.DataFrame:
    """Mean ribosome load of random 5' leaders of 50 nt, standardized."""
    table = _read(data / "utr5-mrl" / "randomSampleTestingAllAUGtypes.csv.gz")
    sets = _drawn(len(table), "utr5", test=0.15).tolist()
    return _rows(table["utr"].tolist(), sets, load=_standard(table["rl"], sets))
