"""What became of a neuron: read, or why it could not be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from cisgram.explain.demix.demix import DemixedNeuron

Kind: TypeAlias = Literal["read", "poorly explained", "no motif", "duplicate", "dead"]
KINDS: tuple[Kind, ...] = get_args(Kind)

FAR = 0.5  # consensus activations below this share of the maximum are far from it
POOR = 0.25  # a model of the leaves that explains less of the neuron says little about it
GOOD = 0.5  # one that explains more says enough, whether or not it took several leaves
NEAR = 0.05  # R2 by which the leaves have to beat random ones below that


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What became of a neuron.

    Attributes
    ----------
    kind
        ``dead``: nothing activates it. ``duplicate``: an earlier neuron of the layer has the
        same values. ``no motif``: it is driven by sequences that have nothing in common that a
        motif could say. ``poorly explained``: there are motifs, and they tell little of what it
        does. ``read``: none of these.
    twin
        The neuron that it is a duplicate of.
    """

    kind: Kind
    twin: int | None = None

    @property
    def text(self) -> str:
        """In plain words.

        Examples
        --------
        >>> Diagnosis("duplicate", 3).text, Diagnosis("read").text
        ('duplicate of 3', 'read')
        """
        if self.kind == "duplicate":
            return f"duplicate of {self.twin}"
        return "driven by sequences that form no motif" if self.kind == "no motif" else self.kind


def diagnose(found: DemixedNeuron, twin: int = -1) -> Diagnosis:
    """What became of a demixed neuron, by rules in this order.

    dead: no window activates it; duplicate: it has a twin; no motif: its dictionary is empty, or
    the consensus of no leaf reaches half of the neuron's maximum while the leaves' median ratio
    does not exceed that of random leaves (the maximum is reached by sequences that no profile
    describes); poorly explained: R2 is below 0.25, or below 0.5 and less than 0.05 above that of
    random leaves; else read.

    Parameters
    ----------
    found
        The neuron.
    twin
        An earlier neuron of the layer with the same values (`neurons.twins`), -1 without one.
    """
    if not found.n_kept:
        return Diagnosis("dead")
    if twin >= 0:
        return Diagnosis("duplicate", twin)
    highest = max(leaf.consensus_activation for leaf in found.leaves)
    is_far = highest < FAR * found.max_activation
    if not found.motifs or (is_far and not found.ratio > found.control_ratio):
        return Diagnosis("no motif")
    f = found.fidelity
    # written so that an R2 that is not a number is poor
    enough = f is not None and (f.r2 >= GOOD or f.r2 >= max(POOR, f.control_r2 + NEAR))
    return Diagnosis("read" if enough else "poorly explained")
