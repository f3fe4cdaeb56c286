"""Names for the few array shapes that the package passes around.

Axes: n = sequences, 4 = bases in the order A C G T, length = positions (bp),
t = model outputs, k = motif width, f = filters. Coordinates are 0-based and half-open
everywhere; strands are ``+``, ``-`` and ``.``.

This module imports torch: import it under ``TYPE_CHECKING`` in code that must start fast.
"""

from collections.abc import Callable
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

OneHot: TypeAlias = Float[Tensor, "n 4 length"]
PerBase: TypeAlias = Float[Tensor, "n 4 length"]
Outputs: TypeAlias = Float[Tensor, "n t"]
Scalar: TypeAlias = Float[Tensor, " n"]  # the leading space keeps ruff from reading "n" as a name
ScalarFn: TypeAlias = Callable[[OneHot], Scalar]
