"""What a search for rules found: as a table, as JSON, as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cisgram.core.errors import InputError
from cisgram.core.grammar_tree import GrammarTree, to_text
from cisgram.grammar.rule import Evidence, Rule
from cisgram.grammar.said import said
from cisgram.grammar.syntax import trees

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "cisgram rules 1"
_COLUMNS = ("effect", "low", "high", "p", "q", "n", "unit", "expected", "holds")


@dataclass(frozen=True, slots=True)
class Distances:
    """How far apart the best sites of two motifs lie, one pair a sequence.

    Attributes
    ----------
    first, second
        Names of the motifs, in any order.
    seen
        Pairs at 0, 1, 2, ... bp from end to start.
    expected
        As many pairs in all, if the partners came from other sequences.
    """

    first: str
    second: str
    seen: tuple[int, ...]
    expected: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Rules:
    """Rules, and how they were looked for.

    Attributes
    ----------
    rules
        Those that the model holds by the size of their effect, then those of the data alone.
    facts
        ``motifs`` and their widths, ``same_sites`` (motifs that others stand for), ``absent``
        (those with no more sites than chance gives), numbers of tests and sequences, ``scale``
        (units of the output), ``least``, ``fdr``; ``not_asked``, why the model was not asked.
    distances
        Of the pairs of which a spacing is said.
    """

    rules: tuple[Rule, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    distances: tuple[Distances, ...] = ()

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def known(self) -> tuple[Rule, ...]:
        """Rules that the model holds."""
        return tuple(r for r in self.rules if r.is_known)

    @property
    def trees(self) -> list[GrammarTree]:
        """Syntax trees of the rules that the model holds."""
        folded = bool(self.facts.get("both_strands", True))
        return trees(self.known, widths=self.facts.get("motifs", {}), folded=folded)

    def text(self) -> str:
        """One sentence or two a rule, then the trees in their text form."""
        lines = [said(r) for r in self.rules]
        return "\n".join([*lines, *map(to_text, self.trees)])

    def table(self) -> pd.DataFrame:
        """One row a rule: what it says, ``verdict``, and the evidence of model and data."""
        import pandas as pd

        rows = []
        for r in self.rules:
            first, second = (*r.motifs, None)[:2]
            row: dict[str, Any] = {
                "kind": r.kind, "first": first, "second": second, "strands": r.strands,
                "low": r.low, "high": r.high, "copies": r.copies, "verdict": r.verdict,
            }  # fmt: skip
            for side, evidence in (("model", r.model), ("data", r.data)):
                row |= {f"{side}_{c}": _field(evidence, c) for c in _COLUMNS}
            rows.append(row)
        columns = ["kind", "first", "second", "strands", "low", "high", "copies", "verdict"]
        columns += [f"{side}_{c}" for side in ("model", "data") for c in _COLUMNS]
        return pd.DataFrame(rows, columns=columns)

    def distance_table(self) -> pd.DataFrame:
        """``first``, ``second``, ``distance`` (bp), ``seen`` and ``expected`` pairs."""
        import pandas as pd

        rows = [
            (d.first, d.second, i, seen, expected)
            for d in self.distances
            for i, (seen, expected) in enumerate(zip(d.seen, d.expected, strict=True))
        ]
        return pd.DataFrame(rows, columns=["first", "second", "distance", "seen", "expected"])

    def to_json(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `from_json` reads them back."""
        return {
            "format": FORMAT,
            "facts": dict(self.facts),
            "rules": [{**r.to_json(), "said": said(r)} for r in self.rules],
            "trees": [to_text(t) for t in self.trees],
            "distances": [asdict(d) for d in self.distances],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Rules:
        """The rules of `to_json`.

        Raises
        ------
        InputError
            When the value is something else.
        """
        if not isinstance(value, Mapping) or value.get("format") != FORMAT:
            msg = f"These are no rules of cisgram: their 'format' should say {FORMAT!r}."
            raise InputError(msg)
        some = [
            Distances(d["first"], d["second"], tuple(d["seen"]), tuple(d["expected"]))
            for d in value.get("distances", ())
        ]
        rules = tuple(Rule.from_json(r) for r in value["rules"])
        return cls(rules, value["facts"], tuple(some))


def _field(evidence: Evidence | None, name: str) -> Any:
    return None if evidence is None else getattr(evidence, name)
