"""Time value with derivative against PyTorch's forward and backward, in all forms and sizes.

A layer needs both: the value forward, and backward the derivative times grad_output. Timed
together, on one thread, in float32 and float64 at 10^3, 10^5 and 10^7 elements: the fast form that
trainings use (`Activation.value_and_derivative`), the correctly rounded form (the function, then
`Activation.vjp`), PyTorch's forward with its graph and its backward, and the correctly rounded form
of the commit before, from a worktree that the program makes and removes (``--before FOLDER`` takes
another checkout). Beside them stand NumPy's exponential alone in float64 and in float32, the floor
of whatever is computed with one, and a copy of the array.

All take turns; a round gives the ratio of two times, and printed are the median over all rounds and
the quartiles.
"""

from threads import one_thread

if __name__ == "__main__":
    one_thread()  # before NumPy is imported

import statistics
import sys

import numpy as np
import torch
import turns
from stored import Table, add_target, medians, parser, report, target_table
from versions import BEFORE, checkout, library

NAMES = ("tanh", "sigmoid", "gelu", "silu", "softplus", "relu")
DTYPES = (np.float32, np.float64)
SECONDS = {10**3: 0.5, 10**5: 1, 10**7: 4}  # for each size, at least
QUICK = {10: 0.01}
AIMS = {"float32": 3, "float64": 4}  # the fast form over PyTorch, from AIMED elements on
AIMED = 10**5
BESIDE = (
    "PyTorch",
    "fast",
    BEFORE,
    "exp, float64",
)  # what the correctly rounded form is compared to
COLUMNS = ("fast", "exact", BEFORE, "exp, float64", "exp, float32", "copy")


def exact(row, x, grad_output):
    """Return a function that computes the correctly rounded form."""
    return lambda: (row(x), row.vjp(x, grad_output))


def forms(name, x, own, before):
    """Return what to time, by name; ``before`` is a library like our own, or None."""
    from course_lib.pytorch import activation_module

    grad_output = np.ones_like(x)
    row = own[0].get(name)
    leaf, ones = torch.from_numpy(x).requires_grad_(), torch.from_numpy(grad_output)
    module = activation_module(row).to(leaf.dtype)
    double, single = x.astype(np.float64), x.astype(np.float32)
    doubles, singles = np.empty_like(double), np.empty_like(single)

    def in_pytorch():
        y = module(leaf)
        return y.detach(), torch.autograd.grad(y, leaf, ones)[0]

    def for_trainings():
        value, derivative = row.value_and_derivative(x)
        return value, np.multiply(derivative, grad_output, out=derivative)

    found = {
        "PyTorch": in_pytorch,
        "fast": for_trainings,
        "exact": exact(row, x, grad_output),
        "exp, float64": lambda: np.exp(double, out=doubles),
        "exp, float32": lambda: np.exp(single, out=singles),
        "copy": x.copy,
    }
    if before is not None:
        found[BEFORE] = exact(before[0].get(name), x, grad_output)
    return found


def check_same_values(name, x, found):
    """Raise RuntimeError if a form computes something else than PyTorch does."""
    expected = [np.asarray(array) for array in found["PyTorch"]()]
    for form in ("exact", "fast", BEFORE):
        for got, other in zip(found[form]() if form in found else (), expected, strict=False):
            off = np.abs(got - other).max()
            if not off <= 100 * np.finfo(x.dtype).eps:
                raise RuntimeError(f"{form} of {name} is off by {off:.2g} from PyTorch's")


def main(arguments=None):
    """Time every activation; print tables of times, targets and the correctly rounded form."""
    options = parser(__doc__, before=f"a checkout of {BEFORE}")
    options.add_argument("--only", nargs="+", default=NAMES, metavar="NAME", help="activations")
    chosen = options.parse_args(arguments)
    sizes = QUICK if chosen.quick else SECONDS
    torch.set_num_threads(1)
    names = ["elements", "activation", "dtype"]
    times = Table([*names, "PyTorch, ns per element", *COLUMNS], names=3)
    rounded = Table([*names, *(f"over {column}" for column in BESIDE)], names=3)
    targets = target_table(*names)
    with checkout(folder=chosen.before) as folder:
        before, own = None if folder is None else library(folder), library()
        for size, name, dtype in [(s, n, d) for s in sizes for d in DTYPES for n in chosen.only]:
            x = np.random.default_rng(0).normal(scale=3, size=size).astype(dtype)
            found = forms(name, x, own, before)
            check_same_values(name, x, found)
            taken = turns.take_turns(found, seconds=sizes[size], rounds=3)
            about = f"{size:,}", name, x.dtype.name
            nanoseconds = statistics.median(taken["PyTorch"]) / size * 1e9
            times.add(*about, f"{nanoseconds:.2f}", *medians(taken, COLUMNS, "PyTorch"))
            rounded.add(*about, *(medians(taken, ["exact"], other)[0] for other in BESIDE))
            if size >= AIMED or chosen.quick:
                fast = turns.ratio(taken["fast"], taken["PyTorch"])
                add_target(targets, about, "fast / PyTorch", fast, AIMS[x.dtype.name])
            print(*about, *times.rows[-1][3:], flush=True)
    tables = {
        "Time over PyTorch's": times,
        "Targets": targets,
        "The correctly rounded form": rounded,
    }
    report("value_and_derivative", tables, chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
