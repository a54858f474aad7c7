"""Time value with derivative against PyTorch's forward and backward, in all forms and sizes.

A layer needs both: the value forward, and backward the derivative times grad_output. Timed
together, on one thread, in float32 and float64 at 10^3, 10^5 and 10^7 elements: the fast form that
trainings use (`Activation.value_and_derivative`), the correctly rounded form (the function, then
`Activation.vjp`), PyTorch's forward with its graph and its backward, and the correctly rounded form
of the commit before, from a worktree that the program makes and removes (``--before FOLDER`` takes
another checkout). Beside them stand NumPy's exponential alone in float64 and in float32, the floor
of whatever is computed with one, and a copy of the array.

Each library has a process of its own, and all take turns; a round gives the ratio of two times, and
printed are the median over all rounds and the quartiles.
"""

from threads import one_thread

if __name__ == "__main__":
    one_thread()  # before NumPy is imported

import statistics
import sys

import numpy as np
import turns
from apart import made, processes, torch_on
from stored import Table, add_target, medians, parser, report, target_table
from versions import BEFORE, checkout, library

NAMES = ("tanh", "sigmoid", "gelu", "silu", "softplus", "relu")
DTYPES = (np.float32, np.float64)
SECONDS = {10**3: 0.5, 10**5: 1, 10**7: 4}  # for each size, at least
QUICK = {10: 0.01}
AIMS = {"float32": 3, "float64": 4}  # the fast form over PyTorch, from AIMED elements on
AIMED = 10**5
# What the correctly rounded form is compared to.
BESIDE = ("PyTorch", "fast", BEFORE, "exp, float64")
COLUMNS = ("fast", "exact", BEFORE, "exp, float64", "exp, float32", "copy")


def numbers(size, dtype):
    """Return what the functions are applied to, and a gradient with respect to their values."""
    x = np.random.default_rng(0).normal(scale=3, size=size).astype(dtype)
    return x, np.ones_like(x)


def exact(library, name, size, dtype):
    """Return the correctly rounded form of a library."""
    row, (x, grad_output) = library[0].get(name), numbers(size, dtype)
    return lambda: (row(x), row.vjp(x, grad_output))


def of_library(library, name, size, dtype):
    """Return our forms, and what stands beside them."""
    row, (x, grad_output) = library[0].get(name), numbers(size, dtype)
    double, single = x.astype(np.float64), x.astype(np.float32)
    doubles, singles = np.empty_like(double), np.empty_like(single)

    def fast():
        value, derivative = row.value_and_derivative(x)
        return value, np.multiply(derivative, grad_output, out=derivative)

    return {
        "fast": fast,
        "exact": exact(library, name, size, dtype),
        "exp, float64": lambda: np.exp(double, out=doubles),
        "exp, float32": lambda: np.exp(single, out=singles),
        "copy": x.copy,
    }


def of_commit_before(library, *about):
    """Return the correctly rounded form of an earlier commit."""
    return {BEFORE: exact(library, *about)}


def of_torch(_, name, size, dtype):
    """Return PyTorch's forward, with its graph, and its backward."""
    import torch

    from course_lib.pytorch import activation_module

    leaf, ones = (torch.from_numpy(array) for array in numbers(size, dtype))
    leaf.requires_grad_()
    module = activation_module(name).to(leaf.dtype)

    def step():
        y = module(leaf)
        return y.detach().numpy(), torch.autograd.grad(y, leaf, ones)[0].numpy()

    return {"PyTorch": step}


def check_same_values(name, dtype, found):
    """Raise RuntimeError if a form computes something else than PyTorch does."""
    expected = found["PyTorch"].result()
    for form in [form for form in ("exact", "fast", BEFORE) if form in found]:
        for got, other in zip(found[form].result(), expected, strict=True):
            off = np.abs(got - other).max()
            if not off <= 100 * np.finfo(dtype).eps:
                raise RuntimeError(f"{form} of {name} is off by {off:.2g} from PyTorch's")


def main(arguments=None):
    """Time every activation; print tables of times, targets and the correctly rounded form."""
    options = parser(__doc__, before=f"a checkout of {BEFORE}")
    options.add_argument("--only", nargs="+", default=NAMES, metavar="NAME", help="activations")
    chosen = options.parse_args(arguments)
    names = ["elements", "activation", "dtype"]
    times = Table([*names, "PyTorch, ns per element", *COLUMNS], names=3)
    rounded = Table([*names, *(f"over {column}" for column in BESIDE)], names=3)
    targets = target_table(*names)
    needs = {of_library: (library,), of_torch: (torch_on, 1)}
    with checkout(folder=chosen.before) as folder:
        if folder is not None:
            needs[of_commit_before] = (library, folder)
        with processes(needs) as by:
            measure(by, chosen, times, targets, rounded)
    tables = {
        "Time over PyTorch's": times,
        "Targets": targets,
        "The correctly rounded form": rounded,
    }
    report("value_and_derivative", tables, chosen)
    return 0


def measure(by, chosen, times, targets, rounded):
    """Time every activation in every size; fill the tables."""
    sizes = QUICK if chosen.quick else SECONDS
    for size, name, dtype in [(s, n, d) for s in sizes for d in DTYPES for n in chosen.only]:
        found = made(by, name, size, dtype)
        check_same_values(name, dtype, found)
        taken = turns.take_turns(found, seconds=sizes[size], rounds=3)
        about = f"{size:,}", name, np.dtype(dtype).name
        nanoseconds = statistics.median(taken["PyTorch"]) / size * 1e9
        times.add(*about, f"{nanoseconds:.2f}", *medians(taken, COLUMNS, "PyTorch"))
        rounded.add(*about, *(medians(taken, ["exact"], other)[0] for other in BESIDE))
        if size >= AIMED or chosen.quick:
            fast = turns.ratio(taken["fast"], taken["PyTorch"])
            add_target(targets, about, "fast / PyTorch", fast, AIMS[about[-1]])
        print(*about, *times.rows[-1][3:], flush=True)


if __name__ == "__main__":
    sys.exit(main())
