"""Time every activation and its derivative against PyTorch eager and against copying the array.

In float32 and float64, at 10^3, 10^5 and 10^7 elements, on one thread and on two. All are
interleaved in one run, so that a busy moment of the machine hits all alike, and medians are
compared. PyTorch's derivative is its backward pass alone, which multiplies by the upstream gradient
as well; so does ours (`Activation.vjp`). NumPy runs on one thread at every number of threads. Run
it with ``make bench``; the whole takes several minutes, ``--only relu gelu`` or ``--sizes 100000``
less.
"""

import argparse
import statistics
import sys
import time

from threads import run_each

SIZES = (10**3, 10**5, 10**7)


def candidates(row, x):
    """Return what to time: for the function and for its derivative, ours, PyTorch's, a copy."""
    import numpy as np
    import torch

    from course_lib.pytorch import activation_module

    upstream = np.ones_like(x)
    ours = {"function": lambda: row(x), "derivative": lambda: row.vjp(x, upstream)}
    if not row.pytorch:
        return ours, {}, lambda: x.copy()
    tensor, ones = torch.from_numpy(x), torch.from_numpy(upstream)
    leaf = tensor.clone().requires_grad_()
    bend = activation_module(row).to(tensor.dtype).eval().requires_grad_(False)
    y = bend(leaf)

    def forward():
        with torch.no_grad():
            return bend(tensor)

    def backward():
        return torch.autograd.grad(y, leaf, ones, retain_graph=True)

    return ours, {"function": forward, "derivative": backward}, lambda: x.copy()


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


def elementwise():
    """Return the names of the activations that can be timed at any size."""
    from course_lib.activations import CATALOGUE

    return [row.name for row in CATALOGUE.values() if row.elementwise]


def measure(options):
    """Time in this process, on the number of threads that its environment allows."""
    import numpy as np
    import torch

    from course_lib.activations import CATALOGUE

    torch.set_num_threads(options.threads)
    names = options.only or elementwise()
    for dtype in (np.float32, np.float64):
        for size in options.sizes:
            print(f"\n{np.dtype(dtype)}, {size:.0e} elements, threads: {options.threads}")
            print(f"{'':15}{'ns per element':^22}{'over PyTorch':^24}{'over a copy':^22}")
            print(f"{'':15}" + f"{'function':>11}{'derivative':>11} " * 3)
            x = np.random.default_rng(0).normal(scale=3, size=size).astype(dtype)
            for name in names:
                ours, theirs, copy = candidates(CATALOGUE[name], x)
                everything = {"copy": copy}
                everything |= {("ours", key): f for key, f in ours.items()}
                everything |= {("theirs", key): f for key, f in theirs.items()}
                took = medians(everything, options.seconds)
                own = [took["ours", part] for part in ours]
                other = [took.get(("theirs", part)) for part in ours]
                columns = [f"{t / size * 1e9:11.2f}" for t in own] + [" "]
                columns += [
                    f"{a / b:11.2f}" if b else f"{'-':>11}" for a, b in zip(own, other, strict=True)
                ]
                columns += [" "] + [f"{t / took['copy']:11.1f}" for t in own]
                print(f"{name:15}" + "".join(columns), flush=True)


def main():
    """Start one process for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=elementwise(), metavar="NAME")
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
