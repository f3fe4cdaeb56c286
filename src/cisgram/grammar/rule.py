"""A rule of a grammar: what it says of which motifs, and what data and model say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown

PAIRS = ("synergy", "spacing", "order", "orientation")
SINGLES = ("copies", "negation")
KINDS = (*PAIRS, *SINGLES)
VERDICTS = ("confirmed", "model only", "data only", "not confirmed")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One answer to whether a rule holds.

    Attributes
    ----------
    effect, low, high
        The estimate and its 95 % interval.
    p, q
        Of its test; q is Benjamini and Hochberg's over the whole search.
    n
        Sequences, or pairs of sites, that answered.
    unit
        Of the effect: ``output`` (units of the model's output), ``share`` (of pairs of sites, or of
        sequences) or ``odds ratio``.
    expected
        What would be there without the rule: 0 of an output, 1 of an odds ratio.
    holds
        Whether q is at most the rate and the effect has the rule's sign and is large enough.
    """

    effect: float
    low: float
    high: float
    p: float
    q: float
    n: int
    unit: str
    expected: float
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What is said of one motif, or of two.

    Attributes
    ----------
    kind
        ``synergy`` (together more than the sum of each alone), ``spacing`` (more at these
        distances), ``order``, ``orientation``, ``copies`` (several are more than their sum), or
        ``negation`` (lowers the output).
    motifs
        One name, or two from left to right in the arrangement that gives most.
    strands
        Of the two in that arrangement, such as ``+-``; empty where there is one motif.
    low, high
        Distances, bp from end to start, of that arrangement; of copies from one to the next.
    copies
        Number of them.
    turned
        Of an orientation: 0 or 1, the motif whose turning was asked about.
    data, model
        What was found; ``None`` where it was not asked.
    """

    kind: str
    motifs: tuple[str, ...]
    strands: str = ""
    low: int | None = None
    high: int | None = None
    copies: int | None = None
    turned: int | None = None
    data: Evidence | None = None
    model: Evidence | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            what = "kind of rule"
            raise unknown(what, str(self.kind), KINDS)
        wanted = 2 if self.kind in PAIRS else 1
        if len(self.motifs) != wanted:
            msg = f"A rule of {self.kind} is about {wanted} motifs; got {self.motifs!r}."
            raise InputError(msg)
        if (wanted == 2 or self.strands) and (
            len(self.strands) != 2 or set(self.strands) - set("+-.")
        ):
            msg = f"The strands of two motifs are two of + - and '.'; got {self.strands!r}."
            raise InputError(msg)
        if (self.low is None) != (self.high is None) or (self.low or 0) > (self.high or 0):
            msg = f"Distances go from low to high; got {self.low} to {self.high}."
            raise InputError(msg)

    @property
    def verdict(self) -> str:
        """``confirmed`` by both, ``model only``, ``data only``, or ``not confirmed``."""
        in_model = self.model is not None and self.model.holds
        in_data = self.data is not None and self.data.holds
        if in_model:
            return "confirmed" if in_data else "model only"
        return "data only" if in_data else "not confirmed"

    @property
    def is_known(self) -> bool:
        """Whether the model holds it."""
        return self.model is not None and self.model.holds

    @property
    def key(self) -> tuple[str, frozenset[str]]:
        """Kind and motifs, whatever their order."""
        return self.kind, frozenset(self.motifs)

    def to_json(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `from_json` reads them back."""
        value = {k: v for k, v in asdict(self).items() if v is not None}
        return {**value, "motifs": list(self.motifs), "verdict": self.verdict}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Rule:
        """The rule of `to_json`.

        Raises
        ------
        InputError
            When the value is something else.
        """
        try:
            known = {f.name for f in fields(cls)}
            own = {k: v for k, v in value.items() if k in known}
            for side in ("data", "model"):
                own[side] = Evidence(**own[side]) if own.get(side) is not None else None
            return cls(**{**own, "motifs": tuple(own["motifs"])})
        except (AttributeError, KeyError, TypeError) as error:
            msg = f"This is no rule ({type(error).__name__}: {error}); search for it again."
            raise InputError(msg) from error
