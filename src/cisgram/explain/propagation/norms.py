"""Softmax and its kin, and norms: exact rules from their parts, each sequence by itself."""

from __future__ import annotations

import torch
from torch import Tensor

from cisgram.explain.propagation.elementwise import SMOOTH
from cisgram.explain.propagation.multipliers import Multipliers, Step, unflatten
from cisgram.explain.propagation.rules import RULES, dense, integrated, rule


def log_mean(a: Tensor, b: Tensor, change: Tensor) -> Tensor:
    """(a - b) / (log a - log b), the logarithmic mean, with the change of the logarithm given."""
    short = change.abs() < SMOOTH
    mean = torch.where(short, (a + b) / 2, (a - b) / change)
    return torch.where(change.isnan(), 0, mean)  # both are masked by -inf


def _logs(a: Tensor, r: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Log-sum-exp of both, and the share of each input in its change.

    log s = log sum exp(a_i): the change of exp(a_i) is its logarithmic mean times that of a_i,
    and the change of log s is that of s over the logarithmic mean of s.
    """
    top = torch.maximum(a.amax(dim, keepdim=True), r.amax(dim, keepdim=True))
    top = torch.where(top.isinf(), 0, top)
    e, e_r = torch.exp(a - top), torch.exp(r - top)
    tiny = torch.finfo(r.dtype).tiny
    s, s_r = (t.sum(dim, keepdim=True).clamp(min=tiny) for t in (e, e_r))
    log, log_r = s.log(), s_r.log()
    share = log_mean(e, e_r, a - r) / log_mean(s, s_r, log - log_r)
    return log + top, log_r + top, share


@rule("_softmax", "_safe_softmax", "_log_softmax")
def _softmax(step: Step, m: list[Tensor | None]) -> Multipliers:
    """exp(a - log sum exp a), part by part."""
    value, g = step.args[0], dense(m)
    dim = step.args[1] % step.reference(value).ndim
    if step.rows(value) == dim:
        return integrated(step, m)
    a, r = step.pair(value)
    at = step.axis(value, dim)
    log, log_r, share = _logs(a, r, at)
    g = step.split(g, value)
    if step.operation.name != "_log_softmax":
        y, s = step.pair(step.out())
        g = g * log_mean(y, s, (a - r) - (log - log_r))
    return [(value, step.joined(g - share * g.sum(at, keepdim=True), value))]


@rule("logsumexp")
def _logsumexp(step: Step, m: list[Tensor | None]) -> Multipliers:
    value, g = step.args[0], dense(m)
    dims, ndim = step.args[1], step.reference(value).ndim
    dim = (dims[0] if isinstance(dims, list | tuple) else dims) % ndim
    many = isinstance(dims, list | tuple) and len(dims) > 1
    if many or step.rows(value) == dim:
        return integrated(step, m)
    *_, share = _logs(*step.pair(value), step.axis(value, dim))
    if not step.arg(2, False):
        g = g.unsqueeze(dim)
    return [(value, step.joined(share, value) * g)]


def normalized(g: Tensor, a: Tensor, r: Tensor, dims: list[int], eps: float) -> Tensor:
    """Multipliers through (a - mean) / sqrt(variance + eps) over ``dims``.

    With c = a - mean and v = 1 / sqrt(variance + eps): c v is a product, the variance a mean of
    squares, and v - v' = -(variance - variance') (v v')^2 / (v + v').
    """
    c, c_r = (t - t.mean(dims, keepdim=True) for t in (a, r))
    v, v_r = ((t * t).mean(dims, keepdim=True).add_(eps).rsqrt_() for t in (c, c_r))
    both = c + c_r
    fall = -((v * v_r) ** 2) / (v + v_r) / 2
    by_v = (g * both).mean(dims, keepdim=True)  # over 2, and of a sum of squares over size
    out = g * ((v + v_r) / 2) + both * (fall * by_v)
    return out - out.mean(dims, keepdim=True)


@rule("native_layer_norm")
def _layer_norm(step: Step, m: list[Tensor | None]) -> Multipliers:
    value, shape, weight, _, eps = step.args[:5]
    g = dense(m) if weight is None else dense(m) * weight
    dims = list(range(-len(shape), 0))
    out = normalized(step.split(g, value), *step.pair(value), dims, eps)
    return [(value, step.joined(out, value))]


@rule("native_group_norm")
def _group_norm(step: Step, m: list[Tensor | None]) -> Multipliers:
    value, weight, _, _, _, _, groups, eps = step.args[:8]
    r = step.reference(value)
    g = dense(m)
    if weight is not None:
        g = g * weight.view(-1, *[1] * (r.ndim - 2))
    back = -(r.ndim - 1)  # the axis of the channels, from the end

    def grouped(t: Tensor) -> Tensor:
        return unflatten(t, back, (groups, -1))

    a, r = (grouped(t) for t in step.pair(value))
    out = normalized(grouped(step.split(g, value)), a, r, list(range(back, 0)), eps)
    return [(value, step.joined(out.flatten(back - 1, back), value))]


@rule("native_batch_norm", "_native_batch_norm_legit", "cudnn_batch_norm")
def _batch_norm(step: Step, m: list[Tensor | None]) -> Multipliers:
    """With stored statistics, a scale a channel; with its own, as instance norm has them."""
    value, weight = step.args[:2]
    r, g = step.reference(value), dense(m)
    name = step.operation.name
    training = name == "native_batch_norm" and step.args[5]
    training = training or (
        name in {"_native_batch_norm_legit", "cudnn_batch_norm"} and step.args[5]
    )
    eps = step.args[7] if len(step.args) > 7 else step.args[-1]
    wide = [-1, *[1] * (r.ndim - 2)]
    if not training:
        scale = (step.args[4] + eps).rsqrt()
        scale = scale if weight is None else scale * weight
        return [(value, g * scale.view(wide))]
    if r.shape[0] > 1 or step.rows(value) == 0:
        return integrated(step, m)  # statistics over several sequences; shown by its gap
    g = g if weight is None else g * weight.view(wide)
    out = normalized(step.split(g, value), *step.pair(value), list(range(2 - r.ndim, 0)), eps)
    return [(value, step.joined(out, value))]


RULES["log_softmax"] = RULES["_log_softmax"]
