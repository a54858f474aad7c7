"""The calls of a sweep: one after another, in processes of this machine, or on a cluster.

All three give the same numbers bit for bit, because every trial runs on one thread: matrix
products that BLAS cuts into another number of pieces round in another order. They differ only in
the order in which outcomes arrive.

Processes are joblib's (its backend loky, which also sends functions of a notebook or a script). A
loop of joblib wants to know its tasks beforehand, while the next trials of a tuning follow from
outcomes. So the loop is fed with short pauses while it may still get more to do: there is no
barrier between the stages of a tuning.

A cluster is used through `distributed.Client` rather than through joblib's Dask backend. With
joblib 1.6 and distributed 2026.8, a loop on that backend never ends once a task has killed its
workers as often as the scheduler allows (``distributed.scheduler.allowed-failures``): the backend
passes the error to the future of that task and does not call the callback for which the loop waits.
It also fixes the number of workers when it starts; here, workers may come and go.

Workers die and are cut off. What they were computing is computed elsewhere, and a trial that kills
one worker after another ends as an outcome with an error:

- In processes, a death ends the others too (loky cannot tell what is still sound), and what had not
  come back is called again. What was under way at three deaths is then called alone.
- On Dask, the scheduler does it. After four deaths (``distributed.scheduler.allowed-failures``) it
  gives up a trial, and all that waited on the same workers; these are called again at the end, one
  at a time. It notices at once if a process died or a connection was closed; a worker that no
  packet reaches any more after ``distributed.comm.timeouts.tcp`` (30 s); and one that is frozen,
  whose machine still answers, after ``distributed.scheduler.worker-ttl`` (5 minutes). These are
  settings of the scheduler.
"""

import gc
import os
import pickle
import sys
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from copy import deepcopy
from functools import lru_cache
from threading import Thread
from typing import Any
from uuid import uuid4

from course_lib._checks import check_integer, check_type, sweeps_module
from course_lib.experiments.provenance import provenance
from course_lib.experiments.trials import Outcome, Trial, as_values

__all__ = ["Function", "Then", "call", "one_thread", "run_trials"]

Function = Callable[..., Mapping[str, Any]]
"""What a sweep studies: called with seeds and arguments, it gives one number for each seed."""

Then = Callable[[Trial, Outcome], Iterable[Trial]]
"""Takes the outcome of a trial and returns what is to be run next."""

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
DEATHS = 3  # of processes while a trial was under way, after which it is called alone
LONGEST = 2_000  # characters of an error that are kept
AHEAD = 2  # trials handed out for each process: one that it computes, one that is being kept
CONNECT = 10  # seconds until a scheduler must have answered, and have a worker


def run_trials(
    function: Function,
    trials: Iterable[Trial],
    then: Then,
    *,
    workers: int = 1,
    scheduler: Any = None,
) -> None:
    """Call a function for each trial and for those that follow from their outcomes.

    Parameters
    ----------
    function : callable
        Called with the seeds, a tuple, and the arguments of a trial by name. For several workers it
        is sent to other processes; it can be one of a notebook.
    trials : iterable of Trial
        What to begin with.
    then : callable
        Called with each trial and its outcome as it arrives, in this thread; returns what is to be
        run in addition.
    workers : int
        1 calls the function here, more use as many processes.
    scheduler : str or distributed.Client, optional
        The address of a scheduler of Dask, such as ``"tcp://10.0.0.1:8786"``, or a client that is
        connected to it. Its workers run the trials then. They and the scheduler, which reads all
        tasks, need this library, and the function's module unless that is the main program.

    Raises
    ------
    TypeError, ValueError
        If `workers` or `scheduler` is something else, or the function cannot be sent.
    ModuleNotFoundError
        If joblib, Dask or threadpoolctl is needed and not installed.
    ConnectionError
        If the scheduler does not answer, has no workers, or is lost.
    RuntimeError
        If the workers of a scheduler cannot run the trials, as with other versions of this library.

    Notes
    -----
    An exception of the function is an outcome. One of `then`, or an interrupt, ends everything:
    what is running is stopped, here and in the processes, and what waits on a cluster is canceled.

    Examples
    --------
    >>> trials = [Trial(i, "result", {"x": i}, (0, 1)) for i in range(3)]
    >>> def function(seeds, x):
    ...     return {"y": [1 / x + seed for seed in seeds]}
    >>> def then(trial, outcome):
    ...     print(outcome.values, outcome.error)
    ...     return []
    >>> run_trials(function, trials, then)
    {} ZeroDivisionError: division by zero
    {'y': (1.0, 2.0)} None
    {'y': (0.5, 1.5)} None
    """
    check_integer("workers", workers)
    sweeps_module("threadpoolctl")
    waiting = deque(trials)
    if scheduler is not None:
        _on_cluster(function, waiting, then, scheduler)
    elif workers == 1:
        _here(function, waiting, then)
    else:
        _in_processes(function, waiting, then, workers)


def call(function: Function, trial: Trial) -> Outcome:
    """Call the function for one trial, in this process and with as many threads as it has.

    Returns
    -------
    Outcome
        With an error if the function raised one, or returned something else than one number for
        each seed.
    """
    start = time.perf_counter()
    values, error = {}, None
    try:
        # a copy: a function that changes its arguments must not change what was asked
        values = as_values(trial, function(trial.seeds, **deepcopy(dict(trial.arguments))))
    except KeyboardInterrupt:
        raise
    except BaseException as caught:  # SystemExit, and panics of extensions written in Rust
        error = _described(caught)
    return Outcome(values, error, time.perf_counter() - start, provenance())


def _described(error: BaseException) -> str:
    """Return what an exception says, also one that cannot say it, and not without end."""
    try:
        text = str(error)
    except Exception as another:
        text = f"its text cannot be made ({type(another).__name__})"
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} ... ({len(text):,} characters)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS, OpenMP and PyTorch to one thread, libraries included that are yet to be loaded.

    A library that is first loaded within keeps its one thread afterwards. Apple's Accelerate has as
    many as the environment told it when it was loaded.
    """
    before = {name: os.environ.get(name) for name in THREADS}
    torch = sys.modules.get("torch")
    count = torch.get_num_threads() if torch else None
    limits = _limit_threads()
    try:
        yield
    finally:
        if torch:
            torch.set_num_threads(count)
        limits.restore_original_limits()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _limit_threads() -> Any:
    """Limit this process to one thread for good; return what can undo it for what is loaded."""
    os.environ.update(dict.fromkeys(THREADS, "1"))  # read by libraries as they are loaded
    limits = _libraries(len(sys.modules)).limit(limits=1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    return limits


@lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:
    """Return what sets the threads of all libraries; finding them takes 10 ms, setting 20 µs.

    They are looked for again when another number of modules has been imported.
    """
    return sweeps_module("threadpoolctl").ThreadpoolController()


# ---------------------------------------------------------------------------------------------
# Here
# ---------------------------------------------------------------------------------------------


def _here(function: Function, waiting: deque[Trial], then: Then) -> None:
    """Call the function for one trial after another."""
    while waiting:
        trial = waiting.popleft()
        with one_thread():
            outcome = call(function, trial)
        waiting.extend(then(trial, outcome))


# ---------------------------------------------------------------------------------------------
# Processes
# ---------------------------------------------------------------------------------------------


def _in_processes(function: Function, waiting: deque[Trial], then: Then, workers: int) -> None:
    """Call the function in processes, and again for what was lost with one that died."""
    lost: Counter[str] = Counter()
    while waiting:
        running: dict[str, Trial] = {}
        try:
            _loop(function, waiting, running, then, workers)
        except BrokenProcessPool as error:
            _check_death(error)
            lost.update(running.keys())
            again = [trial for trial in running.values() if lost[trial.key] < DEATHS]
            waiting.extendleft(reversed(again))
            for trial in running.values():
                if lost[trial.key] >= DEATHS:
                    waiting.extend(then(trial, _alone(function, trial)))


def _loop(
    function: Function,
    waiting: deque[Trial],
    running: dict[str, Trial],
    then: Then,
    workers: int,
) -> None:
    """Run one loop of joblib; `running` holds what has been handed out and is not yet kept.

    joblib asks for the next task as soon as a process is free, also where `then`, which writes to
    the disk, is behind. What a killed program had not kept is computed twice, so at most
    ``AHEAD * workers`` trials are between the feed and the disk.
    """

    def feed() -> Iterator[Any]:
        """Yield trials; pauses while the disk is behind, or more may follow from what runs."""
        while waiting or running:
            if waiting and len(running) < AHEAD * workers:
                trial = waiting.popleft()
                running[trial.key] = trial
                yield task(function, trial)
            else:
                yield pause(time.monotonic() + rest)

    delayed = sweeps_module("joblib").delayed
    task, pause = delayed(_work), delayed(_pause)
    rest = max(0.02, workers / 200)  # seconds, so that pauses cost at most 200 calls in a second
    with _results(feed(), workers) as results:
        for done in results:
            if done is not None:
                trial, outcome = done
                waiting.extend(then(trial, outcome))
                del running[trial.key]  # last: the feed ends when it finds nothing


@contextmanager
def _results(tasks: Iterable[Any], workers: int) -> Iterator[Iterator[Any]]:
    """Give what processes of joblib return, as it arrives; stop them if that is cut short."""
    joblib = sweeps_module("joblib")
    watched = {"initializer": _watch, "initargs": (os.getpid(),)}
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1, **watched):
        parallel = joblib.Parallel(
            workers, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs"
        )
    results = parallel(tasks)
    try:
        yield results
    except pickle.PicklingError as error:
        raise TypeError(
            f"the function cannot be sent to other processes ({error}); expected one that holds no "
            f"open files, locks or generators, or workers=1"
        ) from error
    finally:
        with warnings.catch_warnings():  # of results that nobody takes after an interrupt
            warnings.filterwarnings("ignore", "(?s).*tasks (have been|which were)", UserWarning)
            results.close()


def _work(function: Function, trial: Trial) -> tuple[Trial, Outcome]:
    """Call the function in a process that does nothing else."""
    _limit_threads()  # and leave it: several threads of one process would undo each other's
    return trial, call(function, trial)


def _watch(parent: int) -> None:
    """End this process soon after the one that started it was killed; loky's wait for 5 minutes.

    It is called before any trial: the other one may end while this one is still starting. On
    Windows it does nothing: a process keeps the number of its parent there when that has ended.
    """
    if os.name == "nt":
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _pause(until: float) -> None:
    """Wait; of pauses that were handed out together, all but the first end at once.

    The clock is that of the whole system, and nobody sets it back.
    """
    time.sleep(max(0.0, until - time.monotonic()))


def _died(seconds: float) -> Outcome:
    """Return the outcome of a trial that ends the process it runs in."""
    error = (
        "WorkerDied: each process that ran it ended, the last one alone; is there enough memory?"
    )
    return Outcome({}, error, seconds, provenance())


def _check_death(error: BrokenProcessPool) -> None:
    """Raise the error again unless a process died: all trials would end with it."""
    if type(error).__name__ != "TerminatedWorkerError":
        raise error


def _alone(function: Function, trial: Trial) -> Outcome:
    """Call the function in a process while no other is at work."""
    start = time.perf_counter()
    task = sweeps_module("joblib").delayed(_work)(function, trial)
    try:
        with _results([task], 2) as results:  # 1 would call it here
            for _, outcome in results:
                return outcome
    except BrokenProcessPool as error:
        _check_death(error)
    return _died(time.perf_counter() - start)


# ---------------------------------------------------------------------------------------------
# A cluster
# ---------------------------------------------------------------------------------------------


def _on_cluster(function: Function, waiting: deque[Trial], then: Then, scheduler: Any) -> None:
    """Let the workers of a scheduler of Dask call the function, and again alone for suspects."""
    suspects: deque[Trial] = deque()

    def suspect(trial: Trial) -> Iterable[Trial]:
        """Put a trial off: its workers died, perhaps of another one that they had too."""
        suspects.append(trial)
        return []

    def alone(trial: Trial, outcome: Outcome | None = None) -> Iterable[Trial]:
        """Take what came of a trial that nothing else ran beside; leave what follows for later."""
        waiting.extend(then(trial, outcome or _died(0.0)))
        return []

    with _client(scheduler) as client:
        while waiting or suspects:
            if waiting:
                trials = [waiting.popleft() for _ in range(len(waiting))]
                _gather(client, function, trials, then, suspect)
            else:
                _gather(client, function, [suspects.popleft()], alone, alone)


def _gather(
    client: Any,
    function: Function,
    trials: Iterable[Trial],
    then: Then,
    killed: Callable[[Trial], Iterable[Trial]],
) -> None:
    """Run trials and what follows from them, until nothing is left."""
    as_completed = sweeps_module("distributed").as_completed
    done = as_completed([], loop=client.loop, with_results=True, raise_errors=False)
    running: dict[Any, Trial] = {}
    try:
        _submit(client, function, trials, running, done)
        for future, result in done:
            trial = running.pop(future)
            outcome = _outcome_of(future, result)
            following = killed(trial) if outcome is None else then(trial, outcome)
            _submit(client, function, following, running, done)
    finally:
        if running:
            client.cancel(list(running), force=True, reason="the sweep has ended")


@contextmanager
def _client(scheduler: Any) -> Iterator[Any]:
    """Connect to a scheduler, or use a client that is connected."""
    distributed = sweeps_module("distributed")
    kinds = (str, distributed.Client)
    check_type("scheduler", scheduler, kinds, "an address, such as 'tcp://10.0.0.1:8786'")
    if not isinstance(scheduler, str):
        yield _with_workers(scheduler)
        return
    try:
        with _uncollected():
            client = distributed.Client(scheduler, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:  # nobody is there, or it is no address
        kind = ValueError if isinstance(error, ValueError) else ConnectionError
        raise kind(
            f"no scheduler answers at {scheduler!r}; expected the address that `dask scheduler` "
            f"prints when it starts, such as 'tcp://10.0.0.1:8786' ({error})"
        ) from error
    with client:
        yield _with_workers(client)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector away, after a last visit.

    It is the collector that closes a client whose scheduler did not answer. With distributed 2026.8
    that waits for a lock, which a client holds while it starts: if the collector comes just then,
    the program waits for itself, forever.
    """
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _with_workers(client: Any) -> Any:
    """Return a client, or raise ConnectionError if there is no worker."""
    try:
        client.wait_for_workers(1, timeout=CONNECT)
    except TimeoutError:
        raise ConnectionError(
            f"the scheduler at {client.scheduler.address} has no workers after {CONNECT} s; start "
            f"one with: dask worker {client.scheduler.address} --nthreads 1"
        ) from None
    return client


def _submit(
    client: Any, function: Function, trials: Iterable[Trial], running: dict[Any, Trial], done: Any
) -> None:
    """Hand trials to a scheduler, those of earlier configurations first."""
    for trial in list(trials):
        future = client.submit(
            _work, function, trial, key=f"trial-{uuid4().hex}", priority=-trial.place
        )
        running[future] = trial
        done.add(future)


def _outcome_of(future: Any, result: Any) -> Outcome | None:
    """Return what came of a trial, None if it was given up; raise what keeps all from running."""
    if future.status == "finished":
        return result[1]
    if future.status != "error":
        raise ConnectionError(
            f"the scheduler dropped a trial ({future.status}): it was restarted or lost; what has "
            f"come back is kept"
        )
    _, error, _ = result
    if isinstance(error, sweeps_module("distributed").KilledWorker):
        return None
    cause = error
    while cause.__cause__ is not None:  # of errors of Dask, the last one says what is wrong
        cause = cause.__cause__
    raise RuntimeError(
        f"the cluster cannot run the trials ({type(cause).__name__}: {cause}); expected a "
        f"scheduler and workers with this library, the same versions, and the function's module"
    ) from error
