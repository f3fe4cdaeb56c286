"""k-let shuffles: exactly uniform, N in place, blind to batch and order."""

from collections import Counter
from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from cisgram import seq
from cisgram.core.errors import InputError
from cisgram.seq import trails

SHORT = [
    ("AACGT", 1),
    ("ACGGTTA", 1),
    ("ACACGTGTACA", 2),
    ("AACGATGACTA", 2),
    ("GATTACAGATTA", 2),
    ("TGCATGACGA", 2),
    ("AAACAGATAAC", 2),
    ("ACAACACAGACAACAT", 3),
    ("AAAACAAAAGAAAACAA", 3),
    ("ACACACACGACACACTACACAC", 4),
]


def words(text: str, k: int) -> Counter[str]:
    return Counter(text[i : i + k] for i in range(len(text) - k + 1))


def all_shuffles(text: str, k: int) -> set[str]:
    """Every sequence with the same k-lets and first (k-1)-let, found by trying."""
    found = set()

    def extend(head: str, left: Counter[str]) -> None:
        if not left:
            found.add(head)
        for word in list(left):
            if head.endswith(word[:-1]):
                extend(head + word[-1], left - Counter([word]))

    extend(text[: k - 1], words(text, k))
    return found


@pytest.mark.parametrize(("text", "k"), SHORT)
def test_every_shuffle_is_reached_and_equally_often(text: str, k: int) -> None:
    possible = sorted(all_shuffles(text, k))
    codes = seq.shuffle_codes(seq.to_codes([text]), k=k, n=20_000, seed=1)[0]
    seen = Counter(seq.from_codes(codes))
    assert set(seen) == set(possible)
    assert chisquare([seen[s] for s in possible]).pvalue > 0.001


@pytest.mark.parametrize(("text", "k"), SHORT)
def test_count_shuffles_equals_what_trying_finds(text: str, k: int) -> None:
    assert seq.count_shuffles(text, k=k) == len(all_shuffles(text, k))


@given(st.text("ACG", min_size=5, max_size=12), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_count_shuffles_equals_what_trying_finds_on_any_string(text: str, k: int) -> None:
    assert seq.count_shuffles(text, k=k) == len(all_shuffles(text, k))


def test_runs_between_unknown_bases_multiply() -> None:
    one, other = "AACGATGACTA", "GATTACAGATTA"
    expected = seq.count_shuffles(one) * seq.count_shuffles(other)
    assert seq.count_shuffles(f"{one}NN{other}") == expected


@given(
    st.lists(st.text("ACGTN", min_size=30, max_size=30), min_size=1, max_size=5),
    st.integers(1, 6),
    st.integers(0, 2**40),
)
@settings(max_examples=80, deadline=None)
def test_words_ends_and_unknown_places_are_kept(texts: list[str], k: int, seed: int) -> None:
    codes = seq.to_codes(texts)
    out = seq.shuffle_codes(codes, k=k, n=3, seed=seed)
    for text, shuffles in zip(texts, out, strict=True):
        for changed in seq.from_codes(shuffles):
            assert [i for i, b in enumerate(changed) if b == "N"] == [
                i for i, b in enumerate(text) if b == "N"
            ]
            for old, new in zip(text.split("N"), changed.split("N"), strict=True):
                assert words(old, k) == words(new, k) or len(old) < k
                if len(old) >= k > 1:
                    assert (old[: k - 1], old[1 - k :]) == (new[: k - 1], new[1 - k :])


@pytest.mark.parametrize("k", [1, 2, 3])
def test_order_batch_and_number_of_shuffles_change_nothing(
    k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (12, 90)).astype(np.uint8)
    codes[::3, rng.integers(0, 90, 4)] = 4
    whole = seq.shuffle_codes(codes, k=k, n=7, seed=5)
    order = rng.permutation(12)
    assert np.array_equal(seq.shuffle_codes(codes[order], k=k, n=7, seed=5), whole[order])
    assert np.array_equal(seq.shuffle_codes(codes[4:5], k=k, n=7, seed=5)[0], whole[4])
    assert np.array_equal(seq.shuffle_codes(codes, k=k, n=3, seed=5), whole[:, :3])
    module = import_module("cisgram.seq.shuffle")  # the function hides its module
    monkeypatch.setattr(module, "_AREA", 1)
    monkeypatch.setattr(module, "_ROWS", 5)
    assert np.array_equal(seq.shuffle_codes(codes, k=k, n=7, seed=5), whole)


def test_seeds_and_ids_give_other_shuffles_and_equal_sequences_the_same() -> None:
    codes = np.repeat(np.random.default_rng(0).integers(0, 4, (1, 80)), 2, axis=0).astype(np.uint8)
    same = seq.shuffle_codes(codes, n=4, seed=0)
    assert np.array_equal(same[0], same[1])
    assert not np.array_equal(same, seq.shuffle_codes(codes, n=4, seed=1))
    own = seq.shuffle_codes(codes, n=4, seed=0, ids=[7, -8])
    assert not np.array_equal(own[0], own[1])
    assert np.array_equal(own[1], seq.shuffle_codes(codes[1:], n=4, seed=0, ids=[-8])[0])


def test_a_shuffle_keeps_dtype_shape_and_input() -> None:
    x = seq.encode(["ACGTNACGGATTACA" * 4], dtype=torch.int8)
    before = x.clone()
    out = seq.shuffle(x, k=2, n=6, seed=0)
    assert out.dtype == torch.int8
    assert out.shape == (1, 6, 4, 60)
    assert torch.equal(x, before)
    assert torch.equal(out.sum(-1), x.sum(-1)[:, None].expand(1, 6, 4))
    assert torch.equal(seq.shuffle(x.float(), n=6), out.float())


def test_general_and_four_letter_last_exits_have_the_same_distribution() -> None:
    """The backward walk against the sixteen weighed trees."""
    codes = seq.to_codes(["AACGATGACTAGGT"])
    n = 20_000
    runs = trails.Runs(
        codes, np.array([14]), np.zeros(n, dtype=np.int64), np.arange(n, dtype=np.uint64)
    )
    inside = np.ones((1, 13), dtype=bool)
    vertices = codes.astype(np.int64)
    fast = trails._last_exits_of_four(runs, inside)
    out_degree = np.bincount(vertices[0, :-1], minlength=4)[None]
    plain = trails._last_exits(runs, vertices, inside, out_degree)

    def trees(last: np.ndarray) -> Counter[tuple[int, ...]]:
        following = np.where(last < 0, -1, vertices[0, np.minimum(last + 1, 13)])
        return Counter(map(tuple, following.tolist()))

    a, b = trees(fast), trees(plain)
    assert set(a) == set(b)
    expected = np.array([(a[t] + b[t]) / 2 for t in a])
    statistic = sum(
        ((np.array([c[t] for t in a]) - expected) ** 2 / expected).sum() for c in (a, b)
    )
    assert statistic < 3 * len(a) + 20


def test_long_and_short_runs_take_the_same_four_letter_steps() -> None:
    """Past NARROW the general path runs; it must keep the same counts."""
    codes = np.random.default_rng(3).integers(0, 4, (1, trails.NARROW + 5)).astype(np.uint8)
    out = seq.shuffle_codes(codes, n=2, seed=0)
    pairs = [np.bincount(c[:-1] * 4 + c[1:], minlength=16).tolist() for c in (codes[0], *out[0])]
    assert pairs[0] == pairs[1] == pairs[2]
    assert not np.array_equal(out[0, 0], out[0, 1])


def test_tied_keys_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With random words of a few bits every row has ties; shuffles must stay uniform."""
    real = trails.words

    def coarse(streams: np.ndarray, n: int) -> np.ndarray:
        out = real(streams, n)
        return out & np.uint64(0x3000000030000000)  # two random bits in 32-bit keys

    calls = []
    keys = trails._keys

    def counting(*args: object, word: int, **kwargs: object) -> np.ndarray:
        calls.append(word)
        monkeypatch.setattr(trails, "words", coarse if word == 32 else real)
        return keys(*args, word=word, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(trails, "_keys", counting)
    text = "AACGATGACTA"
    possible = sorted(all_shuffles(text, 2))
    seen = Counter(seq.from_codes(seq.shuffle_codes(seq.to_codes([text]), n=20_000, seed=1)[0]))
    assert calls == [32, 64]
    assert chisquare([seen[s] for s in possible]).pvalue > 0.001


@pytest.mark.parametrize(
    ("change", "words_of_message"),
    [
        ({"k": 0}, "k must be an integer of at least 1"),
        ({"k": 9}, "k must be at most 8"),
        ({"n": 0}, "n must be an integer"),
        ({"ids": [1, 2]}, "ids must be 1 integers"),
        ({"ids": [0.5]}, "ids must be 1 integers"),
    ],
)
def test_what_cannot_be_honored_is_refused(
    change: dict[str, object], words_of_message: str
) -> None:
    with pytest.raises(InputError, match=words_of_message):
        seq.shuffle_codes(seq.to_codes(["ACGT"]), **change)  # type: ignore[arg-type]


def test_codes_of_another_type_are_refused() -> None:
    with pytest.raises(InputError, match="uint8"):
        seq.shuffle_codes(np.zeros((1, 5)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0-4"):
        seq.shuffle_codes(np.full((1, 5), 9, dtype=np.uint8))


def test_nothing_to_shuffle_gives_the_sequence_back() -> None:
    codes = seq.to_codes(["NNNN", "ANNC"])
    assert np.array_equal(seq.shuffle_codes(codes, n=2), codes[:, None].repeat(2, 1))
    assert seq.shuffle_codes(codes[:0], n=2).shape == (0, 2, 4)


def test_the_method_follows_from_the_length_of_a_run_and_not_from_its_batch() -> None:
    codes = np.random.default_rng(5).integers(0, 4, (2, trails.NARROW + 9)).astype(np.uint8)
    codes[1, 15] = 4  # leaves a run just below NARROW beside one just above
    both = seq.shuffle_codes(codes, n=1, seed=0)
    assert np.array_equal(seq.shuffle_codes(codes[1:], n=1, seed=0), both[1:])


def test_equal_runs_of_one_sequence_are_shuffled_independently() -> None:
    run = "AACGATGACTAGGATCATTCAG"
    pairs = seq.from_codes(seq.shuffle_codes(seq.to_codes([f"{run}N{run}"]), n=20)[0])
    assert all(left != right for left, right in (p.split("N") for p in pairs))


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")  # the peer warns where positions never change
def test_the_shuffles_of_tangermeme_are_among_ours_and_fewer() -> None:
    """Its algorithm never moves a base's last exit (tangermeme issue 27)."""
    ersatz = pytest.importorskip("tangermeme.ersatz")
    x = seq.encode(["AACGATGACTA"], dtype=torch.int8)
    theirs = set(seq.decode(ersatz.dinucleotide_shuffle(x, n=2000, random_state=0)[0]))
    ours = set(seq.decode(seq.shuffle(x, n=2000)[0]))
    assert theirs < ours
    assert len(ours) == seq.count_shuffles("AACGATGACTA")


@pytest.mark.gpu
def test_shuffles_are_the_same_on_another_device() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no accelerator here")
    x = seq.encode(["ACGTNACGGATTACA" * 4])
    there = seq.shuffle(x.cuda(), n=6)
    assert there.is_cuda
    assert torch.equal(there.cpu(), seq.shuffle(x, n=6))


def test_few_shuffles_are_walked_as_many_are(monkeypatch):
    codes = np.random.default_rng(3).integers(0, 5, (7, 90)).astype(np.uint8)  # with N
    one_by_one = seq.shuffle_codes(codes, n=5)
    monkeypatch.setattr("cisgram.seq.trails.FEW", 0)
    assert np.array_equal(one_by_one, seq.shuffle_codes(codes, n=5))
