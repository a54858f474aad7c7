"""JAX, compiled as a whole."""

import jax
from jax_eager import DTYPES, LINES, PACKAGES, SETUP, array, first, numbers, run

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]


def values(line, x, dtype):
    """Return the values of a line."""
    return numbers(jax.jit(lambda x: run(line, x))(array(x, dtype)))


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    return numbers(jax.jit(jax.grad(lambda x: first(run(line, x), x).sum()))(array(x, dtype)))
