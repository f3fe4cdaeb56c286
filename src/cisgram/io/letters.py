"""Letters of a sequence as files hold them, turned into A C G T N or refused with their place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from cisgram.core.errors import InputError
from cisgram.io.text import at_line, shown
from cisgram.seq.alphabet import IUPAC

PLAIN = b"ACGTN\n"
AMBIGUOUS = (IUPAC.replace("N", "") + IUPAC.replace("N", "").lower()).encode()
READABLE = PLAIN + b"acgtnUu" + AMBIGUOUS
LOWER = bytes(range(ord("a"), ord("z") + 1))
PROTEIN = "EFILPQZJOX*"
MAX_AMBIGUOUS = 0.25  # share above which a file is no DNA: a peptide like MKV is all IUPAC codes


def _table(text: str) -> bytes:
    """Translation of every readable letter: ``text`` says what A C G T N become."""
    table = np.arange(256, dtype=np.uint8)
    for sources, target in zip(
        ("Aa", "Cc", "Gg", "TtUu", IUPAC + IUPAC.lower()), text, strict=True
    ):
        table[np.frombuffer(sources.encode(), np.uint8)] = ord(target)
    return table.tobytes()


TO_LETTERS = _table("ACGTN")
TO_CODES = _table("\0\1\2\3\4")


def check_letters(letters: bytes, counts: Counter[str], place: Callable[[int], str]) -> bytes:
    r"""The same letters, lines joined by ``\n``, blanks at line ends taken away.

    Parameters
    ----------
    letters
        Lines of sequence.
    counts
        Raised by what was seen: ``letters``, ``lower_case``, ``iupac`` (read as N),
        ``u_as_t``, ``trailing_blanks``.
    place
        Opening words of a message about the j-th of the lines.

    Raises
    ------
    InputError
        At the first letter that is no nucleotide.
    """
    counts["letters"] += len(letters)
    odd = letters.translate(None, PLAIN)
    if not odd:
        return letters
    if b" " in odd or b"\t" in odd:
        lines = letters.split(b"\n")
        counts["trailing_blanks"] += sum(line[-1:] in (b" ", b"\t") for line in lines)
        letters = b"\n".join(line.rstrip(b" \t") for line in lines)
        odd = letters.translate(None, PLAIN)
    wrong = odd.translate(None, READABLE)
    if wrong:
        _refuse(letters, wrong, place)
    counts["lower_case"] += len(odd) - len(odd.translate(None, LOWER))
    counts["iupac"] += len(odd) - len(odd.translate(None, AMBIGUOUS))
    counts["u_as_t"] += odd.count(b"U") + odd.count(b"u")
    return letters


def check_share(path: Path, counts: Counter[str]) -> None:
    """Raise `InputError` when so many letters are IUPAC codes that it can hardly be DNA."""
    total, iupac = counts.pop("letters", 0), counts["iupac"]
    if iupac > MAX_AMBIGUOUS * total:
        msg = (
            f"{path}: {iupac} of {total} letters are IUPAC codes other than A C G T U N. It looks "
            "like protein or like consensus motifs; give DNA or RNA sequences."
        )
        raise InputError(msg)
    for name in [name for name, count in counts.items() if not count]:
        del counts[name]


def clean(raw: Sequence[str], counts: Counter[str], path: Path, lines: Sequence[int]) -> list[str]:
    """Upper-case A C G T N of each string; ``lines`` are their places in the file."""
    if not raw:
        return []
    joined = check_letters("\n".join(raw).encode(), counts, lambda j: at_line(path, lines[j]))
    counts["letters"] -= len(raw) - 1
    check_share(path, counts)
    return joined.translate(TO_LETTERS).decode("ascii").split("\n")


def _refuse(letters: bytes, wrong: bytes, place: Callable[[int], str]) -> None:
    lines = letters.split(b"\n")
    j, line = next((j, line) for j, line in enumerate(lines) if line.translate(None, READABLE))
    position = line.index(line.translate(None, READABLE)[:1])
    letter = line[position:].decode("utf-8", "replace")[:1]
    msg = (
        f"{place(j)}{shown(letter)} at letter {position + 1} of the line is no nucleotide "
        f"(A C G T U, N and the IUPAC codes are). {_remedy(letter, wrong)}"
    )
    raise InputError(msg)


def _remedy(letter: str, wrong: bytes) -> str:
    kinds = set(wrong.decode("ascii", "replace").upper())
    if len(kinds) > 1 and kinds <= set(PROTEIN):
        return "It looks like protein; give DNA or RNA sequences."
    if letter in " \t":
        return "Take the blanks out of the sequence."
    if letter.isdigit():
        return "Take the numbers out of the sequence."
    if letter in "-.":
        return "It looks like an alignment; take the gaps out."
    if letter == ">":
        return "A header must begin its line; perhaps a line end is missing before it."
    return "Correct or remove this sequence."
