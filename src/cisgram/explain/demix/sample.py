"""What activates a neuron, and how it is searched."""

from __future__ import annotations

from dataclasses import dataclass, field

from cisgram.explain.demix.reader import Codes, Floats


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """How a neuron's sequences are searched.

    As NeuronMotif's, but for ``pressure`` (1 there), ``mutation``, ``rarity`` and ``climb`` (0
    there): in a population of a few thousand it drifts which of the ways to activate the neuron
    are left, and these keep more of them.

    Attributes
    ----------
    population
        Sequences of a round; None: 1,000 for every 20 bp of the window, from 2,000 to 5,000
        (NeuronMotif's), and fewer for dear neurons, down to 320 (`reader.affordable`).
    rounds
        At most so many; None: 200 (NeuronMotif's), and fewer for dear neurons, down to 16.
    patience
        Rounds without a better mean after which the search ends.
    step
        How far the letters follow the gradient, in units of its standard deviation over a
        sequence (``normalized``) or of the gradient itself.
    normalized
        Whether each sequence's gradient is divided by its standard deviation; without this the
        step depends on the neuron's scale (NeuronMotif's choice).
    mutation
        Added to the weights of the letters where the gradient is flat, so that letters that do
        not matter to the neuron keep changing; 0 is NeuronMotif's choice, under which they are
        handed down and look like motifs in small populations.
    pressure
        Exponent of the activation in the weight of a parent.
    rarity
        How much the weight of a parent, and of what is kept, grows with the rarity of its letters:
        the factor is the inverse of their likelihood to this power. Thus no way to activate the
        neuron crowds out the others.
    climb
        Rounds at the end in which every window takes the letter that gains most, as long as one
        does: all of them, so that the strongest windows are as unlike as the others. None: 5, and
        fewer for dear neurons, down to 1 (none where ``rounds`` is below 16).
    inherited
        Whether a crossing is mutated along the slopes of its parents, each on its own side, so
        that a round is one pass and its gradient; False: along its own, for which it has to be
        run first (NeuronMotif's choice). None: only for dear neurons, those of more than 60,000
        multiplications a window.
    most
        Sequences kept, spread over the range of activation.
    bins
        Equal steps of activation for this.
    batch_size
        Windows scored at once, at most.
    """

    population: int | None = None
    rounds: int | None = None
    patience: int = 10
    step: float = 1.0
    normalized: bool = False
    mutation: float = 0.2
    pressure: float = 2.0
    rarity: float = 0.6
    climb: int | None = None
    inherited: bool | None = None
    most: int = 100_000
    bins: int = 50
    batch_size: int = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Distinct windows that activate a neuron.

    Attributes
    ----------
    codes
        (n, width) letters, codes 0-3, in the order in which they were found.
    value
        (n,) the neuron's value on each, above ``threshold``.
    threshold
        Above this the neuron counts as active.
    is_complete
        Whether these are all windows that there are.
    rounds
        Of the search; 0 where all windows were counted.
    scored
        Windows that were scored.
    maps
        (n, d) of each of the ``wanted`` maps; None where none were kept.
    """

    codes: Codes
    value: Floats
    threshold: float
    is_complete: bool
    rounds: int = 0
    scored: int = 0
    maps: list[Floats] | None = field(default=None, repr=False)
