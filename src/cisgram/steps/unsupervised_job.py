"""How much the benchmark without labels does, and where its data lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cisgram.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Unsupervised:
    """How much is done.

    Attributes
    ----------
    matrices
        Names of `unsupervised_matrices.MATRICES`.
    seeds
        Of the matrices, and of the trainings with few labels.
    small_seeds
        Of the smallest matrix.
    matrix
        Options of every autoencoder of a matrix.
    generator, feedback
        Options of the generator, beside the file.
    analyzer_epochs, ascents
        Of the network that scores, and through it.
    labels
        Positives with labels, of the trainings with few.
    pretrain_epochs, few_epochs
        Passes without labels, epochs with few.
    """

    matrices: tuple[str, ...] = (
        "tissues",
        "leukemia",
        "blood ATAC",
        "brain spots",
        "PBMC counts",
        "PBMC log counts",
    )
    seeds: tuple[int, int] = (3, 5)
    small_seeds: int = 10
    matrix: Mapping[str, Any] | None = None
    generator: Mapping[str, Any] | None = None
    feedback: Mapping[str, Any] | None = None
    analyzer_epochs: int = 6
    ascents: int = 50
    labels: int = 300
    pretrain_epochs: int = 20
    few_epochs: int = 20


def there(path: Path) -> Path:
    """A file of the data sets, or an `InputError` that it is not there."""
    if not path.is_file():
        msg = f"{path} does not exist; give the data sets' folder with --data."
        raise InputError(msg)
    return path
