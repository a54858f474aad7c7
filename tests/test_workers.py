"""Trials run here, in processes and again after a death, all on one thread."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sweep_functions import deadly, quick, study

from course_lib.experiments.trials import Trial
from course_lib.experiments.workers import call, one_thread, run_trials

pytest.importorskip("joblib", reason="joblib is not installed")
threadpoolctl = pytest.importorskip("threadpoolctl", reason="threadpoolctl is not installed")


def trials(count, **arguments):
    return [Trial(i, "tuning", {"x": i, **arguments}, (0, 1)) for i in range(count)]


def outcomes(function, first, then=lambda trial, outcome: [], **where):
    """Return the outcomes of some trials, by place and phase."""
    found = {}

    def keep(trial, outcome):
        assert (trial.place, trial.phase) not in found, "a trial came back twice"
        found[trial.place, trial.phase] = outcome
        return then(trial, outcome)

    run_trials(function, first, keep, **where)
    return found


def twice(trial, outcome):
    """Let a result follow each tuning."""
    return [] if trial.phase == "result" else [Trial(trial.place, "result", trial.arguments, (5,))]


def children(parent=None):
    """Return the ids of loky's processes that this one, or another, has started and that live."""
    asked = ["ps", "-ww", "-o", "pid=,stat=,args=", "--ppid", str(parent or os.getpid())]
    listed = subprocess.run(asked, capture_output=True, text=True)
    lines = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return {int(pid) for pid, stat, args in lines if "Z" not in stat and "popen_loky" in args}


class Panic(BaseException):
    """What extensions written in Rust raise; nothing that catches Exception catches it."""


class Mute(Exception):
    """An exception that cannot say what it is."""

    def __str__(self):
        raise RuntimeError


# One call.


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no"), "ValueError: no"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyError("a"), "'a'"),
        (ValueError(), "ValueError"),
        (Panic("index out of range"), "Panic: index out of range"),
        (GeneratorExit(), "GeneratorExit"),
        (Mute(), "Mute: its text cannot be made (RuntimeError)"),
        (ValueError("x" * 1_000_000), "xxx ... (1,000,000 characters)"),
    ],
)
def test_an_exception_is_an_outcome(error, told):
    def function(seeds):
        raise error

    outcome = call(function, Trial(0, "result", {}, (1,)))
    assert outcome.error.endswith(told) and outcome.values == {}
    assert len(outcome.error) < 2_100


def test_an_interrupt_is_none():
    def function(seeds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(function, Trial(0, "result", {}, (1,)))


@pytest.mark.parametrize("found", [None, {}, {"y": [1.0]}, {"y": 1.0}, {"y": ["a", "b"]}])
def test_what_is_not_one_number_a_seed_is_an_error(found):
    outcome = call(lambda seeds: found, Trial(0, "result", {}, (1, 2)))
    assert outcome.error.startswith(("TypeError: ", "ValueError: ")) and outcome.values == {}


def test_a_function_may_change_its_arguments_without_harm():
    def function(seeds, widths):
        widths.append(3)
        return {"y": [len(widths)]}

    trial = Trial(0, "result", {"widths": [1, 2]}, (1,))
    key = trial.key
    assert call(function, trial).values == call(function, trial).values == {"y": (3,)}
    assert trial.arguments == {"widths": [1, 2]} and trial.key == key


def test_an_outcome_says_where_it_comes_from():
    where = call(quick, Trial(0, "result", {}, (1,))).where
    assert where["numpy"] == np.__version__ and where["date"].endswith("+00:00")


# Threads.


def blas_threads(seeds, x=0):
    """Return the most threads that a library of this process would take."""
    pools = threadpoolctl.threadpool_info()
    return {"threads": [max(pool["num_threads"] for pool in pools)] * len(seeds)}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_trial_has_one_thread(workers):
    with threadpoolctl.threadpool_limits(limits=3):
        found = outcomes(blas_threads, trials(3), workers=workers)
        assert {outcome.values["threads"] for outcome in found.values()} == {(1, 1)}
        assert blas_threads([0])["threads"] == [3]


def test_pytorch_gets_its_threads_back():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_library_that_is_loaded_within_a_trial_has_one_thread_too():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    program = """
from course_lib.experiments.trials import Trial
from course_lib.experiments.workers import run_trials
def function(seeds):
    import torch
    return {"threads": [torch.get_num_threads()]}
run_trials(function, [Trial(0, "result", {}, (1,))], lambda t, o: print(o.values["threads"]) or [])
"""
    without = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=without
    )
    assert done.stdout.strip() == "(1,)"


def test_the_environment_is_as_before(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with one_thread():
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "5" and "MKL_NUM_THREADS" not in os.environ


# Many calls.


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_what_follows_is_run_too(workers):
    found = outcomes(quick, trials(5), twice, workers=workers)
    assert set(found) == {(i, phase) for i in range(5) for phase in ("tuning", "result")}
    assert all(found[i, "result"].values["y"] == (i + 5 / 7,) for i in range(5))
    own = {pid for outcome in found.values() for pid in outcome.values["process"]}
    assert (own == {os.getpid()}) == (workers == 1) and (workers == 1 or os.getpid() not in own)


def test_a_chain_does_not_wait_for_a_long_trial():
    first = [Trial(0, "tuning", {"wait": 3.0}, (0,)), Trial(1, "tuning", {"x": 0}, (0,))]
    order = []

    def then(trial, outcome):
        order.append(trial.place)
        more = trial.place == 1 and trial.arguments["x"] < 4
        return [Trial(1, "tuning", {"x": trial.arguments["x"] + 1}, (0,))] if more else []

    run_trials(quick, first, then, workers=2)
    assert order == [1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("workers", [2, 3])
def test_processes_do_not_run_ahead_of_a_slow_disk(workers, tmp_path):
    """What a killed program has not kept is computed twice, so there is never much of it."""
    log = tmp_path / "calls.txt"
    kept, ahead = [], []

    def function(seeds, x):
        with log.open("a") as file:
            file.write("called\n")
        return {"y": [x]}

    def then(trial, outcome):
        time.sleep(0.05)  # the disk
        ahead.append(log.read_text().count("\n") - len(kept))
        kept.append(trial)
        return []

    run_trials(
        function, [Trial(i, "result", {"x": i}, (0,)) for i in range(30)], then, workers=workers
    )
    assert len(kept) == 30
    assert max(ahead) <= 2 * workers


def test_processes_give_the_same_bits():
    first = [
        Trial(i, "result", {"activation": a}, (1, 2, 3)) for i, a in enumerate(["relu", "gelu"])
    ]
    here, there = (outcomes(study, first, workers=workers) for workers in (1, 2))
    for place, outcome in here.items():
        assert outcome.error is None and outcome.values == there[place].values


def test_a_function_of_a_script_can_be_sent():
    found = outcomes(lambda seeds, x: {"y": [x * seed for seed in seeds]}, trials(3), workers=2)
    assert found[2, "tuning"].values == {"y": (0, 2)}


def test_a_function_that_cannot_be_sent_is_an_error_at_once():
    lock = threading.Lock()
    with pytest.raises(TypeError, match="the function cannot be sent to other processes"):
        run_trials(lambda seeds, x: lock, trials(3), twice, workers=2)


def test_a_trial_whose_process_dies_once_is_run_again(tmp_path):
    found = outcomes(deadly, trials(6, once=str(tmp_path / "died")), twice, workers=2)
    assert all(outcome.error is None for outcome in found.values()) and len(found) == 12
    assert (tmp_path / "died").exists() and found[0, "tuning"].values == {"y": (0.0, 1 / 7)}


def test_a_trial_that_always_ends_its_process_is_an_error_and_the_rest_goes_on():
    found = outcomes(deadly, trials(4), workers=2)
    assert found[0, "tuning"].error.startswith("WorkerDied: ")
    assert [found[i, "tuning"].error for i in (1, 2, 3)] == [None] * 3


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_caller_ends_all(workers):
    def then(trial, outcome):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_trials(quick, trials(6, wait=0.2), then, workers=workers)


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="needs signals")
def test_an_interrupt_ends_the_processes():
    seen = set()

    def interrupt():
        seen.update(children())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(3, interrupt).start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        run_trials(quick, trials(2, wait=60), twice, workers=2)
    assert time.perf_counter() - start < 30
    for _ in range(50):
        if not children():
            break
        time.sleep(0.1)
    assert len(seen) == 2 and children() == set()


@pytest.mark.skipif(os.name == "nt", reason="needs process groups")
@pytest.mark.parametrize("seconds", [None, 0.05, 0.2])
def test_processes_end_with_a_program_that_is_killed(seconds, tmp_path):
    """While they compute, or so soon after their start that they do not yet."""
    program = """
from sweep_functions import quick
from course_lib.experiments import sweep
sweep(quick, {"x": [1, 2], "wait": [600.0]}, seeds=[1], workers=2)
"""
    here = Path(__file__).resolve().parent
    paths = os.pathsep.join([str(here.parent), str(here)])
    log = tmp_path / "calls"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": paths, "SWEEP_LOG": str(log)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if seconds is None:
        while not (log.exists() and len(log.read_text().splitlines()) == 2):
            assert process.poll() is None
            time.sleep(0.05)
    else:
        while not children(process.pid):
            assert process.poll() is None
        time.sleep(seconds)
    process.kill()
    process.wait()
    with pytest.raises(ProcessLookupError):
        for _ in range(1200):
            os.killpg(process.pid, 0)
            time.sleep(0.1)


# Arguments.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"workers": 0}, "workers is 0; expected integers from 1 on"),
        ({"workers": True}, "workers is True; expected integers from 1 on"),
        ({"scheduler": 8786}, "scheduler is a int; expected an address"),
    ],
)
def test_wrong_arguments_are_errors(arguments, told):
    with pytest.raises((TypeError, ValueError), match=told):
        run_trials(quick, trials(1), twice, **arguments)


@pytest.mark.parametrize(
    ("package", "where", "extra"),
    [
        ("threadpoolctl", {}, "sweeps"),
        ("joblib", {"workers": 2}, "sweeps"),
        ("distributed", {"scheduler": "tcp://127.0.0.1:1"}, "cluster"),
    ],
)
def test_a_missing_package_is_named(monkeypatch, package, where, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=rf"needs {package}; .*\[{extra}\]"):
        run_trials(quick, trials(1), twice, **where)
