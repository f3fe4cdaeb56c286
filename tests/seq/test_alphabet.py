"""Letters to codes to one-hot, and back."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cisgram import seq
from cisgram.core.errors import InputError

LETTERS = "ACGTUacgtuRYSWKMBDHVNn"


@given(st.lists(st.text(LETTERS, min_size=7, max_size=7), max_size=4))
def test_text_comes_back_in_upper_case_with_n_for_ambiguity(texts: list[str]) -> None:
    expected = [
        "".join(b if b in "ACGT" else "N" for b in t.upper().replace("U", "T")) for t in texts
    ]
    codes = seq.to_codes(texts)
    assert codes.dtype == np.uint8
    assert codes.flags.writeable
    assert seq.from_codes(codes) == expected
    for dtype in (torch.float32, torch.int8, torch.float64):
        x = seq.encode(texts, dtype=dtype)
        assert x.dtype == dtype
        assert x.is_contiguous()
        assert seq.decode(x) == expected
        assert np.array_equal(seq.codes_of(x), codes)
    assert torch.equal(seq.one_hot(torch.from_numpy(codes)), seq.encode(texts))


@given(st.text("ACGTN", min_size=1, max_size=20))
def test_the_reverse_complement_of_the_reverse_complement_is_the_sequence(text: str) -> None:
    x = seq.encode([text])
    turned = seq.reverse_complement(x)
    assert seq.decode(turned) == [text[::-1].translate(str.maketrans("ACGT", "TGCA"))]
    assert torch.equal(seq.reverse_complement(turned), x)


@pytest.mark.parametrize("letter", ["X", "-", " ", "\x00", "é", "Ā", "\U0001f9ec", "\n"])
def test_a_letter_that_is_no_nucleotide_is_refused_with_its_place(letter: str) -> None:
    with pytest.raises(InputError, match=r"sequences\[1\] has .* at position 2 \(2 such"):
        seq.to_codes(["ACGT", f"AC{letter}{letter}"])


def test_one_string_and_unlike_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="Wrap it"):
        seq.encode("ACGT")
    with pytest.raises(InputError, match="lengths from 2 to 3"):
        seq.encode(["AC", "ACG"])


def test_channels_last_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match=r"transpose\(1, 2\)"):
        seq.decode(torch.zeros(1, 9, 4))
