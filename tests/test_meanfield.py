"""Mean-field theory: against closed forms, mpmath, and random networks as wide as a test allows."""

from dataclasses import replace
from functools import partial
from math import erfc, exp, inf, log, nan, pi, sqrt

import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from together import together

from course_lib import meanfield
from course_lib.accuracy import EXACT
from course_lib.activations import CATALOGUE
from course_lib.meanfield import (
    chi,
    critical_weight_variance,
    depth_scale,
    expectation,
    fixed_point,
    gain,
    gauss_hermite,
    variance_map,
)

PAIRS = [row for row in CATALOGUE.values() if row.elementwise]
VARIANCES = [1e-12, 1e-6, 1e-3, 0.1, 1.0, 30.0, 1e4, 1e6, 1e8]
ERROR = 2e-13  # what the documentation of `expectation` promises


def by_name(row):
    return row.name


def exact_mean(function, q, kinks):
    """Return E[f(x)] to 20 digits, from pieces of its own."""
    with mp.workdps(20):
        deviation = mp.sqrt(mpf(q))
        far = 13 * deviation
        ends = {deviation * k for k in (0.5, 1, 2, 3, 5, 8, 13)} | {
            mpf(3) ** k for k in range(-1, 12)
        }
        ends = {e for e in ends if e <= far} | {mpf(0)} | {mpf(k) for k in kinks if k <= far}
        ends = sorted(ends | {-e for e in ends})
        density = partial(mp.npdf, mu=0, sigma=deviation)
        return mp.quad(lambda x: function(x) * density(x), ends, method="gauss-legendre")


# ---------------------------------------------------------------------------------------------
# One layer
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["function", "derivative"])
@pytest.mark.parametrize(
    "name", ["tanh", "softsign", "silu", "elu", "mish", "hard_swish", "relu6", "soft_shrink"]
)
def test_moments_of_activations_against_mpmath(name, part):
    row, forward = CATALOGUE[name], part == "function"
    theory = variance_map if forward else chi
    for q in (0.5, 1e7) if name in ("tanh", "softsign", "silu") else (2.0,):
        exact = EXACT[name][not forward]
        mean = float(exact_mean(lambda x, f=exact: f(x) ** 2, q, row.kinks))
        assert abs(theory(name, q) - mean) <= ERROR * mean, f"at variance {q:g}"
        scaled = theory(name, q, weight_variance=1.7, **{"bias_variance": 0.2} if forward else {})
        assert scaled == pytest.approx(1.7 * mean + 0.2 * forward, rel=1e-12)
        keeping = gain(name, keep="activation" if forward else "gradient", variance=q)
        assert keeping == pytest.approx(sqrt((q if forward else 1) / mean), rel=1e-12)


def wide_layer(row, q, width, rng):
    """Return root mean squares around one random layer: pre-activations and gradients."""
    x = rng.normal(0, sqrt(q), (2, width))
    weight = rng.normal(0, 1 / sqrt(width), (width, width))
    after = row.function(x) @ weight
    grad_output = rng.normal(size=(2, width))
    back = (grad_output @ weight.T) * row.derivative(x)
    return np.mean(after**2), np.mean(back**2)


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_a_wide_random_layer_does_what_theory_says(row):
    q = 0.5
    rng = np.random.default_rng(5)
    measured = np.array([wide_layer(row, q, 300, rng) for _ in range(12)])
    expected = np.array([variance_map(row, q), chi(row, q)])
    error = measured.std(axis=0, ddof=1) / sqrt(len(measured))
    assert (abs(measured.mean(axis=0) - expected) <= 4.5 * error + 1e-3 * expected).all()


def test_variances_span_a_plane():
    q, weight, bias = np.array([0.3, 2.0]), np.array([[1.0], [1.7]]), 0.2
    plane = variance_map("relu", q, weight_variance=weight, bias_variance=bias)
    np.testing.assert_allclose(plane, weight * q / 2 + bias, rtol=1e-13)
    np.testing.assert_allclose(
        chi("relu", q, weight_variance=weight), weight * [0.5, 0.5], rtol=1e-13
    )


def test_softplus_and_log_sigmoid_are_mirror_images():
    q = np.array([0.1, 1.0, 10.0])
    np.testing.assert_allclose(variance_map("softplus", q), variance_map("log_sigmoid", q), 1e-13)
    np.testing.assert_allclose(chi("softplus", q), chi("log_sigmoid", q), rtol=1e-13)


def test_selu_keeps_mean_zero_and_variance_one():
    row = CATALOGUE["selu"]
    assert abs(expectation(row.function, 1.0, kinks=row.kinks)) < 1e-12
    assert abs(variance_map(row, 1.0) - 1) < 1e-12
    assert abs(gain(row) - 1) < 1e-12
    assert gain(row, keep="gradient") < 1  # with gain 1, gradients grow


@together("keep", ["activation", "gradient"])
@together("name", ["relu", "leaky_relu", "identity"])
@together("variance", [1e-6, 1.0, 1e6])
def test_gains_forwards_linear_on_each_side_of_zero_are_those_of_pytorch(name, keep, variance):
    expected = torch.nn.init.calculate_gain({"identity": "linear"}.get(name, name))
    assert gain(name, keep=keep, variance=variance) == pytest.approx(expected, rel=1e-13)


def test_other_gains_are_not_those_of_pytorch():
    """PyTorch's 5/3 for tanh, 1 for sigmoid and 3/4 for SELU keep nothing at variance 1."""
    scale, left = CATALOGUE["selu"].derivative(np.array([1.0, 0.0]))
    squared = scale**2 / 2 + left**2 * exp(2) * erfc(sqrt(2)) / 2  # of SELU: E[exp(2x); x < 0]
    gains = {"selu": (1.0, 1 / sqrt(squared))}
    for name in ("tanh", "sigmoid"):
        means = [exact_mean(lambda x, f=f: f(x) ** 2, 1.0, []) for f in EXACT[name]]
        gains[name] = tuple(float(1 / mp.sqrt(mean)) for mean in means)
    for name, exact in gains.items():
        found = gain(name), gain(name, keep="gradient")
        assert found == pytest.approx(exact, rel=1e-12)
        assert min(abs(torch.nn.init.calculate_gain(name) - g) for g in exact) > 0.04


@pytest.mark.parametrize("name", ["gelu", "silu", "mish", "tanh", "softplus", "selu"])
def test_a_variance_stays_with_the_gain_or_leaves(name):
    weight = gain(name) ** 2
    ends = [fixed_point(name, weight_variance=weight, start=start) for start in (0.9, 1.1)]
    stays = name in ("tanh", "softplus", "selu")
    assert ends == (pytest.approx([1, 1], rel=1e-10) if stays else [0, inf])


# ---------------------------------------------------------------------------------------------
# Many layers
# ---------------------------------------------------------------------------------------------


def test_fixed_points_with_a_closed_form():
    assert fixed_point("relu", weight_variance=1.0, bias_variance=0.3) == pytest.approx(0.6)
    assert fixed_point("identity", weight_variance=0.75, bias_variance=1e-9) == pytest.approx(4e-9)
    assert fixed_point("relu", weight_variance=2 - 1e-9, bias_variance=0.1) == pytest.approx(2e8)
    with mp.workdps(30):
        w = mpf("0.1")  # q = w exp(2q)
        exact = -mp.lambertw(-2 * w) / 2
        found = fixed_point("exponential", weight_variance=0.1)
        assert found == pytest.approx(float(exact), rel=1e-11)
        w, b = mpf("1.7"), mpf("0.05")
        exact = mp.findroot(lambda q: w * (1 - mp.exp(-2 * q)) / 2 + b - q, 0.6)
        found = fixed_point("sine", weight_variance=1.7, bias_variance=0.05)
        assert found == pytest.approx(float(exact), rel=1e-12)
        for w in (1e-3, 1.0, 1e6):  # here the map falls
            exact = mp.findroot(lambda q, w=w: w / mp.sqrt(1 + 4 * q) - q, (w / 2) ** (2 / 3))
            found = fixed_point("gaussian", weight_variance=w)
            assert found == pytest.approx(float(exact), rel=1e-12)


ENDS = [
    "identity",
    "relu",
    "sigmoid",
    "tanh",
    "softplus",
    "gelu",
    "sine",
    "gaussian",
    "exponential",
]


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize(("weight", "bias"), [(0.4, 0.1), (1.2, 0.02), (0.1, 0.5)])
def test_the_fixed_point_is_where_iteration_ends(name, weight, bias):
    row = CATALOGUE[name]
    q = 1.0
    for _ in range(60):
        try:
            q = float(variance_map(row, q, weight_variance=weight, bias_variance=bias))
        except OverflowError:
            q = inf
        if q > 1e4:
            break
    found = fixed_point(row, weight_variance=weight, bias_variance=bias)
    if q > 1e4 or (row.name == "identity" and weight > 1):
        assert found == inf
    elif abs(found - q) > 1e-6 * found:  # slow: it must still be on its way
        after = float(variance_map(row, q, weight_variance=weight, bias_variance=bias))
        assert min(abs(after - found), abs(q - found)) < abs(1 - found)
        assert (after - q) * (found - q) > 0
    else:
        assert found == pytest.approx(q, rel=1e-6)


@pytest.mark.parametrize("excess", [1e-2, 1e-4, 1e-6, 1e-9])
def test_tanh_near_criticality_settles_where_its_series_says(excess):
    with mp.workdps(30):  # E[tanh^2] = q - 2 q^2 + 17/3 q^3 - 62/3 q^4 ...
        w = 1 + mpf(excess)
        series = mp.findroot(
            lambda q: 1 / w - 1 + 2 * q - 17 * q**2 / 3 + 62 * q**3 / 3, excess / 2
        )
    found = fixed_point("tanh", weight_variance=float(w))
    assert found == pytest.approx(float(series), rel=max(30 * excess**3, 1e-14 / excess))


def test_variances_that_vanish_stay_or_have_no_bound():
    assert fixed_point("tanh", weight_variance=1.0) == 0.0
    assert fixed_point("tanh", weight_variance=0.3) == 0.0
    assert fixed_point("hard_tanh", weight_variance=1.0) == 0.0
    assert fixed_point("relu", weight_variance=0.0) == 0.0
    assert fixed_point("relu", weight_variance=1.99) == 0.0
    assert fixed_point("relu", weight_variance=2.0) == 1.0
    assert fixed_point("relu", weight_variance=2.0, start=7.5) == 7.5
    assert fixed_point("relu", weight_variance=2.01) == inf
    assert fixed_point("relu", weight_variance=2.0, bias_variance=0.1) == inf
    assert fixed_point("squared_relu", weight_variance=1.0) == inf
    assert fixed_point("exponential", weight_variance=0.2) == inf
    assert fixed_point("tanh", weight_variance=1.5, start=0.0) == 0.0
    assert fixed_point("tanh", weight_variance=0.0, bias_variance=0.25) == pytest.approx(0.25)
    assert fixed_point("sigmoid", weight_variance=1.0, start=0.0) == pytest.approx(
        fixed_point("sigmoid", weight_variance=1.0, start=5.0), rel=1e-13
    )


def test_where_there_are_two_fixed_points_the_start_decides():
    setting = {"weight_variance": 2.3, "bias_variance": 0.05}
    assert fixed_point("gelu", **setting) == inf
    low = fixed_point("gelu", start=0.05, **setting)
    assert 0.05 < low < 0.5
    assert variance_map("gelu", low, **setting) == pytest.approx(low, rel=1e-13)
    assert fixed_point("gelu", start=0.5, **setting) == pytest.approx(low, rel=1e-12)


@pytest.mark.parametrize("start", [0.1, 0.4])
@pytest.mark.parametrize("below", [1e-2, 1e-4, 1e-6])
def test_two_fixed_points_that_nearly_touch_are_not_stepped_over(start, below):
    weight = (1 - below) / (2 * exp(1))  # q = w exp(2q) touches at w = 1/(2e)
    with mp.workdps(30):
        exact = float(-mp.lambertw(-2 * mpf(weight)) / 2)
    found = fixed_point("exponential", weight_variance=weight, start=start)
    assert found == pytest.approx(exact, rel=1e-9)
    assert fixed_point("exponential", weight_variance=1.0001 / (2 * exp(1)), start=start) == inf


def test_depth_scales_with_a_closed_form():
    assert depth_scale("relu", weight_variance=1.0) == pytest.approx(1 / log(2))
    assert depth_scale("relu", weight_variance=2.0) == inf
    assert depth_scale("relu", weight_variance=2.0, bias_variance=0.1) == inf
    assert depth_scale("relu", weight_variance=4.0) == pytest.approx(1 / log(2))  # it explodes
    assert depth_scale("tanh", weight_variance=1.0) == inf
    assert depth_scale("tanh", weight_variance=0.5) == pytest.approx(1 / log(2))
    assert depth_scale("soft_shrink", weight_variance=1.0) == 0.0  # nothing passes
    assert depth_scale("squared_relu", weight_variance=1.0) == 0.0  # nothing holds it
    q = fixed_point("sine", weight_variance=1.3)
    mean_square = 1.3 * (1 + exp(-2 * q)) / 2
    assert depth_scale("sine", weight_variance=1.3) == pytest.approx(1 / log(mean_square))


@pytest.mark.parametrize("number", [np.float32, np.float16, np.array])
def test_numbers_of_other_dtypes_lose_no_digits(number):
    weight = number(1.5)  # a number that all of them hold
    assert depth_scale("sine", weight_variance=weight) == depth_scale("sine", weight_variance=1.5)
    assert type(depth_scale("sine", weight_variance=weight)) is float


def test_a_deep_wide_network_obeys_fixed_point_and_depth_scale():
    width, depth, weight, bias = 800, 25, 3.0, 0.05
    rng = np.random.default_rng(3)
    weights = rng.normal(0, sqrt(weight / width), (depth, width, width))
    layers = [rng.normal(size=(8, width))]
    for w in weights:
        layers.append(np.tanh(layers[-1]) @ w + rng.normal(0, sqrt(bias), width))
    q = fixed_point("tanh", weight_variance=weight, bias_variance=bias)
    assert np.mean(layers[-1] ** 2) == pytest.approx(q, rel=0.1)
    gradient = rng.normal(size=(8, width))
    sizes = []
    for w, x in zip(weights[::-1], layers[:-1][::-1], strict=True):
        gradient = (gradient @ w.T) / np.cosh(x) ** 2
        sizes.append(np.mean(gradient**2))
    exponent = np.polyfit(np.arange(20), np.log(sizes[:20]), 1)[0]
    scale = depth_scale("tanh", weight_variance=weight, bias_variance=bias)
    assert exponent == pytest.approx(1 / scale, rel=0.2)


def test_critical_weight_variances_with_a_closed_form():
    assert critical_weight_variance("relu") == pytest.approx(2, rel=1e-13)
    assert critical_weight_variance("leaky_relu") == pytest.approx(2 / (1 + 1e-4), rel=1e-13)
    assert critical_weight_variance("identity") == pytest.approx(1, rel=1e-13)
    assert critical_weight_variance("tanh") == pytest.approx(1, rel=1e-13)
    assert critical_weight_variance("gaussian") == pytest.approx(1.5 + sqrt(2), rel=1e-11)
    with mp.workdps(30):  # sine: (q - b)(1 + s) = 1 - s with s = exp(-2q)
        b = mpf("0.05")
        q = mp.findroot(lambda q: (q - b) * (1 + mp.exp(-2 * q)) - 1 + mp.exp(-2 * q), 0.5)
        exact = float(2 / (1 + mp.exp(-2 * q)))
    assert critical_weight_variance("sine", bias_variance=0.05) == pytest.approx(exact, rel=1e-10)


def test_the_published_point_of_tanh():
    """Schoenholz et al. (2017) put it at about 1.76 for a bias variance of 0.05."""
    found = critical_weight_variance("tanh", bias_variance=0.05)
    assert found == pytest.approx(1.76, abs=0.005)
    with mp.workdps(20):

        def both(q, w):
            mean = exact_mean(lambda x: mp.tanh(x) ** 2, q, [])
            mean_square = exact_mean(lambda x: mp.sech(x) ** 4, q, [])
            return w * mean + mpf("0.05") - q, w * mean_square - 1

        assert max(abs(r) for r in both(mpf(fixed_point_of(found)), mpf(found))) < 1e-11


def fixed_point_of(weight):
    return fixed_point("tanh", weight_variance=weight, bias_variance=0.05)


WITHOUT = {
    *("softplus", "squareplus", "sparse_plus", "log_sigmoid"),
    *("hard_shrink", "soft_shrink", "tanh_shrink", "squared_relu", "exponential"),
    *("gelu", "gelu_tanh", "quick_gelu", "silu", "swish", "mish", "hard_swish"),
}


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_where_an_edge_is_and_where_none(row):
    if row.name in WITHOUT:
        with pytest.raises(ValueError, match=f"{row.name} has no edge of chaos with bias_variance"):
            critical_weight_variance(row)
    else:
        weight = critical_weight_variance(row)
        q = fixed_point(row, weight_variance=weight)
        assert chi(row, q, weight_variance=weight) == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("name", ["relu6", "hard_tanh", "sigmoid", "elu", "selu", "gaussian"])
def test_below_the_edge_gradients_vanish_and_above_they_grow(name):
    weight = critical_weight_variance(name, bias_variance=0.05)
    below, on, above = (
        chi(name, fixed_point(name, weight_variance=w, bias_variance=0.05), weight_variance=w)
        for w in (0.99 * weight, weight, 1.01 * weight)
    )
    assert below < 1 < above
    assert on == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("bias", [4e5, 6e5, 1e6])
def test_biases_as_large_as_you_like_leave_an_edge(bias):
    # at such a variance E[sin^2] and E[cos^2] are 1/2, so q = b + 1
    assert critical_weight_variance("sine", bias_variance=bias) == pytest.approx(2, rel=1e-10)
    # E[f^2] is 1, and the derivative is 1 with probability sqrt(2 / (pi q)):
    # q = b + sqrt(pi q / 2)
    root = sqrt(pi / 8) + sqrt(pi / 8 + bias)
    found = critical_weight_variance("hard_tanh", bias_variance=bias)
    assert found == pytest.approx(sqrt(pi / 2) * root, rel=2 / root)


def test_where_no_edge_is_found_the_range_is_told():
    for bias, last in ((0.05, r"1e\+06"), (1e7, r"3e\+07")):
        with pytest.raises(ValueError, match=f"at a fixed point up to {last} that is stable"):
            critical_weight_variance("relu", bias_variance=bias)


@pytest.mark.parametrize("name", ["relu", "prelu", "identity", "softplus", "gelu"])
def test_with_biases_relu_and_others_have_no_edge(name):
    with pytest.raises(ValueError, match=rf"{name} has no edge of chaos with bias_variance 0\.05"):
        critical_weight_variance(name, bias_variance=0.05)


@pytest.mark.parametrize("name", ["gelu", "mish", "quick_gelu"])
def test_large_biases_give_gelu_and_others_like_it_an_edge(name):
    weight = critical_weight_variance(name, bias_variance=0.5)
    assert 1.9 < weight < 2
    q = fixed_point(name, weight_variance=weight, bias_variance=0.5)
    assert chi(name, q, weight_variance=weight) == pytest.approx(1, abs=1e-10)


def test_a_variance_below_what_passes_has_no_edge():
    with pytest.raises(ValueError, match="soft_shrink has no edge of chaos"):
        critical_weight_variance("soft_shrink", bias_variance=1e-8)


# ---------------------------------------------------------------------------------------------
# Misuse
# ---------------------------------------------------------------------------------------------

CALLS = {
    "variance_map": lambda a: variance_map(a, 1.0),
    "chi": lambda a: chi(a, 1.0),
    "gain": gain,
    "fixed_point": lambda a: fixed_point(a, weight_variance=1.0),
    "depth_scale": lambda a: depth_scale(a, weight_variance=1.0),
    "critical_weight_variance": critical_weight_variance,
}


@pytest.mark.parametrize("name", CALLS)
def test_only_elementwise_activations_are_accepted(name):
    for other in ("softmax", "glu", CATALOGUE["maxout"]):
        with pytest.raises(ValueError, match=r"works over an axis; .* Expected: identity, relu"):
            CALLS[name](other)
    with pytest.raises(KeyError, match="did you mean 'gelu'"):
        CALLS[name]("geluu")
    assert CALLS[name](CATALOGUE["tanh"]) == CALLS[name]("tanh")


def test_a_row_of_ones_own_is_accepted():
    row = CATALOGUE["leaky_relu"]
    steep = replace(
        row,
        function=partial(row.function, negative_slope=0.5),
        derivative=partial(row.derivative, negative_slope=0.5),
    )
    assert gain(steep) == pytest.approx(sqrt(2 / 1.25), rel=1e-13)


@pytest.mark.parametrize("value", [-1.0, nan, inf, [1.0, -inf]])
def test_bad_variances_are_rejected(value):
    for call in (
        lambda v: expectation(np.cos, v),
        lambda v: gauss_hermite(np.cos, v),
        lambda v: variance_map("tanh", v),
        lambda v: variance_map("tanh", 1.0, weight_variance=v),
        lambda v: variance_map("tanh", 1.0, bias_variance=v),
        lambda v: chi("tanh", v),
        lambda v: gain("tanh", variance=v),
        lambda v: fixed_point("tanh", weight_variance=v),
        lambda v: fixed_point("tanh", weight_variance=1.0, bias_variance=v),
        lambda v: fixed_point("tanh", weight_variance=1.0, start=v),
        lambda v: critical_weight_variance("tanh", bias_variance=v),
    ):
        with pytest.raises(ValueError, match="expected finite numbers from 0 on"):
            call(value)


@pytest.mark.parametrize("value", [True, 1j, "1", None])
def test_what_is_no_number_is_rejected(value):
    for call in (
        lambda v: expectation(np.cos, v),
        lambda v: chi("tanh", 1.0, weight_variance=v),
        lambda v: gain("tanh", variance=v),
        lambda v: fixed_point("tanh", weight_variance=v),
    ):
        with pytest.raises(TypeError, match=r"variance has dtype .*; expected float16"):
            call(value)


def test_what_takes_one_number_rejects_several():
    with pytest.raises(ValueError, match=r"weight_variance has shape \(2,\); expected one"):
        fixed_point("tanh", weight_variance=[1.0, 2.0])


def test_a_gain_says_what_it_can_keep():
    with pytest.raises(KeyError, match="did you mean 'activation'"):
        gain("tanh", keep="activations")
    with pytest.raises(ValueError, match=r"variance is 0\.0; expected a number above 0"):
        gain("tanh", variance=0.0)
    with pytest.raises(ValueError, match="hard_shrink lets no gradient through at variance 1e-06"):
        gain("hard_shrink", keep="gradient", variance=1e-6)


def test_the_documentation_names_every_activation_without_an_edge():
    text = meanfield.critical_weight_variance.__doc__
    for name in WITHOUT - {"gelu_tanh", "quick_gelu", "swish", "hard_swish"}:  # like those named
        assert f"``{name}``" in text
