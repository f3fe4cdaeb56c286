"""Explanation methods: ``explain.ism(model, x, target=0)``; ``explain.METHODS`` lists them."""

from cisgram.explain.base import METHODS, Target, scalar
from cisgram.explain.filters import CONVENTIONS, Convention, filter_motifs
from cisgram.explain.influence import filter_influence, site_effects
from cisgram.explain.methods import gradient_x_input, ism, saliency, temporal
from cisgram.explain.seqlets import seqlets

__all__ = [
    "CONVENTIONS",
    "METHODS",
    "Convention",
    "Target",
    "filter_influence",
    "filter_motifs",
    "gradient_x_input",
    "ism",
    "saliency",
    "scalar",
    "seqlets",
    "site_effects",
    "temporal",
]
