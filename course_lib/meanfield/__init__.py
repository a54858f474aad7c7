r"""Wide random networks in theory: how variances and gradients change from layer to layer.

Draw weights at random, with mean 0 and variance :math:`\sigma_w^2/\text{fan-in}`, and biases with
variance :math:`\sigma_b^2`. In a wide layer, each pre-activation is a sum of many independent
terms, hence nearly normal: all that is left to know of it is its variance :math:`q`, and one
function of one number tells what happens in a network of any depth :cite:p:`poole2016exponential`:

.. math::

    V(q) = \sigma_w^2\,\mathrm{E}[\phi(x)^2] + \sigma_b^2, \quad
    \chi(q) = \sigma_w^2\,\mathrm{E}[\phi'(x)^2], \quad x \sim \mathcal N(0, q)

Layer by layer, :math:`q \leftarrow V(q)` settles at a fixed point :math:`q^*`, and a squared
gradient is multiplied by :math:`\chi(q^*)`. Below 1 gradients vanish and all inputs come to look
alike; above 1 gradients explode and inputs that differ a little come to differ completely; the
line between is the *edge of chaos* :cite:p:`schoenholz2017deep`, and on it lie the initializations
of deep networks :cite:p:`he2015delving,hayou2019impact`. `gain` is the shortcut: the scale of the
weights that keeps the variance of one layer's pre-activations, or of its gradients.

The theory is that of infinite width and of weights fresh at each layer; `course_lib.experiments`
measures how far a real network is from it. Activations are those of the catalogue that work
element by element, with their default parameters.

`fixed_point`, `depth_scale` and `critical_weight_variance` find zeros with SciPy, which the extra
``stats`` brings; the other functions need NumPy alone.
"""

from course_lib.meanfield.depth import critical_weight_variance, depth_scale, fixed_point
from course_lib.meanfield.layer import chi, gain, variance_map
from course_lib.meanfield.quadrature import expectation, gauss_hermite

__all__ = [
    "chi",
    "critical_weight_variance",
    "depth_scale",
    "expectation",
    "fixed_point",
    "gain",
    "gauss_hermite",
    "variance_map",
]
