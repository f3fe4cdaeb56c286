"""Attention with relative positions, words of k letters, and the two networks made of them."""

from itertools import product

import pytest
import torch
from torch import nn

from cisgram import models
from cisgram.core.errors import InputError
from cisgram.explain import attention
from cisgram.models import BothStrands
from cisgram.models.attention import SCALES, AttentionPool, RelativeAttention, distances
from cisgram.models.zoo.kmer_transformer import WordEmbedding
from cisgram.seq import encode
from networks import made, small


def relative(block, h):
    """The formula of `RelativeAttention`, sequence by sequence, head by head, token by token."""
    n, m, d = h.shape
    s, out = d // block.heads, torch.zeros_like(h)
    b = distances(m)
    for i in range(n):
        for head in range(block.heads):
            rows = slice(head * s, (head + 1) * s)
            q, k, v = (h[i] @ p.weight[rows].T for p in (block.query, block.key, block.value))
            u, w = block.content[head, 0], block.position[head, 0]
            for a in range(m):
                score = torch.stack([
                    (q[a] + u) @ k[j]
                    + (q[a] + w) @ (block.distance.weight[rows] @ b[a - j + m - 1])
                    for j in range(m)
                ])  # fmt: skip
                out[i, a, rows] = torch.softmax(score / s**0.5, 0) @ v
    return block.out(out)


@pytest.fixture
def block():
    torch.manual_seed(0)
    found = RelativeAttention(6, 2)
    for p in found.parameters():
        nn.init.normal_(p)
    return found


def test_relative_attention_is_its_formula(block):
    h = torch.randn(2, 5, 6)
    torch.testing.assert_close(block(h), relative(block, h), atol=1e-5, rtol=1e-4)


def test_distances_fall_to_a_half_and_tell_the_sides_apart():
    b = distances(33)
    assert b.shape == (65, 2 * SCALES)
    zero = 32
    assert [b[zero + 2**i, i].item() for i in range(SCALES)] == [0.5] * SCALES
    assert torch.equal(b[:, :SCALES], b.flip(0)[:, :SCALES])
    assert torch.equal(b[:, SCALES:], -b.flip(0)[:, SCALES:])
    assert torch.equal(b[zero], torch.tensor([1.0] * SCALES + [0.0] * SCALES))


def test_without_the_signed_distances_both_sides_are_alike(block):
    h = torch.randn(2, 7, 6)
    assert not torch.allclose(block(h.flip(1)), block(h).flip(1), atol=1e-2)
    with torch.no_grad():
        block.distance.weight[:, SCALES:] = 0
    torch.testing.assert_close(block(h.flip(1)), block(h).flip(1), atol=1e-5, rtol=1e-4)


def test_a_pool_is_a_mean_with_the_weights_of_its_score():
    pool, h = AttentionPool(2), torch.tensor([[[0.0, 1.0], [2.0, 5.0]]])
    with torch.no_grad():
        pool.score.weight.copy_(torch.tensor([[torch.log(torch.tensor(3.0)) / 2, 0.0]]))
    torch.testing.assert_close(pool(h), torch.tensor([[1.5, 4.0]]))  # weights 1 and 3 of 4


@pytest.mark.parametrize(("k", "stride"), [(1, 1), (3, 1), (3, 3), (4, 3)])
def test_a_word_of_letters_is_a_row_of_the_table(k, stride):
    embedding = WordEmbedding(k, stride, 5)
    text = "GATTACANTGCAGG"
    found = embedding(encode([text]))[0]
    words = [text[i : i + k] for i in range(0, len(text) - k + 1, stride)]
    assert len(found) == len(words)
    table = dict(zip(("".join(w) for w in product("ACGT", repeat=k)),
                     embedding.table.weight.T, strict=True))  # fmt: skip
    for row, word in zip(found, words, strict=True):
        torch.testing.assert_close(row, table.get(word, torch.zeros(5)))


def test_words_of_even_odds_are_the_mean_of_the_table():
    embedding = WordEmbedding(3, 1, 5)
    found = embedding(torch.full((1, 4, 3), 0.25))[0, 0]
    torch.testing.assert_close(found, embedding.table.weight.mean(1))


def test_the_gradient_at_a_letter_is_the_effect_of_every_other_letter():
    """Linear in each position: a substitution's effect is a difference of gradients."""
    embedding = WordEmbedding(3, 1, 1)
    x = encode(["GATT"]).requires_grad_()
    (gradient,) = torch.autograd.grad(embedding(x).sum(), x)
    for i, letter in product(range(4), range(4)):
        y = x.detach().clone()
        y[0, :, i] = torch.eye(4)[letter]
        effect = embedding(y).sum() - embedding(x).sum()
        expected = gradient[0, letter, i] - gradient[0, :, i] @ x[0, :, i]
        torch.testing.assert_close(effect, expected, atol=1e-6, rtol=1e-5)


def test_a_sequence_shorter_than_a_word_is_refused():
    with pytest.raises(InputError, match="must hold a word of 4 bp; got 3 bp"):
        models.create("kmer-transformer")(encode(["GAT"]))


@pytest.mark.parametrize(
    ("name", "options", "run"),
    [
        ("conv-attention", {"width": 1}, 8),
        ("kmer-transformer", {"stride": 4}, 4),
    ],
)
def test_the_order_of_words_counts(name, options, run):
    torch.manual_seed(0)
    model = models.create(name, **options).eval()
    a, b = (encode(["".join(letter * run for letter in order)]) for order in ("ACGT", "AGCT"))
    with torch.no_grad():
        assert (model(a) - model(b)).abs().item() > 1e-4


@pytest.mark.parametrize(
    ("name", "tracks"),
    [
        (
            "conv-attention",
            ["mean", "blocks.0.attention", "blocks.0.attention head 0",
             "blocks.0.attention head 1", "pool"],
        ),
        (
            "kmer-transformer",
            ["blocks.0.attention", "blocks.0.attention head 0", "blocks.0.attention head 1"],
        ),
    ],
)  # fmt: skip
def test_attention_of_the_networks_is_read_along_the_sequence(name, tracks):
    model, x = made(lambda: small(name)), encode(["GATTACATGCACGGTCATTGCACCTGATCCAG" * 3])
    found = attention(model, x)
    assert list(found.names) == tracks
    sums = found.values.sum(2)[0]
    assert (sums <= 1 + 1e-5).all()
    if name == "conv-attention":  # a class token takes a share that lies nowhere
        torch.testing.assert_close(sums, torch.ones(len(sums)))
    twice = attention(BothStrands(model), x)
    assert len(twice.names) > len(found.names)
