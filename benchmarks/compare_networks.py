"""Time `frameworks.NetworkPair` beside one forward pass of both networks that it compares.

The network is that of MNIST, 784-256-10 in float32, on batches of 256: a module of PyTorch, the
ONNX graph that is exported from it, and a function that runs the module. The pair has its sessions
and has matched the values of both, as in the second of several batches. In the last row the graph
has leaky ReLU where the module has ReLU, so that values are matched anew and causes are tried each
time; that has no target. All take turns on one thread, and printed are medians of the ratios of all
rounds with quartiles.
"""

from threads import one_thread

if __name__ == "__main__":
    one_thread()  # before NumPy is imported

import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from stored import Table, add_target, parser, report, target_table
from turns import ratio, take_turns

from course_lib import network, pytorch
from course_lib.frameworks import NetworkPair

SIZES, BATCH = [784, 256, 10], 256
AIM = 5
SECONDS = 8  # for each row


def module(activation):
    """Return the network as a module: always the same weights."""
    own = network.mlp(SIZES, activation, dtype=np.float32, seed=0)
    return pytorch.from_numpy(own).eval()


def exported(model, folder, name):
    """Return the path of a graph of the network."""
    path = Path(folder) / f"{name}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter needs no more packages
        torch.onnx.export(model, (torch.zeros(BATCH, SIZES[0]),), path, dynamo=False)
    return path


def forward_of_module(model, x):
    """Return a function that makes a forward pass of a module."""
    tensor = torch.from_numpy(x)

    def forward():
        with torch.inference_mode():
            return model(tensor).numpy()

    return forward


def forward_of_graph(path, x):
    """Return a function that makes a forward pass of a graph, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    given = {session.get_inputs()[0].name: x}
    return lambda: session.run(None, given)


def rows_in(folder, x):
    """Return for each row what is compared, one forward pass of each, and whether they agree."""
    model, changed = module("relu"), module("leaky_relu")
    path, other = exported(model, folder, "same"), exported(changed, folder, "changed")
    of_model, of_graph = forward_of_module(model, x), forward_of_graph(path, x)
    of_other = forward_of_graph(other, x)

    def function(values):
        with torch.inference_mode():
            return model(torch.from_numpy(values)).numpy()

    return {
        "module and graph": (model, path, of_model, of_graph, True),
        "module and module": (model, module("relu"), of_model, of_model, True),
        "graph and graph": (path, exported(model, folder, "again"), of_graph, of_graph, True),
        "module and function": (model, function, of_model, of_model, True),
        "module and graph, one layer wrong": (model, other, of_model, of_other, False),
    }


def steps_of(first, second, forward_first, forward_second, agrees, x):
    """Return what is timed, by name, after a look at what the pair finds."""
    pair = NetworkPair(first, second)
    if pair(x).agrees != agrees:
        raise RuntimeError(
            f"expected that {'nothing' if agrees else 'one layer'} parts:\n{pair(x)}"
        )

    def both():
        forward_first()
        forward_second()

    return {"compare": lambda: pair(x), "both": both}


def main(arguments=None):
    """Time each row; print a table of ratios and targets."""
    options = parser(__doc__).parse_args(arguments)
    seconds, rounds = (0.01, 2) if options.quick else (SECONDS, 15)
    torch.set_num_threads(1)
    x = np.random.default_rng(0).random((BATCH, SIZES[0]), dtype=np.float32)
    times = Table(["784-256-10, batch 256", "compare, ms", "both forward, ms"])
    targets = target_table("784-256-10, batch 256")
    with tempfile.TemporaryDirectory() as folder:
        for name, row in rows_in(folder, x).items():
            taken = take_turns(steps_of(*row, x), seconds=seconds, rounds=rounds)
            milli = [f"{1e3 * np.median(values):.2f}" for values in taken.values()]
            times.add(name, *milli)
            measured = ratio(taken["compare"], taken["both"])
            add_target(targets, [name], "compare / both", measured, AIM if row[-1] else None)
    report("compare_networks", {"Time of a comparison": times, "Targets": targets}, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
