"""The rows of the tables in the reference of the activations."""

import pytest
from activation_table import ends, math, names, signed

from course_lib.activations import CATALOGUE


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("x^2", "$x^2$"),
        (r"x / (1 + |x|)", r"$x / (1 + \vert x\vert )$"),
        (r"\sigma(w), \; w = 2x", r"$\sigma(w),$ $w = 2x$"),
        (r"1/k, \text{ else } 0; \; k = 2", r"$1/k, \text{ else } 0;$ $k = 2$"),
    ],
)
def test_a_formula_fits_a_table_and_breaks_between_its_parts(formula, shown):
    assert math(formula) == shown


def test_a_name_that_a_framework_lacks_is_a_dash():
    row = names(CATALOGUE["relu"])
    assert row[0] == "{py:func}`relu <course_lib.activations.relu>`" and "–" not in row
    lacking = [row for row in map(names, CATALOGUE.values()) if "–" in row]
    assert lacking


def test_limits_are_told_once_for_each_group_of_libraries():
    rows = [(row[0], row[2], row[3]) for row in ends()]
    assert len(rows) == len(set(rows)) < 20
    (row,) = (row for row in ends() if "`mish" in row[0])
    assert row[1].replace("\u00a0", " ") == "value 0 at −∞, slope 0 at −∞, slope 1 at ∞"
    assert row[2:] == ["NaN", "PyTorch, JAX, Keras"]


@pytest.mark.parametrize(("number", "shown"), [("-inf", "−∞"), ("nan", "NaN"), ("-0.5", "−0.5")])
def test_numbers_have_signs_of_print(number, shown):
    assert signed(number) == shown
