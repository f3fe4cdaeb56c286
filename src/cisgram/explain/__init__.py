"""Explanation methods: ``explain.ism(model, x, target=0)``; ``explain.METHODS`` lists them."""

from cisgram.explain.ablation import ABLATIONS, ablate, filter_influence
from cisgram.explain.attention_pairs import attention_pairs
from cisgram.explain.base import METHODS, Target, scalar
from cisgram.explain.demix import DemixedNeuron, demix, neurons
from cisgram.explain.enrichment import filter_enrichment, filter_positions
from cisgram.explain.fields import (
    FIELD_METHODS,
    FieldAttribution,
    each_held,
    field_attribution,
)
from cisgram.explain.filters import CONVENTIONS, Convention, filter_motifs
from cisgram.explain.hits import hits
from cisgram.explain.influence import site_effects
from cisgram.explain.methods import (
    attention,
    class_optimization,
    deep_lift,
    dfim,
    epistasis,
    expected_gradients,
    gradient_x_input,
    integrated_gradients,
    ism,
    motif_mutation,
    occlusion,
    pairwise_ism,
    saliency,
    smoothgrad,
    temporal,
)
from cisgram.explain.methods.attention import attention_map
from cisgram.explain.methods.dfim import dfim_map
from cisgram.explain.methods.ism import ism_outputs
from cisgram.explain.optimize import Optimum
from cisgram.explain.pairs import interacting
from cisgram.explain.patterns import Pattern, patterns
from cisgram.explain.profiles import each_weighed
from cisgram.explain.seqlets import seqlets
from cisgram.explain.shapley import shapley
from cisgram.explain.units import unit_importances, unit_pairs
from cisgram.explain.weights import weight_consensus, weight_motifs

__all__ = [
    "ABLATIONS",
    "CONVENTIONS",
    "FIELD_METHODS",
    "METHODS",
    "Convention",
    "DemixedNeuron",
    "FieldAttribution",
    "Optimum",
    "Pattern",
    "Target",
    "ablate",
    "attention",
    "attention_map",
    "attention_pairs",
    "class_optimization",
    "deep_lift",
    "demix",
    "dfim",
    "dfim_map",
    "each_held",
    "each_weighed",
    "epistasis",
    "expected_gradients",
    "field_attribution",
    "filter_enrichment",
    "filter_influence",
    "filter_motifs",
    "filter_positions",
    "gradient_x_input",
    "hits",
    "integrated_gradients",
    "interacting",
    "ism",
    "ism_outputs",
    "motif_mutation",
    "neurons",
    "occlusion",
    "pairwise_ism",
    "patterns",
    "saliency",
    "scalar",
    "seqlets",
    "shapley",
    "site_effects",
    "smoothgrad",
    "temporal",
    "unit_importances",
    "unit_pairs",
    "weight_consensus",
    "weight_motifs",
]
