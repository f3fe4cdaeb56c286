"""One file per explanation method, exported by one line each."""

from cisgram.explain.methods.gradient_x_input import gradient_x_input
from cisgram.explain.methods.ism import ism
from cisgram.explain.methods.saliency import saliency
from cisgram.explain.methods.temporal import temporal

__all__ = ["gradient_x_input", "ism", "saliency", "temporal"]
