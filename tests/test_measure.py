"""How errors are measured."""

import numpy as np
import pytest
from activation_cases import DTYPES, INF, NAN

from course_lib.accuracy import EXACT, errors, exact_values, survey

pytestmark = pytest.mark.usefixtures("fifty_digits")


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_error_is_a_distance_in_the_spacing_of_floats(dtype):
    info = np.finfo(dtype)
    one = exact_values(lambda x: x, [1.0])
    assert errors(np.array([1 + info.eps], dtype), one) == 1
    assert errors(np.array([1 - info.eps / 2], dtype), one) == 0.5
    smallest = exact_values(lambda x: x / 2, [float(info.smallest_subnormal)])
    assert errors(np.array([0.0], dtype), smallest) == 0.5
    huge = exact_values(lambda x: 3 * x, [float(info.max)])
    assert errors(np.array([INF], dtype), huge) == 0
    for wrong in (-INF, NAN, info.max):
        assert errors(np.array([wrong], dtype), huge) == INF
    assert errors(np.array([INF], dtype), one) == INF


def test_a_false_zero_is_called_lost_and_a_true_one_is_not():
    x = np.array([-800.0, -400.0, 1.0])
    exact = exact_values(EXACT["exponential"][0], x)
    assert not survey(np.exp, exact, x).lost
    assert survey(lambda x: np.exp(x) * (x > -300), exact, x).lost


def test_a_result_is_lost_that_is_off_by_a_quarter_of_itself():
    exact = exact_values(lambda x: x, [1.0])
    for factor, lost in [(0.7, True), (0.8, False), (1.2, False), (1.3, True)]:
        assert survey(lambda x, factor=factor: factor * x, exact, np.ones(1)).lost == lost
