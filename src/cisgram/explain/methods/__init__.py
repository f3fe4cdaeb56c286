"""One file per explanation method, exported by one line each."""

from cisgram.explain.methods.attention import attention
from cisgram.explain.methods.class_optimization import class_optimization
from cisgram.explain.methods.deep_lift import deep_lift
from cisgram.explain.methods.dfim import dfim
from cisgram.explain.methods.epistasis import epistasis
from cisgram.explain.methods.expected_gradients import expected_gradients
from cisgram.explain.methods.gradient_x_input import gradient_x_input
from cisgram.explain.methods.integrated_gradients import integrated_gradients
from cisgram.explain.methods.ism import ism
from cisgram.explain.methods.motif_mutation import motif_mutation
from cisgram.explain.methods.occlusion import occlusion
from cisgram.explain.methods.pairwise_ism import pairwise_ism
from cisgram.explain.methods.saliency import saliency
from cisgram.explain.methods.smoothgrad import smoothgrad
from cisgram.explain.methods.temporal import temporal

__all__ = [
    "attention",
    "class_optimization",
    "deep_lift",
    "dfim",
    "epistasis",
    "expected_gradients",
    "gradient_x_input",
    "integrated_gradients",
    "ism",
    "motif_mutation",
    "occlusion",
    "pairwise_ism",
    "saliency",
    "smoothgrad",
    "temporal",
]
