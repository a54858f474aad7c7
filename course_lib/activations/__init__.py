r"""Activation functions, each directly above its derivative, and one table of them all.

Three ways in lead to the same function::

    from course_lib.activations import sigmoid, sigmoid_grad
    activations.get("sigmoid")        # an Activation: call it, ask for its derivative
    activations.CATALOGUE["sigmoid"]  # the table by name

Every function keeps the shape of its input and the dtypes float16, float32 and float64; integers
and lists become float64. NaN gives NaN, an infinite input gives the limit, and no input raises a
warning. A derivative takes the parameters of its function, keeps shape and dtype alike, and raises
the same errors.

The chapters of this package: `course_lib.activations.piecewise` (lines and parabolas, ReLU first),
`course_lib.activations.smooth` (the sigmoid, exponential and GELU families),
`course_lib.activations.over_axis` (softmax, maxout, gates) and `course_lib.activations.catalogue`
(the table).

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

**What it costs.** float32 is computed in float64 and rounded once. Where NumPy's float64
exponential is vectorized (on processors with AVX-512) that costs a conversion each way; elsewhere
the exponential takes most of the time, and PyTorch's own float32 kernels are several times faster
on long arrays. `make bench` prints the ratios for your machine. What it buys: a result that no
other formula can improve, the same on every machine but for near-ties, also in the tails, where
gradients vanish. Functions made of lines cost nothing extra.
"""

from course_lib.activations.catalogue import CATALOGUE, Activation, get
from course_lib.activations.over_axis import *  # noqa: F403
from course_lib.activations.over_axis import __all__ as _over_axis
from course_lib.activations.piecewise import *  # noqa: F403
from course_lib.activations.piecewise import __all__ as _piecewise
from course_lib.activations.smooth import *  # noqa: F403
from course_lib.activations.smooth import __all__ as _smooth

__all__ = ["CATALOGUE", "Activation", "get"]
__all__ += _piecewise
__all__ += _smooth
__all__ += _over_axis
