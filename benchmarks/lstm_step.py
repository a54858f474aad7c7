"""Time our LSTM in NumPy beside `torch.nn.LSTM`, at the sizes of the chapter on language.

Both read the same batch from the same weights, forward, without gradients, in float32, on one
thread; what they give is compared before anything is timed. They take turns, and printed are
medians of the ratios of all rounds with quartiles. The aim is a ratio of at most 4.

What separates them is in the columns beside it: of ours, the fractions that the matrix products of
all steps and the calls of tanh take by themselves. The rest is arithmetic on small arrays, one call
of NumPy after another, and the checks of each step; PyTorch makes the products with all inputs at
once, and its own loop over the steps calls no Python.
"""

from threads import one_thread

if __name__ == "__main__":
    one_thread()  # before NumPy is imported

import sys

import numpy as np
import torch
from stored import Table, parser
from turns import ratio, take_turns

from course_lib.network.recurrent import RecurrentWeights, lstm_step

ROWS = {  # steps, sequences, inputs, units
    "names": (12, 64, 27, 32),
    "new names": (12, 600, 27, 32),
    "span of 20": (20, 16, 8, 16),
    "span of 60": (60, 16, 8, 16),
}
AIM = 4


def steps_of(length, batch, inputs, units):
    """Return what is timed, by name."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    module = torch.nn.LSTM(inputs, units)
    x = torch.nn.functional.one_hot(torch.randint(inputs, (length, batch)), inputs).float()
    w, u, b, b_u = (
        np.ascontiguousarray(parameter.detach().numpy().T) for parameter in module.parameters()
    )
    weights, rows = RecurrentWeights(w, u, b[None], b_u[None]), x.numpy()
    zeros = np.zeros((batch, units), np.float32)
    gates, cell = np.zeros((batch, 4 * units), np.float32), zeros.copy()

    def ours():
        h = c = zeros
        for row in rows:
            h, c = lstm_step(row, h, c, weights)
        return h

    def theirs():
        with torch.inference_mode():
            return module(x)[0][-1].numpy()

    def products():
        for row in rows:
            row @ w
            zeros @ u

    def tanh():
        for _ in rows:
            np.tanh(gates)
            np.tanh(cell)
            np.tanh(cell)

    if not np.allclose(ours(), theirs(), atol=1e-6):
        raise RuntimeError("our LSTM and PyTorch's differ by more than 1e-6")
    return {"ours": ours, "torch": theirs, "products": products, "tanh": tanh}


def main(arguments=None):
    """Time each row; print a table."""
    options = parser(__doc__).parse_args(arguments)
    seconds, rounds = (0.01, 2) if options.quick else (5, 15)
    table = Table(["LSTM", "NumPy / PyTorch", "products / ours", "tanh / ours"])
    medians = []
    for name, sizes in ROWS.items():
        taken = take_turns(steps_of(*sizes), seconds=seconds, rounds=rounds)
        found = [
            ratio(taken[own], taken[other])
            for own, other in (("ours", "torch"), ("products", "ours"), ("tanh", "ours"))
        ]
        medians.append(found[0].median)
        table.add(name, *found)
    print(table)
    print(f"largest ratio {max(medians):.2f}; the aim is at most {AIM}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
