"""Seeds: one for each replica, streams apart from each other and from the data, bad input."""

import numpy as np
import pytest

from course_lib.network import (
    mlp,
    stream,
)


def test_seed_sequences_and_spawned_children_are_seeds():
    children = np.random.SeedSequence(1).spawn(2)
    together = mlp([2, 3], seed=children)
    alone = mlp([2, 3], seed=np.random.SeedSequence(1).spawn(2)[1])
    np.testing.assert_array_equal(together.parameters["0.weight"][1], alone.parameters["0.weight"])


def test_the_global_random_state_is_left_alone():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    mlp([2, 3, 1], seed=range(3))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_dropout_draws_neither_the_weights_nor_the_batches_of_its_seed():
    first = {purpose: stream(5, purpose).random() for purpose in ("weights", "batches", "dropout")}
    assert len(set(first.values())) == 3


BAD = {  # what is done -> error, what was given, what is expected
    "no seeds": (lambda: mlp([2, 3], seed=[]), ValueError, "empty", "one seed for each replica"),
    "seed as text": (lambda: mlp([2, 3], seed="1"), TypeError, "'1'", "an integer from 0 on"),
    "seed as a fraction": (lambda: mlp([2, 3], seed=0.5), TypeError, "0.5", "SeedSequence"),
    "seed below 0": (lambda: mlp([2, 3], seed=[1, -1]), ValueError, "seed is -1", "from 0 on"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
