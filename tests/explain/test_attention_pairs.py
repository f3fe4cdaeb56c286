"""Attention between features, on attentions that are written by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from cisgram import explain
from cisgram.core.errors import InputError
from cisgram.models import create
from cisgram.seq import encode, one_hot
from toys import Conv, state_of


def sites(*rows):
    return pd.DataFrame(rows, columns=["sequence", "start", "end", "motif"])


class SameLetter(nn.Module):
    """Every position attends to those of its own letter, alike, and sums what it reads."""

    def forward(self, x):
        h = x.transpose(1, 2)
        weights = torch.softmax(30 * h @ h.transpose(1, 2), 2)
        return (weights @ h).sum((1, 2))[:, None]


def test_a_feature_attends_to_what_its_positions_attend_to():
    x = encode(["AACCTTTAGG"])  # three A; two C
    table = sites((0, 0, 2, "AA"), (0, 7, 8, "A"), (0, 2, 4, "CC"))
    found = explain.attention_pairs(SameLetter(), x, table, nulls=0)
    got = {(a, b): v for a, b, v in found[["a", "b", "interaction"]].values}
    assert got["AA", "A"] == pytest.approx(1 / 3)
    assert got["A", "AA"] == pytest.approx(2 / 3)
    assert got["A", "CC"] == pytest.approx(0, abs=1e-6)
    assert got["AA", "CC"] == pytest.approx(0, abs=1e-6)


def test_words_that_look_at_each_other_stand_out_against_shuffles():
    random = np.random.default_rng(0)
    codes = random.integers(0, 3, (40, 40)).astype(np.uint8)
    codes[:, 5:9] = 3
    codes[:, 30:34] = 3
    rows = [
        (i, s, s + 4, n) for i in range(40) for s, n in ((5, "left"), (30, "right"), (17, "rest"))
    ]
    found = explain.attention_pairs(SameLetter(), one_hot(codes), sites(*rows), nulls=9)
    summed = explain.interacting(found)
    sure = summed[summed["q"] <= 0.05]
    assert {tuple(p) for p in sure[["a", "b"]].values} == {("left", "right"), ("right", "left")}


def test_the_transformer_of_the_zoo_is_read():
    torch.manual_seed(0)
    model = create("transformer").train()
    before = state_of(model)
    x = encode(["GATTACATGCACGGTCATTGCACCTGATCCAGTTAACCGGTAGCTAGC"] * 2)
    table = sites((0, 2, 10, "A"), (0, 30, 40, "B"), (1, 2, 10, "A"), (1, 30, 40, "B"))
    with pytest.raises(InputError, match="several attentions; say which: blocks"):
        explain.attention_pairs(model, x, table)
    which = {"layer": "blocks.1.attention", "head": 0}
    found = explain.attention_pairs(model, x, table, nulls=2, **which)
    assert found["interaction"].between(0, 1).all()
    assert found["interaction"].min() > 0
    assert state_of(model) == before
    again = explain.attention_pairs(model, x, table, nulls=2, batch_size=1, **which)
    pd.testing.assert_frame_equal(found, again, atol=1e-6)


def test_a_model_without_attention_is_refused():
    with pytest.raises(InputError, match="Conv has no attention over positions"):
        explain.attention_pairs(Conv(), encode(["GATTACATGCAC"]), 4)


def test_attention_with_one_query_tells_of_no_pair():
    class Pool(nn.Module):
        def forward(self, x):
            h = x.transpose(1, 2)
            return (torch.softmax(h[..., 2], 1)[..., None] * h).sum(1)[:, :1]

    with pytest.raises(InputError, match="queries that are no positions"):
        explain.attention_pairs(Pool(), encode(["GATTACATGCAC"]), 4)
