import dataclasses

import pytest
import torch

from cisgram.core.results import Attribution, Effects
from cisgram.seq import encode


def test_an_attribution_keeps_only_the_bases_that_are_there():
    values = torch.arange(16.0).reshape(1, 4, 4)  # base b at position i scores 4 b + i
    found = Attribution(values, encode(["TGAN"]), method="by_hand")
    assert found.per_position.tolist() == [[12.0, 9.0, 2.0, 0.0]]
    assert found.observed.sum() == 23
    assert found.delta is None


def test_a_result_cannot_be_changed_afterwards():
    found = Attribution(torch.zeros(1, 4, 2), encode(["AC"]), method="by_hand")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.method = "other"


def test_the_change_of_an_edit_is_after_minus_before():
    found = Effects(torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 1.0], [2.0, 0.0]]), ("a", "b"))
    assert found.change.tolist() == [[2.0, 0.0], [0.0, -2.0]]
