"""How time and memory of a training step grow with replicas, width, depth and batch, and why.

Each of the four is doubled over a range, the others stay. Time is the median of rounds in which all
sizes of a range take turns, memory the peak that ``tracemalloc`` sees in `course_lib.training.fit`,
with the network, its gradients and all that it remembers. The exponent is the base-2 logarithm of
the growth from one size to its double: 0 costs nothing, 1 is in proportion.

What limits a step is found by timing its parts alone, on arrays of the same shapes: the matrix
products into arrays that are there; the activations, forward and backward; the loss with its
gradient; the optimizer's update. The calls are the whole step on the smallest arrays, of one
replica, one unit and one example, where nothing else is left. What is neither products nor calls
are passes over arrays: memory and arithmetic of elements. The largest of the three is the limit.
"""

from threads import one_thread

if __name__ == "__main__":
    one_thread()  # before NumPy is imported

import math
import statistics
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import peers
import turns
from peers import Case
from seeds_at_once import ACTIVATIONS, DTYPES, ROWS
from stored import Table, parser, report
from versions import library

BASE = {"replicas": 16, "width": 64, "hidden layers": 2, "batch": 64}
RANGES = {
    "replicas": (1, 2, 4, 8, 16, 32, 64, 128),
    "width": (8, 16, 32, 64, 128, 256, 512),
    "hidden layers": (1, 2, 4, 8, 16, 32),
    "batch": (1, 4, 16, 64, 256, 1024),
}
CLASSES = 10
ACTIVATION = "tanh"
SECONDS = 2  # for each size of a range, and for each row
PARTS = ("products", "activations", "loss", "update")


def case_of(sizes):
    """Return the networks of a point of a range; their inputs are as wide as their layers."""
    layers = (*[sizes["width"]] * (sizes["hidden layers"] + 1), CLASSES)
    return Case(sizes["replicas"], layers, sizes["batch"], ACTIVATION, np.float32)


def smallest(case):
    """Return networks with as many layers, on the smallest arrays."""
    return replace(case, replicas=1, sizes=(*[1] * case.layers, 2), batch=1)


def parts_of(case, own):
    """Return the whole step and its parts, by name."""
    network, start = trained(case, own)
    optimizer = own[2].SGD(peers.LEARNING_RATE)
    loss, (x, y) = own[1].get_loss("cross_entropy"), case.data()
    logits, _ = network(x), network.loss_and_gradients(x, y)
    layers = [layer for layer in network.layers if isinstance(layer, own[1].Activate)]
    units = case.sizes[1:-1]
    shapes = [(case.replicas, case.batch, n) for n in units]
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(shape).astype(case.dtype) for shape in shapes]
    updated = {name: value.copy() for name, value in network.parameters.items()}
    gradients = {name: value.copy() for name, value in network.gradients.items()}

    def activations():
        for layer, z in zip(layers, inputs, strict=True):
            layer.forward(z)
        for layer, z in zip(layers, inputs, strict=True):
            layer.backward(z)

    return {
        "step": peers.ours(case, own, start).step,
        "calls": peers.ours(smallest(case), own, trained(smallest(case), own)[1]).step,
        "products": peers.limit(case, start, passes=False),
        "activations": activations,
        "loss": lambda: loss.with_gradient(logits, y),
        "update": lambda: optimizer.step(updated, gradients),
    }


def trained(case, own):
    """Return the networks, and copies of their initial parameters."""
    network = case.network(own, range(case.replicas))
    return network, {name: value.copy() for name, value in network.parameters.items()}


def peak_memory(case, own):
    """Return the most bytes that are in use during two steps of ``fit``, beyond the batch."""
    x, y = case.data()
    tracemalloc.start()
    try:
        network, optimizer = case.network(own, range(case.replicas)), own[2].SGD(0.1)
        tracemalloc.reset_peak()
        options = {"epochs": 2, "batch_size": None, "progress": False}
        own[2].fit(network, x, y, optimizer=optimizer, **options)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def fractions(taken):
    """Return the fraction of the step that each part takes, and what limits it."""
    part = {
        name: min(1.0, turns.ratio(taken[name], taken["step"]).median) for name in (*PARTS, "calls")
    }
    passes = max(0.0, 1 - part["products"] - part["calls"])
    kinds = {"products": part["products"], "calls": part["calls"], "passes": passes}
    shown = [f"{part[name]:.0%}" for name in PARTS]
    return [*shown, f"{part['calls']:.0%}", f"{passes:.0%}", max(kinds, key=kinds.get)]


FRACTIONS = [*PARTS, "calls", "passes", "limit"]


def exponent(before, now, doublings):
    """Return the exponent of a growth, as text."""
    return f"{math.log2(now / before) / doublings:.2f}"


def growth(name, values, own, seconds):
    """Return the table of one range: time, memory, their exponents, and what limits the step."""
    head = [name, "time, µs", "exponent", "memory, MB", "exponent", *FRACTIONS]
    table, last = Table(head), None
    cases = {value: case_of(BASE | {name: value}) for value in values}
    steps = {
        (value, part): step
        for value, case in cases.items()
        for part, step in parts_of(case, own).items()
    }
    taken = turns.take_turns(steps, seconds=seconds * len(values), rounds=3)
    for value, case in cases.items():
        own_parts = {part: taken[key, part] for key, part in steps if key == value}
        now = value, statistics.median(own_parts["step"]), peak_memory(case, own)
        doublings = math.log2(value / last[0]) if last else 0
        times, bytes_ = (exponent(last[i], now[i], doublings) if last else "" for i in (1, 2))
        cells = f"{now[1] * 1e6:.0f}", times, f"{now[2] / 1e6:.2f}", bytes_
        table.add(value, *cells, *fractions(own_parts))
        last = now
    print(f"growth with {name} is measured", flush=True)
    return table


def limits(cells, own, seconds):
    """Return the table of what limits each of the cells, given as a name and its `Case`."""
    names = ["networks", "activation", "dtype"]
    table = Table([*names, "time, µs", *FRACTIONS], names=3)
    for name, case in cells:
        taken = turns.take_turns(parts_of(case, own), seconds=seconds, rounds=3)
        micro = f"{statistics.median(taken['step']) * 1e6:.0f}"
        table.add(name, case.activation, np.dtype(case.dtype).name, micro, *fractions(taken))
    return table


def timed_elsewhere():
    """Return the cells of the other benchmarks of steps, each a name and its `Case`."""
    of_one = {f"1 × 784-256-10, batch {n}": (1, (784, 256, 10), n) for n in (64, 256)}
    return [
        (row, Case(*ROWS[row], name, dtype))
        for row in ROWS
        for dtype in DTYPES
        for name in ACTIVATIONS
    ] + [(row, Case(*of_one[row], "relu", np.float32)) for row in of_one]


def main(arguments=None):
    """Measure every range and every row; print their tables."""
    options = parser(__doc__).parse_args(arguments)
    seconds = 0 if options.quick else SECONDS
    ranges = {n: v[:2] if options.quick else v for n, v in RANGES.items()}
    small = [("2 × 2-3-2, batch 4", Case(2, (2, 3, 2), 4, ACTIVATION, np.float32))]
    cells = small if options.quick else timed_elsewhere()
    own = library()
    others = ", ".join(f"{name} {value}" for name, value in BASE.items())
    print(f"Where nothing else is said: {others}, {ACTIVATION}, float32", flush=True)
    tables = {
        f"Growth with {name}": growth(name, values, own, seconds) for name, values in ranges.items()
    }
    tables["What limits each row"] = limits(cells, own, seconds / 2)
    report("growth", tables, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
