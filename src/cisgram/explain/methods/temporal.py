"""Temporal output scores: what a model answers as it reads on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.results import Tracks
from cisgram.core.types import OneHot
from cisgram.explain.base import METHODS, Target, chosen, plain_options, ready
from cisgram.explain.forward import output_of
from cisgram.explain.spans import Spans, cut_outputs, padded_outputs
from cisgram.models.checkpoint import Mean
from cisgram.models.state import untouched
from cisgram.models.strands import BothStrands

READINGS = ("probability", "logit_difference", "logit")
MODES: dict[str, Spans] = {"recurrent": cut_outputs, "padded": padded_outputs}


@METHODS.register(
    gives="tracks",
    needs="recurrent layers",
    without={"mode": "padded"},
    complete=False,
    signed=False,
    cite="lanchantin2017",
    prompt=True,
)
def temporal(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    of: str = "probability",
    mode: str = "recurrent",
    batch_size: int = 256,
) -> Tracks:
    """Temporal output scores: the output for each beginning and each end of a sequence.

    With F[1..T] the features that the recurrent layers read, computed on the whole sequence:
    forward s_t = f(F[1..t]) and backward b_t = f(F[t..T]), t = 1..T. Each part goes through all
    recurrent layers, both directions, with fresh states, and through what follows them. Hence
    s_T and b_1 are the output for the whole sequence.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t). Left in the mode and on the device that it came in. Of an
        ensemble the members' outputs are averaged; of a two-strand mean, the outputs for the
        same stretch of DNA: its other strand is an end where the given one is a beginning.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros.
    target
        Column of the output, or a function of the output giving one number a sequence. May be
        left out only when the model has a single output.
    of
        ``probability`` (sigmoid of the output; as published), ``logit_difference`` (the output
        as it is: for a two-class head the difference of its scores) or ``logit`` (the bound
        class's own score, where the model has ``class_scores``; else the output).
    mode
        ``recurrent``: as above. ``padded``: for any model, not as published: s_i is the output
        for the sequence with N after base i, b_i that with N before base i; the model's
        convolutions then see the edge.
    batch_size
        Sequences run at once; the result does not depend on it.

    Returns
    -------
    Tracks
        ``values`` (n, 2, length), tracks ``forward`` and ``backward``; the backward score at a
        position is that of the end that begins there. Where there is not one feature a base,
        each base has the scores of the feature whose middle is nearest (of two equally near, the
        one that tells of less sequence); the middles are those of symmetrically padded layers.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, the target does not fit, or, in mode ``recurrent``, the
        model has no recurrent layers or cannot read a part of the features.

    References
    ----------
    .. [1] Lanchantin J, Singh R, Wang B, Qi Y (2017). Deep Motif Dashboard. PSB 22:254-265. Mode
       ``padded``, other layers than theirs, and the places of pooled features are ours.

    Examples
    --------
    >>> from cisgram.models import create, predict
    >>> from cisgram.seq import encode
    >>> model, x = create("demo-cnn-rnn"), encode(["ACGTTGCATTGACCATGACC"])
    >>> s = temporal(model, x, of="logit_difference").values[0]
    >>> s.shape
    torch.Size([2, 20])
    >>> bool((s[[0, 1], [19, 0]] - predict(model, x)[0]).abs().max() < 1e-5)
    True
    """
    check_positive(batch_size, name="batch_size")
    for kind, name, known in (("reading", of, READINGS), ("mode", mode, (*MODES,))):
        if name not in known:
            what = f"{kind} of temporal output scores"
            raise unknown(what, str(name), known)
    if of == "logit" and callable(target):
        msg = "of='logit' needs target as a column of the output, not a function."
        raise InputError(msg)
    given, x = x, ready(model, x)
    values = []
    with untouched(model), torch.inference_mode():
        for part in torch.split(x, batch_size):
            y = _outputs(model, part, of, MODES[mode])  # (2, length, n, ...)
            tracks = [chosen(one, target, len(part)) for one in y.flatten(0, 1)]
            values.append(torch.stack(tracks, 1).view(len(part), 2, -1).float().cpu())
    found = torch.cat(values)
    return Tracks(
        values=(torch.sigmoid(found) if of == "probability" else found).clone(),
        names=("forward", "backward"),
        sequences=given,
        method="temporal",
        options=plain_options(target=target, of=of, mode=mode),
    )


def _outputs(
    model: nn.Module,
    x: OneHot,
    of: str,
    spans: Spans,
) -> Tensor:
    """(2, length, n, ...) raw outputs for every beginning and every end, wrappers averaged."""
    if isinstance(model, BothStrands):
        down = _outputs(model.model, x, of, spans)
        up = _outputs(model.model, x.flip(1, 2), of, spans)
        return (down + up.flip(0, 1)) / 2  # a beginning is an end of the other strand
    if isinstance(model, Mean):
        return torch.stack([_outputs(m, x, of, spans) for m in model.models]).mean(0)
    scores = getattr(model, "class_scores", None)
    if of == "logit" and callable(scores):
        return spans(lambda x: scores(x)[..., 1], x, model=model)
    return spans(lambda x: output_of(model, x), x, model=model)
