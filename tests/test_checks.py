"""The checks of arguments: what passes, and what the message says."""

import numpy as np
import pytest

from course_lib import _checks as checks


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), "0.5"])
def test_numbers_come_back_as_floats_and_text_is_none(value, refuses):
    if isinstance(value, str):
        refuses(lambda: checks.as_number("p", value), ValueError, "p is '0.5'; expected a finite")
    else:
        number = checks.as_number("p", value)
        assert (type(number), number) == (float, 0.5)


@pytest.mark.parametrize(
    "value", [True, np.True_, None, np.nan, np.inf, 10**400, [1.0], [[1], [1, 2]], np.ones(1), 1j]
)
def test_what_is_no_finite_number_is_rejected(value, refuses):
    refuses(lambda: checks.as_number("p", value), ValueError, f"p is {value!r}; expected a finite")


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "words"),
    [
        ({"least": 0}, 0, -1, "a finite number from 0 on"),
        ({"above": 0}, 1e-300, 0, "a finite number above 0"),
        ({"most": 1}, 1, 2, "a finite number to 1"),
        ({"least": 0, "most": 1}, 1, 1.5, "a number from 0 to 1"),
        ({"least": 0, "below": 1}, 0, 1, "a number from 0 to below 1"),
        ({"above": 0, "below": 1}, 0.5, 1, "a number between 0 and 1"),
        ({"above": 0, "most": 1}, 1, 0, "a number above 0 to 1"),
    ],
    ids=str,
)
def test_bounds_are_kept_and_told(bounds, inside, outside, words, refuses):
    assert checks.as_number("p", inside, **bounds) == inside
    refuses(
        lambda: checks.as_number("p", outside, **bounds),
        ValueError,
        f"is {outside}; expected {words}",
    )


def test_integers_are_those_of_python_and_numpy(refuses):
    assert checks.as_integer("n", np.int32(3)) == 3
    for value in (3.0, "3", True, None):
        refuses(lambda v=value: checks.as_integer("n", v), TypeError, f"n is {value!r}; expected")


def test_shapes_are_named_with_those_that_fit(refuses):
    arrays = {"0.weight": np.ones(2), "fits": np.ones((1, 3))}
    checks.check_shape(True, "(n,)", **arrays)
    message = "0.weight has shape (2,) and fits has shape (1, 3); expected (n,)"
    refuses(lambda: checks.check_shape(False, "(n,)", **arrays), ValueError, message)


def test_arrays_must_be_arrays_of_one_float_dtype(refuses):
    checks.check_float_arrays(a=np.ones(2), b=np.ones(3))
    refuses(
        lambda: checks.check_float_arrays(a=np.ones(2, int)),
        TypeError,
        "a is int",
        "one float dtype",
    )
    refuses(
        lambda: checks.check_float_arrays(a=np.ones(2), b=np.ones(2, "f4")),
        TypeError, "a is float64 and b is float32",
    )  # fmt: skip
    refuses(
        lambda: checks.check_float_arrays(a=[1.0]), TypeError, "a is a list", "pass np.array(a)"
    )


def test_masked_entries_are_rejected_where_there_are_any(refuses):
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    refuses(lambda: checks.as_array("x", masked), ValueError, "x has masked entries")
    np.testing.assert_array_equal(checks.as_array("x", np.ma.array([1.0])), [1.0])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_found_and_told(wrong, refuses):
    x = np.arange(6.0).reshape(2, 3)
    checks.check_finite("x", x)
    x[1, 2] = wrong
    told = f"x has 1 number that is not finite, the first {wrong} at [1, 2]"
    refuses(lambda: checks.check_finite("x", x), ValueError, told)
    repeated = np.broadcast_to(x, (4, 2, 3))  # looked at once
    refuses(lambda: checks.check_finite("x", repeated), ValueError, "1 number", "at [0, 1, 2]")
