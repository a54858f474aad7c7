"""Time one training step of 784-256-10 in float32: ours, PyTorch's, before, and the limit.

Each library has a process of its own, and all take turns in one run, so that a busy moment of the
machine hits all alike; a round gives the ratio of two times, and printed are the median over all
rounds and the quartiles. The products alone are the limit: no implementation can leave them out.
The plain step is the same arithmetic in bare NumPy, without checks and with a softmax in float32:
what lies between it and the limit is the price of NumPy, and between ours and it the price of ours.
The commit before stands in a worktree that the program makes and removes; ``--before FOLDER`` takes
another checkout. Each number of threads is timed by processes of its own, because libraries read it
at their start; the targets are for one.
"""

import itertools
import statistics
import sys

import turns
from apart import made, processes, torch_on
from stored import NONE, Table, add_target, parser, report, target_table
from threads import run_each
from versions import BEFORE, checkout, library

BATCHES = (64, 256)
SECONDS = 8  # for each batch size
AIMS = {64: (0.55, 1.35), 256: (0.40, 1.15)}  # on one thread: at most of PyTorch, of the limit
NAMES = {1: "training_step", 2: "training_step_two_threads"}  # of what is stored


def batches_of(batch_size):
    """Return batches of MNIST in a circle."""
    import numpy as np

    from course_lib import data

    x, y, _, _ = data.mnist().flat(np.float32)
    parts = [slice(i, i + batch_size) for i in range(0, len(x) - batch_size + 1, batch_size)]
    return itertools.cycle([(x[part], y[part]) for part in parts])


def of_library(modules, batch_size):
    """Return our step."""
    return {"ours": library_step(modules, batches_of(batch_size))}


def of_commit_before(modules, batch_size):
    """Return the step of an earlier commit."""
    return {BEFORE: library_step(modules, batches_of(batch_size))}


def of_torch(_, batch_size):
    """Return PyTorch's step."""
    import numpy as np
    import torch

    from course_lib import network, pytorch

    model = pytorch.from_numpy(network.mlp([784, 256, 10], dtype=np.float32))
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = batches_of(batch_size)

    def step():
        inputs, labels = map(torch.from_numpy, next(batches))
        sgd.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        sgd.step()

    return {"PyTorch": step}


def of_numpy(_, batch_size):
    """Return the step in bare NumPy, and its products alone."""
    import numpy as np

    from course_lib import network

    model, batches = network.mlp([784, 256, 10], dtype=np.float32), batches_of(batch_size)
    first, second = (model.parameters[f"{i}.weight"].copy() for i in (0, 2))

    def products_alone():
        part, _ = next(batches)
        hidden = part @ first
        logits = hidden @ second
        hidden.T @ logits
        part.T @ (logits @ second.T)

    return {"plain": plain_step(model, batches), "products": products_alone}


def library_step(modules, batches):
    """Return the step of a library, ours or that of another commit."""
    import numpy as np

    _, network, training = modules
    model, optimizer = network.mlp([784, 256, 10], dtype=np.float32), training.SGD(0.1)

    def step():
        _, gradients = model.loss_and_gradients(*next(batches))
        optimizer.step(model.parameters, gradients)

    return step


def plain_step(network, batches):
    """Return the same step in bare NumPy, from copies of the network's parameters."""
    import numpy as np

    weight, bias, last_weight, last_bias = (p.copy() for p in network.parameters.values())

    def step():
        examples, labels = next(batches)
        own_class = np.arange(len(examples)), labels
        before = examples @ weight
        before += bias
        hidden = np.maximum(before, 0)
        logits = hidden @ last_weight
        logits += last_bias
        logits -= logits.max(axis=1, keepdims=True)
        probabilities = np.exp(logits)
        total = probabilities.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - logits[own_class]).mean()
        probabilities /= total
        probabilities[own_class] -= 1
        probabilities /= len(examples)
        grad_output = probabilities @ last_weight.T
        grad_output *= before > 0
        for parameter, gradient in (
            (weight, examples.T @ grad_output),
            (bias, grad_output.sum(axis=0)),
            (last_weight, hidden.T @ probabilities),
            (last_bias, probabilities.sum(axis=0)),
        ):
            parameter -= np.float32(0.1) * gradient
        return loss

    return step


def measure(options):
    """Time all batch sizes, on the number of threads of this process's environment."""
    columns = ("ours", "PyTorch", "plain", "products", BEFORE)
    times, targets = Table(["batch", *(f"{name}, µs" for name in columns)]), target_table("batch")
    needs = {of_library: (library,), of_torch: (torch_on, options.threads), of_numpy: ()}
    with checkout(folder=options.before) as folder:
        if folder is not None:
            needs[of_commit_before] = (library, folder)
        with processes(needs) as by:
            for batch_size in BATCHES:
                taken = turns.take_turns(
                    made(by, batch_size),
                    seconds=0.01 if options.quick else SECONDS,
                    rounds=2 if options.quick else 9,
                    one_thread=options.threads == 1,
                )
                add(times, targets, batch_size, columns, taken, options.threads)
    title = f"One step of 784-256-10, float32, threads: {options.threads}"
    report(NAMES[options.threads], {title: times, "Ratios": targets}, options)


def add(times, targets, batch_size, columns, taken, threads):
    """Add the times and ratios of a batch size to the tables."""
    micro = {name: statistics.median(values) * 1e6 for name, values in taken.items()}
    times.add(batch_size, *(f"{micro[name]:.0f}" if name in micro else NONE for name in columns))
    most = (*AIMS[batch_size], None) if threads == 1 else (None,) * 3
    for name, limit in zip(("PyTorch", "products", BEFORE), most, strict=True):
        measured = turns.ratio(taken["ours"], taken[name]) if name in taken else None
        add_target(targets, [f"{batch_size}"], f"ours / {name}", measured, limit)


def main(arguments=None):
    """Start one process for each number of threads."""
    options = parser(__doc__, before=f"a checkout of {BEFORE}")
    options.add_argument("--threads", type=int, choices=NAMES, help="this many, in this process")
    chosen = options.parse_args(arguments)
    if chosen.threads:
        measure(chosen)
        return 0
    return run_each("--threads")


if __name__ == "__main__":
    sys.exit(main())
