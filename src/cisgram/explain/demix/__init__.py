"""NeuronMotif: what a deep neuron has learned, demixed layer by layer."""

from cisgram.explain.demix.asking import Edge, Profile
from cisgram.explain.demix.demix import DemixedNeuron, demix, demix_each, demix_layer
from cisgram.explain.demix.diagnosis import KINDS, Diagnosis, diagnose
from cisgram.explain.demix.fidelity import Fidelity
from cisgram.explain.demix.leaves import Block, Leaf, Word
from cisgram.explain.demix.levels import Level
from cisgram.explain.demix.neurons import Layer, find_layer, layers, neurons, twins
from cisgram.explain.demix.sample import Sample, SampleOptions
from cisgram.explain.demix.split import Node
from cisgram.explain.demix.syntax import Combination, Syntax, syntax

__all__ = [
    "KINDS",
    "Block",
    "Combination",
    "DemixedNeuron",
    "Diagnosis",
    "Edge",
    "Fidelity",
    "Layer",
    "Leaf",
    "Level",
    "Node",
    "Profile",
    "Sample",
    "SampleOptions",
    "Syntax",
    "Word",
    "demix",
    "demix_each",
    "demix_layer",
    "diagnose",
    "find_layer",
    "layers",
    "neurons",
    "syntax",
    "twins",
]
