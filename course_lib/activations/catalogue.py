"""The table of all activations: what is known about each, and its names elsewhere.

The table is the gallery in the book, the parametrization of the tests, and the index of this
package.
"""

import ast
from collections.abc import Mapping
from math import sqrt
from types import MappingProxyType
from typing import Any

from course_lib import _constants
from course_lib._checks import function_instead, parse_call, unknown_name
from course_lib.activations import (
    groups,
    hard,
    rectifiers,
    self_gated,
    sigmoids,
    simplex,
    soft_rectifiers,
    softmax_family,
    waves,
)
from course_lib.activations.activation import Activation
from course_lib.activations.parameters import Fixed, with_parameters

__all__ = ["CATALOGUE", "get", "spelled_out"]

_INF = float("inf")


_ROWS = (
    # ReLU and its relatives
    Activation(
        name="identity",
        function=rectifiers.identity,
        derivative=rectifiers.identity_grad,
        formula=r"x",
        derivative_formula=r"1",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.0,
        ulps=(0, 0),
        source="rosenblatt1958perceptron",
        pytorch="Identity",
        jax="identity",
        keras="linear",
        tensorflow="identity",
    ),
    Activation(
        name="relu",
        function=rectifiers.relu,
        derivative=rectifiers.relu_grad,
        formula=r"\max(0, x)",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } 0",
        range=(0, _INF),
        lipschitz=1,
        monotonic=True,
        gain=sqrt(2),
        ulps=(0, 0),
        source="fukushima1969visual",
        kinks=(0.0,),
        kink_derivatives=(0.0,),
        pytorch="ReLU",
        jax="relu",
        keras="relu",
        tensorflow="nn.relu",
    ),
    Activation(
        name="leaky_relu",
        function=rectifiers.leaky_relu,
        derivative=rectifiers.leaky_relu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } s\,x",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } s",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.4141428569978354,
        ulps=(0.5, 0),
        source="maas2013rectifier",
        kinks=(0.0,),
        kink_derivatives=(0.01,),
        pytorch="LeakyReLU",
        jax="leaky_relu",
        keras="leaky_relu(negative_slope=0.01)",
        tensorflow="nn.leaky_relu(alpha=0.01)",
    ),
    Activation(
        name="prelu",
        function=rectifiers.prelu,
        derivative=rectifiers.prelu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } s\,x",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } s",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.3719886811400708,
        ulps=(0.5, 0),
        source="he2015delving",
        kinks=(0.0,),
        kink_derivatives=(0.25,),
        pytorch="PReLU",
        jax="leaky_relu(negative_slope=0.25)",
        keras="leaky_relu(negative_slope=0.25)",
        tensorflow="nn.leaky_relu(alpha=0.25)",
    ),
    Activation(
        name="rrelu",
        function=rectifiers.rrelu,
        derivative=rectifiers.rrelu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } s\,x, \; s \sim U(l, u)",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } s",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.378479664546057,
        ulps=(2, 0.5),
        source="xu2015empirical",
        kinks=(0.0,),
        kink_derivatives=((1 / 8 + 1 / 3) / 2,),
        pytorch="RReLU",
    ),
    Activation(
        name="threshold",
        function=rectifiers.threshold,
        derivative=rectifiers.threshold_grad,
        formula=r"x \text{ if } x > \theta, \text{ else } v",
        derivative_formula=r"1 \text{ if } x > \theta, \text{ else } 0",
        range=(0, _INF),
        lipschitz=1,  # where it does not jump
        monotonic=True,
        gain=sqrt(2),
        ulps=(0, 0),
        source="collobert2011torch7",
        kinks=(0.0,),
        kink_derivatives=(0.0,),
        pytorch="Threshold(threshold=0, value=0)",
        keras="threshold(threshold=0, default_value=0)",
    ),
    Activation(
        name="relu6",
        function=rectifiers.relu6,
        derivative=rectifiers.relu6_grad,
        formula=r"\min(\max(0, x), 6)",
        derivative_formula=r"1 \text{ if } 0 < x < 6, \text{ else } 0",
        range=(0, 6),
        lipschitz=1,
        monotonic=True,
        gain=1.4142135650950736,
        ulps=(0, 0),
        source="krizhevsky2010convolutional",
        kinks=(0.0, 6.0),
        kink_derivatives=(0.0, 0.0),
        pytorch="ReLU6",
        jax="relu6",
        keras="relu6",
        tensorflow="nn.relu6",
    ),
    Activation(
        name="hard_tanh",
        function=hard.hard_tanh,
        derivative=hard.hard_tanh_grad,
        formula=r"\max(-1, \min(x, 1))",
        derivative_formula=r"1 \text{ if } |x| < 1, \text{ else } 0",
        range=(-1, 1),
        lipschitz=1,
        monotonic=True,
        gain=1.3920361404483097,
        ulps=(0, 0),
        source="collobert2004large",
        kinks=(-1.0, 1.0),
        kink_derivatives=(0.0, 0.0),
        pytorch="Hardtanh",
        jax="hard_tanh",
        keras="hard_tanh",
    ),
    Activation(
        name="hard_sigmoid",
        function=hard.hard_sigmoid,
        derivative=hard.hard_sigmoid_grad,
        formula=r"\max(0, \min((x + 3)/6, 1))",
        derivative_formula=r"\tfrac16 \text{ if } |x| < 3, \text{ else } 0",
        range=(0, 1),
        lipschitz=1 / 6,
        monotonic=True,
        gain=1.897840424729559,
        ulps=(1.5, 0.5),
        source="howard2019searching",
        kinks=(-3.0, 3.0),
        kink_derivatives=(0.0, 0.0),
        pytorch="Hardsigmoid",
        jax="hard_sigmoid",
        keras="hard_sigmoid",
    ),
    Activation(
        name="sparse_sigmoid",
        function=hard.sparse_sigmoid,
        derivative=hard.sparse_sigmoid_grad,
        formula=r"\max(0, \min((x + 1)/2, 1))",
        derivative_formula=r"\tfrac12 \text{ if } |x| < 1, \text{ else } 0",
        range=(0, 1),
        lipschitz=1 / 2,
        monotonic=True,
        gain=1.6243215587888256,
        ulps=(0.5, 0),
        source="martins2016softmax",
        kinks=(-1.0, 1.0),
        kink_derivatives=(0.0, 0.0),
        jax="sparse_sigmoid",
        keras="sparse_sigmoid",
    ),
    Activation(
        name="hard_shrink",
        function=hard.hard_shrink,
        derivative=hard.hard_shrink_grad,
        formula=r"x \text{ if } |x| > \lambda, \text{ else } 0",
        derivative_formula=r"1 \text{ if } |x| > \lambda, \text{ else } 0",
        range=(-_INF, _INF),
        lipschitz=_INF,  # it jumps
        monotonic=True,
        gain=1.015796354719734,
        ulps=(0, 0),
        source="donoho1994ideal",
        kinks=(-0.5, 0.5),
        kink_derivatives=(0.0, 0.0),
        pytorch="Hardshrink",
        keras="hard_shrink",
    ),
    Activation(
        name="soft_shrink",
        function=hard.soft_shrink,
        derivative=hard.soft_shrink_grad,
        formula=r"\mathrm{sign}(x)\,\max(0, |x| - \lambda)",
        derivative_formula=r"1 \text{ if } |x| > \lambda, \text{ else } 0",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.5443605282801334,
        ulps=(0.5, 0),
        source="donoho1995denoising",
        kinks=(-0.5, 0.5),
        kink_derivatives=(0.0, 0.0),
        pytorch="Softshrink",
        keras="soft_shrink",
    ),
    Activation(
        name="squared_relu",
        function=rectifiers.squared_relu,
        derivative=rectifiers.squared_relu_grad,
        formula=r"\max(0, x)^2",
        derivative_formula=r"2 \max(0, x)",
        range=(0, _INF),
        lipschitz=_INF,
        monotonic=True,
        gain=0.816496580927726,
        ulps=(0.5, 0),
        source="so2021primer",
    ),
    Activation(
        name="hard_swish",
        function=hard.hard_swish,
        derivative=hard.hard_swish_grad,
        formula=r"x \max(0, \min((x + 3)/6, 1))",
        derivative_formula=r"\tfrac{2x + 3}{6} \text{ if } |x| < 3, \text{ else } 0 \text{ or } 1",
        range=(-3 / 8, _INF),
        lipschitz=3 / 2,
        monotonic=False,
        gain=1.7366572127665416,
        ulps=(2.5, 1.5),
        source="howard2019searching",
        kinks=(-3.0, 3.0),
        kink_derivatives=(0.0, 1.0),
        pytorch="Hardswish",
        jax="hard_swish",
        keras="hard_swish",
    ),
    Activation(
        name="sparse_plus",
        function=hard.sparse_plus,
        derivative=hard.sparse_plus_grad,
        formula=r"0, \; (x + 1)^2/4, \; x",
        derivative_formula=r"\max(0, \min((x + 1)/2, 1))",
        range=(0, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.3803368628588104,
        ulps=(1.5, 0.5),
        source="martins2016softmax",
        jax="sparse_plus",
        keras="sparse_plus",
    ),
    # sigmoids
    Activation(
        name="sigmoid",
        function=sigmoids.sigmoid,
        derivative=sigmoids.sigmoid_grad,
        formula=r"\frac{1}{1 + e^{-x}}",
        derivative_formula=r"\sigma(x)\,(1 - \sigma(x))",
        range=(0, 1),
        lipschitz=1 / 4,
        monotonic=True,
        gain=1.8462285453386054,
        ulps=(3, 3),
        rests_on=("exp",),
        source="verhulst1845recherches",
        pytorch="Sigmoid",
        jax="sigmoid",
        keras="sigmoid",
        tensorflow="nn.sigmoid",
    ),
    Activation(
        name="log_sigmoid",
        function=sigmoids.log_sigmoid,
        derivative=sigmoids.log_sigmoid_grad,
        formula=r"\log \sigma(x)",
        derivative_formula=r"\sigma(-x)",
        range=(-_INF, 0),
        lipschitz=1,
        monotonic=True,
        gain=1.0418668355353018,
        ulps=(2, 3),
        rests_on=("exp", "log1p"),
        source="cox1958regression",
        pytorch="LogSigmoid",
        jax="log_sigmoid",
        keras="log_sigmoid",
        tensorflow="math.log_sigmoid",
    ),
    Activation(
        name="tanh",
        function=sigmoids.tanh,
        derivative=sigmoids.tanh_grad,
        formula=r"\frac{e^x - e^{-x}}{e^x + e^{-x}}",
        derivative_formula=r"1 - \tanh^2 x",
        range=(-1, 1),
        lipschitz=1,
        monotonic=True,
        gain=1.5925374197228315,
        ulps=(2.5, 3),
        rests_on=("exp", "tanh"),
        source="lecun1998efficient",
        pytorch="Tanh",
        jax="tanh",
        keras="tanh",
        tensorflow="nn.tanh",
    ),
    Activation(
        name="lecun_tanh",
        function=sigmoids.lecun_tanh,
        derivative=sigmoids.lecun_tanh_grad,
        formula=r"1.7159 \tanh(2x/3)",
        derivative_formula=r"1.7159 \cdot \tfrac23 (1 - \tanh^2(2x/3))",
        range=(-1.7159, 1.7159),
        lipschitz=1.7159 * 2 / 3,
        monotonic=True,
        gain=1.1543694539761429,
        ulps=(2.5, 2.5),
        rests_on=("exp",),
        source="lecun1998efficient",
    ),
    Activation(
        name="softsign",
        function=sigmoids.softsign,
        derivative=sigmoids.softsign_grad,
        formula=r"\frac{x}{1 + |x|}",
        derivative_formula=r"\frac{1}{(1 + |x|)^2}",
        range=(-1, 1),
        lipschitz=1,
        monotonic=True,
        gain=2.3375333631085398,
        ulps=(2, 3.5),
        source="bergstra2009quadratic",
        pytorch="Softsign",
        jax="soft_sign",
        keras="softsign",
        tensorflow="nn.softsign",
    ),
    Activation(
        name="tanh_shrink",
        function=sigmoids.tanh_shrink,
        derivative=sigmoids.tanh_shrink_grad,
        formula=r"x - \tanh x",
        derivative_formula=r"\tanh^2 x",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=2.3383675301021216,
        ulps=(2.5, 3),
        rests_on=("exp", "tanh"),
        source="collobert2011torch7",
        pytorch="Tanhshrink",
        keras="tanh_shrink",
    ),
    # soft versions of ReLU
    Activation(
        name="softplus",
        function=soft_rectifiers.softplus,
        derivative=soft_rectifiers.softplus_grad,
        formula=r"\log(1 + e^{\beta x})/\beta",
        derivative_formula=r"\sigma(\beta x)",
        range=(0, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.0418668355353018,
        ulps=(4, 3),
        rests_on=("exp", "log1p"),
        source="dugas2001incorporating",
        pytorch="Softplus",
        jax="softplus",
        keras="softplus",
        tensorflow="nn.softplus",
    ),
    Activation(
        name="squareplus",
        function=soft_rectifiers.squareplus,
        derivative=soft_rectifiers.squareplus_grad,
        formula=r"\tfrac12 (x + \sqrt{x^2 + b})",
        derivative_formula=r"\tfrac12 (1 + x/\sqrt{x^2 + b})",
        range=(0, _INF),
        lipschitz=1,
        monotonic=True,
        gain=0.816496580927726,
        ulps=(2, 4),
        source="barron2021squareplus",
        jax="squareplus",
        keras="squareplus",
    ),
    Activation(
        name="elu",
        function=soft_rectifiers.elu,
        derivative=soft_rectifiers.elu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } \alpha (e^x - 1)",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } \alpha e^x",
        range=(-1, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.2451983007007066,
        ulps=(2, 3),
        rests_on=("exp", "expm1"),
        source="clevert2016fast",
        pytorch="ELU",
        jax="elu",
        keras="elu",
        tensorflow="nn.elu",
    ),
    Activation(
        name="celu",
        function=soft_rectifiers.celu,
        derivative=soft_rectifiers.celu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } \alpha (e^{x/\alpha} - 1)",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } e^{x/\alpha}",
        range=(-1, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.2451983007007066,
        ulps=(3, 2.5),
        rests_on=("exp", "expm1"),
        source="barron2017continuously",
        pytorch="CELU",
        jax="celu",
        keras="celu",
    ),
    Activation(
        name="selu",
        function=soft_rectifiers.selu,
        derivative=soft_rectifiers.selu_grad,
        formula=r"\lambda x \text{ if } x > 0, \text{ else } \lambda \alpha (e^x - 1)",
        derivative_formula=r"\lambda \text{ if } x > 0, \text{ else } \lambda \alpha e^x",
        range=(-_constants.SELU_PRODUCT, _INF),
        lipschitz=_constants.SELU_PRODUCT,  # just below 0
        monotonic=True,
        gain=1.0,
        ulps=(2.5, 3),
        rests_on=("exp", "expm1"),
        source="klambauer2017self",
        kinks=(0.0,),
        kink_derivatives=(_constants.SELU_PRODUCT,),
        pytorch="SELU",
        jax="selu",
        keras="selu",
        tensorflow="nn.selu",
    ),
    # the input times a gate
    Activation(
        name="gelu",
        function=self_gated.gelu,
        derivative=self_gated.gelu_grad,
        formula=r"x\,\Phi(x)",
        derivative_formula=r"\Phi(x) + x\,\varphi(x)",
        range=(_constants.GELU_MINIMUM, _INF),
        lipschitz=_constants.GELU_LIPSCHITZ,  # at sqrt(2), where gelu'' is 0
        monotonic=False,
        gain=1.5335304411955353,
        ulps=(2, 1.5),
        source="hendrycks2016gaussian",
        pytorch="GELU",
        jax="gelu(approximate=False)",
        keras="gelu",
        tensorflow="nn.gelu",
    ),
    Activation(
        name="gelu_tanh",
        function=self_gated.gelu_tanh,
        derivative=self_gated.gelu_tanh_grad,
        formula=r"\tfrac x2 (1 + \tanh(\sqrt{2/\pi}\,(x + 0.044715\,x^3)))",
        derivative_formula=(
            r"\sigma(w)\,(1 + x\,w'\,(1 - \sigma(w))), \; w = 2\sqrt{2/\pi}\,(x + 0.044715\,x^3)"
        ),
        range=(_constants.GELU_TANH_MINIMUM, _INF),
        lipschitz=_constants.GELU_TANH_LIPSCHITZ,
        monotonic=False,
        gain=1.533580521666147,
        ulps=(2, 3),
        source="hendrycks2016gaussian",
        pytorch="GELU(approximate='tanh')",
        jax="gelu",
        keras="gelu(approximate=True)",
        tensorflow="nn.gelu(approximate=True)",
    ),
    Activation(
        name="quick_gelu",
        function=self_gated.quick_gelu,
        derivative=self_gated.quick_gelu_grad,
        formula=r"x\,\sigma(1.702\,x)",
        derivative_formula=r"\sigma(w)\,(1 + w\,(1 - \sigma(w))), \; w = 1.702\,x",
        range=(_constants.QUICK_GELU_MINIMUM, _INF),
        lipschitz=_constants.SILU_LIPSCHITZ,
        monotonic=False,
        gain=1.5394587622988314,
        ulps=(2, 1.5),
        source="hendrycks2016gaussian",
    ),
    Activation(
        name="silu",
        function=self_gated.silu,
        derivative=self_gated.silu_grad,
        formula=r"\frac{x}{1 + e^{-x}}",
        derivative_formula=r"\sigma(x)\,(1 + x\,(1 - \sigma(x)))",
        range=(_constants.SILU_MINIMUM, _INF),
        lipschitz=_constants.SILU_LIPSCHITZ,
        monotonic=False,
        gain=1.676532470331091,
        ulps=(2, 1.5),
        source="elfwing2018sigmoid",
        pytorch="SiLU",
        jax="silu",
        keras="silu",
        tensorflow="nn.silu",
    ),
    Activation(
        name="swish",
        function=self_gated.swish,
        derivative=self_gated.swish_grad,
        formula=r"x\,\sigma(\beta x)",
        derivative_formula=r"\sigma(\beta x)\,(1 + \beta x\,(1 - \sigma(\beta x)))",
        range=(_constants.SILU_MINIMUM, _INF),
        lipschitz=_constants.SILU_LIPSCHITZ,  # for any beta
        monotonic=False,
        gain=1.676532470331091,
        ulps=(2, 1.5),
        source="ramachandran2017searching",
        jax="swish",
        keras="swish",
        tensorflow="nn.swish",
    ),
    Activation(
        name="mish",
        function=self_gated.mish,
        derivative=self_gated.mish_grad,
        formula=r"x \tanh(\log(1 + e^x))",
        derivative_formula=(
            r"\frac{e^x\,(4(x + 1) + 4 e^{2x} + e^{3x} + e^x(4x + 6))}{(2 e^x + e^{2x} + 2)^2}"
        ),
        range=(_constants.MISH_MINIMUM, _INF),
        lipschitz=_constants.MISH_LIPSCHITZ,
        monotonic=False,
        gain=1.486847581273208,
        ulps=(2, 3.5),
        source="misra2020mish",
        pytorch="Mish",
        jax="mish",
        keras="mish",
    ),
    # waves, bells, exponentials
    Activation(
        name="sine",
        function=waves.sine,
        derivative=waves.sine_grad,
        formula=r"\sin x",
        derivative_formula=r"\cos x",
        range=(-1, 1),
        lipschitz=1,
        monotonic=False,
        gain=1.5208666231788148,
        ulps=(1, 1),
        rests_on=("cos", "sin"),
        source="sitzmann2020implicit",
    ),
    Activation(
        name="gaussian",
        function=waves.gaussian,
        derivative=waves.gaussian_grad,
        formula=r"e^{-x^2}",
        derivative_formula=r"-2x\,e^{-x^2}",
        range=(0, 1),
        lipschitz=_constants.GAUSSIAN_LIPSCHITZ,  # at 1/sqrt(2)
        monotonic=False,
        gain=1.4953487812212205,
        ulps=(1.5, 2),
        source="broomhead1988multivariable",
    ),
    Activation(
        name="exponential",
        function=waves.exponential,
        derivative=waves.exponential_grad,
        formula=r"e^x",
        derivative_formula=r"e^x",
        range=(0, _INF),
        lipschitz=_INF,
        monotonic=True,
        gain=0.36787944117144233,
        ulps=(1, 1),
        rests_on=("exp",),
        source="nelder1972generalized",
        keras="exponential",
        tensorflow="exp",
    ),
    # over an axis
    Activation(
        name="softmax",
        function=softmax_family.softmax,
        derivative=softmax_family.softmax_jacobian,
        formula=r"\frac{e^{x_i}}{\sum_j e^{x_j}}",
        derivative_formula=r"p_i\,(\delta_{ij} - p_j)",
        range=(0, 1),
        lipschitz=1 / 2,
        monotonic=False,
        ulps=(0.8, 2.25),
        source="bridle1990probabilistic",
        kind="axis",
        pytorch="Softmax(dim=-1)",
        jax="softmax",
        keras="softmax",
        tensorflow="nn.softmax",
    ),
    Activation(
        name="softmin",
        function=softmax_family.softmin,
        derivative=softmax_family.softmin_jacobian,
        formula=r"\frac{e^{-x_i}}{\sum_j e^{-x_j}}",
        derivative_formula=r"p_i\,(p_j - \delta_{ij})",
        range=(0, 1),
        lipschitz=1 / 2,
        monotonic=False,
        ulps=(0.8, 2.25),
        source="bridle1990probabilistic",
        kind="axis",
        pytorch="Softmin(dim=-1)",
    ),
    Activation(
        name="log_softmax",
        function=softmax_family.log_softmax,
        derivative=softmax_family.log_softmax_jacobian,
        formula=r"x_i - \log \sum_j e^{x_j}",
        derivative_formula=r"\delta_{ij} - p_j",
        range=(-_INF, 0),
        lipschitz=_INF,  # the square root of the length
        monotonic=False,
        ulps=(1.75, 1),
        rests_on=("log1p",),
        source="bridle1990probabilistic",
        kind="axis",
        pytorch="LogSoftmax(dim=-1)",
        jax="log_softmax",
        keras="log_softmax",
        tensorflow="nn.log_softmax",
    ),
    Activation(
        name="logsumexp",
        function=softmax_family.logsumexp,
        derivative=softmax_family.logsumexp_grad,
        formula=r"\log \sum_j e^{x_j}",
        derivative_formula=r"p_j",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        ulps=(2.5, 0.8),
        rests_on=("log1p",),
        source="blanchard2021accurately",
        kind="groups",
        jax="logsumexp(axis=-1)",
        tensorflow="math.reduce_logsumexp(axis=-1)",
    ),
    Activation(
        name="sparsemax",
        function=simplex.sparsemax,
        derivative=simplex.sparsemax_jacobian,
        formula=r"\max(0, x_i - \tau), \; \sum_j p_j = 1",
        derivative_formula=(
            r"\delta_{ij} - 1/k \text{ if } p_i, p_j > 0, \text{ else } 0; \; k = |\{p_j > 0\}|"
        ),
        range=(0, 1),
        lipschitz=1,
        monotonic=False,
        ulps=(0.6, 0.5),
        source="martins2016softmax",
        kind="axis",
    ),
    Activation(
        name="maxout",
        function=groups.maxout,
        derivative=groups.maxout_grad,
        formula=r"\max_j x_{ij}",
        derivative_formula=r"1 \text{ for the largest, else } 0",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        ulps=(0, 0),
        source="goodfellow2013maxout",
        kind="groups",
    ),
    Activation(
        name="glu",
        function=groups.glu,
        derivative=groups.glu_grad,
        formula=r"a\,\sigma(b)",
        derivative_formula=r"\sigma(b), \; a\,\sigma'(b)",
        range=(-_INF, _INF),
        lipschitz=_INF,  # it grows with a
        monotonic=False,
        ulps=(3, 3),
        source="dauphin2017language",
        kind="groups",
        pytorch="GLU",
        jax="glu",
        keras="glu",
    ),
    Activation(
        name="reglu",
        function=groups.reglu,
        derivative=groups.reglu_grad,
        formula=r"a \max(0, b)",
        derivative_formula=r"\max(0, b), \; a\,[b > 0]",
        range=(-_INF, _INF),
        lipschitz=_INF,
        monotonic=False,
        ulps=(0.5, 0.5),
        source="shazeer2020glu",
        kind="groups",
    ),
    Activation(
        name="geglu",
        function=groups.geglu,
        derivative=groups.geglu_grad,
        formula=r"a\,b\,\Phi(b)",
        derivative_formula=r"b\,\Phi(b), \; a\,(\Phi(b) + b\,\varphi(b))",
        range=(-_INF, _INF),
        lipschitz=_INF,
        monotonic=False,
        ulps=(4, 4),
        source="shazeer2020glu",
        kind="groups",
    ),
    Activation(
        name="swiglu",
        function=groups.swiglu,
        derivative=groups.swiglu_grad,
        formula=r"a\,b\,\sigma(b)",
        derivative_formula=r"b\,\sigma(b), \; a\,\sigma(b)\,(1 + b\,(1 - \sigma(b)))",
        range=(-_INF, _INF),
        lipschitz=_INF,
        monotonic=False,
        ulps=(2.5, 2.5),
        source="shazeer2020glu",
        kind="groups",
    ),
)

CATALOGUE: Mapping[str, Activation] = MappingProxyType({row.name: row for row in _ROWS})
"""All activations by name."""


def get(name: str | Activation, **parameters: Any) -> Activation:
    """Return the activation of that name, with its parameters fixed where some are given.

    Parameters
    ----------
    name : str or Activation
        A key of `CATALOGUE`, or one with parameters, such as ``"elu(alpha=2.0)"``, which is how a
        row with parameters is named. An `Activation` is returned as it is.
    **parameters
        Keyword parameters of the function, such as ``negative_slope=0.2``, or its axis. They go
        before those that the name or the row has already.

    Returns
    -------
    Activation
        The row of the table; with parameters, one in which range, monotonicity, kinks with their
        derivatives and the Lipschitz constant are those of the function with these parameters.
        Formulas and error bounds stay, names elsewhere are left out, and a gain is stored where it
        has a closed form: elsewhere `course_lib.meanfield.gain` computes it.

    Raises
    ------
    KeyError
        If there is none of that name; the nearest is suggested.
    TypeError
        If the function has no such parameter, or it is not a number; or if a function is given
        instead of a name.
    ValueError
        If the parameters are not written as above, not finite, or rejected by the function.

    Examples
    --------
    >>> get("tanh").lipschitz
    1
    >>> get("leaky_relu", negative_slope=0.2)(-1.0)
    np.float64(-0.2)
    >>> get("elu(alpha=2.0)").range
    (-2.0, inf)
    """
    if isinstance(name, str) and "(" in name:
        name, written = parse_call("activation", name, "leaky_relu(negative_slope=0.2)")
        parameters = written | parameters
    if isinstance(name, Activation):
        row = name
    elif callable(name):
        raise TypeError(
            function_instead("activation", name, "relu", "Activation(name, f, derivative)")
        )
    elif not isinstance(name, str) or name not in CATALOGUE:
        raise KeyError(unknown_name("activation", name, CATALOGUE))
    else:
        row = CATALOGUE[name]
    return with_parameters(row, parameters, _base(row)) if parameters else row


def _base(row: Activation) -> Activation | None:
    """Return the row of the table of which a row was made; None for one of the user's own."""
    function: Any = row.function
    if isinstance(function, Fixed):
        function = function.func
    found = CATALOGUE.get(row.name.partition("(")[0])
    return found if found is not None and found.function is function else None


def spelled_out(name: str) -> tuple[str, dict[str, Any]]:
    """Split the name of a framework's function, as the table writes it, from its options.

    Parameters
    ----------
    name : str
        Such as ``"relu"`` or ``"gelu(approximate=False)"``.

    Returns
    -------
    name : str
        The function's name, with dots where it lies in a module.
    options : dict
        Keyword arguments.

    Examples
    --------
    >>> spelled_out("gelu(approximate=False)")
    ('gelu', {'approximate': False})
    """
    plain, _, _ = name.partition("(")
    call = ast.parse(name, mode="eval").body
    keywords = call.keywords if isinstance(call, ast.Call) else []
    return plain, {str(k.arg): ast.literal_eval(k.value) for k in keywords}
