"""NeuronMotif: what a deep neuron has learned, demixed layer by layer."""

from cisgram.explain.demix.asking import Edge, Profile
from cisgram.explain.demix.blueprint import Blueprint
from cisgram.explain.demix.demix import DemixedNeuron, demix, demix_each, demix_layer
from cisgram.explain.demix.designs import (
    Design,
    Spread,
    designed,
    designed_sequences,
    output_search,
    plain_design,
    plan_of,
)
from cisgram.explain.demix.diagnosis import KINDS, Diagnosis, diagnose
from cisgram.explain.demix.fidelity import Fidelity
from cisgram.explain.demix.leaves import Block, Leaf, Word
from cisgram.explain.demix.levels import Level
from cisgram.explain.demix.neurons import Layer, find_layer, layers, neurons, twins
from cisgram.explain.demix.sample import Sample, SampleOptions
from cisgram.explain.demix.seeds import Facet, facets, layer_below, seeds
from cisgram.explain.demix.split import Node
from cisgram.explain.demix.syntax import Combination, Syntax, syntax

__all__ = [
    "KINDS",
    "Block",
    "Blueprint",
    "Combination",
    "DemixedNeuron",
    "Design",
    "Diagnosis",
    "Edge",
    "Facet",
    "Fidelity",
    "Layer",
    "Leaf",
    "Level",
    "Node",
    "Profile",
    "Sample",
    "SampleOptions",
    "Spread",
    "Syntax",
    "Word",
    "demix",
    "demix_each",
    "demix_layer",
    "designed",
    "designed_sequences",
    "diagnose",
    "facets",
    "find_layer",
    "layer_below",
    "layers",
    "neurons",
    "output_search",
    "plain_design",
    "plan_of",
    "seeds",
    "syntax",
    "twins",
]
