"""Time what the engine of sweeps costs: over a bare loop, in processes, on Dask, and on resuming.

Rounds interleave what is compared, and a ratio is that of two times in one round; printed are the
median over all rounds and the quartiles. Tasks wait, so that the figures are those of the engine;
or multiply matrices that fit a cache, on one thread, so that each worker has a core to itself; or
train networks, where two workers share the machine's memory too. Processes and clusters are started
before anything is timed.
"""

from threads import one_thread

if __name__ == "__main__":
    one_thread()  # before NumPy is imported

import statistics
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from stored import Table, add_target, parser, report, target_table
from turns import ratio

from course_lib.experiments import sweep
from course_lib.network import mlp
from course_lib.training import SGD, fit

ROUNDS = 7
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(256, 32)).astype(np.float32), RNG.integers(0, 10, 256)


def waiting(seeds, x, wait):
    """Wait."""
    time.sleep(wait)
    return {"y": [x + seed for seed in seeds]}


def multiplying(seeds, x, products):
    """Multiply two matrices of 128 x 128 again and again."""
    matrix, into = np.full((128, 128), 1 / 128), np.empty((128, 128))
    for _ in range(products):
        np.matmul(matrix, matrix, out=into)
    return {"y": [x + seed + into[0, 0] for seed in seeds]}


def computing(seeds, x, steps):
    """Train networks, one for each seed."""
    network = mlp([32, 64, 10], "tanh", seed=seeds, dtype=np.float32)
    history = fit(
        network, X, Y, optimizer=SGD(0.01), epochs=steps, batch_size=64, seed=seeds, progress=False
    )
    return {"loss": history.train_loss[..., -1]}


def bare(function, count, folder, **arguments):
    """Call the function in a loop."""
    for x in range(count):
        function((0, 1), x=x, **arguments)


def engine(function, count, folder, where=None, **arguments):
    """Call the function in a sweep that is stored."""
    grid = {"x": list(range(count)), **{name: [value] for name, value in arguments.items()}}
    out = Path(folder) / f"{time.perf_counter_ns()}.parquet"
    sweep(function, grid, seeds=(0, 1), out=out, progress=False, **(where or {}))
    return out


def in_turns(ways, rounds):
    """Return the seconds of each way in every round."""
    taken = {name: [] for name in ways}
    for i in range(rounds + 1):
        for name, way in list(ways.items())[:: 1 if i % 2 else -1]:
            start = time.perf_counter()
            way()
            taken[name] += [time.perf_counter() - start] if i else []  # the first one prepares
    return taken


@contextmanager
def cluster(workers):
    """Start a scheduler and workers on this machine; give a client."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as own,
        Client(own) as client,
    ):
        yield client


def often_for(seconds, function, some):
    """Return how often something is to be done that takes so long, by the fastest of a few."""
    function((0, 1), 0, some)
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        function((0, 1), 0, some)
        taken.append(time.perf_counter() - start)
    return max(1, round(seconds * some / min(taken)))


def main(arguments=None):
    """Time all; print a table of times and one of targets."""
    options = parser(__doc__).parse_args(arguments)
    rounds, few, rows = (2, 2, 40) if options.quick else (ROUNDS, 8, 10_000)
    short, long = (0.02, 0.05) if options.quick else (0.1, 0.5)
    times, targets = Table(["what", "seconds"]), target_table("what")

    def show(names, taken):
        for name, seconds in taken.items():
            times.add(f"{names}, {name}", f"{statistics.median(seconds):.3f}")

    def add(names, taken, own, other, most):
        add_target(targets, [names], f"{own} / {other}", ratio(taken[own], taken[other]), most)

    with TemporaryDirectory() as folder, cluster(2) as client:
        for name, function, more in (
            (f"{few} tasks of {long} s that wait", waiting, {"wait": long}),
            (
                f"{few} tasks of {long} s that multiply",
                multiplying,
                {"products": often_for(long, multiplying, 50)},
            ),
            (
                f"{few} tasks of {long} s that train",
                computing,
                {"steps": often_for(long, computing, 20)},
            ),
        ):
            ways = {
                "bare loop": lambda f=function, m=more: bare(f, few, folder, **m),
                "engine": lambda f=function, m=more: engine(f, few, folder, **m),
                "2 workers": lambda f=function, m=more: engine(f, few, folder, {"workers": 2}, **m),
            }
            taken = in_turns(ways, rounds)
            show(name, taken)
            add(name, taken, "engine", "bare loop", 1.03)
            add(name, taken, "2 workers", "engine", 0.5405)  # 1 / 1.85
        name = f"{few * 5} tasks of {short} s that wait, 2 workers"
        taken = in_turns(
            {
                "joblib": lambda: engine(waiting, few * 5, folder, {"workers": 2}, wait=short),
                "Dask": lambda: engine(waiting, few * 5, folder, {"scheduler": client}, wait=short),
            },
            rounds,
        )
        show(name, taken)
        add(name, taken, "Dask", "joblib", 1.2)
        resuming(folder, rows, rounds, times, targets)
    report("sweeps", {"Seconds": times, "Targets": targets}, options)
    return 0


def resuming(folder, rows, rounds, times, targets):
    """Time a sweep of which all is there, over what its tasks of 0.1 s would take."""
    out = Path(folder) / "resumed.parquet"
    grid = {"x": list(range(rows // 2)), "wait": [0.0]}

    def again():
        sweep(waiting, grid, seeds=(0, 1), out=out, progress=False)

    again()
    taken = in_turns({"resuming": again}, rounds)
    whole = {"sweep": [rows // 2 * 0.1] * rounds}
    name = f"{rows:,} rows of {rows // 2:,} tasks of 0.1 s"
    times.add(f"{name}, resuming", f"{statistics.median(taken['resuming']):.3f}")
    add_target(targets, [name], "resuming / sweep", ratio(taken["resuming"], whole["sweep"]), 0.01)


if __name__ == "__main__":
    sys.exit(main())
