"""A sweep on a real scheduler of Dask, with workers that die, freeze and are cut off."""

import gc
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest
from sweep_functions import compared, deadly, quick, study

from course_lib.experiments import sweep
from course_lib.experiments.standard import Tune
from course_lib.experiments.trials import Trial
from course_lib.experiments.workers import run_trials

distributed = pytest.importorskip("distributed", reason="distributed is not installed")
pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="needs signals"),
    # of distributed's own sockets and event loops, when it is closed
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ROOT = Path(__file__).resolve().parent.parent
TUNE = Tune("learning_rate", [0.01, 0.1, 1.0], "accuracy", budget=None, seeds=[90, 91], widen=1)
SWEEP = {
    "function": study,
    "grid": {"activation": ["relu", "gelu", "tanh"], "epochs": [2], "wait": [0.2]},
    "seeds": range(2),
    "tune": TUNE,
    "progress": False,
}


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder):
        self.folder, self.started, self.workers = folder, [], {}
        self.scheduler = self.start("scheduler", "--port", "0", "--scheduler-file", self.file)

    @property
    def file(self):
        return str(self.folder / "scheduler.json")

    @property
    def address(self):
        import json

        for _ in range(600):
            try:
                return json.loads(Path(self.file).read_text())["address"]
            except (FileNotFoundError, ValueError):
                time.sleep(0.05)
        raise RuntimeError("the scheduler has not started")

    def start(self, kind, *arguments):
        settings = {
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "5s",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + kind, *arguments, "--no-dashboard"],
            env=os.environ | settings,
            cwd=self.folder,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def worker(self, name, address=None):
        """Start a worker without a nanny, which would start it anew."""
        arguments = ["--no-nanny", "--nthreads", "1", "--name", name]
        self.workers[name] = self.start("worker", address or self.address, *arguments)
        return self.workers[name]

    def close(self):
        for process in self.started:
            process.kill()  # also ends what is stopped
            process.wait()


@pytest.fixture
def cluster(tmp_path):
    own = Cluster(tmp_path)
    yield own
    own.close()


def with_workers(cluster, count):
    for i in range(count):
        cluster.worker(f"w{i}")
    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=120)
    return cluster


class Proxy:
    """Passes bytes on between workers and a scheduler, until it is cut."""

    def __init__(self, address):
        host, port = address.removeprefix("tcp://").rsplit(":", 1)
        self.target, self.sockets = (host, int(port)), []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.server.accept()
                far = socket.create_connection(self.target)
            except OSError:
                return
            self.sockets += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(one, other), daemon=True).start()

    @staticmethod
    def copy(one, other):
        try:
            while chunk := one.recv(65536):
                other.sendall(chunk)
        except OSError:
            pass

    def cut(self):
        self.server.close()
        for own in self.sockets:
            try:
                own.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            own.close()


@pytest.fixture(scope="module")
def inline():
    return sweep(**SWEEP)


def test_one_worker_is_killed_and_one_is_cut_off(cluster, inline, tmp_path):
    with_workers(cluster, 3)
    seen, start = [], time.perf_counter()

    def harm(now):
        seen.append(now.finished)
        if now.finished == 3:
            cluster.workers["w0"].send_signal(signal.SIGKILL)
            cluster.workers["w1"].send_signal(signal.SIGSTOP)  # answers nobody, and stays connected

    out = tmp_path / "results.parquet"
    records = sweep(**{**SWEEP, "progress": harm}, scheduler=cluster.address, out=out)
    assert compared(records) == compared(inline)
    assert seen == list(range(1, len(set(inline.values("trial"))) + 1))  # each came back once
    assert cluster.workers["w0"].poll() == -signal.SIGKILL and cluster.workers["w1"].poll() is None
    assert time.perf_counter() - start < 60


def test_a_worker_whose_connection_is_closed(cluster, inline):
    proxy = Proxy(cluster.address)
    cluster.worker("far", proxy.address)
    with_workers(cluster, 1)
    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=120)
        start = time.perf_counter()
        records = sweep(
            **{**SWEEP, "progress": lambda now: proxy.cut() if now.finished == 3 else None},
            scheduler=client,
        )
        assert client.status == "running"  # a client that was passed in stays open
    assert compared(records) == compared(inline)
    assert time.perf_counter() - start < 60


def test_workers_may_come_later(cluster, inline):
    with_workers(cluster, 1)
    hosts = set()

    def grow(now):
        if now.finished == 1:
            cluster.worker("late")
        with distributed.Client(cluster.address, set_as_default=False) as client:
            hosts.update(client.scheduler_info()["workers"])

    records = sweep(**{**SWEEP, "progress": grow}, scheduler=cluster.address)
    assert compared(records) == compared(inline) and len(hosts) == 2


def test_a_trial_that_ends_all_its_workers_is_an_error_and_the_rest_goes_on(cluster):
    cluster.start("worker", cluster.address, "--nworkers", "2", "--nthreads", "1")  # with nannies
    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=120)
    found = {}

    def then(trial, outcome):
        found[trial.place] = outcome
        return []

    trials = [Trial(i, "result", {"x": i}, (1,)) for i in range(5)]
    run_trials(deadly, trials, then, scheduler=cluster.address)
    assert found[0].error.startswith("WorkerDied: ")
    assert [found[i].error for i in range(1, 5)] == [None] * 4


def test_an_interrupt_cancels_what_waits(cluster):
    with_workers(cluster, 1)

    def stop(now):
        raise KeyboardInterrupt

    with distributed.Client(cluster.address, set_as_default=False) as client:
        with pytest.raises(KeyboardInterrupt):
            sweep(
                quick,
                {"x": list(range(50)), "wait": [0.2]},
                seeds=[1],
                scheduler=client,
                progress=stop,
            )
        for _ in range(100):
            if not sum(map(len, client.processing().values())):
                break
            time.sleep(0.1)
        assert not sum(map(len, client.processing().values()))


def test_a_function_that_the_workers_lack_is_an_error_at_once(cluster, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here/only_here.py").write_text("def function(seeds):\n    return {'y': [1]}\n")
    monkeypatch.syspath_prepend(tmp_path / "here")
    import only_here

    with_workers(cluster, 1)
    with pytest.raises(RuntimeError, match=r"cannot run the trials .*No module named .only_here"):
        sweep(only_here.function, {}, seeds=[1], scheduler=cluster.address)


def test_nobody_at_the_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionError, match=f"no scheduler answers at 'tcp://127.0.0.1:{port}'"):
        sweep(quick, {}, seeds=[1], scheduler=f"tcp://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "address", ["", "nowhere", "tcp://127.0.0.1", "tcp://127.0.0.1:port", "udp://127.0.0.1:1"]
)
def test_what_is_no_address_is_told_with_one(address):
    told = re.escape(f"no scheduler answers at {address!r}; expected the address that `dask")
    with pytest.raises(ValueError, match=f"{told}.*such as 'tcp://10.0.0.1:8786'"):
        sweep(quick, {}, seeds=[1], scheduler=address)


def test_no_client_is_collected_while_another_starts(monkeypatch):
    """That would close it, which waits for a lock that the one that starts may hold."""
    left = []

    class Client:
        """One whose scheduler does not answer, and which refers to itself, as the real one does."""

        def __init__(self, *arguments, **options):
            assert not gc.isenabled()
            assert not any(reference() for reference in left)
            self.own = self
            left.append(weakref.ref(self))
            raise OSError("no")

    monkeypatch.setattr(distributed, "Client", Client)
    for _ in range(2):
        with pytest.raises(ConnectionError, match="no scheduler answers"):
            sweep(quick, {}, seeds=[1], scheduler="tcp://127.0.0.1:1")
        assert gc.isenabled()
    assert len(left) == 2


def test_a_scheduler_without_workers(cluster, monkeypatch):
    monkeypatch.setattr("course_lib.experiments.workers.CONNECT", 2)
    with pytest.raises(ConnectionError, match=r"has no workers .*start one with: dask worker tcp"):
        sweep(quick, {}, seeds=[1], scheduler=cluster.address)


def test_a_scheduler_that_is_lost(cluster):
    with_workers(cluster, 1)

    def lose(now):
        cluster.scheduler.kill()

    with pytest.raises(ConnectionError, match="lost"):
        sweep(
            quick,
            {"x": [1, 2, 3], "wait": [0.5]},
            seeds=[1],
            scheduler=cluster.address,
            progress=lose,
        )
