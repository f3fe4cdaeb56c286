"""Deep Motif Dashboard's Table 4: how often what a method points at is the factor's motif."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cisgram import explain, motifs
from cisgram.core import files
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.core.seeds import generator
from cisgram.core.types import OneHot
from cisgram.explain import Optimum
from cisgram.explain.reader import Reader
from cisgram.models import load, read_card
from cisgram.models.probe import core
from cisgram.models.state import device_of, untouched
from cisgram.motifs import Motif, MotifSet
from cisgram.motifs.families import families
from cisgram.motifs.pvalues import log_odds
from cisgram.seq.alphabet import one_hot
from cisgram.steps.benchmark import H1_SUFFIX, Cell, chip_cell, finished_cell, home_of, run_cell
from cisgram.steps.table4_page import NETWORKS, SITE, WINDOWS, page_of
from cisgram.steps.train import Progress, chosen_device, data_of

Row = dict[str, Any]
Hits = dict[str, float]  # q of each accession that is hit
Seen = dict[bytes, Hits]  # of each word of letters
WINDOW = 9  # bp, as published
MAX_Q = 0.1
LOOSE_Q = 0.5  # what Tomtom reports when nothing is asked
POSITIVES = 500
SHUFFLES = 20  # of a motif's columns
EVERY = 5  # one window in so many is matched with its letters in another order, too
HEAD = 3  # motifs of an optimum that are looked at
DISTANCE, MIN_OVERLAP = "pearson", 5
# every set of the two folders whose factor has a matrix of its own in JASPAR 2024
DEEPBIND = ("USF1", "FOXA1", "ELK1", "CTCFL", "SP1", "MYC", "ARID3A", "ZBTB7A")
H1 = ("SRF", "TBP", "TCF12", "TEAD4", "USF1", "USF2")
# families of C2H2 zinc fingers hold factors of unlike motifs: close relatives alone count
NARROW = {
    "CTCFL": ("CTCF", "CTCFL"),
    "SP1": (*(f"SP{i}" for i in range(1, 10)), *(f"KLF{i}" for i in range(1, 19))),
    "ZBTB7A": ("ZBTB7A", "ZBTB7B", "ZBTB7C"),
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """Accessions that count for a factor.

    Attributes
    ----------
    own
        Matrices that carry its name, also those of heterodimers within its class.
    family
        These, and those of its JASPAR family (for C2H2 zinc fingers, of its close relatives).
    """

    own: frozenset[str]
    family: frozenset[str]


def accepted(factor: str, database: MotifSet) -> Accepted:
    """The matrices of a database that count for a factor.

    Examples
    --------
    >>> found = accepted("SRF", motifs.jaspar())
    >>> sorted(found.own), len(found.family)
    (['MA0083.3'], 1)
    """
    of, classes = families(), families("class")
    one_kind = [m for m in database if len({*classes.get(m.id, ())}) < 2]  # no ETS::homeo
    own = {m.id for m in one_kind if factor in _partners(m)}
    alone = [m.id for m in one_kind if m.name.upper() == factor]
    if factor in NARROW:
        more = {m.id for m in one_kind if {*NARROW[factor]} & _partners(m)}
    else:
        wanted = {f for accession in alone for f in of.get(accession, ())}
        more = {m.id for m in one_kind if wanted & {*of.get(m.id, ())}}
    return Accepted(frozenset(own), frozenset(own | more))


def _partners(motif: Motif) -> set[str]:
    return set(motif.name.upper().split("::"))


def benchmark_table4(
    data: Path,
    out: Path,
    *,
    only: str | None = None,
    device: str = "auto",
    epoch: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> str:
    """Run what is missing of the table and give its page as Markdown.

    The networks are those of ``cisgram benchmark tf-chipseq``, in the same folder; what is not
    trained there is trained. Each half of a cell is kept in ``OUT/demo-table4`` as long as its
    network and the way of measuring are the same.

    Parameters
    ----------
    data
        Folder of the data sets.
    out
        Folder of the runs.
    only
        Comma-separated sets, networks or parts (``windows``, ``optimum``) to run; the page shows
        all that is finished.
    device, epoch, say
        As in the main job.

    Raises
    ------
    InputError
        When the data are not there, or a name is unknown.
    """
    say = say or (lambda _: None)
    cells = list(_cells(data))
    places = {c.experiment for c in cells} | {*NETWORKS}
    known = places | {*PARTS}
    wanted = known if only is None else {w.strip() for w in only.split(",")}
    for word in sorted(wanted - known):
        what = "set, network or part"
        raise unknown(what, word, known)
    parts = wanted & {*PARTS} or {*PARTS}
    database = motifs.jaspar()
    rows = []
    for cell in cells:
        here = parts if {cell.experiment, cell.network} & (wanted & places or places) else set()
        row = _row(out, cell, database, device, epoch, say, parts=here)
        if row is not None:
            rows.append(row)
    factors = {factor_of(c): accepted(factor_of(c), database) for c in cells}
    sizes = {f: (len(a.own), len(a.family)) for f, a in factors.items()}
    return page_of(rows, sizes, sets=list(dict.fromkeys(c.experiment for c in cells)))


def _cells(data: Path) -> Iterator[Cell]:
    for factor in DEEPBIND:
        for network in NETWORKS:
            yield chip_cell(data / "tf-chipseq-deepbind", factor, network)
    for factor in H1:
        for network in NETWORKS:
            yield chip_cell(data / "tf-chipseq-h1", factor, network, suffix=H1_SUFFIX)


def factor_of(cell: Cell) -> str:
    """The factor of a set, without the name of the cells."""
    return cell.experiment.removesuffix(H1_SUFFIX)


def _row(
    out: Path,
    cell: Cell,
    database: MotifSet,
    device: str,
    epoch: Progress | None,
    say: Callable[[str], None],
    *,
    parts: set[str],
) -> Row | None:
    """What is known of a cell, after measuring what is missing of the wanted parts."""
    folder = out / "tf-chipseq"
    trained = finished_cell(folder, cell)
    if trained is None and not parts:
        return None
    trained = trained or run_cell(folder, cell, device, epoch, say)
    digest = _digest(trained, factor_of(cell), database)
    row: Row = {"set": cell.experiment, "network": cell.network, "auroc": trained["auroc"]}
    for part, measure in PARTS.items():
        stem = f"{home_of(out, cell).parent.name}.{cell.network}.{part}"
        path = out / "demo-table4" / f"{stem}.json"
        kept = files.read_json(path) if path.is_file() else None
        if kept is None or kept["digest"] != digest:
            if part not in parts:
                continue
            say(f"{part} of {cell.experiment}, {cell.network}")
            found = measure(Run(home_of(folder, cell)), factor_of(cell), database, device)
            kept = {"digest": digest, part: found}
            files.write_json(path, kept)
        row[part] = kept[part]
    return row if len(row) > 3 else None


def _digest(trained: Row, factor: str, database: MotifSet) -> str:
    """Changes with the network, with what is measured on it and with what counts."""
    counts = [
        sorted(a.own | a.family) for a in [accepted(factor, database), *strangers(factor, database)]
    ]
    measured = [WINDOW, MAX_Q, LOOSE_Q, POSITIVES, SHUFFLES, EVERY, HEAD, DISTANCE, MIN_OVERLAP]
    names = [key for key, *_ in (*WINDOWS, SITE)]
    text = json.dumps([trained.get("digest", ""), database.origin, counts, measured, names])
    return hashlib.sha256(text.encode()).hexdigest()


def windows_of(run: Run, factor: str, database: MotifSet, device: str = "cpu") -> Row:
    """Shares of the windows that hit, by the method that points at them.

    ``site`` asks no network: it is what a method would have that always points at the best site.
    """
    model, x = load(run).to(chosen_device(device)), positives(run)
    own, others = accepted(factor, database), strangers(factor, database)
    places = readings(model, x)
    places[SITE[0]] = best_sites(x, [m for m in database if m.id in own.own])
    seen: Seen = {}
    return {
        name: measure_windows(letters_at(x, at), own, others, database, seen)
        for name, at in places.items()
    }


def optimum_of(run: Run, factor: str, database: MotifSet, device: str = "cpu") -> Row:
    """What class optimization's motifs hit, by its mode."""
    model, length = load(run).to(chosen_device(device)), read_card(run.member(0)).length
    own, others = accepted(factor, database), strangers(factor, database)
    return {
        mode: measure_optimum(
            explain.class_optimization(model, length, mode=mode), own, others, database
        )
        for mode in ("published", "letters")
    }


PARTS: dict[str, Callable[[Run, str, MotifSet, str], Row]] = {
    "windows": windows_of,
    "optimum": optimum_of,
}


def strangers(factor: str, database: MotifSet) -> list[Accepted]:
    """What counts for the table's other factors whose family is another one."""
    mine = accepted(factor, database).family
    every = [accepted(f, database) for f in sorted({*DEEPBIND, *H1})]
    return [a for a in every if not a.family & mine]


def positives(run: Run) -> OneHot:
    """The first 500 positives of a run's test set."""
    data = data_of(run)
    test = data.test if data.test is not None else data.valid
    bound = test.codes[(test.y == 1).any(1)]
    return one_hot(bound[:POSITIVES])


def readings(model: nn.Module, x: OneHot) -> dict[str, Tensor]:
    """Where each method's window of 9 bp begins in every sequence, (n,) each.

    ``saliency``: largest sum of abs(gradient of the loss) times the letters, as published;
    ``saliency-corrected``: of the output, without each position's mean. ``activation``: under the
    single strongest activation of the first convolution; ``activation-sum``: under the strongest
    sum over its filters. ``temporal``: strongest rise of the forward scores' probability, as
    published; ``temporal-both``: of forward and backward scores together, in logits. As
    published, a network reads the strand that it is given.
    """
    loss = {"of": "loss", "labels": torch.ones(len(x)), "corrected": False}
    one = core(model)
    found = {
        "saliency": strongest_window(explain.saliency(one, x, **loss).per_position),
        "saliency-corrected": strongest_window(explain.saliency(model, x).per_position),
    }
    if any(isinstance(m, nn.Conv1d) for m in model.modules()):
        found |= _activations(model, x)
    if any(isinstance(m, nn.RNNBase) for m in model.modules()):
        single = explain.temporal(one, x, of="logit_difference").values
        found["temporal"] = strongest_rise(torch.sigmoid(single[:, 0]))
        tracks = explain.temporal(model, x, of="logit_difference").values
        found["temporal-both"] = strongest_rise(tracks[:, 0], tracks[:, 1])
    return found


def _activations(model: nn.Module, x: OneHot) -> dict[str, Tensor]:
    inner = core(model)
    reader = Reader.of(inner, None, length=x.shape[2])
    with untouched(inner), torch.inference_mode():
        parts = [(a.amax(1), a.sum(1)) for _, a, *_ in reader.maps(x.to(device_of(inner)), 256)]
    last = x.shape[2] - WINDOW
    single, total = (torch.cat(p).argmax(1).cpu() for p in zip(*parts, strict=True))
    offset = reader.field.offset + (reader.field.width - WINDOW) // 2
    return {
        "activation": (single + offset).clamp(0, last),
        "activation-sum": (total + offset).clamp(0, last),
    }


def best_sites(x: OneHot, matrices: Iterable[Motif]) -> Tensor:
    """(n,) first position of the window of 9 bp around the best match of any of the matrices.

    Bits of log-odds, on either strand; N counts nothing.

    Examples
    --------
    >>> from cisgram.seq import encode
    >>> srf = [m for m in motifs.jaspar() if m.id == "MA0083.3"]
    >>> x = encode(["ACGTACGTTACCATATATGGTAACGTACGT"])
    >>> found = best_sites(x, srf).item()
    >>> "ACGTACGTTACCATATATGGTAACGTACGT"[found : found + WINDOW]
    'CCATATATG'
    """
    bits, at = torch.full((len(x),), -torch.inf), torch.zeros(len(x), dtype=torch.long)
    last = x.shape[2] - WINDOW
    for motif in matrices:
        one = torch.from_numpy(log_odds(motif)).float()
        strands = torch.stack([one, one.flip(0, 1)])
        best, where = functional.conv1d(x.cpu().float(), strands).amax(1).max(1)
        where = (where + (motif.width - WINDOW) // 2).clamp(0, last)
        bits, at = torch.maximum(bits, best), torch.where(best > bits, where, at)
    return at


def strongest_window(scores: Tensor) -> Tensor:
    """(n,) first position of the window of 9 bp with the largest sum of scores (n, length).

    Examples
    --------
    >>> strongest_window(torch.eye(20)[[12]]).item()
    4
    """
    return scores.unfold(1, WINDOW, 1).sum(2).argmax(1)


def strongest_rise(forward: Tensor, backward: Tensor | None = None) -> Tensor:
    """(n,) first position t of the window with the largest s[t + 8] - s[t - 1].

    With backward scores b, whose window is gained from behind, b[t] - b[t + 9] is added. A
    window at an end, which has no score before it, rises by nothing.

    Examples
    --------
    >>> s = torch.tensor([[0.0] * 14 + [1.0] * 6])
    >>> strongest_rise(s).item()
    6
    """
    rise = torch.zeros(len(forward), forward.shape[1] - WINDOW + 1)
    rise[:, 1:] = forward[:, WINDOW:] - forward[:, :-WINDOW]
    if backward is not None:
        rise[:, :-1] += backward[:, :-WINDOW] - backward[:, WINDOW:]
    return rise.argmax(1)


def letters_at(x: OneHot, at: Tensor) -> NDArray[np.float64]:
    """(n, 4, 9) letters of each sequence's window; N as a quarter of each."""
    places = (at[:, None] + torch.arange(WINDOW))[:, None].expand(-1, 4, -1)
    letters = x.cpu().gather(2, places).double()
    return (letters + 0.25 * (1 - letters.sum(1, keepdim=True))).numpy()


def measure_windows(
    letters: NDArray[np.float64],
    own: Accepted,
    others: Sequence[Accepted],
    database: MotifSet,
    seen: Seen | None = None,
) -> Row:
    """Shares of windows (n, 4, 9) that hit; of every fifth with its letters in another order."""
    seen = {} if seen is None else seen
    some = letters[::EVERY]
    g = generator(0, "table 4", len(some))
    order = g.permuted(np.tile(np.arange(WINDOW), (len(some), 1)), axis=1)
    mixed = np.take_along_axis(some, order[:, None], axis=2)
    real, chance = (_hits(w, database, seen) for w in (letters, mixed))
    return {
        "own": _share(real, own.own),
        "family": _share(real, own.family),
        "shuffled": _share(chance, own.family),
        "others": float(np.mean([_share(real, o.family) for o in others])),
        "loose": _share(real, own.family, max_q=LOOSE_Q),
        "loose_shuffled": _share(chance, own.family, max_q=LOOSE_Q),
    }


def _share(hits: Sequence[Hits], wanted: frozenset[str], *, max_q: float = MAX_Q) -> float:
    return float(np.mean([_is_hit(h, wanted, max_q) for h in hits]))


def _is_hit(hits: Hits, wanted: frozenset[str], max_q: float = MAX_Q) -> bool:
    return any(q < max_q for target, q in hits.items() if target in wanted)


def _hits(letters: NDArray[np.float64], database: MotifSet, seen: Seen) -> list[Hits]:
    """What each word (n, 4, k) hits; words that were seen are not matched."""
    new = {m.tobytes(): Motif(m, str(i)) for i, m in enumerate(letters) if m.tobytes() not in seen}
    if new:
        seen |= dict(zip(new, _below(list(new.values()), database), strict=True))
    return [seen[m.tobytes()] for m in letters]


def _below(queries: Sequence[Motif], database: MotifSet) -> list[Hits]:
    table = motifs.tomtom(
        queries, database, distance=DISTANCE, min_overlap=MIN_OVERLAP, max_q=LOOSE_Q
    )
    found: dict[str, Hits] = {m.name: {} for m in queries}
    for name, target, q in zip(table["motif"], table["target_id"], table["q"], strict=True):
        found[name][target] = q
    return [found[m.name] for m in queries]


def measure_optimum(
    best: Optimum, own: Accepted, others: Sequence[Accepted], database: MotifSet
) -> list[Row]:
    """The first motifs of an optimum: what each hits, and how often with its columns shuffled."""
    head = best.motifs[:HEAD]
    rows = []
    for i, (motif, hit) in enumerate(zip(head, _below(head, database), strict=True)):
        g = generator(0, "table 4 columns", i)
        mixed = [Motif(motif.ppm[:, g.permutation(motif.width)], f"{j}") for j in range(SHUFFLES)]
        rows.append(
            {
                "consensus": motif.consensus,
                "gain": float(best.gains[i]),
                "starts": motif.n_sites,
                "own": _is_hit(hit, own.own),
                "family": _is_hit(hit, own.family),
                "shuffled": _share(_below(mixed, database), own.family),
                "others": float(np.mean([_is_hit(hit, o.family) for o in others])),
            }
        )
    return rows
