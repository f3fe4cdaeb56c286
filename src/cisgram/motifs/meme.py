"""MEME motif files: minimal and full text, in and out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from cisgram.core.errors import InputError
from cisgram.motifs.lines import Lines, clip, in_digits, one_word, read_lines, write_lines
from cisgram.motifs.motif import UNIFORM, Motif, MotifSet

_FIELD = re.compile(r"(\w+)\s*=\s*(\S+)")
_ENDS_MATRIX = ("URL", "MOTIF", "letter-probability", "log-odds", "---", "***", "#")
_DIGITS = 6


def read_meme(path: str | os.PathLike[str]) -> MotifSet:
    """Motifs of a MEME file, minimal or full, plain or gz.

    ``nsites``, ``w``, ``E`` and ``URL`` may be absent. Log-odds matrices are not read; the
    set's ``skipped`` says so.

    Parameters
    ----------
    path
        The file. Its first ``MOTIF`` word becomes the id, the second (or the first again) the
        name, the background line the background of every motif.

    Raises
    ------
    InputError
        When the file is absent, cut or malformed, or holds RNA or protein; the message names
        the line.

    References
    ----------
    MEME Suite, "MEME motif format", https://meme-suite.org/meme/doc/meme-format.html

    Examples
    --------
    >>> import pathlib, tempfile
    >>> f = pathlib.Path(tempfile.mkdtemp()) / "two.meme"
    >>> write_meme(f, [Motif.from_counts([[9], [1], [0], [0]], name="A-rich", id="M1")])
    >>> read_meme(f)["M1"].ppm[:, 0].tolist()
    [0.9, 0.1, 0.0, 0.0]
    """
    return _Reader(read_lines(path)).read()


def write_meme(path: str | os.PathLike[str], motifs: Iterable[Motif]) -> None:
    """Write motifs as a minimal MEME file, whole or not at all; gz when the name ends so.

    Probabilities have six decimals and every row sums to exactly one, so that a file that is
    read and written again is the same file. Blanks in names become ``_``.

    Parameters
    ----------
    path
        Where to; an older file is replaced.
    motifs
        Any number of motifs. The format has one background for all of them: theirs where they
        agree, else uniform.
    """
    motifs = list(motifs)
    backgrounds = {m.background for m in motifs}
    background = backgrounds.pop() if len(backgrounds) == 1 else UNIFORM
    shares = " ".join(f"{b} {p:.6g}" for b, p in zip("ACGT", background, strict=True))
    out = ["MEME version 4", "", "ALPHABET= ACGT", "", "strands: + -", ""]
    out += ["Background letter frequencies", shares, ""]
    for i, m in enumerate(motifs):
        key = one_word(m.id, f"motif_{i + 1}")
        name = one_word(m.name, key)
        sites = "" if m.n_sites is None else f" nsites= {m.n_sites:.10g}"
        out.append(f"MOTIF {key}" if key == name else f"MOTIF {key} {name}")
        out.append(f"letter-probability matrix: alength= 4 w= {m.width}{sites} E= 0")
        out += [" ".join(f"{p:.{_DIGITS}f}" for p in row) for row in in_digits(m.ppm, _DIGITS).T]
        out.append("")
    write_lines(path, out)


@dataclass
class _Reader:
    """One pass over the lines; ``row`` is the next one to look at."""

    lines: Lines
    row: int = 0
    background: tuple[float, float, float, float] = UNIFORM
    key: str = ""
    name: str = ""
    opened: int | None = None  # row of a MOTIF line that has no matrix yet
    log_odds: int = 0
    odds_only: bool = False
    motifs: list[Motif] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def read(self) -> MotifSet:
        rows = self.lines.rows
        if not any(r.startswith("MEME version") for r in rows):
            first = next(i for i, r in enumerate(rows) if r.strip())
            msg = (
                f"no line 'MEME version ...'; the file begins with {clip(rows[first])}. Give a "
                "MEME file, or read other formats with read_motifs."
            )
            raise self.lines.error(first, msg)
        while self.row < len(rows):
            text = rows[self.row].strip()
            self.row += 1
            if text.startswith("ALPHABET"):
                self._alphabet(text)
            elif text.startswith("Background letter frequencies"):
                self._background()
            elif re.match(r"MOTIF(\s|$)", text):
                self._motif(text)
            elif text.startswith("letter-probability matrix"):
                self._matrix(text)
            elif text.startswith("log-odds matrix"):
                self.log_odds += 1
                self.odds_only = True
        self._close()
        if not self.motifs:
            msg = f"{self.lines.path} holds no motif with a letter-probability matrix."
            raise InputError(msg)
        if self.log_odds:
            n = f"{self.log_odds} log-odds matrices"
            self.skipped.append(f"{n} were not read; probabilities come from their own matrices.")
        return MotifSet(self.motifs, origin=str(self.lines.path), skipped=self.skipped)

    def _alphabet(self, text: str) -> None:
        """Refuse what is not DNA; skip the lines of a custom alphabet."""
        is_dna = re.match(r'ALPHABET\s*=\s*ACGT\s*$|ALPHABET\s.*"?DNA\b', text)
        if not is_dna:
            msg = f"expected the alphabet ACGT; got {clip(text)}. Only DNA motifs can be read."
            raise self.lines.error(self.row - 1, msg)
        if "=" not in text:
            for i in range(self.row, len(self.lines.rows)):
                if self.lines.rows[i].startswith("END ALPHABET"):
                    self.row = i + 1
                    return

    def _background(self) -> None:
        """Four shares, on one line or on several."""
        start, tokens = self.row, list[str]()
        while self.row < len(self.lines.rows) and len(tokens) < 8:
            words = self.lines.rows[self.row].split()
            if not words and tokens:
                break
            tokens += words
            self.row += 1
        shares = [*tokens[1:8:2]]
        wrong = "expected 'A 0.25 C 0.25 G 0.25 T 0.25' after the background heading; got "
        at = min(start, len(self.lines.rows) - 1)
        if tokens[0:8:2] != list("ACGT") or len(shares) != 4 or len(tokens) > 8:
            raise self.lines.error(at, wrong + clip(" ".join(tokens)) + ".")
        a, c, g, t = self.lines.numbers(at, shares)
        if min(a, c, g, t) <= 0 or abs(a + c + g + t - 1) > 0.02:
            raise self.lines.error(at, f"{wrong}{clip(' '.join(tokens))} (positive, sum 1).")
        self.background = (a, c, g, t)

    def _motif(self, text: str) -> None:
        self._close()
        # full MEME output goes on with "width = 18 sites = 17 llr = ..."
        words = re.split(r"\s+width\s*=", text)[0].split()[1:]
        if not words:
            msg = "a MOTIF line without a name; write 'MOTIF id name'."
            raise self.lines.error(self.row - 1, msg)
        self.key, self.name = words[0], words[1] if len(words) > 1 else words[0]
        self.opened, self.odds_only = self.row - 1, False

    def _close(self) -> None:
        """Refuse a last MOTIF line that no matrix followed."""
        if self.opened is None:
            return
        if not self.odds_only:
            msg = (
                f"motif {clip(self.key)} has no letter-probability matrix; is the file cut? "
                "Complete the motif or take it out."
            )
            raise self.lines.error(self.opened, msg)
        self.skipped.append(f"Motif {self.key} has only a log-odds matrix, which is not read.")
        self.opened = None

    def _matrix(self, text: str) -> None:
        header = self.row - 1
        if self.opened is None:
            msg = "a letter-probability matrix without its MOTIF line (one matrix a motif)."
            raise self.lines.error(header, msg)
        facts = {k: self._fact(k, v) for k, v in _FIELD.findall(text)}
        if facts.get("alength", 4) != 4:
            msg = f"expected alength= 4 (DNA); got {facts['alength']:g}."
            raise self.lines.error(header, msg)
        values, start = self._rows()
        if len(values) != facts.get("w", len(values)) or not values:
            wanted = f"{facts['w']:g} rows (w=)" if "w" in facts else "rows"
            msg = (
                f"motif {clip(self.key)}: expected {wanted} of four probabilities; got "
                f"{len(values)}. Is the file cut? Repair the matrix or its w=."
            )
            raise self.lines.error(header, msg)
        ppm = np.array(values)
        wrong = np.flatnonzero(np.abs(ppm.sum(1) - 1) > 0.02)
        if len(wrong):
            i = int(wrong[0])
            msg = (
                f"motif {clip(self.key)}: the four probabilities sum to {ppm[i].sum():g}, not 1. "
                "Counts belong in a JASPAR or TRANSFAC file."
            )
            raise self.lines.error(start + i, msg)
        sites = facts.get("nsites")
        origin, b = str(self.lines.path), self.background
        self.motifs.append(Motif(ppm.T, self.name, self.key, sites, b, origin))
        self.opened = None

    def _fact(self, key: str, value: str) -> float:
        """A number of the matrix heading; E= is not used and may be anything."""
        if key not in ("alength", "w", "nsites"):
            return 0.0
        return self.lines.numbers(self.row - 1, [value])[0]

    def _rows(self) -> tuple[list[list[float]], int]:
        """The rows of a matrix, and the number of the first one."""
        rows, values = self.lines.rows, list[list[float]]()
        while self.row < len(rows) and not rows[self.row].strip():
            self.row += 1
        start = self.row
        while self.row < len(rows):
            text = rows[self.row].strip()
            if not text or text.startswith(_ENDS_MATRIX):
                break
            tokens = text.split()
            if len(tokens) != 4:
                msg = f"expected four probabilities A C G T; got {clip(text)}."
                raise self.lines.error(self.row, msg)
            values.append(self.lines.numbers(self.row, tokens))
            self.row += 1
        return values, start
