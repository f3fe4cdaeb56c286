import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cisgram.core.seeds import derive, generator

keys = st.lists(st.one_of(st.integers(-(2**40), 2**40), st.text(max_size=8)), max_size=4)


@given(st.integers(0, 2**63 - 1), keys)
def test_a_derived_seed_is_a_pure_function_that_any_library_accepts(seed, more):
    assert derive(seed, *more) == derive(seed, *more)
    assert 0 <= derive(seed, *more) < 2**63


@given(st.integers(0, 2**63 - 1), keys, keys)
def test_other_keys_give_another_stream(seed, one, other):
    same = [(type(k), k) for k in one] == [(type(k), k) for k in other]
    assert (derive(seed, *one) == derive(seed, *other)) == same


def test_a_number_and_its_text_are_different_keys_and_so_are_joined_ones():
    assert derive(0, 1) != derive(0, "1")
    assert derive(0, "a", "b") != derive(0, "ab")
    assert derive(0, 1, 2) != derive(0, 12)


def test_another_process_draws_the_same():
    code = "from cisgram.core.seeds import derive; print(derive(7, 'dropout', 3))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == derive(7, "dropout", 3)


def test_a_stream_is_the_same_each_time_and_its_own_for_each_purpose():
    first = generator(0, "shuffle", 1).integers(0, 2**32, 100)
    assert np.array_equal(first, generator(0, "shuffle", 1).integers(0, 2**32, 100))
    assert not np.array_equal(first, generator(0, "shuffle", 2).integers(0, 2**32, 100))


def test_a_generator_is_used_as_it_is_and_none_is_fresh():
    given_one = np.random.default_rng(0)
    assert generator(given_one, "ignored") is given_one
    assert generator(None).integers(0, 2**62) != generator(None).integers(0, 2**62)


def test_numpy_integers_are_seeds_too():
    assert derive(np.int64(5), "a") == derive(5, "a")
