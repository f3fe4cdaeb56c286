"""Settings of the data: where they lie, how they are split, what the negatives are."""

from typing import Literal

from pydantic import Field

from cisgram.core.config import Options


class DataOptions(Options):
    """Where sequences and labels come from, and what is held out.

    ``positives`` is a FASTA, BED or narrowPeak (with ``genome``), DeepBind table, or TSV/CSV
    file. A file with labels of both kinds needs no negatives.
    """

    positives: str
    negatives: str | None = None  # a file, "shuffle" or "genome"; None: what fits the positives
    test: str | None = None
    genome: str | None = None
    length: int | None = Field(default=None, ge=4, le=1_000_000)
    sequence_column: str | None = None
    label_columns: tuple[str, ...] = ()
    shuffle_k: int = Field(default=2, ge=1, le=6)
    fresh_negatives: bool = True  # new shuffles every epoch; False: the same ones
    negatives_per_positive: int = Field(default=1, ge=1, le=100)
    max_positives: int | None = Field(default=None, ge=10)
    split: str | None = None  # a TSV with the columns name and set
    valid_fraction: float = Field(default=0.1, gt=0, lt=0.5)
    test_fraction: float = Field(default=0.1, ge=0, lt=0.5)
    valid_chromosomes: tuple[str, ...] = ()
    test_chromosomes: tuple[str, ...] = ()
    reverse_complement: bool = True
    max_shift: int = Field(default=0, ge=0)
    leaks: Literal["drop", "report", "refuse"] = "drop"
    leak_threshold: float = Field(default=0.5, gt=0, le=1)
