"""Letters to codes to one-hot, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.core.checks import check_onehot
from cisgram.core.errors import InputError

if TYPE_CHECKING:
    import torch

    from cisgram.core.types import OneHot

BASES = "ACGT"
N = 4  # the code of an unknown base
IUPAC = "RYSWKMBDHVN"

_CODE = np.full(256, 255, dtype=np.uint8)
for _i, _letters in enumerate(("Aa", "Cc", "Gg", "TtUu", IUPAC + IUPAC.lower())):
    _CODE[np.frombuffer(_letters.encode(), dtype=np.uint8)] = _i
_TABLE = _CODE.tobytes()  # bytes.translate looks letters up faster than an array is indexed
_LETTER = np.frombuffer(b"ACGTN", dtype=np.uint8)
_COMPLEMENT = np.array([3, 2, 1, 0, N], dtype=np.uint8)


def to_codes(sequences: Sequence[str]) -> NDArray[np.uint8]:
    """Codes A 0, C 1, G 2, T 3, unknown 4, one row a sequence: one byte a base.

    Lower case counts as upper case, U as T, and every IUPAC ambiguity code as N.

    Raises
    ------
    InputError
        When lengths differ or a letter is no nucleotide; the message gives its place.

    Examples
    --------
    >>> to_codes(["ACgtN"]).tolist()
    [[0, 1, 2, 3, 4]]
    """
    if isinstance(sequences, str):
        msg = "sequences must be a list of strings; got one string. Wrap it: [sequence]."
        raise InputError(msg)
    lengths = {len(s) for s in sequences}
    if len(lengths) > 1:
        msg = f"sequences must share one length; got lengths from {min(lengths)} to {max(lengths)}."
        raise InputError(msg)
    length = lengths.pop() if lengths else 0
    text = bytearray("".join(sequences).encode("latin-1", "replace")).translate(_TABLE)
    codes = np.frombuffer(text, dtype=np.uint8).reshape(len(sequences), length)
    if 255 not in text:
        return codes
    wrong = np.argwhere(codes == 255)
    i, j = wrong[0].tolist()
    msg = (
        f"sequences[{i}] has {sequences[i][j]!r} at position {j} ({len(wrong)} such letters "
        "in all); only A C G T, N and the IUPAC codes are nucleotides."
    )
    raise InputError(msg)


def one_hot(codes: NDArray[np.uint8] | torch.Tensor, *, dtype: torch.dtype | None = None) -> OneHot:
    """One-hot (n, 4, length) of codes (n, length); code 4 becomes a zero column.

    Parameters
    ----------
    codes
        (n, length) integers 0-4.
    dtype
        Default float32; int8 is the form to keep at rest.
    """
    import torch

    # One comparison a base, written in place: broadcasting (n, 1, length) against four rows, or
    # indexing a table, is five to ten times slower.
    n, length = codes.shape
    if isinstance(codes, np.ndarray) and dtype == torch.int8:
        is_base = np.empty((n, 4, length), dtype=np.bool_)
        for base in range(4):
            np.equal(codes, base, out=is_base[:, base])
        return torch.from_numpy(is_base.view(np.int8))
    c = torch.from_numpy(codes) if isinstance(codes, np.ndarray) else codes
    out = torch.empty((n, 4, length), dtype=dtype or torch.float32, device=c.device)
    for base in range(4):
        torch.eq(c, base, out=out[:, base])
    return out


def codes_of(x: OneHot) -> NDArray[np.uint8]:
    """Codes (n, length) of a one-hot array; the inverse of `one_hot`."""
    import torch

    c = torch.full((x.shape[0], x.shape[2]), N, dtype=torch.uint8, device=x.device)
    for base in range(4):
        c.sub_(x[:, base].to(torch.uint8), alpha=N - base)
    codes: NDArray[np.uint8] = c.cpu().numpy()
    return codes


def complement_codes(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Codes of the paired bases, in the order given: turn them round to read the other strand.

    Parameters
    ----------
    codes
        Codes 0-4 in any shape; unknown stays unknown.

    Examples
    --------
    >>> complement_codes(to_codes(["AACN"]))[:, ::-1].tolist()
    [[4, 2, 3, 3]]
    """
    return _COMPLEMENT[codes]


def encode(sequences: Sequence[str], *, dtype: torch.dtype | None = None) -> OneHot:
    """One-hot (n, 4, length), rows A C G T; N and IUPAC codes become zero columns.

    Parameters
    ----------
    sequences
        Strings of one common length; lower case counts as upper case, U as T.
    dtype
        Default float32; int8 is the form to keep at rest.

    Raises
    ------
    InputError
        When lengths differ or a letter is no nucleotide.

    Examples
    --------
    >>> encode(["ACN"])[0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return one_hot(to_codes(sequences), dtype=dtype)


def from_codes(codes: NDArray[np.uint8]) -> list[str]:
    """Strings of codes (n, length); the inverse of `to_codes`."""
    n, length = codes.shape
    text = _LETTER[codes].tobytes().decode("ascii")
    return [text[i * length : (i + 1) * length] for i in range(n)]


def decode(x: OneHot) -> list[str]:
    """Strings of a one-hot array (n, 4, length); zero columns become N.

    Examples
    --------
    >>> decode(encode(["acgtNR"]))
    ['ACGTNN']
    """
    check_onehot(x)
    return from_codes(codes_of(x))


def reverse_complement(x: OneHot) -> OneHot:
    """The other strand of (n, 4, length): both axes turned round; N stays N.

    Works on any array with bases and positions as its last two axes, attributions included.

    Examples
    --------
    >>> decode(reverse_complement(encode(["AACN"])))
    ['NGTT']
    """
    if x.ndim < 2 or x.shape[-2] != 4:
        msg = f"x must end in the axes (4, length); got shape {tuple(x.shape)}."
        raise InputError(msg)
    return x.flip(-1, -2)
