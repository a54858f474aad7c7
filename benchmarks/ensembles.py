"""Time an epoch of 16 networks in PyTorch: at once, one after another, and as replicas of NumPy.

At once is `course_lib.pytorch.fit` of an `Ensemble`; one after another is the same function for
each module. Both have the batches of `course_lib.training.fit`, an order for each seed, which
trains the replicas of NumPy. Losses of the first epoch are compared before anything is timed. Each
library has a process of its own, all take turns on one thread of the CPU, and printed are medians
of ratios with quartiles.
"""

from threads import one_thread

if __name__ == "__main__":
    one_thread()  # before NumPy is imported

import sys

import numpy as np
from apart import made, processes, torch_on
from stored import Table, parser, report
from turns import ratio, take_turns

SEEDS, EXAMPLES, BATCH = range(16), 512, 64
ROWS = {"2-16-16-2": (2, 16, 16, 2), "196-64-10": (196, 64, 10), "784-256-10": (784, 256, 10)}
QUICK_ROWS = {"2-4-2": (2, 4, 2)}
SECONDS = 10  # for each row
CLOSE = 1e-4  # of a loss in float32


class Epochs:
    """An epoch in each call; its losses stand for the parameters, as `apart` calls them."""

    def __init__(self, epoch):
        self.epoch, self.steps = epoch, 1

    def __call__(self):
        self.losses = np.ravel(self.epoch())

    def parameters(self):
        """Return the losses of the last epoch."""
        return self.losses


def examples(sizes):
    """Return points and labels."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((EXAMPLES, sizes[0])).astype(np.float32)
    return x, rng.integers(0, sizes[-1], EXAMPLES)


OPTIONS = {"batch_size": BATCH, "progress": False}


def of_torch(_, sizes):
    """Return the epochs of an ensemble, and of its members by themselves."""
    from course_lib import network, pytorch
    from course_lib.training import Momentum

    ensemble = pytorch.Ensemble.from_numpy(network.mlp(sizes, seed=SEEDS, dtype=np.float32))
    modules, (x, y) = list(ensemble), examples(sizes)
    steps = {
        model: pytorch.torch_optimizer(Momentum(0.01), model) for model in (ensemble, *modules)
    }

    def epoch(model, seed):
        history = pytorch.fit(model, x, y, optimizer=steps[model], seed=seed, **OPTIONS)
        return history.train_loss

    return {
        "at once": Epochs(lambda: epoch(ensemble, SEEDS)),
        "one after another": Epochs(lambda: list(map(epoch, modules, SEEDS))),
    }


def of_numpy(_, sizes):
    """Return the epochs of the replicas."""
    from course_lib import network, training

    replicas, (x, y) = network.mlp(sizes, seed=SEEDS, dtype=np.float32), examples(sizes)
    momentum = training.Momentum(0.01)

    def epoch():
        return training.fit(replicas, x, y, optimizer=momentum, seed=SEEDS, **OPTIONS).train_loss

    return {"NumPy": Epochs(epoch)}


def check_losses(steps):
    """Make an epoch with each; raise RuntimeError if their losses differ."""
    for step in steps.values():
        step()
    expected = steps["NumPy"].parameters()
    for name, step in steps.items():
        if not np.allclose(step.parameters(), expected, rtol=CLOSE):
            raise RuntimeError(f"{name} has the losses {step.parameters()}; expected {expected}")


def main(arguments=None):
    """Time each row; print a table."""
    options = parser(__doc__).parse_args(arguments)
    rows, seconds, rounds = (QUICK_ROWS, 0.01, 2) if options.quick else (ROWS, SECONDS, 9)
    table = Table(["16 networks", "at once / one after another", "at once / NumPy's replicas"])
    with processes({of_torch: (torch_on, 1), of_numpy: ()}) as by:
        for name, sizes in rows.items():
            steps = made(by, list(sizes))
            check_losses(steps)
            taken = take_turns(steps, seconds=seconds, rounds=rounds)
            ratios = [ratio(taken["at once"], taken[n]) for n in ("one after another", "NumPy")]
            table.add(name, *ratios)
            print(name, *ratios, flush=True)
    report("ensembles", {"An epoch of 16 networks in PyTorch": table}, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
