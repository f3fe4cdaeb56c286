"""Settings of the data: where they lie, how they are split, what the negatives are."""

from typing import Literal

from pydantic import Field

from cisgram.core.config import Names, Options


class DataOptions(Options):
    """Where sequences and labels come from, and what is held out.

    ``positives`` is a FASTA, BED or narrowPeak (with ``genome``), DeepBind table, or TSV/CSV
    file. A file with labels of both kinds needs no negatives.
    """

    positives: str = Field(
        description="file of sequences or peaks; `profiles`: all sites of data.methylation"
    )
    negatives: str | None = Field(
        default=None,
        description="a file, `shuffle` or `genome`; by default shuffles, or windows for a BED file",
    )
    test: str | None = Field(default=None, description="file that is kept for the test")
    genome: str | None = Field(default=None, description="FASTA that peaks lie on")
    tracks: Names = Field(
        default=(), description="bigWig files; labels are their means over the windows of a BED"
    )
    track_width: int | None = Field(
        default=None, ge=1, description="bp of a window's middle that are averaged; default: all"
    )
    track_scale: Literal["log1p", "none"] = Field(
        default="log1p", description="labels are log(1 + mean), or the mean itself"
    )
    inputs: Names = Field(
        default=(),
        description="bigWig files that a model reads beside the letters of a BED; on the other "
        "strand each is read backwards, and plus and minus do not change places",
    )
    input_scale: Literal["log1p", "none"] = Field(
        default="log1p", description="what is read of them: log(1 + value), or the value"
    )
    methylation: Names = Field(
        default=(), description="CpG profiles of cells: labels of the sites, one output a cell"
    )
    neighbors: int = Field(
        default=25, ge=1, description="known CpG sites on each side that a model reads, a cell"
    )
    profiles: Names = Field(
        default=(), description="bigWig of counts, or two (plus, minus): labels along the windows"
    )
    profile_width: int | None = Field(
        default=None,
        ge=1,
        description="bp of a window's middle with labels, odd where the window is; by default half",
    )
    length: int | None = Field(
        default=None, ge=4, le=1_000_000, description="bp of every sequence; by default the longest"
    )
    sequence_column: str | None = Field(default=None, description="of a table")
    label_columns: Names = Field(
        default=(), description="of a table; `none` where its other columns are no labels"
    )
    task: Literal["auto", "classification", "regression", "multiclass", "counts"] = Field(
        default="auto",
        description="what the labels are; by default classification where all are 0 or 1",
    )
    batch_column: str | None = Field(
        default=None, description="of a table: batch or donor, whose traces shall not be learned"
    )
    shuffle_k: int = Field(default=2, ge=1, le=6, description="shuffles keep counts of k-mers")
    fresh_negatives: bool = Field(default=True, description="new shuffles every epoch")
    negatives_per_positive: int = Field(
        default=1, ge=1, le=100, description="windows of the genome for each training positive"
    )
    max_positives: int | None = Field(default=None, ge=10, description="only the strongest ones")
    split: str | None = Field(default=None, description="TSV with the columns name and set")
    valid_fraction: float = Field(default=0.1, gt=0, lt=0.5, description="held out to choose")
    test_fraction: float = Field(default=0.1, ge=0, lt=0.5, description="held out for the test")
    valid_chromosomes: Names = Field(default=(), description="held out to choose the epoch")
    test_chromosomes: Names = Field(default=(), description="held out for the test")
    reverse_complement: bool = Field(
        default=True, description="train on random strands, predict the mean over both"
    )
    max_shift: int = Field(default=0, ge=0, description="bp; each epoch moves every sequence")
    augment: Names = Field(
        default=(),
        description="of training sequences: mutation, insertion, deletion, inversion, "
        "translocation, reverse_complement, noise",
    )
    augment_most: int = Field(default=2, ge=1, le=6, description="changes of one sequence")
    augment_longest: int = Field(
        default=20, ge=1, description="bp of an insertion, deletion, inversion or translocation"
    )
    augment_mutated: float = Field(
        default=0.05, gt=0, le=1, description="share of the bases that mutation draws anew"
    )
    augment_noise: float = Field(
        default=0.2, gt=0, description="standard deviation of the noise on the one-hot array"
    )
    leaks: Literal["drop", "report", "refuse"] = Field(
        default="drop", description="what is done with copies that stand in two sets or classes"
    )
    leak_threshold: float = Field(
        default=0.5, gt=0, le=1, description="share of 16-mers that makes a near copy"
    )
