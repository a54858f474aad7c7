"""The order of the examples: each once in an epoch, and new in each epoch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.training import epoch_batches
from course_lib.training.batches import Batches


@given(n=st.integers(1, 60), size=st.one_of(st.none(), st.integers(1, 70)), seed=st.integers(0, 9))
def test_an_epoch_holds_each_example_once(n, size, seed):
    batches = list(epoch_batches(n, size, np.random.default_rng(seed)))
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert all(len(batch) == (size or n) for batch in batches[:-1])


def test_the_order_is_new_in_each_epoch_and_repeats_with_the_seed():
    rng = np.random.default_rng(0)
    first, second = (np.concatenate(list(epoch_batches(50, 8, rng))) for _ in range(2))
    again = np.concatenate(list(epoch_batches(50, 8, np.random.default_rng(0))))
    assert (first != second).any()
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("seeds", [[3], [3, 4]], ids=["one order", "one for each"])
@pytest.mark.parametrize("skipped", [0, 2])
def test_after_a_skip_come_the_batches_of_the_next_epoch(seeds, skipped):
    batches, twin = Batches(7, 3, seeds), Batches(7, 3, seeds)
    epochs = [list(batches.epoch()) for _ in range(skipped + 1)]
    twin.skip(skipped)
    for expected, index in zip(epochs[-1], twin.epoch(), strict=True):
        np.testing.assert_array_equal(index, expected)
