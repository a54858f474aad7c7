"""Time a training step of many seeds: ours, PyTorch's, JAX's, an earlier commit's, and the limit.

Ours trains all seeds at once as replicas of one network, in a step as `course_lib.training.fit`
makes it; that itself stands beside it, with its checks and its history. Then come the same networks
one at a time; a loop over modules of PyTorch; ``torch.func.vmap`` of the gradient, the faster of a
module and plain tensor code, with one call for the update; the same written with an axis for the
seeds by hand; ``jax.jit(jax.vmap(...))`` of the whole step, which overwrites its parameters; and
the commit before, from a worktree that the program makes and removes (``--before FOLDER`` takes
another checkout). The limit is the matrix products alone, then with one pass over each array.

All make the same step: parameters after six of them are compared before anything is timed, and a
difference is an error. Each library has a process of its own, as its users have, and all take turns
on one thread, which the CPU's time confirms. A round gives the ratio of two times; printed are the
median over all rounds and the quartiles.
"""

from threads import one_thread

if __name__ == "__main__":
    one_thread()  # before NumPy is imported

import statistics
import sys
from importlib.util import find_spec

import numpy as np
import peers
from apart import made, processes, torch_on
from peers import STEPS, Case
from stored import NONE, Table, medians, parser, report
from turns import fastest, ratio, take_turns
from versions import BEFORE, checkout, library

ROWS = {
    "64 × 2-16-16-2, batch 64": (64, (2, 16, 16, 2), 64),
    "24 × 196-64-10, batch 50": (24, (196, 64, 10), 50),
    "32 × 784-256-10, batch 64": (32, (784, 256, 10), 64),
}
QUICK_ROWS = {"3 × 2-4-4-2, batch 5": (3, (2, 4, 4, 2), 5)}
ACTIVATIONS = ("tanh", "gelu", "relu")
DTYPES = (np.float32, np.float64)
SECONDS = 8  # for each cell
# Norm of a difference in parameters over that of what these steps change. In float32 a unit of ReLU
# at 0 may differ between two libraries, which makes 2e-4; without such a one it is below 1e-6.
CLOSE = {np.float32: 1e-3, np.float64: 1e-10}

FIRST = next(iter(ROWS))
AIMS = {(FIRST, "tanh"): 0.40, (FIRST, "gelu"): 0.40}  # of the commit before
AIM, AIM_JAX = 0.70, 1.1

VARIANTS = {  # the fastest of them is shown, with its letter
    "PyTorch loop": {"loop, optimizer": "o", "loop, foreach": "f"},
    "vmap": {"vmap, module": "m", "vmap, function": "t"},
}
LIMITS = ("products", "products, passes")
PEERS = (BEFORE, "vmap", "JAX")  # to whom there is a target
COLUMNS = ("fit", "one at a time", "PyTorch loop", "vmap", "by hand", "JAX", BEFORE, *LIMITS)


def libraries(before):
    """Return what makes the steps of each library, and how its process is prepared."""
    needs = {peers.of_library: (library,), peers.limits: (), peers.of_torch: (torch_on, 1)}
    if find_spec("jax"):
        needs[peers.of_jax] = ()
    if before is not None:
        needs[peers.of_commit_before] = (library, before)
    return needs


def check_same_steps(case, found, start):
    """Make a few steps with each; raise RuntimeError if parameters differ from ours."""
    after = {}
    for name in found.keys() - set(LIMITS):
        for _ in range(STEPS // found[name].steps):
            found[name]()
        after[name] = found[name].parameters()
    if all(np.array_equal(value, start[key]) for key, value in after["ours"].items()):
        raise RuntimeError("the steps change nothing; expected other parameters than before")
    for name, parameters in after.items():
        for key, own in after["ours"].items():
            off = np.linalg.norm(parameters[key] - own) / np.linalg.norm(own - start[key])
            if not off <= CLOSE[case.dtype]:
                raise RuntimeError(
                    f"{name} makes another step than ours: after {STEPS}, {key} is off by "
                    f"{off:.2g} of what they change; expected at most {CLOSE[case.dtype]:g}"
                )


def measure(case, own, by, seconds, rounds):
    """Return the seconds of each column in every round, and which variants were the fastest."""
    start = {n: v.copy() for n, v in case.network(own, range(case.replicas)).parameters.items()}
    found = made(by, case, start)
    check_same_steps(case, found, start)
    taken = take_turns(found, seconds=seconds, rounds=rounds)
    for name, step in found.items():
        taken[name] = [seconds / step.steps for seconds in taken[name]]
    chosen = {column: fastest(taken, names) for column, names in VARIANTS.items()}
    return taken | {column: taken[name] for column, name in chosen.items()}, chosen


def main(arguments=None):
    """Time every cell; print a table of times and one of targets."""
    options = parser(__doc__, before=f"a checkout of {BEFORE}").parse_args(arguments)
    rows, seconds, rounds = (QUICK_ROWS, 0.01, 2) if options.quick else (ROWS, SECONDS, 7)
    cells = [(row, dtype, name) for row in rows for dtype in DTYPES for name in ACTIVATIONS]
    names = ["seeds and network", "activation", "dtype"]
    times = Table([*names, "ours, µs", *COLUMNS], names=3)
    targets = Table([*names, *(f"ours / {column}" for column in PEERS), "targets"], names=3)
    own = library()
    with checkout(folder=options.before) as folder, processes(libraries(folder)) as by:
        for row, dtype, activation in cells[::4] if options.quick else cells:
            about = row, activation, np.dtype(dtype).name
            case = Case(*rows[row], activation, dtype)
            taken, chosen = measure(case, own, by, seconds, rounds)
            ours = f"{statistics.median(taken['ours']) * 1e6:.0f}"
            letters = [
                f" {VARIANTS[column][chosen[column]]}" if column in chosen else ""
                for column in COLUMNS
            ]
            found = medians(taken, COLUMNS, "ours")
            times.add(*about, ours, *map("".join, zip(found, letters, strict=True)))
            most = dict(zip(PEERS, (AIMS.get((row, activation), AIM), 1, AIM_JAX), strict=True))
            targets.add(*about, *judged(taken, most))
            print(f"{', '.join(about)}: ours {ours} µs", flush=True)
    report("seeds_at_once", {"Time over ours": times, "Targets": targets}, options)
    return 0


def judged(taken, most):
    """Return our ratio to each peer with its target, and a word on whether all are met."""
    cells, missed = [], []
    for peer, limit in most.items():
        if peer not in taken:
            cells.append(NONE)
            continue
        measured = ratio(taken["ours"], taken[peer])
        cells.append(f"{measured} ≤ {limit:.2f}")
        missed += [peer] if measured.median > limit else []
    return [*cells, f"missed: {', '.join(missed)}" if missed else "met"]


if __name__ == "__main__":
    sys.exit(main())
