"""A run made from intervals of a small genome in which a word stands, without any training."""

import numpy as np

import planted
from cisgram.core.run import Run, job_of
from cisgram.data import prepare
from cisgram.seq.alphabet import from_codes, to_codes
from cisgram.steps import resolve
from cisgram.steps.motif_job import MotifJob
from cisgram.steps.train import input_files
from toys import Words

WORD = "CACGTGAC"
PEAKS, STEP, WIDTH = 40, 150, 80


def write_genome(folder):
    """Six contigs of 6.1 kb; the word is in each of the 40 peaks, on either strand."""
    word = np.array(planted.WORD, dtype=np.uint8)
    rng = np.random.default_rng(0)
    fasta, bed = [], []
    for k, name in enumerate(f"chr{c}" for c in "ABCDEF"):
        codes = to_codes(planted.letters(1, 6100, seed=100 + k))[0].copy()
        for i in range(PEAKS):
            at = STEP * i + 30 + int(rng.integers(0, 40))
            codes[at : at + 8] = word if rng.random() < 0.5 else 3 - word[::-1]
            bed.append(f"{name}\t{STEP * i + 10}\t{STEP * i + 10 + WIDTH}\t{name}.{i}\n")
        fasta.append(f">{name}\n{from_codes(codes[None])[0]}\n")
    (folder / "g.fa").write_text("".join(fasta))
    (folder / "p.bed").write_text("".join(bed))


def job(folder, **data):
    """The job of a source of motifs, for a model that counts the word on both strands."""
    settings = resolve({"data": data, "model": {"name": "deepbind"}})
    run = Run(folder / "RUN")
    run.record(job_of(settings.model_dump(mode="json"), inputs=input_files(settings)))
    other = "".join("ACGT"[3 - "ACGT".index(b)] for b in reversed(WORD))
    model = Words(WORD, other)
    return MotifJob(
        run, model, prepare(settings.data), settings, settings.motifs, 0, lambda _: None
    )


def of_genome(folder):
    """A run from intervals; chrC is held out."""
    write_genome(folder)
    return job(
        folder,
        positives=str(folder / "p.bed"),
        genome=str(folder / "g.fa"),
        test_chromosomes=["chrC"],
        valid_chromosomes=["chrB"],
    )


def of_table(folder):
    """A run from sequences without places."""
    planted.write_tsv(folder / "a.tsv", 600, 80)
    return job(folder, positives=str(folder / "a.tsv"), test_fraction=0.3)
