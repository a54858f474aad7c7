"""The exact values themselves: derivatives against differences, and one for every row."""

import pytest
from activation_cases import ELEMENTWISE
from mpmath import mp, mpf
from together import together

from course_lib.accuracy import EXACT, EXACT_ROWS
from course_lib.activations import CATALOGUE

pytestmark = pytest.mark.usefixtures("fifty_digits")


@pytest.mark.parametrize("name", ELEMENTWISE)
@together("x", [-3.1, -0.7, 0.4, 2.0, 5.0])
def test_the_exact_derivatives_are_those_of_the_exact_functions(name, x):
    function, derivative = EXACT[name]
    assert mp.almosteq(mp.diff(function, mpf(x)), derivative(mpf(x)), 1e-20, 1e-20)


def test_every_row_has_an_oracle():
    assert set(EXACT) == set(ELEMENTWISE)


def test_every_row_over_an_axis_has_an_oracle():
    assert set(EXACT_ROWS) == {row.name for row in CATALOGUE.values() if not row.elementwise}
