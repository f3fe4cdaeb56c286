"""What motifs are written into: random sequences, shuffles, or sequences as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.motifs.motif import UNIFORM
from cisgram.seq.alphabet import to_codes
from cisgram.seq.composition import as_codes, sample_bases
from cisgram.seq.shuffle import shuffle_codes

if TYPE_CHECKING:
    from torch import Tensor

Codes: TypeAlias = NDArray[np.uint8]
Sequences: TypeAlias = "Codes | Tensor | Sequence[str]"
FEWEST = 2  # of one sequence there is no interval


def random_backgrounds(
    n: int, length: int, *, composition: ArrayLike = UNIFORM, seed: int = 0
) -> Codes:
    """Codes (n, length) of random sequences of one base composition.

    Parameters
    ----------
    n, length
        How many, and how long in bp.
    composition
        Shares of A C G T.
    seed
        Row i follows from this and i alone: the first m of n are those of ``n=m``.

    Raises
    ------
    InputError
        When a number is below 1 or the composition is not four shares.

    Examples
    --------
    >>> random_backgrounds(2, 6, composition=(0, 0.5, 0.5, 0)).tolist()
    [[1, 1, 1, 1, 2, 2], [1, 1, 2, 2, 2, 2]]
    """
    check_positive(n, name="n")
    check_positive(length, name="length")
    return sample_bases(composition, n, length, seed=seed)


def shuffled_backgrounds(sequences: Sequences, *, n: int = 1, k: int = 2, seed: int = 0) -> Codes:
    """Codes (n_seq * n, length) of ``n`` shuffles of each sequence, those of one side by side.

    Parameters
    ----------
    sequences
        Strings, one-hot (n_seq, 4, length) or codes (n_seq, length).
    n
        Shuffles of each.
    k
        Length of the words whose counts are kept; 2 keeps the dinucleotides.
    seed
        The shuffles of a sequence follow from this and its letters alone.

    Raises
    ------
    InputError
        When there are no sequences, or n or k is out of range.

    Examples
    --------
    >>> shuffled_backgrounds(["ACGT", "AAAA"]).tolist()
    [[0, 1, 2, 3], [0, 0, 0, 0]]
    """
    codes = codes_given(sequences, at_least=1)
    return shuffle_codes(codes, k=k, n=n, seed=seed).reshape(-1, codes.shape[1])


def codes_given(sequences: Sequences, *, at_least: int = FEWEST) -> Codes:
    """Codes (n, length) of sequences in any of their forms.

    Raises
    ------
    InputError
        When there are fewer than ``at_least``, when they are empty, or no sequences at all.
    """
    if isinstance(sequences, str):
        sequences = [sequences]
    given = to_codes(list(sequences)) if isinstance(sequences, Sequence) else sequences
    codes = as_codes(given)
    if len(codes) < at_least or codes.shape[1] == 0:
        msg = (
            f"An experiment needs at least {at_least} sequences to write into, of at least one "
            f"base; got {len(codes)} of {codes.shape[1]} bp. What is measured is how much the "
            "effect differs between them: make some with grammar.random_backgrounds(100, length), "
            "or shuffles of yours with grammar.shuffled_backgrounds(sequences)."
        )
        raise InputError(msg)
    return codes
