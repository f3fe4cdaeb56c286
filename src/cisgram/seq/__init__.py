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
from cisgram.seq.counting import count_shuffles
from cisgram.seq.shuffle import shuffle, shuffle_codes

__all__ = [
    "BASES",
    "codes_of",
    "count_shuffles",
    "decode",
    "encode",
    "from_codes",
    "one_hot",
    "reverse_complement",
    "shuffle",
    "shuffle_codes",
    "to_codes",
]
