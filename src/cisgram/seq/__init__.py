"""Letters and one-hot arrays: encoding, edits, shuffles, composition, simulation."""

from cisgram.seq.alphabet import (
    BASES,
    codes_of,
    decode,
    encode,
    from_codes,
    one_hot,
    reverse_complement,
    to_codes,
)
from cisgram.seq.composition import Markov, gc, kmer_counts, markov, sample_bases
from cisgram.seq.counting import count_shuffles
from cisgram.seq.edits import delete, insert, mask, randomize, shuffle_window, substitute
from cisgram.seq.plants import Grammar, Plant
from cisgram.seq.shuffle import shuffle, shuffle_codes
from cisgram.seq.simulate import Simulation, simulate

__all__ = [
    "BASES",
    "Grammar",
    "Markov",
    "Plant",
    "Simulation",
    "codes_of",
    "count_shuffles",
    "decode",
    "delete",
    "encode",
    "from_codes",
    "gc",
    "insert",
    "kmer_counts",
    "markov",
    "mask",
    "one_hot",
    "randomize",
    "reverse_complement",
    "sample_bases",
    "shuffle",
    "shuffle_codes",
    "shuffle_window",
    "simulate",
    "substitute",
    "to_codes",
]
