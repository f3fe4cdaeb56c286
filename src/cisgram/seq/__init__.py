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

__all__ = [
    "BASES",
    "codes_of",
    "decode",
    "encode",
    "from_codes",
    "one_hot",
    "reverse_complement",
    "to_codes",
]
