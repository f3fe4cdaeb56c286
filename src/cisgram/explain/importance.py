"""Importance of every position in many edited copies, by any attribution method."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.explain.base import METHODS, Target
from cisgram.explain.overwrite import Codes
from cisgram.explain.references import references
from cisgram.seq.alphabet import one_hot

Array = NDArray[np.float64]

GIVEN = ("model", "x", "target", "labels", "batch_size")
REFERENCE = "background"
LARGEST = 1 << 24  # numbers in the references of copies that are scored at once: 64 MiB


class Importance:
    """An attribution method asked about copies of sequences.

    What a copy is compared with is the reference of the sequence that it was made from: were
    references drawn anew from its own letters, importances would differ by those as well.
    """

    def __init__(
        self,
        model: nn.Module,
        target: Target | None,
        score: str,
        options: Mapping[str, Any] | None,
        *,
        batch_size: int,
        seed: int,
    ) -> None:
        entry = METHODS[score]
        if entry.facts["gives"] != "attribution":
            can = sorted(n for n, e in METHODS.items() if e.facts["gives"] == "attribution")
            msg = (
                f"score must be a method that gives an attribution; {score} gives another thing "
                f"({entry.facts['gives']}). Known: {', '.join(can)}."
            )
            raise InputError(msg)
        known = inspect.signature(entry.fn).parameters
        own = dict(options or {})
        for name in own:
            if name not in known or name in GIVEN:
                what = f"option of {score}"
                raise unknown(what, name, [k for k in known if k not in GIVEN])
        self.model, self.target, self.fn, self.batch_size = model, target, entry.fn, batch_size
        self.seed = int(own.setdefault("seed", seed)) if "seed" in known else seed
        self.reference: str | Tensor | None = None
        self.n = 1
        if "reference" in known:
            self.reference = own.pop("reference", REFERENCE)
            if "n_references" in known:
                self.n = own.pop("n_references", known["n_references"].default)
        self.options = own

    def __call__(self, copies: Codes, of: NDArray[np.int64], originals: Codes) -> Array:
        """(m, length) importance of what stands at each position of each copy.

        Parameters
        ----------
        copies
            (m, length) letters.
        of
            (m,) row of the sequence that each was made from, ascending.
        originals
            (n, length) letters of these.
        """
        out = np.empty(copies.shape)
        size = self.batch_size
        if self.reference is not None:
            per_copy = 4 * copies.shape[1] * (self.n if self.reference == "shuffles" else 1)
            size = max(1, min(size, LARGEST // per_copy))
        for start in range(0, len(copies), size):
            part = slice(start, start + size)
            against = self._reference(of[part], originals)
            found = self.fn(
                self.model, one_hot(copies[part]), target=self.target, **self.options, **against
            )
            out[part] = found.per_position.double().cpu().numpy()
        return out

    def _reference(self, of: NDArray[np.int64], originals: Codes) -> dict[str, Any]:
        """The reference of each copy, as an option; none for a method without references."""
        if self.reference is None:
            return {}
        rows, which = np.unique(of, return_inverse=True)
        given = self.reference
        if isinstance(given, Tensor) and given.ndim == 4:
            if len(given) != len(originals):
                msg = (
                    f"The reference holds {len(given)} sequences for {len(originals)}; give one "
                    "for each, or of shape (4, length) or (r, 4, length) one for all."
                )
                raise InputError(msg)
            given = given[rows]
        own = references(one_hot(originals[rows]), given, n=self.n, seed=self.seed)
        return {"reference": own[torch.from_numpy(which)]}
