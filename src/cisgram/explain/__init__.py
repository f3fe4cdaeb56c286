"""Explanation methods: ``explain.ism(model, x, target=0)``; ``explain.METHODS`` lists them."""

from cisgram.explain.ablation import ABLATIONS, ablate, filter_influence
from cisgram.explain.base import METHODS, Target, scalar
from cisgram.explain.filters import CONVENTIONS, Convention, filter_motifs
from cisgram.explain.hits import hits
from cisgram.explain.influence import site_effects
from cisgram.explain.methods import (
    deep_lift,
    expected_gradients,
    gradient_x_input,
    integrated_gradients,
    ism,
    occlusion,
    saliency,
    smoothgrad,
    temporal,
)
from cisgram.explain.patterns import Pattern, patterns
from cisgram.explain.seqlets import seqlets

__all__ = [
    "ABLATIONS",
    "CONVENTIONS",
    "METHODS",
    "Convention",
    "Pattern",
    "Target",
    "ablate",
    "deep_lift",
    "expected_gradients",
    "filter_influence",
    "filter_motifs",
    "gradient_x_input",
    "hits",
    "integrated_gradients",
    "ism",
    "occlusion",
    "patterns",
    "saliency",
    "scalar",
    "seqlets",
    "site_effects",
    "smoothgrad",
    "temporal",
]
