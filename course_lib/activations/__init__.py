r"""Activation functions, each directly above its derivative, and one table of them all.

Three ways in lead to the same function::

    from course_lib.activations import sigmoid, sigmoid_grad
    activations.get("sigmoid")        # an Activation: call it, ask for its derivative
    activations.CATALOGUE["sigmoid"]  # the table by name

Every function keeps the shape of its input and the dtypes float16, float32 and float64; integers
and lists become float64. NaN gives NaN, an infinite input gives the limit, and no input raises a
warning. A derivative takes the parameters of its function, keeps shape and dtype alike, and raises
the same errors.

The modules of this package, in each of which a derivative stands directly below its function:

- `course_lib.activations.rectifiers`: the identity, ReLU, leaky ReLU, PReLU, RReLU and other lines
  with a kink;
- `course_lib.activations.hard`: hard tanh, sigmoid and swish, shrinkage, and their parabolas;
- `course_lib.activations.sigmoids`: sigmoid, tanh, softsign and what is made of them;
- `course_lib.activations.soft_rectifiers`: softplus, squareplus, ELU, CELU, SELU;
- `course_lib.activations.self_gated`: GELU and its approximations, SiLU and swish, Mish;
- `course_lib.activations.waves`: sine, Gaussian, exponential;
- `course_lib.activations.softmax_family`: softmax, softmin, log-softmax, logsumexp;
- `course_lib.activations.simplex`: sparsemax, which is 0 where softmax is small;
- `course_lib.activations.groups`: maxout, and the gated linear units GLU, ReGLU, GEGLU, SwiGLU;
- `course_lib.activations.catalogue`: the table, made of rows of
  `course_lib.activations.activation`;
- `course_lib.activations.fused`: values with their derivatives in one pass, the fast forms, by
  tables at the nodes of `course_lib.activations.nodes`.

**What the error bounds mean.** An error of 1 ULP, a unit in the last place, is the distance between
neighboring floats at the true value; half a unit is what rounding alone costs
:cite:p:`goldberg1991what`. It is a *relative* error: it says how many digits of a result are right,
however small the result. float16 and float32 results are within 0.51 ULP. In float64, functions and
derivatives are within 4 at the most, for parameters from 1e-3 to 1e3 and rows up to a million: the
bound of each stands in its row (`ulps`), with the functions of NumPy that it rests on (`rests_on`).
Where there are none, as for GELU, SiLU and softmax, which are computed in numbers of twice the
length (`course_lib.pairs`), a float64 has the same bits on every machine. `make accuracy` prints
the largest errors, ours and those of other libraries, and searches for larger ones. Whether a
network needs that is another question. A false 0 far out in a tail has a tiny absolute error, and
training hardly notices it; who takes its logarithm, divides by it or asks where a gradient vanishes
does.

**What it costs.** float32 is computed in float64 and rounded once, which costs several times what
PyTorch's own kernels do on long arrays: the float64 exponential alone takes longer. What it buys: a
result that no other formula can improve, the same on every machine but for near-ties, also in the
tails, where gradients vanish. A training needs value and derivative together, thousands of times,
and not their last bits: `Activation.value_and_derivative` computes both in one pass, in the dtype
of the input and with one exponential, within 4 ULP (`course_lib.activations.fused`). Networks use
it while they learn, and the correctly rounded form when they are evaluated. It has the same bits on
every machine, in float32 and float64. The page of benchmarks has its time beside PyTorch's forward
and backward, and `make bench` prints the ratios for your machine.
"""

from course_lib.activations.activation import (
    Activation,
)
from course_lib.activations.catalogue import (
    CATALOGUE,
    get,
)
from course_lib.activations.groups import (
    fast_gated_pullback,
    gated_pullback,
    geglu,
    geglu_grad,
    glu,
    glu_grad,
    maxout,
    maxout_grad,
    maxout_pullback,
    reglu,
    reglu_grad,
    swiglu,
    swiglu_grad,
)
from course_lib.activations.hard import (
    hard_shrink,
    hard_shrink_grad,
    hard_sigmoid,
    hard_sigmoid_grad,
    hard_swish,
    hard_swish_grad,
    hard_tanh,
    hard_tanh_grad,
    soft_shrink,
    soft_shrink_grad,
    sparse_plus,
    sparse_plus_grad,
    sparse_sigmoid,
    sparse_sigmoid_grad,
)
from course_lib.activations.rectifiers import (
    identity,
    identity_grad,
    leaky_relu,
    leaky_relu_grad,
    prelu,
    prelu_grad,
    prelu_negative_slope_grad,
    relu,
    relu6,
    relu6_grad,
    relu_grad,
    rrelu,
    rrelu_grad,
    squared_relu,
    squared_relu_grad,
    threshold,
    threshold_grad,
)
from course_lib.activations.self_gated import (
    gelu,
    gelu_grad,
    gelu_tanh,
    gelu_tanh_grad,
    mish,
    mish_grad,
    quick_gelu,
    quick_gelu_grad,
    silu,
    silu_grad,
    swish,
    swish_grad,
)
from course_lib.activations.sigmoids import (
    lecun_tanh,
    lecun_tanh_grad,
    log_sigmoid,
    log_sigmoid_grad,
    sigmoid,
    sigmoid_grad,
    softsign,
    softsign_grad,
    tanh,
    tanh_grad,
    tanh_shrink,
    tanh_shrink_grad,
)
from course_lib.activations.simplex import (
    sparsemax,
    sparsemax_jacobian,
    sparsemax_pullback,
)
from course_lib.activations.soft_rectifiers import (
    celu,
    celu_grad,
    elu,
    elu_grad,
    selu,
    selu_grad,
    softplus,
    softplus_grad,
    squareplus,
    squareplus_grad,
)
from course_lib.activations.softmax_family import (
    log_softmax,
    log_softmax_jacobian,
    log_softmax_pullback,
    logsumexp,
    logsumexp_grad,
    logsumexp_pullback,
    negative_log_likelihood,
    softmax,
    softmax_and_log,
    softmax_jacobian,
    softmax_pullback,
    softmin,
    softmin_jacobian,
    softmin_pullback,
)
from course_lib.activations.waves import (
    exponential,
    exponential_grad,
    gaussian,
    gaussian_grad,
    sine,
    sine_grad,
)

__all__ = [
    "CATALOGUE",
    "Activation",
    "celu",
    "celu_grad",
    "elu",
    "elu_grad",
    "exponential",
    "exponential_grad",
    "fast_gated_pullback",
    "gated_pullback",
    "gaussian",
    "gaussian_grad",
    "geglu",
    "geglu_grad",
    "gelu",
    "gelu_grad",
    "gelu_tanh",
    "gelu_tanh_grad",
    "get",
    "glu",
    "glu_grad",
    "hard_shrink",
    "hard_shrink_grad",
    "hard_sigmoid",
    "hard_sigmoid_grad",
    "hard_swish",
    "hard_swish_grad",
    "hard_tanh",
    "hard_tanh_grad",
    "identity",
    "identity_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "lecun_tanh",
    "lecun_tanh_grad",
    "log_sigmoid",
    "log_sigmoid_grad",
    "log_softmax",
    "log_softmax_jacobian",
    "log_softmax_pullback",
    "logsumexp",
    "logsumexp_grad",
    "logsumexp_pullback",
    "maxout",
    "maxout_grad",
    "maxout_pullback",
    "mish",
    "mish_grad",
    "negative_log_likelihood",
    "prelu",
    "prelu_grad",
    "prelu_negative_slope_grad",
    "quick_gelu",
    "quick_gelu_grad",
    "reglu",
    "reglu_grad",
    "relu",
    "relu6",
    "relu6_grad",
    "relu_grad",
    "rrelu",
    "rrelu_grad",
    "selu",
    "selu_grad",
    "sigmoid",
    "sigmoid_grad",
    "silu",
    "silu_grad",
    "sine",
    "sine_grad",
    "soft_shrink",
    "soft_shrink_grad",
    "softmax",
    "softmax_and_log",
    "softmax_jacobian",
    "softmax_pullback",
    "softmin",
    "softmin_jacobian",
    "softmin_pullback",
    "softplus",
    "softplus_grad",
    "softsign",
    "softsign_grad",
    "sparse_plus",
    "sparse_plus_grad",
    "sparse_sigmoid",
    "sparse_sigmoid_grad",
    "sparsemax",
    "sparsemax_jacobian",
    "sparsemax_pullback",
    "squared_relu",
    "squared_relu_grad",
    "squareplus",
    "squareplus_grad",
    "swiglu",
    "swiglu_grad",
    "swish",
    "swish_grad",
    "tanh",
    "tanh_grad",
    "tanh_shrink",
    "tanh_shrink_grad",
    "threshold",
    "threshold_grad",
]
