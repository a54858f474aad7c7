"""Time every activation and its derivative against PyTorch eager and against copying the array.

In float32 and float64, at 10^3, 10^5 and 10^7 elements, on one thread and on two. All are
interleaved in one run, so that a busy moment of the machine hits all alike, and medians are
compared. PyTorch's derivative is its backward pass alone, which multiplies by grad_output as well;
so does ours (`Activation.vjp`). NumPy runs on one thread at every number of threads. Run
it with ``make bench``; the whole takes several minutes, ``--only relu gelu`` or ``--sizes 100000``
less.

The activations over an axis are layers in a network here, at (64, 1000): forward remembers what
backward can use, as PyTorch's graph does, and each is compared alone.
"""

import argparse
import operator
import statistics
import sys
import time

from threads import run_each

SIZES = (10**3, 10**5, 10**7)
OVER_AXIS = (64, 1000)


def candidates(row, x):
    """Return what to time: for the function and for its derivative, ours, PyTorch's, a copy."""
    import numpy as np
    import torch

    from course_lib.pytorch import activation_module

    grad_output = np.ones_like(x)
    ours = {"function": lambda: row(x), "derivative": lambda: row.vjp(x, grad_output)}
    if not row.pytorch:
        return ours, {}, lambda: x.copy()
    tensor, ones = torch.from_numpy(x), torch.from_numpy(grad_output)
    leaf = tensor.clone().requires_grad_()
    module = activation_module(row).to(tensor.dtype).eval().requires_grad_(False)
    y = module(leaf)

    def forward():
        with torch.no_grad():
            return module(tensor)

    def backward():
        return torch.autograd.grad(y, leaf, ones, retain_graph=True)

    return ours, {"function": forward, "derivative": backward}, lambda: x.copy()


def layers(row, x):
    """Return what to time over an axis: forward and backward of layers, and a copy."""
    import numpy as np
    import torch

    from course_lib.network import Activate

    layer, leaf = Activate(row), torch.from_numpy(x).requires_grad_()
    grad_output = np.ones_like(layer.forward(x))

    def in_torch():
        halves = leaf.chunk(2, -1)
        gates = {"reglu": torch.relu, "geglu": torch.nn.functional.gelu}
        gates |= {"glu": torch.sigmoid, "swiglu": torch.nn.functional.silu}
        if row.name in gates and row.name != "glu":
            return halves[0] * gates[row.name](halves[1])
        if row.name == "maxout":
            return torch.maximum(*halves)
        names = {"glu": "nn.functional.glu", "softmin": "nn.functional.softmin"}
        return operator.attrgetter(names.get(row.name, row.name))(torch)(leaf, dim=-1)

    y, ones = in_torch(), torch.from_numpy(grad_output)
    ours = {"function": lambda: layer.forward(x), "derivative": lambda: layer.backward(grad_output)}
    theirs = {
        "function": in_torch,
        "derivative": lambda: torch.autograd.grad(y, leaf, ones, retain_graph=True),
    }
    return ours, theirs, lambda: x.copy()


def medians(functions, seconds):
    """Return the median time of each function; they take turns until the time is over."""
    times = {key: [] for key in functions}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[next(iter(times))]) < 5:
        for key, function in functions.items():
            start = time.perf_counter()
            function()
            times[key].append(time.perf_counter() - start)
    return {key: statistics.median(values) for key, values in times.items()}


def known():
    """Return the names of all activations."""
    from course_lib.activations import CATALOGUE

    return list(CATALOGUE)


def measure(options):
    """Time in this process, on the number of threads that its environment allows."""
    import numpy as np
    import torch

    from course_lib.activations import CATALOGUE

    torch.set_num_threads(options.threads)
    names = options.only or list(CATALOGUE)
    elementwise = [name for name in names if CATALOGUE[name].elementwise]
    over_axis = [name for name in names if not CATALOGUE[name].elementwise]
    for dtype in (np.float32, np.float64):
        for size in options.sizes if elementwise else ():
            print(f"\n{np.dtype(dtype)}, {size:.0e} elements, threads: {options.threads}")
            show(candidates, elementwise, size, dtype, options.seconds)
        if over_axis:
            print(f"\n{np.dtype(dtype)}, {OVER_AXIS}, threads: {options.threads}")
            show(layers, over_axis, OVER_AXIS, dtype, options.seconds)


def show(what, names, shape, dtype, seconds):
    """Print one line for each activation."""
    import numpy as np

    from course_lib.activations import CATALOGUE

    print(f"{'':15}{'ns per element':^22}{'over PyTorch':^24}{'over a copy':^22}")
    print(f"{'':15}" + f"{'function':>11}{'derivative':>11} " * 3)
    x = np.random.default_rng(0).normal(scale=3, size=shape).astype(dtype)
    for name in names:
        ours, theirs, copy = what(CATALOGUE[name], x)
        everything = {"copy": copy}
        everything |= {("ours", key): f for key, f in ours.items()}
        everything |= {("theirs", key): f for key, f in theirs.items()}
        took = medians(everything, seconds)
        own = [took["ours", part] for part in ours]
        other = [took.get(("theirs", part)) for part in ours]
        columns = [f"{t / x.size * 1e9:11.2f}" for t in own] + [" "]
        columns += [
            f"{a / b:11.2f}" if b else f"{'-':>11}" for a, b in zip(own, other, strict=True)
        ]
        columns += [" "] + [f"{t / took['copy']:11.1f}" for t in own]
        print(f"{name:15}" + "".join(columns), flush=True)


def main():
    """Start one process for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=known(), metavar="NAME")
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES, help="numbers of elements")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each line")
    parser.add_argument("--threads", type=int, help="this many alone, in this process")
    options = parser.parse_args()
    if options.threads:
        measure(options)
        return 0
    return run_each("--threads")


if __name__ == "__main__":
    sys.exit(main())
