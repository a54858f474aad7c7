"""Time one training step of 784-256-10 in float32: ours, PyTorch's, and its matrix products alone.

All are interleaved in one run, so that a busy moment of the machine hits all alike, and the medians
are compared. The products alone are the limit: no implementation can leave them out. The plain
step is the same arithmetic in bare NumPy, without checks and with a softmax in float32: what lies
between it and the limit is the price of NumPy, and between ours and it the price of ours.
Each number of threads is timed in a process of its own, because libraries read it at their start.
Run it with ``make bench``.
"""

import statistics
import sys
import time

from threads import run_each

BATCHES = (64, 256)
ROUNDS = 600
WARM_UP = 60
AIMS = {(1, 64): (0.70, 1.25)}  # (threads, batch): at most of PyTorch, at most of the limit


def steps(batch_size):
    """Return the steps to compare, by name, each a function of the step's number."""
    import numpy as np
    import torch

    from course_lib import data, network, pytorch
    from course_lib.training import SGD

    x, y, _, _ = data.mnist().flat(np.float32)
    batches = [slice(i, i + batch_size) for i in range(0, len(x) - batch_size + 1, batch_size)]
    ours, optimizer = network.mlp([784, 256, 10], dtype=np.float32), SGD(0.1)
    theirs = pytorch.from_numpy(ours)
    sgd = torch.optim.SGD(theirs.parameters(), lr=0.1)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    first, second = (ours.parameters[f"{i}.weight"].copy() for i in (0, 2))

    def numpy_step(i):
        part = batches[i % len(batches)]
        _, gradients = ours.loss_and_gradients(x[part], y[part])
        optimizer.step(ours.parameters, gradients)

    def pytorch_step(i):
        part = batches[i % len(batches)]
        sgd.zero_grad()
        loss = torch.nn.functional.cross_entropy(theirs(inputs[part]), labels[part])
        loss.backward()
        sgd.step()

    def products_alone(i):
        part = x[batches[i % len(batches)]]
        hidden = part @ first
        logits = hidden @ second
        hidden.T @ logits
        part.T @ (logits @ second.T)

    return {
        "ours": numpy_step,
        "PyTorch": pytorch_step,
        "plain": plain_step(ours, x, y, batches),
        "products": products_alone,
    }


def plain_step(network, x, y, batches):
    """Return the same step in bare NumPy, from copies of the network's parameters."""
    import numpy as np

    weight, bias, last_weight, last_bias = (p.copy() for p in network.parameters.values())

    def step(i):
        part = batches[i % len(batches)]
        examples = x[part]
        own_class = np.arange(len(examples)), y[part]
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


def measure(threads):
    """Time all batch sizes in this process and print a line for each."""
    import torch

    torch.set_num_threads(threads)
    for batch_size in BATCHES:
        functions = steps(batch_size)
        seconds = {name: [] for name in functions}
        for i in range(WARM_UP + ROUNDS):
            for name, function in functions.items():
                start = time.perf_counter()
                function(i)
                if i >= WARM_UP:
                    seconds[name].append(time.perf_counter() - start)
        median = {name: statistics.median(values) for name, values in seconds.items()}
        of_pytorch = median["ours"] / median["PyTorch"]
        of_limit = median["ours"] / median["products"]
        aims = AIMS.get((threads, batch_size))
        aimed = f"   aims: {aims[0]:.2f}, {aims[1]:.2f}" if aims else ""
        micro = "".join(f"{median[name] * 1e6:10.0f}" for name in functions)
        print(
            f"{threads:7d}{batch_size:7d}{micro}{of_pytorch:14.2f}{of_limit:14.2f}{aimed}",
            flush=True,
        )


def main():
    """Start one process for each number of threads."""
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]))
        return 0
    print("One training step of 784-256-10, float32, medians in microseconds")
    heads = ["ours", "PyTorch", "plain", "products", "ours/PyTorch", "ours/products"]
    widths = [10, 10, 10, 10, 14, 14]
    print("threads  batch" + "".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True)))
    return run_each()


if __name__ == "__main__":
    sys.exit(main())
