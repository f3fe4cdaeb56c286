"""DeepLIFT and DeepSHAP on any forward pass that PyTorch can run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.results import Attribution
from cisgram.core.types import OneHot, ScalarFn
from cisgram.explain.base import METHODS, Target, plain_options, ready, scalar
from cisgram.explain.propagation.kernels import full_precision
from cisgram.explain.propagation.pairs import Contributions, Rules, Sequences
from cisgram.explain.propagation.table import rescale, reveal_cancel
from cisgram.explain.references import references
from cisgram.models.state import untouched

RULES: dict[str, Rules] = {"rescale": rescale, "reveal_cancel": reveal_cancel}


@METHODS.register(
    gives="attribution", needs="gradients", complete=True, signed=True, cite="shrikumar2017"
)
def deep_lift(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    reference: str | Tensor = "shuffles",
    n_references: int = 20,
    rule: str = "rescale",
    tolerance: float | None = 1e-4,
    batch_size: int | None = None,
    seed: int = 0,
) -> Attribution:
    """Share of each base in the difference f(x) - f(reference), mean over references.

    With multipliers m(r) of a sequence against its reference r, the score of *having* base b is
    mean over r of (m_b - sum_c m_c r_c), so that the scores of the bases that are there add up to
    f(x) - mean f(r): with several references, this is DeepSHAP. Multipliers follow from one pass
    backwards through whatever operations the model carried out: modules, functions, operators,
    recurrent steps, attention, products and norms.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros (which score 0).
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    reference
        ``shuffles`` (dinucleotide shuffles of each sequence), ``zeros``, ``uniform``,
        ``background``, or a tensor: see `cisgram.explain.references.references`.
    n_references
        Shuffles a sequence.
    rule
        ``rescale``, or ``reveal_cancel``: what raises a unit and what lowers it get multipliers of
        their own, so that two inputs that cancel (a minimum, an AND) both show.
    tolerance
        Largest gap between the sum of the scores and the difference that they should add up to,
        relative to that difference (means over the references of a sequence, rounding allowed
        for); beyond it the answer is refused. ``None``: never; see ``delta``.
    batch_size
        References run at once; chosen by the size of the model's tensors where not given. The
        result does not depend on it.
    seed
        The shuffles of a sequence depend on this and on its letters alone.

    Returns
    -------
    Attribution
        ``values`` (n, 4, length) in units of the target; ``delta`` (n,) the measured gap.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, target or reference do not fit, outputs are not finite, or
        the scores do not add up: then with the operation that is at fault.

    References
    ----------
    .. [1] Shrikumar A, Greenside P, Kundaje A (2017). Learning important features through
       propagating activation differences. ICML. Sections 3.3 and 3.5. Products, softmax and norms
       are taken apart into operations that have exact rules, which the paper does not treat.
    .. [2] Lundberg SM, Lee SI (2017). A unified approach to interpreting model predictions. NIPS.

    Examples
    --------
    >>> import torch
    >>> from cisgram.seq import encode
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 1), torch.nn.ReLU())
    >>> _ = model[1].weight.data.copy_(torch.tensor([-3.0, 0, 0, 0, 0, 9, 0, 0]))
    >>> _ = model[1].bias.data.fill_(-2)
    >>> a = deep_lift(model, encode(["AG"]), reference="zeros")
    >>> a.per_position.tolist(), a.delta.tolist()  # 0 to 4 where the sum goes from -2 to 4
    ([[-2.0, 6.0]], [0.0])
    """
    check_positive(n_references, name="n_references")
    if batch_size is not None:
        check_positive(batch_size, name="batch_size")
    if tolerance is not None and not tolerance > 0:
        msg = f"tolerance must be a positive share, or None to accept any gap; got {tolerance!r}."
        raise InputError(msg)
    if rule not in RULES:
        what = "rule"
        raise unknown(what, rule, tuple(RULES))
    with torch.inference_mode(mode=False), untouched(model):
        rows = ready(model, x).clone()
        refs = references(rows, reference, n=n_references, seed=seed)
        run = _Run(model, scalar(model, target), RULES[rule], tolerance)
        with full_precision(rows.device):
            values, delta = run(rows, refs, batch_size)
    options = plain_options(
        target=target,
        reference="tensor" if isinstance(reference, Tensor) else reference,
        n_references=refs.shape[1],
        rule=rule,
        tolerance=tolerance,
        seed=seed,
    )
    return Attribution(values, x, "deep_lift", options, delta=delta)


class _Run:
    """Batches of sequences and references through the model."""

    def __init__(
        self, model: nn.Module, f: ScalarFn, rules: Rules, tolerance: float | None
    ) -> None:
        self.model, self.f, self.rules, self.tolerance = model, f, rules, tolerance

    def __call__(self, x: Tensor, r: Tensor, batch_size: int | None) -> tuple[Tensor, Tensor]:
        k = r.shape[1]
        first = self._sequences(x[:1]) if batch_size is None else None
        size = first.rows() if first is not None else batch_size or 1
        n_at_once, k_at_once = max(1, size // k), min(k, size)
        values, delta = torch.empty(x.shape), torch.empty(len(x))
        for start in range(0, len(x), n_at_once):
            part = slice(start, start + n_at_once)
            alone = first if start == 0 and n_at_once == 1 else None
            ran = alone or self._sequences(x[part])
            total = torch.zeros_like(x[part])
            gaps = []
            for at in range(0, k, k_at_once):
                some = r[part, at : at + k_at_once]
                found = ran.against(some, self.tolerance or 1e-4)
                self._check(ran, some, found, start)
                total += found.values
                gaps.append(found.gap)
            values[part] = (total / k).cpu()
            delta[part] = torch.cat(gaps, 1).mean(1).cpu()
        return values, delta

    def _sequences(self, x: Tensor) -> Sequences:
        return Sequences(self.f, x, model=self.model, rules=self.rules)

    def _check(self, ran: Sequences, r: Tensor, found: Contributions, start: int) -> None:
        if self.tolerance is None or not (bad := found.misses(self.tolerance)).any():
            return
        at = int(bad.nonzero()[0])
        share = 100 * (found.gap[at].abs().mean() / found.change[at].abs().mean()).item()
        percent = f"{share:.0f}" if share >= 10 else f"{share:.2g}"
        msg = (
            f"The contributions of sequence {start + at} miss the change of the output that they "
            f"should add up to by {percent} % (tolerance {self.tolerance:g}): "
            f"{ran.fault(r)}. Write the model otherwise, use ism, or give tolerance=None and "
            "look at delta."
        )
        raise InputError(msg)
