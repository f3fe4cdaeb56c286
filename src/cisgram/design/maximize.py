"""Activation maximization through a generator: latent points whose sequences score high."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.models.generator import Generator, codes_from, noise
from cisgram.models.state import untouched
from cisgram.seq.alphabet import one_hot

Codes = NDArray[np.uint8]
Array = NDArray[np.float64]
Score = Callable[[Tensor], Tensor]
DRIFT = 1e-5  # of the noise on a latent point, by step


@dataclass(frozen=True, eq=False)
class Maximized:
    """Sequences before and after.

    Attributes
    ----------
    codes
        (n, length), the best of each ascent.
    scores
        (n,) of these sequences, letters and no mixtures.
    start_codes, start_scores
        The same of the points at which the ascents began.
    step
        (n,) step of the best one, 0 for the start.
    """

    codes: Codes
    scores: Array
    start_codes: Codes
    start_scores: Array
    step: NDArray[np.int64]


def maximize(
    generator: Generator,
    score: Score,
    n: int,
    *,
    steps: int = 200,
    rate: float = 0.1,
    prior: float = 0.0,
    every: int = 10,
    seed: int = 0,
) -> Maximized:
    r"""Sequences that score high, found by gradient ascent in the generator's latent space.

    Each of n points starts from its own normal numbers and follows, by Adam,

    .. math:: \nabla_z \left( f(g(z)) - \tfrac{\alpha}{2} \lVert z \rVert^2 \right)

    where f sees the shares of letters g(z), its score on mixtures; every few steps the likeliest
    letters are scored as a sequence, and of each ascent the best such sequence is kept.

    Parameters
    ----------
    generator
        Left as it is.
    score
        (n, 4, length) to (n,), differentiable; for several models at once, the mean of theirs.
    n
        Ascents.
    steps, rate
        Steps of Adam and its rate.
    prior
        alpha: how strongly points are drawn to where the generator was trained.
    every
        Steps between two looks at the letters.
    seed
        Of the starts.

    Raises
    ------
    InputError
        When the score is not one finite number a sequence.

    References
    ----------
    Killoran N, Lee LJ, Delong A, Duvenaud D, Frey BJ (2017). Generating and designing DNA with deep
    generative models. arXiv:1712.06148, sections 2.2 and 2.3: a step of 0.1, noise of 1e-5, the
    prior term; there up to 10,000 steps.
    """
    for name, value in (("n", n), ("steps", steps), ("every", every)):
        check_positive(value, name=name)
    z = noise(n, generator.card.latent, seed=seed, purpose="ascent").requires_grad_()
    drift = torch.Generator().manual_seed(derive(seed, "drift"))
    optimizer = torch.optim.Adam([z], rate)
    codes = codes_from(generator, z.detach())
    start = scores_of(score, codes)
    best_codes, best, at = codes.copy(), start.copy(), np.zeros(n, dtype=np.int64)
    with untouched(generator):
        for step in range(1, steps + 1):
            gain = score(generator(z)).sum() - prior / 2 * (z**2).sum()
            optimizer.zero_grad()
            torch.autograd.backward(-gain)
            optimizer.step()
            with torch.no_grad():
                z += DRIFT * torch.randn(z.shape, generator=drift)
            if step % every and step != steps:
                continue
            now = codes_from(generator, z.detach())
            scores = scores_of(score, now)
            better = scores > best
            best_codes[better], best[better], at[better] = now[better], scores[better], step
    return Maximized(best_codes, best, codes, start, at)


def scores_of(score: Score, codes: Codes) -> Array:
    """(n,) scores of sequences.

    Raises
    ------
    InputError
        When they are not one finite number a sequence.
    """
    with torch.inference_mode():
        found = score(one_hot(codes, dtype=torch.float32))
    if found.shape != (len(codes),) or not torch.isfinite(found).all():
        msg = (
            f"the score must be one finite number a sequence, ({len(codes)},); got "
            f"{tuple(found.shape)}. Choose one output of the model."
        )
        raise InputError(msg)
    return found.numpy().astype(np.float64)
