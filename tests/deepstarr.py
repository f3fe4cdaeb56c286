"""The published DeepSTARR network and its enhancers, read from the authors' files.

``python tests/deepstarr.py DATA`` prints docs/benchmarks/deepstarr.md;
``python tests/deepstarr.py DATA RUN`` makes a run of the network, which cisgram's commands read.

de Almeida BP, Reiter F, Pagani M, Stark A (2022). DeepSTARR predicts enhancer activity from DNA
sequence and enables the de novo design of synthetic enhancers. Nat Genet 54:613-624.
"""

import gzip
import sys
import time
from pathlib import Path

import h5py
import torch
from torch import nn

from cisgram import explain, motifs
from cisgram.core.run import Run, job_of
from cisgram.models import Card, create, predict, save
from cisgram.seq import encode
from cisgram.steps import resolve

OUTPUTS = ("developmental", "housekeeping")
SAMPLES = ("train", "val")  # the README's names; every row was among the network's training data
# Families of the motifs that de Almeida et al. (2022) report for these cells
KNOWN = (
    {"AP-1": {"kay", "Jra"}, "GATA": {"GATAe", "GATAd", "grn", "srp", "pnr"}},
    {"DRE": {"Dref", "BEAF-32"}, "Ohler 1": {"M1BP"}},
)


def untrained() -> nn.Module:
    """The network as published, with the weights of torch's generator."""
    return create("deepstarr", n_outputs=len(OUTPUTS)).eval()


def load(path: Path) -> nn.Module:
    """The network with the weights of the authors' Keras file."""
    model = untrained()
    with h5py.File(path) as file:
        convolutions = [_group(file, f"Conv1D_{name}") for name in ("1st", "2", "3", "4")]
        dense = [_group(file, f"Dense_{i}") for i in (1, 2)]
        norms = [_group(file, f"batch_normalization_{i}") for i in range(60, 66)]
        heads = [_group(file, f"Dense_{name}") for name in ("Dev", "Hk")]
    modules = [*model.features, *model.head]
    own = [m for m in modules if isinstance(m, nn.Conv1d | nn.Linear)]
    own_norms = [m for m in modules if isinstance(m, nn.BatchNorm1d)]
    last = {name: torch.cat([h[name] for h in heads]) for name in ("kernel", "bias")}
    with torch.no_grad():
        for module, layer in zip(own, [*convolutions, *dense, last], strict=True):
            module.weight.copy_(layer["kernel"])
            module.bias.copy_(layer["bias"])
        for module, norm in zip(own_norms, norms, strict=True):
            module.weight.copy_(norm["gamma"])
            module.bias.copy_(norm["beta"])
            module.running_mean.copy_(norm["moving_mean"])
            module.running_var.copy_(norm["moving_variance"])
    return model


def write_run(data: Path, folder: Path) -> Run:
    """A run of the network, whose motifs are matched with JASPAR's insects."""
    name, run = "deepstarr", Run(folder)
    groups = {
        "data": {"positives": str(data / "enhancer-drosophila" / "sample_train.txt.gz")},
        "model": {"name": name},
        "motifs": {"database": "jaspar:insects"},
    }
    run.record(job_of(resolve(groups).model_dump(mode="json"), inputs={}))
    card = Card(name, {}, length=249, outputs=OUTPUTS, task="regression")
    save(run.member(0), load(data / "models" / "deepstarr.model.h5"), card)
    return run


def _group(file, name):
    """Arrays of a Keras layer by their short names, axes turned to torch's order."""
    found = {}

    def take(path, item):
        if isinstance(item, h5py.Dataset):  # kernels: (width, in, out) or (in, out)
            found[path.rpartition("/")[2].partition(":")[0]] = torch.from_numpy(item[()].T)

    file[name].visititems(take)
    return found


def enhancers(path: Path):
    """One-hot (n, 4, 249) of the file's sequences and their measured activity (n, 2)."""
    with gzip.open(path, "rt") as handle:
        head, *rows = (line.rstrip("\n").split("\t") for line in handle)
    sequence, first = head.index("Sequence"), head.index("Dev_log2_enrichment")
    y = torch.tensor([[float(v) for v in row[first : first + 2]] for row in rows])
    return encode([row[sequence] for row in rows]), y


def sample(data: Path, name: str):
    """Sequences and activity of one of the two samples."""
    return enhancers(data / "enhancer-drosophila" / f"sample_{name}.txt.gz")


def strongest(data: Path, output: int, n: int):
    """The n distinct sequences of highest measured activity: (n, 4, 249) and (n,)."""
    parts = [sample(data, name) for name in SAMPLES]
    x, y = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    seen, kept = set(), []
    for i in y[:, output].argsort(descending=True, stable=True).tolist():
        key = x[i].numpy().tobytes()
        if key not in seen and len(kept) < n:
            seen.add(key)
            kept.append(i)
    return x[kept], y[kept, output]


def found_patterns(model, x, output: int):
    """Attribution by DeepLIFT, its patterns, and their matches in JASPAR's insects."""
    a = explain.deep_lift(model, x, target=output)
    found = explain.patterns(a, explain.seqlets(a), min_members=10)
    return a, found, motifs.tomtom([p.motif for p in found], motifs.jaspar("insects"))


def correlations(model, data: Path):
    """Pearson's r of prediction and measurement, by sample and output."""
    found = {}
    for name in SAMPLES:
        x, y = sample(data, name)
        both = predict(model, x)
        found[name] = [torch.corrcoef(torch.stack([both[:, t], y[:, t]]))[0, 1] for t in (0, 1)]
    return found


def page(data: Path, n: int = 200) -> str:
    """What docs/benchmarks/deepstarr.md holds."""
    model = load(data / "models" / "deepstarr.model.h5")
    lines = ["| sample | developmental r | housekeeping r |", "|---|---|---|"]
    for name, (dev, hk) in correlations(model, data).items():
        lines.append(f"| {name} | {dev:.3f} | {hk:.3f} |")
    lines += [
        "",
        "| output | pattern | sites | consensus | best matches (q) |",
        "|---|---|---|---|---|",
    ]
    notes = []
    for output, called in enumerate(OUTPUTS):
        x, y = strongest(data, output, n)
        began = time.perf_counter()
        a, found, matches = found_patterns(model, x, output)
        seconds = (time.perf_counter() - began) / n
        for p in found:
            best = matches[matches["motif"] == p.motif.name].sort_values("p").head(3)
            named = [f"{m.target_name} ({m.q:.1g})" for m in best.itertuples() if m.q < 0.05]
            text = ", ".join(named) or "none below 0.05"
            lines.append(f"| {called} | {p.name} | {p.n} | {p.motif.consensus} | {text} |")
        gap = (a.delta.abs() / a.per_position.abs().sum(1)).max()
        other = explain.ism(model, x[:50], target=output).per_position
        r = torch.stack(
            [torch.corrcoef(torch.stack(b))[0, 1] for b in zip(other, a.per_position, strict=False)]
        )
        notes.append(
            f"{called.capitalize()}: activity at least {y.min():.2f} (log2); completeness gap at "
            f"most {gap:.1g} of the sum of absolute scores; r of ISM and DeepLIFT along a "
            f"sequence, median of 50: {r.median():.2f}; {seconds:.2f} s a sequence."
        )
    filters = [m.trimmed() for m in explain.filter_motifs(model, sample(data, "val")[0])]
    specific = [m for m in filters if m.is_specific]
    named = motifs.tomtom(specific, motifs.jaspar("insects"), max_q=0.05, best=1)
    notes.append(
        f"Of the {len(filters)} filters of the first layer (7 bp), {len(specific)} are specific on "
        f"the 1,000 sequences of the second sample, and {len(named)} have a match with q < 0.05."
    )
    return "\n".join([*lines, "", *(line for note in notes for line in (note, ""))])


if __name__ == "__main__":
    paths = [Path(p) for p in sys.argv[1:]]
    print(write_run(*paths).path if len(paths) > 1 else page(*paths))
