"""What answers of a home are worth: planted differences are found, faithful answers pass."""

import atlas_judging
import atlas_points
import numpy as np
import pytest
from atlas_points import DTYPES

from course_lib import activations

POINTS = atlas_points.points()


def answer(values):
    """Return values as the probe writes them."""
    values = np.asarray(values, dtype=np.float64)
    return {"shape": values.shape, "numbers": [float(v).hex() for v in values.ravel()]}


def judged(name, function, dtype="float32", slope=None):
    """Return the verdicts on a function that a home might have, rounded to the dtype."""
    x = POINTS[dtype]["row"]
    slope = slope or activations.CATALOGUE[name].derivative
    answers = {
        "values": answer(atlas_points.rounded(function(x), dtype)),
        "slopes": answer(atlas_points.rounded(slope(x), dtype)),
    }
    return atlas_judging.judged(name, dtype, answers, x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [n for n, row in activations.CATALOGUE.items() if row.elementwise])
def test_the_catalogue_is_the_same_as_itself(name, dtype):
    found = judged(name, activations.CATALOGUE[name].function, dtype)
    for asked in ("values", "slopes"):
        assert found[asked]["verdict"] == "same"
        assert not {"ends", "subnormals", "zero from", "one from", "falls at", "is"} & set(
            found[asked]
        )


@pytest.mark.parametrize("slope", [0.2, 0.25, 0.3])
def test_another_slope_is_another_function_and_is_named(slope):
    found = judged("leaky_relu", lambda x: activations.leaky_relu(x, negative_slope=slope))
    assert found["values"]["verdict"] == "different function"
    assert found["values"]["is"] == f"leaky_relu({slope})"
    assert found["values"]["at"] == -500


def test_the_other_form_of_gelu_is_named():
    assert judged("gelu", activations.gelu_tanh)["values"]["is"] == "gelu_tanh"
    assert judged("gelu_tanh", activations.gelu)["values"]["is"] == "gelu"


def test_a_sigmoid_that_ends_too_early_is_the_same_but_for_rounding_and_says_from_where():
    early = judged("sigmoid", lambda x: np.where(x < -18, 0, activations.sigmoid(x)))["values"]
    assert early["verdict"] == "same but for rounding"
    assert -18.1 < early["zero from"] < -18


def test_a_function_that_falls_where_it_should_rise_says_where():
    def bent(x):
        return np.where(np.abs(x - 5) < 0.1, 0.99, activations.sigmoid(x))

    assert 4.85 < judged("sigmoid", bent)["values"]["falls at"] < 5.2


def test_what_becomes_of_nan_infinity_and_subnormal_numbers_is_told_apart():
    def flushed(x):
        relu = np.where(np.isnan(x), 0, activations.relu(x))
        return np.where(np.abs(x) < 1e-38, 0, relu)

    found = judged("relu", flushed)["values"]
    assert found["verdict"] == "same"
    assert found["ends"] == {"nan": ["0.0", "nan"]}
    assert found["subnormals"] == "become 0"
    lost = judged("silu", lambda x: np.where(x == -np.inf, np.nan, activations.silu(x)))["values"]
    assert lost["verdict"] == "same" and lost["ends"] == {"-inf": ["nan", "0.0"]}


def test_slopes_at_a_kink_decide_nothing_and_are_told():
    def one_at_0(x):
        return np.where(x == 0, 1, activations.relu_grad(x))

    found = judged("relu", activations.relu, slope=one_at_0)["slopes"]
    assert found["verdict"] == "same" and found["kinks"] == {"0": "1.0"}


def test_a_function_that_breaks_far_out_says_where():
    def root(x):
        with np.errstate(all="ignore"):
            single = x.astype(np.float32)
            return ((single + np.sqrt(single * single + np.float32(4))) / 2).astype(float)

    found = judged("squareplus", root)["values"]
    assert abs(found["breaks from"]) > 500


def test_constants_of_single_precision_are_seen_in_double_precision():
    sixth = float(np.float32(1 / 6))
    found = judged("hard_sigmoid", lambda x: np.clip(x * sixth + 0.5, 0, 1), "float64")["values"]
    assert found["verdict"] == "different function" and found["difference"] < 1e-7


def test_an_error_is_a_verdict():
    answers = {"values": {"error": "no"}, "slopes": {"error": "no gradients"}}
    found = atlas_judging.judged("relu", "float32", answers, POINTS["float32"]["row"])
    assert found["slopes"] == {"verdict": "refused", "error": "no gradients"}


def test_an_error_names_no_place_of_the_machine():
    told = "could not be made./home/me/lib/python3/site.py:12: in f, see https://a.b/c/d"
    answers = {"values": {"error": told}, "slopes": {"error": "1/2 of x/y"}}
    found = atlas_judging.judged("relu", "float32", answers, POINTS["float32"]["row"])
    assert found["values"]["error"] == "could not be made....: in f, see https://a.b/c/d"
    assert found["slopes"]["error"] == "1/2 of x/y"


def test_functions_of_rows_are_judged_row_by_row():
    x = POINTS["float32"]["rows"]

    def judge(values):
        nothing = {"error": ""}
        return atlas_judging.judged("softmax", "float32", {"values": answer(values),
                                    "slopes": nothing}, x)["values"]  # fmt: skip

    with np.errstate(all="ignore"):
        assert judge(activations.softmax(x))["verdict"] == "same"
        assert judge(activations.softmax(x, axis=0))["verdict"] == "different function"
        assert "shape" in judge(activations.softmax(x)[:, :2])["difference"]


def test_probes_are_numbers_of_their_dtype_with_both_zeros_and_what_is_not_finite():
    for dtype, inputs in POINTS.items():
        x = inputs["row"]
        same = atlas_points.rounded(x, dtype)
        np.testing.assert_array_equal(x, same)
        probes = atlas_points.probes(dtype)
        assert np.isnan(probes).sum() == 1 and np.isinf(probes).sum() == 2
        assert sorted(np.signbit(probes[probes == 0])) == [False, True]
        sweep = x[len(probes) :]
        assert np.all(np.diff(sweep) > 0)


def test_the_answer_stands_beside_the_true_value():
    found = judged("leaky_relu", lambda x: activations.leaky_relu(x, negative_slope=0.2))["values"]
    assert (found["gave"], found["instead of"]) == ("-100.0", "-5.0")
    lost = judged("silu", lambda x: np.where(x == -20, np.nan, activations.silu(x)))["values"]
    assert (lost["at"], lost["gave"], lost["instead of"]) == (-20, "nan", "-4.122307e-08")


def test_a_matrix_names_the_row_and_the_column():
    x = atlas_points.rounded(atlas_points.ROWS, "float32")
    y = activations.softmax(x, axis=-1)
    y[1, 2] += 0.5
    answers = {"values": answer(y), "slopes": {"error": "none"}}
    found = atlas_judging.judged("softmax", "float32", answers, POINTS["float32"]["row"])["values"]
    assert (found["at row"], found["at column"], found["difference"]) == (1, 2, 0.5)
    assert abs(float(found["gave"]) - float(found["instead of"]) - 0.5) < 1e-6


def test_an_answer_beyond_all_values_of_a_function_is_told():
    beyond = judged("tanh", lambda x: np.where(x > 9, 1 + 2**-22, np.tanh(x)))["values"]
    assert beyond["verdict"] == "same but for rounding" and 9 < beyond["leaves range at"] < 9.1
    below = judged("softplus", lambda x: activations.softplus(x) - (x < -20) * 1e-6)["values"]
    assert -20.1 < below["leaves range at"] < -20
    assert "leaves range at" not in judged("gelu", activations.gelu_tanh)["values"]


def test_a_float64_that_is_computed_in_float32_is_told():
    def single(x):
        return activations.silu(np.asarray(x, dtype=np.float32)).astype(np.float64)

    assert judged("silu", single, "float64")["values"]["as good as"] == "float32"
    other = judged("silu", lambda x: activations.silu(x) + 1e-3, "float64")["values"]
    close = judged("silu", lambda x: activations.silu(x) * (1 + 1e-13), "float64")["values"]
    assert {other["verdict"], close["verdict"]} == {"different function"}
    assert "as good as" not in other and "as good as" not in close
