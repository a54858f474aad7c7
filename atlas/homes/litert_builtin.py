"""LiteRT without a delegate: its own kernels, none of XNNPACK.

Infinity becomes the largest number where an operator clamps to its range; softsign of it is that.
The place in a vector matters to the last bit of a product that ends in a division (hard swish).
"""

from functools import partial

from ai_edge_litert.interpreter import OpResolverType
from litert import DTYPES, LINES, PACKAGES, slopes
from litert import SETUP as BEFORE
from litert import run as default
from litert import values as computed

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]

SETUP = f"{BEFORE}, resolver=interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES"
run = partial(default, resolver=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def values(line, x, dtype):
    """Return the values of a line."""
    return computed(line, x, dtype, run)
