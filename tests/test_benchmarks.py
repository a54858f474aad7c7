"""The benchmarks run, compare what is the same, and store what the book's page shows."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import apart
import compare_networks
import ensembles
import fuzz_data
import lstm_step
import numpy as np
import pages
import peers
import pytest
import seeds_at_once
import stored
import turns
import versions

from course_lib import activations, network, training

ROOT = Path(__file__).resolve().parent.parent
WITH_BEFORE = ("seeds_at_once", "training_step", "value_and_derivative")
SHOWN = (*WITH_BEFORE, "imports", "ensembles", "growth", "sweeps", "reading_data")
SHOWN += ("compare_networks", "probing_homes")
TRIAL = f"""
import sys
from importlib import import_module
from threads import one_thread
one_thread()
WITH_BEFORE = {WITH_BEFORE}
folder, root, *names = sys.argv[1:]
for name in names:
    before = ["--before", root] if name in WITH_BEFORE else []
    one = ["--threads", "1"] if name == "training_step" else []
    import_module(name).main(["--quick", "--store", folder, *before, *one])
"""


def test_every_benchmark_runs_and_stores_its_tables(tmp_path):
    """In one process, and in one test, because PyTorch and JAX take seconds to start."""
    done = subprocess.run(
        [sys.executable, "-c", TRIAL, str(tmp_path), str(ROOT), *SHOWN],
        cwd=ROOT / "benchmarks",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in tmp_path.iterdir()} == set(SHOWN)
    for name in SHOWN:
        result = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        assert result["quick"]
        assert result["command"] == f"python benchmarks/{name}.py --store"
        assert result["versions"]["numpy"] == np.__version__
        for table in result["tables"].values():
            assert {len(row) for row in table["rows"]} == {len(table["head"])}, name
        table, *_ = result["tables"].values()
        columns = [i for i, head in enumerate(table["head"]) if versions.BEFORE in head]
        assert len(columns) == (name in WITH_BEFORE)
        assert all(float(row[i]) > 0 for row in table["rows"] for i in columns)


def test_the_fuzzer_says_what_it_needs(monkeypatch, capsys):
    monkeypatch.setattr(fuzz_data, "find_spec", lambda name: None)
    assert fuzz_data.main([]) == 1
    assert "install it with: pip install atheris" in capsys.readouterr().err


@pytest.fixture
def case():
    """Return two small networks, the libraries' rooms that train them, and initial parameters."""
    small = peers.Case(2, (2, 3, 2), 4, "tanh", np.float64)
    own = [activations, network, training]
    return small, own, small.network(own, range(2)).parameters


def test_peers_that_make_the_same_step_pass(case):
    small, own, start = case
    found = {"ours": peers.ours(small, own, start), "loop": peers.torch_loop(small, start)}
    found["fit"] = peers.by_fit(small, own, start, seeds_at_once.STEPS)
    seeds_at_once.check_same_steps(small, found, start)
    moved = found["ours"].parameters()["0.weight"]
    assert not np.allclose(moved, start["0.weight"], atol=1e-4)


def test_a_peer_that_makes_another_step_is_an_error(case, monkeypatch):
    small, own, start = case
    found = {"ours": peers.ours(small, own, start)}
    monkeypatch.setattr(peers, "LEARNING_RATE", 0.1001)
    found["loop"] = peers.torch_loop(small, start)
    with pytest.raises(RuntimeError, match="loop makes another step than ours: after 6"):
        seeds_at_once.check_same_steps(small, found, start)


def test_steps_that_change_nothing_are_an_error(case):
    small, _, start = case
    still = peers.Peer(lambda: None, lambda: start)
    with pytest.raises(RuntimeError, match="the steps change nothing"):
        seeds_at_once.check_same_steps(small, {"ours": still}, start)


def test_what_is_timed_beside_an_ensemble_learns_the_same():
    steps = ensembles.of_torch(None, [2, 4, 2]) | ensembles.of_numpy(None, [2, 4, 2])
    ensembles.check_losses(steps)
    assert list(steps) == ["at once", "one after another", "NumPy"]
    assert len(set(steps["at once"].parameters())) == len(ensembles.SEEDS)
    steps["at once"].epoch = lambda: [0.5]
    with pytest.raises(RuntimeError, match="at once has the losses"):
        ensembles.check_losses(steps)


def test_the_lstm_that_is_timed_is_that_of_pytorch(capsys, monkeypatch):
    monkeypatch.setattr(lstm_step, "ROWS", {"small": (3, 2, 4, 5)})
    assert lstm_step.main(["--quick"]) == 0
    head, row, last = capsys.readouterr().out.splitlines()
    assert head.startswith("LSTM") and row.startswith("small")
    assert "the aim is at most 4" in last
    monkeypatch.setattr(lstm_step, "lstm_step", lambda x, h, c, w: (h + 1, c))
    with pytest.raises(RuntimeError, match="differ by more than"):
        lstm_step.main(["--quick"])


def test_networks_are_compared_before_that_is_timed(capsys, monkeypatch):
    monkeypatch.setattr(compare_networks, "SIZES", [6, 4, 3])
    monkeypatch.setattr(compare_networks, "BATCH", 5)
    assert compare_networks.main(["--quick"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("module and graph") for line in lines) == 4
    same = compare_networks.module("relu"), compare_networks.module("relu"), list, list
    with pytest.raises(RuntimeError, match="expected that one layer parts:\nlayer"):
        compare_networks.steps_of(*same, False, np.ones((5, 6)))


def naps(seconds):
    """Return steps, as what is timed in a process of its own does."""
    return {"nap": partial(time.sleep, seconds), "two": peers.Peer(float, dict, steps=2)}


def naps_too_short(_, seconds):
    """Raise an error."""
    raise ValueError(f"{seconds} seconds are no nap")


def given(prepared, *numbers):
    """Return functions of what was prepared, and of what was sent."""
    return {"sum": lambda: prepared + sum(numbers), **naps(0.05)}


def test_a_process_of_its_own_makes_and_times_steps():
    with apart.processes({given: (int, "3")}) as by:
        found = apart.made(by, 4, 5)
        assert found["sum"].result() == 12
        assert [step.steps for step in found.values()] == [1, 1, 2]
        assert found["two"].parameters() == {}
        seconds, cpu = found["nap"].timed(2)
        assert cpu < 0.1 <= seconds
        assert apart.made(by, 1)["sum"].result() == 4
        with pytest.raises(RuntimeError, match="KeyError: 'none'"):
            apart.Step(by[given], "none", 1)()


def test_an_error_in_a_process_of_its_own_is_one_here():
    with (
        pytest.raises(RuntimeError, match="ValueError: 0 seconds are no nap"),
        apart.processes({naps_too_short: ()}) as by,
    ):
        apart.made(by, 0)
    with pytest.raises(RuntimeError, match="ValueError: invalid literal for int"):
        apart.Apart(int, "x")


def interrupt(word):
    """Raise what Ctrl-C does."""
    raise KeyboardInterrupt(word)


def ends(_, how, code):
    """Return a step that ends its process."""
    return {"end": partial(how, code)}


@pytest.mark.parametrize("by", [(os._exit, 1), (interrupt, "Ctrl-C")])
def test_a_process_that_ends_is_an_error_and_leaves_nothing_behind(by, capfd):
    with apart.processes({ends: (), naps: ()}) as process:
        step = process[ends].make(ends, *by)["end"]
        with pytest.raises(RuntimeError, match="has ended without an answer"):
            step()
        with pytest.raises(RuntimeError, match="has ended without an answer"):
            step()
    assert multiprocessing.active_children() == []
    assert capfd.readouterr().err == ""


def test_functions_take_turns():
    calls = []
    steps = {name: partial(calls.append, name) for name in "ab"}
    taken = turns.take_turns(steps, seconds=0, rounds=4, turn=0)
    assert [len(taken[name]) for name in "ab"] == [4, 4]
    per_round = [set(calls[i : i + 2]) for i in range(0, len(calls), 2)]
    assert per_round[0] == per_round[-1] == {"a", "b"}
    assert calls.count("a") == calls.count("b")


def test_a_second_thread_voids_the_comparison(monkeypatch):
    monkeypatch.setattr(turns.time, "process_time", lambda: 2 * time.perf_counter())
    with pytest.raises(RuntimeError, match=r"nap keeps 2.0 CPUs busy; expected one thread"):
        turns.take_turns({"nap": partial(time.sleep, 0.002)}, seconds=0, rounds=1)


def test_a_ratio_is_the_median_of_the_rounds():
    assert turns.ratio([2, 9, 4, 3], [1, 1, 1, 1]) == (3.5, 2.75, 5.25)
    assert str(turns.ratio([2, 9, 4, 3], [1, 1, 1, 1])) == "3.50 [2.75, 5.25]"
    assert turns.fastest({"a": [1, 9, 9], "b": [2, 2, 2]}, ["a", "b"]) == "b"


def test_targets_are_met_or_missed():
    table = stored.target_table("row")
    measured = turns.Ratio(0.7, 0.6, 0.8)
    stored.add_target(table, ["a"], "ours / theirs", measured, 0.7)
    stored.add_target(table, ["b"], "ours / theirs", measured, 0.69)
    stored.add_target(table, ["c"], "ours / theirs", measured, None)
    stored.add_target(table, ["d"], "ours / theirs", None, 0.7)
    assert [row[-1] for row in table.rows] == ["met", "missed", "", ""]
    assert str(table).splitlines()[1].split() == "a ours / theirs 0.70 [0.60, 0.80] 0.7 met".split()


def test_our_ratio_to_each_peer_is_judged():
    taken = {"ours": [1.0] * 3, "before": [2.0] * 3, "vmap": [0.5] * 3}
    cells = seeds_at_once.judged(taken, {"before": 0.5, "vmap": 1, "JAX": 1.1})
    assert cells == ["0.50 [0.50, 0.50] ≤ 0.50", "2.00 [2.00, 2.00] ≤ 1.00", "none", "missed: vmap"]


INTERRUPTED = """
import time
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
try:
    print("started", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.6)  # as removing a worktree takes
    print("cleaned up", flush=True)
    raise
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to a group of processes")
def test_after_an_interrupt_a_program_has_the_time_to_clean_up():
    handled = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{handled}; import threads; threads.run(['-c', {INTERRUPTED!r}])"
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT / "benchmarks",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert child.stdout.readline() == "started\n"
    os.killpg(child.pid, signal.SIGINT)
    assert child.communicate(timeout=30)[0] == "cleaned up\n"
    assert child.returncode


def test_without_the_commit_there_is_a_word(capsys):
    with versions.checkout("0" * 40) as folder:
        assert folder is None
    assert capsys.readouterr().out.startswith(f"Without commit {'0' * 40}: ")


def test_a_folder_takes_the_place_of_the_commit():
    with versions.checkout(folder=ROOT) as folder:
        assert folder == ROOT


@pytest.mark.parametrize("name", ["", "none"])
def test_a_folder_without_the_library_ends_the_program(tmp_path, name):
    word = "has no course_lib; expected a checkout"
    with pytest.raises(SystemExit, match=word):
        versions.library(tmp_path / name)
    with pytest.raises(SystemExit, match=word), versions.checkout(folder=tmp_path / name):
        pytest.fail("no process should start for such a folder")


def test_pages_stand_beside_those_of_another_build():
    now = {"index": {"requests": "8", "KB": "221"}, "book/new": {"requests": "9", "KB": "5"}}
    columns = [("", now), ("beside", {"index": {"requests": "34", "KB": "2,522"}})]
    assert pages.table(["index", "book/new"], columns) == [
        "| page | requests | KB | beside requests | beside KB |",
        "| :--- | ---: | ---: | ---: | ---: |",
        "| index | 8 | 221 | 34 | 2,522 |",
        "| book/new | 9 | 5 |  |  |",
    ]


@pytest.mark.parametrize("missing", ["site", "browser", "lighthouse"])
def test_pages_say_what_is_missing(missing, tmp_path, monkeypatch, capsys):
    if missing != "site":
        (tmp_path / "index.html").write_text("", encoding="utf-8")
    found = {"chromium"} if missing == "lighthouse" else set()
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr("shutil.which", lambda name: name if name in found else None)
    with pytest.raises(SystemExit):
        pages.main(["--site", str(tmp_path), "--lighthouse", "1"])
    told = capsys.readouterr().err
    remedy = {"site": "make book", "browser": "CHROMIUM", "lighthouse": "npm install"}
    assert remedy[missing] in told
