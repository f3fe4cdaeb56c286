"""Scores of the further inputs of a model, and of its letters with these held as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.types import OneHot, Scalar
from cisgram.data import Field
from cisgram.explain.base import Target, chosen, ready
from cisgram.explain.gradients import slope
from cisgram.models.held import Held, check_fields
from cisgram.models.state import device_of, untouched

FIELD_METHODS = ("gradient_x_input", "integrated_gradients")
Given = Mapping[str, Field | Tensor]


@dataclass(frozen=True, eq=False)
class FieldAttribution:
    """Scores of one further input.

    Attributes
    ----------
    values
        (n, ...) in units of the target, shaped as the input.
    delta
        (n,) how far they are from adding up to f - f with the input at its reference.
    name, method
        Of the input, and how it was scored.
    """

    values: Tensor
    delta: Tensor
    name: str
    method: str


def each_held(
    method: Callable[..., Any], model: nn.Module, x: OneHot, fields: Given, **options: Any
) -> list[Any]:
    """What a method gives for each sequence, its further inputs held at its own: n results.

    Whatever the method does to a sequence, such as shuffling or mutating it, its edited copies
    keep the inputs of the sequence that they were made from (`cisgram.models.Held`).

    Parameters
    ----------
    method
        For example `cisgram.explain.ism`.
    model, x
        As the method wants them.
    fields
        Further inputs by name, (n, ...) each.
    options
        Further arguments of the method.
    """
    check_fields(model, fields)
    found = []
    for row in range(len(x)):
        part = slice(row, row + 1)
        rows = {name: torch.as_tensor(given[part])[0] for name, given in fields.items()}
        own = {name: given.to(device_of(model)) for name, given in rows.items()}
        found.append(method(Held(model, own), x[part], **options))
    return found


def field_attribution(
    model: nn.Module,
    x: OneHot,
    fields: Given,
    *,
    name: str,
    target: Target | None = None,
    method: str = "integrated_gradients",
    reference: Tensor | float | None = None,
    steps: int = 32,
    batch_size: int = 64,
) -> FieldAttribution:
    r"""Scores of one further input z, letters and other inputs as they are.

    .. math:: (z - r) \cdot \frac{1}{m} \sum_{j=1}^m \frac{\partial f}{\partial z}
        \left(r + \tfrac{j - 1/2}{m}(z - r)\right)

    of ``integrated_gradients``, with m steps; of ``gradient_x_input`` the gradient at z alone.

    Parameters
    ----------
    model
        Maps (n, 4, length) and named further inputs to (n, t). Left as it is.
    x
        (n, 4, length) one-hot.
    fields
        All of its further inputs by name, (n, ...) each.
    name
        The one that is scored.
    target
        As everywhere in this room.
    method
        A name of `FIELD_METHODS`.
    reference
        What the input is compared with, r, which broadcasts to one row; default that of a
        `Field` ("nothing is known", "no signal"), and 0 of a tensor.
    steps
        Of integrated gradients.
    batch_size
        Sequences run at once; the result does not depend on it.

    Returns
    -------
    FieldAttribution
        Integrated gradients add up to f(z) - f(r) as far as ``delta`` says.

    Raises
    ------
    UnknownName
        No such input or method.
    InputError
        An input is missing, or the target does not fit.

    References
    ----------
    Sundararajan, Taly and Yan 2017, ICML, arXiv:1703.01365, equation 1; the midpoint rule here.

    Examples
    --------
    >>> class Sum(nn.Module):
    ...     def forward(self, x, z):
    ...         return (x.sum((1, 2)) + 3 * z[:, 0] * z[:, 1])[:, None]
    >>> z = torch.tensor([[1.0, 2.0]])
    >>> field_attribution(Sum(), torch.zeros(1, 4, 5), {"z": z}, name="z").values.tolist()
    [[3.0, 3.0]]
    """
    check_positive(steps, name="steps")
    check_positive(batch_size, name="batch_size")
    if name not in fields:
        what = "further input"
        raise unknown(what, name, list(fields))
    if method not in FIELD_METHODS:
        what = "method of further inputs"
        raise unknown(what, method, FIELD_METHODS)
    check_fields(model, fields)
    x, device = ready(model, x), device_of(model)
    compared = _reference(fields[name], reference).to(device)
    path = [(j + 0.5) / steps for j in range(steps)]
    if method == "gradient_x_input":
        path = [1.0]
    scores, gaps = [], []
    with torch.inference_mode(mode=False), untouched(model), torch.enable_grad():
        for start in range(0, len(x), batch_size):
            part = slice(start, start + batch_size)
            rows = {k: torch.as_tensor(given[part]).to(device) for k, given in fields.items()}
            if len(rows[name]) != len(x[part]):
                msg = f"{name} has other rows than the {len(x)} sequences; give one each."
                raise InputError(msg)
            f = _of_field(model, x[part].clone(), rows, name, target)
            values, gap = _scored(f, rows[name].float(), compared, path)
            scores.append(values.cpu())
            gaps.append(gap.cpu())
    return FieldAttribution(torch.cat(scores), torch.cat(gaps), name, method)


def _reference(field: Field | Tensor, given: Tensor | float | None) -> Tensor:
    if given is None:
        given = torch.as_tensor(field.reference) if isinstance(field, Field) else 0.0
    return torch.as_tensor(given, dtype=torch.float32)


def _of_field(
    model: nn.Module, x: OneHot, rows: Mapping[str, Tensor], name: str, target: Target | None
) -> Callable[[Tensor], Scalar]:
    """The target as a function of one input."""
    return lambda z: chosen(model(x, **{**rows, name: z}), target, len(x))


def _scored(
    f: Callable[[Tensor], Scalar], z: Tensor, reference: Tensor, path: list[float]
) -> tuple[Tensor, Tensor]:
    """Scores of (n, ...) inputs, and their completeness gaps (n,)."""
    start = reference.expand(z.shape)
    total = torch.zeros_like(z)
    for share in path:
        point = (start + share * (z - start)).detach().requires_grad_()
        total += slope(f(point), point) / len(path)
    values = total * (z - start)
    with torch.no_grad():
        change = f(z) - f(start.contiguous())
    return values, values.flatten(1).sum(1) - change
