"""The functions of other libraries and of textbooks, in the form in which they are compared."""

from functools import cache

import numpy as np
import pytest
from activation_cases import ELEMENTWISE, PAIRS, by_name
from mpmath import mpf

from course_lib.accuracy import EXACT
from course_lib.accuracy.peers import PEERS, TEXTBOOK

pytestmark = pytest.mark.usefixtures("fifty_digits")


@pytest.mark.parametrize("name", TEXTBOOK)
def test_the_textbooks_formulas_are_the_functions_where_nothing_goes_wrong(name):
    x = np.linspace(-3, 3, 25)
    for function, exact in zip(TEXTBOOK[name], EXACT[name], strict=True):
        np.testing.assert_allclose(function(x), [float(exact(mpf(u))) for u in x], rtol=1e-11)


@cache
def exact_at(name, part, places):
    """Return exact values, which the libraries share."""
    return [float(EXACT[name][part](mpf(u))) for u in places]


@pytest.mark.parametrize("library", PEERS)
def test_peers_are_the_functions_where_nothing_goes_wrong(library):
    x = np.linspace(-3.1, 3, 25)
    for name in ELEMENTWISE:
        if pair := PEERS[library](name):
            for part, function in enumerate(pair):
                values = exact_at(name, part, tuple(x.tolist()))
                np.testing.assert_allclose(function(x), values, rtol=1e-7, atol=1e-12)
                assert function(x.astype(np.float32)).dtype == np.float32


JAX_AT_KINKS = {  # where the docstrings say that JAX differs, and where not
    "relu": [0],
    "leaky_relu": [1],
    "prelu": [1],
    "relu6": [0, 0],
    "hard_tanh": [1, 1],
    "hard_sigmoid": [0, 0],
    "sparse_sigmoid": [0.25, 0.25],
    "hard_swish": [0, 1],
    "selu": [1.7580993408473768],
}


@pytest.mark.parametrize("row", [r for r in PAIRS if r.kinks and r.jax], ids=by_name)
def test_the_conventions_of_jax_are_those_that_the_docstrings_tell(row):
    if (pair := PEERS["JAX"](row.name)) is None:
        pytest.skip("needs jax")
    np.testing.assert_allclose(pair[1](np.array(row.kinks)), JAX_AT_KINKS[row.name], rtol=1e-7)


def test_the_derivative_of_pytorchs_hard_sigmoid_is_that_of_float32_in_float64_too():
    derivative = PEERS["PyTorch"]("hard_sigmoid")[1](np.zeros(1))
    assert derivative == np.float64(np.float32(1 / 6))
