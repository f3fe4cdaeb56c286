"""What an experiment gives: outputs of every arm for every sequence, so that all is paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.grammar.paired import adjusted, signed_rank, t_interval
from cisgram.grammar.scales import amounts, check_scale
from cisgram.seq.alphabet import from_codes, to_codes

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = NDArray[np.float64]
Fact: TypeAlias = int | float | str
FORMAT = "cisgram experiment 1"


@dataclass(frozen=True, slots=True)
class Arm:
    """One thing that was done to every sequence.

    Attributes
    ----------
    name
        Unique in its experiment.
    against
        The arm that its effect is measured from; ``None`` for those that others start from.
    twin
        Arms and whole numbers whose sum is what an additive model would give here: for two
        motifs together ``{"A": 1, "B": 1, "background": -1}``. Empty where there is none.
    facts
        What sets it apart, such as ``{"distance": 12}``; columns of the tables.
    """

    name: str
    against: str | None = None
    twin: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Experiment:
    """Outputs of a model for the same sequences in several arms.

    Attributes
    ----------
    name
        The function that asked, such as ``spacing``.
    arms
        What was done, in order.
    values
        (n, arms) float64 output of each sequence in each arm, as the model gives it; where an arm
        is drawn several times, the mean over the draws.
    sequences
        (n, length) codes of the sequences before anything was done to them.
    scale
        How the output is scaled: ``linear``, ``log``, ``log2``, ``log10``, ``log1p``, ``logit``;
        ``None`` where it was not said, and then nothing is divided.
    resolution
        Units of the output by which rounding may move a value. Differences below count as none.
    options
        What else it was asked with, and how the model was read (``path``, ``why``).
    """

    name: str
    arms: tuple[Arm, ...]
    values: Array
    sequences: NDArray[np.uint8]
    scale: str | None = None
    resolution: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_scale(self.scale)
        names = [arm.name for arm in self.arms]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            msg = f"Every arm of an experiment needs a name of its own; {twice[0]!r} came twice."
            raise InputError(msg)
        for arm in self.arms:
            for other in (*filter(None, [arm.against]), *arm.twin):
                self._at(other)

    def __getitem__(self, name: str) -> Array:
        """(n,) outputs of one arm."""
        return np.asarray(self.values[:, self._at(name)])

    def compare(self, name: str, other: str) -> dict[str, float]:
        """Paired difference of any two arms in units of the output: ``effect``, its ends, ``p``."""
        weights = self.weights([{name: 1, other: -1}])
        d = self.differences(weights)
        center, low, high = (float(v[0]) for v in t_interval(d))
        return {"effect": center, "low": low, "high": high, "p": float(signed_rank(d)[0])}

    def table(self) -> pd.DataFrame:
        """What each arm does, one row an arm.

        ``mean`` output; ``effect``, the mean difference to the arm ``against`` with its 95 %
        interval ``low`` to ``high`` (Student's t over sequences) and ``sd`` over sequences; ``p``
        (Wilcoxon's signed-rank test of the same pairs) and ``q`` (Benjamini-Hochberg over the
        arms). Arms that others start from have no effect: NaN.
        """
        import pandas as pd

        moved = [arm for arm in self.arms if arm.against is not None]
        d = self.differences(self.weights([{a.name: 1, str(a.against): -1} for a in moved]))
        center, low, high = t_interval(d)
        p = signed_rank(d)
        found = pd.DataFrame(
            {
                "effect": center,
                "low": low,
                "high": high,
                "sd": d.std(0, ddof=1),
                "p": p,
                "q": adjusted(p),
            },
            index=[arm.name for arm in moved],
        )
        out = self.described(self.arms)
        out["n"] = len(self.values)
        out["mean"] = self.values.mean(0)
        out["against"] = pd.Series([arm.against for arm in self.arms], dtype=object)
        return out.join(found, on="arm")

    def interactions(self) -> pd.DataFrame:
        """How far arms that have an additive twin are from it, in units of the output.

        For two motifs ``AB - A - B + b``: ``mean`` output, ``twin``, their difference
        ``interaction`` with its 95 % interval (Student's t over sequences), ``p`` (Wilcoxon's
        signed-rank test) and ``q`` (Benjamini-Hochberg over these arms).

        Raises
        ------
        InputError
            When no arm has a twin.
        """
        together = self.with_twin()
        d = self.differences(self.departures(together))
        center, low, high = t_interval(d)
        p = signed_rank(d)
        out = self.described(together)
        mean = self.values.mean(0)[[self._at(arm.name) for arm in together]]
        out["mean"], out["twin"], out["interaction"] = mean, mean - center, center
        out["low"], out["high"], out["p"], out["q"] = low, high, p, adjusted(p)
        return out

    def with_twin(self) -> list[Arm]:
        """Arms of which it is known what an additive model would give.

        Raises
        ------
        InputError
            When there is none.
        """
        found = [arm for arm in self.arms if arm.twin]
        if not found:
            msg = (
                f"No arm of this {self.name} experiment has an additive twin: that takes each "
                "motif alone as well as all together. Ask spacing with singles=True, order, "
                "copies, flanks, context, orientation of a pair, or knock_out of two motifs."
            )
            raise InputError(msg)
        return found

    def departures(self, together: Sequence[Arm]) -> Array:
        """(arms, k) weights of each arm minus its twin."""
        return self.weights(
            [{arm.name: 1, **{k: -v for k, v in arm.twin.items()}} for arm in together]
        )

    def weights(self, sums: Sequence[Mapping[str, int]]) -> Array:
        """(arms, k) weights of sums of arms, from their names."""
        out = np.zeros((len(self.arms), len(sums)))
        for j, one in enumerate(sums):
            for name, weight in one.items():
                out[self._at(name), j] += weight
        return out

    def differences(self, weights: Array, *, scale: str | None = None) -> Array:
        """(n, k) sums of arms with weights that add up to 0; what rounding can make is 0.

        ``scale`` given: of amounts, as `amounts` makes them of the outputs.
        """
        if scale is None:
            values, worth = self.values, np.ones_like(self.values)
        else:
            values, worth = amounts(self.values, scale)
        d = values @ weights
        noise = self.resolution * (worth @ np.abs(weights)) / 2
        return np.where(np.abs(d) <= noise, 0.0, d)

    def described(self, arms: Sequence[Arm]) -> pd.DataFrame:
        """Names and facts of arms, one row each; a fact that an arm lacks is left empty."""
        import pandas as pd

        columns = list(dict.fromkeys(k for arm in self.arms for k in arm.facts))
        rows = [[arm.name, *(arm.facts.get(k) for k in columns)] for arm in arms]
        return pd.DataFrame(rows, columns=["arm", *columns])

    def to_json(self) -> dict[str, Any]:
        """Plain values that JSON can hold, the outputs included; `from_json` reads them back."""
        return {
            "format": FORMAT,
            "name": self.name,
            "scale": self.scale,
            "resolution": self.resolution,
            "options": dict(self.options),
            "arms": [
                {
                    "name": arm.name,
                    "against": arm.against,
                    "twin": dict(arm.twin),
                    "facts": dict(arm.facts),
                }
                for arm in self.arms
            ],
            "sequences": from_codes(self.sequences),
            "values": self.values.tolist(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Experiment:
        """The experiment of `to_json`.

        Raises
        ------
        InputError
            When the value is something else.
        """
        if not isinstance(value, Mapping) or value.get("format") != FORMAT:
            msg = f"This is no experiment of cisgram: its 'format' should say {FORMAT!r}."
            raise InputError(msg)
        try:
            arms = tuple(Arm(**arm) for arm in value["arms"])
            return cls(
                name=value["name"],
                arms=arms,
                values=np.array(value["values"], dtype=np.float64).reshape(-1, len(arms)),
                sequences=to_codes(value["sequences"]),
                scale=value["scale"],
                resolution=float(value["resolution"]),
                options=value["options"],
            )
        except (KeyError, TypeError, ValueError) as error:
            msg = f"The experiment is damaged ({type(error).__name__}: {error}); ask it again."
            raise InputError(msg) from error

    @cached_property
    def _places(self) -> dict[str, int]:
        return {arm.name: i for i, arm in enumerate(self.arms)}

    def _at(self, name: str) -> int:
        if name not in self._places:
            what = f"arm of the {self.name} experiment"
            raise unknown(what, name, list(self._places))
        return self._places[name]
