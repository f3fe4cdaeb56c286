"""Edits of sequences."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cisgram import seq
from cisgram.core.errors import InputError

DNA = st.text("ACGTN", min_size=12, max_size=12)


@given(DNA, st.integers(0, 9), st.text("ACGTN", min_size=1, max_size=3))
def test_edits_do_to_one_hot_what_they_do_to_text(text: str, at: int, word: str) -> None:
    x = seq.encode([text, text[::-1]])
    before = x.clone()
    end = at + len(word)

    def both(edit: Callable[[str], str]) -> list[str]:
        return [edit(text), edit(text[::-1])]

    assert seq.decode(seq.substitute(x, at, word)) == both(lambda t: t[:at] + word + t[end:])
    assert seq.decode(seq.insert(x, at, word)) == both(lambda t: (t[:at] + word + t[at:])[:12])
    assert seq.decode(seq.delete(x, at, end)) == both(lambda t: (t[:at] + t[end:]).ljust(12, "N"))
    assert seq.decode(seq.mask(x, at, end)) == both(lambda t: t[:at] + "N" * len(word) + t[end:])
    assert torch.equal(x, before)


@given(DNA)
def test_random_windows_change_nothing_outside_and_keep_n(text: str) -> None:
    x = seq.encode([text], dtype=torch.int8)
    for out in (
        seq.randomize(x, 3, 9, n=4, seed=1),
        seq.shuffle_window(x, 3, 9, n=4, seed=1),
    ):
        assert out.shape == (1, 4, 4, 12)
        assert out.dtype == torch.int8
        for changed in seq.decode(out[0]):
            assert changed[:3] + changed[9:] == text[:3] + text[9:]
            assert [b == "N" for b in changed] == [b == "N" for b in text]


def test_a_shuffled_window_keeps_its_bases_and_moves_them() -> None:
    out = seq.decode(seq.shuffle_window(seq.encode(["AAACCCGGGTTT"]), 2, 10, n=20)[0])
    assert {"".join(sorted(t[2:10])) for t in out} == {"ACCCGGGT"}
    assert len(set(out)) > 10


def test_random_windows_follow_the_composition_and_the_seed_alone() -> None:
    x = seq.encode(["A" * 2000, "C" * 2000])
    out = seq.randomize(x, 0, 2000, n=3, composition=(1, 2, 3, 4), seed=0)
    share = out.mean((1, 3))
    assert torch.allclose(share, torch.tensor([0.1, 0.2, 0.3, 0.4]).expand(2, 4), atol=0.03)
    assert torch.equal(seq.randomize(x[1:], 0, 2000, n=3, composition=(1, 2, 3, 4))[0], out[1])
    assert not torch.equal(seq.randomize(x, 0, 2000, n=3, seed=1), seq.randomize(x, 0, 2000, n=3))


@pytest.mark.parametrize(
    "edit",
    [
        lambda x: seq.substitute(x, 10, "ACG"),
        lambda x: seq.substitute(x, -1, "A"),
        lambda x: seq.insert(x, 11, "AC"),
        lambda x: seq.delete(x, 4, 4),
        lambda x: seq.delete(x, 4, 13),
        lambda x: seq.mask(x, -2, 3),
        lambda x: seq.randomize(x, 5, 99),
        lambda x: seq.shuffle_window(x, 5, 4),
    ],
)
def test_edits_outside_the_sequence_are_refused(edit: Callable[[torch.Tensor], object]) -> None:
    with pytest.raises(InputError, match="must lie inside the sequences"):
        edit(seq.encode(["ACGTACGTACGT"]))


@pytest.mark.parametrize("letters", ["", "AX", 3])
def test_letters_that_are_none_are_refused(letters: object) -> None:
    with pytest.raises(InputError):
        seq.substitute(seq.encode(["ACGT"]), 1, letters)  # type: ignore[arg-type]
